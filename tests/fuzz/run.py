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


def once(kind: str, number: int, examples: int = ROUND) -> None:
    """One seed. Raises what an input causes, shrunk."""

    @seed(number)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=PHASES, print_blob=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(mutated(kind))
    def run(text: str) -> None:
        check(kind, text)

    run()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=None, help="the first seed; without it, the clock's")
    given_ = parser.parse_args()
    # What runs away is ended as a MemoryError instead of taking the machine along.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    number = int(time.time()) if given_.seed is None else given_.seed
    end, rounds = time.monotonic() + given_.seconds, 0
    while time.monotonic() < end:
        for kind in kinds():
            try:
                once(kind, number)
            except Exception:
                traceback.print_exc()
                print(f"{kind}, seed {number}: failed after {rounds * ROUND} inputs", file=sys.stderr)
                return 1
            rounds += 1
        number += 1
    print(f"{rounds * ROUND} inputs, nothing failed, ran away or showed a secret")
    return 0


if __name__ == "__main__":
    sys.exit(main())
