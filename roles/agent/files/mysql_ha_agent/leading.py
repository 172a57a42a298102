# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Promotion, and what a writer does: the half of the core that acts under the VIP. Pure."""

from __future__ import annotations

from . import standing, votes
from .decisions import (
    AnnounceVip,
    AskPeers,
    EnableEvents,
    Fence,
    Nudge,
    Open,
    ProbeVip,
    SetLead,
    StartApplier,
    StopReceiver,
    SwitchSemiSync,
    Unblock,
)
from .model import Channel, Peer, SemiSync, Server
from .step import Step
from .timing import (
    ASK_BOUND,
    NUDGE_AFTER,
    RECONNECTED,
    REFUSE_AFTER,
    RETRY,
    RETRY_EVENTS,
    RETRY_SEMI_SYNC,
    RETRY_THREADS,
    RETRY_VOTES,
    VOTES_WITHIN,
)

LEAD = 8  # what one level adds to the priority in VRRP, more than the candidates' own priorities differ
LEVELS = 3


# ---- promotion -------------------------------------------------------------------------------------------------------


def promote(step: Step, server: Server) -> None:
    state, view = step.state, step.view
    began = state.promoting_since
    if began is None:
        began = step.now
        step.set(promoting_since=began, promised=state.promised or standing.in_contact(view, state))
        step.do(AskPeers("the VIP arrived"))
    step.phase("promoting")
    waiting = _waits_for(step, server, began)
    step.set(waiting=waiting)
    if waiting:
        return
    semi_sync = None if server.semi_sync is None else not step.state.durable.alone
    step.do(Open("the VIP is here and everything received is applied", step.state.durable.generation, semi_sync), RETRY)


def _waits_for(step: Step, server: Server, began: float) -> str:
    """The next step of a promotion that is not done yet, in words; empty: writes may be opened."""
    if server.detailed <= began:
        return "a fresh look at mysqld"
    rival = _rival(step, began)
    if rival:  # first of all: while the old writer closes, its last commits are still received and acknowledged
        return rival
    waiting = _unheard(step, began) or _witness(step, began) or _person(step)
    if waiting:
        return waiting
    voting = _votes(step, began)  # meanwhile this instance stops to receive, and applies
    waiting = _undrained(step, server) or voting
    if not waiting and not _completed(step):
        waiting = _lacking(step, began)
    if waiting:
        return waiting
    if step.seen.busy("semi_sync"):
        return "semi-sync to be switched"
    return _complete(step, server, began) or _fence(step, began)


def _undrained(step: Step, server: Server) -> str:
    for channel in server.channels:
        if not _receiver_gone(step, channel):
            return "the receiver to stop"
    for channel in server.channels:
        if channel.drained:
            continue
        if not channel.applier:
            step.do(StartApplier("everything received must be applied before the promotion", channel.name))
        elif step.config.unblock and channel.blocked and standing.applier_stands(step.view, step.state):
            step.do(Unblock(f"the promotion waits for the applier, which waits for {channel.blocked}", channel.name),
                    RETRY_THREADS)
        return f"everything received to be applied{', which waits for ' * bool(channel.blocked)}{channel.blocked}"
    return ""


def _rival(step: Step, began: float) -> str:
    for peer in step.seen.peers:
        if not step.view.heard_since(peer, began):
            if _just_reconnected(step):
                step.do(AskPeers("this host was cut off"), RETRY)
            elif (peer.asked is not None and peer.asked >= began) or step.now - began >= ASK_BOUND:
                continue
            return f"{peer.name} to say whether it is the writer"
        first = peer.phase == "promoting" and peer.vip_here and not step.config.precedes(peer.name)
        if peer.phase in ("writer", "demoting") or first:
            if peer.phase == "writer" and step.now - began >= REFUSE_AFTER:
                step.set(refused=peer.name)
            step.do(AskPeers(f"{peer.name} is {peer.phase}"), RETRY)
            return f"{peer.name}, which is {peer.phase}, to step down"
        for member, phase, age in peer.hears:
            if phase == "writer" and member != step.config.instance and (peer.answered or 0.0) - age > began:
                if step.now - began >= REFUSE_AFTER:
                    step.set(refused=member)
                step.do(AskPeers(f"{peer.name} hears {member} write"), RETRY)
                return f"{member}, which {peer.name} hears write, to step down"
    return ""


def _just_reconnected(step: Step) -> bool:
    """This host was cut off itself. A question from then is only sent again by TCP, so silence says nothing yet."""
    return step.state.reconnected is not None and step.now - step.state.reconnected < RECONNECTED


def _unheard(step: Step, began: float) -> str:
    """Of the other candidates one may be silent, if this one is sure to have what that one acknowledged."""
    unheard = [
        peer.name for peer in step.view.others
        if not step.view.heard_since(peer, began) and not step.view.is_outdated(peer, step.state)]
    if not unheard or step.state.accepted or _completed(step):
        return ""
    if len(unheard) == 1 and (
            step.state.promised or standing.led_last(step.state)
            or standing.quorum(step.view, step.state, lambda peer: step.view.heard_since(peer, began))):
        return ""
    return f"{' and '.join(unheard)}, which may have led since"


def _witness(step: Step, began: float) -> str:
    """Over a silent candidate somebody else must have answered after the VIP came: else this host is cut off."""
    if step.state.accepted or standing.led_last(step.state):
        return ""
    if all(step.view.heard_since(peer, began) for peer in step.view.others):
        return ""
    return "a witness" if step.view.witnessed(step.now - began) is False else ""


def _person(step: Step) -> str:
    durable = step.state.durable
    approved = step.seen.request in ("promote", "accept-data-loss")
    if step.config.takeover != "read_only" or approved or step.state.claimed:
        return ""
    return "a person, who runs mysql-ha promote" if durable.generation and durable.led != durable.generation else ""


def _receiver_gone(step: Step, channel: Channel) -> bool:
    """A receiver that is only connecting counts as gone once it has been told to stop: that takes 2 s."""
    if channel.receiver == "No":
        return True
    stopping = step.runs(StopReceiver)
    if not stopping:
        step.do(StopReceiver("the VIP is here", channel.name), RETRY)
    return stopping and channel.receiver == "Connecting"


def _lacking(step: Step, began: float) -> str:
    """With everything received applied: is it all that the writer was heard to have, and all that candidates have?"""
    view, state = step.view, step.state
    if state.writer_set and not state.accepted:
        comparison = view.writer_set(state)
        if comparison is None:
            return "the comparison with what the last writer had"
        if comparison.peer_extra:
            step.set_durable(left_behind=True)
            return f"{state.writer}, which had {comparison.peer_extra}"
    heard = [peer for peer in view.others if view.heard_since(peer, began)]
    # What the old writer has and none of all others was never acknowledged.
    all_others = all(peer in heard or peer.name == state.writer for peer in view.others)
    for peer in heard:
        # Nor was the tail of one which this instance left behind, or which is the only other candidate.
        tail = peer.left_behind and (not votes.needed(view) or standing.led_newest(state))
        if not peer.mysqld_up or tail or (peer.name == state.writer and all_others):
            continue
        comparison = view.comparison(peer)
        if comparison is None:
            return f"the comparison with {peer.name}"
        if comparison.peer_extra and (peer.errant or peer.left_behind):  # it cannot lead instead
            why = "is quarantined" if peer.errant else "was left behind"
            return f"{peer.name}, which {why} and has {comparison.peer_extra}"
        if comparison.peer_extra:
            step.set(outdone=(peer.name, step.now))
            return f"{peer.name}, which has more"
    return ""


def _somebody_will_acknowledge(step: Step, began: float) -> bool:
    """Or still takes itself for complete: such a one is waited for until it says otherwise, or for the lease. The
    writer that is replaced does not, when it is down or silent."""
    state, view = step.state, step.view
    if step.config.durability == "strict":
        return not standing.nobody_acknowledges(view, state)
    known = state.accepted or standing.led_last(state)  # that the silent ones are left behind
    for peer in view.others:
        heard = view.heard_since(peer, began)
        gone = peer.left_behind or bool(peer.errant) or not peer.has_channel if heard \
            else known or view.is_outdated(peer, state)
        replaced = peer.name == state.writer and not (heard and peer.mysqld_up)
        if not (gone or replaced):
            return True
    return False


def _votes(step: Step, began: float) -> str:
    """Of three candidates or more, all others but one stop receiving, and put this promotion on their disks."""
    if not votes.needed(step.view) or step.state.accepted or _completed(step):
        return ""
    durable = step.state.durable
    if not step.state.claimed or durable.voted_for != step.config.instance or votes.outvoted(step.view, durable):
        step.set(claimed=True, durable=votes.claims(step.view, durable))
    if not step.saved:
        return "the state file"
    patient = step.now - began < VOTES_WITHIN
    name = votes.missing(step.view, durable, lambda peer: step.view.heard_since(peer, began), patient)
    if name:
        step.do(AskPeers(f"the vote of {name} is missing"), RETRY_VOTES)
        return f"the vote of {name}"
    return ""


def _completed(step: Step) -> bool:
    """In this attempt the promotion has been completed; nothing outdoes it any more."""
    durable = step.state.durable
    return step.state.claimed and standing.led_newest(step.state) and durable.vote <= durable.led


def _complete(step: Step, server: Server, began: float) -> str:
    """The promotion is this instance's, on its disk, before writes are opened."""
    # Of three candidates or more those that voted stand by: writes wait for them until they say that they cannot.
    voted = votes.needed(step.view) and not step.state.accepted
    alone = server.semi_sync is None or not (voted or _somebody_will_acknowledge(step, began))
    if not _completed(step):
        step.set(claimed=True, durable=standing.completes(step.state.durable, alone))
        if step.state.accepted:  # from now on what is here is what the cluster has
            step.set_durable(errant="")
    elif alone:
        step.set_durable(alone=True)
    lead = _level(step, began) * LEAD
    if step.seen.lead != str(lead):
        step.do(SetLead("this instance is promoted", str(lead)))
    return "" if step.saved else "the state file"


def _level(step: Step, began: float) -> int:
    """Over an old writer that is silent, and may still announce itself when it thaws, one level more than its own."""
    return max((min(peer.lead // LEAD + 1, LEVELS) for peer in _may_write(step, began)), default=1)


def _may_write(step: Step, began: float) -> list[Peer]:
    """The last writer if it is silent; where nobody knows who that was (a new agent), every silent candidate."""
    return [
        peer for peer in step.view.others
        if not step.view.heard_since(peer, began) and peer.name == (step.state.writer or peer.name)]


def _fence(step: Step, began: float) -> str:
    if not step.config.fence_command:
        return ""
    fenced = {name for name, at in step.seen.fenced if at >= began}
    for peer in _may_write(step, began):
        if peer.name not in fenced:
            step.do(Fence(f"{peer.name} does not answer", peer.name), RETRY_THREADS)
            return f"the fence command for {peer.name}"
    return ""


# ---- the writer ------------------------------------------------------------------------------------------------------


def be_writer(step: Step, server: Server) -> None:
    if step.state.opened_at is None:
        step.set(opened_at=step.now)
    step.phase("writer")
    for channel in server.channels:
        if step.config.topology == "source_replica" or not step.state.durable.source_proven:
            step.stop_receiver(channel, "the writer does not replicate from it")
        else:
            step.run_threads(channel)
    _tend_semi_sync(step, server)
    _tend_vip(step)
    if step.config.events and (server.events_wait or server.event_scheduler is False):
        step.do(EnableEvents("this is the writer", step.state.writer_disabled), RETRY_EVENTS)


def _tend_vip(step: Step) -> None:
    peers = [peer for peer in step.seen.peers if step.view.fresh(peer)]
    if any(peer.vip_here for peer in peers):
        step.set(contested=True)
    elif step.state.contested:
        step.set(contested=False)
        step.do(AnnounceVip("another instance had the VIP too, and has let it go"))
    rivals = [peer for peer in step.view.others if not step.view.fresh(peer) or peer.lead]
    if step.seen.lead == "0" or (not rivals and step.seen.lead != str(LEAD)):
        step.do(SetLead("this is the writer", str(LEAD)))


def _tend_semi_sync(step: Step, server: Server) -> None:
    semi_sync = server.semi_sync
    if semi_sync is None:  # it is acknowledged all the same
        step.set(waits_since=None)
        step.set_durable(alone=True)
        return
    _note_waiting(step, semi_sync)
    if standing.stuck(step.view, step.state, NUDGE_AFTER):
        step.do(Nudge("the acknowledgement of a newer transaction frees the commits whose own was lost"), RETRY)
    if step.seen.busy("semi_sync"):
        return
    if semi_sync.source_enabled and _goes_on_alone(step):
        if not step.state.durable.alone:
            step.set_durable(alone=True)
        elif step.saved:
            step.do(SwitchSemiSync("no standby is left; this writer goes on alone", False), RETRY_SEMI_SYNC)
        return
    if not semi_sync.source_enabled:  # also where a person has switched it off
        step.set_durable(alone=True)
    caught_up, state = standing.close_behind(step.view, step.state)
    step.set(caught_up_since=state.caught_up_since)
    if not caught_up or not semi_sync.clients:
        return
    if not semi_sync.source_enabled:
        step.do(SwitchSemiSync("a standby is connected and has caught up", True), RETRY)
    elif step.state.durable.alone:
        step.set_durable(alone=False)


def _note_waiting(step: Step, semi_sync: SemiSync) -> None:
    step.state = standing.note_stuck(step.view, step.state, semi_sync)
    if semi_sync.clients:
        step.set(alone_since=None)
    elif step.state.alone_since is None:
        step.set(alone_since=step.now)
    waits = semi_sync.source_enabled and not step.state.durable.alone and not step.seen.saved.alone
    if not waits or step.runs(SwitchSemiSync):
        step.set(waits_since=None)
    elif step.state.waits_since is None:
        step.set(waits_since=step.now)


def _goes_on_alone(step: Step) -> bool:
    if standing.nobody_acknowledges(step.view, step.state):
        return True
    silent: Peer | None = standing.silent_peer(step.view, step.state)
    if silent is None:
        return False
    sure = standing.surely_holds_vip(step.view)
    if sure is None:
        step.do(ProbeVip(f"{silent.name} is silent: does it have the VIP?"), RETRY_THREADS)
    return bool(sure)
