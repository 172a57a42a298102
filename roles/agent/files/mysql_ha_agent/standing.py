# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may have what: the memory of contact with the writer, of who was left behind, and of who led last. Pure.

A standby that may lack acknowledged writes knows it on its own disk before a writer acknowledges without it:
either it says so itself, or it has lost contact for the lease, which it counts from the sending of its question
and the writer from the arrival. See docs/failover.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from . import votes
from .decisions import Nudge
from .model import Durable, Peer, SemiSync, Server, State, changed
from .timing import (
    APPLIER_STANDS,
    CLOSE_BEHIND,
    CLOSE_BEHIND_FOR,
    DEAF,
    FAR_BEHIND,
    FRESH,
    HALTED,
    HEARD_WITHIN,
    KNOCKS,
    LEASE_MARGIN,
    PEER_SILENT,
    STALLS,
    STUCK_AFTER,
    UNFED,
    VIP_PROBE_LASTS,
    VOTER_COMES,
    WAITS_AFTER,
)
from .trackfile import MYSQLD_STOPS
from .view import View


def note(view: View, state: State) -> State:
    """The memory after a look at the peers."""
    state = votes.note(view, _note_generation(view, state))
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
    return replace(state, durable=durable, behind_until=view.now, received_of=None)


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
    return state.durable.alone and led_newest(state)


def led_newest(state: State) -> bool:
    """The newest promotion that is known was completed by this instance."""
    return 0 < state.durable.generation == state.durable.led


def quorum(view: View, state: State, heard: Callable[[Peer], bool]) -> bool:
    """Three candidates or more, of which exactly one is silent: together the others have all that was acknowledged,
    and know of every promotion (docs/failover.md, "Three candidates or more").

    A writer goes on alone only when all others but one have *left behind* on their disks. So if none of those who
    answer has, the silent one was never alone.
    """
    answered = [peer for peer in view.others if heard(peer)]
    if len(view.others) < 2 or len(answered) != len(view.others) - 1 or state.durable.left_behind:
        return False
    generation = state.durable.generation
    return led_newest(state) or all(peer.generation == generation and not peer.left_behind for peer in answered)


def _lost_contact(view: View, state: State) -> bool:
    """With the writer; while another standby is complete that one does not go on alone."""
    lost = state.contact is not None and not (in_contact(view, state) or state.promised or led_newest(state))
    return lost and not any(_is_complete(view, state, peer) for peer in view.others if peer.name != state.writer)


def _misses(view: View, state: State) -> bool:
    if _lost_contact(view, state):
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
    looked = view.server.detailed if view.server is not None else 0.0
    unfed = state.unfed_since is not None and looked - state.unfed_since >= UNFED
    halted = state.halted_since is not None and looked - state.halted_since[1] >= HALTED
    return unfed or halted


def _caught_up(view: View, state: State) -> bool:
    """The writer waits for acknowledgements, and all that it has told is here: executed, because what was received in a
    hurry may not be on the disk. It says so in answer to a question that was put after it had time to hear that this
    instance is left behind, and to act on it."""
    writer = view.live_writer()
    told = state.behind_until
    if told is None or writer is None or writer.answered is None or writer.answered < told + HEARD_WITHIN:
        return False
    suspicious = state.durable.errant or state.suspects is not None
    if not writer.waits or writer.led < state.durable.generation or suspicious:
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
    since = state.fed_since if state.received_of is None else state.received_of
    return since is not None and view.now - since > limit


def acknowledges(view: View, state: State) -> bool:
    """A quarantined or outdated candidate does not acknowledge while another standby is complete: a promotion need not
    look for what only such a one has."""
    if not (state.durable.errant or state.durable.left_behind):
        return True
    return not any(_is_complete(view, state, peer) and peer.receiving for peer in view.others)


def _is_complete(view: View, state: State, peer: Peer) -> bool:
    """A live standby that has all that was acknowledged, or will have it before it leads."""
    return (
        view.live(peer) and peer.mysqld_up and peer.phase in ("standby", "promoting")
        and not peer.left_behind and not peer.errant
        and peer.generation == state.durable.generation)


def note_feeding(view: View, state: State) -> State:
    """Since when mysqld does not answer, and since when it receives nothing although a writer lives."""
    mysqld, server = view.seen.mysqld, view.server
    if mysqld.alive and server is None and not mysqld.error:
        return state  # connected, and not looked at yet
    down = (not mysqld.alive and bool(mysqld.error)) or view.hung(state)
    writer = view.live_writer()
    feeds = writer is not None and writer.led >= state.durable.generation and not votes.freezes(view, state)
    starving = server is not None and feeds and not any(channel.receiver == "Yes" for channel in server.channels)

    def since(condition: bool, known: float | None) -> float | None:
        return None if not condition else view.now if known is None else known

    connected = server is not None and any(channel.receiver == "Yes" for channel in server.channels)
    return changed(
        state, down_since=since(down, state.down_since), unfed_since=since(starving, state.unfed_since),
        fed_since=since(connected, state.fed_since))


def note_applying(view: View, state: State) -> State:
    """How far this standby has received, by the writer's own words and not by clocks; and whether its applier and its
    receiver get on."""
    server, writer = view.server, view.live_writer()
    if server is None:
        return changed(state, applying_since=None, halted_since=None)
    applying = state.applying_since
    if all(channel.drained for channel in server.channels):
        applying = None
    elif applying is None or applying[0] != server.gtid_executed:
        applying = server.gtid_executed, server.detailed
    comparison = view.comparison(writer) if writer is not None else None
    received_of, halted = state.received_of, state.halted_since
    if comparison is not None and writer is not None and not comparison.unreceived:
        received_of = writer.answered
    place = " ".join(channel.place for channel in server.channels)
    if writer is None or not writer.commits_wait:
        halted = None
    elif halted is None or halted[0] != place:
        halted = place, server.detailed
    return changed(state, applying_since=applying, halted_since=halted, received_of=received_of)


def applier_stands(view: View, state: State) -> bool:
    """Something is received and not applied, and the applier has not got on for a while."""
    since, server = state.applying_since, view.server
    return since is not None and server is not None and server.detailed - since[1] >= APPLIER_STANDS


# ---- the writer's side -----------------------------------------------------------------------------------------------


def completes(durable: Durable, alone: bool) -> Durable:
    """The next promotion in the cluster, and it is this instance's."""
    generation = max(durable.generation + 1, durable.vote)
    return replace(
        durable, generation=generation, led=generation, alone=alone, left_behind=False, source_proven=False,
        voted_for="")


def waits(view: View, state: State) -> bool:
    """What this writer acknowledges from now on, a standby has too."""
    return state.waits_since is not None and view.now - state.waits_since >= WAITS_AFTER


def stuck(view: View, state: State, after: float = STUCK_AFTER) -> bool:
    """A commit that reached the standby while its acknowledgement was lost with the connection is never acknowledged:
    the standby has it already. Nor is any where a standby receives without semi-sync. Nothing but this shows it."""
    if view.seen.busy(Nudge.lane):  # the transaction that was to free them is on its way: the standby is busy, not deaf
        after = max(after, HALTED)
    since, server = state.stuck_since, view.server
    return since is not None and server is not None and server.detailed - max(since, state.awake_since) >= after


def note_stuck(view: View, state: State, semi_sync: SemiSync) -> State:
    """From one look at mysqld to the next: one that hangs answers nobody, and is not stuck. Nor is one whose standby
    does not have the transaction yet: a large one takes its time on the wire."""
    waits = semi_sync.source_enabled and semi_sync.waiting > 0 and any(
        comparison is not None and comparison.has_waiting
        for comparison in (view.comparison(peer) for peer in view.others if view.live(peer)))
    looked = view.server.detailed if view.server is not None else view.now

    def since(condition: bool, known: float | None) -> float | None:
        known = known if semi_sync.acked == state.acked else None
        return None if not condition else looked if known is None else known

    return changed(
        state, stuck_since=since(waits, state.stuck_since), acked=semi_sync.acked,
        unacked_since=since(semi_sync.source_enabled and semi_sync.waiting > 0, state.unacked_since))


def _unacknowledged(view: View, state: State) -> bool:
    """No commit has got its acknowledgement for a while."""
    since, server = state.unacked_since, view.server
    return since is not None and server is not None and server.detailed - max(since, state.awake_since) >= HALTED


def _has_given_up(view: View, state: State, peer: Peer) -> bool:
    """The peer says that it cannot acknowledge, and knows that it must not lead."""
    if peer.vote > state.durable.generation:
        return False  # it may have helped to promote another one, which must not be passed over
    unused = state.alone_since is not None and view.now - state.alone_since >= view.config.lease
    if not view.fresh(peer):
        said = view.gave_up(peer, view.now - FRESH) == state.durable.generation
        return said and (unused or _unacknowledged(view, state))
    if peer.mysqld_up and not peer.has_channel:
        return not peer.gtid_executed or peer.left_behind
    if not peer.left_behind or peer.generation != state.durable.generation:
        return False
    stalled = peer.disk_stalled >= view.config.lease
    # One that has just voted for this promotion was left behind by it, and is about to connect.
    comes = 0 < peer.vote == state.durable.led and view.now - (state.opened_at or view.now) < VOTER_COMES
    absent = not peer.receiving and not comes
    return peer.leaves or not peer.mysqld_up or absent or stalled or unused or stuck(view, state)


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
    if not any(peer.behind is not None and peer.behind <= CLOSE_BEHIND for peer in receiving):
        return False, changed(state, caught_up_since=None)
    since = view.now if state.caught_up_since is None else state.caught_up_since
    return view.now - since >= CLOSE_BEHIND_FOR, changed(state, caught_up_since=since)
