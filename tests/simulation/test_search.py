# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The search itself: forks, faults that come with decisions, words put to the test, smaller schedules."""

from __future__ import annotations

import pytest

from simulation import fine
from simulation.clockwork import Violation
from simulation.faults import Fault, inject
from simulation.forking import in_a_fork
from simulation.mutants import MUTANTS
from simulation.schedules import Failed, Schedule, made, random_schedule, run
from simulation.searching import results
from simulation.shrinking import shrunk
from simulation.world import Setup, World


@pytest.fixture
def world() -> World:
    world = World(Setup(readers=0), 1)
    world.get_well(60)
    world.run(fine.SETTLED)
    return world


def test_a_fork_changes_nothing_here_and_raises_what_it_raised(world: World) -> None:
    def call() -> str:
        world.run(5)
        return f"{world.clock.now:.1f}"

    now = world.clock.now
    assert in_a_fork(call) == f"{now + 5:.1f}"
    assert world.clock.now == now
    with pytest.raises(RuntimeError, match="KeyError"):
        in_a_fork(lambda: {"something": ""}["nothing"])


def test_a_schedule_in_a_fork_goes_as_it_goes_alone() -> None:
    for result in results(range(3)):
        schedule = random_schedule(result.seed)
        before, after = made(schedule), run(schedule)
        assert not result.violation
        assert (result.steps, result.simulated) == (after.steps - before.steps, after.clock.now - before.clock.now)


def test_a_word_that_is_true_passes(world: World) -> None:
    writer = world.writer()
    assert writer is not None
    assert fine.says_fine(writer)
    fine.ask(world)


def test_a_word_that_is_not_true_is_a_violation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.exempt_from_bound = True
    world.standby().power_off()
    world.run(fine.SETTLED)
    writer = world.writer()
    assert writer is not None
    assert not fine.says_fine(writer)
    monkeypatch.setattr(fine, "says_fine", lambda _: True)
    with pytest.raises(Violation, match=r"all was fine at .* nobody led within"):
        fine.ask(world)


@pytest.mark.parametrize("decision", ["Demote", "SetTrack"])
def test_a_fault_comes_with_a_decision(world: World, decision: str) -> None:
    writer = world.writer()
    assert writer is not None
    world.exempt_from_bound = True
    inject(world, Fault("agent_crash", "decider", 1.0, on=decision))
    world.run(1)
    assert writer.agent.alive
    writer.files.hold = "a person"
    writer.agent.wake()
    world.run(0.5)
    assert not writer.agent.alive
    decided = next(at for at, _, what in world.clock.trace if what.startswith(decision) and at > world.clock.now - 0.6)
    came = next(at for at, _, what in world.clock.trace if "FAULT agent_crash" in what)
    assert 0 <= came - decided <= 0.2


def test_a_failing_schedule_becomes_smaller() -> None:
    faults = tuple((1.5, Fault(kind, "writer", 2.0)) for kind in ("receiver_drop", "hold", "agent_crash"))
    schedule = Schedule(Setup(load=6, durability="strict"), 1, faults, bursts=True)
    mutant = MUTANTS["TrackFileFirst"]
    with pytest.raises(Failed) as caught:
        run(schedule, mutant())
    smallest = shrunk(caught.value, mutant).schedule
    assert [fault.kind for _, fault in smallest.faults] == ["hold"]
    assert (smallest.setup.load, smallest.setup.durability, smallest.bursts) == (1, "available", False)
    assert eval(repr(smallest)) == smallest  # noqa: S307  so that a test can be made of it
