# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All of site.yml once more, after the roles have changed, and each scheduler that IPVS has."""

from __future__ import annotations

from collections import Counter

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._ipvs import parse_table
from integration.lab_cluster import machine, run_playbook, wait_until
from integration.lab_lvs import CLUSTER, DIRECTORS, count, main_pids, reads_playbook, whole


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


@pytest.mark.parametrize("scheduler", ["rr", "lc", "wlc", "sh", "mh"])
def test_each_scheduler_serves_in_the_kernel(scheduler: str) -> None:
    """The inventory's own is wrr."""
    reads_playbook(lvs_director_scheduler=scheduler)
    for name in DIRECTORS:
        table = parse_table(machine(name).check_output("cat /proc/net/ip_vs").encode())["services"]
        assert {service["scheduler"] for service in table} == {scheduler}
    answered = Counter(count(30))
    # By the client's address there is one server for it, else there are all of them
    assert len(answered) == (1 if scheduler in ("sh", "mh") else 3), answered
    whole()
