# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What `make chaos` adds to the faults of `tests/`: the longer and rarer ones."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from bench import faults, hosts
from bench.cluster import Cluster
from bench.faults import Fault
from bench.trial import Trial


@pytest.mark.parametrize("at_standby", [False, True], ids=["writer", "standby"])
def test_a_firewall_drops_vrrp_for_a_minute(cluster: Cluster, at_standby: bool) -> None:
    with Trial(cluster) as trial:
        blocked = trial.strike(faults.vrrp_blocked(trial.standby if at_standby else trial.writer))
        time.sleep(60)
        blocked.undo()
        time.sleep(2)
    assert trial.violations(most_moves=100) == []
    assert trial.record.through_vip()[-1].server == trial.record.through_vip()[0].server


@pytest.mark.parametrize("strike", [faults.keepalived_killed, faults.mysqld_killed, faults.agent_killed])
@pytest.mark.parametrize("at_standby", [False, True], ids=["writer", "standby"])
def test_a_process_is_killed(cluster: Cluster, strike: Callable[[str], Fault], at_standby: bool) -> None:
    with Trial(cluster, afterwards=4) as trial:
        trial.strike(strike(trial.standby if at_standby else trial.writer))
    assert trial.violations(most_moves=0 if at_standby or strike is faults.agent_killed else 1) == []


@pytest.mark.parametrize("seconds", [1.0, 5.0, 20.0])
@pytest.mark.parametrize("at_standby", [False, True], ids=["writer", "standby"])
def test_mysqld_stands_still_and_goes_on(cluster: Cluster, seconds: float, at_standby: bool) -> None:
    with Trial(cluster, afterwards=4) as trial:
        stopped = faults.mysqld_stopped(trial.standby if at_standby else trial.writer)
        trial.faults.append(Fault(stopped.at))
        time.sleep(seconds)
        faults.continued(trial.standby if at_standby else trial.writer)
        time.sleep(3)
    assert trial.violations(most_moves=0 if at_standby else 1) == []


@pytest.mark.parametrize("at_standby", [False, True], ids=["writer", "standby"])
def test_a_disk_stalls_and_goes_on(cluster: Cluster, at_standby: bool) -> None:
    with Trial(cluster, afterwards=4) as trial:
        trial.strike(faults.disk_stalled(trial.standby if at_standby else trial.writer))
        time.sleep(15)
    assert trial.violations(most_moves=0 if at_standby else 1) == []


def test_the_writers_host_stutters(cluster: Cluster) -> None:
    with Trial(cluster, afterwards=4) as trial:
        for _round in range(8):
            pause = trial.strike(faults.paused(trial.writer))
            time.sleep(0.8)
            pause.undo()
            time.sleep(0.7)
    assert trial.violations() == []


@pytest.mark.parametrize("seconds", [5.0, 20.0])
@pytest.mark.parametrize("at_standby", [False, True], ids=["writer", "standby"])
def test_a_host_is_cut_off_and_comes_back(cluster: Cluster, seconds: float, at_standby: bool) -> None:
    with Trial(cluster, afterwards=4) as trial:
        cut = trial.strike(faults.isolated(trial.standby if at_standby else trial.writer))
        time.sleep(seconds)
        cut.undo()
        time.sleep(3)
    # A standby that hears nobody becomes MASTER in VRRP, and its agent refuses
    assert trial.violations() == []
    if at_standby:
        assert len({ack.server for ack in trial.record.through_vip()}) == 1


def test_the_agents_are_killed_in_turn(cluster: Cluster) -> None:
    with Trial(cluster) as trial:
        for _round in range(6):
            for name in cluster.candidates:
                trial.strike(faults.agent_killed(name))
                time.sleep(1.5)
    assert trial.violations(most_moves=0) == []
    assert trial.record.gap(trial.faults[0].at) < 0.5


def test_all_agents_are_killed_at_once_again_and_again(cluster: Cluster) -> None:
    with Trial(cluster) as trial:
        for _round in range(10):
            for name in cluster.members:
                trial.strike(faults.agent_killed(name))
            time.sleep(1.5)
    assert trial.violations(most_moves=0) == []


def test_both_keepaliveds_are_killed(cluster: Cluster) -> None:
    with Trial(cluster, afterwards=6) as trial:
        for name in cluster.candidates:
            trial.strike(faults.keepalived_killed(name))
    assert trial.violations(most_moves=2) == []


def test_a_lone_writer_is_stopped_and_started(cluster: Cluster) -> None:
    with Trial(cluster, afterwards=4) as trial:
        gone = trial.strike(faults.powered_off(trial.standby))
        assert trial.wait_writes(10, after=gone.at), "the writer does not go on alone"
        stopped = trial.strike(faults.stopped(trial.writer, "mysql"))
        time.sleep(1)
        stopped.undo()
        assert trial.wait_writes(20, after=stopped.at), "it does not lead again"
        time.sleep(1)
    assert trial.violations(most_moves=2) == []
    assert len({ack.server for ack in trial.record.through_vip()}) == 1


def test_after_an_outage_the_writer_is_switched_on_first(cluster: Cluster) -> None:
    with Trial(cluster, afterwards=6) as trial:
        standby = trial.strike(faults.powered_off(trial.standby))
        writer = trial.strike(faults.powered_off(trial.writer))
        writer.undo()
        time.sleep(8)
        standby.undo()
        time.sleep(6)
    assert trial.violations(most_moves=3) == []


def test_after_an_outage_the_last_writer_never_returns(cluster: Cluster) -> None:
    """The standby waits, and leads when a person says so. It lacks nothing, because both died at once."""
    with Trial(cluster, afterwards=4) as trial:
        standby = trial.strike(faults.powered_off(trial.standby))
        trial.strike(faults.powered_off(trial.writer))
        standby.undo()
        time.sleep(10)
        assert not cluster.status(trial.standby)[trial.standby].get("writer")
        hosts.shell(trial.standby, "mysql-ha promote --accept-data-loss --yes")
        hosts.wait(lambda: cluster.status(trial.standby)[trial.standby].get("writer"), "it leads", 20)
        assert trial.lost(trial.standby) == {}
        time.sleep(2)
    assert trial.violations(most_moves=3) == []
    assert trial.record.through_vip()[-1].server != trial.record.through_vip()[0].server
