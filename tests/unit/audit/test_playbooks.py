# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The playbooks as a whole, on hosts that give no answer at all: the machine of the tests is not read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """db1 has no Python, db2's never ends."""
    hangs = tmp_path / "hangs"
    hangs.write_text("#!/bin/sh\nexec sleep 60\n")
    hangs.chmod(0o755)
    interpreters = {"db1": "/nonexistent/python", "db2": str(hangs)}
    path = tmp_path / "hosts.yml"
    ways = {"ansible_connection": "local", "ansible_become": False, "audit_become": False}
    hosts = {name: {"ansible_python_interpreter": each} for name, each in interpreters.items()}
    path.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": ways}}), encoding="utf-8")
    return path


def play(name: str, inventory: Path, *arguments: str) -> tuple[int, str]:
    """In the directory of the inventory, where PWD says something else."""
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", ROOT / "playbooks" / f"{name}.yml", "-i", inventory,
         *arguments],
        cwd=inventory.parent, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "PWD": "/nonexistent"},
    )  # fmt: skip
    return done.returncode, done.stdout


def reasons(inventory: Path) -> dict[str, Any]:
    result = json.loads((inventory.parent / "audit-report" / "audit.json").read_text(encoding="utf-8"))
    return {host["name"]: host["reason"] for host in result["hosts"]}


def test_a_host_that_hangs_is_said_and_the_rest_is_judged(inventory: Path) -> None:
    status, output = play("audit", inventory, "-e", "audit_timeout=5", "-e", "audit_formats=json")
    assert status == 0, output
    told = reasons(inventory)
    assert told["db1"]  # on a busy machine it may be out of time too
    assert "time" in told["db2"].lower()


def test_limit_audits_what_is_left(inventory: Path) -> None:
    status, output = play("audit", inventory, "--limit", "db1", "-e", "audit_formats=json")
    assert status == 0, output
    assert list(reasons(inventory)) == ["db1"]


@pytest.mark.parametrize("name", ["audit", "discover"])
def test_no_host_is_a_mistake(inventory: Path, name: str) -> None:
    status, output = play(name, inventory, "--limit", "db1", "-e", f"{name}_hosts=dbb")
    assert status != 0
    assert "there is no host to" in output
    assert [path.name for path in inventory.parent.iterdir() if path.is_dir()] == []


def test_limit_describes_what_is_left_and_writes_no_inventory_without_hosts(inventory: Path) -> None:
    status, output = play("discover", inventory, "--limit", "db1")
    assert status == 0, output
    assert "no cluster was found" in output
    assert "not here: db1: could not be asked" in output
    assert "db2" not in output
    assert not (inventory.parent / "discovered").exists()
