# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How an agent sees its mysqld: the switches at each poll, the rest once a second or when asked."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from mysql_ha_agent import model
from mysql_ha_agent.model import WRITER_SET, Comparison, Mysqld, SemiSync, Server

from .channels import MORE_THAN_SOURCE, Channel, Counts
from .fast import changed

if TYPE_CHECKING:
    from .agent import Agent

DETAILS_EVERY = 1.0
LOOK = 0.002
DEAD = Mysqld(alive=False, error="nobody listens at the socket")


@lru_cache(maxsize=4096)
def counts_of(text: str) -> Counts:
    counts: Counts = {}
    for part in filter(None, text.split(",")):
        uuid, _, numbers = part.partition(":")
        counts[uuid] = max(counts.get(uuid, 0), int(numbers.rpartition("-")[2]))
    return counts


def without(counts: Counts, errant: str) -> Counts:
    """Without these transactions, which are the newest of their server_uuid."""
    left = dict(counts)
    for part in filter(None, errant.split(",")):
        uuid, _, numbers = part.partition(":")
        left[uuid] = min(left.get(uuid, 0), int(numbers.partition("-")[0]) - 1)
    return left


def missing(of: Counts, than: Counts, without: str) -> str:
    """What `than` has and `of` has not, leaving out one server_uuid."""
    return ",".join(
        f"{uuid}:{of.get(uuid, 0) + 1}-{number}"
        for uuid, number in sorted(than.items()) if uuid != without and number > of.get(uuid, 0))


class Watching:
    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self._life = -1
        self._server: Server | None = None
        self._forget()

    def _forget(self) -> None:
        self._mysqld = DEAD
        self._server = None
        self._connected = -1  # the life of mysqld that is connected to
        self.lost_sessions: set[str] = set()  # killed by a person, or by a proxy that cleans up
        self._details_due = 0.0
        self._looks = False

    def start(self) -> None:
        self._forget()
        self._mysqld = Mysqld(alive=False)
        self._life = self.agent.life
        self._poll(self._life)

    def seen(self) -> Mysqld:
        return self._mysqld

    def mysqld_changed(self) -> None:
        """The death of the process is seen at once."""
        database = self.agent.host.database
        if not database.alive or database.life != self._connected:
            self._mysqld = DEAD
            self._server = None
            self._connected = -1

    def look(self) -> None:
        self._details_due = 0.0
        if not self._looks:
            self._looks = True
            self.agent.clock.after(LOOK, self._looked, self._life)

    def _looked(self, life: int) -> None:
        self._looks = False
        if life == self.agent.life and not self.agent.stopped:
            self._read_after(self.agent.host.database.latency)

    def read_now(self) -> None:
        self._read(self.agent.life, self.agent.host.database.life, self.agent.host.local())

    def _poll(self, life: int) -> None:
        if life != self.agent.life:
            return
        database, clock, variant = self.agent.host.database, self.agent.clock, self.agent.world.variant
        delay = self.agent.config.poll_interval
        if not self.agent.stopped:
            if not database.alive:
                if self._mysqld.error == "":
                    self._mysqld = DEAD
                    self.agent.wake()
            elif database.life != self._connected:
                if database.full and not variant.admin_interface:
                    self._mysqld = Mysqld(True, self.agent.host.local(), None, "Too many connections")
                    self.agent.wake()
                elif database.running:
                    self.lost_sessions.clear()
                    self._connected = database.life
                    self._server = None
                    self._details_due = 0.0
                    self._mysqld = Mysqld(True, self.agent.host.local(), None, "")
                    self._read_after(database.latency + 0.004)
                elif not self._mysqld.error:
                    self._mysqld = Mysqld(True, None, None, "somebody listens, and does not answer")
                    self.agent.wake()
            else:
                if variant.reopens_sessions and not database.full:
                    self.lost_sessions.clear()
                self._read_after(database.latency)
                delay += database.latency
        clock.after(delay, self._poll, life)

    def _read_after(self, latency: float) -> None:
        agent = self.agent
        taken, life = agent.host.local(), agent.host.database.life
        if latency > 0.001:
            agent.clock.after(latency, self._read, agent.life, life, taken)
        else:
            self._read(agent.life, life, taken)

    def _read(self, agent_life: int, life: int, taken: float) -> None:
        agent = self.agent
        database = agent.host.database
        if agent_life != agent.life or life != database.life or life != self._connected or not database.running:
            return
        old, now = self._server, agent.host.local()
        if old is not None and taken < old.taken:
            return
        fields: dict[str, object] = {"taken": taken}
        flags = database.read_only, database.super_read_only, database.offline
        news = old is None or flags != (old.read_only, old.super_read_only, old.offline_mode)
        if news:
            fields.update(zip(("read_only", "super_read_only", "offline_mode"), flags, strict=True))
        if old is None or "read_only" in fields or now >= self._details_due:
            self._details_due = now + DETAILS_EVERY
            fields.update(self._details(), detailed=taken)
            news = True
        self._server = Server(uuid=database.uuid, version="9", **fields) if old is None else changed(old, fields)  # type: ignore[arg-type]
        self._mysqld = Mysqld(True, now, self._server, "")
        if news:
            agent.wake()

    def _details(self) -> dict[str, object]:
        agent = self.agent
        database = agent.host.database
        own, held = database.executed, database.received
        comparisons = []
        sets = [(peer.name, peer.held, peer.uuid, peer.errant) for peer in agent.peering.seen() if peer.uuid]
        writer = agent.state.writer_set
        if writer:
            sets.append((WRITER_SET, writer, "", ""))
        masked = "" if database.read_only else database.uuid
        commits = database.binlog[database.committed:] if database.semi_sync else []
        for name, text, uuid, errant in sets:
            theirs = counts_of(text)
            comparisons.append((name, Comparison(
                of_set=text, peer_extra=missing(own, without(theirs, errant) if errant else theirs, masked),
                own_extra=missing(theirs, own, uuid),
                lacks=any(number > theirs.get(of, 0) for of, number in own.items()),
                unreceived=any(number > held.get(of, 0) for of, number in theirs.items()),
                has_waiting=any(number <= theirs.get(of, 0) for of, number, _ in commits),
            )))
        waiting = len(database.binlog) - database.committed if database.semi_sync else 0
        return {
            "semi_sync": SemiSync(database.semi_sync, database.clients(), waiting, database.acknowledged),
            "gtid_executed": database.executed_text, "relay_synced": database.relay_synced,
            "pending": missing(own, held, ""), "acknowledges": database.acknowledges,
            "channels": self._channels(), "comparisons": tuple(comparisons)}

    def _channels(self) -> tuple[model.Channel, ...]:
        agent = self.agent
        return tuple(
            model.Channel(
                name=agent.channel_name(channel), source_host=agent.source_address(channel), source_port=3306,
                receiver=channel.receiver, applier=channel.applier, receiver_error=channel.receiver_error,
                receiver_message="more than the source has" if channel.receiver_error == MORE_THAN_SOURCE else "",
                drained=channel.drained and agent.host.database.committed == len(agent.host.database.binlog),
                lag=self._lag(channel), place=self._place(channel),
                delay=round(agent.host.database.sql_delay),
                blocked="a lock" if agent.host.database.applier_locks or agent.host.database.read_locks else "",
            )
            for channel in agent.host.database.channels)

    def _place(self, channel: Channel) -> str:
        """What is on the wire goes on arriving, piece by piece, as long as the wire is whole."""
        stream, place = channel.stream, str(len(channel.relay))
        if stream is None or not stream.in_flight or not stream.whole():
            return place
        source, own = stream.source.host.name, self.agent.host.name
        arrives = stream.source.running and stream.passes() and self.agent.network.connected(source, own)
        return f"{place} {self.agent.clock.now}" if arrives else place

    def _lag(self, channel: Channel) -> float:
        """By this host's wall clock, since the oldest transaction that is not applied was committed by the writer's."""
        if channel.drained:
            return 0.0
        host = self.agent.host
        committed = host.world.ledger.accepted_at.get(channel.relay[channel.applied][2], 0.0)
        return max(0.0, round(host.clock.now + host.wall_ahead - committed, 3))
