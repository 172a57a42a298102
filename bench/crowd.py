# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a crowd of clients sees of a change of the writer: thirty TLS clients that reconnect at once, with patience.

The load of the bench has short timeouts, which hide a connection that is never answered. These clients wait for 20 s.
Environment: RUNS (default 7) of each way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from bench import build, faults, hosts
from bench.cluster import Cluster
from bench.faults import Fault
from bench.hosts import Failed, container, docker
from bench.load import Kind, Load, Record
from bench.rows import FAST

CLIENTS = 30
PATIENCE = 20.0  # seconds: connect timeout and read timeout
PAUSE = 0.01
CONNECTED = 1.5  # seconds until all are
CHANGED = 60.0  # seconds that a change may take
AFTERWARDS = 2.5  # seconds of load after the writes go on: a call that hangs lasts longer than a second by then
SOCKETS = "/root/bench_sockets.py"
RESULTS = build.BUILD / "crowd.jsonl"
RELOAD_SECONDS = 5.0

WAYS: dict[str, Callable[[str], Fault]] = {
    "planned demote": faults.demoted,
    "mysqld stopped": lambda host: faults.stopped(host, "mysql"),
    "keepalived stopped": lambda host: faults.stopped(host, "keepalived"),
    "host rebooted": faults.rebooted,
    "VRRP takeover (keepalived SIGKILL)": faults.keepalived_killed,
}

INTRODUCTION = f"""\
## What a crowd of clients waits for

`make crowd`: {CLIENTS} TLS clients on one host insert rows through the writer VIP and reconnect at once after an error,
with connect and read timeouts of {PATIENCE:g} s, while the writer changes. A wait is one call of the connector (a
connection with its login, or an insert) that lasts longer than 1 s. Each candidate looks with `ss` every 50 ms for
sockets of the VIP while the VIP is not there.
"""


class Wait(NamedTuple):
    """A call of the connector that lasted longer than a second. Times in seconds."""

    at: float  # after the change was begun
    length: float
    what: str


@dataclass
class Change:
    """What came of one change; times in seconds."""

    way: str
    clients: int
    waits: list[Wait] = field(default_factory=list)
    longest: float = 0.0  # that any client was without an acknowledged write
    lingering: float = 0.0  # that any socket of the VIP stayed on a host without the VIP
    left: list[str] = field(default_factory=list)  # sockets that did so for more than a second


class Sockets:
    """Looks at the sockets of the VIP on one host until it is stopped."""

    def __init__(self, host: str, vip: str) -> None:
        command = ["docker", "exec", "--interactive", container(host), "python3", SOCKETS, vip]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def stop(self) -> tuple[float, list[str]]:
        """The longest time, and the sockets that were left. Of a host that was switched off meanwhile, nothing is."""
        output, _ = self._process.communicate("stop\n", timeout=10)
        told = json.loads(output.splitlines()[-1]) if output else {}
        return float(told.get("lingering", 0.0)), list(told.get("left", []))


class HalfOpen:
    """While the block runs, so many clients that have begun TLS with the VIP and say nothing more."""

    PROGRAM = """
import socket, struct, sys
begun = []
for _number in range(int(sys.argv[2])):
    begun.append(socket.create_connection((sys.argv[1], 3306), timeout=5))
    begun[-1].recv(4096)
    begun[-1].sendall(b"\\x20\\0\\0\\1" + struct.pack("<IIB23x", 0x88A00, 1 << 24, 45))  # SSLRequest
print("begun", flush=True)
sys.stdin.readline()
"""

    def __init__(self, cluster: Cluster, clients: int) -> None:
        self._command = ["docker", "exec", "--interactive", container(cluster.client), "python3", "-c", self.PROGRAM,
                         cluster.vip, str(clients)]  # fmt: skip

    def __enter__(self) -> HalfOpen:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if not self._process.stdout or self._process.stdout.readline().strip() != "begun":
            raise Failed("the half-open logins did not begin")
        return self

    def __exit__(self, kind: Kind, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate("end\n", timeout=10)


def install(cluster: Cluster) -> None:
    """Puts the program that looks at sockets on the hosts."""
    program = Path(__file__).with_name("sockets.py")
    for name in cluster.candidates:
        docker("cp", "--quiet", str(program), f"{container(name)}:{SOCKETS}")


def reload_certificates(host: str) -> None:
    """Raises Failed when that takes long."""
    hosts.sql(host, "ALTER INSTANCE RELOAD TLS", timeout=RELOAD_SECONDS)


def change(cluster: Cluster, way: str, clients: int = CLIENTS) -> Change:
    """One change of the writer under the eyes of a crowd. Raises Failed."""
    writer = cluster.writer()
    order = replace(
        cluster.order(uuid.uuid4().hex[:12]), connect_timeout=PATIENCE, read_timeout=PATIENCE, pause=PAUSE,
        crowd=clients - 1)
    watches = [Sockets(name, cluster.vip) for name in cluster.candidates]
    with Load(cluster.client, order) as load:
        load.wait_first()
        time.sleep(CONNECTED)
        fault = WAYS[way](writer)
        try:
            hosts.wait(lambda: cluster.writer() != writer, "another writer", CHANGED)
            time.sleep(AFTERWARDS)
            record = load.stop()
            seen = [watch.stop() for watch in watches]
        finally:
            fault.undo()
    waits = [Wait(round(began - fault.at, 3), round(ended - began, 3), what)
             for began, ended, what in record.waits if ended > fault.at]  # fmt: skip
    return Change(
        way, clients, waits, round(longest(record, fault.at), 3), max(lingering for lingering, _ in seen),
        [socket for _, left in seen for socket in left])


def longest(record: Record, since: float) -> float:
    """The longest time that any client of the crowd was without an acknowledged write."""
    found = 0.0
    for acks in record.acks.values():
        times = [*(ack.acknowledged for ack in acks), record.ended]
        found = max(found, max((end - start for start, end in pairwise(times) if end > since), default=PATIENCE))
    return found


def section(product: str) -> list[str]:
    """Of the page, from the runs of this version; empty: there are none."""
    runs = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    by_way: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for run in runs:
        if run["product"] == product:
            by_way[run["way"]].append(run)
    if not by_way:
        return []
    heading = ["the writer changes by", "changes", "clients", "waits over 1 s", "longest wait", "a socket stayed for"]
    lines = [INTRODUCTION, f"| {' | '.join(heading)} |", "|" + "---|" * len(heading)]
    for way, found in by_way.items():
        waits = [length for run in found for _, length, _ in run["waits"]]
        clients = sum(run["clients"] for run in found)
        longest_wait = f"{max(waits):.1f} s" if waits else "under 1 s"
        life = max(run["lingering"] for run in found)
        lines.append(f"| {way} | {len(found)} | {clients} | {len(waits)} | {longest_wait} | {life:.2f} s |")
    return lines


def main() -> int:
    cluster = build.ensure("source_replica", FAST)
    install(cluster)
    product = build.product()
    wrong = 0
    for number in range(int(os.environ.get("RUNS") or 7)):
        for way in WAYS:
            cluster.heal()
            found = change(cluster, way)
            with RESULTS.open("a") as results:
                results.write(json.dumps({"product": product, **asdict(found)}) + "\n")
            wrong += len(found.waits) + len(found.left)
            print(f"{way} {number + 1}: {len(found.waits)} waits over 1 s, a socket of the VIP stayed for "
                  f"{found.lingering:.2f} s, longest interruption {found.longest:.2f} s", flush=True)  # fmt: skip
    print("\n".join(section(product)))
    return min(wrong, 1)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as error:
        sys.exit(f"crowd: {error}")
