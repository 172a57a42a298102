# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verbs of mysql-ha that change something. Every wait has a bound; whatever cannot be done raises Failure."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import asking, table, trackfile, vip
from .asking import NoAnswer
from .config import Config
from .departure import Departure
from .guard import Server
from .lib._connection import MysqlError

LOOK_AGAIN = 0.02  # seconds
AGENT_BOUND = 1.0  # that the agent gets beyond its own bounds
PROMOTE_BOUND = 10.0
FORGOTTEN = 15.0  # a request that is older was left by a command that was killed
PAUSE_BOUND = 2.0
LEAVE_BOUND = 2.0  # also what a stop takes longer where the writer waits for another standby too
NOT_IN_TIME = 3  # exit status
KEEPALIVED_STOPS = "keepalived stops"  # the hold that keepalived's unit places


class Failure(Exception):
    """Ends the command with status 1 and this text."""


def _wait(config: Config, seconds: float, done: Callable[[dict[str, Any]], bool]) -> bool:
    """Asks the own agent until `done` says so. Returns False past the bound, or when the agent does not answer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if done(asking.ask_own(config)):
                return True
        except NoAnswer:
            return False
        time.sleep(LOOK_AGAIN)
    return False


# ---- closing ---------------------------------------------------------------------------------------------------------


def demote(config: Config, options: argparse.Namespace) -> int:
    leaves = options.hold == trackfile.MYSQLD_STOPS and _is_waited_for(config)
    trackfile.place_hold(config.hold_file, options.hold)
    _close(config)
    if leaves:
        _wait(config, LEAVE_BOUND, _has_left)
    elif options.hold != trackfile.MYSQLD_STOPS:
        print(f"{config.instance} is closed for writes and held until mysql-ha release, or until its host reboots.")
    return 0


def _is_waited_for(config: Config) -> bool:
    """By a writer, which lets go of a standby that receives within milliseconds, but of one that has just gone only
    after up to a second, in which no write goes through."""
    try:
        own = asking.ask_own(config)
    except NoAnswer:
        return False
    return config.is_candidate and config.durability == "available" and own["phase"] == "standby"


def _has_left(told: dict[str, Any]) -> bool:
    return not any(channel["receiver"] in ("Yes", "Connecting") for channel in told["mysqld"]["channels"])


def release(config: Config, options: argparse.Namespace) -> int:
    trackfile.remove_hold(config.hold_file, options.hold)
    return 0


def leave_vip(config: Config, options: argparse.Namespace) -> int:
    """The VIP goes in any case: without keepalived nobody would take it from here when it is somebody else's."""
    departure = Departure(config, lambda: False)
    by_agent = False
    try:
        trackfile.place_hold(config.hold_file, KEEPALIVED_STOPS)
        by_agent = _close(config)
    finally:
        try:
            if not by_agent:
                departure.begin()
            vip.remove(config.vip, config.interface)
            if not by_agent:
                departure.see_off()
        finally:
            trackfile.remove_hold(config.hold_file, KEEPALIVED_STOPS)
    return 0


def _close(config: Config) -> bool:
    """By the agent, and without it where it does not; whether it did. Returns when mysqld acknowledges no write any
    more."""
    if _wait(config, config.hang_timeout + config.demote_timeout + AGENT_BOUND, _closed_by_agent):
        return True
    own = replace(config, mysql_user=getpass.getuser())
    try:
        done = Server(own).close_for_writes()
    except (OSError, MysqlError) as error:
        raise Failure(f"mysqld could not be closed for writes: {error}") from None
    print(f"mysql-ha: the agent did not close it: {done}", file=sys.stderr)
    return False


def _closed_by_agent(told: dict[str, Any]) -> bool:
    mysqld = told["mysqld"]
    return told["hold"] is not None and told["phase"] == "held" and (not mysqld["alive"] or bool(mysqld["read_only"]))


# ---- pause -----------------------------------------------------------------------------------------------------------


def pause(config: Config, options: argparse.Namespace) -> int:
    trackfile.place_hold(config.pause_file, " ".join(options.reason) or "by hand")
    return _confirm_pause(config, True)


def resume(config: Config, options: argparse.Namespace) -> int:
    trackfile.remove_hold(config.pause_file, None)
    return _confirm_pause(config, False)


def _confirm_pause(config: Config, paused: bool) -> int:
    if not _wait(config, PAUSE_BOUND, lambda told: bool(told["paused"]) is paused):
        print("mysql-ha: the agent does not answer; it will follow when it runs", file=sys.stderr)
    return 0


# ---- promote ---------------------------------------------------------------------------------------------------------


def promote(config: Config, options: argparse.Namespace) -> int:
    """Exit status 0: it is the writer; NOT_IN_TIME: it is not yet."""
    try:
        own = asking.ask_own(config)
    except NoAnswer as error:
        raise Failure(f"the agent of {config.instance} does not answer: {error}") from None
    if own["writer"]:
        print(f"{config.instance} is the writer already.")
        return 0
    answers = asking.ask_all(config)
    _refuse(own, answers, options.accept_data_loss)
    if options.accept_data_loss:
        print("\n".join(table.losses(own, answers)))
        if not options.yes:
            _confirm(config)
    request = "accept-data-loss" if options.accept_data_loss else "promote"
    _place_request(config.request_file, request)
    try:
        promoted = _wait(config, PROMOTE_BOUND, lambda told: bool(told["writer"]))
    finally:
        Path(config.request_file).unlink(missing_ok=True)
    if promoted:
        print(f"{config.instance} is the writer.")
        return 0
    _say_why_not_yet(config)
    return NOT_IN_TIME


def forget_errant(config: Config, options: argparse.Namespace) -> int:
    """Ends a quarantine, once the writer has all transactions that this instance has. Exit status as of `promote`."""
    try:
        own = asking.ask_own(config)
    except NoAnswer as error:
        raise Failure(f"the agent of {config.instance} does not answer: {error}") from None
    if not own["errant"]:
        print(f"{config.instance} is not quarantined.")
        return 0
    _place_request(config.request_file, "forget-errant")
    try:
        done = _wait(config, PROMOTE_BOUND, lambda told: not told["errant"])
    finally:
        Path(config.request_file).unlink(missing_ok=True)
    if done:
        print(f"{config.instance} is not quarantined any more. It had: {own['errant']}")
        return 0
    print(f"mysql-ha: {config.instance} stays quarantined: no live writer has all of {own['errant']}", file=sys.stderr)
    return NOT_IN_TIME


def _refuse(own: dict[str, Any], answers: list[dict[str, Any]], accept_data_loss: bool) -> None:
    """Raises Failure where a promotion would be wrong, or could not come about."""
    name = own["instance"]
    if own["role"] != "candidate":
        raise Failure(f"{name} is a reader, and a reader never leads")
    for answer in answers:
        if answer.get("writer"):
            raise Failure(f"{answer['instance']} is the writer, and answers; to move the VIP: mysql-ha demote there")
    for peer in own["peers"]:
        if peer["phase"] == "writer" and peer["age"] is not None and peer["age"] <= table.HEARD:
            raise Failure(f"{peer['name']} was heard as the writer {peer['age']:.1f} s ago")
    if not own["eligible"] and not accept_data_loss:
        raise Failure(f"{name} may not lead: {' '.join(own['reasons']) or 'not known yet'}")


def _confirm(config: Config) -> None:
    if not sys.stdin.isatty():
        raise Failure("without a terminal to ask on, --yes is needed")
    if input(f"Promote {config.instance} all the same? Type its name: ").strip() != config.instance:
        raise Failure("nothing was done")


def _place_request(path: str, request: str) -> None:
    """Whole or not at all. Raises OSError; Failure when somebody else asks right now."""
    with contextlib.suppress(FileNotFoundError):
        if abs(time.time() - Path(path).stat().st_mtime) < FORGOTTEN:
            raise Failure(f"somebody else asks for a promotion right now ({path})")
    fresh = Path(f"{path}.new")
    fresh.unlink(missing_ok=True)
    with fresh.open("x", encoding="ascii") as file:
        file.write(request + "\n")
    fresh.replace(path)


def _say_why_not_yet(config: Config) -> None:
    try:
        own = asking.ask_own(config)
    except NoAnswer as error:
        raise Failure(f"the agent stopped answering: {error}") from None
    if own["reasons"]:
        why = " ".join(own["reasons"])
    elif own["waiting"]:
        why = f"it waits for {own['waiting']}"
    else:
        why = f"it is {own['phase']}" if own["vip_here"] else "the VIP has not come here"
    print(f"mysql-ha: {own['instance']} is not the writer after {PROMOTE_BOUND:g} s: {why}", file=sys.stderr)
