# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mutated configurations through parsers, rules, reports and discover, for as long as is wanted."""

from __future__ import annotations

import argparse
import resource
import sys
import time
import traceback

from hypothesis import HealthCheck, Phase, given, seed, settings

from .corpus import kinds, mutated
from .targets import check

ROUND = 50  # inputs of one seed
MEMORY = 2 * 2**30  # bytes
PHASES = (Phase.generate, Phase.shrink)


def once(kind: str, number: int, examples: int = ROUND) -> float:
    """One seed; the processor's seconds of its slowest input. Raises what an input causes, shrunk."""
    slowest = 0.0

    @seed(number)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=PHASES, print_blob=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(mutated(kind))
    def run(text: str) -> None:
        nonlocal slowest
        slowest = max(slowest, check(kind, text))

    run()
    return slowest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=None, help="the first seed; without it, the clock's")
    given_ = parser.parse_args()
    # What runs away is ended as a MemoryError instead of taking the machine along.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    number = int(time.time()) if given_.seed is None else given_.seed
    end, rounds, slowest = time.monotonic() + given_.seconds, 0, 0.0
    while time.monotonic() < end:
        for kind in kinds():
            try:
                slowest = max(slowest, once(kind, number))
            except Exception:
                traceback.print_exc()
                print(f"{kind}, seed {number}: failed after {rounds * ROUND} inputs", file=sys.stderr)
                return 1
            rounds += 1
        number += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{rounds * ROUND} inputs: nothing failed or showed a secret; at most {slowest:.2f} s for one, {peak} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
