# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The load on a cluster, started on the client host, and what its record says."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from types import TracebackType

from bench import hosts
from bench.client import Order

PROGRAM = "/root/bench_client.py"
STALL = 0.1  # a pause between two acknowledged writes that counts as an interruption

Kind = type[BaseException] | None


@dataclass(frozen=True)
class Ack:
    """A write that a client was told is done. Times: seconds of CLOCK_MONOTONIC."""

    sent: float
    acknowledged: float
    number: int
    server: str


@dataclass
class Record:
    """What a load's client wrote down, by its writers: the VIP, and the servers written to directly."""

    acks: dict[str, list[Ack]] = field(default_factory=dict)
    errors: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    ended: float = 0.0  # when it was told to end
    waits: list[tuple[float, float, str]] = field(default_factory=list)  # calls longer than a second: began, ended, how

    def through_vip(self) -> list[Ack]:
        return next(iter(self.acks.values()), [])

    def gap(self, since: float) -> float:
        """The longest time without an acknowledged write that ended after `since`, or with the load, in seconds."""
        times = [*(ack.acknowledged for ack in self.through_vip()), self.ended]
        return max((end - start for start, end in pairwise(times) if end > since), default=0.0)

    def stalls(self, since: float) -> list[tuple[float, float]]:
        """The interruptions that ended after `since`: start after it, and length, in seconds."""
        times = [ack.acknowledged for ack in self.through_vip()]
        return [
            (round(start - since, 3), round(end - start, 3))
            for start, end in pairwise(times)
            if end > since and end - start > STALL
        ]

    def reigns(self) -> list[tuple[float, str]]:
        """The servers in the order in which they acknowledged, with the time of the first OK of each turn.

        An OK of the former server that comes late, for a write that was sent before its successor's first OK, is no
        turn: the successor had it, or else it is among the lost.
        """
        every = sorted((ack for acks in self.acks.values() for ack in acks), key=lambda ack: ack.acknowledged)
        turns: list[tuple[float, str]] = []
        for ack in every:
            late = len(turns) > 1 and ack.server == turns[-2][1] and ack.sent < turns[-1][0]
            if not late and (not turns or ack.server != turns[-1][1]):
                turns.append((ack.acknowledged, ack.server))
        return turns


class Load:
    """Runs the client on its host while the block runs. `record` is there after the block."""

    def __init__(self, client: str, order: Order) -> None:
        self.client = client
        self.order = order
        self.record = Record()
        self.ended = threading.Event()
        self.last_gap: tuple[float, float] | None = None
        self._first = threading.Event()

    def __enter__(self) -> Load:
        self._process = subprocess.Popen(
            ["docker", "exec", "--interactive", hosts.container(self.client), "python3", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._tell(json.dumps(asdict(self.order)))
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, kind: Kind, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _tell(self, line: str) -> None:
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(f"{line}\n")
                self._process.stdin.flush()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            content = json.loads(line)
            if "first" in content:
                self._first.set()
            elif "gap" in content:
                self.last_gap = tuple(content["gap"])
            else:
                acks = {name: [Ack(*ack) for ack in given] for name, given in content["acks"].items()}
                waits = [tuple(wait) for given in content["waits"].values() for wait in given]
                self.record = Record(acks, content["errors"], content["ended"], waits)
        self.ended.set()

    def wait_first(self, seconds: float = 10) -> None:
        """Until the first write is acknowledged. Raises Failed."""
        if not self._first.wait(seconds):
            raise hosts.Failed(f"no write was acknowledged within {seconds:g} s")

    def wait_gap(self, since: float, longer_than: float, seconds: float) -> bool:
        """Until an interruption that ended after `since` is over; False when there was none in this time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            gap = self.last_gap
            if gap and gap[1] > since and gap[1] - gap[0] > longer_than:
                return True
            time.sleep(0.02)
        return False

    def stop(self) -> Record:
        if self._process.poll() is None:
            self._tell("stop")
        if not self.ended.wait(20):
            self._process.kill()
        self._process.communicate(timeout=5)
        return self.record


def install(client: str) -> None:
    """Puts the client's program on its host."""
    program = Path(__file__).with_name("client.py")
    hosts.docker("cp", "--quiet", str(program), f"{hosts.container(client)}:{PROGRAM}")
