# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run of one row: load, fault, the end of the interruption, healing, and what the record says."""

from __future__ import annotations

import random
import time
import uuid
from dataclasses import asdict, dataclass, field, replace

from bench.client import Order
from bench.cluster import Cluster
from bench.load import Load
from bench.rows import Row

AFTERWARDS = 2.0  # seconds of load after the interruption, in which a second one would show
QUIET = 5.0  # seconds of load after a fault that is not to interrupt anything
LEAST = 0.06  # an interruption for which the harness waits
HEAL_SECONDS = 120.0


@dataclass
class Result:
    """What is kept of a run; times in seconds."""

    row: str
    gap: float = 0.0
    acknowledged: int = 0
    lost: int = 0
    moves: int = 0
    writers: int = 0  # how often the acknowledging server changed, and one
    unequal: list[str] = field(default_factory=list)
    stalls: list[tuple[float, float]] = field(default_factory=list)
    heal: float = 0.0
    target: str = ""
    errors: list[tuple[float, str]] = field(default_factory=list)
    problem: str = ""

    def verdict(self) -> str:
        """What is wrong with it, apart from the gap; empty: nothing."""
        wrong = [self.problem] if self.problem else []
        if self.lost:
            wrong.append(f"{self.lost} acknowledged writes lost")
        if self.writers - 1 > self.moves and not self.problem:  # with a problem the moves were not counted
            wrong.append("a second writer acknowledged")
        if self.moves > 1:
            wrong.append(f"the VIP moved {self.moves} times")
        if self.unequal:
            wrong.append(f"other data on {', '.join(self.unequal)}")
        return "; ".join(wrong)


def one_run(cluster: Cluster, row: Row, result: Result) -> None:
    """Fills the result as far as it comes. Raises Failed where the cluster is not whole or does not become so."""
    writer = cluster.writer()
    target = cluster.other(writer) if row.at_standby else writer
    result.target = target
    moves = cluster.moves()
    order = with_connector(cluster.order(uuid.uuid4().hex[:12]), row)
    with Load(cluster.client, order) as load:
        load.wait_first()
        time.sleep(random.uniform(0.7, 1.7))  # noqa: S311 (no phase of the cluster is to be preferred)
        fault = row.strike(target)
        if row.interrupts:
            load.wait_gap(fault.at, LEAST, row.patience)
            time.sleep(AFTERWARDS)
        else:
            time.sleep(QUIET)
        record = load.stop()
    through = record.through_vip()
    result.gap = round(record.gap(fault.at), 4)
    result.stalls = record.stalls(fault.at)
    result.acknowledged = len(through)
    result.writers = len(record.reigns())
    result.errors = [(round(at - fault.at, 3), text) for at, text in record.errors.get("vip", [])][:10]
    if not through or through[-1].acknowledged < fault.at:
        result.problem = "no write was acknowledged after the fault"
    fault.undo()
    result.heal = round(cluster.heal(HEAL_SECONDS), 1)
    final = cluster.writer()
    result.moves = cluster.moves() - moves
    result.lost = len({ack.number for ack in through} - cluster.numbers(final, f"{order.run}/vip"))
    result.unequal = cluster.wait_equal([name for name in cluster.members if name != final], final)


def with_connector(order: Order, row: Row) -> Order:
    return replace(order, connect_timeout=None, read_timeout=None) if row.default_connector else order


def as_line(result: Result) -> dict[str, object]:
    return {**asdict(result), "verdict": result.verdict()}
