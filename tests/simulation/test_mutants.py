# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every planted mistake is found by random schedules, all of which the product survives."""

from __future__ import annotations

import pytest

from simulation.mutants import MUTANTS
from simulation.mutants.found import FOUND
from simulation.schedules import Failed, random_schedule, run
from simulation.searching import first_caught

CHANCES = 250


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 35


def test_each_has_been_looked_for() -> None:
    assert set(FOUND) == set(MUTANTS)
    assert all(seed < CHANCES for seed in FOUND.values())


@pytest.mark.parametrize("name", MUTANTS)
def test_is_caught(name: str) -> None:
    """By the seed that `make simulate CATCH=250` found first; a change of the core may lead chance elsewhere."""
    seed: int | None = FOUND[name]
    assert seed is not None
    try:
        run(random_schedule(seed), MUTANTS[name]())
    except Failed:
        pass
    else:
        seed = first_caught(MUTANTS[name], range(CHANCES))
    assert seed is not None, f"{name} was not found in {CHANCES} schedules: {MUTANTS[name].__doc__}"
    run(random_schedule(seed))  # the product, in the same schedule
