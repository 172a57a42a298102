# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the scenario haproxy does with the proxies of the lab."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_stats import Unreadable, parse_info, parse_stat
from integration import lab_lvs
from integration.lab_cluster import PROJECT, Cluster, Run, machine, run_playbook, wait_until

BUILD = PROJECT / "build/haproxy"
VIP, WRITER_VIP = "10.77.0.119", "10.77.0.118"
WRITES, READS = 3306, 3307
ADDRESSES = {"hx1": "10.77.0.111", "hx2": "10.77.0.112", "hx3": "10.77.0.113"}
PROXIES = {"hp1": "10.77.0.115", "hp2": "10.77.0.116"}
CLUSTER = Cluster(
    inventory=Path(os.environ.get("MHA_INVENTORY", PROJECT / "molecule/haproxy/inventory")),
    members=tuple(ADDRESSES),
    candidates=("hx1", "hx2"),
    vip=WRITER_VIP,
    client="hxclient",
    user="shop",
    password="lab-only-shop",
    database="shop",
)
ASK = """
import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.settimeout(2)
connection.connect("/run/mysql-ha-haproxy/admin.sock")
connection.sendall(sys.argv[1].encode() + b"\\n")
while data := connection.recv(65536):
    sys.stdout.write(data.decode())
"""


# Says that a server is in, and when it is no more
LEFT = """
import csv, socket, sys, time
def up():
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(2)
    connection.connect("/run/mysql-ha-haproxy/admin.sock")
    connection.sendall(b"show stat\\n")
    text = b""
    while data := connection.recv(65536):
        text += data
    rows = csv.DictReader(text.decode()[2:].splitlines())
    return any([row["pxname"], row["svname"]] == sys.argv[1:] and row["status"].startswith("UP") for row in rows)
if up():
    print("in")
end = time.time() + 15
while time.time() < end:
    if not up():
        print(time.time())
        break
    time.sleep(0.02)
"""


class Reads(lab_lvs.Reads):
    """Sessions of the client host, in the background."""

    cluster = CLUSTER

    def __init__(self, mode: str, amount: float, port: int = READS, address: str = VIP) -> None:
        super().__init__(mode, amount, address, port)

    @property
    def running(self) -> bool:
        return self._process.poll() is None


def count(times: int, port: int = READS, address: str = VIP) -> list[str]:
    """Who answered each of so many connections; none may fail."""
    reads = Reads("count", times, port, address).reads()
    assert [read.text for read in reads if read.host is None] == []
    return [str(read.host) for read in reads]


def ask(proxy: str, command: str) -> bytes:
    """At its runtime socket; nothing where it does not answer."""
    return bytes(machine(proxy).run("python3 -c %s %s", ASK, command).stdout.encode())


def info(proxy: str) -> dict[str, Any]:
    return parse_info(ask(proxy, "show info"))


def servers(proxy: str, kind: str) -> list[dict[str, Any]]:
    """Of this proxy's port for `writer` or `reader`; none where it does not answer."""
    try:
        found = parse_stat(ask(proxy, "show stat"))
    except Unreadable:
        return []
    return [each for proxy_ in found if proxy_["name"] == f"mysql_shops_{kind}" for each in proxy_["servers"]]


def up(proxy: str, kind: str) -> set[str]:
    """The servers that get sessions."""
    return {each["name"] for each in servers(proxy, kind) if each["takes_sessions"]}


def wait_up(kind: str, wanted: set[str], seconds: float) -> float:
    """Until every proxy has exactly these servers. Returns the seconds that it took."""
    began = time.monotonic()
    what = f"{sorted(wanted)} as {kind} at every proxy"
    wait_until(lambda: all(up(proxy, kind) == wanted for proxy in PROXIES), what, seconds, 0.05)
    return time.monotonic() - began


def holders() -> list[str]:
    return [name for name in PROXIES if f" {VIP}/32" in machine(name).run("ip -o -4 address show").stdout]


def holder() -> str:
    """The one proxy that holds the VIP."""
    names: list[str] = wait_until(lambda: found if len(found := holders()) == 1 else [], "one holder of the VIP", 20)
    return names[0]


def standing_by() -> str:
    active = holder()
    return next(name for name in PROXIES if name != active)


def whole() -> None:
    """A writer, everybody else serves reads, and both proxies know: what has to be before the next fault."""
    writer = CLUSTER.redundant_writer()
    wait_up("writer", {writer}, 30)
    wait_up("reader", set(ADDRESSES) - {writer}, 60)
    holder()


def site(*arguments: str, **variables: Any) -> Run:
    """Run site.yml, with variables that differ from the inventory's; it must succeed."""
    extra = ["-e", json.dumps(variables)] if variables else []
    run = run_playbook(CLUSTER.inventory, *arguments, *extra)
    assert run.returncode == 0, run.output[-4000:]
    return run


def proxies_playbook(*arguments: str, **variables: Any) -> Run:
    """What of site.yml belongs to proxies, with variables that differ from the inventory's; it must succeed."""
    extra = ["-e", json.dumps(variables)] if variables else []
    run = run_playbook(CLUSTER.inventory, *arguments, *extra, playbook="molecule/haproxy/proxies.yml")
    assert run.returncode == 0, run.output[-4000:]
    return run


def noise() -> dict[str, str]:
    """What mysqld counts of connections that came to nothing."""
    asked = (
        "SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Aborted_connects'; "
        "SELECT COALESCE(SUM(SUM_CONNECT_ERRORS + COUNT_HANDSHAKE_ERRORS), 0) FROM performance_schema.host_cache"
    )
    return {name: CLUSTER.query(name, asked) for name in ADDRESSES}


def note(what: str, figure: Any) -> None:
    """Measured, for whoever writes figures down."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "measured.jsonl").open("a") as file:
        file.write(json.dumps({"what": what, "figure": figure}) + "\n")


def refused(**variables: Any) -> str:
    """The output of a run that must fail before it has changed anything."""
    run = run_playbook(CLUSTER.inventory, "-e", json.dumps(variables))
    assert run.returncode != 0, run.output[-4000:]
    assert run.changes == set()
    return run.output


def by_host(default: Any, **values: Any) -> str:
    """A variable that differs from host to host, as a template."""
    return "{{ " + repr(values) + "[inventory_hostname] | default(" + repr(default) + ") }}"


def left_at(kind: str, name: str, strike: Callable[[], float]) -> float:
    """Seconds from the time that `strike` returns until no proxy sends to this member any more, seen on the proxies."""
    watches = [
        subprocess.Popen(
            ["docker", "exec", f"mha-{proxy}", "python3", "-uc", LEFT, f"mysql_shops_{kind}", name],
            stdout=subprocess.PIPE, text=True,
        ) for proxy in PROXIES
    ]  # fmt: skip
    for watch in watches:
        assert watch.stdout is not None
        assert watch.stdout.readline() == "in\n"
    began = strike()
    told = [watch.communicate(timeout=20)[0].strip() for watch in watches]
    assert "" not in told, f"{name} is still in"
    return max(map(float, told)) - began


def power(verb: str, name: str) -> None:
    subprocess.run([sys.executable, str(PROJECT / "lab/lab.py"), verb, name], check=True)
