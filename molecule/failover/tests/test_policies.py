# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a site may choose: who rejoins how, who decides about a takeover, and that the old writer is fenced first."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench import faults, hosts
from bench.cluster import Cluster
from bench.hosts import docker, shell, sql
from bench.trial import Trial

MISSED = "SELECT COUNT(*) FROM bench.writes WHERE run = '{}'"
FENCED = "/run/mysql-ha/fenced"  # what the fence command of the test was told, a line each time
VERDICT = "/run/mysql-ha/verdict"  # how it ends: its status, or that it does not
FENCE = (
    f'echo "$1 $MYSQL_HA_CLUSTER $MYSQL_HA_INSTANCE $MYSQL_HA_PEER $MYSQL_HA_PEER_ADDRESS" >> {FENCED}; '
    f"read verdict < {VERDICT}; [ $verdict = hangs ] && sleep 987; exit $verdict"
)


@contextmanager
def configured(cluster: Cluster, **settings: Any) -> Iterator[None]:
    """The candidates' agents run with these settings meanwhile."""
    before = {name: shell(name, f"cat /etc/mysql-ha/{name}.json") for name in cluster.candidates}
    try:
        for name, text in before.items():
            _configure(name, json.dumps({**json.loads(text), **settings}))
        cluster.heal()
        yield
    finally:
        cluster.power_on()
        for name, text in before.items():
            _configure(name, text)


def _configure(name: str, text: str) -> None:
    """In place, so that the file keeps its owner and mode. To restart an agent interrupts nothing."""
    shell(name, f"cat > /etc/mysql-ha/{name}.json <<'END'\n{text}\nEND\nsystemctl restart mysql-ha-agent@{name}")


def waits_for(cluster: Cluster, name: str, what: str, seconds: float = 15) -> None:
    """Until the promotion of this instance waits for that."""
    hosts.wait(lambda: what in str(cluster.status(name)[name].get("waiting", "")), f"{name} waits for {what}", seconds)


class Samples:
    """What an instance says of itself, by another one's report, again and again."""

    def __init__(self, cluster: Cluster, asked: str, of: str) -> None:
        self._cluster, self._asked, self._of = cluster, asked, of
        self.taken: list[dict[str, Any]] = []

    def _take(self) -> dict[str, Any]:
        one = self._cluster.status(self._asked)[self._of]
        if "error" in one:
            raise hosts.Failed(one["error"])
        self.taken.append(one)
        return one

    def held(self) -> bool:
        return self._take()["hold"] is not None

    def eligible(self) -> bool:
        return bool(self._take()["eligible"])


def table(name: str) -> str:
    return shell(name, "mysql-ha status || test $? = 1")


def lose_power_with_a_commit_unreceived(trial: Trial, run: str) -> None:
    """The network is gone first, so a commit reaches the binary log and no standby; then the power."""
    at = time.monotonic()
    trial.strike(faults.isolated(trial.writer))
    insert = f"INSERT INTO bench.writes VALUES ('{run}', 1, @@server_uuid)"
    docker("exec", "--detach", hosts.container(trial.writer), "mysql", "-e", insert)
    logged = f"cat $(ls -t /var/lib/mysql/binlog.[0-9]* | head -n 1) | grep -c {run} || true"
    hosts.wait(lambda: shell(trial.writer, logged) != "0", "the commit is in the binary log", 2, every=0.05)
    assert time.monotonic() - at < 2.5, "too slow: an isolated writer closes itself"
    trial.strike(faults.powered_off(trial.writer))


def test_errant_transactions_are_kept_for_a_person_or_saved_and_cloned_over(cluster: Cluster) -> None:
    with Trial(cluster) as trial:
        old, new, run = trial.writer, trial.standby, f"errant{trial.run}"
        with configured(cluster, rejoin="manual"):
            lose_power_with_a_commit_unreceived(trial, run)
            assert trial.wait_writes(15, after=trial.faults[0].at), "nobody took over"
            trial.faults[-1].undo()
            quarantined = hosts.wait(lambda: cluster.status(new)[old].get("errant"), "it is quarantined", 30)
            time.sleep(2)
            told, shown = cluster.status(new), table(new)
            assert sql(old, MISSED.format(run)) == "1"
        reasons = " ".join(told[old]["reasons"])
        assert f"transactions that the cluster does not have: {quarantined}" in reasons
        assert not told[old]["eligible"]
        assert f"NOT REDUNDANT: {told[new]['not_redundant']}" in shown
        assert f"{old} is quarantined" in told[new]["not_redundant"]
        assert f"{old} is QUARANTINED: only it has the transactions {quarantined}" in shown

        # From here on with agent_rejoin: clone
        samples = Samples(cluster, asked=new, of=old)
        hosts.wait(samples.held, "it is held while it is provisioned", 10, every=0.1)
        hosts.wait(lambda: not samples.held(), "it is provisioned under load", 60, every=0.1)
    hosts.wait(samples.eligible, "it may lead again", 60, every=0.1)
    assert not [one for one in samples.taken if one["eligible"] and (one["errant"] or one["left_behind"])]
    assert any(one["left_behind"] and not one["errant"] for one in samples.taken), "it had nothing to catch up with"
    assert trial.violations() == []
    assert "NOT REDUNDANT" not in table(new)
    assert {name: sql(name, MISSED.format(run)) for name in cluster.members} == dict.fromkeys(cluster.members, "0")
    executed = {sql(name, "SELECT @@GLOBAL.gtid_executed") for name in cluster.members}
    assert len(executed) == 1, executed
    newest = shell(old, f"ls -t /var/lib/mysql-ha/{old}-errant-*.sql | head -n 1")
    assert run in shell(old, f"cat {newest}"), "its errant transaction was not saved"


def test_a_person_decides_about_a_takeover(cluster: Cluster) -> None:
    with configured(cluster, takeover="read_only", fence_command=["/bin/sh", "-c", FENCE, "fence"]):
        with Trial(cluster) as trial:
            new = trial.standby
            shell(new, f"rm -f {FENCED}; echo 1 > {VERDICT}")
            killed = trial.strike(faults.mysqld_killed(trial.writer))
            waits_for(cluster, new, "a person, who runs mysql-ha promote")
            time.sleep(3)
            shown = table(new)
            assert cluster.vip_holders() == [new]
            assert sql(new, "SELECT @@GLOBAL.super_read_only") == "1"
            assert "NO WRITER" in shown
            assert f"{new} has the VIP, read-only: its promotion waits for a person" in shown
            assert shell(new, "mysql-ha promote", timeout=15) == f"{new} is the writer."
            assert trial.wait_writes(5, after=killed.at)
        assert trial.record.gap(killed.at) > 3
        assert shell(new, f"cat {FENCED} 2>/dev/null || true") == "", "the old writer's agent answered"
        assert trial.violations() == []


def test_writes_wait_for_the_fence_command(cluster: Cluster) -> None:
    command = ["/bin/sh", "-c", FENCE, "fence", "an-argument"]
    with configured(cluster, fence_command=command, fence_timeout=1):
        with Trial(cluster) as trial:
            old, new = trial.writer, trial.standby
            shell(new, f"rm -f {FENCED}; echo hangs > {VERDICT}")
            off = trial.strike(faults.powered_off(old))
            waits_for(cluster, new, f"the fence command for {old}")
            assert _journal(new, "the fence command did not end within 1 s")
            assert int(shell(new, "pgrep -c -f '^sleep 987' || true")) <= 1, "those that hang pile up"
            shell(new, f"echo 3 > {VERDICT}")
            assert _journal(new, "the fence command ended with status 3")
            assert sql(new, "SELECT @@GLOBAL.super_read_only") == "1"
            assert f"its promotion waits for the fence command for {old}" in table(new)
            shell(new, f"echo 0 > {VERDICT}")
            assert trial.wait_writes(10, after=off.at)
        told = set(shell(new, f"cat {FENCED}").splitlines())
        assert told == {f"an-argument bench {new} {old} {cluster.address(old)}"}
        assert trial.violations() == []


def _journal(name: str, text: str) -> bool:
    """Whether the agent says this within a few seconds."""
    lines = f"journalctl --unit mysql-ha-agent@{name} --no-pager --quiet --output cat --since -15s"
    read = f"{lines} | grep -c '{text}' || true"
    return bool(hosts.wait(lambda: shell(name, read) != "0", f"the journal of {name} says: {text}", 10))
