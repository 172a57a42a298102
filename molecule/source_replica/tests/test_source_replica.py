# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A source, a standby and a reader, built by a run that was killed five times and then finished."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import pytest

from integration.interrupt import WATCH_LOG
from integration.lab_cluster import PROJECT, Cluster, machine, run_playbook, wait_until

BUILD = PROJECT / "build/source_replica"
CLUSTER = Cluster(
    inventory=Path(os.environ.get("MHA_INVENTORY", PROJECT / "molecule/source_replica/inventory")),
    members=("sr1", "sr2", "sr3"),
    candidates=("sr1", "sr2"),
    vip="10.77.0.101",
    client="srclient",
    user="shop",
    password="lab-only-shop",
    database="shop",
)


def others() -> list[str]:
    writer = CLUSTER.writer()
    return [name for name in CLUSTER.members if name != writer]


def write(note: str) -> None:
    done = CLUSTER.through_vip(f"INSERT INTO notes (note) VALUES ('{note}')")
    assert done.rc == 0, done.stderr


def everywhere(note: str) -> bool:
    question = f"SELECT COUNT(*) FROM shop.notes WHERE note = '{note}'"
    return all(CLUSTER.query(name, question) == "1" for name in CLUSTER.members)


@pytest.fixture(scope="module", autouse=True)
def table() -> None:
    CLUSTER.writer()
    made = CLUSTER.through_vip("CREATE TABLE IF NOT EXISTS notes (id BIGINT PRIMARY KEY AUTO_INCREMENT, note TEXT)")
    assert made.rc == 0, made.stderr


# --- The interrupted run


def test_the_killed_runs_left_at_most_one_instance_writable() -> None:
    left = json.loads((BUILD / "interrupted.json").read_text())["super_read_only"]
    assert sorted(left) == sorted(CLUSTER.members)
    assert sum(answer != "1" for answer in left.values()) <= 1, left


@pytest.mark.parametrize("name", CLUSTER.members)
def test_the_killed_runs_left_nothing_that_keeps_services_from_starting(name: str) -> None:
    left = machine(name).run("ls /usr/sbin/policy-rc.d /etc/mysql/mysql.conf.d/zzz-* /run/mysql-ha/*.hold").stdout
    assert not left


def writable_periods(name: str) -> list[tuple[float, float]]:
    """When an instance was writable: from one answer that said so to the next, where no other answer lies between."""
    answers = [line.split() for line in machine(name).file(WATCH_LOG).content_string.splitlines()]
    assert len(answers) > 100, f"{name} was not watched"
    return [
        (float(one[1]), float(two[0]))
        for one, two in pairwise(answers)
        if one[2] == two[2] == "writable" and float(two[0]) - float(one[1]) < 1
    ]


def test_at_no_time_were_two_instances_writable() -> None:
    periods = [(name, *period) for name in CLUSTER.members for period in writable_periods(name)]
    assert periods, "nobody was ever seen writable, so this test saw nothing"
    for (name, _, end), (rival, begin, _) in pairwise(sorted(periods, key=lambda period: period[1])):
        assert name == rival or end <= begin, (name, rival)


# --- What was built


def test_every_non_writer_follows_the_vip_with_verified_tls() -> None:
    for name in others():
        channel = CLUSTER.channel(name)
        assert channel["Source_Host"] == CLUSTER.vip, name
        assert (channel["Replica_IO_Running"], channel["Replica_SQL_Running"]) == ("Yes", "Yes"), name
        assert (channel["Source_SSL_Allowed"], channel["Source_SSL_Verify_Server_Cert"]) == ("Yes", "Yes"), name


def test_the_writer_has_the_same_channel_stopped() -> None:
    channel = CLUSTER.channel(CLUSTER.writer())
    assert channel["Source_Host"] == CLUSTER.vip
    assert channel["Replica_IO_Running"] == "No"


def test_what_is_written_through_the_vip_is_everywhere_and_nowhere_else_accepted() -> None:
    write("first")
    wait_until(lambda: everywhere("first"), "the row on every member", 10)
    for name in others():
        address = machine(name).check_output("hostname --ip-address").split()[0]
        refused = CLUSTER.through_vip("INSERT INTO notes (note) VALUES ('wrong door')", address=address)
        assert "ERROR 1290" in refused.stderr


# --- Failovers, one by a clean stop and one by a crash


def test_a_clean_stop_moves_the_vip_and_nothing_has_to_be_repointed() -> None:
    old = CLUSTER.redundant_writer()
    new = next(name for name in CLUSTER.candidates if name != old)
    before = {name: CLUSTER.channel(name)["Source_Host"] for name in CLUSTER.members}
    machine(old).check_output("systemctl stop mysql")
    wait_until(lambda: CLUSTER.vip_holders() == [new], "the VIP on the other candidate", 10)
    wait_until(lambda: CLUSTER.writable([new]) == [new], "the other candidate writable", 10)
    write("while the old writer is down")
    machine(old).check_output("systemctl start mysql")
    wait_until(lambda: CLUSTER.replicating(others()), "all others replicating", 60)
    wait_until(lambda: everywhere("while the old writer is down"), "the row on every member", 10)
    assert CLUSTER.writer() == new
    assert {name: CLUSTER.channel(name)["Source_Host"] for name in CLUSTER.members} == before


def test_a_killed_mysqld_loses_nothing_that_was_acknowledged() -> None:
    old = CLUSTER.redundant_writer()
    write("acknowledged before the crash")
    machine(old).check_output("systemctl kill --signal=KILL --kill-whom=main mysql")
    wait_until(lambda: CLUSTER.vip_holders() not in ([], [old]), "the VIP on the other candidate", 10)
    new = CLUSTER.writer()
    assert new != old
    assert CLUSTER.query(new, "SELECT COUNT(*) FROM shop.notes WHERE note = 'acknowledged before the crash'") == "1"
    write("after the crash")
    wait_until(lambda: CLUSTER.replicating(others()), "all others replicating", 60)
    wait_until(lambda: everywhere("after the crash"), "the row on every member", 10)


def test_a_reader_is_never_promoted() -> None:
    """With both candidates gone the VIP is nowhere, and the reader stays read-only."""
    for name in CLUSTER.candidates:
        machine(name).check_output("systemctl stop mysql")
    try:
        wait_until(lambda: CLUSTER.vip_holders() == [], "no VIP anywhere", 15)
        assert CLUSTER.query("sr3", "SELECT @@super_read_only") == "1"
        assert machine("sr3").run("systemctl is-active keepalived").rc != 0
    finally:
        for name in CLUSTER.candidates:
            machine(name).check_output("systemctl start mysql")
    CLUSTER.writer()
    wait_until(lambda: CLUSTER.replicating(others()), "all others replicating", 60)


def test_a_run_after_the_failovers_changes_nothing() -> None:
    before = CLUSTER.processes()
    run = run_playbook(CLUSTER.inventory)
    assert run.returncode == 0, run.output[-3000:]
    assert run.changes == set()
    assert CLUSTER.processes() == before
