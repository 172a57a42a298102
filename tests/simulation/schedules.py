# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schedules: a cluster, and what happens to it. One fault at a time with recovery between, or two at once."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from .clockwork import Violation
from .faults import Fault, inject, random_fault
from .variant import Variant
from .world import Setup, World

WELL_WITHIN = 90.0  # seconds after the last fault's end
NEW_CLUSTER_WITHIN = 60.0


@dataclass(frozen=True)
class Schedule:
    setup: Setup
    seed: int  # of everything that chance decides in the world
    faults: tuple[tuple[float, Fault], ...]  # each with the seconds before it
    together: bool = False  # the next fault comes without waiting for recovery; only safety is promised

    def __str__(self) -> str:
        order = "overlapping faults" if self.together else "one fault at a time"
        lines = [f"{self.setup}", f"seed {self.seed}, {order}"]
        return "\n".join(lines + [f"  after {wait:.2f} s: {fault}" for wait, fault in self.faults])


def random_setup(rng: random.Random) -> Setup:
    candidates = rng.choices((2, 3, 1), (16, 4, 1))[0]
    topology = rng.choice(("dual_source", "source_replica")) if candidates == 2 else "source_replica"
    readers = rng.choice((0, 1, 1, 2))
    return Setup(
        candidates=candidates, readers=readers, topology=topology,
        durability=rng.choices(("available", "strict"), (5, 1 if candidates > 1 else 0))[0],
        takeover=rng.choices(("promote", "read_only"), (9, 1))[0],
        rejoin=rng.choice(("manual", "clone")), advert_interval=rng.choice((0.2, 0.5, 1.0)),
        witness_count=rng.choice((1, 1, 2)), witnesses_answer=not readers or rng.random() < 0.9,
        fence=rng.random() < 0.1,
        load=rng.choice((1, 1, 1, 6)))


def random_schedule(seed: int) -> Schedule:
    rng = random.Random(seed)  # noqa: S311  faults, not secrets
    setup = random_setup(rng)
    together = rng.random() < 0.4
    count = rng.choice((2, 2, 3)) if together else rng.choice((2, 3, 4))
    waits = (0.0, 0.1, 1.0, 3.0, 6.0, 12.0)
    faults = tuple(
        (rng.random() * rng.choice(waits) if together and number else 1 + 2 * rng.random(), random_fault(rng))
        for number in range(count))
    return Schedule(setup, seed, faults, together)


class Failed(Exception):
    """A schedule that broke an invariant, with its trace."""

    def __init__(self, schedule: Schedule, world: World, violation: Violation) -> None:
        super().__init__(str(violation))
        self.schedule, self.world, self.violation = schedule, world, violation

    def report(self, lines: int = 150) -> str:
        trace = [f"{at:9.3f} {who:<3} {what}" for at, who, what in list(self.world.clock.trace)[-lines:]]
        return "\n".join([
            f"VIOLATION at {self.world.clock.now:.3f} s: {self.violation}", str(self.schedule), *trace,
            f"VIOLATION at {self.world.clock.now:.3f} s: {self.violation}"])


def run(schedule: Schedule, variant: Variant | None = None, prepare: Callable[[World], None] | None = None) -> World:
    """Raises Failed."""
    world = World(schedule.setup, schedule.seed, variant)
    if prepare is not None:
        prepare(world)
    try:
        world.get_well(NEW_CLUSTER_WITHIN)
        if schedule.together:
            _overlapping(world, schedule)
        else:
            _one_at_a_time(world, schedule)
    except Violation as violation:
        raise Failed(schedule, world, violation) from violation
    return world


def _one_at_a_time(world: World, schedule: Schedule) -> None:
    world.one_at_a_time = True
    for wait, fault in schedule.faults:
        world.run(wait)
        world.ledger.moves = 0
        world.exempt_from_bound = True
        inject(world, fault)
        world.run(fault.lasts + 0.5)
        if fault.kind == "total_outage":
            world.run(45.0 * len(world.hosts))
        world.exempt_from_bound = False
        world.get_well(WELL_WITHIN)
        if world.ledger.moves > 1 and fault.kind != "total_outage":
            raise Violation(f"I6: the writer moved {world.ledger.moves} times because of one fault: {fault}")
        world.run(1.5)
        world.ledger.check_copies()


def _overlapping(world: World, schedule: Schedule) -> None:
    world.exempt_from_bound = True
    end = world.clock.now
    for wait, fault in schedule.faults:
        world.run(wait)
        inject(world, fault)
        end = max(end, world.clock.now + fault.lasts)
    world.run(end - world.clock.now + 20.0)
