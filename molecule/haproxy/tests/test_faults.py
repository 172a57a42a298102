# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Members and proxies fail, and come back by themselves. Each test begins and ends with everybody serving.

The longer ones: `make chaos-haproxy`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.haproxy_faults import (
    HUNG,
    LAGGING,
    SIGNAL,
    Fault,
    leaves_and_comes_back,
    reload_under_load,
    unit_again,
    without_proxy,
)
from integration.lab_cluster import machine, wait_until
from integration.lab_haproxy import CLUSTER, PROXIES, READS, WRITES, count, power, wait_up, whole


@pytest.fixture(autouse=True)
def everybody_serves() -> Iterator[None]:
    whole()
    yield
    whole()


@pytest.mark.parametrize("fault", [HUNG, LAGGING], ids=lambda fault: fault.name)
def test_a_reader_leaves_and_comes_back(fault: Fault) -> None:
    leaves_and_comes_back(fault)


def test_the_ports_follow_the_writer() -> None:
    old = CLUSTER.writer()
    new = next(name for name in CLUSTER.candidates if name != old)
    machine(old).check_output("systemctl stop mysql")
    try:
        wait_until(lambda: CLUSTER.writable() == [new], "a new writer", 30)
        wait_up("writer", {new}, 5)
        assert set(count(5, WRITES)) == {new}
        wait_up("reader", {"hx3"}, 60)  # it replicates from the new one
        assert set(count(5)) == {"hx3"}
    finally:
        machine(old).check_output("systemctl start mysql")


def test_haproxy_is_killed() -> None:
    strike = f"{SIGNAL}=KILL --kill-whom=main haproxy"
    without_proxy(lambda name: machine(name).check_output(strike), unit_again("haproxy"), WRITES)


def test_power_off_of_a_proxy() -> None:
    without_proxy(lambda name: power("power-off", name), lambda name: power("power-on", name), READS)


@pytest.mark.parametrize("proxy", PROXIES)
def test_no_connection_fails_while_haproxy_is_reloaded(proxy: str) -> None:
    reload_under_load(proxy, WRITES, 300)
