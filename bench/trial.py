# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fault under load and the promises that must hold afterwards, for the fault tests.

Beside the client of the VIP, one client writes to each candidate's own address and never gives up waiting: an OK
that an old writer sends late reaches somebody.
"""

from __future__ import annotations

import time
import uuid
from types import TracebackType

from bench import hosts
from bench.cluster import Cluster, Status
from bench.faults import Fault
from bench.hosts import Failed
from bench.load import Ack, Kind, Load, Record

SETTLED = 45.0
HEALED = 120.0


class Trial:
    """A block of load. Faults given to `strike` are undone at its end, latest first; the load goes on for a moment."""

    def __init__(self, cluster: Cluster, afterwards: float = 2.0) -> None:
        self.cluster = cluster
        self.run = uuid.uuid4().hex[:12]
        self.afterwards = afterwards
        self.record = Record()
        self.faults: list[Fault] = []
        self.writer = ""
        self.moves = 0
        self.generation = 0
        self._load = Load(cluster.client, cluster.order(self.run, direct=True))

    @property
    def standby(self) -> str:
        return self.cluster.other(self.writer)

    @property
    def standbys(self) -> list[str]:
        """The candidates but the writer, in the order in which the VIP goes to them."""
        return [name for name in self.cluster.candidates if name != self.writer]

    def __enter__(self) -> Trial:
        self.writer = self.cluster.writer()
        self.moves = self.cluster.moves()
        self.generation = self._generation()
        self._load.__enter__()
        self._load.wait_first()
        time.sleep(0.7)
        return self

    def __exit__(self, kind: Kind, error: BaseException | None, trace: TracebackType | None) -> None:
        problems = []
        for fault in reversed(self.faults):
            try:
                fault.undo()
            except Failed as problem:
                problems.append(str(problem))
        time.sleep(self.afterwards)
        self.record = self._load.stop()
        if problems and error is None:
            raise Failed("; ".join(problems))

    def strike(self, fault: Fault) -> Fault:
        self.faults.append(fault)
        return fault

    def wait_writes(self, seconds: float, after: float) -> bool:
        """Until an interruption that ended after `after` is over."""
        return self._load.wait_gap(after, 0.06, seconds)

    # ---- afterwards --------------------------------------------------------------------------------------------------

    def settle(self, seconds: float = SETTLED) -> Status:
        """Waits until there is a writer and every other candidate takes part again or says why not. Raises Failed."""

        def settled() -> Status:
            status = self.cluster.status()
            unclear = self.unclear(status)
            if unclear:
                raise Failed("; ".join(unclear))
            return status

        return hosts.wait(settled, "every instance takes part or says why not", seconds, every=0.3)

    def unclear(self, status: Status) -> list[str]:
        """Instances that neither take part nor are quarantined with a reason."""
        writers = [name for name, one in status.items() if one.get("writer")]
        found = [] if len(writers) == 1 else [f"writers: {writers}"]
        for name, one in status.items():
            if "error" in one:
                found.append(f"{name}: {one['error']}")
            elif name in self.cluster.candidates and name not in writers and not one["eligible"] and not one["reasons"]:
                found.append(f"{name} may not lead and does not say why")
            elif name not in writers and not self._quarantine(one) and not self._replicates(one):
                found.append(f"{name} neither replicates nor is quarantined: {one['reasons']}")
        return found

    def _replicates(self, one: dict[str, object]) -> bool:
        mysqld = one["mysqld"]
        channels = mysqld["channels"] if isinstance(mysqld, dict) else []
        return any(channel["receiver"] == "Yes" and channel["applier"] for channel in channels)

    def _quarantine(self, one: dict[str, object]) -> bool:
        reasons = one["reasons"]
        told = " ".join(reasons) if isinstance(reasons, list) else ""
        return bool(one.get("errant")) or "the cluster does not have" in told

    def _generation(self) -> int:
        return max(int(one.get("generation", 0)) for one in self.cluster.status().values())

    def acknowledged(self) -> list[Ack]:
        return [ack for acks in self.record.acks.values() for ack in acks]

    def lost(self, on: str) -> dict[str, list[int]]:
        """Acknowledged writes that this instance has not, by the client that made them; a few of each."""
        missing = {}
        for client, acks in self.record.acks.items():
            numbers = {ack.number for ack in acks} - self.cluster.numbers(on, f"{self.run}/{client}")
            if numbers:
                missing[client] = sorted(numbers)[:5]
        return missing

    def violations(self, most_moves: int = 1) -> list[str]:
        """What of the promises does not hold, after the cluster has settled and then has been made whole."""
        broken = []
        status = self.settle()
        writer = next(name for name, one in status.items() if one.get("writer"))
        if lost := self.lost(writer):
            broken.append(f"lost on {writer}: {lost}")
        reigns, promotions = self.record.reigns(), self._generation() - self.generation
        if len(reigns) - 1 > promotions:
            turns = [f"{server[:8]} at {at - self.faults[0].at:+.3f} s" for at, server in reigns]
            broken.append(f"with {promotions} promotions there acknowledged {', then '.join(turns)}")
        moves = self.cluster.moves() - self.moves
        if moves > most_moves:
            broken.append(f"the VIP moved {moves} times")
        if (holders := self.cluster.vip_holders()) != [writer]:
            broken.append(f"the VIP is on {holders}, the writer is {writer}")
        self.cluster.heal(HEALED)
        writer = self.cluster.writer()
        if unequal := self.cluster.wait_equal([name for name in self.cluster.members if name != writer], writer):
            broken.append(f"other data on {unequal}")
        if lost := self.lost(writer):
            broken.append(f"lost on {writer} after healing: {lost}")
        return broken
