# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs schedules from seeds: one of them (--seed N, with its trace), or as many as fit into the time."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Sequence

from .mutants import MUTANTS
from .schedules import Failed, random_schedule, run
from .variant import Variant

SHOWN = 5  # violations that are printed in full


def one(seed: int, mutant: str, lines: int) -> int:
    schedule = random_schedule(seed)
    try:
        world = run(schedule, variant_of(mutant))
    except Failed as failed:
        print(failed.report(lines))
        return 1
    print(*(f"{at:9.3f} {who:<3} {what}" for at, who, what in list(world.clock.trace)[-lines:]), schedule, sep="\n")
    print(f"no violation; {world.clock.now:.0f} s, {world.steps} steps, {world.ledger.openings} openings,"
          f" {len(world.ledger.acknowledgements)} acknowledged transactions")
    return 0


def variant_of(mutant: str) -> Variant:
    return MUTANTS[mutant]() if mutant else Variant()


type Results = multiprocessing.Queue[tuple[str, int, int, float, str]]


def work(first: int, step: int, seconds: float, results: Results) -> None:
    """One process: the seeds first, first + step and so on."""
    end, seed = time.monotonic() + seconds, first
    while time.monotonic() < end:
        try:
            world = run(random_schedule(seed))
        except Failed as failed:
            results.put(("failed", seed, failed.world.steps, failed.world.clock.now, failed.report(80)))
        except Exception as error:  # the simulation itself
            results.put(("failed", seed, 0, 0.0, f"seed {seed}: {error!r}"))
        else:
            results.put(("good", seed, world.steps, world.clock.now, ""))
        seed += step
    results.put(("end", 0, 0, 0.0, ""))


def many(seconds: float, processes: int, first: int) -> int:
    results: Results = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=work, args=(first + number, processes, seconds, results), daemon=True)
        for number in range(processes)
    ]
    began = time.monotonic()
    for worker in workers:
        worker.start()
    schedules = steps = ended = 0
    simulated = 0.0
    failures: list[tuple[int, str]] = []
    while ended < processes:
        what, seed, stepped, lasted, text = results.get()
        if what == "end":
            ended += 1
            continue
        schedules, steps, simulated = schedules + 1, steps + stepped, simulated + lasted
        if what == "failed":
            failures.append((seed, text))
            if len(failures) <= SHOWN:
                print(text, f"replay: make simulate SEED={seed}", "", sep="\n", flush=True)
    took = time.monotonic() - began
    for seed, text in failures[SHOWN:]:
        print(f"seed {seed}: {text.splitlines()[0]}")
    print(
        f"{schedules} schedules ({schedules / took:.1f}/s), {steps} steps of the core ({steps / took:.0f}/s),"
        f" {simulated / 3600:.1f} h simulated in {took:.0f} s by {processes} processes: {len(failures)} violations")
    return 1 if failures or not schedules else 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="replay this seed and print its trace")
    parser.add_argument("--lines", type=int, default=150, help="of the trace")
    parser.add_argument("--mutant", default="", choices=["", *MUTANTS], help="with this planted mistake (with --seed)")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return one(given.seed, given.mutant, given.lines)
    return many(given.seconds, given.processes, given.first)


if __name__ == "__main__":
    sys.exit(main())
