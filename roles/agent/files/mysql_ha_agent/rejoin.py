# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Provisions an instance with errant transactions anew: they are saved, the writer is cloned, the channel repaired.

The agent does this itself, in a lane of its own: mysqld does the copying and restarts itself, so nothing is lost when
the agent dies meanwhile, and no other program has to be trusted with more rights. What is to be done is on disk before
the first step, and every step may be repeated: `Rejoining.pending` finds a rejoin that was interrupted. Until the last
one a hold keeps the instance out, so one that is half done never looks healthy.

The GTIDs of the errant transactions must not be given again to other data. So mysqld's unit removes auto.cnf at each
start while the plan is there, and the copy runs with a new server_uuid; one start more is one server_uuid more.

No secret is handed to the agent: the account of the instance's own channel may clone, and mysqld keeps its password in
mysql.slave_master_info, which the agent's account may read. While a rejoin is under way it is in the plan as well
(0600, in the agent's own directory), because the copy brings the donor's channel instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from . import errant, trackfile
from .config import Config, Member
from .lib._channel import change_statement, missing
from .lib._channel_steps import ChannelSteps
from .lib._connection import LOST_CONNECTION, MysqlError, Row, Session
from .lib._dialect import CHANNEL_OPTIONS
from .lib._instance import read_channels_of, read_dialect
from .model import Peer
from .sessions import NotThere, dial

HOLD = "the agent provisions this instance anew by CLONE"
NO_SUPERVISOR = 3707
LOGIN = 3.0  # seconds
LOOK_EVERY = 0.5
RESTART = 900.0  # seconds for mysqld to come back with the copy, its crash recovery included

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    errant: str
    donor: str  # name of the member
    uuid: str  # of this server, before the copy
    channel: dict[str, Any]  # its options, the password among them
    saved: str = ""  # the file with the errant transactions
    cloned: bool = False
    clone_began: str = ""  # of the clone before this one


class Rejoining:
    def __init__(self, config: Config, writer: Callable[[], Peer | None], say: Say) -> None:
        """`writer` tells what the live writer's agent said last, None when there is none; `say` writes a line into the
        journal."""
        self._config = config
        self._writer = writer
        self._say = say
        self._directory = Path(config.state_file).parent
        self._plan_file = self._directory / f"{config.instance}.rejoin.json"

    def pending(self) -> str | None:
        """The errant transactions of a rejoin that was begun and has not ended."""
        if not self._plan_file.exists():
            trackfile.remove_hold(self._config.hold_file, HOLD)  # the agent died between the last two steps
            return None
        try:
            return self._load().errant
        except (OSError, ValueError, TypeError) as error:
            return f"unknown: {error}"

    def run(self, gtids: str) -> None:
        """From wherever an earlier attempt has stopped. Raises MysqlError or OSError; then it is to be run again.

        Nothing of the instance is lost before its errant transactions are in a file.
        """
        config = self._config
        trackfile.place_hold(config.hold_file, HOLD)
        if trackfile.read_hold(config.hold_file) != HOLD:
            raise MysqlError("somebody else holds this instance")
        if not self._plan_file.exists():
            try:
                self._store(self._make_plan(gtids))
            except (MysqlError, NotThere):
                trackfile.remove_hold(config.hold_file, HOLD)
                raise
        plan = self._load()
        with contextlib.closing(self._session()) as session:
            if not plan.cloned:
                plan = self._save_errant(session, plan)
                plan = self._clone(session, plan)
        with contextlib.closing(self._session()) as session:
            self._repair(session, plan)
        self._plan_file.unlink()
        errant.sync_directory(self._directory)
        trackfile.remove_hold(config.hold_file, HOLD)
        self._say(f"provisioned anew from {plan.donor}; its errant transactions {plan.errant} are in {plan.saved}")

    # ---- the plan ----------------------------------------------------------------------------------------------------

    def _make_plan(self, gtids: str) -> Plan:
        with contextlib.closing(self._session()) as session:
            channels = read_channels_of(session)
            if [channel["name"] for channel in channels] != [""]:
                raise MysqlError("it takes exactly one channel, the default one, to know how to replicate afterwards")
            password = session.value("SELECT user_password FROM mysql.slave_master_info WHERE channel_name = ''")
            began = str(_last_clone(session).get("begin_time", ""))
            plan = Plan(gtids, "", _uuid(session), options_of(channels[0], str(password or "")), clone_began=began)
            return replace(plan, donor=self._donor(session, plan))

    def _donor(self, session: Session, plan: Plan) -> str:
        """Name of the live writer. Raises MysqlError if it is this server itself, or has the errant transactions, or
        cannot be cloned: before anything is planned, because what is planned is held until it is done."""
        writer = self._writer()
        if writer is None or writer.name == self._config.instance or not writer.uuid:
            raise MysqlError("there is no live writer to clone")
        if self._member(writer.name).address.version == 6:
            raise MysqlError("CLONE takes no IPv6 address")
        if writer.uuid == _uuid(session):  # not the plan's: each start since has renewed it
            raise MysqlError(f"{writer.name} is this server itself")
        if not session.value("SELECT GTID_SUBTRACT(%s, %s) = GTID_SUBTRACT(%s, '')",
                             [plan.errant, writer.gtid_executed, plan.errant]):
            raise MysqlError(f"{writer.name} has some of {plan.errant}, so they are not errant")
        return writer.name

    def _member(self, name: str) -> Member:
        return next(member for member in self._config.peers if member.name == name)

    def _load(self) -> Plan:
        return Plan(**json.loads(self._plan_file.read_text(encoding="utf-8")))

    def _store(self, plan: Plan) -> Plan:
        """On disk when this returns. Raises OSError."""
        fresh = self._plan_file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(plan), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._plan_file)
        errant.sync_directory(self._directory)
        return plan

    # ---- the steps ---------------------------------------------------------------------------------------------------

    def _save_errant(self, session: Session, plan: Plan) -> Plan:
        if plan.saved:
            return plan
        _stop_channels(session)
        file = errant.save(
            session, self._config.socket, self._config.mysql_user, self._directory, self._config.instance, plan.errant)
        self._say(f"the errant transactions {plan.errant} are saved in {file}")
        return self._store(replace(plan, saved=str(file)))

    def _clone(self, session: Session, plan: Plan) -> Plan:
        """The copy may be there already: an agent that died while mysqld copied finds it so."""
        last = _last_clone(session)
        if str(last.get("begin_time", "")) == plan.clone_began or last.get("state") == "Failed":
            donor = self._donor(session, plan)
            plan = self._store(replace(plan, donor=donor, clone_began=str(last.get("begin_time", ""))))
            self._copy(session, plan)
        self._wait_for_copy(plan)
        return self._store(replace(plan, cloned=True))

    def _copy(self, session: Session, plan: Plan) -> None:
        member = self._member(plan.donor)
        if not session.value("SELECT @@GLOBAL.read_only"):
            raise MysqlError("this instance is open for writes")
        _stop_channels(session)
        address = str(member.address)
        session.run("SET GLOBAL clone_valid_donor_list = %s", [f"{address}:{member.port}"])
        if plan.channel.get("source_ssl_ca"):
            session.run("SET GLOBAL clone_ssl_ca = %s", [plan.channel["source_ssl_ca"]])
        session.run("SET GLOBAL super_read_only = OFF")  # CLONE demands it; read_only stays on
        try:
            session.run(
                "CLONE INSTANCE FROM %s@%s:%s IDENTIFIED BY %s REQUIRE SSL",
                [plan.channel["source_user"], address, member.port, plan.channel["source_password"]])
        except MysqlError as error:
            if error.number == NO_SUPERVISOR:
                self._say("no supervisor restarts mysqld here; start it by hand")
            elif error.number not in (*LOST_CONNECTION, 0, None):
                session.run("SET GLOBAL super_read_only = @@GLOBAL.read_only")
                raise

    def _wait_for_copy(self, plan: Plan) -> None:
        deadline = time.monotonic() + RESTART
        why = ""
        while time.monotonic() < deadline:
            time.sleep(LOOK_EVERY)
            try:
                with contextlib.closing(self._session()) as session:
                    last = _last_clone(session)
            except (MysqlError, NotThere) as error:
                why = str(error)
                continue
            if str(last.get("begin_time", "")) != plan.clone_began:
                if last["state"] == "Completed":
                    return
                if last["state"] == "Failed":
                    raise MysqlError(f"CLONE failed: {last['error_message']}", last["error_no"])
                deadline = time.monotonic() + RESTART  # it copies
            why = f"performance_schema.clone_status says {last.get('state', 'nothing')}"
        raise MysqlError(f"no copy after {RESTART:g} s: {why}")

    def _repair(self, session: Session, plan: Plan) -> None:
        """The copy has the donor's channel; with it this instance might replicate from itself."""
        left = session.value("SELECT GTID_SUBTRACT(%s, GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed))",
                             [plan.errant, plan.errant])
        if left:
            raise MysqlError(f"the copy has {left}")
        dialect = read_dialect(session)
        _stop_channels(session)
        for channel in read_channels_of(session):
            ChannelSteps(session, dialect, channel["name"], channel, check=False).remove(discard_unapplied=True)
        if plan.channel["source_host"] == str(self._config.address) \
                and plan.channel["source_port"] == self._config.port:
            raise MysqlError("its own channel led to itself; configure it with the role")
        change = missing(plan.channel, None, send_password=True)
        if change is not None:
            session.run(*change_statement(dialect, "", change.options))
        session.run("SET GLOBAL super_read_only = ON")
        if _uuid(session) == plan.uuid:
            self._say("mysqld has kept its server_uuid, so it may give GTIDs of the errant transactions to other data:"
                      " stop mysqld, remove auto.cnf in its datadir, start mysqld; then run the role agent, which"
                      " installs the drop-in of mysqld's unit")

    def _session(self) -> Session:
        return dial(self._config.socket, self._config.mysql_user, LOGIN)


def options_of(channel: dict[str, Any], password: str) -> dict[str, Any]:
    """What CHANGE REPLICATION SOURCE needs to make this channel again: options that are empty have no word for it."""
    named = {option.name: channel.get(option.name) for option in CHANNEL_OPTIONS}
    options = {name: value for name, value in named.items() if value not in (None, "")}
    return {**options, "source_password": password}


def _stop_channels(session: Session) -> None:
    """The applier first: after the receiver it may have the half of a transaction, for whose rest mysqld then waits a
    minute (measured on 9.7.4)."""
    dialect = read_dialect(session)
    for channel in read_channels_of(session):
        steps = ChannelSteps(session, dialect, channel["name"], channel, check=False)
        steps.threads(applier=False)
        steps.threads(receiver=False)


def _uuid(session: Session) -> str:
    return str(session.value("SELECT @@GLOBAL.server_uuid"))


def _last_clone(session: Session) -> Row:
    return session.row("SELECT state, begin_time, error_no, error_message FROM performance_schema.clone_status")
