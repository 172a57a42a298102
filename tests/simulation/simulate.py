# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs schedules from seeds: one of them (--seed N, with its trace), or as many as fit into the time."""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import multiprocessing.queues
import sys
import time
from collections.abc import Callable, Sequence

from .mutants import MUTANTS
from .schedules import SHARED, Failed, random_schedule, run
from .searching import Result, first_caught, results
from .shrinking import shrunk
from .variant import Variant

SHOWN = 5  # violations that are printed in full


def one(seed: int, mutant: str, lines: int, shrink: bool = False) -> int:
    schedule = random_schedule(seed)
    try:
        world = run(schedule, variant_of(mutant))
    except Failed as failed:
        if shrink:
            failed = shrunk(failed, lambda: variant_of(mutant))
            print(f"the smallest schedule: {failed.schedule!r}")
        print(failed.report(lines))
        return 1
    print(*(f"{at:9.3f} {who:<3} {what}" for at, who, what in list(world.clock.trace)[-lines:]), schedule, sep="\n")
    print(f"no violation; {world.clock.now:.0f} s, {world.steps} steps, {world.ledger.openings} openings,"
          f" {len(world.ledger.acknowledgements)} acknowledged transactions")
    return 0


def variant_of(mutant: str) -> Variant:
    return MUTANTS[mutant]() if mutant else Variant()


def work(first: int, step: int, seconds: float, schedules: int, put: Callable[[Result | None], None]) -> None:
    """One process: of the blocks of seeds that share a cluster every one that is its turn."""
    end = time.monotonic() + seconds
    blocks = itertools.count(first // SHARED, step)
    seeds = itertools.chain.from_iterable(range(block * SHARED, (block + 1) * SHARED) for block in blocks)
    for done, result in enumerate(results(itertools.takewhile(lambda _: time.monotonic() < end, seeds)), 1):
        put(result)
        if done == schedules:
            break
    put(None)


def many(seconds: float, processes: int, first: int, schedules: int = 0) -> int:
    """For so long, or until there were so many schedules."""
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.queues.SimpleQueue[Result | None] = context.SimpleQueue()
    workers = [
        context.Process(
            target=work, args=(first + number * SHARED, processes, seconds, -(-schedules // processes), queue.put))
        for number in range(processes)
    ]
    began = time.monotonic()
    for worker in workers:
        worker.start()
    count = steps = ended = 0
    simulated = 0.0
    failures: list[Result] = []
    while ended < processes:
        result = queue.get()
        if result is None:
            ended += 1
            continue
        count, steps, simulated = count + 1, steps + result.steps, simulated + result.simulated
        if result.violation:
            failures.append(result)
            if len(failures) <= SHOWN:
                print(result.report, f"replay: make simulate SEED={result.seed}", "", sep="\n", flush=True)
    took = time.monotonic() - began
    for result in failures[SHOWN:]:
        print(f"seed {result.seed}: {result.violation}")
    print(
        f"{count} schedules ({count / took:.1f}/s), {steps} steps of the core ({steps / took:.0f}/s),"
        f" {simulated / 3600:.1f} h simulated in {took:.0f} s by {processes} processes: {len(failures)} violations")
    return 1 if failures or not count else 0


def catch(chances: int, names: Sequence[str]) -> int:
    """How soon each planted mistake is found; in the form of mutants/found.py."""
    missed = []
    for name in names:
        seed = first_caught(MUTANTS[name], range(chances))
        print(f"# {name} was not found" if seed is None else f'    "{name}": {seed},', flush=True)
        if seed is None:
            missed.append(name)
    print(f"# {len(names)} planted mistakes, {len(missed)} not found in {chances} schedules: {' '.join(missed) or '-'}")
    return 1 if missed else 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="replay this seed and print its trace")
    parser.add_argument("--lines", type=int, default=150, help="of the trace")
    parser.add_argument("--mutant", default="", choices=["", *MUTANTS], help="plant it (with --seed, --catch)")
    parser.add_argument("--shrink", action="store_true", help="make the schedule of the seed smaller")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--schedules", type=int, default=0, help="end after so many; 0: when the time is over")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--catch", type=int, default=0, metavar="N", help="each planted mistake in N schedules at most")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return one(given.seed, given.mutant, given.lines, given.shrink)
    if given.catch:
        return catch(given.catch, [given.mutant] if given.mutant else list(MUTANTS))
    return many(given.seconds, given.processes, given.first, given.schedules)


if __name__ == "__main__":
    sys.exit(main())
