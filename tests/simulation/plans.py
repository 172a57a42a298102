# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schedules made by hand: known faults, with room for chance in their times."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from .faults import Fault
from .schedules import Schedule
from .world import Setup

WRITER, STANDBY = "first writer", "first standby"


@dataclass(frozen=True)
class When:
    """A fault, how many seconds after the one before at least and at most."""

    low: float
    high: float
    kind: str
    target: str
    lasts: tuple[float, float]
    strength: float | None = None


@dataclass(frozen=True)
class Plan:
    whens: tuple[When, ...]
    setup: Setup = field(default_factory=Setup)
    together: bool = True

    def schedule(self, number: int) -> Schedule:
        rng = random.Random(number)  # noqa: S311  faults, not secrets
        faults = tuple(
            (rng.uniform(when.low, when.high), Fault(
                when.kind, when.target, rng.uniform(*when.lasts),
                rng.random() if when.strength is None else when.strength))
            for when in self.whens)
        return Schedule(self.setup, number, faults, self.together)
