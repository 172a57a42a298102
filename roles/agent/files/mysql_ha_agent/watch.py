# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Watches mysqld in threads of its own, so that a hung server never holds up a decision."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from . import applying, clients, semisync, threads
from .clock import now
from .config import Config
from .lib._channel import one_line
from .lib._connection import LOST_CONNECTION, MysqlError, Session
from .lib._instance import read_channels_of
from .model import Channel, Comparison, Mysqld, SemiSync, Server
from .mysqld import Instance, Process, process_behind
from .sessions import REMOVED, TOO_MANY_CONNECTIONS, WATCH, NotThere, dial

DETAILS_EVERY = 1.0  # seconds; sooner when asked by `look`
RECONNECT_AFTER = 0.1
COMPLETE_EVERY = 1.0
ENDING = 0.2
FLAGS = ("read_only", "super_read_only", "offline_mode")
_WHO_OWNS = re.compile(r"#\d+")  # gtid_owned names the session that owns each transaction


class Holding(NamedTuple):
    """What this server is compared with."""

    held: str  # GTID set
    uuid: str = ""  # the server_uuid of its owner
    errant: str = ""  # transactions of its owner that the cluster does not have


Sets = Mapping[str, Holding]


class Own(NamedTuple):
    """What this server has, as it is compared with others."""

    executed: str
    pending: str
    waiting: str  # transactions whose commit is under way
    uuid: str  # while it is open its own transactions are newer here than anybody can report; else empty


def compare(session: Session, own: Own, holding: Holding) -> Comparison:
    """Raises MysqlError."""
    theirs = holding.held
    row = session.row(
        "SELECT GTID_SUBTRACT(GTID_SUBTRACT(%s, %s), @@GLOBAL.gtid_executed) AS missing,"
        " GTID_SUBTRACT(@@GLOBAL.gtid_executed, %s) AS extra,"
        " NOT GTID_SUBSET(GTID_SUBTRACT(%s, %s), @@GLOBAL.gtid_executed) AS unreceived,"
        " GTID_SUBTRACT(%s, %s) <> GTID_SUBTRACT(%s, '') AS has_waiting",
        [theirs, holding.errant, theirs, theirs, own.pending, own.waiting, theirs, own.waiting])
    return Comparison(
        of_set=holding.held,
        peer_extra=without_uuid(one_line(row["missing"]), own.uuid),
        own_extra=without_uuid(one_line(row["extra"]), holding.uuid),
        lacks=bool(row["extra"]), unreceived=bool(row["unreceived"]), has_waiting=bool(row["has_waiting"]),
    )


def without_uuid(gtid_set: str, uuid: str) -> str:
    """A set in mysqld's own spelling without the transactions that bear this UUID; tagged ones bear it too."""
    return ",".join(part for part in gtid_set.split(",") if not uuid or not part.lower().startswith(uuid.lower()))


class Watch:
    def __init__(self, config: Config, wake: Callable[[], None], sets: Callable[[], Sets]) -> None:
        """`sets` tells what this server is compared with."""
        self._config = config
        self._wake = wake
        self._sets = sets
        self._lock = threading.Lock()
        self._seen = Mysqld(alive=False)
        self._details_due = 0.0
        self._lag_known: dict[str, tuple[float, float]] = {}
        self._locked: tuple[str, float] = "", 0.0
        self._compared: dict[str, tuple[object, Comparison]] = {}
        self._look_read, self._look_write = os.pipe()
        os.set_blocking(self._look_read, False)
        os.set_blocking(self._look_write, False)
        self.instance: Instance | None = None
        self._stranger: Process | None = None
        self._incomplete = threading.Event()

    def start(self) -> None:
        for run in (self._watch, self._probe, self._complete):
            threads.start(run, f"mysqld{run.__name__}")

    def seen(self) -> Mysqld:
        """The death of the process is asked for here, so that it is known to the very next decision."""
        with self._lock:
            seen, instance = self._seen, self.instance
        if seen.alive and instance is not None and not instance.process.alive():
            return replace(seen, alive=False, server=None, error="the process has ended")
        return seen

    def look(self) -> None:
        """Have a fresh, full look soon."""
        self._details_due = 0.0
        with contextlib.suppress(BlockingIOError):  # enough looks are asked for already
            os.write(self._look_write, b".")

    # ---- the persistent session --------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while True:
            instance = self._connect()
            if instance is None:
                time.sleep(RECONNECT_AFTER)
                continue
            self._details_due = 0.0
            try:
                self._poll(instance)
            except (MysqlError, OSError, ValueError) as error:
                self._lost(instance, str(error))
                time.sleep(RECONNECT_AFTER)  # what fails at every look must not become a storm of logins

    def _connect(self) -> Instance | None:
        config, known = self._config, self.instance
        lives = known is not None and known.process.alive()
        try:
            if known is not None and lives and known.renew_watch():
                self._publish(answered=now(), error="")
                return known
            fresh = Instance(config.socket, config.mysql_user, config.hang_timeout)
            fresh.make_room()
        except NotThere as error:
            self._publish(alive=False, server=None, error=str(error))
            return None
        except MysqlError as error:
            # Somebody listens: if it is the process that we knew, it lives on.
            answered = error.number == TOO_MANY_CONNECTIONS
            if lives:
                self._publish(error=str(error), **({"answered": now()} if answered else {}))
            else:
                self._meet(str(error), answered)
            return None
        with contextlib.suppress(OSError):
            fresh.listeners = clients.listening(config.port)
        with self._lock:
            old, self.instance = self.instance, fresh
            same = old is not None and old.process.pid == fresh.process.pid and old.process.alive()
            server = self._seen.server if same else None
            stranger, self._stranger = self._stranger, None
            self._seen = replace(self._seen, alive=True, server=server, answered=now(), error="")
        for former in (old, stranger):
            if former is not None:
                former.close()
        self._wake()
        return fresh

    def _meet(self, error: str, answered: bool) -> None:
        """A process that this agent has never talked to, and that lets nobody in: it may be open for writes."""
        somebody = True
        if self._stranger is None or not self._stranger.alive():
            if self._stranger is not None:
                self._stranger.close()
                self._stranger = None
            with contextlib.suppress(OSError):  # somebody is there who accepts nobody
                self._stranger = process_behind(self._config.socket, self._config.hang_timeout)
                somebody = self._stranger is not None
        with self._lock:
            at = now() if answered else self._seen.answered
            self._seen = replace(self._seen, alive=somebody, server=None, error=error, answered=at)
        self._wake()

    def listeners_of_the_dead(self) -> frozenset[int] | None:
        """The sockets on which the last known process listened, once it has ended, else none. None: it has closed them
        itself and still lives, because it shuts down."""
        instance = self.instance
        if instance is None:
            return frozenset()
        if not instance.process.alive():
            return instance.listeners
        return None if instance.stops() else frozenset()

    def process(self) -> Process | None:
        """The process behind the socket, whether it has ever answered or not."""
        return self.instance.process if self.instance is not None and self.instance.process.alive() else self._stranger

    def _lost(self, instance: Instance, error: str) -> None:
        if instance.stops():  # each millisecond counts, see docs/agent.md, "A stop that passes by the unit"
            self._publish(alive=False, server=None, error="mysqld shuts down")
        elif instance.process.ends(within=ENDING):
            self._publish(alive=False, server=None, error="the process has ended")
        else:
            self._publish(error=error)

    def _poll(self, instance: Instance) -> None:
        session = instance.sessions[WATCH]
        while True:
            self.read(instance, session)
            self._note_trouble(instance)
            if instance.ended(self._config.poll_interval, self._look_read):
                raise MysqlError("mysqld ended the session")
            with contextlib.suppress(BlockingIOError):
                os.read(self._look_read, 4096)

    def _note_trouble(self, instance: Instance) -> None:
        trouble = instance.sessions.lacks()
        if trouble:
            self._incomplete.set()
        elif not Path(self._config.socket).exists():
            trouble = REMOVED.format(self._config.socket)
        seen = self._seen
        if trouble != seen.trouble:
            since = (seen.trouble_since or now()) if trouble else None
            self._publish(trouble=trouble, trouble_since=since)

    def _complete(self) -> None:
        """Opens the sessions that mysqld has ended. A login may wait, so this is a thread of its own."""
        while True:
            self._incomplete.wait()
            self._incomplete.clear()
            instance = self.instance
            if instance is not None and not instance.sessions.complete():
                time.sleep(COMPLETE_EVERY)

    def read(self, instance: Instance, session: Session) -> None:
        """Reads the switches, and the rest when it is due, or when the switches have changed: who reads that this
        instance is closed must not find the executed set of a moment before. Raises MysqlError."""
        began = now()
        # One column: half of what this question costs is the description of its answer.
        switches = str(session.value(f"SELECT CONCAT({', '.join(f'@@GLOBAL.{flag}' for flag in FLAGS)})"))
        changes: dict[str, Any] = {"taken": began, **{flag: on == "1" for flag, on in zip(FLAGS, switches)}}
        with self._lock:
            old = self._seen.server
        changed = old is None or any(changes[flag] != getattr(old, flag) for flag in FLAGS)
        if changed or began >= self._details_due:
            self._details_due = began + DETAILS_EVERY
            changes["semi_sync"] = self._semi_sync(instance, session)
            changes.update(self._details(instance, session), detailed=began)
            if self._config.events:
                found = instance.read_events()
                changes.update(
                    events_wait=found.wait, event_scheduler=found.scheduler, events_disabled=found.disabled)
        self._publish_server(instance, changes)

    def _publish_server(self, instance: Instance, changes: dict[str, Any]) -> None:
        at = now()
        with self._lock:
            if instance is not self.instance:
                return
            old = self._seen.server
            if old is None:
                if "detailed" not in changes:
                    return
                server = Server(uuid=instance.uuid, version=instance.dialect.version, **changes)
            else:
                if changes["taken"] < old.taken:  # another session has looked since
                    return
                server = replace(old, **changes)
            news = old is None or "detailed" in changes or replace(server, taken=old.taken) != old
            self._seen = replace(self._seen, alive=True, answered=at, server=server, error="")
        if news:
            self._wake()

    def _publish(self, **changes: Any) -> None:
        with self._lock:
            self._seen = replace(self._seen, **changes)
        self._wake()

    # ---- what is read ------------------------------------------------------------------------------------------------

    @staticmethod
    def _semi_sync(instance: Instance, session: Session) -> SemiSync | None:
        return semisync.read(session, instance.semi_sync_source) if instance.semi_sync_source else None

    def _details(self, instance: Instance, session: Session) -> dict[str, Any]:
        if instance.semi_sync_source is None:
            instance.find_semi_sync()
        found = [facts for facts in read_channels_of(session) if not facts["name"].startswith("group_replication_")]
        channels = tuple(self._channel(session, instance, facts) for facts in found)
        received = ",".join(facts["received_gtid"] for facts in found if facts["received_gtid"])
        return {"channels": channels, **self._sets_of(session, instance, received)}

    def _sets_of(self, session: Session, instance: Instance, received: str) -> dict[str, Any]:
        """`received`: by all channels, read before: what is executed since then is in the executed set."""
        row = session.row(
            f"SELECT {self._acknowledges(instance)} AS acknowledges,"
            " @@GLOBAL.gtid_executed AS executed, GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed) AS pending,"
            " @@GLOBAL.gtid_owned AS owned, @@GLOBAL.sync_relay_log AS relay, @@GLOBAL.sync_binlog = 1"
            " AND @@GLOBAL.innodb_flush_log_at_trx_commit = 1 AS flushes, @@GLOBAL.read_only AS closed", [received])
        own = Own(
            executed=one_line(row["executed"]), pending=one_line(row["pending"]),
            waiting=_WHO_OWNS.sub("", one_line(row["owned"])), uuid="" if row["closed"] else instance.uuid)
        comparisons = []
        for name, holding in self._sets().items():
            known = self._compared.get(name)
            if known is None or known[0] != (own, holding):
                try:
                    known = (own, holding), compare(session, own, holding)
                except MysqlError as error:
                    if not error.number or error.number in LOST_CONNECTION:
                        raise
                    continue  # mysqld does not take this set, as 8.0 takes no tags: this peer is not compared
                self._compared[name] = known
            comparisons.append((name, known[1]))
        locked_by = self._read_lock(session)
        if locked_by != self._locked[0]:
            self._locked = locked_by, now()
        return {
            "locked_by": locked_by, "locked_since": self._locked[1] if locked_by else None,
            "gtid_executed": own.executed, "pending": own.pending, "comparisons": tuple(comparisons),
            "relay_synced": row["relay"] == 1, "flushes": bool(row["flushes"]),
            "acknowledges": bool(row["acknowledges"]),
        }

    @staticmethod
    def _read_lock(session: Session) -> str:
        """Who has FLUSH TABLES WITH READ LOCK, or empty. SET GLOBAL read_only=ON takes the same lock for a moment."""
        row = session.row(
            "SELECT processlist_id AS id, processlist_user AS user, processlist_host AS host"
            " FROM performance_schema.metadata_locks JOIN performance_schema.threads ON thread_id = owner_thread_id"
            " WHERE object_type = 'GLOBAL' AND lock_type = 'SHARED' AND lock_duration = 'EXPLICIT'"
            " AND lock_status = 'GRANTED' LIMIT 1")
        return f"connection {row['id']} of {row['user']}@{row['host']}" if row else ""

    def _channel(self, session: Session, instance: Instance, facts: dict[str, Any]) -> Channel:
        """Who holds up the applier is looked for only where it has something to do."""
        busy = self._config.is_candidate and not facts["received_is_applied"]
        return Channel(
            name=facts["name"],
            source_host=facts["source_host"],
            source_port=facts["source_port"],
            receiver=facts["io_running"],
            applier=facts["sql_running"] == "Yes",
            receiver_error=facts["io_error"]["number"],
            receiver_message=facts["io_error"]["message"],
            applier_error=facts["sql_error"]["number"],
            applier_message=facts["sql_error"]["message"],
            drained=facts["received_is_applied"],
            place=applying.place(session, instance.dialect, facts["name"]) if self._config.is_candidate else "",
            delay=facts.get("delay") or 0,
            blocked=applying.describe(applying.blockers(session, facts["name"])) if busy else "",
            lag=self._lag(facts["name"], facts["lag_seconds"]),
        )

    @staticmethod
    def _acknowledges(instance: Instance) -> str:
        return f"@@GLOBAL.{instance.semi_sync_replica}" if instance.semi_sync_replica else "TRUE"

    def _lag(self, channel: str, lag: float | None) -> float | None:
        """While the source is away the lag is the last known one, growing."""
        at = now()
        if lag is not None:
            self._lag_known[channel] = at, lag
            return lag
        if channel not in self._lag_known:
            return None
        known_at, last = self._lag_known[channel]
        return round(at - known_at + last, 3)

    # ---- a fresh session, when the old one is silent -----------------------------------------------------------------

    def _probe(self) -> None:
        config = self._config
        while True:
            time.sleep(config.hang_timeout / 6)
            with self._lock:
                seen = self._seen
            if not seen.alive or seen.answered is None or now() - seen.answered < config.hang_timeout / 3:
                continue
            try:
                session = dial(config.socket, config.mysql_user, config.hang_timeout)
                try:
                    session.value("SELECT 1")
                finally:
                    session.close()
            except (MysqlError, NotThere):
                continue
            self._publish(answered=now())
