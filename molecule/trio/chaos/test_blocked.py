# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The applier of one of two standbys waits for a lock, though the VIP would go to it first: the other one leads."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench import faults, hosts
from bench.cluster import Cluster
from bench.hosts import container, shell, sql
from bench.trial import Trial

TABLE = "bench.altered"
READS = f"START TRANSACTION; SELECT * FROM {TABLE};"
LOCKS = "FLUSH TABLES WITH READ LOCK;"


@contextmanager
def idle_session(name: str, statement: str) -> Iterator[str]:
    """A session of a person who has gone for a coffee; its connection id."""
    client = ["docker", "exec", "--interactive", container(name), "mysql", "-nBN"]
    with subprocess.Popen(client, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdin
            assert process.stdout
            process.stdin.write(f"{statement} SELECT 'mine', CONNECTION_ID();\n")
            process.stdin.flush()
            yield next(line.split()[1] for line in process.stdout if line.startswith("mine"))
        finally:
            process.kill()


@pytest.mark.parametrize("statement", [READS, LOCKS], ids=["metadata-lock", "read-lock"])
def test_a_blocked_standby_does_not_keep_the_vip(cluster: Cluster, statement: str) -> None:
    sql(cluster.writer(), f"DROP TABLE IF EXISTS {TABLE}; CREATE TABLE {TABLE} (id INT PRIMARY KEY)")
    with Trial(cluster, afterwards=4) as trial:
        blocked, free = trial.standbys
        hosts.wait(lambda: sql(blocked, f"SHOW TABLES FROM bench LIKE '{TABLE.split('.')[1]}'"), "the table", 10)
        with idle_session(blocked, statement) as connection:
            sql(trial.writer, f"ALTER TABLE {TABLE} ADD COLUMN note INT, ALGORITHM = INPLACE")
            hosts.wait(lambda: cluster.status(blocked)[blocked]["applier_stands"], "the applier stands", 15)
            told = shell(blocked, "mysql-ha explain || true")  # its exit status says that it may not lead
            assert f"connection {connection} of root" in told, told
            crash = trial.strike(faults.mysqld_killed(trial.writer))
            assert trial.wait_writes(15, after=crash.at), "no write was acknowledged after the crash"
            assert cluster.writer() == free
            assert cluster.vip_holders() == [free]
    assert trial.violations(most_moves=2) == []
