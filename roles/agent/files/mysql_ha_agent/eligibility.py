# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""May this instance hold the writer VIP? Pure; each reason against it is one sentence."""

from __future__ import annotations

from dataclasses import replace

from . import votes
from .model import Channel, Peer, State
from .standing import applier_stands, cut_off, in_contact, led_last, quorum, stuck
from .timing import DEAF, OWN_PAUSE, PATIENCE, PEER_SILENT, STALLS, STEADY, VIP_GONE
from .view import View

TORN = frozenset((1594, 13121))  # the relay log cannot be read; 1594 in 5.7
TLS_REFUSED = 2026
SOURCE_CANNOT_GIVE = 13114  # it has purged what is asked for, or has less than its replica
SAME_SERVER_ID = 13117  # the channel points at this instance itself, because the VIP arrived here
# The source cannot be reached, is starting, stopping or closed for a moment. The receiver goes on trying.
UNREACHABLE = frozenset((
    1040, 1053, 1077, 1079, 1080, 1130, 1158, 1159, 1160, 1161, 1189, 1190, 1194, 1203, 2002, 2003, 2005, 2006, 2012,
    2013, 2026, 2055, 3032, 3169,
))


def note_pause(state: State, now: float) -> State:
    """After a pause of the agent itself (a stunned machine) everybody's silence is counted from its end."""
    paused = state.last_tick is None or now - state.last_tick > OWN_PAUSE
    started = now if state.started is None else state.started
    return replace(state, started=started, last_tick=now, awake_since=now if paused else state.awake_since)


def channel_broken(channel: Channel) -> str:
    """What is wrong with it, or empty. A source that cannot be reached does not break a channel."""
    if channel.applier_error in TORN:
        of = f" FOR CHANNEL '{channel.name}'" if channel.name else ""
        return (
            f"error {channel.applier_error} while applying: its relay log is torn, as after a loss of power. While the"
            f" writer lives this fetches anew what is missing: STOP REPLICA{of}; RESET REPLICA{of}; START REPLICA{of}")
    if channel.applier_error:
        return f"error {channel.applier_error} while applying: {channel.applier_message}"
    if channel.receiver_error and channel.receiver_error not in UNREACHABLE | {SAME_SERVER_ID}:
        return f"error {channel.receiver_error} while receiving: {channel.receiver_message}"
    return ""


def certificate_problem(channel: Channel) -> str:
    """Why TLS with the source fails, or empty. mysqld has one text for a wrong CA and a wrong name."""
    if channel.receiver == "Yes" or channel.receiver_error != TLS_REFUSED:
        return ""
    said = channel.receiver_message.rpartition("SSL connection error: ")[2]
    return (
        f"TLS with {channel.source_host} fails: {said}. Compare the source's certificate with its dates"
        " (SHOW STATUS LIKE 'Ssl_server_not%' there), its issuer with this channel's SOURCE_SSL_CA, and its names with"
        f" {channel.source_host}")


def keeps_from_leading(view: View, channel: Channel) -> str:
    """What is wrong with the channel, unless it is that its source cannot give what it is asked for and does not write:
    one that lost what it had flushed stands in the way of the other, which has more. Whoever lacks something is left
    behind, or knows it by comparison."""
    stopped = channel.receiver_error == SOURCE_CANNOT_GIVE and not channel.applier_error
    return "" if stopped and view.live_writer() is None else channel_broken(channel)


def reasons_against(view: View, state: State) -> tuple[str, ...]:
    seen = view.seen
    reasons: list[str] = []
    if seen.hold is not None:
        reasons.append(f"It is held: {seen.hold or 'no reason given'}.")
    if not view.config.is_candidate:
        reasons.append("It is a reader, and a reader never leads.")
    reasons += _against_mysqld(view, state)
    reasons += _against_place(view, state)
    if not state.led:
        reasons += _against_data(view, state)
        reasons += _against_order(view, state)
    return tuple(reasons)


def _against_mysqld(view: View, state: State) -> list[str]:
    mysqld, config = view.seen.mysqld, view.config
    if not mysqld.alive:
        return [f"mysqld does not accept connections: {mysqld.error or 'not connected yet'}."]
    if mysqld.server is None:
        why = f": {mysqld.error}" if mysqld.error else ""
        return [f"mysqld has not been looked at since it started{why}."]
    if state.killed:
        return ["mysqld was killed because it did not become read-only in time."]
    if state.led and not any(view.live(peer) and peer.eligible for peer in view.seen.peers):
        return []  # slowness alone does not end a writer whom nobody can succeed
    if view.hung(state):
        return [f"mysqld has answered on no connection for {config.hang_timeout:g} s."]
    if view.seen.disk_stalled >= config.disk_timeout:
        return [f"Its disks have not taken a write for {config.disk_timeout:g} s."]
    return []


def _against_place(view: View, state: State) -> list[str]:
    seen, reasons = view.seen, []
    if not seen.keepalived:
        reasons.append("keepalived does not run on this host.")
    if seen.paused and not state.led:
        reasons.append("It is paused.")
    if state.refused:
        reasons.append(f"{state.refused} is a live writer although the VIP came here.")
    if state.outdone and not state.led:
        reasons.append(f"{state.outdone[0]} has transactions that are not here, so it must lead.")
    if state.led:
        reasons += _against_writer(view, state)
    elif state.vip_lost is not None and view.now - state.vip_lost >= VIP_GONE:
        reasons.append("The VIP left this host although keepalived did not give it to anybody.")
    return reasons


def _against_writer(view: View, state: State) -> list[str]:
    durable = state.durable
    if durable.generation > durable.led:
        return [f"Another instance was promoted after this one (promotion {durable.generation})."]
    for peer in view.seen.peers:
        rival = view.live(peer) and peer.phase == "writer" and peer.led == durable.led
        if rival and view.seen.vip_here and not view.config.precedes(peer.name):
            return [f"{peer.name} is a writer too, and goes first in the list of members."]
    if view.config.durability == "strict" and view.server is not None and view.server.semi_sync is None:
        return ["Its mysqld has no semi-synchronous replication."]
    if view.config.durability == "strict" and stuck(view, state):  # else the writer goes on alone for a moment
        for peer in view.others:
            if view.fresh(peer) and peer.eligible and peer.receiving and peer.disk_stalled < STALLS:
                return [f"Its commits wait for an acknowledgement that was lost; {peer.name} has them."]
    if cut_off(view, state):
        return [f"Neither a candidate nor a witness has answered for {DEAF * view.config.lease:g} s: it is cut off."]
    return []


def _against_data(view: View, state: State) -> list[str]:
    """These forbid to become the writer. They do not end a writer: moving the VIP would mend nothing."""
    reasons = []
    mine = view.server
    if mine is not None:
        for channel in mine.channels:
            if channel.delay:
                reasons.append(f"Channel '{channel.name}' is delayed by {channel.delay} s on purpose (SOURCE_DELAY).")
            broken = keeps_from_leading(view, channel)
            if broken:
                reasons.append(f"Channel '{channel.name}' from {channel.source_host} is broken by {broken}.")
        if not reasons and state.broken_at is not None and view.now - state.broken_at < STEADY:
            reasons.append(f"A channel was broken by an error within the last {STEADY:g} s.")
        if mine.semi_sync is None and view.others:
            reasons.append("Its mysqld has no semi-synchronous replication, so nobody would have what it acknowledged.")
        if not mine.gtid_executed:
            seeded = [peer.name for peer in view.seen.peers if view.live(peer) and peer.gtid_executed]
            if seeded:
                reasons.append(f"It is empty, while {seeded[0]} has transactions.")
    if state.lost:
        reasons.append(
            f"It has lost transactions of its own ({state.lost}), which replication does not bring back:"
            " provision it anew.")
    if state.durable.errant and not state.accepted:
        reasons.append(f"It has transactions that the cluster does not have: {state.durable.errant}.")
    if state.durable.left_behind and not state.accepted:
        who = state.writer or "A writer"
        lost = f" Its memory was lost: {state.memory_lost}." if state.memory_lost else ""
        reasons.append(f"It was left behind: {who} may have acknowledged writes that are not here.{lost}")
    mysqld = view.seen.mysqld
    since = mysqld.trouble_since
    if since is not None and view.now - max(since, state.awake_since) >= view.config.hang_timeout:
        reasons.append(f"The agent could not open its writes: {mysqld.trouble}.")
    unsaved = unwritten(view)
    if unsaved and (view.seen.state_file.error or not state.claimed):  # a promotion waits for a slow disk
        reasons.append(f"{unsaved}, so it could not remember that it leads.")
    return reasons


def unwritten(view: View) -> str:
    """What is wrong with the state file, or empty."""
    file, path = view.seen.state_file, view.config.state_file
    if file.unsaved < view.config.disk_timeout:
        return ""
    return f"Its state file {path} has taken no write for {view.config.disk_timeout:g} s ({file.error or 'it waits'})"


def _against_order(view: View, state: State) -> list[str]:
    """Is it this one's turn? Only with the knowledge of every other candidate, but for one that just fell silent."""
    reasons = []
    unheard = [peer for peer in view.others if not view.live(peer) and not view.is_outdated(peer, state)]
    if state.accepted:
        return []
    sure = in_contact(view, state) or state.promised or led_last(state) or quorum(view, state, view.live)
    if unheard and (len(unheard) > 1 or not sure):
        names = " and ".join(peer.name for peer in unheard)
        reasons.append(f"It waits for {names}, which may have led since, and does not answer.")
    elif unheard and not led_last(state) and view.witnessed(PEER_SILENT) is False:
        reasons.append(f"Neither {unheard[0].name} nor any witness answers: this host may be cut off.")
    elected = votes.unresolved(view, state)
    if elected:
        reasons.append(f"It has voted for {elected}, which may have been promoted since.")
    complete = next((peer for peer in view.others if _is_ready(view, peer)), None)
    if complete is not None and applier_stands(view, state):
        channels = view.server.channels if view.server is not None else ()
        blocked = "".join(f" It waits for {channel.blocked}." for channel in channels if channel.blocked)
        reasons.append(f"Its applier does not get on, and that of {complete.name} does.{blocked}")
    if not view.seen.vip_here and view.live_writer() is None:
        for peer in view.others:
            if _goes_before(view, state, peer):
                reasons.append(f"{peer.name} was the last writer, and is there to lead.")
    return reasons


def _is_ready(view: View, peer: Peer) -> bool:
    """It could lead now; a writer that lives leads already."""
    return view.live(peer) and peer.eligible and not peer.applier_stands and peer.phase in ("standby", "promoting")


def _goes_before(view: View, state: State, peer: Peer) -> bool:
    """It led last, so it has all that we have, and perhaps a tail that would be errant if we led. After an outage it
    may still be on its way; one that this agent has heard write, and that is down now, has fallen."""
    if not view.live(peer) or peer.led <= state.durable.led or peer.left_behind or peer.applier_stands:
        return False
    known = state.elder is not None and state.elder[0] == peer.name and view.now - state.elder[1] >= PATIENCE
    starting = peer.phase in ("starting", "down") and not known and peer.name != state.writer
    return peer.eligible or starting
