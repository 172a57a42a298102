# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carries decisions out: each lane has a thread of its own, so a slow statement holds up its own lane only."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from . import threads
from .decisions import AnyDecision, Decision

Report = Callable[[Decision, float, "Exception | None"], None]


class Lanes:
    def __init__(self, carry_out: Callable[[AnyDecision], None], report: Report) -> None:
        """`carry_out` may raise anything; `report` is told what was done, for how long, and the error."""
        self._carry_out = carry_out
        self._report = report
        self._lock = threading.Lock()
        self._queues: dict[str, queue.SimpleQueue[AnyDecision]] = {}
        self._running: dict[str, AnyDecision] = {}

    def submit(self, decision: AnyDecision) -> None:
        """Nothing if its lane is busy: the core decides anew at the next step."""
        with self._lock:
            if decision.lane in self._running:
                return
            self._running[decision.lane] = decision
            if decision.lane not in self._queues:
                self._queues[decision.lane] = queue.SimpleQueue()
                threads.start(self._work, decision.lane, decision.lane)
        self._queues[decision.lane].put(decision)

    def running(self) -> tuple[AnyDecision, ...]:
        with self._lock:
            return tuple(self._running.values())

    def _work(self, lane: str) -> None:
        while True:
            decision = self._queues[lane].get()
            began = time.monotonic()
            error: Exception | None = None
            try:
                self._carry_out(decision)
            except Exception as raised:  # whatever it is, the lane lives on and the core decides anew
                error = raised
            took = time.monotonic() - began
            with self._lock:
                del self._running[lane]
            self._report(decision, took, error)
