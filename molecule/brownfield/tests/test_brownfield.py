# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters that others built: the audit names every planted hazard and nothing else, and touches nothing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from integration import brownfield
from integration.brownfield import (
    INVENTORY,
    NAMES,
    PLANTED,
    PROJECT,
    Picture,
    audit,
    evidence,
    inventory_of,
    pairs,
    play,
    problems,
    run_in,
)

# Where each VIP is when everything has come to rest.
HOLDERS = {
    "bfa1": "10.77.0.148", "bfa2": "10.77.0.148", "bfb1": "10.77.0.139", "bfb2": "10.77.0.139",
    "bfd1": "10.77.0.155", "bfd2": "10.77.0.155", "bfe1": "10.77.0.149", "bfm1": "10.77.0.157", "bfm2": "10.77.0.157",
}  # fmt: skip
# A kernel with ip_vs has timeouts, which are then longer than A's persistence.
WITH_IPVS = {("MHA-L007", "bfa1"), ("MHA-L007", "bfa2")}
NOT_THERE = "bfx1"


@pytest.fixture(scope="session")
def before() -> dict[str, Picture]:
    deadline = time.monotonic() + 60
    waiting = dict(HOLDERS)
    while waiting and time.monotonic() < deadline:
        waiting = {
            machine: vip for machine, vip in waiting.items()
            if f" {vip}/" not in run_in(machine, "ip -o address show dev eth0")
        }  # fmt: skip
    assert waiting == {}
    return brownfield.pictures()


@pytest.fixture(scope="session")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory with a host that is not there."""
    path = tmp_path_factory.mktemp("inventory") / "hosts.yml"
    host = {"ansible_connection": "community.docker.docker", "ansible_docker_host": f"mha-{NOT_THERE}"}
    path.write_text(yaml.safe_dump({"ungrouped": {"hosts": {NOT_THERE: host}}}), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def result(before: dict[str, Picture], nobody: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    assert before
    found, done = audit(
        tmp_path_factory.mktemp("audit"), "--extra-vars=audit_fail_on=critical", inventories=(INVENTORY, nobody)
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "There are findings that are critical or worse" in done.stdout
    return found


@pytest.fixture(scope="session")
def discovered(result: dict[str, Any], nobody: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert result
    directory = tmp_path_factory.mktemp("discovered") / "inventory"
    done = play("discover", f"--extra-vars=discover_directory={directory}", inventories=(INVENTORY, nobody))
    assert done.returncode == 0, done.stdout + done.stderr
    return directory


@pytest.fixture(scope="session")
def after(discovered: Path, before: dict[str, Picture]) -> dict[str, Picture]:
    assert discovered
    return brownfield.pictures(before=before)


def planted() -> set[tuple[str, str]]:
    return {(rule, name) for rule, names in PLANTED.items() for name in names}


def test_every_planted_hazard_is_named(result: dict[str, Any]) -> None:
    assert len(planted()) >= 60
    assert sorted(planted() - pairs(result).keys()) == []


def test_nothing_else_is_named(result: dict[str, Any]) -> None:
    assert {key: said for key, said in pairs(result).items() if key not in planted() | WITH_IPVS} == {}


def test_every_finding_has_evidence(result: dict[str, Any]) -> None:
    schema = json.loads((PROJECT / "docs" / "audit-result.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(result, schema)
    assert all(cluster["problems"] == [] for cluster in result["clusters"])
    assert all(finding["evidence"] for cluster in result["clusters"] for finding in cluster["findings"])
    assert all(each["text"] and each["host"] in NAMES for _finding, each in evidence(result))


def test_clusters_are_found_without_variables(result: dict[str, Any]) -> None:
    assert sorted(sorted(cluster["hosts"]) for cluster in result["clusters"]) == [
        ["bfa1", "bfa2"], ["bfb1", "bfb2", "bfc1", "bfe1", "bfe2"], ["bfd1a", "bfd2a"], ["bfd1b", "bfd2b"],
        ["bfm1", "bfm2"], [NOT_THERE],
    ]  # fmt: skip


def test_every_host_was_read_whole(result: dict[str, Any]) -> None:
    assert {name: problems(result, name) for name in NAMES if problems(result, name)} == {}
    assert [each["name"] for each in result["hosts"] if not each["asked"]] == [NOT_THERE]


def test_an_inventory_of_them_is_written_without_secrets(discovered: Path) -> None:
    listed = inventory_of(discovered)
    clusters = {name: set(listed[name]["hosts"]) for name in listed["mysql"]["children"]}
    assert sorted(clusters.values(), key=sorted) == [
        {"bfa1", "bfa2"}, {"bfd1a", "bfd2a"}, {"bfd1b", "bfd2b"}, {"bfe1", "bfe2"}, {"bfm1", "bfm2"},
    ]  # fmt: skip
    assert set(listed["lvs_director"]["hosts"]) == {"bfb1", "bfb2"}
    text = "".join(path.read_text(encoding="utf-8") for path in discovered.rglob("*.yml"))
    assert [word for word in ("123456", "metadata2022", "mysql3306", "myadmin") if word in text] == []


def test_nothing_was_touched(before: dict[str, Picture], after: dict[str, Picture]) -> None:
    assert brownfield.touched(before, after) == []


def test_a_host_is_read_in_time(before: dict[str, Picture], tmp_path: Path) -> None:
    """While no other host is read."""
    assert before
    took = [
        each["took_seconds"]
        for _number in range(3)
        for each in audit(tmp_path, "--extra-vars={audit_hosts: bfe2, audit_formats: [json]}")[0]["hosts"]
    ]
    assert min(took) <= 3, took


@pytest.fixture(scope="session")
def metadata(before: dict[str, Picture], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """E in the collection's variables: it has MySQL and keepalived, but no agent, and one host not even PyMySQL."""
    assert before
    path = tmp_path_factory.mktemp("metadata") / "inventory" / "hosts.yml"
    path.parent.mkdir()
    hosts = {
        name: {"ansible_connection": "community.docker.docker", "ansible_docker_host": f"mha-{name}"}
        for name in ("bfe1", "bfe2")
    }
    cluster = {
        "cluster_topology": "source_replica", "cluster_vip": "10.77.0.158/24", "cluster_virtual_router_id": 81,
        "replication_password": "lab-only-replication", "mysql_innodb_buffer_pool_size": "64M",
        "mysql_log_bin": "mysql-bin", "mysql_relay_log": "{{ inventory_hostname }}-relay-bin",
        "mysql_users": [{"name": "app", "host": "10.77.0.%", "password": "Zq8-of-its-own", "priv": "*.*:SELECT"}],
        "mysql_databases": [{"name": "orders"}], "ansible_python_interpreter": "/usr/bin/python3",
    }  # fmt: skip
    path.write_text(
        yaml.safe_dump({"mysql": {"children": {"metadata": {"hosts": hosts, "vars": cluster}}}}), encoding="utf-8"
    )
    return path


def test_a_run_on_them_is_predicted_and_writes_nothing(metadata: Path) -> None:
    start = brownfield.pictures(("bfe1", "bfe2"))
    trusted = "--extra-vars={keepalived_script_security: false}"
    done = play("site", trusted, "--check", "--diff", inventories=(metadata,))
    assert done.returncode == 0, done.stdout + done.stderr
    assert brownfield.touched(start, brownfield.pictures(("bfe1", "bfe2"), start)) == []
    assert [path.name for path in metadata.parent.parent.iterdir()] == ["inventory"], "no certificates were made"
    for line in ("+super_read_only", "+    virtual_router_id 81", "source_host"):
        assert line in done.stdout, done.stdout


def test_a_run_is_refused_where_it_would_disarm_a_script(metadata: Path) -> None:
    done = play("site", "--check", inventories=(metadata,))
    assert done.returncode == 2
    assert "would make keepalived ignore /etc/keepalived/scripts/check_mysql.sh" in " ".join(done.stdout.split())


def test_a_run_is_refused_where_somebody_else_has_the_vip(metadata: Path) -> None:
    done = play("site", "--extra-vars={cluster_vip: 10.77.0.149/24, cluster_virtual_router_id: 80}",
                "--check", inventories=(metadata,))  # fmt: skip
    assert done.returncode == 2
    for said in ("the virtual router id 80", "the VIP"):
        assert f"{said} (/etc/keepalived/keepalived.conf:" in done.stdout, done.stdout


def test_what_cannot_be_read_is_said_and_the_rest_is_judged(tmp_path: Path) -> None:
    """A wrong password, a server that hangs, garbage for a configuration, missing programs, a half installed daemon."""
    for machine, wound in WOUNDS.items():
        run_in(machine, wound[0])
    try:
        found, done = audit(
            tmp_path, "--extra-vars={audit_hosts: 'bfa1,bfa2,bfb1,bfb2,bfc1,bfd2a,bfe1,bfe2'}",
            "--extra-vars={audit_login_user: nobody, audit_login_password: wrong}",
        )  # fmt: skip
    finally:
        for machine, wound in WOUNDS.items():
            run_in(machine, wound[1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "audit.html", "audit.json", "audit.junit.xml", "audit.sarif",
    ]  # fmt: skip
    for name, words in SAID.items():
        assert [word for word in words if word not in problems(found, name)] == [], problems(found, name)
    assert {
        ("MHA-V015", "bfa1"), ("MHA-V004", "bfb2"), ("MHA-V029", "bfd2a"), ("MHA-V014", "bfe2"),
    } <= pairs(found).keys()  # fmt: skip


# What is broken, and how it is mended.
WOUNDS = {
    "bfa2": ("systemctl kill --signal=STOP mysql", "systemctl kill --signal=CONT mysql"),
    "bfb1": (
        "cd /etc/keepalived && cp -p keepalived.conf /root/kept && head -c 20000 /dev/urandom > keepalived.conf",
        "mv /root/kept /etc/keepalived/keepalived.conf",
    ),
    "bfb2": (
        "mv /usr/bin/ip /root/ip; mv /usr/sbin/nft /root/nft; dpkg --unpack /srv/repo/haproxy_*.deb",
        "mv /root/ip /usr/bin/ip; mv /root/nft /usr/sbin/nft; dpkg --purge haproxy",
    ),
    "bfc1": (
        "cp -p /etc/haproxy/haproxy.cfg /root/kept && printf 'a\\0b' > /etc/haproxy/haproxy.cfg",
        "mv /root/kept /etc/haproxy/haproxy.cfg",
    ),
    "bfd2": ("mv /usr/sbin/keepalived /root/keepalived", "mv /root/keepalived /usr/sbin/keepalived"),
}
SAID = {
    "bfa1": ["mysql: ", "access denied"],
    "bfa2": ["mysql: ", "no answer in time"],
    "bfb1": ["vrrp: ", "is not text"],
    "bfb2": ["os: ", "there is no program ip", "vrrp: ", "lvs: ", "haproxy: "],
    "bfc1": ["haproxy: ", "is not text"],
    "bfe1": ["mysql: ", "Access denied"],  # in the words of the program mysql
    "bfe2": ["mysql: ", "access denied"],
}
