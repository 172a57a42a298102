# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Watches mysqld in threads of its own, so that a hung server never holds up a decision."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from . import clients, semisync, threads
from .clock import now
from .config import Config
from .lib._connection import LOST_CONNECTION, MysqlError, Session
from .lib._instance import compare_gtid, read_channels_of
from .model import Channel, Comparison, Mysqld, SemiSync, Server
from .mysqld import Instance, NotThere, Process, dial, process_behind

DETAILS_EVERY = 1.0  # seconds; sooner when asked by `look`
RECONNECT_AFTER = 0.1
TOO_MANY_CONNECTIONS = 1040
ENDING = 0.2
FLAGS = ("read_only", "super_read_only", "offline_mode")

Sets = Mapping[str, "tuple[str, str]"]  # name -> (gtid_executed, server_uuid)


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
        self._compared: dict[str, tuple[str, Comparison]] = {}
        self._look_read, self._look_write = os.pipe()
        os.set_blocking(self._look_read, False)
        os.set_blocking(self._look_write, False)
        self.instance: Instance | None = None
        self._stranger: Process | None = None

    def start(self) -> None:
        for run in (self._watch, self._probe):
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
        config = self._config
        try:
            fresh = Instance(config.socket, config.mysql_user, config.hang_timeout)
        except NotThere as error:
            self._publish(alive=False, server=None, error=str(error))
            return None
        except MysqlError as error:
            # Somebody listens: if it is the process that we knew, it lives on, and answers nobody.
            if self.instance is None or not self.instance.process.alive():
                self._meet(str(error), answered=error.number == TOO_MANY_CONNECTIONS)
            else:
                self._publish(error=str(error))
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

    def listeners_of_the_dead(self) -> frozenset[int]:
        """The sockets on which the last known process listened, once it has ended; else none."""
        instance = self.instance
        return frozenset() if instance is None or instance.process.alive() else instance.listeners

    def process(self) -> Process | None:
        """The process behind the socket, whether it has ever answered or not."""
        return self.instance.process if self.instance is not None and self.instance.process.alive() else self._stranger

    def _lost(self, instance: Instance, error: str) -> None:
        if instance.process.ends(within=ENDING):
            self._publish(alive=False, server=None, error="the process has ended")
        else:
            self._publish(error=error)

    def _poll(self, instance: Instance) -> None:
        session = instance.sessions["watch"]
        while True:
            self.read(instance, session)
            if instance.ended(self._config.poll_interval, self._look_read):
                raise MysqlError("mysqld ended the session")
            with contextlib.suppress(BlockingIOError):
                os.read(self._look_read, 4096)

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
        channels = tuple(
            self._channel(facts) for facts in read_channels_of(session)
            if not facts["name"].startswith("group_replication_")
        )
        row = session.row(
            "SELECT @@GLOBAL.gtid_executed AS executed, @@GLOBAL.sync_relay_log AS relay, (SELECT variable_value"
            " FROM performance_schema.global_variables WHERE variable_name = %s) AS acknowledges",
            [semisync.replica_switch(instance.semi_sync_source or "")])
        executed = "".join(str(row["executed"]).split())
        comparisons = []
        for name, (theirs, uuid) in self._sets().items():
            known = self._compared.get(name)
            same = known is not None and known[0] == executed and known[1].of_set == theirs
            if known is None or not same:
                try:
                    known = executed, self._compare(session, theirs, instance.uuid, uuid)
                except MysqlError as error:
                    if not error.number or error.number in LOST_CONNECTION:
                        raise
                    continue  # mysqld does not take this set, as 8.0 takes no tags: this peer is not compared
                self._compared[name] = known
            comparisons.append((name, known[1]))
        return {
            "gtid_executed": executed, "channels": channels, "comparisons": tuple(comparisons),
            "relay_synced": row["relay"] == 1, "acknowledges": row["acknowledges"] == "ON",
        }

    @staticmethod
    def _compare(session: Session, theirs: str, own_uuid: str, their_uuid: str) -> Comparison:
        facts = compare_gtid(session, theirs)
        return Comparison(
            of_set=theirs,
            peer_extra=without_uuid(facts["gtid_missing"], own_uuid),
            own_extra=without_uuid(facts["gtid_extra"], their_uuid),
            lacks=bool(facts["gtid_extra"]),
        )

    def _channel(self, facts: dict[str, Any]) -> Channel:
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
            lag=self._lag(facts["name"], facts["lag_seconds"]),
        )

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
                session = dial(config.socket, config.mysql_user, config.hang_timeout)[0]
                try:
                    session.value("SELECT 1")
                finally:
                    session.close()
            except (MysqlError, NotThere):
                continue
            self._publish(answered=now())
