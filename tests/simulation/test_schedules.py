# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real core in pretended clusters, under faults from seeds and from Hypothesis: the promises of design.md hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation import simulate
from simulation.faults import KINDS, TARGETS, Fault
from simulation.mutants import MUTANTS
from simulation.plans import STANDBY, WRITER, Plan, When
from simulation.schedules import Failed, Schedule, random_schedule, run
from simulation.world import Setup

SEEDS_OF_A_TEST = 5


def holds(schedule: Schedule) -> None:
    try:
        run(schedule)
    except Failed as failed:
        pytest.fail(failed.report(), pytrace=False)


@pytest.mark.parametrize("first", range(0, 60, SEEDS_OF_A_TEST))
def test_faults_from_seeds(first: int) -> None:
    for seed in range(first, first + SEEDS_OF_A_TEST):
        holds(random_schedule(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_alone(kind: str) -> None:
    """At the writer and at the standby, within the lease and beyond it."""
    for target, lasts, topology in (("writer", 1.0, "dual_source"), ("standby", 4.5, "source_replica")):
        setup = Setup(topology=topology, advert_interval=0.2)
        holds(Schedule(setup, 1, ((1.0, Fault(kind, target, lasts, 0.5)),)))


faults = st.builds(
    Fault, kind=st.sampled_from(sorted(KINDS)), target=st.sampled_from(sorted(set(TARGETS))),
    lasts=st.floats(0.05, 8.0), strength=st.floats(0.0, 1.0))
setups = st.builds(
    Setup, candidates=st.sampled_from([2, 2, 3]), readers=st.integers(0, 1), topology=st.just("source_replica"),
    durability=st.sampled_from(["available", "strict"]), advert_interval=st.sampled_from([0.2, 0.5]),
    witness_count=st.integers(1, 2), witnesses_answer=st.booleans())
schedules = st.builds(
    Schedule, setup=setups, seed=st.integers(0, 1000), together=st.just(True),
    faults=st.lists(st.tuples(st.floats(0.0, 5.0), faults), min_size=1, max_size=3).map(tuple))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(schedules)
def test_nothing_acknowledged_is_lost_whatever_happens_together(schedule: Schedule) -> None:
    holds(schedule)


def test_a_standby_does_not_take_back_its_word_before_the_writer_has_heard_it() -> None:
    """Found by simulation: its disk recovers, and the writer is cut off, just when that one goes on without it."""
    plan = Plan((
        When(1, 2, "disk_stall", STANDBY, (3.0, 3.1)), When(3.0, 3.06, "isolated", WRITER, (9, 9))),
        Setup(readers=0, advert_interval=0.2))
    for number in range(30):
        holds(plan.schedule(number))


@pytest.mark.parametrize("topology", ["dual_source", "source_replica"])
def test_a_witness_that_never_answers_does_not_let_two_write(topology: str) -> None:
    """Found by review: it counted as none, so a writer that was cut off went on alone."""
    plan = Plan((When(1, 2, "isolated", WRITER, (9, 9)),), Setup(readers=0, topology=topology, witnesses_answer=False))
    restarted = Plan((When(1, 2, "isolated", WRITER, (9, 9)), When(2.3, 3.2, "agent_crash", WRITER, (0.2, 0.4))),
                     Setup(readers=0, topology=topology))
    for number in range(8):
        holds(plan.schedule(number))
        holds(restarted.schedule(number))


def test_a_seed_replays(capsys: pytest.CaptureFixture[str]) -> None:
    outputs = set()
    for _ in range(2):
        assert simulate.main(["--seed", "3", "--lines", "400"]) == 0
        outputs.add(capsys.readouterr().out)
    assert len(outputs) == 1


def test_a_violation_is_told_with_its_trace() -> None:
    schedule = Plan((When(1, 2, "hold", WRITER, (3, 5)),)).schedule(0)
    with pytest.raises(Failed) as caught:
        run(schedule, MUTANTS["TrackFileFirst"]())
    report = caught.value.report()
    assert report.splitlines()[0].startswith("VIOLATION at ")
    assert "---- FAULT hold" in report
    assert "WRITES ARE OPEN" in report


def test_many_counts_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate.many(1.0, 1, 0) == 0
    assert " 0 violations" in capsys.readouterr().out
    assert simulate.many(0.0, 1, 0) == 1, "a run without schedules has shown nothing"
