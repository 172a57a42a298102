# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scheduled events follow the writer."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from bench import faults, hosts
from bench.cluster import Cluster
from bench.faults import Fault
from bench.hosts import Failed, sql

READ = "SELECT LOWER(status) FROM information_schema.events WHERE event_schema = 'bench' ORDER BY event_name"


def names(fault: str) -> tuple[str, str]:
    """Others for each fault: who still remembers those of the last one does not know these."""
    return f"bench.`{fault} runs`", f"bench.`{fault} sleeps ``here`"


def make(runs: str, sleeps: str) -> str:
    daily = "ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01'"
    return f"CREATE EVENT {runs} {daily} DO DO 1; CREATE EVENT {sleeps} {daily} DISABLE DO DO 1"


def drop(runs: str, sleeps: str) -> str:
    return f"DROP EVENT IF EXISTS {runs}; DROP EVENT IF EXISTS {sleeps}"


def events(name: str) -> tuple[list[str], str]:
    return sql(name, READ).split("\n"), sql(name, "SELECT @@event_scheduler")


def wait_events(name: str, statuses: list[str], scheduler: str) -> None:
    def as_wanted() -> bool:
        found = events(name)
        if found != (statuses, scheduler):
            raise Failed(f"{name} has {found}")
        return True

    hosts.wait(as_wanted, f"{statuses} and the scheduler {scheduler} on {name}", 15, every=0.3)


@pytest.mark.parametrize("fault", [faults.demoted, faults.mysqld_killed])
def test_events_run_on_the_writer_but_those_that_were_disabled(
    cluster: Cluster, fault: Callable[[str], Fault]
) -> None:
    old = cluster.writer()
    new = cluster.other(old)
    runs, sleeps = names(fault.__name__)
    sql(old, make(runs, sleeps))
    try:
        known = [sleeps.replace("bench.", "`bench`.")]
        hosts.wait(lambda: cluster.status(new)[old]["mysqld"]["events_disabled"] == known, "the writer to tell", 10)
        time.sleep(5)  # and the standby to hear it: "Known limits" in docs/agent.md say about 4 s
        struck = fault(old)
        hosts.wait(lambda: cluster.writer() == new, f"{new} to lead", 15)
        wait_events(new, ["enabled", "disabled"], "ON")
        struck.undo()
        cluster.heal()
        there = events(old)[0]
        assert [status.replace("replica_side", "slaveside") for status in there] == ["slaveside_disabled"] * 2
        wait_events(old, there, "OFF")
    finally:
        sql(cluster.writer(), drop(runs, sleeps))
