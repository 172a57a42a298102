# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The same hosts under other variables: weights, queries, roles, the last resort, persistence, and back to nothing.

Runs last: what it leaves behind is not what the inventory says.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import pytest

from integration.lab_cluster import machine, snapshot
from integration.lab_lvs import (
    ADDRESSES,
    CLUSTER,
    DIRECTORS,
    SECOND_VIP,
    VIP,
    WRITER_VIP,
    count,
    holder,
    lo_and_sysctls,
    note,
    reads_playbook,
    struck,
    told,
    wait_pools,
    weights,
    whole,
)

QUERY_OUT = 6.0  # seconds: 4.5, and what two starts of Python take an emulated kernel


def by_host(**values: Any) -> str:
    """A variable that differs from host to host, as a template."""
    return "{{ " + repr(values) + "[inventory_hostname] | default(1) }}"


def otherwise(replicas: list[str]) -> dict[str, Any]:
    """The first VIP by weight, without the writer but with it as the last resort; and at the second one a service by
    hand, of servers without an agent, that holds its clients."""
    asked = {
        "name": "asked", "vips": [SECOND_VIP], "port": 3306, "check": "query", "max_lag": 5, "persistence_timeout": 15,
        "sorry_server": "",
        "servers": [{"name": name, "address": ADDRESSES[name]} for name in replicas],
    }  # fmt: skip
    derived = "cluster_director_model.clusters | opendba.mysql_ha.lvs_services(**lvs_director_choices)"
    first_vip = f"({derived} | first | combine({{'vips': ['{VIP}']}}))"
    return {
        "cluster_readers": "standby",
        "lvs_director_sorry_server": "writer",
        "lvs_realserver_weight": by_host(dr3=3),
        "lvs_director_services": "{{ [" + first_vip + ", " + json.dumps(asked) + "] }}",
        "lvs_director_query_password": "lab-only-check",
    }


@pytest.fixture(scope="module")
def replicas() -> list[str]:
    """The candidate that is not the writer, with weight 1, and dr3 with weight 3."""
    return [next(name for name in CLUSTER.candidates if name != CLUSTER.writer()), "dr3"]


def test_check_mode_predicts_a_change_of_everything(replicas: list[str]) -> None:
    whole()
    predicted = reads_playbook("--check", **otherwise(replicas))
    run = reads_playbook(**otherwise(replicas))
    assert predicted.tasks == run.tasks
    assert {task[0] for task in run.tasks} == set(DIRECTORS)


def test_the_writer_leaves_the_pool_unless_asked(replicas: list[str]) -> None:
    wait_pools(set(replicas), 15)


def test_weights_are_followed(replicas: list[str]) -> None:
    hosts = Counter(count(600))
    note("weights 1:3 over 600 connections", [hosts[name] for name in replicas])
    assert set(hosts) == set(replicas)
    for name, share in zip(replicas, (1 / 4, 3 / 4), strict=True):
        assert abs(hosts[name] / 600 - share) <= 0.05, hosts


def test_persistence_holds_a_client_for_its_time_and_no_longer(replicas: list[str]) -> None:
    """Closed connections hold a client too, so their timeout is shorter: with the kernel's own it would be minutes."""
    wait_pools(set(replicas), 15, SECOND_VIP)
    assert machine(holder()).check_output("ipvsadm --list --timeout") == "Timeout (tcp tcpfin udp): 7500 5 300"
    (first,) = count(1, SECOND_VIP)
    time.sleep(13)
    assert count(1, SECOND_VIP) == [first]
    time.sleep(17)
    # In turn, with equal weights: whoever is held no longer gets the next one
    assert count(1, SECOND_VIP) != [first]


def test_servers_without_an_agent_are_asked_by_a_query(replicas: list[str]) -> None:
    began = struck("dr3", "systemctl kill --signal=STOP mysql")
    try:
        wait_pools(set(replicas) - {"dr3"}, 15, SECOND_VIP)
        out = max(told("Removing", "dr3", began)) - began
    finally:
        struck("dr3", "systemctl kill --signal=CONT mysql")
    note("check by query: mysqld SIGSTOP", {"out": round(out, 2)})
    assert out < QUERY_OUT
    wait_pools(set(replicas), 30, SECOND_VIP)
    assert machine(holder()).file("/etc/mysql-ha/lvs-check.json").mode == 0o600


def test_the_last_resort_is_the_writer(replicas: list[str]) -> None:
    wait_pools(set(replicas), 15)
    for name in replicas:
        machine(name).check_output(f"systemctl stop mysql-ha-agent@{name}")
    try:
        wait_pools({WRITER_VIP}, 10)
        assert set(count(6)) == {CLUSTER.writer()}
    finally:
        for name in replicas:
            machine(name).check_output(f"systemctl start mysql-ha-agent@{name}")
    wait_pools(set(replicas), 15)
    assert set(count(8)) == set(replicas)


@pytest.fixture(scope="module")
def parted() -> dict[str, Any]:
    """One realserver and the director in charge go, another realserver is drained; what was before."""
    before = snapshot("dr3", data=False)
    old = holder()
    gone = "{{ 'absent' if inventory_hostname in ['dr3', '" + old + "'] else 'present' }}"
    reads_playbook(lvs_realserver_state=gone, lvs_director_state=gone, lvs_realserver_weight=by_host(dr2=0))
    return {"director": old, "before": before}


def test_a_realserver_that_goes_leaves_everything_as_it_was(parted: dict[str, Any]) -> None:
    # The client host was made from the same image and was never a realserver
    assert lo_and_sysctls("dr3") == lo_and_sysctls(CLUSTER.client)
    assert machine("dr3").run("find /etc /usr/local /var/lib /run -xdev -path '*realserver*'").stdout == ""
    before, after = parted["before"], snapshot("dr3", data=False)
    for kind in before:
        changed = set(before[kind].splitlines()) ^ set(after[kind].splitlines())
        assert [line for line in changed if "realserver" not in line] == [], kind


def test_a_director_that_goes_leaves_as_little(parted: dict[str, Any]) -> None:
    host = machine(parted["director"])
    assert "Route" not in host.run("cat /proc/net/ip_vs").stdout
    assert f" {VIP}/" not in host.check_output("ip -o address show dev eth0")
    assert host.run("find /etc /usr/local /var/lib /run -xdev -name '*lvs*' -not -path '*/dpkg/*'").stdout == ""
    assert host.run("find /etc/keepalived -type f -not -name '*.sample'").stdout == ""
    assert host.check_output("sysctl --values net.ipv4.vs.expire_nodest_conn") == "0"
    assert host.run("systemctl is-enabled keepalived").stdout.strip() == "disabled"


def test_the_other_director_goes_on_with_who_is_left(parted: dict[str, Any]) -> None:
    (other,) = set(DIRECTORS) - {parted["director"]}
    assert holder() == other
    assert weights(other) == {ADDRESSES["dr1"]: 1, ADDRESSES["dr2"]: 0}
    assert set(count(6)) == {"dr1"}
    # What was a service of its own under earlier variables is gone
    drop_ins = machine(other).check_output("ls /etc/keepalived/conf.d").split()
    assert drop_ins == ["00-mysql-ha.conf", "lvs-reads.conf", "lvs_director.conf"]
