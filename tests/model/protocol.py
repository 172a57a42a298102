# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What candidates know, and how they judge: the agent's `standing`, `votes`, `eligibility` and `leading` in short.

Times are gone: a lease is `contact`, which may end any moment while the writer does not answer, and a writer counts a
silent standby as gone only when it has ended there. An answer is as new as the step that uses it. What a step puts on
the disk is there when others see it; a mistake that says otherwise loses it at a power-off.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import NamedTuple

NONE = -1
UP, OFF, FROZEN, CUT = "up", "off", "frozen", "cut"
STANDBY, PROMOTING, WRITER = "standby", "promoting", "writer"


class Candidate(NamedTuple):
    # on its disk
    generation: int = 1
    led: int = 0
    alone: bool = False
    left_behind: bool = False
    vote: int = 0
    voted_for: int = NONE
    errant: bool = False
    received: int = 0  # transactions, a bit for each; with those that were executed
    executed: int = 0
    complete_in: int = 1  # the newest promotion in which it had all that was acknowledged
    # lost with its power
    mode: str = UP
    phase: str = STANDBY
    vip: bool = False
    fed_by: int = NONE  # whose transactions its receiver takes
    writer: int = NONE  # the last one that it heard
    contact: bool = False  # with that one, within the lease
    promised: bool = False  # its promotion began in contact
    claimed: bool = False
    outdone: bool = False  # another had more when the VIP was here


class Cluster(NamedTuple):
    candidates: tuple[Candidate, ...]
    acknowledged: int = 0  # by any writer, to its client
    made: int = 0  # how many transactions there have been
    faults: int = 0  # how many there have been
    unruly: bool = False  # the last fault was none of those that may come together


@dataclass(frozen=True)
class Bounds:
    candidates: int
    transactions: int
    faults: int
    kinds: frozenset[str]
    promotions: int = 3  # the highest number


def start(bounds: Bounds) -> Cluster:
    writer = Candidate(led=1, phase=WRITER, vip=True)
    standby = Candidate(fed_by=0, writer=0, contact=True)
    return Cluster((writer, *[standby] * (bounds.candidates - 1)))


def canonical(cluster: Cluster) -> Cluster:
    """Candidates are equals: of all orders of them the least."""
    everyone = cluster.candidates
    faces = [(*one[:5], *one[6:13], *one[15:]) for one in everyone]  # without the names of others
    order = sorted(range(len(everyone)), key=faces.__getitem__)
    orders = [order]
    if any(faces[one] == faces[after] for one, after in pairwise(order)):
        sorted_faces = [faces[at] for at in order]
        orders = [list(one) for one in permutations(order) if [faces[at] for at in one] == sorted_faces]
    return cluster._replace(candidates=min(_ordered(everyone, one) for one in orders))


def _ordered(everyone: tuple[Candidate, ...], order: list[int]) -> tuple[Candidate, ...]:
    if order == sorted(order):
        return everyone
    place = [0] * len(order) + [NONE]  # NONE is its own place: the last
    for new, old in enumerate(order):
        place[old] = new
    return tuple(
        one._replace(voted_for=place[one.voted_for], fed_by=place[one.fed_by], writer=place[one.writer])
        for one in (everyone[old] for old in order))


# ---- what must never be ----------------------------------------------------------------------------------------------


def broken(cluster: Cluster) -> str:
    """An older writer that does not know yet that it is deposed may be open and lack something, if it acknowledges
    nothing."""
    acknowledging = [at for at in range(len(cluster.candidates)) if _acknowledging(cluster, at)]
    if len(acknowledging) > 1:
        return "Two instances acknowledge"
    numbers = [one.led for one in cluster.candidates if one.phase == WRITER]
    if len(set(numbers)) < len(numbers):
        return "Two promotions have the same number"
    newest = max(one.led for one in cluster.candidates)
    for at, one in enumerate(cluster.candidates):
        opened = one.phase == WRITER and one.mode in (UP, CUT) and one.led == newest
        if (opened or at in acknowledging) and cluster.acknowledged & ~one.executed:
            return "An acknowledged transaction is missing in the writer"
    return ""


def _acknowledging(cluster: Cluster, at: int) -> bool:
    one = cluster.candidates[at]
    if one.phase != WRITER or one.mode not in (UP, CUT):
        return False
    return one.alone or any(peer.fed_by == at and reaches(cluster, at, name) for name, peer in others(cluster, at))


def settled(cluster: Cluster, bounds: Bounds) -> bool:
    """There is a writer. Of a cluster that has used all numbers nothing more is known."""
    spent = any(max(one.vote, one.generation) >= bounds.promotions for one in cluster.candidates)
    return spent or any(one.phase == WRITER and one.mode == UP and one.vip for one in cluster.candidates)


def must_settle(cluster: Cluster) -> bool:
    """All are up; of three candidates or more one may be missing, if it did not lead alone and none of the
    others was left behind by the newest promotion after having been complete in it: then a person decides."""
    missing = [one for one in cluster.candidates if one.mode != UP]
    if len(missing) > (len(cluster.candidates) > 2) or any(led_last(one) for one in missing):
        return False
    newest = max(one.generation for one in cluster.candidates)
    torn = any(one.left_behind and one.complete_in == newest for one in cluster.candidates)
    return not (missing and torn)


def calm(cluster: Cluster) -> bool:
    """Recovered from all faults."""
    writers = [at for at, one in enumerate(cluster.candidates) if one.phase == WRITER]
    if len(writers) != 1 or cluster.candidates[writers[0]].alone:
        return False
    writer, number = writers[0], cluster.candidates[writers[0]].led
    return all(
        one.mode == UP and one.generation == number and not one.left_behind and not one.errant
        and (at == writer or (one.fed_by == writer == one.writer and one.contact))
        for at, one in enumerate(cluster.candidates))


# ---- what a candidate knows ------------------------------------------------------------------------------------------


def others(cluster: Cluster, at: int) -> list[tuple[int, Candidate]]:
    return [(name, one) for name, one in enumerate(cluster.candidates) if name != at]


def reaches(cluster: Cluster, at: int, name: int) -> bool:
    return cluster.candidates[at].mode == UP == cluster.candidates[name].mode


def heard(cluster: Cluster, at: int) -> list[tuple[int, Candidate]]:
    if cluster.candidates[at].mode != UP:
        return []
    return [(name, one) for name, one in enumerate(cluster.candidates) if name != at and one.mode == UP]


def live_writer(cluster: Cluster, at: int) -> int:
    writers = [(one.led, name) for name, one in heard(cluster, at) if one.phase == WRITER]
    return max(writers)[1] if writers else NONE


def led_newest(one: Candidate) -> bool:
    return 0 < one.generation == one.led


def led_last(one: Candidate) -> bool:
    return one.alone and led_newest(one)


def votes_needed(cluster: Cluster) -> bool:
    return len(cluster.candidates) > 2


def asks(one: Candidate) -> bool:
    return one.phase == PROMOTING and one.vip


def is_complete(cluster: Cluster, at: int, peer: Candidate) -> bool:
    return (peer.phase != WRITER and not peer.left_behind and not peer.errant
            and peer.generation == cluster.candidates[at].generation)


def quorum(cluster: Cluster, at: int) -> bool:
    one, answered = cluster.candidates[at], heard(cluster, at)
    if len(cluster.candidates) < 3 or len(answered) != len(cluster.candidates) - 2 or one.left_behind:
        return False
    return led_newest(one) or all(
        peer.generation == one.generation and not peer.left_behind for _, peer in answered)


def knows_enough(cluster: Cluster, at: int) -> bool:
    """Of the other candidates one may be silent, if this one is sure to have what that one acknowledged."""
    one = cluster.candidates[at]
    silent = len(cluster.candidates) - 1 - len(heard(cluster, at))
    if not silent or led_last(one):
        return silent <= 1
    return silent == 1 and one.mode == UP and (one.contact or one.promised or quorum(cluster, at))


def unresolved(cluster: Cluster, at: int) -> bool:
    """What became of the promotion that it has voted for is not known."""
    one = cluster.candidates[at]
    if one.voted_for in (NONE, at):
        return False
    answers = dict(heard(cluster, at))
    unheard = all(name in answers and peer.generation < one.vote
                  for name, peer in others(cluster, at) if name != one.voted_for)
    return not unheard or one.voted_for in answers


def eligible(cluster: Cluster, at: int) -> bool:
    one = cluster.candidates[at]
    if one.mode not in (UP, CUT) or one.left_behind or one.errant or one.outdone:
        return False
    if not knows_enough(cluster, at) or (votes_needed(cluster) and unresolved(cluster, at)):
        return False
    return one.vip or live_writer(cluster, at) != NONE or not any(
        peer.led > one.led and eligible(cluster, name) for name, peer in heard(cluster, at))
