# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schedules: a cluster, and what happens to it. one fault at a time with recovery between, or several
at once; beside something that is wrong all the time, or not. Each ends well."""


from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from . import fine
from .clockwork import Violation
from .faults import Fault, Swarm, do, inject, pick
from .variant import Variant
from .world import Setup, World

WELL_WITHIN = 90.0  # seconds after the last fault's end, with a person's help
WRITES_WITHIN = 60.0  # without
NEW_CLUSTER_WITHIN = 60.0
SHARED = 8  # schedules in a row that begin with the same healthy cluster
DECISIONS = ("Save", "Open", "SwitchSemiSync", "Demote", "SetTrack")
# How hasty clients are: calm, and as ever near a fault; or, six of them, up to 1,000 transactions a second.
CALM, EVER, BURST = 0.2, 1.0, 15.0
NEAR = 3.0  # seconds
MOST_ARRIVALS = 3  # of the VIP, because of one fault
RESTLESS = {  # of which the VIP hears again and again, or where more than one thing happens
    "total_outage", "vrrp_blocked", "vrrp_blocked_one_way", "lossy", "slow_wires",
}


@dataclass(frozen=True)
class Schedule:
    setup: Setup
    seed: int  # of everything that chance decides in the world, from the first fault on
    faults: tuple[tuple[float, Fault], ...]  # each with the seconds before it
    together: bool = False  # the next fault comes without waiting for recovery
    healthy: int | None = None  # the seed of the time before; None: the same
    condition: Fault | None = None  # is there from the beginning until all faults have ended
    bursts: bool = False  # the clients hurry around each fault
    asked: float = -1.0  # after so many seconds the agents' word is put to the test; negative: it is not

    def __str__(self) -> str:
        order = "overlapping faults" if self.together else "one fault at a time"
        lines = [f"{self.setup}", f"seed {self.seed}, {order}{', in bursts' if self.bursts else ''}"]
        if self.condition is not None:
            lines.append(f"  all the time: {self.condition}")
        return "\n".join(lines + [f"  after {wait:.2f} s: {fault}" for wait, fault in self.faults])


def random_setup(rng: random.Random) -> Setup:
    candidates = rng.choices((2, 3, 1), (14, 6, 1))[0]
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
    healthy = seed // SHARED
    setup = random_setup(random.Random(healthy))  # noqa: S311  faults, not secrets
    rng = random.Random(f"faults {seed}")  # noqa: S311
    swarm = Swarm(rng)
    order = rng.choices(("alone", "together", "decisions", "burdened"), (4, 3, 2, 2))[0]
    if setup.candidates == 1 and order == "burdened":
        order = "alone"
    bursts = setup.load > 1 and rng.random() < 0.5
    asked = rng.uniform(0, 60) if rng.random() < 0.25 else -1.0
    if order in ("together", "decisions"):
        faults = [(1 + 2 * rng.random(), swarm.fault(single=False))]
        for _ in range(rng.choice((1, 1, 2))):
            fault = swarm.fault(single=False)
            wait = rng.random() * rng.choice((0.0, 0.1, 1.0, 3.0, 6.0, 12.0))
            faults.append((0.0, _with_decision(rng, fault)) if order == "decisions" else (wait, fault))
        return Schedule(setup, seed, tuple(faults), True, healthy, None, bursts, asked)
    if order == "alone":
        single = setup.candidates > 1
        alone = tuple((1 + 2 * rng.random(), swarm.fault(single)) for _ in range(rng.choice((2, 3))))
        return Schedule(setup, seed, alone, False, healthy, None, bursts, asked)
    burdened = ((rng.choice((3.0, 12.0)) * rng.random() + 1, swarm.fault(single=False)),)
    return Schedule(setup, seed, burdened, False, healthy, swarm.condition(), bursts, asked)


def _with_decision(rng: random.Random, fault: Fault) -> Fault:
    target = rng.choice(("decider", "decider", fault.target))
    return Fault(fault.kind, target, fault.lasts, fault.strength, rng.choice(DECISIONS))


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
    world = made(schedule, variant)
    if prepare is not None:
        prepare(world)
    return happen(world, schedule)


def made(schedule: Schedule, variant: Variant | None = None) -> World:
    """Its cluster, before anything has happened. Raises Failed."""
    world = World(schedule.setup, schedule.seed if schedule.healthy is None else schedule.healthy, variant)
    world.haste = CALM
    try:
        world.get_well(NEW_CLUSTER_WITHIN)
    except Violation as violation:
        raise Failed(schedule, world, violation) from violation
    return world


def happen(world: World, schedule: Schedule) -> World:
    """Raises Failed."""
    world.clock.rng.seed(schedule.seed)
    try:
        if schedule.asked >= 0:
            world.clock.after(schedule.asked, fine.ask, world)
        if schedule.together:
            _overlapping(world, schedule)
        else:
            _one_at_a_time(world, schedule)
    except Violation as violation:
        raise Failed(schedule, world, violation) from violation
    return world


def _one_at_a_time(world: World, schedule: Schedule) -> None:
    heal = _burden(world, schedule.condition) if schedule.condition is not None else None
    world.one_at_a_time = heal is None
    for wait, fault in schedule.faults:
        _wait(world, schedule, wait)
        world.ledger.moves = 0
        world.ledger.arrivals.clear()
        world.exempt_from_bound = True
        world.operator.clones = False
        inject(world, fault)
        world.run(fault.lasts + 0.5)
        if fault.kind == "total_outage":
            world.run(45.0 * len(world.hosts))
        world.writes_again(WRITES_WITHIN)
        if heal is not None:
            heal()
            heal = None
        _end_well(world)
        if world.one_at_a_time:
            _check_moves(world, fault)


def _burden(world: World, condition: Fault) -> Callable[[], None]:
    world.exempt_from_bound = True
    world.run(1.0)
    world.began()
    host = pick(world, condition.target)
    world.burdened = host
    return do(world, condition, host)


def _wait(world: World, schedule: Schedule, seconds: float) -> None:
    world.run(max(0.0, seconds - 0.5))
    world.haste = BURST if schedule.bursts else EVER
    world.clock.after(1.5 if schedule.bursts else NEAR, setattr, world, "haste", CALM)
    world.run(min(seconds, 0.5))


def _end_well(world: World) -> None:
    world.operator.clones = True
    world.exempt_from_bound = False
    world.burdened = None
    world.get_well(WELL_WITHIN)
    world.run(1.5)
    world.ledger.check_copies()


def _check_moves(world: World, fault: Fault) -> None:
    if fault.kind == "total_outage":
        return
    if world.ledger.moves > 1:
        raise Violation(f"I6: the writer moved {world.ledger.moves} times because of one fault: {fault}")
    if len(world.ledger.arrivals) > MOST_ARRIVALS and fault.kind not in RESTLESS:
        raise Violation(f"I6: the VIP arrived {len(world.ledger.arrivals)} times because of one fault: {fault}")


def _overlapping(world: World, schedule: Schedule) -> None:
    world.exempt_from_bound = True
    world.operator.clones = False
    for wait, fault in schedule.faults:
        _wait(world, schedule, wait)
        inject(world, fault)
    while world.faults:
        world.run(0.5)
    if any(fault.kind == "total_outage" for _, fault in schedule.faults):
        world.run(45.0 * len(world.hosts))
    world.writes_again(WRITES_WITHIN)
    _end_well(world)
