# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may happen next: the steps of each agent, of replication and of clients, and the faults.

`left_out` names rules that are planted as mistakes: each of MISTAKES switches one off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .checker import Move
from .protocol import (
    CUT,
    FROZEN,
    NONE,
    OFF,
    PROMOTING,
    STANDBY,
    UP,
    WRITER,
    Bounds,
    Candidate,
    Cluster,
    asks,
    calm,
    eligible,
    heard,
    is_complete,
    knows_enough,
    led_last,
    led_newest,
    live_writer,
    others,
    reaches,
    votes_needed,
)

NAMES = "ABCDE"
Step = tuple[str, Cluster]


def with_one(cluster: Cluster, at: int, **changes: Any) -> Cluster:
    everyone = cluster.candidates
    one = everyone[at]._replace(**changes)
    return cluster._replace(candidates=(*everyone[:at], one, *everyone[at + 1:]))


def closed(cluster: Cluster, at: int, **changes: Any) -> Cluster:
    """It is a standby without the VIP."""
    return with_one(cluster, at, phase=STANDBY, vip=False, promised=False, claimed=False, **changes)


@dataclass(frozen=True)
class Rules:
    bounds: Bounds
    left_out: frozenset[str] = field(default_factory=frozenset)

    def moves(self, cluster: Cluster) -> Iterator[Move[Cluster]]:
        for at in range(len(cluster.candidates)):
            for name, after in self._steps(cluster, at):
                yield Move(f"{NAMES[at]} {name}", after, True)
            for name, after in self._events(cluster, at):
                yield Move(f"{NAMES[at]} {name}", after, False)

    def _has(self, rule: str) -> bool:
        return rule not in self.left_out

    # ---- faults, and their ends --------------------------------------------------------------------------------------

    def _events(self, cluster: Cluster, at: int) -> Iterator[Step]:
        one = cluster.candidates[at]
        if one.mode != UP:
            yield {OFF: "boots", FROZEN: "thaws", CUT: "is reached again"}[one.mode], with_one(cluster, at, mode=UP)
        elif one.phase == WRITER and cluster.made < self.bounds.transactions:
            yield "executes a transaction", self._written(cluster, at)
        quiet, overlapping = calm(cluster), "overlapping" in self.bounds.kinds
        if cluster.faults == self.bounds.faults or (cluster.unruly and not quiet and not overlapping):
            return
        cluster = cluster._replace(faults=cluster.faults + 1, unruly=False)
        if one.mode == UP:
            for forgotten, after in self._powered_off(cluster, at):
                yield f"loses its power{forgotten}", after
        if one.mode != UP or not (quiet or overlapping):
            return
        cluster = cluster._replace(unruly=True)
        if "freeze" in self.bounds.kinds:
            yield "freezes", with_one(cluster, at, mode=FROZEN)
        if "cut" in self.bounds.kinds:
            yield "is cut off", with_one(cluster, at, mode=CUT)
        if one.phase == WRITER and "move" in self.bounds.kinds:
            yield "gives the VIP up for a person", closed(cluster, at)

    def _written(self, cluster: Cluster, at: int) -> Cluster:
        one, new = cluster.candidates[at], 1 << cluster.made
        after = with_one(cluster, at, received=one.received | new, executed=one.executed | new)
        acknowledged = cluster.acknowledged | (new if one.alone else 0)
        return after._replace(made=cluster.made + 1, acknowledged=acknowledged)

    def _powered_off(self, cluster: Cluster, at: int) -> Iterator[tuple[str, Cluster]]:
        for name, peer in others(cluster, at):
            if peer.fed_by == at:
                cluster = with_one(cluster, name, fed_by=NONE)
        one = cluster.candidates[at]
        kept = one._replace(mode=OFF, phase=STANDBY, vip=False, fed_by=NONE, writer=NONE, contact=False,
                            promised=False, claimed=False, outdone=False)
        after = with_one(cluster, at, **kept._asdict())
        yield "", after
        if not self._has("alone is saved first") and one.alone:
            yield ", and forgets that it was alone", with_one(after, at, alone=False)
        if not self._has("left behind is saved first") and one.left_behind:
            yield ", and forgets that it was left behind", with_one(after, at, left_behind=False)
        if not self._has("votes are saved first") and one.vote:
            yield ", and forgets its vote", with_one(after, at, vote=0, voted_for=NONE)

    # ---- steps -------------------------------------------------------------------------------------------------------

    def _steps(self, cluster: Cluster, at: int) -> Iterator[Step]:
        one = cluster.candidates[at]
        if one.contact and one.mode != OFF and not (one.writer != NONE and reaches(cluster, at, one.writer)):
            yield "loses contact for the lease", with_one(cluster, at, contact=False)
        if one.mode == OFF or one.mode == FROZEN:
            return
        if one.phase != WRITER:
            yield from self._receives(cluster, at)
        noted = self._noted(cluster, at)
        if noted is not None:  # before the agent decides anything
            yield "takes note of what it hears", noted
            return
        if one.phase == WRITER:
            yield from self._writes(cluster, at)
            return
        yield from self._learns(cluster, at)
        if one.outdone:
            yield "may try again", with_one(cluster, at, outdone=False)
        if votes_needed(cluster):
            yield from self._votes(cluster, at)
        if one.vip:
            yield from self._promotes(cluster, at)
        elif self._vip_is_free(cluster, at) and eligible(cluster, at):
            yield "gets the VIP", with_one(
                cluster, at, vip=True, phase=PROMOTING, promised=one.promised or one.contact)

    def _vip_is_free(self, cluster: Cluster, at: int) -> bool:
        return not any(peer.vip for _, peer in heard(cluster, at))

    def _noted(self, cluster: Cluster, at: int) -> Cluster | None:
        """What a look at the others changes at once; None: nothing."""
        one, answers = cluster.candidates[at], heard(cluster, at)
        newest = max((max(peer.led, peer.generation) for _, peer in answers), default=0)
        if newest > one.generation:
            return with_one(cluster, at, generation=newest, left_behind=True, alone=False, fed_by=NONE)
        if one.phase == WRITER:
            return None if one.writer == NONE else with_one(cluster, at, writer=NONE, contact=False)
        live = live_writer(cluster, at)
        writer = one.writer if live == NONE else live
        contact = one.contact or writer in dict(answers)
        leads = led_newest(one) and self._has("the newest promotion has no lease")
        lapsed = writer != NONE and not contact and not one.promised and not leads and not any(
            is_complete(cluster, at, peer) and (
                peer.phase == STANDBY or self._has("one that is promoted is complete"))
            for name, peer in answers if name != writer)
        told = self._has("alone is saved first") and any(
            led_last(peer) and peer.led == one.generation for _, peer in answers)
        left_behind = one.left_behind or (not led_last(one) and (told or lapsed))
        promised = one.promised and (one.left_behind or not left_behind)
        voted_for = NONE if one.voted_for != NONE and self._is_decided(cluster, at) else one.voted_for
        noted = one._replace(
            writer=writer, contact=contact, left_behind=left_behind, promised=promised, voted_for=voted_for)
        return None if noted == one else with_one(cluster, at, **noted._asdict())

    def _learns(self, cluster: Cluster, at: int) -> Iterator[Step]:
        """That it is left behind, or no more, or has what the cluster has not."""
        one, writer = cluster.candidates[at], live_writer(cluster, at)
        if led_last(one):
            return
        unfed = writer != NONE and one.fed_by == NONE and cluster.candidates[writer].led >= one.generation
        if unfed and not one.left_behind and not self._is_frozen(cluster, at):
            yield "is left behind", with_one(cluster, at, left_behind=True, promised=False)
        if writer == NONE:
            return
        leader = cluster.candidates[writer]
        if one.phase == STANDBY and one.executed & ~leader.executed and not one.errant:
            yield "is quarantined", with_one(cluster, at, errant=True)
        if one.errant and leader.led == one.generation:
            yield f"is cloned from {NAMES[writer]}", with_one(
                cluster, at, received=leader.executed, executed=leader.executed, errant=False, left_behind=True,
                fed_by=NONE)
        waits = not leader.alone or not self._has("the writer waits again first")
        if (one.left_behind and waits and leader.led == one.generation and not one.errant and one.fed_by == writer
                and leader.executed == one.executed):
            yield "has caught up", with_one(cluster, at, left_behind=False, complete_in=one.generation)

    def _receives(self, cluster: Cluster, at: int) -> Iterator[Step]:
        one = cluster.candidates[at]
        if one.received != one.executed:
            yield "applies", with_one(cluster, at, executed=one.received)
        writer = live_writer(cluster, at)
        if one.phase == STANDBY and writer not in (NONE, one.fed_by) and not self._is_frozen(cluster, at) \
                and cluster.candidates[writer].led >= one.generation:
            yield f"connects to {NAMES[writer]}", with_one(cluster, at, fed_by=writer)
        if one.fed_by == NONE or not reaches(cluster, at, one.fed_by):
            return
        source = cluster.candidates[one.fed_by]
        missing = source.executed & ~one.received
        if missing:
            new = missing & -missing
            after = with_one(cluster, at, received=one.received | new)
            if source.phase == WRITER and not source.alone and self._acknowledges(cluster, at):
                yield "receives and acknowledges", after._replace(acknowledged=cluster.acknowledged | new)
            else:
                yield "receives", after

    def _is_frozen(self, cluster: Cluster, at: int) -> bool:
        """It has voted, so it receives nothing."""
        return cluster.candidates[at].voted_for not in (NONE, at) and self._has("voters stop receiving")

    def _acknowledges(self, cluster: Cluster, at: int) -> bool:
        one = cluster.candidates[at]
        if not self._has("only the complete acknowledge") or not (one.errant or one.left_behind):
            return True
        return not any(is_complete(cluster, at, peer) and peer.fed_by != NONE for _, peer in heard(cluster, at))

    # ---- votes -------------------------------------------------------------------------------------------------------

    def _votes(self, cluster: Cluster, at: int) -> Iterator[Step]:
        one = cluster.candidates[at]
        if live_writer(cluster, at) != NONE:
            return
        for name, peer in heard(cluster, at):
            if peer.voted_for == name and peer.vote > one.vote and asks(peer):
                fed_by = NONE if self._has("voters stop receiving") else one.fed_by
                yield f"votes for {NAMES[name]} ({peer.vote})", with_one(
                    cluster, at, vote=peer.vote, voted_for=name, fed_by=fed_by)

    def _is_decided(self, cluster: Cluster, at: int) -> bool:
        one = cluster.candidates[at]
        if one.generation >= one.vote:
            return True
        if one.voted_for == at:
            return not one.claimed
        known = dict(heard(cluster, at)).get(one.voted_for)
        return known is not None and known.led < one.vote and not asks(known)

    def _is_outvoted(self, cluster: Cluster, at: int) -> bool:
        """Another has voted otherwise with this number or a higher one."""
        number = cluster.candidates[at].vote
        return any(peer.vote > number or (peer.vote == number and not self._is_for(peer, at))
                   for _, peer in heard(cluster, at))

    def _misses_votes(self, cluster: Cluster, at: int) -> bool:
        number = cluster.candidates[at].vote
        given = [peer for _, peer in others(cluster, at) if peer.vote == number and self._is_for(peer, at)]
        return len(given) < len(cluster.candidates) - 2

    def _is_for(self, peer: Candidate, at: int) -> bool:
        return peer.voted_for == at or not self._has("votes are by name")

    # ---- a promotion -------------------------------------------------------------------------------------------------

    def _promotes(self, cluster: Cluster, at: int) -> Iterator[Step]:
        if any(peer.vip for _, peer in heard(cluster, at)):
            yield "loses the VIP", closed(cluster, at)
        rivals = [name for name, peer in heard(cluster, at) if peer.phase == WRITER]
        if rivals and self._has("a live writer comes first"):
            yield f"gives the VIP back to {NAMES[rivals[0]]}", closed(cluster, at)
        elif not eligible(cluster, at):
            yield "gives the VIP up", closed(cluster, at)
        elif self._is_completed(cluster, at):
            if self._has("the comparison comes before the number"):
                yield "opens writes", with_one(cluster, at, phase=WRITER)
            else:
                yield from self._compares(cluster, at, "opens writes", with_one(cluster, at, phase=WRITER))
        elif knows_enough(cluster, at) and not any(asks(peer) for _, peer in heard(cluster, at)):
            yield from self._prepares(cluster, at)

    def _is_completed(self, cluster: Cluster, at: int) -> bool:
        one = cluster.candidates[at]
        return one.claimed and led_newest(one) and one.vote <= one.led

    def _prepares(self, cluster: Cluster, at: int) -> Iterator[Step]:
        one = cluster.candidates[at]
        if votes_needed(cluster) and self._has("all others but one vote"):
            if not one.claimed or one.voted_for != at or self._is_outvoted(cluster, at):
                number = max(one.generation, one.vote, *(peer.vote for _, peer in heard(cluster, at))) + 1
                if number <= self.bounds.promotions:
                    yield f"votes for itself ({number})", with_one(
                        cluster, at, claimed=True, vote=number, voted_for=at, fed_by=NONE)
                return
            if self._misses_votes(cluster, at):
                return
        if self._has("the comparison comes before the number"):
            yield from self._compares(cluster, at, "completes its promotion", self._completed(cluster, at))
        else:
            yield "takes its number", self._completed(cluster, at)

    def _compares(self, cluster: Cluster, at: int, then: str, after: Cluster) -> Iterator[Step]:
        one = cluster.candidates[at]
        if one.received != one.executed and self._has("all that was received is applied"):
            return
        more = [peer for name, peer in others(cluster, at)
                if (reaches(cluster, at, name) or peer.voted_for == at) and self._has_more(cluster, at, name)]
        if not more:
            yield then, after
        elif not all(peer.errant for peer in more):
            yield "has less than another", closed(cluster, at, outdone=True)

    def _has_more(self, cluster: Cluster, at: int, name: int) -> bool:
        one, peer = cluster.candidates[at], cluster.candidates[name]
        ignores = self._has("the tail of one that is left behind is ignored")
        if not votes_needed(cluster):
            if name == one.writer or (peer.left_behind and ignores):
                return False
        elif peer.left_behind and ignores and (
                peer.complete_in < one.generation or not self._has("one that was complete in this promotion counts")):
            return False
        held = peer.received if self._has("what was received counts") else peer.executed
        return bool(held & ~one.executed)

    def _completed(self, cluster: Cluster, at: int) -> Cluster:
        one = cluster.candidates[at]
        waits_for_ineligible = self._has("one that may lead soon is waited for")
        acknowledged = votes_needed(cluster) or any(
            not peer.errant and not peer.left_behind and (waits_for_ineligible or eligible(cluster, name))
            for name, peer in heard(cluster, at))
        number = max(one.generation + 1, one.vote)
        return with_one(cluster, at, claimed=True, generation=number, led=number, alone=not acknowledged,
                        left_behind=False, complete_in=number, voted_for=NONE, fed_by=NONE)

    # ---- the writer --------------------------------------------------------------------------------------------------

    def _writes(self, cluster: Cluster, at: int) -> Iterator[Step]:
        one, answers = cluster.candidates[at], heard(cluster, at)
        if one.generation > one.led:
            yield "sees that it is deposed", closed(cluster, at)
            return
        if one.mode == CUT and not one.alone:
            yield "sees that it is cut off", closed(cluster, at)
            return
        if (any(peer.vip for _, peer in answers)) or any(
                peer.phase == WRITER and peer.led == one.led for _, peer in answers):
            yield "loses the VIP", closed(cluster, at)
        if not one.alone and one.mode == UP and self._goes_on_alone(cluster, at):
            after = with_one(cluster, at, alone=True)
            yield "goes on alone", after._replace(acknowledged=cluster.acknowledged | one.executed)
        if one.alone and any(
                peer.fed_by == at and not peer.errant and not one.executed & ~peer.received for _, peer in answers):
            yield "waits for acknowledgements again", with_one(cluster, at, alone=False)

    def _goes_on_alone(self, cluster: Cluster, at: int) -> bool:
        """All others have given up, by their own words; or one is silent, for longer than its lease."""
        one, answers = cluster.candidates[at], dict(heard(cluster, at))
        left = [
            name for name, peer in others(cluster, at) if name not in answers
            or not (peer.left_behind and peer.generation == one.generation and peer.fed_by != at)
            or (peer.vote > one.generation and self._has("one that has voted frees no older writer"))]
        if not left:
            return True
        silent = left[0] not in answers
        lapsed = not cluster.candidates[left[0]].contact or not self._has("the writer waits longer than the lease")
        return len(left) == 1 and silent and lapsed and not any(peer.vip for peer in answers.values())
