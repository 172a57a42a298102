# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The same hosts under other variables: weights, roles, the last resort, persistence, queries, and back to nothing."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from integration.lab_cluster import machine, run_playbook, snapshot, wait_until
from integration.lab_lvs import (
    ADDRESSES,
    CLUSTER,
    DIRECTORS,
    SECOND_VIP,
    SYSCTLS,
    VIP,
    WRITER_VIP,
    count,
    holder,
    lo_and_sysctls,
    site,
    wait_pools,
    weights,
    whole,
)


@pytest.fixture(scope="module", autouse=True)
def as_in_the_inventory_afterwards() -> Iterator[None]:
    whole()
    yield
    site()
    whole()


def by_host(**values: Any) -> str:
    """A variable that differs from host to host, as a template."""
    return "{{ " + repr(values) + "[inventory_hostname] | default(1) }}"


def test_weights_are_followed() -> None:
    site(lvs_realserver_weight=by_host(dr1=1, dr2=2, dr3=3))
    wait_until(lambda: sorted(weights(holder()).values()) == [1, 2, 3], "the weights", 10)
    hosts = Counter(count(600))
    for name, share in (("dr1", 1 / 6), ("dr2", 2 / 6), ("dr3", 3 / 6)):
        assert abs(hosts[name] / 600 - share) <= 0.05, hosts


STANDBY = {"cluster_readers": "standby", "lvs_director_sorry_server": "writer"}


def test_the_writer_leaves_the_pool_unless_asked() -> None:
    predicted = run_playbook(CLUSTER.inventory, "--check", "-e", json.dumps(STANDBY))
    assert predicted.returncode == 0, predicted.output[-3000:]
    run = site(**STANDBY)
    assert predicted.tasks == run.tasks
    assert {task[0] for task in run.tasks} >= set(DIRECTORS)
    others = set(ADDRESSES) - {CLUSTER.writer()}
    wait_pools(others, 10)
    assert set(count(12)) == others


def test_the_last_resort_is_the_writer() -> None:
    others = set(ADDRESSES) - {CLUSTER.writer()}
    for name in others:
        machine(name).check_output(f"systemctl stop mysql-ha-agent@{name}")
    wait_pools({WRITER_VIP}, 10)
    assert set(count(6)) == {CLUSTER.writer()}
    for name in others:
        machine(name).check_output(f"systemctl start mysql-ha-agent@{name}")
    wait_pools(others, 15)
    assert set(count(12)) == others


@pytest.fixture(scope="module")
def services_by_hand() -> None:
    """One that holds its clients, and one without agents."""
    servers = [{"address": address} for address in ADDRESSES.values()]
    held = {"name": "reads", "vips": [VIP], "port": 3306, "writer": True, "persistence_timeout": 15, "servers": servers}
    asked = {"name": "asked", "vips": [SECOND_VIP], "port": 3306, "check": "query", "max_lag": 5, "servers": servers}
    site(lvs_director_services=[held, asked], lvs_director_query_password="lab-only-check")


@pytest.mark.usefixtures("services_by_hand")
def test_persistence_holds_a_client_for_its_time_and_no_longer() -> None:
    """Closed connections hold a client too, so their timeout is shorter: with the kernel's own it would be minutes."""
    timeouts = "Timeout (tcp tcpfin udp): 7500 5 300"
    wait_until(lambda: machine(holder()).check_output("ipvsadm --list --timeout") == timeouts, "the timeouts", 10)
    time.sleep(20)  # nobody is held from before
    (first,) = count(1)
    time.sleep(13)
    assert count(1) == [first]
    time.sleep(17)
    # In turn: whoever is held no longer gets the next one
    assert count(1) != [first]


@pytest.mark.usefixtures("services_by_hand")
def test_servers_without_an_agent_are_asked_by_a_query() -> None:
    replicas = set(ADDRESSES) - {CLUSTER.writer()}
    wait_pools(replicas, 15, SECOND_VIP)  # the writer replicates from nobody
    assert set(count(10, SECOND_VIP)) == replicas
    began = time.monotonic()
    machine("dr3").check_output("systemctl kill --signal=STOP mysql")
    wait_pools(replicas - {"dr3"}, 8, SECOND_VIP)
    assert time.monotonic() - began < 4
    machine("dr3").check_output("systemctl kill --signal=CONT mysql")
    wait_pools(replicas, 30, SECOND_VIP)
    assert machine(holder()).file("/etc/mysql-ha/lvs-check.json").mode == 0o600


def dr3_absent(**more: Any) -> None:
    site(lvs_realserver_state="{{ 'absent' if inventory_hostname == 'dr3' else 'present' }}", **more)


def test_a_realserver_goes_another_is_drained_and_a_service_is_given_up() -> None:
    dr3_absent(lvs_realserver_weight=by_host(dr2=0))
    wait_pools({"dr1"}, 15)
    assert set(count(6, SECOND_VIP)) == {"dr1"}
    assert weights(holder())[ADDRESSES["dr2"]] == 0
    for name in DIRECTORS:
        drop_ins = machine(name).check_output("ls /etc/keepalived/conf.d").split()
        assert drop_ins == ["00-mysql-ha.conf", "lvs-reads.conf", "lvs_director.conf"]


def test_a_realserver_that_goes_leaves_everything_as_it_was() -> None:
    # The client host was made from the same image and was never a realserver
    assert lo_and_sysctls("dr3") == lo_and_sysctls(CLUSTER.client)
    assert machine("dr3").run("find /etc /usr/local /var/lib -xdev -path '*realserver*'").stdout == ""
    before = snapshot("dr3", data=False)
    site()
    whole()
    assert machine("dr3").check_output(f"sysctl --values {' '.join(SYSCTLS)}").split() == ["1", "2", "1", "2"]
    old = holder()
    dr3_absent(lvs_director_state="{{ 'absent' if inventory_hostname == '" + old + "' else 'present' }}")
    assert snapshot("dr3", data=False) == before

    # A director that goes leaves as little, and the other one goes on
    assert holder() != old
    assert set(count(6)) == {"dr1", "dr2"}
    host = machine(old)
    assert "Route" not in host.run("cat /proc/net/ip_vs").stdout
    assert host.run("find /etc /usr/local /var/lib -xdev -name '*lvs*' -not -path '*/dpkg/*'").stdout == ""
    assert host.check_output("sysctl --values net.ipv4.vs.expire_nodest_conn") == "0"
    assert host.run("systemctl is-enabled keepalived").stdout.strip() == "disabled"
