# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a crowd of clients sees of a change of the writer: thirty TLS clients that reconnect at once, with patience.

The load of the bench has short timeouts, which hide a connection that is never answered. These clients wait for 20 s.
"""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench import faults, hosts
from bench.cluster import Cluster
from bench.faults import Fault
from bench.hosts import container, docker
from bench.load import Load, Record

CLIENTS = 30
PATIENCE = 20.0  # seconds: connect timeout and read timeout
PAUSE = 0.01
AFTERWARDS = 2.5  # seconds of load after the writes go on: a call that hangs lasts longer than a second by then
LINGERS = 1.0  # seconds for which a socket of the VIP may stay on a host that has lost the VIP
SOCKETS = "/root/bench_sockets.py"

WAYS: dict[str, Callable[[str], Fault]] = {
    "planned demote": faults.demoted,
    "mysqld stopped": lambda host: faults.stopped(host, "mysql"),
    "keepalived stopped": lambda host: faults.stopped(host, "keepalived"),
    "host rebooted": faults.rebooted,
    "VRRP takeover (keepalived killed)": faults.keepalived_killed,
}


@dataclass
class Change:
    """What came of one change; times in seconds. Calls: of the connector, an insert or a connection with its login."""

    way: str
    clients: int
    at: float = 0.0  # CLOCK_MONOTONIC
    waits: list[tuple[float, float, str]] = field(default_factory=list)  # calls longer than a second: at, length, what
    longest: float = 0.0  # that any client was without an acknowledged write
    lingering: float = 0.0  # that any socket of the VIP stayed on a host without the VIP
    left: list[str] = field(default_factory=list)  # sockets that stayed longer than LINGERS

    def verdict(self) -> list[str]:
        wrong = [f"a client waited {length:.1f} s, from {at:+.2f} s: {what}" for at, length, what in self.waits]
        return [*wrong, *(f"a socket of the VIP stayed for {self.lingering:.1f} s: {one}" for one in self.left)]


class Sockets:
    """Looks at the sockets of the VIP on one host while the block runs."""

    def __init__(self, host: str, vip: str) -> None:
        self._command = ["docker", "exec", "--interactive", container(host), "python3", SOCKETS, vip]
        self.lingering = 0.0
        self.left: list[str] = []

    def start(self) -> Sockets:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def stop(self) -> Sockets:
        """What was seen; of a host that was switched off meanwhile, nothing is left."""
        output, _ = self._process.communicate("stop\n", timeout=10)
        if output:
            told = json.loads(output.splitlines()[-1])
            self.lingering, self.left = told["lingering"], told["left"]
        return self


def install(cluster: Cluster) -> None:
    """Puts the program that looks at sockets on the hosts."""
    program = Path(__file__).with_name("sockets.py")
    for name in cluster.candidates:
        docker("cp", "--quiet", str(program), f"{container(name)}:{SOCKETS}")


def change(cluster: Cluster, way: str, strike: Callable[[str], Fault], clients: int = CLIENTS) -> Change:
    """One change of the writer under the eyes of a crowd. Raises Failed."""
    writer = cluster.writer()
    order = replace(
        cluster.order(uuid.uuid4().hex[:12]), connect_timeout=PATIENCE, read_timeout=PATIENCE, pause=PAUSE,
        crowd=clients - 1)
    watches = [Sockets(name, cluster.vip).start() for name in cluster.candidates]
    with Load(cluster.client, order) as load:
        load.wait_first()
        time.sleep(1.5)  # until all are connected
        fault = strike(writer)
        hosts.wait(lambda: cluster.writer() != writer, "another writer", PATIENCE)
        time.sleep(AFTERWARDS)
        record = load.stop()
    seen = [watch.stop() for watch in watches]
    fault.undo()
    return Change(
        way, clients, fault.at,
        waits=[(round(began - fault.at, 3), round(ended - began, 3), what)
               for began, ended, what in record.waits if ended > fault.at],
        longest=round(longest(record, fault.at), 3),
        lingering=max(one.lingering for one in seen),
        left=[socket for one in seen for socket in one.left],
    )  # fmt: skip


def longest(record: Record, since: float) -> float:
    """The longest time that any client of the crowd was without an acknowledged write."""
    found = 0.0
    for acks in record.acks.values():
        times = [*(ack.acknowledged for ack in acks), record.ended]
        found = max(found, max((end - start for start, end in pairwise(times) if end > since), default=PATIENCE))
    return found


def as_line(found: Change) -> dict[str, Any]:
    return {"row": found.way, "clients": found.clients, "waits": found.waits, "longest": found.longest,
            "lingering": found.lingering, "left": found.left}  # fmt: skip
