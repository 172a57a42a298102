# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""mysqld: a log of transactions, semi-sync after the flush, receivers and appliers, crash and boot.

A transaction is (server_uuid, number, identity). The numbers of one server_uuid are contiguous, so a set of GTIDs is
one number for each server_uuid; the identity tells two transactions with one GTID apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import receiving
from .channels import STUCK, Channel, Counts, Entry, Stream, counted, text_of

if TYPE_CHECKING:
    from .client import Session
    from .host import Host
    from .world import World


class Database:
    def __init__(self, world: World, host: Host, channels: list[Channel], acknowledges: bool) -> None:
        self.world, self.host = world, host
        self.clock, self.network = world.clock, world.network
        self.server_id = "u" + host.name
        self.uuid = self.server_id
        self._renewed = 0
        self._may_acknowledge = acknowledges
        self.channels = channels
        self.binlog: list[Entry] = []
        self.flushed: Counts = {}
        self.received: Counts = {}
        self.executed: Counts = {}
        self.purged: Counts = {}  # executed, and in no log: SET GLOBAL gtid_purged
        self.executed_text = ""
        self.committed = 0
        self.alive = False
        self.zombie = False  # killed while its disk is stalled: it runs no code, and does not vanish
        self.hung = False
        self.life: int = 0
        self.latency = 0.0  # additional seconds of each statement
        self.apply_latency = 0.0
        self.sql_delay = 0.0  # seconds: SOURCE_DELAY
        self.relay_synced = True  # else what is received and not applied goes with the power
        self.opened = 0  # the number of the opening in force
        self._reset()

    def _reset(self) -> None:
        self.read_only = self.super_read_only = True
        self.offline = self.semi_sync = False
        self.acknowledges = self._may_acknowledge
        self.applier_locks = 0  # so many keep the applier from going on, while everything else does
        self.read_locks = 0  # FLUSH TABLES WITH READ LOCK: nothing is committed
        self.full = 0  # max_connections: who is connected stays, nobody else comes in
        self.acknowledged = 0
        self.in_commit = 0
        self.waiting: dict[int, Session] = {}
        self.sessions: list[Session] = []
        self.streams: dict[str, Stream] = {}

    def renew_uuid(self) -> None:
        """mysqld finds no auto.cnf when it starts; the server_id stays."""
        self._renewed += 1
        self.uuid = f"{self.server_id}.{self._renewed}"

    def rewind(self, to: float) -> None:
        """Its disk has nothing that was committed later; what the relay log still has is applied again."""
        def kept(entries: list[Entry]) -> list[Entry]:
            at = self.world.ledger.accepted_at
            return list(itertools.takewhile(lambda entry: at.get(entry[2], 0.0) <= to, entries))

        self.binlog = kept(self.binlog)
        self.flushed = {**self.purged, **counted(self.binlog)}
        self.executed = dict(self.purged)
        for channel in self.channels:
            channel.relay = kept(channel.relay)
            channel.unsynced = 0
            channel.applied = sum(number <= self.flushed.get(uuid, 0) for uuid, number, _ in channel.relay)

    # ---- life --------------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self.alive and not self.hung and not self.zombie and not self.host.paused

    @property
    def writable(self) -> bool:
        return self.alive and not self.read_only and not self.super_read_only

    @property
    def accepts(self) -> bool:
        return self.running and not self.offline and not self.full

    def received_set(self) -> str:
        """gtid_executed and Retrieved_Gtid_Set of every channel together."""
        together = dict(self.executed)
        for channel in self.channels:
            for uuid, number in channel.retrieved.items():
                together[uuid] = max(together.get(uuid, 0), number)
        return text_of(together)

    def clients(self) -> int:
        return sum(stream.replica.acknowledges for stream in self.streams.values())

    def boot(self) -> None:
        """Crash recovery commits the flushed tail."""
        if self.alive or not self.host.powered:
            return
        self.life += 1
        self._reset()
        self.alive, self.hung, self.zombie = True, False, False
        self.committed = 0
        self._commit_to(len(self.binlog))
        for channel in self.channels:
            channel.receiver, channel.applier, channel.stream, channel.receiver_error = "No", False, None, 0
            channel.applying = False
            if self.world.variant.relay_log_recovery or channel.unsynced > channel.applied:
                del channel.relay[channel.applied:]
            channel.unsynced = 0
            channel.retrieved = counted(channel.relay)
        self.relay_synced = True
        self.recount_received()
        self.clock.say(self.host.name, "mysqld is up, read-only")
        self.world.variant.booted(self)
        self.host.agent.mysqld_changed()

    def recount_received(self) -> None:
        self.received = dict(self.flushed)
        for channel in self.channels:
            for uuid, number, _ in channel.relay[channel.applied:]:
                self.received[uuid] = max(self.received.get(uuid, 0), number)

    def die(self, power: bool = False) -> None:
        """`power`: nobody is told. What had been flushed is on the disk."""
        if not self.alive:
            return
        if self.host.disk_stalled and not power:
            self.zombie = True
            self.read_only = True
            return
        self.life += 1
        self.alive = False
        self.world.ledger.closed(self)
        streams, sessions = list(self.streams.values()), list(self.sessions)
        for channel in self.channels:
            receiving.hang_up(self, channel, power)
        self._reset()
        for stream in streams:
            stream.at_source = False
            if not power:
                self.tell(stream.replica.host.name, receiving.source_lost, stream.replica, stream)
        for session in sessions:
            session.end(told=not power)
        if not power:
            self.host.agent.mysqld_changed()

    def tell(self, node: str, call: Callable[..., Any], *arguments: Any) -> None:
        if self.network.connected(self.host.name, node):
            self.clock.after(self.network.delay(self.host.name, node), call, *arguments)

    # ---- writes ------------------------------------------------------------------------------------------------------

    def insert(self, session: Session, transaction: int) -> str:
        """Empty, or the error. The commit goes on by itself."""
        if self.read_only or self.super_read_only:
            return "read-only"
        self.in_commit += 1
        self.world.ledger.accepted(transaction, self)
        self.clock.after(
            0.0003 + 0.0015 * self.clock.rng.random() + self.latency, self._flush, self.life, session, transaction)
        return ""

    def _flush(self, life: int, session: Session, transaction: int) -> None:
        if life != self.life or self.zombie:
            return
        if not self.running or self.host.disk_stalled or self.read_locks:
            self.clock.after(STUCK, self._flush, life, session, transaction)
            return
        self.in_commit -= 1
        self.waiting[transaction] = session
        self._append((self.uuid, self.flushed.get(self.uuid, 0) + 1, transaction))
        self.world.variant.flushed(self, len(self.binlog))
        self._after_append()

    def commit_own(self, transaction: int) -> None:
        """A transaction that no client waits for."""
        self._append((self.uuid, self.flushed.get(self.uuid, 0) + 1, transaction))
        self._after_append()

    def _append(self, entry: Entry) -> None:
        uuid, number, _ = entry
        self.binlog.append(entry)
        self.flushed[uuid] = number
        if number > self.received.get(uuid, 0):
            self.received[uuid] = number

    def _after_append(self) -> None:
        for stream in list(self.streams.values()):
            if not stream.in_flight:
                self._pump(stream)
        self.try_commit()

    def try_commit(self) -> None:
        """After the flush: an acknowledgement, then the engine's commit and the client's OK."""
        if not self.running:
            return
        end = min(self.acknowledged, len(self.binlog)) if self.semi_sync else len(self.binlog)
        if end > self.committed:
            self._commit_to(end)

    def _commit_to(self, end: int) -> None:
        for uuid, number, transaction in self.binlog[self.committed:end]:
            self.executed[uuid] = number
            session = self.waiting.pop(transaction, None)
            if session is not None and session.alive:
                session.acknowledge(transaction)
        self.committed = end
        self.executed_text = text_of(self.executed)

    @property
    def commits_wait(self) -> bool:
        return self.in_commit > 0 or self.committed < len(self.binlog)

    def cut_clients(self) -> None:
        """offline_mode=ON"""
        self.offline = True
        for session in list(self.sessions):
            session.end(told=True)
        self.sessions.clear()
        for name in list(self.streams):
            self._drop(self.streams[name])

    def _drop(self, stream: Stream) -> None:
        stream.at_source = False
        self.streams.pop(stream.replica.host.name, None)
        self.tell(stream.replica.host.name, receiving.source_lost, stream.replica, stream)

    # ---- the source's end --------------------------------------------------------------------------------------------

    def _pump(self, stream: Stream) -> None:
        if not stream.source_lives():
            return
        if not self.running:
            stream.in_flight = True
            self.clock.after(STUCK, self._pump, stream)
            return
        batch: list[Entry] = []
        while stream.position < len(self.binlog) and len(batch) < 100:
            entry = self.binlog[stream.position]
            large = entry[2] in self.world.sizes
            if large and batch:
                break
            stream.position += 1
            if entry[1] > stream.sent.get(entry[0], 0):
                stream.sent[entry[0]] = entry[1]
                batch.append(entry)
                if large:
                    break
        stream.in_flight = bool(batch)
        if batch:
            self._send(stream, batch, stream.position)

    def _send(self, stream: Stream, batch: list[Entry], end: int) -> None:
        if not stream.source_lives():
            return
        if not stream.passes():
            self.clock.after(0.2, self._send, stream, batch, end)
            return
        takes = self.world.sizes.get(batch[0][2])
        if takes and stream.on_the_wire != end:
            stream.on_the_wire = end
            self.clock.after(takes, self._send, stream, batch, end)
            return
        self.network.stream(
            self.host.name, stream.replica.host.name, stream.source_lives, stream.replica.receive, stream, batch, end)

    def hear_acknowledgement(self, stream: Stream, end: int) -> None:
        if not stream.source_lives():
            return
        if not self.running:
            self.clock.after(STUCK, self.hear_acknowledgement, stream, end)
            return
        if end > self.acknowledged:
            self.acknowledged = end
            self.try_commit()

    def replica_lost(self, stream: Stream) -> None:
        stream.at_source = False
        name = stream.replica.host.name
        if self.streams.get(name) is stream:
            del self.streams[name]

    def take_replica(self, stream: Stream) -> None:
        """A new connection of a replica ends its old one. It has what comes before the first that it lacks, and never
        acknowledges that: with auto-position the source does not take it for acknowledged (measured on 9.7.4)."""
        name = stream.replica.host.name
        old = self.streams.pop(name, None)
        if old is not None:
            old.at_source = False
        self.streams[name] = stream
        stream.channel.stream, stream.channel.receiver = stream, "Yes"
        while stream.position < len(self.binlog):
            uuid, number, _ = self.binlog[stream.position]
            if number > stream.sent.get(uuid, 0):
                break
            stream.position += 1
        self._pump(stream)

    # ---- the replica's end -------------------------------------------------------------------------------------------

    def start_receiver(self, channel: Channel) -> None:
        receiving.start(self, channel)

    def stop_receiver(self, channel: Channel) -> None:
        receiving.stop(self, channel)

    def receive(self, stream: Stream, batch: list[Entry], end: int) -> None:
        if not stream.replica_lives() or stream.channel.stream is not stream:
            if self.alive and not self.host.paused:
                self.tell(stream.source.host.name, stream.source.replica_lost, stream)
            return
        if not self.running or self.host.disk_stalled:
            self.clock.after(STUCK, self.receive, stream, batch, end)
            return
        stream.heard = self.clock.now
        self.clock.after(0.0002 + 0.001 * self.clock.rng.random(), self._store, stream, batch, end)

    def _store(self, stream: Stream, batch: list[Entry], end: int) -> None:
        """In the relay log, on disk; then it is acknowledged."""
        channel = stream.channel
        if not stream.replica_lives() or channel.stream is not stream:
            return
        if not self.running or self.host.disk_stalled:
            self.clock.after(STUCK, self._store, stream, batch, end)
            return
        for entry in batch:
            if not receiving.is_own(self, entry[0]) and entry[1] == self.received.get(entry[0], 0) + 1:
                channel.relay.append(entry)
                self.received[entry[0]] = channel.retrieved[entry[0]] = entry[1]
        if not self.relay_synced:
            channel.unsynced = len(channel.relay)
        self.apply_soon(channel)
        source = stream.source
        if self.world.variant.acknowledges(self):
            self.network.stream(
                self.host.name, source.host.name, stream.replica_lives, source.hear_acknowledgement, stream, end)
        stream.in_flight = False
        source._pump(stream)

    # ---- the applier -------------------------------------------------------------------------------------------------

    def start_applier(self, channel: Channel) -> None:
        channel.applier = True
        self.apply_soon(channel)

    def apply_soon(self, channel: Channel) -> None:
        if channel.applier and not channel.applying and not channel.drained:
            channel.applying = True
            takes = self.apply_latency + self.world.sizes.get(channel.relay[channel.applied][2], 0.0)
            self.clock.after(0.0005 + 0.002 * self.clock.rng.random() + takes, self._apply, channel, self.life)

    def _apply(self, channel: Channel, life: int) -> None:
        if life != self.life:
            return
        if not channel.applier:
            channel.applying = False
            return
        if not self.running or self.host.disk_stalled or self._applier_waits(channel):
            self.clock.after(STUCK, self._apply, channel, life)
            return
        end = self._applied_together(channel)
        for entry in channel.relay[channel.applied:end]:
            if entry[1] == self.flushed.get(entry[0], 0) + 1:
                self._append(entry)
                if self.opened:
                    self.world.ledger.applied_by_writer(self, entry)
        channel.applied = end
        channel.applying = False
        self._after_append()
        self.apply_soon(channel)

    def _applier_waits(self, channel: Channel) -> bool:
        acknowledgement = self.semi_sync and self.committed < len(self.binlog)
        oldest = channel.relay[channel.applied][2]
        delayed = self.clock.now - self.world.ledger.accepted_at.get(oldest, 0.0) < self.sql_delay
        return acknowledgement or delayed or self.applier_locks > 0 or self.read_locks > 0

    def _applied_together(self, channel: Channel) -> int:
        """The end of the transactions that are applied in one go; a large one, or a slow applier's, is alone."""
        relay, sizes, end = channel.relay, self.world.sizes, channel.applied + 1
        if not self.apply_latency and relay[channel.applied][2] not in sizes:
            most = min(len(relay), channel.applied + 25)
            while end < most and relay[end][2] not in sizes:
                end += 1
        return end
