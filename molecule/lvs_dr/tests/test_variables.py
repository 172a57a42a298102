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

from integration.lab_cluster import machine, run_playbook, snapshot, wait_until
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
    out_after,
    site,
    struck,
    wait_pools,
    weights,
    whole,
)


def by_host(**values: Any) -> str:
    """A variable that differs from host to host, as a template."""
    return "{{ " + repr(values) + "[inventory_hostname] | default(1) }}"


@pytest.fixture(scope="module")
def weighted_and_asked() -> None:
    """The first VIP by weight, and at the second one a service by hand: servers without an agent."""
    whole()
    servers = [{"name": name, "address": address} for name, address in ADDRESSES.items()]
    asked = {"name": "asked", "vips": [SECOND_VIP], "port": 3306, "check": "query", "max_lag": 5, "servers": servers}
    derived = "cluster_director_model.clusters | opendba.mysql_ha.lvs_services(**lvs_director_choices)"
    weighted = f"({derived} | first | combine({{'vips': ['{VIP}']}}))"
    site(
        lvs_realserver_weight=by_host(dr1=1, dr2=2, dr3=3),
        lvs_director_services="{{ [" + weighted + ", " + json.dumps(asked) + "] }}",
        lvs_director_query_password="lab-only-check",
    )
    wait_until(lambda: sorted(weights(holder()).values()) == [1, 2, 3], "the weights", 10)


@pytest.mark.usefixtures("weighted_and_asked")
def test_weights_are_followed() -> None:
    hosts = Counter(count(600))
    note("weights 1:2:3 over 600 connections", dict(sorted(hosts.items())))
    for name, share in (("dr1", 1 / 6), ("dr2", 2 / 6), ("dr3", 3 / 6)):
        assert abs(hosts[name] / 600 - share) <= 0.05, hosts


@pytest.mark.usefixtures("weighted_and_asked")
def test_servers_without_an_agent_are_asked_by_a_query() -> None:
    replicas = set(ADDRESSES) - {CLUSTER.writer()}
    wait_pools(replicas, 15, SECOND_VIP)  # the writer replicates from nobody
    assert set(count(10, SECOND_VIP)) == replicas
    began = struck("dr3", "systemctl kill --signal=STOP mysql")
    try:
        wait_pools(replicas - {"dr3"}, 8, SECOND_VIP)
        out = out_after("dr3", began, 4)
    finally:
        struck("dr3", "systemctl kill --signal=CONT mysql")
    note("check by query: mysqld SIGSTOP", {"out": round(out, 2)})
    assert out < 4
    wait_pools(replicas, 30, SECOND_VIP)
    assert machine(holder()).file("/etc/mysql-ha/lvs-check.json").mode == 0o600


OTHERWISE = {
    "cluster_readers": "standby",
    "lvs_director_sorry_server": "writer",
    "lvs_director_persistence_timeout": 15,
}


def test_the_writer_leaves_the_pool_unless_asked() -> None:
    predicted = run_playbook(CLUSTER.inventory, "--check", "-e", json.dumps(OTHERWISE))
    assert predicted.returncode == 0, predicted.output[-3000:]
    run = site(**OTHERWISE)
    assert predicted.tasks == run.tasks
    assert {task[0] for task in run.tasks} >= set(DIRECTORS)
    others = set(ADDRESSES) - {CLUSTER.writer()}
    for vip in (VIP, SECOND_VIP):
        wait_pools(others, 15, vip)


def test_persistence_holds_a_client_for_its_time_and_no_longer() -> None:
    """Closed connections hold a client too, so their timeout is shorter: with the kernel's own it would be minutes."""
    assert machine(holder()).check_output("ipvsadm --list --timeout") == "Timeout (tcp tcpfin udp): 7500 5 300"
    (first,) = count(1)
    time.sleep(13)
    assert count(1) == [first]
    time.sleep(17)
    # In turn: whoever is held no longer gets the next one
    assert count(1) != [first]


def test_the_last_resort_is_the_writer() -> None:
    others = set(ADDRESSES) - {CLUSTER.writer()}
    for name in others:
        machine(name).check_output(f"systemctl stop mysql-ha-agent@{name}")
    try:
        wait_pools({WRITER_VIP}, 10)
        assert set(count(6)) == {CLUSTER.writer()}
    finally:
        for name in others:
            machine(name).check_output(f"systemctl start mysql-ha-agent@{name}")
    wait_pools(others, 15)
    assert set(count(1)) <= others


@pytest.fixture(scope="module")
def parted() -> dict[str, Any]:
    """One realserver and the director in charge go, another realserver is drained; what was before."""
    before = {name: snapshot(name, data=False) for name in ("dr3", holder())}
    old = holder()
    gone = "{{ 'absent' if inventory_hostname in ['dr3', '" + old + "'] else 'present' }}"
    site(lvs_realserver_state=gone, lvs_director_state=gone, lvs_realserver_weight=by_host(dr2=0))
    return {"director": old, "before": before}


def test_a_realserver_that_goes_leaves_everything_as_it_was(parted: dict[str, Any]) -> None:
    # The client host was made from the same image and was never a realserver
    assert lo_and_sysctls("dr3") == lo_and_sysctls(CLUSTER.client)
    assert machine("dr3").run("find /etc /usr/local /var/lib /run -xdev -path '*realserver*'").stdout == ""
    before, after = parted["before"]["dr3"], snapshot("dr3", data=False)
    for kind in before:
        changed = set(before[kind].splitlines()) ^ set(after[kind].splitlines())
        assert [line for line in changed if "realserver" not in line] == [], kind


def test_a_director_that_goes_leaves_as_little(parted: dict[str, Any]) -> None:
    host = machine(parted["director"])
    assert "Route" not in host.run("cat /proc/net/ip_vs").stdout
    assert f" {VIP}/" not in host.check_output("ip -o address show dev eth0")
    assert host.run("find /etc /usr/local /var/lib -xdev -name '*lvs*' -not -path '*/dpkg/*'").stdout == ""
    assert host.run("find /etc/keepalived -type f").stdout == ""
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
