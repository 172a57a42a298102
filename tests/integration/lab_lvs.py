# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the scenario lvs_dr does with directors and realservers of the lab."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.opendba.mysql_ha.plugins.module_utils._ipvs import parse_table
from integration.lab_cluster import PROJECT, Cluster, Run, machine, run_playbook, wait_until

BUILD = PROJECT / "build/lvs_dr"
VIP, SECOND_VIP, WRITER_VIP = "10.77.0.89", "10.77.0.90", "10.77.0.88"
ADDRESSES = {"dr1": "10.77.0.81", "dr2": "10.77.0.82", "dr3": "10.77.0.83"}
CLIENT_ADDRESS = "10.77.0.84"
DIRECTORS = ("lvs1", "lvs2")
CLUSTER = Cluster(
    inventory=Path(os.environ.get("MHA_INVENTORY", PROJECT / "molecule/lvs_dr/inventory")),
    members=tuple(ADDRESSES),
    candidates=("dr1", "dr2"),
    vip=WRITER_VIP,
    client="drclient",
    user="shop",
    password="lab-only-shop",
    database="shop",
)
SYSCTLS = [f"net.ipv4.conf.{name}.{key}" for name in ("all", "lo") for key in ("arp_ignore", "arp_announce")]


@dataclass(frozen=True)
class Read:
    """One attempt of a client. host: who answered; text: the client's address as that saw it, or the error."""

    at: float
    host: str | None
    text: str


class Reads:
    """Reads of the client host, in the background."""

    cluster = CLUSTER

    def __init__(self, mode: str, amount: float, address: str = VIP, port: int = 3306) -> None:
        script = (PROJECT / "tests/integration/reads.py").read_text()
        command = ["docker", "exec", "-i", f"mha-{self.cluster.client}", "python3", "-c", script, address, str(port)]
        self._process = subprocess.Popen(
            [*command, self.cluster.user, self.cluster.password, mode, str(amount)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        # Its end is the word to stop, so nobody else may close it
        self._input, self._process.stdin = self._process.stdin, None

    def stop(self) -> None:
        """Whoever watches has seen enough."""
        assert self._input is not None
        self._input.close()

    def result(self) -> Any:
        output, errors = self._process.communicate()
        self.stop()
        assert self._process.returncode == 0, errors
        return json.loads(output)

    def reads(self) -> list[Read]:
        return [Read(*each) for each in self.result()]


def count(times: int, address: str = VIP) -> list[str]:
    """Who answered each of so many connections; none may fail."""
    reads = Reads("count", times, address).reads()
    assert [read.text for read in reads if read.host is None] == []
    return [str(read.host) for read in reads]


def longest_gap(reads: list[Read]) -> float:
    """Seconds between two reads that succeeded."""
    times = [read.at for read in reads if read.host]
    return max(later - earlier for earlier, later in itertools.pairwise(times))


def holders(vip: str = VIP) -> list[str]:
    return [name for name in DIRECTORS if f" {vip}/32" in machine(name).run("ip -o -4 address show").stdout]


def holder() -> str:
    """The one director that holds the reader VIPs."""
    name: list[str] = wait_until(lambda: found if len(found := holders()) == 1 else [], "one holder of the VIP", 20)
    assert holders(SECOND_VIP) == name
    return name[0]


def standing_by() -> str:
    active = holder()
    return next(name for name in DIRECTORS if name != active)


def weights(director: str, vip: str = VIP) -> dict[str, int]:
    """Address to weight, of the servers in this director's table."""
    table = machine(director).run("cat /proc/net/ip_vs").stdout
    services = parse_table(table.encode())["services"] if table else []
    return {server["address"]: server["weight"] for each in services if each["address"] == vip
            for server in each["servers"]}  # fmt: skip


def pool(director: str, vip: str = VIP) -> set[str]:
    """The members that get connections, by name; other addresses as they are."""
    names = {address: name for name, address in ADDRESSES.items()}
    return {names.get(address, address) for address, weight in weights(director, vip).items() if weight > 0}


def pools() -> list[set[str]]:
    return [pool(director) for director in DIRECTORS]


def wait_pools(wanted: set[str], seconds: float, vip: str = VIP) -> float:
    """Until every director has exactly these members. Returns the seconds that it took."""
    began = time.monotonic()
    what = f"{sorted(wanted)} in every pool"
    wait_until(lambda: all(pool(director, vip) == wanted for director in DIRECTORS), what, seconds, 0.05)
    return time.monotonic() - began


def fit(name: str) -> bool:
    """Its agent says so, asked on its own host."""
    asked = "import urllib.request as u; u.urlopen('http://127.0.0.1:8308/reader?max_lag=3&writer=1', timeout=1)"
    return bool(machine(name).run("python3 -c %s", asked).rc == 0)


def whole() -> None:
    """Everybody serves, and both directors know: what has to be before the next fault."""
    wait_until(lambda: all(fit(name) for name in ADDRESSES), "every member fit", 90)
    wait_pools(set(ADDRESSES), 15)
    holder()


def reads_playbook(*arguments: str, **variables: Any) -> Run:
    """What of site.yml belongs to reads, with variables that differ from the inventory's; it must succeed."""
    extra = ["-e", json.dumps(variables)] if variables else []
    run = run_playbook(CLUSTER.inventory, *arguments, *extra, playbook="molecule/lvs_dr/reads.yml")
    assert run.returncode == 0, run.output[-4000:]
    return run


def struck(name: str, command: str) -> float:
    """Does this on a host; when it began, by the clock that all containers share."""
    return float(machine(name).check_output(f"date +%s.%N; ({command}) > /dev/null"))


def told(word: str, name: str, since: float) -> list[float]:
    """When keepalived of each director did this to the member's servers, one for each VIP; word: Removing or Adding."""
    line = re.compile(rf"^([0-9.]+) .*: {word} service \[{re.escape(ADDRESSES[name])}\]", re.MULTILINE)
    journal = f"journalctl --unit=keepalived --output=short-unix --since=@{since - 2:.6f}"
    times = []
    for director in DIRECTORS:
        behind = clock_behind(director)
        times += [float(at) + behind for at in line.findall(machine(director).check_output(journal))]
    return [at for at in times if at >= since]


def clock_behind(director: str) -> float:
    """Seconds; the clock of an emulated kernel is some tenths late on a busy machine."""
    before = time.time()
    there = float(machine(director).check_output("date +%s.%N"))
    return (before + time.time()) / 2 - there


def out_after(name: str, since: float, seconds: float) -> float:
    """Seconds from the fault until no director sent to this member any more; waits so long for it, and some more."""
    wait_until(lambda: all(name not in pool(director) for director in DIRECTORS), f"{name} out", seconds + 8, 0.05)
    return max(told("Removing", name, since)) - since


def note(what: str, figure: Any) -> None:
    """Measured, for whoever writes figures down."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "measured.jsonl").open("a") as file:
        file.write(json.dumps({"what": what, "figure": figure}) + "\n")


def main_pids() -> dict[str, str]:
    """Of keepalived on the directors: another one was restarted."""
    return {name: machine(name).check_output("systemctl show -p MainPID --value keepalived") for name in DIRECTORS}


def lo_and_sysctls(name: str) -> tuple[list[str], str]:
    """Addresses of lo with their labels, in no order: who comes back is the last one."""
    host = machine(name)
    addresses = host.check_output("ip -oneline address show dev lo").splitlines()
    return sorted(addresses), host.check_output(f"sysctl {' '.join(SYSCTLS)}")
