# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""May this instance hold the writer VIP? Pure; each reason against it is one sentence."""

from __future__ import annotations

from dataclasses import replace

from .config import Config
from .model import Channel, Peer, Seen, Server, State

PEER_SILENT = 2.0  # a peer that has not answered for so long no longer counts as live
STEADY = 3.0  # seconds without an error until a channel counts as mended: a restarted receiver has none for a moment
OWN_PAUSE = 0.5  # between two steps: the agent itself, or its whole host, did not run

SAME_SERVER_ID = 13117  # the channel points at this instance itself, because the VIP arrived here
# The source cannot be reached, is starting, stopping or closed for a moment. The receiver goes on trying.
UNREACHABLE = frozenset((
    1040, 1053, 1077, 1079, 1080, 1130, 1158, 1159, 1160, 1161, 1189, 1190, 1194, 1203, 2002, 2003, 2005, 2006, 2012,
    2013, 2026, 2055, 3032, 3169,
))


def server(seen: Seen) -> Server | None:
    """What mysqld said, if that process still lives."""
    return seen.mysqld.server if seen.mysqld.alive else None


def pause_restarts_silence(state: State, now: float) -> State:
    """After a pause of the agent itself (a stunned machine) mysqld's silence is counted from its end."""
    paused = state.last_tick is None or now - state.last_tick > OWN_PAUSE
    return replace(state, last_tick=now, awake_since=now if paused else state.awake_since)


def silence(seen: Seen, state: State, now: float) -> float:
    """For how long mysqld has answered on no connection."""
    return now - max(seen.mysqld.answered or 0.0, state.awake_since)


def is_live(peer: Peer, now: float) -> bool:
    return peer.answered is not None and now - peer.answered <= PEER_SILENT


def is_live_writer(peer: Peer, now: float) -> bool:
    return is_live(peer, now) and peer.phase == "writer"


def channel_broken(channel: Channel) -> str:
    """What is wrong with it, or empty. A source that cannot be reached does not break a channel."""
    if channel.applier_error:
        return f"error {channel.applier_error} while applying: {channel.applier_message}"
    if channel.receiver_error and channel.receiver_error not in UNREACHABLE | {SAME_SERVER_ID}:
        return f"error {channel.receiver_error} while receiving: {channel.receiver_message}"
    return ""


def reasons_against(config: Config, seen: Seen, state: State, now: float) -> tuple[str, ...]:
    reasons: list[str] = []
    if seen.hold is not None:
        reasons.append(f"It is held: {seen.hold or 'no reason given'}.")
    if not config.is_candidate:
        reasons.append("It is a reader, and a reader never leads.")
    reasons += _against_mysqld(config, seen, state, now)
    reasons += _against_vip(config, seen, state, now)
    if not state.led:
        reasons += _against_data(seen, state, now)
    return tuple(reasons)


def _against_mysqld(config: Config, seen: Seen, state: State, now: float) -> list[str]:
    if not seen.mysqld.alive:
        return [f"mysqld does not accept connections: {seen.mysqld.error or 'not connected yet'}."]
    if seen.mysqld.server is None:
        return ["mysqld has not been looked at since it started."]
    if state.killed:
        return ["mysqld was killed because it did not become read-only in time."]
    if silence(seen, state, now) < config.hang_timeout:
        return []
    if state.led and not any(is_live(peer, now) and peer.eligible for peer in seen.peers):
        return []  # slowness alone does not end a writer whom nobody can succeed
    return [f"mysqld has answered on no connection for {config.hang_timeout:g} s."]


def _against_vip(config: Config, seen: Seen, state: State, now: float) -> list[str]:
    reasons = []
    if seen.vip_here and not seen.keepalived:
        reasons.append("The VIP is on this host, but keepalived does not run.")
    if state.refused:
        reasons.append(f"{state.refused} is a live writer although the VIP came here.")
    if state.led and seen.vip_here:
        for peer in seen.peers:
            if is_live_writer(peer, now) and not config.precedes(peer.name):
                reasons.append(f"{peer.name} is a writer too, and goes first in the list of members.")
    return reasons


def _against_data(seen: Seen, state: State, now: float) -> list[str]:
    """These forbid to become the writer. They do not end a writer: moving the VIP would mend nothing."""
    reasons = []
    mine = server(seen)
    if mine is not None:
        for channel in mine.channels:
            broken = channel_broken(channel)
            if broken:
                reasons.append(f"Channel '{channel.name}' from {channel.source_host} is broken by {broken}.")
        if not reasons and state.broken_at is not None and now - state.broken_at < STEADY:
            reasons.append(f"A channel was broken by an error within the last {STEADY:g} s.")
        if not mine.gtid_executed:
            seeded = [peer.name for peer in seen.peers if is_live(peer, now) and peer.gtid_executed]
            if seeded:
                reasons.append(f"It is empty, while {seeded[0]} has transactions.")
    if state.durable.errant:
        reasons.append(f"It has transactions that the cluster does not have: {state.durable.errant}.")
    return reasons
