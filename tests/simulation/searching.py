# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random schedules in the order of their seeds; those that begin with the same healthy cluster share it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from .forking import in_a_fork
from .schedules import SHARED, Failed, happen, made, random_schedule
from .variant import Variant
from .world import World


@dataclass(frozen=True)
class Result:
    seed: int
    steps: int  # of the core
    simulated: float  # seconds
    violation: str  # empty: there was none
    report: str = ""


def results(seeds: Iterable[int], variant: Callable[[], Variant] = Variant, lines: int = 80) -> Iterator[Result]:
    """One for each seed; a schedule is a fork of this process."""
    for _, block in groupby(seeds, lambda seed: seed // SHARED):
        wanted = list(block)
        try:
            world = made(random_schedule(wanted[0]), variant())
        except Failed as failed:
            yield from (Result(seed, 0, 0.0, str(failed), failed.report(lines)) for seed in wanted)
            continue
        for seed in wanted:
            yield _forked(world, seed, lines)


def _forked(world: World, seed: int, lines: int) -> Result:
    steps, simulated = world.steps, world.clock.now

    def call() -> str:
        violation = report = ""
        try:
            happen(world, random_schedule(seed))
        except Failed as failed:
            violation, report = str(failed), failed.report(lines)
        return json.dumps([world.steps - steps, world.clock.now - simulated, violation, report])

    try:
        return Result(seed, *json.loads(in_a_fork(call)))
    except RuntimeError as error:  # of the simulation itself
        return Result(seed, 0, 0.0, f"the simulation failed: {error}", f"seed {seed}: {error}")


def first_caught(variant: Callable[[], Variant], seeds: Iterable[int]) -> int | None:
    """The first seed whose schedule shows what is wrong, and which the product survives."""
    caught = (result.seed for result in results(seeds, variant) if result.violation)
    return next((seed for seed in caught if not any(result.violation for result in results([seed]))), None)
