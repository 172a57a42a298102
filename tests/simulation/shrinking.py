# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fewest faults that still break what a schedule broke."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from .schedules import Failed, Schedule, run
from .variant import Variant

SEEDS = 4  # chance takes another course when there is less; so many courses of each smaller schedule are tried


def shrunk(failed: Failed, variant: Callable[[], Variant], tries: int = 200) -> Failed:
    """The smallest one found; it breaks the same promise."""
    promise = _promise(failed)
    while True:
        for smaller in _smaller(failed.schedule):
            if tries <= 0:
                return failed
            tries -= 1
            found = _failure(smaller, variant)
            if found is not None and _promise(found) == promise:
                failed = found
                break
        else:
            return failed


def _promise(failed: Failed) -> str:
    return str(failed).partition(":")[0]


def _failure(schedule: Schedule, variant: Callable[[], Variant]) -> Failed | None:
    try:
        run(schedule, variant())
    except Failed as failed:
        return failed
    return None


def _smaller(schedule: Schedule) -> Iterator[Schedule]:
    setup = schedule.setup
    changes: list[dict[str, object]] = []
    if schedule.condition is not None and schedule.faults:
        changes.append({"condition": None})
    for number in range(len(schedule.faults)):
        changes.append({"faults": schedule.faults[:number] + schedule.faults[number + 1:]})
    if schedule.asked >= 0:
        changes.append({"asked": -1.0})
    if schedule.bursts:
        changes.append({"bursts": False})
    for name, value in (("candidates", 2), ("readers", 0), ("load", 1), ("topology", "source_replica"),
                        ("durability", "available"), ("rejoin", "manual"), ("witness_count", 1), ("fence", False)):
        if getattr(setup, name) != value and (name != "candidates" or setup.candidates > 2):
            changes.append({"setup": replace(setup, **{name: value})})  # type: ignore[arg-type]
    for change in changes:
        for seed in range(schedule.seed, schedule.seed + SEEDS):
            yield replace(schedule, **change, seed=seed)  # type: ignore[arg-type]
