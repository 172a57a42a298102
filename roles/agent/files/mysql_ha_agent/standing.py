# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may have what: the memory of contact with the writer, of who was left behind, and of who led last. Pure.

A standby that may lack acknowledged writes knows it on its own disk before a writer acknowledges without it:
either it says so itself, or it has lost contact for the lease, which it counts from the sending of its question
and the writer from the arrival. See docs/failover.md.
"""

from __future__ import annotations

from dataclasses import replace

from .model import Durable, Peer, SemiSync, Server, State, changed
from .trackfile import MYSQLD_STOPS
from .view import FRESH, LEASE_MARGIN, PEER_SILENT, View

UNFED = 1.0  # seconds without a connected receiver while a writer lives
HEARD_WITHIN = FRESH + 0.5  # seconds after which no older answer of a peer counts any more
WAITS_AFTER = 1.0  # seconds; commits that began before semi-sync was on have ended by then
KNOCKS = 1.0  # seconds; an agent that lives asks twice as often
VIP_PROBE_LASTS = 1.0
STUCK_AFTER = 1.5
CLOSE_BEHIND = 1.0  # seconds of lag at which a standby may be waited for again
CLOSE_BEHIND_FOR = 2.0
FAR_BEHIND = 5.0  # seconds of lag at which one that was left behind hurries
DEAF = 2 / 3  # of the lease
STALLS = 0.5  # seconds of a disk at which a standby is not worth waiting for


def note(view: View, state: State) -> State:
    """The memory after a look at the peers."""
    state = _note_generation(view, state)
    state = _note_contact(view, state)
    if not view.config.is_candidate or state.led:
        return state
    if led_last(state) or not view.others:
        return state
    hurried = state.durable.left_behind and view.server is not None and not view.server.relay_synced
    misses = hurried or (view.config.durability == "available" and _misses(view, state))
    if misses or (state.durable.left_behind and state.behind_until is None):
        state = replace(state, behind_until=view.now)
    if misses and not state.durable.left_behind:
        return replace(state, durable=replace(state.durable, left_behind=True), promised=False)
    if state.durable.left_behind and not misses and _caught_up(view, state):
        return replace(state, durable=replace(state.durable, left_behind=False), behind_until=None, memory_lost="")
    return state


def _note_generation(view: View, state: State) -> State:
    """Somebody was promoted since: only what that one has, and whoever catches up with it, is complete."""
    newest = max((max(peer.led, peer.generation) for peer in view.seen.peers if peer.answered is not None), default=0)
    if newest <= state.durable.generation:
        return state
    durable = replace(state.durable, generation=newest, left_behind=view.config.is_candidate, alone=False)
    return replace(state, durable=durable, behind_until=view.now)


def _note_contact(view: View, state: State) -> State:
    if state.led:  # from now on anybody else who leads does so without us
        return changed(state, contact=None, writer="", writer_set="")
    writer = view.live_writer()
    if writer is not None and (writer.mysqld_up or writer.name != state.writer):  # one that just fell knows no more
        state = changed(
            state, writer=writer.name, writer_set=writer.gtid_executed, writer_disabled=writer.events_disabled)
    known = next((peer for peer in view.others if peer.name == state.writer), None)
    if known is None:
        return state
    reached = [at for at in (known.answered, state.contact, _died(view, state, known)) if at is not None]
    return changed(state, contact=max(reached, default=None))


def _died(view: View, state: State, peer: Peer) -> float | None:
    """A refused connection is an answer too: no agent runs there, so nobody goes on without us. For as long as its
    guard lets its mysqld write, that is; and a firewall refuses as well, behind which an agent lives and asks us."""
    refused, answered, contact = peer.refused, peer.answered, state.contact
    if refused is None or answered is None or contact is None:
        return None
    asks = peer.knocked is not None and refused - peer.knocked <= KNOCKS
    guarded = refused - answered <= view.config.down_timeout and refused - contact < view.config.lease
    return refused if guarded and not asks else None


def in_contact(view: View, state: State) -> bool:
    """What the last writer acknowledged is here, as far as contact tells."""
    return state.contact is not None and view.now - state.contact < view.config.lease


def led_last(state: State) -> bool:
    """Nobody else can have led since: the others were left behind."""
    return state.durable.alone and state.durable.led == state.durable.generation


def _misses(view: View, state: State) -> bool:
    if state.contact is not None and not in_contact(view, state) and not state.promised:
        return True
    newest = state.durable.generation
    if newest and any(peer.alone and peer.led == newest for peer in view.others if peer.answered is not None):
        return True  # in whatever phase it says so
    writer = view.live_writer()
    if writer is None or writer.answered is None:
        return False
    leaves = view.seen.hold == MYSQLD_STOPS and view.server is not None and not view.server.acknowledges
    if writer.stuck or view.seen.disk_stalled >= view.config.lease or leaves:
        return True
    if state.down_since is not None and writer.answered >= state.down_since:
        return True
    # By a look at the channel that was taken after that time: looks come once a second.
    return state.unfed_since is not None and view.server is not None \
        and view.server.detailed - state.unfed_since >= UNFED


def _caught_up(view: View, state: State) -> bool:
    """The writer waits for acknowledgements, and all that it has told is here: executed, because what was received in a
    hurry may not be on the disk. It says so in answer to a question that was put after it had time to hear that this
    instance is left behind, and to act on it."""
    writer = view.live_writer()
    told = state.behind_until
    if told is None or writer is None or writer.answered is None or writer.answered < told + HEARD_WITHIN:
        return False
    if writer is None or not writer.waits or writer.led < state.durable.generation or state.durable.errant:
        return False
    comparison = view.comparison(writer)
    return bool(
        view.fresh(writer) and view.server is not None and state.down_since is None and state.unfed_since is None
        and any(channel.receiver == "Yes" for channel in view.server.channels)
        and comparison is not None and not comparison.peer_extra)


def hurries(view: View, state: State, server: Server) -> bool:
    """An acknowledgement is worth what is on the disk. But nobody waits for that of one which is left behind, by its
    own disk too, and with a flush for each event it may never catch up with a writer that waits for nobody."""
    if not (view.config.relay_sync and state.durable.left_behind and view.seen.saved.left_behind):
        return False
    limit = FAR_BEHIND if server.relay_synced else CLOSE_BEHIND
    connected = [channel for channel in server.channels if channel.receiver == "Yes"]
    return any(channel.lag is None or channel.lag > limit for channel in connected)


def note_feeding(view: View, state: State) -> State:
    """Since when mysqld does not answer, and since when it receives nothing although a writer lives."""
    mysqld, server = view.seen.mysqld, view.server
    if mysqld.alive and server is None and not mysqld.error:
        return state  # connected, and not looked at yet
    down = (not mysqld.alive and bool(mysqld.error)) or view.hung(state)
    starving = server is not None and view.live_writer() is not None and not any(
        channel.receiver == "Yes" for channel in server.channels)

    def since(condition: bool, known: float | None) -> float | None:
        return None if not condition else view.now if known is None else known

    return changed(
        state, down_since=since(down, state.down_since), unfed_since=since(starving, state.unfed_since))


# ---- the writer's side -----------------------------------------------------------------------------------------------


def claims(durable: Durable, alone: bool) -> Durable:
    """The next promotion in the cluster, and it is this instance's."""
    generation = durable.generation + 1
    return replace(durable, generation=generation, led=generation, alone=alone, left_behind=False, source_proven=False)


def waits(view: View, state: State) -> bool:
    """What this writer acknowledges from now on, a standby has too."""
    return state.waits_since is not None and view.now - state.waits_since >= WAITS_AFTER


def stuck(view: View, state: State) -> bool:
    """A commit that reached the standby while its acknowledgement was lost with the connection is never acknowledged:
    the standby has it already. Nor is any where a standby receives without semi-sync. Nothing but this shows it."""
    since, server = state.stuck_since, view.server
    return since is not None and server is not None and server.detailed - max(since, state.awake_since) >= STUCK_AFTER


def note_stuck(view: View, state: State, semi_sync: SemiSync) -> State:
    """From one look at mysqld to the next: one that hangs answers nobody, and is not stuck."""
    waits = semi_sync.source_enabled and semi_sync.waiting > 0
    since = state.stuck_since if waits and semi_sync.acked == state.acked else None
    looked = view.server.detailed if view.server is not None else view.now
    return changed(state, stuck_since=looked if waits and since is None else since, acked=semi_sync.acked)


def _has_given_up(view: View, state: State, peer: Peer) -> bool:
    """The peer says that it cannot acknowledge, and knows that it must not lead."""
    if not view.fresh(peer):
        return False
    if peer.mysqld_up and not peer.has_channel:
        return not peer.gtid_executed or peer.left_behind
    if not peer.left_behind or peer.generation != state.durable.generation:
        return False
    unused = state.alone_since is not None and view.now - state.alone_since >= view.config.lease
    stalled = peer.disk_stalled >= view.config.lease
    return peer.leaves or not peer.mysqld_up or not peer.receiving or stalled or unused or stuck(view, state)


def nobody_acknowledges(view: View, state: State) -> bool:
    """Every other candidate has given up, by its own words."""
    others = view.others
    if view.config.durability == "strict":  # only in a new cluster, where the accounts of replication are still made
        return bool(others) and all(
            view.fresh(peer) and peer.mysqld_up and not peer.has_channel and not peer.gtid_executed for peer in others)
    return all(_has_given_up(view, state, peer) for peer in others)


def silent_peer(view: View, state: State) -> Peer | None:
    """The one candidate that has been silent for the lease while all others have given up."""
    left = [peer for peer in view.others if not _has_given_up(view, state, peer)]
    if view.config.durability == "strict" or len(left) != 1:
        return None
    return left[0] if view.silent_for(left[0], state) >= view.config.lease + LEASE_MARGIN else None


def surely_holds_vip(view: View) -> bool | None:
    """After a probe of the VIP; None: it must be probed first."""
    probe = view.seen.vip_probe
    if view.witnessed(PEER_SILENT) is False:
        return False
    if probe.asked is None or view.now - probe.asked > VIP_PROBE_LASTS:
        return None
    return not probe.answered_by


def cut_off(view: View, state: State) -> bool:
    """A writer that hears nobody at all: no candidate and no witness. If it is only deaf, its VRRP adverts keep the VIP
    here; and a standby may lead only within the lease after the last contact, so the VIP must leave before that."""
    if state.durable.alone or not view.others:
        return False
    patience = DEAF * view.config.lease
    silent = all(view.silent_for(peer, state) >= patience for peer in view.others)
    return silent and view.now - state.awake_since >= patience and view.witnessed(patience) is False


def close_behind(view: View, state: State) -> tuple[bool, State]:
    """Whether a standby may be waited for: it has all that we have, or has been close behind for a while. One moment
    proves nothing, because a receiver that has only just connected has no lag yet."""
    receiving = [
        peer for peer in view.others
        if view.fresh(peer) and peer.mysqld_up and peer.receiving and not peer.errant and not peer.leaves
        and peer.disk_stalled < STALLS]
    for peer in receiving:
        comparison = view.comparison(peer)
        if comparison is not None and not comparison.lacks:
            return True, state
    if not any(peer.lag is not None and peer.lag <= CLOSE_BEHIND for peer in receiving):
        return False, changed(state, caught_up_since=None)
    since = view.now if state.caught_up_since is None else state.caught_up_since
    return view.now - since >= CLOSE_BEHIND_FOR, changed(state, caught_up_since=since)
