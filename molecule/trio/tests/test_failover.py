# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults of one of three candidates under load: another leads, the third follows it, nothing acknowledged is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench import faults
from bench.cluster import Cluster
from bench.faults import Fault
from bench.hosts import sql
from bench.trial import Trial

LONGEST = 5.0  # seconds without an acknowledged write
MOST_MOVES = 2  # the VIP may come to one that has received less, and goes on to the one that has more


def leads(cluster: Cluster) -> str:
    return cluster.writer(seconds=15)


@pytest.mark.parametrize("strike", [faults.mysqld_killed, faults.powered_off, faults.demoted])
def test_another_leads_and_the_third_follows_it(cluster: Cluster, strike: Callable[[str], Fault]) -> None:
    with Trial(cluster) as trial:
        fault = trial.strike(strike(trial.writer))
        assert trial.wait_writes(15, after=fault.at), "no write was acknowledged after the fault"
        successor = leads(cluster)
        assert successor != trial.writer
        third = next(name for name in trial.standbys if name != successor)
        mark = sql(successor, "SELECT @@gtid_executed").replace("\n", "")
        assert sql(third, f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{mark}', 10)") == "0", f"{third} does not follow"
    gap = trial.record.gap(fault.at)
    print(f"no write was acknowledged for {gap:.3f} s")  # pytest's report keeps it
    assert trial.violations(MOST_MOVES) == []
    assert gap < LONGEST
    assert leads(cluster) == successor, "the old writer took the VIP back"
