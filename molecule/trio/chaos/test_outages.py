# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What `make chaos-trio` adds: outages after which all return, one after another, also with a tail that was lost."""

from __future__ import annotations

import itertools
import time

import pytest

from bench import faults, hosts
from bench.cluster import Cluster
from bench.hosts import shell
from bench.trial import Trial
from integration.outage import leader_of, power_cut

ORDERS = list(itertools.permutations(range(3)))


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "".join(map(str, order)))
@pytest.mark.parametrize("pause", [0, 4], ids=["at-once", "slowly"])
def test_all_return(cluster: Cluster, order: tuple[int, ...], pause: float) -> None:
    """The writer is number 0. The last writer or one that has everything leads."""
    with Trial(cluster, afterwards=4) as trial:
        names = [trial.writer, *trial.standbys]
        struck = power_cut(trial)
        for number in order:
            struck[names[number]].undo()
            time.sleep(pause)
        leader = leader_of(cluster, names)
        assert trial.lost(leader) == {}
    assert trial.violations(most_moves=3) == []


def test_a_writer_with_a_tail_and_then_an_outage(cluster: Cluster) -> None:
    """It dies with commits that no standby has; another leads; then all lose power, and boot at once."""
    with Trial(cluster, afterwards=6) as trial:
        for name in trial.standbys:
            trial.strike(faults.unfed(name))
        time.sleep(0.3)
        trial.strike(faults.powered_off(trial.writer))
        for fault in trial.faults:
            if fault is not trial.faults[-1]:
                fault.undo()
        hosts.wait(lambda: cluster.writer(1) != trial.writer, "another leads", 20)
        successor = cluster.writer()
        for name in trial.standbys:
            trial.strike(faults.powered_off(name))
        cluster.power_on()
        leader = leader_of(cluster, cluster.candidates)
        assert leader == successor, shell(trial.writer, "mysql-ha explain")
    assert trial.violations(most_moves=4) == []


@pytest.mark.parametrize("rounds", [4])
def test_one_after_another_loses_power(cluster: Cluster, rounds: int) -> None:
    """Each time the writer, which is back before the next one falls."""
    for _round in range(rounds):
        with Trial(cluster) as trial:
            fault = trial.strike(faults.powered_off(trial.writer))
            assert trial.wait_writes(15, after=fault.at), "no write was acknowledged after the fault"
        assert trial.violations() == []
        cluster.heal()
