# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""More of tests/test_faults.py, and more often."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from integration.haproxy_faults import (
    AGENT,
    KILLED,
    SIGNAL,
    SILENT,
    Fault,
    leaves_and_comes_back,
    reload_under_load,
    unit_again,
    without_proxy,
)
from integration.lab_cluster import machine, run_playbook, wait_until
from integration.lab_haproxy import CLUSTER, PROXIES, READS, WRITES, Reads, info, power, whole


@pytest.fixture(autouse=True)
def everybody_serves() -> Iterator[None]:
    whole()
    yield
    whole()


@pytest.mark.parametrize("fault", [KILLED, SILENT], ids=lambda fault: fault.name)
def test_a_reader_leaves_and_comes_back(fault: Fault) -> None:
    leaves_and_comes_back(fault)


def test_a_session_of_a_reader_that_left_ends() -> None:
    sessions = [Reads("idle", 6) for _session in range(6)]
    time.sleep(2)
    machine("hx3").check_output(f"systemctl stop {AGENT}")
    seen = [session.reads() for session in sessions]
    machine("hx3").check_output(f"systemctl start {AGENT}")
    assert "hx3" in {first.host for first, _last in seen}
    for first, last in seen:
        assert last.host == (None if first.host == "hx3" else first.host)


@pytest.mark.parametrize("port", [WRITES, READS])
def test_a_proxy_is_gone_for_less_than_the_bound_every_time(port: int) -> None:
    kill = f"{SIGNAL}=KILL --kill-whom=main haproxy"
    gaps = {
        "SIGKILL": [without_proxy(lambda name: machine(name).check_output(kill), unit_again("haproxy"), port)
                    for _time in range(3)],
        "power-off": [without_proxy(lambda name: power("power-off", name), lambda name: power("power-on", name), port)
                      for _time in range(2)],
    }  # fmt: skip
    print(gaps)


def test_the_worker_is_killed() -> None:
    def kill(name: str) -> None:
        machine(name).check_output("kill -KILL %s", str(info(name)["pid"]))

    without_proxy(kill, unit_again("haproxy"), READS)


def test_keepalived_of_a_proxy_is_killed() -> None:
    strike = f"{SIGNAL}=KILL keepalived"
    without_proxy(lambda name: machine(name).check_output(strike), unit_again("keepalived"), READS)


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("port", [WRITES, READS])
def test_no_connection_fails_while_haproxy_is_reloaded(proxy: str, port: int) -> None:
    assert reload_under_load(proxy, port, 1000) >= 5


def test_a_run_after_a_failover_changes_nothing() -> None:
    old = CLUSTER.writer()
    machine(old).check_output("systemctl stop mysql")
    wait_until(lambda: CLUSTER.writable() == [name for name in CLUSTER.candidates if name != old], "a new writer", 30)
    machine(old).check_output("systemctl start mysql")
    whole()
    run = run_playbook(CLUSTER.inventory)
    assert run.returncode == 0, run.output[-3000:]
    assert run.changes == set()
