# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Virtual time: events in a heap, one seeded source of chance, and the trace of what happened."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from typing import Any


class Violation(Exception):
    """An invariant does not hold. The text says which, and how."""


class Clockwork:
    def __init__(self, seed: int, keep: int = 400) -> None:
        self.now = 0.0
        self.rng = random.Random(seed)  # noqa: S311  faults, not secrets
        self.events = 0
        self.trace: deque[tuple[float, str, str]] = deque(maxlen=keep)
        self._heap: list[tuple[float, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._order = itertools.count()

    def after(self, delay: float, call: Callable[..., Any], *arguments: Any) -> None:
        heapq.heappush(self._heap, (self.now + delay, next(self._order), call, arguments))

    def run_until(self, end: float) -> None:
        heap, pop = self._heap, heapq.heappop
        while heap and heap[0][0] <= end:
            self.now, _order, call, arguments = pop(heap)
            self.events += 1
            call(*arguments)
        self.now = end

    def say(self, who: str, what: str) -> None:
        self.trace.append((self.now, who, what))

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.rng.random()
