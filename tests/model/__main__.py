# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`make model`: all rules within bounds, then the trace of each rule that is left out. A name picks one run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from .checker import Result
from .protocol import Cluster
from .runs import MISTAKES, WHOLE, run


def timed(call: Callable[[], Result[Cluster]]) -> tuple[Result[Cluster], str]:
    began = time.monotonic()
    result = call()
    return result, f"{result.states} states, {time.monotonic() - began:.0f} s"


def holds(name: str) -> bool:
    result, took = timed(lambda: run(WHOLE[name]))
    print(f"{name}: {'holds' if result.whole and not result.trace else 'does not hold'} ({took})", flush=True)
    if result.trace:
        print(result.trace)
    return result.whole and not result.trace


def is_needed(rule: str) -> bool:
    mistake = next(one for one in MISTAKES if one.rule == rule)
    result, took = timed(lambda: run(mistake.bounds, mistake.rule, mistake.after))
    print(f"\nWithout \"{rule}\" ({took}):", flush=True)
    print(result.trace or "  nothing is found", flush=True)
    return result.trace is not None


def main(names: list[str]) -> int:
    wholes = [name for name in WHOLE if not names or name in names]
    rules = [mistake.rule for mistake in MISTAKES if not names or mistake.rule in names]
    if not wholes and not rules:
        known = ", ".join((*WHOLE, *(mistake.rule for mistake in MISTAKES)))
        print(f"No run is called {names[0]!r}. The names are: {known}.", file=sys.stderr)
        return 2
    results = [holds(name) for name in wholes] + [is_needed(rule) for rule in rules]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
