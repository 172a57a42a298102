# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Realservers and directors fail, and come back by themselves. Each test begins with everybody serving."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from integration.lab_cluster import PROJECT, machine, wait_until
from integration.lab_lvs import (
    ADDRESSES,
    CLUSTER,
    VIP,
    Reads,
    fit,
    holder,
    lo_and_sysctls,
    longest_gap,
    main_pids,
    note,
    out_after,
    pool,
    reads_playbook,
    standing_by,
    struck,
    told,
    wait_pools,
    whole,
)

OUT, BACK = 2.0, 3.0  # seconds: promised
DIRECTOR_GONE = 1.5
MAX_LAG = 3.0  # as in the inventory
SIGNAL = "systemctl kill --signal"
AGENT = "mysql-ha-agent@dr3"


@pytest.fixture(autouse=True)
def everybody_serves() -> None:
    whole()


@pytest.fixture(scope="module", autouse=True)
def table() -> None:
    made = CLUSTER.through_vip(
        "CREATE TABLE IF NOT EXISTS notes (id BIGINT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(100))"
    )
    assert made.rc == 0, made.stderr


def power(verb: str, name: str) -> None:
    subprocess.run([sys.executable, str(PROJECT / "lab/lab.py"), verb, name], check=True)


def on_dr3(command: str) -> Callable[[], float]:
    return lambda: struck("dr3", command)


def write(values: str) -> float:
    """Through the writer VIP; when it began."""
    began = time.time()
    done = CLUSTER.through_vip(f"INSERT INTO notes (id, note) VALUES {values}")
    assert done.rc == 0, done.stderr
    return began


def lag() -> float:
    """A lock on the table keeps the applier of dr3 from a write that everybody else applies."""
    lock = "LOCK TABLES notes READ; SELECT SLEEP(60)"
    machine("dr3").check_output("systemd-run --quiet --unit lab-lock mysql shop --execute %s", lock)
    time.sleep(0.5)
    return write("(NULL, 'late')") + MAX_LAG


def stop_replication() -> float:
    """An error stops the applier: one stopped by hand is started again by the agent at once."""
    row = int(time.time())
    sql = f"SET GLOBAL super_read_only=0; SET sql_log_bin=0; INSERT INTO notes VALUES ({row}, 'in the way')"
    machine("dr3").check_output("mysql shop --execute %s", f"{sql}; SET GLOBAL super_read_only=1")
    return write(f"({row}, 'stops')")


def start_replication() -> None:
    sql = "SET GLOBAL super_read_only=0; SET sql_log_bin=0; DELETE FROM notes WHERE note='in the way'"
    machine("dr3").check_output("mysql shop --execute %s", f"{sql}; SET GLOBAL super_read_only=1; START REPLICA")


@dataclass(frozen=True)
class Fault:
    name: str
    strike: Callable[[], float]  # returns the time from which on the server is unfit
    mend: Callable[[], Any]


FAULTS = [
    # The unit starts mysqld again; systemd waits long enough for the pools to be seen without it
    Fault("mysqld SIGKILL", on_dr3(f"{SIGNAL}=KILL mysql"), lambda: None),
    Fault("mysqld SIGSTOP", on_dr3(f"{SIGNAL}=STOP mysql"), on_dr3(f"{SIGNAL}=CONT mysql")),
    Fault("replication stopped", stop_replication, start_replication),
    Fault("lag over the limit", lag, on_dr3("systemctl stop lab-lock")),
    Fault("agent stopped", on_dr3(f"systemctl stop {AGENT}"), on_dr3(f"systemctl start {AGENT}")),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_realserver_leaves_and_comes_back(fault: Fault) -> None:
    unfit = fault.strike()
    try:
        out = out_after("dr3", unfit, OUT)
        reads = Reads("watch", 60)
    finally:
        fault.mend()
    # What came back is in the pool soon, and nobody who reads meanwhile sees an error
    wait_until(lambda: fit("dr3"), "dr3 fit", 25, 0.1)
    recovered = time.time()
    wait_pools(set(ADDRESSES), BACK + 5)
    time.sleep(2)
    reads.stop()
    seen = reads.reads()
    back = max(told("Adding", "dr3", unfit)) - recovered
    note(f"realserver: {fault.name}", {"out": round(out, 2), "back": round(max(back, 0), 2)})
    assert out < OUT
    assert back < BACK
    assert [read.text for read in seen if read.host is None] == []
    assert "dr3" in {read.host for read in seen[-30:]}


def test_a_pooled_session_of_a_server_that_left_ends_at_its_next_query() -> None:
    """Without `expire_nodest_conn` its packets would be dropped, and it would wait for its own patience to end."""
    sessions = []
    for _server in ADDRESSES:  # one each, because they come in turn
        sessions.append(Reads("idle", 6))
        time.sleep(1)
    # The director stops sending, the server goes on: so it is the director that ends the session.
    machine("dr3").check_output(f"systemctl stop {AGENT}")
    seen = [session.reads() for session in sessions]
    machine("dr3").check_output(f"systemctl start {AGENT}")
    assert {first.host for first, _last in seen} == set(ADDRESSES)
    for first, last in seen:
        assert last.host == (None if first.host == "dr3" else first.host)
        assert last.at - first.at < 8


def test_a_realserver_boots_into_the_pool() -> None:
    before = lo_and_sysctls("dr3")
    power("power-off", "dr3")
    wait_until(lambda: "dr3" not in pool(holder()), "dr3 out", 10, 0.05)
    power("power-on", "dr3")
    whole()
    assert lo_and_sysctls("dr3") == before


@pytest.mark.parametrize(
    "command",
    [
        "ip address delete 10.77.0.89/32 dev lo",
        "ip address flush dev lo scope global",
        "sysctl -w net.ipv4.conf.all.arp_ignore=0",
    ],
)
def test_what_others_take_from_lo_comes_back(command: str) -> None:
    before = lo_and_sysctls("dr2")
    machine("dr2").check_output(command)
    wait_until(lambda: lo_and_sysctls("dr2") == before, "lo and sysctls as they were", 8, 0.1)


def test_a_failover_moves_roles_in_the_pool_and_a_run_afterwards_changes_nothing() -> None:
    """Only what belongs to reads runs here, for its time; chaos/test_runs.py runs all of site.yml."""
    old = CLUSTER.redundant_writer()
    machine(old).check_output("systemctl stop mysql")
    wait_until(lambda: old not in pool(holder()), "the old writer out", 10, 0.05)
    wait_until(lambda: CLUSTER.writable() == [name for name in CLUSTER.candidates if name != old], "a new writer", 30)
    machine(old).check_output("systemctl start mysql")
    whole()
    CLUSTER.redundant_writer()
    before = main_pids()
    run = reads_playbook()
    assert run.changes == set()
    assert main_pids() == before


# --- Directors


def without_director(fault: str, strike: Callable[[str], Any], mend: Callable[[str], Any]) -> None:
    """Reads go on within the bound, at the other director; the old one comes back as the one that stands by."""
    old, new = holder(), standing_by()
    reads = Reads("watch", 60)
    time.sleep(2)
    strike(old)
    wait_until(lambda: f" {VIP}/" in machine(new).check_output("ip -o address show dev eth0"), "the other director", 10)
    time.sleep(2)
    reads.stop()
    seen = reads.reads()
    note(f"director: {fault}", round(longest_gap(seen), 2))
    assert longest_gap(seen) < DIRECTOR_GONE
    assert seen[-1].host is not None
    mend(old)
    whole()
    assert holder() == new
    sync = {name: machine(name).check_output("ipvsadm --list --daemon").split()[0] for name in (old, new)}
    assert sync == {old: "backup", new: "master"}


def test_keepalived_of_the_director_is_killed() -> None:
    def mend(name: str) -> None:
        assert f" {VIP}/" not in machine(name).check_output("ip -o address show dev eth0")  # it answers for nothing
        wait_until(lambda: machine(name).run("systemctl is-active keepalived").rc == 0, "keepalived again", 20)

    without_director("keepalived SIGKILL", lambda name: machine(name).check_output(f"{SIGNAL}=KILL keepalived"), mend)


def test_power_off_of_the_director() -> None:
    without_director("power-off", lambda name: power("power-off", name), lambda name: power("power-on", name))


def test_a_session_survives_a_planned_change_of_directors() -> None:
    old, new = holder(), standing_by()
    sessions = [Reads("hold", 7) for _session in range(4)]
    time.sleep(3)
    machine(old).check_output("systemctl stop keepalived")
    wait_until(lambda: holder() == new, "the other director", 10)
    seen = [session.reads() for session in sessions]
    machine(old).check_output("systemctl start keepalived")
    for reads in seen:
        assert [read.text for read in reads if read.host is None] == []
        assert len({read.host for read in reads}) == 1
        assert reads[-1].at - reads[0].at > 6
