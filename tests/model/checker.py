# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small explicit-state checker: every state that can be reached, breadth first, so the first trace is a shortest."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Move[S: Hashable]:
    name: str
    after: S
    settles: bool  # it happens by itself in time; false: a fault, or the end of one


@dataclass(frozen=True)
class Model[S: Hashable]:
    start: S
    moves: Callable[[S], Iterable[Move[S]]]
    broken: Callable[[S], str]  # what is wrong in this state; empty: nothing
    must_settle: Callable[[S], bool]  # from here `settled` must be reachable without a fault and without the end of one
    settled: Callable[[S], bool]
    canonical: Callable[[S], S]  # one state for all that differ by the names of equals


@dataclass(frozen=True)
class Trace[S: Hashable]:
    broken: str
    moves: tuple[Move[S], ...]

    def __str__(self) -> str:
        steps = [f"  {number:2}. {move.name}" for number, move in enumerate(self.moves, 1)]
        return "\n".join([f"{self.broken}, after {len(self.moves)} moves:", *steps])


@dataclass(frozen=True)
class Result[S: Hashable]:
    states: int
    whole: bool  # all states were seen
    trace: Trace[S] | None


NEVER_SETTLES = "No sequence of steps leads to a writer"


def check[S: Hashable](model: Model[S], most: int) -> Result[S]:
    """Looks at `most` states at most. Whether all can settle is known only when all were seen."""
    start = model.canonical(model.start)
    states, number, parents = [start], {start: 0}, array("l", [-1])
    settling = array("l")  # pairs of states, from and to
    for at, state in enumerate(states):  # the list grows meanwhile
        wrong = model.broken(state)
        if wrong:
            return Result(len(states), False, _trace(model, _path(states, parents, at), wrong))
        if len(states) >= most:
            return Result(len(states), False, None)
        for move in model.moves(state):
            after = model.canonical(move.after)
            found = number.setdefault(after, len(states))
            if found == len(states):
                states.append(after)
                parents.append(at)
            if move.settles:
                settling.extend((at, found))
    settles = _settling(settling, [at for at, state in enumerate(states) if model.settled(state)], len(states))
    for at, state in enumerate(states):
        if not settles[at] and model.must_settle(state):
            return Result(len(states), True, _trace(model, _path(states, parents, at), NEVER_SETTLES))
    return Result(len(states), True, None)


def _settling(pairs: array[int], settled: list[int], count: int) -> bytearray:
    """Which states lead to one that is settled."""
    before: list[list[int]] = [[] for _ in range(count)]
    for index in range(0, len(pairs), 2):
        before[pairs[index + 1]].append(pairs[index])
    good = bytearray(count)
    for at in settled:
        good[at] = 1
    while settled:
        for at in before[settled.pop()]:
            if not good[at]:
                good[at] = 1
                settled.append(at)
    return good


def _path[S: Hashable](states: list[S], parents: array[int], at: int) -> list[S]:
    def backwards(at: int) -> Iterator[S]:
        while at >= 0:
            yield states[at]
            at = parents[at]

    return list(backwards(at))[::-1]


def _trace[S: Hashable](model: Model[S], path: list[S], broken: str) -> Trace[S]:
    """The same path with the names of one run."""
    state, moves = model.start, []
    for canonical in path[1:]:
        move: Any = next(move for move in model.moves(state) if model.canonical(move.after) == canonical)
        moves.append(move)
        state = move.after
    return Trace(broken, tuple(moves))
