# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One of two standbys is behind or blocked, though the VIP would go to it first: the other one leads."""

from __future__ import annotations

import contextlib
import time
import uuid

from bench import faults, hosts
from bench.cluster import Cluster
from bench.hosts import Failed, shell, sql
from bench.trial import Trial

ROWS = (  # 100 MB
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
    "SELECT i, REPEAT('x', 1000000) FROM n"
)
AGENTS = "SELECT id FROM information_schema.processlist WHERE user = 'mysql-ha' AND command = 'Sleep'"


def test_the_one_that_has_received_more_leads(cluster: Cluster) -> None:
    """The writer goes on with one acknowledgement, and the VIP goes to the other standby first."""
    with Trial(cluster, afterwards=4) as trial:
        behind, complete = trial.standbys
        starved = trial.strike(faults.unfed(behind))
        time.sleep(0.6)
        crash = trial.strike(faults.powered_off(trial.writer))
        starved.undo()
        assert trial.wait_writes(15, after=crash.at), "no write was acknowledged after the crash"
        assert cluster.writer() == complete
    late = [ack for ack in trial.record.through_vip() if starved.at + 0.1 < ack.acknowledged < crash.at]
    assert late, "the writer waited for the standby that was behind, so this tested nothing"
    assert trial.violations(most_moves=3) == []


def kill_sessions(name: str) -> None:
    """All that the agent keeps there and does not use right now; one may have ended by itself."""
    sessions = sql(name, AGENTS).split()
    assert len(sessions) > 4
    for session in sessions:
        with contextlib.suppress(Failed):
            sql(name, f"KILL {session}")
    left = set(sql(name, AGENTS).split())
    assert left.isdisjoint(sessions)


def test_sessions_of_the_agents_that_were_killed_are_opened_anew(cluster: Cluster) -> None:
    with Trial(cluster) as trial:
        for name in trial.standbys:
            kill_sessions(name)
            hosts.wait(lambda name=name: not cluster.status(name)[name]["mysqld"]["trouble"], "all sessions", 10)
        crash = trial.strike(faults.mysqld_killed(trial.writer))
        assert trial.wait_writes(15, after=crash.at), "no write was acknowledged after the crash"
    assert trial.violations(most_moves=2) == []


def test_a_large_transaction_changes_nothing(cluster: Cluster) -> None:
    """It takes more than 3 s on the wire to both standbys: that is no lost acknowledgement."""
    table = "bench.large"
    sql(cluster.writer(), f"CREATE TABLE IF NOT EXISTS {table} (id INT PRIMARY KEY, content LONGBLOB)")
    with Trial(cluster, afterwards=1) as trial:
        for name in trial.standbys:
            trial.strike(faults.narrow(name, megabytes=20))
        began = time.monotonic()
        sql(trial.writer, f"REPLACE INTO {table} {ROWS}", timeout=60)
        took = time.monotonic() - began
        status = cluster.status(trial.writer)
        assert status[trial.writer]["writer"]
        assert not status[trial.writer]["alone"]
        assert not any(one.get("errant") for one in status.values())
    assert took > 3, "it was too fast to show anything"
    sql(trial.writer, f"DROP TABLE {table}")
    assert trial.violations(most_moves=0) == []
    assert len({ack.server for ack in trial.acknowledged()}) == 1


def test_foreign_gtids_in_gtid_purged_are_no_green_light(cluster: Cluster) -> None:
    """A standby cannot receive them; the writer says so before anything has failed."""
    writer = cluster.writer()
    standbys = [name for name in cluster.candidates if name != writer]
    foreign = f"SET GLOBAL gtid_purged = '+{uuid.uuid4()}:1-5'"
    sql(writer, foreign)
    try:
        hosts.wait(lambda: cluster.status(writer)[writer]["not_redundant"], "it says that it is not redundant", 20)
        told = shell(writer, "mysql-ha status")
    finally:
        for name in standbys:
            sql(name, foreign)
    assert "NOT REDUNDANT: No other candidate may lead: " in told
    assert all(f"{name} has not received everything for " in told for name in standbys), told
