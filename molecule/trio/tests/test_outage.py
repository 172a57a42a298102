# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All three candidates lose power: as soon as two are back, one of them leads without a person."""

from __future__ import annotations

import time

import pytest

from bench.cluster import Cluster
from bench.trial import Trial
from integration.outage import leader_of, power_cut


@pytest.mark.parametrize("absent", ["the writer", "a standby"])
def test_one_never_returns(cluster: Cluster, absent: str) -> None:
    with Trial(cluster) as trial:
        struck = power_cut(trial)
        missing = trial.writer if absent == "the writer" else trial.standbys[0]
        back = [name for name in cluster.candidates if name != missing]
        for name in back:
            struck[name].undo()
        leader = leader_of(cluster, back)
        assert trial.lost(leader) == {}
        time.sleep(1)
        struck[missing].undo()
        time.sleep(2)
    assert trial.violations(most_moves=3) == []
    assert trial.record.through_vip()[-1].acknowledged > struck[missing].at + 1, "no write after the outage"
