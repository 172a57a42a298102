# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command mysql-ha. The man page and the completion say the same as this parser; a test keeps them equal."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from . import asking, guard, table, verbs
from .asking import NoAnswer
from .config import DIRECTORY, Config, ConfigError, load
from .journal import Journal
from .loop import Agent
from .verbs import Failure

EX_CONFIG = 78
INTERRUPTED = 130
CLEAR = "\033[H\033[2J"


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        return int(options.verb(options))
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return EX_CONFIG
    except (Failure, OSError) as error:
        print(f"mysql-ha: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="mysql-ha", description="The failover agent of a MySQL instance.")
    subparsers = whole.add_subparsers(required=True, metavar="VERB")

    def add(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = subparsers.add_parser(name, help=text, description=text)
        added.set_defaults(verb=run)
        return added

    def add_for_instance(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = add(name, lambda options: run(_config(options), options), text)
        added.add_argument(
            "--instance", metavar="NAME", help="default: the only one in /etc/mysql-ha; with several it must be named")
        return added

    status = add_for_instance("status", _status, "Show the whole cluster.")
    status.add_argument("--json", action="store_true", help="everything that every agent says")
    status.add_argument("--watch", type=_seconds, nargs="?", const=2.0, metavar="SECONDS",
                        help="again and again until Ctrl-C, every 2 seconds by default")
    status.add_argument("--count", type=int, metavar="TIMES", help="with --watch: so many times")
    add_for_instance("explain", _explain, "Say why this instance may lead or not, and what would happen at a failover.")
    promote = add_for_instance("promote", verbs.promote, "Make this instance the writer when no writer is left.")
    promote.add_argument("--accept-data-loss", action="store_true",
                         help="even if it was left behind or is quarantined; says what would be lost")
    promote.add_argument("--yes", action="store_true", help="do not ask")
    demote = add_for_instance(
        "demote", verbs.demote, "Hold the instance and close it for writes; returns when it is closed.")
    demote.add_argument("--hold", default="demoted by hand", metavar="REASON", help="default: %(default)s")
    release = add_for_instance("release", verbs.release, "Remove the hold.")
    release.add_argument("--hold", metavar="REASON", help="only a hold with exactly this reason")
    pause = add_for_instance("pause", verbs.pause, "Have the agent leave the instance as it is until it is resumed.")
    pause.add_argument("reason", nargs="*", metavar="REASON", help="default: by hand")
    add_for_instance("resume", verbs.resume, "End the pause.")
    add_for_instance("forget-errant", verbs.forget_errant,
                     "End a quarantine whose transactions a person has put into the cluster.")
    add_for_instance("leave-vip", verbs.leave_vip,
                     "Close the instance for writes and take the VIP off (what keepalived's unit does after its end).")
    for name, run, text in (
        ("run", _run, "Run the agent (what its unit does)."),
        ("guard", _guard, "Watch the disks and the agent (what its unit does)."),
        ("validate", _validate, "Check a configuration file."),
    ):
        add(name, run, text).add_argument("--config", type=Path, required=True, metavar="FILE")
    return whole


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.1 <= seconds <= 3600:
        raise ValueError(text)
    return seconds


def _config(options: argparse.Namespace) -> Config:
    if options.instance:
        return load(DIRECTORY / f"{options.instance}.json")
    found = sorted(DIRECTORY.glob("*.json"))
    if len(found) != 1:
        raise Failure(f"there are {len(found)} instances in {DIRECTORY}, name one with --instance")
    return load(found[0])


# ---- what units do ---------------------------------------------------------------------------------------------------


def _run(options: argparse.Namespace) -> int:
    config = load(options.config)
    journal = Journal()
    try:
        Agent(config, journal).run()
    finally:
        journal.stop()
    return 0


def _guard(options: argparse.Namespace) -> int:
    config = load(options.config)
    journal = Journal()
    try:
        guard.run(config, journal)
    finally:
        journal.stop()
    return 0


def _validate(options: argparse.Namespace) -> int:
    load(options.config)
    return 0


# ---- questions -------------------------------------------------------------------------------------------------------


def _status(config: Config, options: argparse.Namespace) -> int:
    """Exit status 0 when exactly one agent answers as writer; with --watch that of the last look."""
    looks = 0
    while True:
        answers, views = asking.ask_everybody(config)
        if options.json:
            text = json.dumps({"cluster": config.cluster, "instances": answers, "proxies": views}, indent=1)
        else:
            text = table.status(config, answers, views)
        clear = CLEAR if options.watch and sys.stdout.isatty() else ""
        print(clear + text, flush=True)
        looks += 1
        if not options.watch or looks == options.count:
            return 0 if sum(bool(answer.get("writer")) for answer in answers) == 1 else 1
        time.sleep(options.watch)


def _explain(config: Config, options: argparse.Namespace) -> int:
    """Exit status 0 when it may lead."""
    try:
        own = asking.ask_own(config)
    except NoAnswer as error:
        raise Failure(f"the agent of {config.instance} does not answer: {error}") from None
    print(table.explanation(config, own))
    return 0 if own["eligible"] else 1
