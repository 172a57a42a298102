# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check mode on bare hosts, all of site.yml once more after the roles have changed, and each scheduler of IPVS."""

from __future__ import annotations

import json

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._ipvs import parse_table
from integration.lab_cluster import machine, read_changes, run_playbook, wait_until
from integration.lab_lvs import (
    ADDRESSES,
    BUILD,
    CLUSTER,
    DIRECTORS,
    SECOND_VIP,
    VIP,
    count,
    main_pids,
    reads_playbook,
    wait_pools,
    whole,
)


def prediction() -> dict:
    return json.loads((BUILD / "prediction.json").read_text())


def test_check_mode_on_bare_hosts_leaves_no_trace() -> None:
    assert prediction()["returncode"] == 0, prediction()["output"][-3000:]
    assert prediction()["traces"] == {}


def test_check_mode_on_bare_hosts_predicts_the_real_run() -> None:
    predicted = {tuple(task) for task in prediction()["tasks"]}
    real = {
        (change.host, change.task, change.item)
        for change in read_changes(BUILD / "first_run.jsonl")
        if not change.handler and (change.host in DIRECTORS or change.role.endswith(".lvs_realserver"))
    }
    assert {task[0] for task in real} == {*ADDRESSES, *DIRECTORS}
    assert predicted == real


def test_a_whole_run_after_a_failover_changes_nothing() -> None:
    whole()
    old = CLUSTER.redundant_writer()
    machine(old).check_output("systemctl stop mysql")
    wait_until(lambda: CLUSTER.writable() == [name for name in CLUSTER.candidates if name != old], "a new writer", 30)
    machine(old).check_output("systemctl start mysql")
    whole()
    CLUSTER.redundant_writer()
    before = main_pids()
    run = run_playbook(CLUSTER.inventory)
    assert run.returncode == 0, run.output[-3000:]
    assert run.changes == set()
    assert main_pids() == before


@pytest.mark.parametrize("schedulers", [("rr", "lc"), ("wlc", "sh"), ("mh", "wrr")])
def test_each_scheduler_serves_in_the_kernel(schedulers: tuple[str, str]) -> None:
    derived = "(cluster_director_model.clusters | opendba.mysql_ha.lvs_services(**lvs_director_choices) | first)"
    by_vip = dict(zip((VIP, SECOND_VIP), schedulers, strict=True))
    services = [
        f"{derived} | combine({{'name': '{name}', 'vips': ['{vip}'], 'scheduler': '{name}'}})"
        for vip, name in by_vip.items()
    ]
    reads_playbook(lvs_director_services="{{ [" + ", ".join(services) + "] }}")
    for vip, scheduler in by_vip.items():
        wait_pools(set(ADDRESSES), 15, vip)
        answered = set(count(30, vip))
        # By the client's address there is one server for it, else there are all of them
        assert len(answered) == (1 if scheduler in ("sh", "mh") else 3), (scheduler, answered)
    for name in DIRECTORS:
        table = parse_table(machine(name).run("cat /proc/net/ip_vs").stdout.encode())["services"]
        assert {service["address"]: service["scheduler"] for service in table} == by_vip


def test_the_inventorys_own_services_come_back() -> None:
    reads_playbook()
    whole()
