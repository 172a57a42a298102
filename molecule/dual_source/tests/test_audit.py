# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The demo's cluster as a stranger sees it: audited and discovered from host names alone, before anything moves it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.lab_cluster import PROJECT, Cluster, Run, audited, machine, run_playbook, wait_until

BUILD = PROJECT / "build/dual_source/blind"
MEMBERS = ("db1", "db2", "db3")
CLUSTER = Cluster(
    inventory=PROJECT / "inventory", members=MEMBERS, candidates=("db1", "db2"), vip="10.77.0.100", client="client1",
    user="shop", password="lab-only-shop", database="shop",
)  # fmt: skip
PASSWORD = "lab-only-audit"


@pytest.fixture(scope="module")
def strangers() -> Path:
    """An inventory of names and of ways to get there, in no group."""
    BUILD.mkdir(parents=True, exist_ok=True)
    ways = {
        "ansible_connection": "community.docker.docker", "ansible_docker_host": "mha-{{ inventory_hostname }}",
        "ansible_python_interpreter": "/usr/bin/python3",
    }  # fmt: skip
    path = BUILD / "hosts.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": dict.fromkeys(MEMBERS), "vars": ways}}))
    return path


def audit(strangers: Path, *arguments: str) -> dict[str, Any]:
    return audited(strangers, BUILD / "audit", *arguments)


@pytest.fixture(scope="module")
def by_root(strangers: Path) -> dict[str, Any]:
    return audit(strangers)


def test_nothing_is_wrong_with_a_cluster_that_this_collection_built(by_root: dict[str, Any]) -> None:
    (cluster,) = by_root["clusters"]
    found = [
        (finding["severity"], finding["rule"], evidence["host"], evidence["text"])
        for finding in cluster["findings"] if finding["severity"] != "info" for evidence in finding["evidence"]
    ]  # fmt: skip
    assert found == []
    assert cluster["unjudged"] == []
    assert cluster["problems"] == []
    assert [host["problems"] for host in by_root["hosts"]] == [[], [], []]


@pytest.fixture
def least() -> Any:
    """The account that the documentation calls sufficient, made by its very statements."""
    text = (PROJECT / "docs/audit.md").read_text(encoding="utf-8")
    of_mysql = text.split("```sql\n")[1]  # and then MariaDB's
    statements = re.findall(r"^(?:CREATE USER|GRANT) .*?;", of_mysql, re.M)
    assert len(statements) == 5
    writer = CLUSTER.writer()
    CLUSTER.query(writer, " ".join(statements).replace("…", PASSWORD))
    wait_until(lambda: all(_knows(name) for name in MEMBERS), "the account is on every member")
    yield
    CLUSTER.query(writer, "DROP USER 'audit'@'localhost'")


def _knows(name: str) -> bool:
    return CLUSTER.query(name, "SELECT COUNT(*) FROM mysql.tables_priv WHERE User = 'audit'").strip() == "2"


def facts(result: dict[str, Any]) -> Any:
    """What does not change by itself between two audits, nor by the account."""
    (cluster,) = result["clusters"]
    findings = [
        (finding["rule"], evidence["host"], evidence["text"])
        for finding in cluster["findings"] for evidence in finding["evidence"] if "audit" not in evidence["text"]
    ]  # fmt: skip
    instances = [{key: each[key] for key in ("host", "role", "version", "semi_sync")} for each in cluster["instances"]]
    return findings, instances, cluster["unjudged"], [host["problems"] for host in result["hosts"]]


def test_an_account_with_the_documented_rights_sees_as_much(
    strangers: Path, by_root: dict[str, Any], least: None
) -> None:
    by_password = audit(strangers, "-e", "audit_login_user=audit", "-e", f"audit_login_password={PASSWORD}")
    assert facts(by_password) == facts(by_root)
    for name in MEMBERS:
        machine(name).run_expect(
            [0], f"umask 077; printf '[client]\\nuser=audit\\npassword={PASSWORD}\\n' > /root/.audit.cnf"
        )
    try:
        assert facts(audit(strangers, "-e", "audit_login_file=/root/.audit.cnf")) == facts(by_root)
    finally:
        for name in MEMBERS:
            machine(name).run_expect([0], "rm /root/.audit.cnf")


def test_a_wrong_password_is_said_of_the_host_and_ends_nothing(strangers: Path) -> None:
    result = audit(strangers, "-e", "audit_login_user=shop", "-e", "audit_login_password=wrong")
    for host in result["hosts"]:
        (problem,) = [each for each in host["problems"] if each["family"] == "mysql"]
        assert "access denied" in problem["text"].lower()


@pytest.fixture(scope="module")
def discovered(strangers: Path) -> tuple[Path, Run]:
    directory = BUILD / "discovered"
    for path in sorted(directory.rglob("*.yml")):
        path.unlink()
    done = run_playbook(strangers, "-e", f"discover_directory={directory}", playbook="playbooks/discover.yml")
    assert done.returncode == 0, done.output[-3000:]
    return directory, done


def test_discover_changes_no_host_and_is_done_once(discovered: tuple[Path, Run], strangers: Path) -> None:
    directory, done = discovered
    assert {change.host for change in done.changes} == {"localhost"}
    again = run_playbook(strangers, "-e", f"discover_directory={directory}", playbook="playbooks/discover.yml")
    assert (again.returncode, again.changes) == (0, set()), again.output[-3000:]


def test_what_was_discovered_holds_no_secret(discovered: tuple[Path, Run]) -> None:
    text = "".join(path.read_text() for path in discovered[0].rglob("*.yml"))
    assert "lab-only" not in text
    assert "vault_replication_password" in text


def test_without_the_secrets_a_run_is_refused(discovered: tuple[Path, Run]) -> None:
    done = run_playbook(discovered[0], "--check", "-e", f"mysql_tls_ca_dir={PROJECT}/inventory-tls")
    assert done.returncode != 0
    assert done.changes == set()
    assert re.search(r"replication_password cannot be read .*vault_replication_password", " ".join(done.output.split()))


def test_without_its_ca_a_run_is_refused(discovered: tuple[Path, Run]) -> None:
    done = run_playbook(discovered[0], "--check", "-e", "vault_replication_password=lab-only-replication")
    assert done.returncode != 0
    assert done.changes == set()
    assert "has no ca.key, but the host has certificates of an earlier run" in " ".join(done.output.split())


def test_a_built_cluster_discovered_blind_has_no_difference(discovered: tuple[Path, Run]) -> None:
    done = run_playbook(
        discovered[0], "--check", "-e", "vault_replication_password=lab-only-replication",
        "-e", f"mysql_tls_ca_dir={PROJECT}/inventory-tls",
    )  # fmt: skip
    assert done.returncode == 0, done.output[-3000:]
    assert done.changes == set()
