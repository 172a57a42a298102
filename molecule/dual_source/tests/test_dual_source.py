# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The demo's cluster, asked as its users ask it. The tests build on one another: later ones move the writer."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from integration.lab_cluster import PROJECT, Cluster, machine, read_changes, run_playbook, snapshot, wait_until

BUILD = PROJECT / "build/dual_source"
CLUSTER = Cluster(
    inventory=Path(os.environ.get("MHA_INVENTORY", PROJECT / "inventory")),
    members=("db1", "db2", "db3"),
    candidates=("db1", "db2"),
    vip="10.77.0.100",
    client="client1",
    user="shop",
    password="lab-only-shop",
    database="shop",
)


@pytest.fixture(scope="module", autouse=True)
def table() -> None:
    CLUSTER.writer()
    made = CLUSTER.through_vip(
        "CREATE TABLE IF NOT EXISTS notes (id BIGINT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(100))"
    )
    assert made.rc == 0, made.stderr


def write_note(note: str) -> None:
    done = CLUSTER.through_vip(f"INSERT INTO notes (note) VALUES ('{note}')")
    assert done.rc == 0, done.stderr


def everywhere(note: str) -> bool:
    return all(
        CLUSTER.query(name, f"SELECT COUNT(*) FROM shop.notes WHERE note = '{note}'") == "1" for name in CLUSTER.members
    )


def other(candidate: str) -> str:
    return next(name for name in CLUSTER.candidates if name != candidate)


# --- The run on bare hosts, predicted by prepare.yml


@pytest.fixture(scope="module")
def prediction() -> dict:
    return json.loads((BUILD / "prediction.json").read_text())


def test_check_mode_on_bare_hosts_succeeds(prediction: dict) -> None:
    assert prediction["returncode"] == 0, prediction["output"][-3000:]


def test_check_mode_on_bare_hosts_leaves_no_trace(prediction: dict) -> None:
    assert prediction["traces"] == {}


def test_check_mode_on_bare_hosts_predicts_the_real_run(prediction: dict) -> None:
    predicted = {tuple(task) for task in prediction["tasks"]}
    real = {
        (c.host, c.task, c.item)
        for c in read_changes(BUILD / "first_run.jsonl")
        if not c.handler and c.host in CLUSTER.members
    }
    assert len(real) > 60
    assert predicted == real


# --- What was built


def test_the_first_candidate_is_the_writer_and_holds_the_vip() -> None:
    assert CLUSTER.writer() == "db1"
    assert CLUSTER.vip_holders() == ["db1"]


def test_the_first_run_started_each_server_once_and_the_vip_came_once() -> None:
    assert CLUSTER.vip_moves() == 1
    for name in CLUSTER.members:
        assert machine(name).check_output("systemctl show --property=NRestarts --value mysql") == "0"
        starts = machine(name).check_output(
            "journalctl --unit mysql --no-pager --quiet | grep -c 'Started mysql.service'"
        )
        assert starts == "1"


def test_both_channels_run_with_verified_tls_and_without_lag() -> None:
    for name in CLUSTER.members:
        channel = CLUSTER.channel(name)
        assert (channel["Replica_IO_Running"], channel["Replica_SQL_Running"]) == ("Yes", "Yes"), name
        assert channel["Seconds_Behind_Source"] == "0", name
        assert (channel["Source_SSL_Allowed"], channel["Source_SSL_Verify_Server_Cert"]) == ("Yes", "Yes"), name
        assert channel["Auto_Position"] == "1", name
    assert [CLUSTER.channel(name)["Source_Host"] for name in CLUSTER.members] == [
        "10.77.0.12",
        "10.77.0.11",
        "10.77.0.100",
    ]


def test_a_certificate_of_another_ca_is_refused() -> None:
    """Verified means that the wrong certificate fails, not only that the right one works."""
    client = machine("client1")
    for name in ("10.77.0.11", "10.77.0.100"):
        options = f"--host={name} --user=shop --ssl-mode=VERIFY_IDENTITY"
        good = client.run(f"MYSQL_PWD=lab-only-shop mysql {options} --ssl-ca=/etc/ssl/mysql-ha-ca.crt -e 'SELECT 1'")
        assert good.rc == 0, good.stderr
        bad = client.run(
            f"MYSQL_PWD=lab-only-shop mysql {options} --ssl-ca=/etc/ssl/certs/ca-certificates.crt -e 'SELECT 1'"
        )
        assert bad.rc != 0
        assert "certificate" in bad.stderr.lower()


def test_every_instance_has_its_own_identity() -> None:
    for variable in ("server_id", "server_uuid"):
        assert len({CLUSTER.query(name, f"SELECT @@{variable}") for name in CLUSTER.members}) == len(CLUSTER.members)


def test_only_candidates_acknowledge() -> None:
    acknowledging = [
        name for name in CLUSTER.members if CLUSTER.query(name, "SELECT @@rpl_semi_sync_replica_enabled") == "1"
    ]
    assert acknowledging == list(CLUSTER.candidates)
    assert CLUSTER.query(CLUSTER.writer(), "SHOW STATUS LIKE 'Rpl_semi_sync_source_clients'").split() == [
        "Rpl_semi_sync_source_clients",
        "1",
    ]
    assert CLUSTER.query(CLUSTER.writer(), "SHOW STATUS LIKE 'Rpl_semi_sync_source_status'").split() == [
        "Rpl_semi_sync_source_status",
        "ON",
    ]


def test_what_the_application_writes_through_the_vip_is_everywhere() -> None:
    write_note("first")
    wait_until(lambda: everywhere("first"), "the row on every member", 10)


@pytest.mark.parametrize("name", ["db2", "db3"])
def test_a_write_to_a_standby_or_reader_fails(name: str) -> None:
    address = machine(name).check_output("hostname --ip-address").split()[0]
    refused = CLUSTER.through_vip("INSERT INTO notes (note) VALUES ('wrong door')", address=address)
    assert refused.rc != 0
    assert "ERROR 1290" in refused.stderr


def test_secrets_are_not_readable_by_others() -> None:
    for name in CLUSTER.members:
        host = machine(name)
        for path in (f"/etc/mysql-ha/{name}.json", f"/etc/mysql/tls-{name}/server.key"):
            assert host.file(path).mode & 0o007 == 0, path
        assert host.run("grep -rl lab-only /etc /usr/local /var/lib/mysql-ha").stdout == ""
    assert Path(f"{CLUSTER.inventory}-tls/ca.key").stat().st_mode & 0o077 == 0


# --- A clean stop of the writer


def test_a_clean_stop_of_the_writer_moves_the_vip_and_comes_back_by_itself() -> None:
    old, new = CLUSTER.redundant_writer(), "db2"
    moves = CLUSTER.vip_moves()
    machine(old).check_output("systemctl stop mysql")
    wait_until(lambda: CLUSTER.vip_holders() == [new], "the VIP on the other candidate", 10)
    wait_until(lambda: CLUSTER.writable([new]) == [new], "the other candidate writable", 10)
    write_note("while the old writer is down")
    machine(old).check_output("systemctl start mysql")
    wait_until(lambda: CLUSTER.replicating(CLUSTER.members), "all channels running", 60)
    wait_until(lambda: everywhere("while the old writer is down"), "the row on every member", 10)
    assert CLUSTER.writer() == new
    assert CLUSTER.vip_moves() == moves + 1


def test_a_run_after_the_failover_changes_nothing() -> None:
    """The second run on these hosts."""
    before, moves = CLUSTER.processes(), CLUSTER.vip_moves()
    run = run_playbook(CLUSTER.inventory)
    assert run.returncode == 0, run.output[-3000:]
    assert run.changes == set()
    assert CLUSTER.processes() == before
    assert CLUSTER.vip_moves() == moves
    assert CLUSTER.writer() == "db2"


# --- A changed variable on the running cluster

CHANGED = json.dumps({"mysql_settings": {"max_connections": 321, "back_log": 123}})


def test_a_changed_variable_is_predicted_and_restarts_everything_but_the_writer() -> None:
    writer = CLUSTER.writer()
    before = CLUSTER.processes()
    looks = {name: snapshot(name, data=False) for name in CLUSTER.members}
    predicted = run_playbook(CLUSTER.inventory, "--check", "--diff", "-e", CHANGED)
    assert predicted.returncode == 0, predicted.output[-3000:]
    assert "max_connections" in predicted.output
    assert "+back_log" in predicted.output.replace("+ back_log", "+back_log")
    assert {name: snapshot(name, data=False) for name in CLUSTER.members} == looks
    assert CLUSTER.processes() == before

    real = run_playbook(CLUSTER.inventory, "-e", CHANGED)
    assert real.returncode == 0, real.output[-3000:]
    assert predicted.tasks == real.tasks
    assert "is the writer and is not restarted unasked" in real.output
    assert CLUSTER.writer() == writer
    after = CLUSTER.processes()
    restarted = {unit for unit in before if before[unit] != after[unit]}
    assert restarted == {f"{name}/mysql" for name in CLUSTER.members if name != writer}
    for name in CLUSTER.members:
        assert CLUSTER.query(name, "SELECT @@max_connections") == "321"
    assert CLUSTER.query(writer, "SELECT @@back_log") != "123"
    assert CLUSTER.query(other(writer), "SELECT @@back_log") == "123"


def test_what_a_killed_run_left_undone_is_made_up_for_by_the_next() -> None:
    """A pending restart, an agent and a keepalived older than their files: what a run without its handlers leaves."""
    writer = CLUSTER.redundant_writer()
    standby = other(writer)
    machine("db3").check_output("touch /etc/mysql-ha/db3.json")
    machine(standby).check_output("touch /etc/keepalived/conf.d/demo.conf")
    agents = {name: CLUSTER.processes()[f"{name}/mysql-ha-agent@{name}"] for name in CLUSTER.members}
    reloads = "journalctl --unit keepalived --no-pager --quiet | grep -c 'Reloaded keepalived.service'"
    reloaded = {name: machine(name).run(reloads).stdout for name in CLUSTER.candidates}
    run = run_playbook(CLUSTER.inventory, "-e", CHANGED, "-e", "mysql_allow_writer_restart=true")
    assert run.returncode == 0, run.output[-3000:]
    assert CLUSTER.query(writer, "SELECT @@back_log") == "123"
    assert CLUSTER.writer() == standby
    after = {name: CLUSTER.processes()[f"{name}/mysql-ha-agent@{name}"] for name in CLUSTER.members}
    assert [name for name in CLUSTER.members if agents[name] != after[name]] == ["db3"]
    again = {name: machine(name).run(reloads).stdout for name in CLUSTER.candidates}
    assert [name for name in CLUSTER.candidates if reloaded[name] != again[name]] == [standby]
    wait_until(lambda: CLUSTER.replicating(CLUSTER.members), "all channels running", 30)


def test_a_broken_setting_is_refused_before_it_replaces_the_good_file() -> None:
    before = {
        name: machine(name).check_output(f"sha256sum /etc/mysql/mysql.conf.d/zz-mysql-ha-{name}.cnf")
        for name in CLUSTER.members
    }
    run = run_playbook(CLUSTER.inventory, "-e", json.dumps({"mysql_settings": {"no_such_variable": 1}}))
    assert run.returncode != 0
    assert "no_such_variable" in run.output
    after = {
        name: machine(name).check_output(f"sha256sum /etc/mysql/mysql.conf.d/zz-mysql-ha-{name}.cnf")
        for name in CLUSTER.members
    }
    assert after == before


# --- A new machine under an old name, made from an image that has MySQL inside


def test_an_empty_reader_with_a_cloned_server_uuid_gets_its_own_and_is_seeded_by_clone() -> None:
    reader, standby = machine("db3"), other(CLUSTER.writer())
    uuid = CLUSTER.query(standby, "SELECT @@server_uuid")
    reader.check_output(
        "systemctl stop mysql && find /var/lib/mysql -mindepth 1 -delete && mysqld --initialize-insecure --user=mysql "
        "&& echo '[auto]' > /var/lib/mysql/auto.cnf && echo server-uuid=%s >> /var/lib/mysql/auto.cnf "
        "&& systemctl start mysql",
        uuid,
    )
    write_note("before the clone")
    run = run_playbook(CLUSTER.inventory, "-e", CHANGED)
    assert run.returncode == 0, run.output[-3000:]
    assert CLUSTER.query("db3", "SELECT @@server_uuid") != uuid
    wait_until(lambda: everywhere("before the clone"), "the row on every member", 30)
    completed = "SELECT COUNT(*) FROM performance_schema.clone_status WHERE STATE = 'Completed'"
    assert CLUSTER.query("db3", completed) == "1"
    assert CLUSTER.query("db3", "SELECT @@super_read_only") == "1"
    wait_until(lambda: CLUSTER.replicating(CLUSTER.members), "all channels running", 30)


def test_the_status_playbook_prints_the_cluster() -> None:
    run = run_playbook(CLUSTER.inventory, playbook="playbooks/status.yml")
    assert run.returncode == 0, run.output[-3000:]
    assert run.changes == set()
    writer = CLUSTER.writer()
    assert f"demo: dual_source, writer {writer}, VIP 10.77.0.100/24 on it" in run.output
    for name in CLUSTER.members:
        assert any(
            name in line and "Yes/Yes" in line and "verified" in line and "none" in line
            for line in run.output.splitlines()
        ), run.output


def test_the_status_playbook_says_that_a_member_is_down() -> None:
    machine("db3").check_output("systemctl stop mysql")
    run = run_playbook(CLUSTER.inventory, playbook="playbooks/status.yml")
    machine("db3").check_output("systemctl start mysql")
    assert run.returncode == 0, run.output[-3000:]
    assert any("db3" in line and "DOWN" in line for line in run.output.splitlines()), run.output
