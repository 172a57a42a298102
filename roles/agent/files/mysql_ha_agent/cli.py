# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command mysql-ha."""

from __future__ import annotations

import argparse
import getpass
import http.client
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import trackfile
from .config import DIRECTORY, Config, ConfigError, Member, load
from .demotion import demote as close_for_writes
from .journal import Journal
from .lib._connection import MysqlError
from .loop import Agent
from .mysqld import Instance, NotThere

EX_CONFIG = 78
ASK_TIMEOUT = 1.0
ASK_AGAIN = 0.02
HEADINGS: tuple[str, ...] = (
    "INSTANCE", "ROLE", "PHASE", "VIP", "READ_ONLY", "CHANNEL", "LAG", "SEMI-SYNC", "MAY LEAD",
)
AGENT_BOUND = 1.0  # seconds that the agent gets beyond its own bounds to demote


class Failure(Exception):
    """Ends the command with status 1 and this text."""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return int(options.verb(options))
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return EX_CONFIG
    except (Failure, OSError) as error:
        print(f"mysql-ha: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mysql-ha", description="The failover agent of a MySQL instance.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text)
        added.set_defaults(verb=run)
        return added

    for name, run, text in (
        ("run", _run, "Run the agent (what the unit does)."),
        ("validate", _validate, "Check a configuration file."),
    ):
        verb(name, run, text).add_argument("--config", type=Path, required=True)
    for name, run, text in (
        ("status", _status, "Show the whole cluster."),
        ("explain", _explain, "Say why this instance may lead or not."),
        ("demote", _demote, "Hold the instance and close it for writes; returns when it is closed."),
        ("release", _release, "Remove the hold."),
    ):
        verb(name, run, text).add_argument(
            "--instance", help="default: the only one in /etc/mysql-ha; with several it must be named")
    verbs.choices["status"].add_argument("--json", action="store_true", help="everything that every agent says")
    verbs.choices["demote"].add_argument("--hold", default="demoted by hand", metavar="REASON")
    verbs.choices["release"].add_argument("--hold", metavar="REASON", help="only a hold with exactly this reason")
    return parser


def _config(options: argparse.Namespace) -> Config:
    if options.instance:
        return load(DIRECTORY / f"{options.instance}.json")
    found = sorted(DIRECTORY.glob("*.json"))
    if len(found) != 1:
        raise Failure(f"there are {len(found)} instances in {DIRECTORY}, name one with --instance")
    return load(found[0])


def _run(options: argparse.Namespace) -> int:
    config = load(options.config)
    journal = Journal()
    try:
        Agent(config, journal).run()
    finally:
        journal.stop()
    return 0


def _validate(options: argparse.Namespace) -> int:
    load(options.config)
    return 0


# ---- questions -------------------------------------------------------------------------------------------------------


def ask(address: str, port: int, timeout: float = ASK_TIMEOUT) -> dict[str, Any]:
    """An agent's /status. Raises OSError or ValueError."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", "/status")
        return dict(json.loads(connection.getresponse().read()))
    except http.client.HTTPException as error:
        raise ValueError(f"no agent answers there: {error!r}") from None
    finally:
        connection.close()


def _ask_member(member: Member) -> dict[str, Any]:
    try:
        return ask(str(member.address), member.agent_port)
    except (OSError, ValueError) as error:
        return {"instance": member.name, "role": member.role, "error": str(error)}


def _status(options: argparse.Namespace) -> int:
    """Status 0 when exactly one agent answers as writer."""
    config = _config(options)
    with ThreadPoolExecutor(len(config.members)) as pool:
        answers = list(pool.map(_ask_member, config.members))
    if options.json:
        print(json.dumps({"cluster": config.cluster, "instances": answers}, indent=1))
    else:
        print(table(config, answers))
    return 0 if sum(bool(answer.get("writer")) for answer in answers) == 1 else 1


def table(config: Config, answers: list[dict[str, Any]]) -> str:
    rows = [HEADINGS, *map(_row, answers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([f"cluster {config.cluster}, {config.topology}, VIP {config.vip}", *lines])


def _row(answer: dict[str, Any]) -> tuple[str, ...]:
    if "error" in answer:
        return (answer["instance"], answer["role"], "no answer", "?", "?", "?", "?", "?", answer["error"])
    mysqld, semi_sync = answer["mysqld"], answer["mysqld"]["semi_sync"]
    channels = [
        "broken" if channel["broken"]
        else "running" if channel["receiver"] == "Yes" and channel["applier"]
        else channel["receiver"].lower().replace("no", "stopped")
        for channel in mysqld["channels"]
    ]
    lags = [channel["lag"] for channel in mysqld["channels"] if channel["lag"] is not None]
    waits = "-" if not semi_sync else f"{semi_sync['clients']} connected" if semi_sync["source"] else "off"
    return (
        answer["instance"], answer["role"], answer["phase"],
        "here" if answer["vip_here"] else "-",
        {None: "?", True: "yes", False: "no"}[mysqld["read_only"]],
        ", ".join(channels) or "-",
        f"{max(lags):g} s" if lags else "-",
        waits if answer["writer"] else "-",
        "yes" if answer["eligible"] else " ".join(answer["reasons"]) or "not known yet",
    )


def _explain(options: argparse.Namespace) -> int:
    """Status 0 when it may lead."""
    config = _config(options)
    try:
        told = ask("127.0.0.1", config.agent_port)
    except (OSError, ValueError) as error:
        raise Failure(f"the agent of {config.instance} does not answer: {error}") from None
    print(f"{config.instance} is {told['phase']}." + (f" It waits for {told['waiting']}." if told["waiting"] else ""))
    print("It may hold the writer VIP." if told["eligible"] else "It may not hold the writer VIP:")
    for reason in told["reasons"]:
        print(f"  {reason}")
    return 0 if told["eligible"] else 1


# ---- hold and release ------------------------------------------------------------------------------------------------


def _release(options: argparse.Namespace) -> int:
    trackfile.remove_hold(_config(options).hold_file, options.hold)
    return 0


def _demote(options: argparse.Namespace) -> int:
    config = _config(options)
    trackfile.place_hold(config.hold_file, options.hold)
    if not _demoted_by_agent(config):
        _demote_here(config)
    return 0


def _demoted_by_agent(config: Config) -> bool:
    deadline = time.monotonic() + config.hang_timeout + config.demote_timeout + AGENT_BOUND
    while time.monotonic() < deadline:
        try:
            told = ask("127.0.0.1", config.agent_port)
        except (OSError, ValueError):
            return False
        mysqld = told["mysqld"]
        if told["hold"] is not None and told["phase"] == "held":
            return not mysqld["alive"] or bool(mysqld["read_only"])
        time.sleep(ASK_AGAIN)
    return False


def _demote_here(config: Config) -> None:
    """Without the agent. Raises Failure where mysqld could be neither closed nor killed."""
    user = getpass.getuser()
    try:
        instance = Instance(config.socket, user, config.hang_timeout)
    except NotThere:
        return
    except MysqlError as error:
        raise Failure(f"mysqld could not be closed for writes: {error}") from None
    errors: list[MysqlError] = []

    def close() -> None:
        try:
            close_for_writes(instance.sessions["gate"], instance.sessions["second"], user, instance.semi_sync_source)
        except MysqlError as error:
            errors.append(error)

    worker = threading.Thread(target=close, daemon=True)
    worker.start()
    worker.join(config.hang_timeout)
    if worker.is_alive() or errors:
        instance.process.kill()
        print(f"mysql-ha: mysqld was killed: {errors[0] if errors else 'it did not close in time'}", file=sys.stderr)
