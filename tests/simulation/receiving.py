# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A receiver's connection: made, lost, and made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .channels import CONNECT_RETRY, MORE_THAN_SOURCE, NET_TIMEOUT, SAME_SERVER_ID, STUCK, VIP, Channel, Stream

if TYPE_CHECKING:
    from .database import Database


def start(database: Database, channel: Channel) -> None:
    if channel.receiver == "No":
        channel.receiver, channel.receiver_error = "Connecting", 0
        channel.attempt += 1
        _attempt(database, channel, database.life, channel.attempt)


def stop(database: Database, channel: Channel) -> None:
    channel.receiver = "No"
    channel.attempt += 1
    hang_up(database, channel)


def hang_up(database: Database, channel: Channel, power: bool = False) -> None:
    """`power`: the source is not told."""
    stream, channel.stream = channel.stream, None
    if stream is not None:
        stream.at_replica = False
        if not power:
            database.tell(stream.source.host.name, stream.source.replica_lost, stream)


def source_lost(database: Database, stream: Stream) -> None:
    if stream.channel.stream is stream and stream.replica_lives():
        if database.running:
            reconnect(database, stream.channel)
        else:
            database.clock.after(STUCK, source_lost, database, stream)


def reconnect(database: Database, channel: Channel) -> None:
    hang_up(database, channel)
    if channel.receiver == "Yes":
        channel.receiver = "Connecting"
        channel.attempt += 1
        database.clock.after(
            database.clock.between(0.01, CONNECT_RETRY), _attempt, database, channel, database.life, channel.attempt)


def _wanted(database: Database, channel: Channel, life: int, attempt: int) -> bool:
    return life == database.life and attempt == channel.attempt and channel.receiver == "Connecting"


def _attempt(database: Database, channel: Channel, life: int, attempt: int) -> None:
    if _wanted(database, channel, life, attempt):
        takes = database.clock.between(0.005, 0.05) + database.latency
        database.clock.after(takes, _connect, database, channel, life, attempt)


def _connect(database: Database, channel: Channel, life: int, attempt: int) -> None:
    if not _wanted(database, channel, life, attempt):
        return
    if not database.running:
        database.clock.after(STUCK, _connect, database, channel, life, attempt)
        return
    own, network = database.host.name, database.network
    target = network.vip_holder(own) if channel.source == VIP else channel.source
    if target == own:
        channel.receiver, channel.receiver_error = "No", SAME_SERVER_ID
        return
    source = database.world.hosts[target].database if target else None
    if source is None or not _reaches(database, channel, source):
        if channel.source == VIP:
            network.ask_again(own)
        database.clock.after(CONNECT_RETRY, _attempt, database, channel, life, attempt)
    elif database.received.get(source.uuid, 0) > source.flushed.get(source.uuid, 0) or any(
            number > database.received.get(uuid, 0) for uuid, number in source.purged.items()):
        channel.receiver, channel.receiver_error = "No", MORE_THAN_SOURCE
    else:
        source.take_replica(Stream(source, database, channel))


def _reaches(database: Database, channel: Channel, source: Database) -> bool:
    own, target, network = database.host.name, source.host.name, database.network
    return (
        source.accepts and network.both_ways(own, target)
        and (channel.source != VIP or source.host.vip) and network.arrives(own, target))


def watch_streams(database: Database) -> None:
    """Once a second: heartbeats. Whoever has heard nothing for long connects anew."""
    if not database.running:
        return
    now = database.clock.now
    for channel in database.channels:
        stream = channel.stream
        if stream is None:
            continue
        if stream.whole() and stream.source.running and stream.passes() \
                and database.network.connected(stream.source.host.name, database.host.name):
            stream.heard = now
        elif now - stream.heard > NET_TIMEOUT:
            reconnect(database, channel)


def is_own(database: Database, uuid: str) -> bool:
    """A receiver skips what bears its own server_id, so nothing that it once lost of this comes back."""
    return uuid.partition(".")[0] == database.server_id
