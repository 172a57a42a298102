# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replication channels, and the connections between a source and a replica with the view of each end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .database import Database

Entry = tuple[str, int, int]
Counts = dict[str, int]

CONNECT_RETRY = 1.0  # seconds between two attempts of a receiver
NET_TIMEOUT = 4.0  # seconds without a heartbeat after which a receiver gives its source up
STUCK = 0.05  # how often something that cannot go on looks again
SAME_SERVER_ID = 13117
MORE_THAN_SOURCE = 13114
VIP = "vip"


class Stream:
    """One replication connection, with the view of each end."""

    def __init__(self, source: Database, replica: Database, channel: Channel) -> None:
        self.source, self.replica, self.channel = source, replica, channel
        self.lives: tuple[int, int] = source.life, replica.life
        self.at_source = self.at_replica = True
        self.position = 0
        self.sent = dict(replica.received)
        self.in_flight = False
        self.on_the_wire = -1  # the end of the large transaction that is being sent
        self.heard = source.world.clock.now

    def source_lives(self) -> bool:
        return self.at_source and self.source.life == self.lives[0] and self.source.alive

    def replica_lives(self) -> bool:
        return self.at_replica and self.replica.life == self.lives[1] and self.replica.alive

    def whole(self) -> bool:
        return self.source_lives() and self.replica_lives()

    def passes(self) -> bool:
        """Via the VIP, what the source sends leaves only while the VIP is there."""
        return self.channel.source != VIP or self.source.host.vip


class Channel:
    def __init__(self, source: str) -> None:
        self.source = source
        self.relay: list[Entry] = []
        self.retrieved: Counts = {}  # Retrieved_Gtid_Set
        self.applied = 0
        self.unsynced = 0  # so much of the relay log may go with the power, where it is not applied
        self.receiver = "No"
        self.receiver_error = 0
        self.applier = False
        self.applying = False
        self.stream: Stream | None = None
        self.attempt = 0

    @property
    def drained(self) -> bool:
        return self.applied >= len(self.relay)


def counted(entries: Iterable[Entry]) -> Counts:
    counts: Counts = {}
    for uuid, number, _ in entries:
        counts[uuid] = max(counts.get(uuid, 0), number)
    return counts


def text_of(counts: Counts) -> str:
    return ",".join(f"{uuid}:1-{counts[uuid]}" for uuid in sorted(counts))
