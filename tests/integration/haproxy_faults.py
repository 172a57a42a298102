# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults of members and proxies, and what clients of the proxies see of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from integration.lab_cluster import machine, wait_until
from integration.lab_haproxy import (
    ADDRESSES,
    CLUSTER,
    PROXIES,
    WRITES,
    Reads,
    count,
    holder,
    left_at,
    note,
    standing_by,
    wait_up,
    whole,
)
from integration.lab_lvs import longest_gap

MAX_LAG = 3.0  # haproxy_max_lag of the scenario
OUT = 2.0  # seconds until a member that is unfit is out
PROXY_GONE = 1.5  # seconds until clients are served by the other proxy
SIGNAL = "systemctl kill --signal"
AGENT = "mysql-ha-agent@hx3"


@dataclass(frozen=True)
class Fault:
    """strike: returns the time from which on the server is unfit."""

    name: str
    strike: Callable[[], float]
    mend: Callable[[], Any]


def do(command: str) -> Callable[[], float]:
    def at_once() -> float:
        began = time.time()
        machine("hx3").check_output(command)
        return began

    return at_once


def make_table() -> None:
    made = CLUSTER.through_vip(
        "CREATE TABLE IF NOT EXISTS notes (id BIGINT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(100))"
    )
    assert made.rc == 0, made.stderr


def lag() -> float:
    """A lock on the table keeps the applier of hx3 from a write that everybody else applies."""
    make_table()
    lock = "LOCK TABLES notes READ; SELECT SLEEP(60)"
    machine("hx3").check_output("systemd-run --quiet --unit lab-lock mysql shop --execute %s", lock)
    time.sleep(0.5)
    began = time.time()
    done = CLUSTER.through_vip("INSERT INTO notes (note) VALUES ('late')")
    assert done.rc == 0, done.stderr
    return began + MAX_LAG


HUNG = Fault("mysqld SIGSTOP", do(f"{SIGNAL}=STOP mysql"), do(f"{SIGNAL}=CONT mysql"))
LAGGING = Fault("lag over the limit", lag, do("systemctl stop lab-lock"))
KILLED = Fault("mysqld SIGKILL", do(f"{SIGNAL}=KILL mysql"), lambda: None)
SILENT = Fault("agent stopped", do(f"systemctl stop {AGENT}"), do(f"systemctl start {AGENT}"))


def leaves_and_comes_back(fault: Fault) -> float:
    """Seconds that the reader was in for after it had become unfit."""
    seconds = left_at("reader", "hx3", fault.strike)
    note(f"out after {fault.name}", round(seconds, 2))
    assert seconds < OUT
    assert "hx3" not in count(10)
    fault.mend()
    wait_up("reader", set(ADDRESSES) - {CLUSTER.writer()}, 60)
    assert "hx3" in count(20)
    return seconds


def without_proxy(strike: Callable[[str], Any], mend: Callable[[str], Any], port: int) -> float:
    """Clients reconnect through the other one within the bound; the old one comes back as the one that stands by."""
    old, new = holder(), standing_by()
    reads = Reads("watch", 30, port)
    time.sleep(2)
    strike(old)
    time.sleep(4)
    reads.stop()
    seen = reads.reads()
    gap = longest_gap(seen)
    note(f"port {port}, a proxy gone", round(gap, 2))
    assert gap < PROXY_GONE
    assert seen[-1].host is not None
    assert holder() == new
    mend(old)
    whole()
    assert holder() == new
    return gap


def unit_again(unit: str) -> Callable[[str], Any]:
    return lambda name: wait_until(
        lambda: machine(name).run("systemctl is-active %s", unit).rc == 0, f"{unit} again", 20
    )


def reload_under_load(proxy: str, port: int, connections: int) -> int:
    """None fails, nor does one arrive at a server that is not the writer: the new process knows what the old one knew.

    Returns how often it was reloaded."""
    writer = CLUSTER.writer()
    reads = Reads("count", connections, port, PROXIES[proxy])
    reloads = 0
    while reads.running:
        machine(proxy).check_output("systemctl reload haproxy")
        reloads += 1
        time.sleep(1)
    seen = reads.reads()
    note(f"connections to {proxy}, reloads, failed", [len(seen), reloads, sum(read.host is None for read in seen)])
    assert reloads >= 2
    assert [read.text for read in seen if read.host is None] == []
    assert {read.host for read in seen} == ({writer} if port == WRITES else set(ADDRESSES) - {writer})
    return reloads
