# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every planted mistake is caught, by faults that the product survives."""

from __future__ import annotations

import pytest

from simulation.mutants import MUTANTS
from simulation.schedules import Failed, run

CHANCES = 20


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 15


@pytest.mark.parametrize("name", MUTANTS)
def test_is_caught(name: str) -> None:
    mutant = MUTANTS[name]
    for number in range(CHANCES):
        schedule = mutant.plan.schedule(number)
        try:
            run(schedule, mutant())
        except Failed:
            run(schedule)  # the product, in the same schedule
            return
    pytest.fail(f"{name} was not caught in {CHANCES} schedules: {mutant.__doc__}")
