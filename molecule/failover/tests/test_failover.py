# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults under load, at product defaults: nothing acknowledged is lost, and never do two servers acknowledge.

Each test begins with a redundant cluster and leaves one behind.
"""

from __future__ import annotations

import time

import pytest

from bench import faults
from bench.cluster import Cluster
from bench.trial import Trial


@pytest.mark.parametrize("seconds", [0.3, 1.0, 5.0])
def test_the_writers_host_stands_still_and_goes_on(cluster: Cluster, seconds: float) -> None:
    with Trial(cluster) as trial:
        pause = trial.strike(faults.paused(trial.writer))
        time.sleep(seconds)
        pause.undo()
        time.sleep(3)
    assert trial.violations() == []
    if seconds < 1:
        assert trial.record.through_vip()[-1].server == trial.record.through_vip()[0].server


def test_a_clean_stop_acknowledges_nothing_that_the_frozen_standby_has_not(cluster: Cluster) -> None:
    with Trial(cluster) as trial:
        frozen = trial.strike(faults.paused(trial.standby))
        time.sleep(0.5)
        trial.strike(faults.stopped(trial.writer, "mysql"))
        time.sleep(1)
    late = [ack for ack in trial.acknowledged() if frozen.at + 0.3 < ack.acknowledged < frozen.at + 1.5]
    assert late == []
    assert trial.violations() == []


def test_the_writer_is_cut_off_from_everything(cluster: Cluster) -> None:
    with Trial(cluster) as trial:
        cut = trial.strike(faults.isolated(trial.writer))
        assert trial.wait_writes(15, after=cut.at)
        time.sleep(4)
        cut.undo()
        time.sleep(3)
    assert trial.violations() == []
    assert trial.record.through_vip()[-1].server != trial.record.through_vip()[0].server


def test_a_standby_that_missed_writes_does_not_lead_after_an_outage(cluster: Cluster) -> None:
    """The standby dies, the writer goes on alone, then it dies too; the standby comes back first."""
    with Trial(cluster, afterwards=8) as trial:
        standby = trial.strike(faults.powered_off(trial.standby))
        assert trial.wait_writes(10, after=standby.at), "the writer does not go on alone"
        time.sleep(1)
        writer = trial.strike(faults.powered_off(trial.writer))
        standby.undo()
        time.sleep(8)
        told = cluster.status(trial.standby)[trial.standby]
        writer.undo()
        time.sleep(5)
    assert not told.get("writer")
    assert trial.writer in " ".join([*told["reasons"], told["waiting"]]), "it does not say for whom it waits"
    assert trial.violations(most_moves=3) == []


def test_a_firewall_drops_vrrp_and_nothing_else(cluster: Cluster) -> None:
    with Trial(cluster) as trial:
        blocked = trial.strike(faults.vrrp_blocked(trial.standby))
        time.sleep(15)
        blocked.undo()
        time.sleep(2)
    assert trial.violations(most_moves=100) == []
    assert trial.record.through_vip()[-1].server == trial.record.through_vip()[0].server


def test_the_standby_is_frozen_and_comes_back(cluster: Cluster) -> None:
    with Trial(cluster) as trial:
        frozen = trial.strike(faults.paused(trial.standby))
        assert trial.wait_writes(10, after=frozen.at), "the writer does not go on alone"
        time.sleep(2)
    assert trial.violations(most_moves=0) == []
    assert trial.record.gap(frozen.at) < 5


def test_keepalived_stops(cluster: Cluster) -> None:
    with Trial(cluster) as trial:
        stop = trial.strike(faults.stopped(trial.writer, "keepalived"))
        trial.wait_writes(10, after=stop.at)
    assert trial.violations() == []
    assert trial.record.through_vip()[-1].acknowledged > stop.at + 1


def test_the_agent_of_the_writer_stays_down(cluster: Cluster) -> None:
    with Trial(cluster) as trial:
        down = trial.strike(faults.kept_down(trial.writer, f"mysql-ha-agent@{trial.writer}"))
        assert trial.wait_writes(15, after=down.at + 3), "nobody took over"
    assert trial.violations() == []


def test_both_lose_power_and_the_standby_is_switched_on_first(cluster: Cluster) -> None:
    with Trial(cluster, afterwards=6) as trial:
        standby = trial.strike(faults.powered_off(trial.standby))
        writer = trial.strike(faults.powered_off(trial.writer))
        standby.undo()
        time.sleep(6)
        status = cluster.status(trial.standby)
        waits = not status[trial.standby].get("writer")
        why = " ".join([*status[trial.standby]["reasons"], status[trial.standby]["waiting"]])
        writer.undo()
        time.sleep(6)
    assert not waits or trial.writer in why, f"it does not say for whom it waits: {why}"
    assert trial.violations(most_moves=3) == []


def test_both_are_switched_on_at_once(cluster: Cluster) -> None:
    with Trial(cluster, afterwards=6) as trial:
        trial.strike(faults.powered_off(trial.writer))
        trial.strike(faults.powered_off(trial.standby))
        cluster.power_on()
        time.sleep(6)
    assert trial.violations(most_moves=3) == []
