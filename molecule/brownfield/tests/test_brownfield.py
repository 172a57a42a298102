# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters that others built: the audit names every planted hazard and nothing else, and touches nothing."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import testinfra
import yaml
from testinfra.host import Host

from integration.lab_cluster import PROJECT

SCENARIO = PROJECT / "molecule" / "brownfield"
INVENTORY = Path(os.environ.get("MHA_INVENTORY", SCENARIO / "inventory"))
HOSTS = tuple(yaml.safe_load((SCENARIO / "inventory" / "hosts.yml").read_text(encoding="utf-8"))["lab"]["hosts"])
MYSQL, MARIADB = ("bfa1", "bfa2", "bfe1", "bfe2"), ("bfm1", "bfm2")
PLANTED: dict[str, list[str]] = yaml.safe_load((SCENARIO / "planted.yml").read_text(encoding="utf-8"))
# What the modules leave behind by themselves: Ansible's scratch directories, sudo's and journald's own files.
FILES = r"""find /etc /root /usr/local /tmp -xdev -type f ! -path '*/.ansible/*' ! -path '/tmp/systemd-*' \
  -exec sha256sum {} + 2> /dev/null | sort; find /var/lib/mysql -maxdepth 1 -printf '%p %u %m\n' | sort"""


def host(name: str) -> Host:
    return testinfra.get_host(f"docker://mha-{name}")


def said(name: str, command: str) -> str:
    return str(host(name).run(command).stdout)


def audit(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    command = [
        "ansible-playbook", "--forks=10", f"--inventory={INVENTORY}", str(PROJECT / "playbooks" / "audit.yml"),
        f"--extra-vars=audit_directory={directory}", *options,
    ]  # fmt: skip
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)


def gtids(name: str) -> str:
    return said(name, "mysql --skip-column-names -e 'SELECT @@GLOBAL.gtid_executed'")


def picture(name: str) -> dict[str, str]:
    """What an audit must leave as it is."""
    daemons = "for unit in keepalived mysql mariadb haproxy; do systemctl show -p MainPID -p NRestarts $unit; done"
    found = {
        "files": said(name, FILES),
        "daemons": said(name, daemons),
        "addresses": said(name, "ip -o address show | sed 's/valid_lft.*//'"),
        "neighbours": said(name, "ip neigh show | awk '{ print $1, $3, $5 }' | grep ':' | sort"),
    }
    if name in MYSQL:
        found["gtids"] = gtids(name)
        found["variables"] = said(
            name, "mysql --skip-column-names -e 'SHOW GLOBAL VARIABLES' | grep -Ev '^(gtid_executed|timestamp)'"
        )
    return found


@pytest.fixture(scope="module")
def pictures() -> dict[str, dict[str, str]]:
    # Binary logs of a dual source go round for a moment after the build.
    time.sleep(5)
    return {name: picture(name) for name in HOSTS}


@pytest.fixture(scope="module")
def result(pictures: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    assert pictures
    directory = tmp_path_factory.mktemp("audit")
    done = audit(directory, "--extra-vars=audit_fail_on=critical")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "There are findings that are critical or worse" in done.stdout
    found: dict[str, Any] = json.loads((directory / "audit.json").read_text(encoding="utf-8"))
    jsonschema.validate(found, json.loads((PROJECT / "docs" / "audit-result.schema.json").read_text(encoding="utf-8")))
    return found


def pairs(result: dict[str, Any], *severities: str) -> set[tuple[str, str]]:
    return {
        (finding["rule"], evidence["host"])
        for cluster in result["clusters"]
        for finding in cluster["findings"]
        if finding["severity"] in severities
        for evidence in finding["evidence"]
    }


def planted() -> Iterator[tuple[str, str]]:
    return ((rule, name) for rule, names in PLANTED.items() for name in names)


def test_there_is_enough_to_find() -> None:
    assert len(list(planted())) >= 60


def test_every_planted_hazard_is_named_and_nothing_else(result: dict[str, Any]) -> None:
    found = pairs(result, "critical", "serious", "warning")
    assert sorted(set(planted()) - found) == [], "missed"
    assert sorted(found - set(planted())) == [], "wrongly blamed"


def test_every_finding_has_evidence(result: dict[str, Any]) -> None:
    for cluster in result["clusters"]:
        assert cluster["problems"] == []
        for finding in cluster["findings"]:
            assert finding["evidence"]
            assert all(each["text"] for each in finding["evidence"])


def test_clusters_are_found_without_variables(result: dict[str, Any]) -> None:
    assert sorted(sorted(cluster["hosts"]) for cluster in result["clusters"]) == [
        ["bfa1", "bfa2"], ["bfb1", "bfb2", "bfc1", "bfe1", "bfe2"], ["bfm1", "bfm2"],
    ]  # fmt: skip


def test_every_host_was_read_whole(result: dict[str, Any]) -> None:
    assert {each["name"]: each["problems"] for each in result["hosts"] if each["problems"] or not each["asked"]} == {}


def test_nothing_was_touched(result: dict[str, Any], pictures: dict[str, dict[str, str]]) -> None:
    assert result["clusters"]
    for name in HOSTS:
        after = picture(name)
        for what, before in pictures[name].items():
            assert after[what] == before, f"{what} of {name}"


def test_hosts_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    """A wrong password, a server that hangs, no daemon, a configuration that is garbage: the rest is judged."""
    saved = said("bfc1", "cat /etc/haproxy/haproxy.cfg")
    host("bfc1").run("printf 'a\\0b' > /etc/haproxy/haproxy.cfg")
    host("bfe1").run("systemctl kill --signal=STOP mysql")
    try:
        done = audit(tmp_path, "--extra-vars={audit_hosts: 'bfc1,bfe1,bfe2,bfa1', audit_formats: [json]}",
                     "--extra-vars={audit_login_user: nobody, audit_login_password: wrong}")  # fmt: skip
    finally:
        host("bfe1").run("systemctl kill --signal=CONT mysql")
        (tmp_path / "haproxy.cfg").write_text(saved, encoding="utf-8")
        subprocess.run(["docker", "cp", str(tmp_path / "haproxy.cfg"), "mha-bfc1:/etc/haproxy/haproxy.cfg"], check=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))
    problems = {each["name"]: " ".join(problem["text"] for problem in each["problems"]) for each in found["hosts"]}
    assert "access denied" in problems["bfe2"]
    assert "access denied" in problems["bfa1"]
    assert "no answer in time" in problems["bfe1"]
    assert "is not text" in problems["bfc1"]
    assert ("MHA-V015", "bfa1") in pairs(found, "serious")
