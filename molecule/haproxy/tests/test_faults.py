# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Members and proxies fail, and come back by themselves. Each test begins and ends with everybody serving."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from integration.lab_cluster import machine, run_playbook, wait_until
from integration.lab_haproxy import (
    ADDRESSES,
    CLUSTER,
    PROXIES,
    READS,
    WRITES,
    Reads,
    count,
    holder,
    info,
    left_within,
    power,
    standing_by,
    wait_up,
    whole,
)
from integration.lab_lvs import longest_gap

OUT, BACK = 2.0, 5.0  # seconds
PROXY_GONE = 1.5
SIGNAL = "systemctl kill --signal"
AGENT = "mysql-ha-agent@hx3"


@pytest.fixture(autouse=True)
def everybody_serves() -> Iterator[None]:
    whole()
    yield
    whole()


def do(name: str, command: str) -> Callable[[], Any]:
    return lambda: machine(name).check_output(command)


@dataclass(frozen=True)
class Fault:
    name: str
    strike: Callable[[], Any]
    mend: Callable[[], Any]
    counts_from: float = 0.0  # seconds after the strike, from which on the server is unfit


def lag() -> None:
    """A lock on the table keeps the applier of hx3 from a write that everybody else applies."""
    lock = "LOCK TABLES notes READ; SELECT SLEEP(60)"
    machine("hx3").check_output("systemd-run --quiet --unit lab-lock mysql shop --execute %s", lock)
    time.sleep(0.5)
    done = CLUSTER.through_vip("INSERT INTO notes (note) VALUES ('late')")
    assert done.rc == 0, done.stderr


FAULTS = [
    Fault("mysqld SIGKILL", do("hx3", f"{SIGNAL}=KILL mysql"), lambda: None),
    Fault("mysqld SIGSTOP", do("hx3", f"{SIGNAL}=STOP mysql"), do("hx3", f"{SIGNAL}=CONT mysql")),
    Fault("lag over the limit", lag, do("hx3", "systemctl stop lab-lock"), counts_from=3.5),
    Fault("agent stopped", do("hx3", f"systemctl stop {AGENT}"), do("hx3", f"systemctl start {AGENT}")),
]


@pytest.fixture(scope="module", autouse=True)
def table() -> None:
    made = CLUSTER.through_vip(
        "CREATE TABLE IF NOT EXISTS notes (id BIGINT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(100))"
    )
    assert made.rc == 0, made.stderr


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_reader_leaves_and_comes_back(fault: Fault) -> None:
    bound = OUT + fault.counts_from
    assert left_within("reader", "hx3", fault.strike) < bound
    assert "hx3" not in count(10)
    fault.mend()
    wait_up("reader", set(ADDRESSES) - {CLUSTER.writer()}, 60)
    assert "hx3" in count(20)


def test_a_session_of_a_reader_that_left_ends() -> None:
    sessions = [Reads("idle", 6) for _session in range(6)]
    time.sleep(2)
    machine("hx3").check_output(f"systemctl stop {AGENT}")
    seen = [session.reads() for session in sessions]
    machine("hx3").check_output(f"systemctl start {AGENT}")
    assert "hx3" in {first.host for first, _last in seen}
    for first, last in seen:
        assert last.host == (None if first.host == "hx3" else first.host)


# --- Proxies


def without_proxy(strike: Callable[[str], Any], mend: Callable[[str], Any], port: int) -> None:
    """Clients reconnect through the other one within the bound; the old one comes back as the one that stands by."""
    old, new = holder(), standing_by()
    reads = Reads("watch", 10, port)
    time.sleep(3)
    strike(old)
    seen = reads.reads()
    assert longest_gap(seen) < PROXY_GONE
    assert seen[-1].host is not None
    assert holder() == new
    mend(old)
    whole()
    assert holder() == new


@pytest.mark.parametrize("port", [WRITES, READS])
def test_haproxy_is_killed(port: int) -> None:
    def again(name: str) -> None:
        wait_until(lambda: machine(name).run("systemctl is-active haproxy").rc == 0, "HAProxy again", 20)

    without_proxy(lambda name: machine(name).check_output(f"{SIGNAL}=KILL --kill-whom=main haproxy"), again, port)


def test_the_worker_is_killed() -> None:
    without_proxy(
        lambda name: machine(name).check_output("kill -KILL %s", str(info(name)["pid"])),
        lambda name: wait_until(lambda: machine(name).run("systemctl is-active haproxy").rc == 0, "HAProxy again", 20),
        READS,
    )


def test_power_off_of_a_proxy() -> None:
    without_proxy(lambda name: power("power-off", name), lambda name: power("power-on", name), WRITES)


def test_keepalived_of_a_proxy_is_killed() -> None:
    without_proxy(
        lambda name: machine(name).check_output(f"{SIGNAL}=KILL keepalived"),
        lambda name: wait_until(lambda: machine(name).run("systemctl is-active keepalived").rc == 0, "keepalived", 20),
        READS,
    )


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("port", [WRITES, READS])
def test_no_connection_fails_while_haproxy_is_reloaded(proxy: str, port: int) -> None:
    """Nor does one arrive at a server that is not the writer: the new process knows what the old one knew."""
    writer = CLUSTER.writer()
    reads = Reads("count", 1000, port, PROXIES[proxy])
    reloads = 0
    while reads.running:
        machine(proxy).check_output("systemctl reload haproxy")
        reloads += 1
        time.sleep(1)
    seen = reads.reads()
    assert reloads >= 2
    assert [read.text for read in seen if read.host is None] == []
    assert {read.host for read in seen} == ({writer} if port == WRITES else set(ADDRESSES) - {writer})


def test_a_run_after_a_failover_changes_nothing() -> None:
    old = CLUSTER.writer()
    machine(old).check_output("systemctl stop mysql")
    wait_until(lambda: CLUSTER.writable() == [name for name in CLUSTER.candidates if name != old], "a new writer", 30)
    machine(old).check_output("systemctl start mysql")
    whole()
    run = run_playbook(CLUSTER.inventory)
    assert run.returncode == 0, run.output[-3000:]
    assert run.changes == set()
