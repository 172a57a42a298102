# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Votes: of three candidates or more, a promotion is on the disk of all others but one before writes open. Pure.

The candidate that has the VIP votes for itself, with a number that is higher than any it has heard. The others stop
receiving, vote, once for each number, and receive nothing from an older writer any more: what they hold with that vote
is all that they will have acknowledged. It is compared, and then the promotion is completed (`led`) and writes open.

Any two groups of all but one have a member in common, so of two promotions the later one knows of the earlier. A vote
alone deposes no writer, and it is void when its candidate answers that it has given up. See docs/failover.md, "Three
candidates or more".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .model import Durable, Peer, State
from .view import View


def needed(view: View) -> bool:
    return len(view.others) > 1


def asks(view: View, peer: Peer) -> bool:
    """This candidate is about to be promoted, and asks the others to receive nothing more."""
    return view.live(peer) and peer.phase == "promoting" and peer.vip_here


def freezes(view: View, state: State) -> bool:
    """Nothing is received: what came now would not be known to the one that is being promoted."""
    if not needed(view):
        return False
    promised = state.durable.voted_for not in ("", view.config.instance)
    return promised or (view.live_writer() is None and any(asks(view, peer) for peer in view.others))


def note(view: View, state: State) -> State:
    """The vote after a look at the peers."""
    durable = state.durable
    if not (needed(view) and view.config.is_candidate):
        return state
    known = next((peer for peer in view.others if peer.name == durable.voted_for), None)
    if durable.voted_for and _is_decided(view, state, known):
        durable = replace(durable, voted_for="")
    for peer in view.others:
        newer = peer.voted_for == peer.name and peer.vote > durable.vote
        if newer and asks(view, peer) and view.live_writer() is None and not state.led and view.receives_nothing:
            durable = replace(durable, vote=peer.vote, voted_for=peer.name)
    return state if durable == state.durable else replace(state, durable=durable)


def _is_decided(view: View, state: State, known: Peer | None) -> bool:
    durable = state.durable
    if durable.generation >= durable.vote:
        return True
    if durable.voted_for == view.config.instance:
        return not state.claimed
    return known is None or (view.live(known) and known.led < durable.vote and not asks(view, known))


def claims(view: View, durable: Durable) -> Durable:
    """The vote for itself of a candidate that begins a promotion."""
    newest = max(peer.vote for peer in view.others)
    return replace(durable, vote=max(durable.generation, durable.vote, newest) + 1, voted_for=view.config.instance)


def outvoted(view: View, durable: Durable) -> bool:
    """Another candidate has voted otherwise with this number or a higher one: it takes another number."""
    return any(view.live(peer) and peer.vote >= durable.vote and peer.voted_for != view.config.instance
               for peer in view.others)


def missing(view: View, durable: Durable, heard: Callable[[Peer], bool], patient: bool) -> str:
    """A candidate whose vote is waited for; empty: all others but one have voted. While `patient` one that answers is
    waited for even so."""
    mine = (durable.vote, view.config.instance)
    left = [peer for peer in view.others if (peer.vote, peer.voted_for) != mine]
    answering = [peer for peer in left if heard(peer)]
    if patient and answering:
        return answering[0].name
    return left[0].name if len(left) > 1 else ""


def unresolved(view: View, state: State) -> str:
    """Whom this instance has voted for, while it is not known what became of that promotion; else empty.

    It opens writes that wait for an acknowledgement. So if all others answer and none has heard of the promotion,
    nothing of it was acknowledged.
    """
    durable = state.durable
    if durable.voted_for in ("", view.config.instance):
        return ""
    others = [peer for peer in view.others if peer.name != durable.voted_for]
    unheard = all(view.live(peer) and peer.generation < durable.vote for peer in others)
    known = next(peer for peer in view.others if peer.name == durable.voted_for)
    return "" if unheard and not view.live(known) else durable.voted_for
