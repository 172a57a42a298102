# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role `cluster` in a real run, on made-up hosts of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
VAULT_PASSWORD = "test-only"
INVENTORY = """
all:
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
mysql:
  children:
    orders:
      hosts:
        db1: {test_address: 10.0.0.11}
        db2: {test_address: 10.0.0.12}
        db3: {test_address: 10.0.0.13, cluster_role: reader}
      vars:
        cluster_vip: "{{ subnet }}.100/24"
        subnet: 10.0.0
        cluster_virtual_router_id: 51
        replication_password: !vault |
          $ANSIBLE_VAULT;1.1;AES256
          30386532306235356362633365343439373035616534623439336565363931316636383639663666
          3233656264376138336334366265643733326338396566370a313832643738303335303965316231
          32333165363134353463343530616362366361623861346433393961326236316363663264333262
          3238336563353763390a623737343963323337363061613631643366366162376138666434343563
          37653636303838346636613631346361636561643930316139316161623836323961
"""


JUDGE = Path(__file__).parent / "play.yml"


def play(inventory: Path, *arguments: str, playbook: Path = JUDGE) -> subprocess.CompletedProcess[str]:
    password = inventory.parent / "vault-password"
    password.write_text(VAULT_PASSWORD)
    return subprocess.run(
        [
            *(sys.executable, "-m", "ansible", "playbook", "--inventory", str(inventory)),
            *("--vault-password-file", str(password), str(playbook), *arguments),
        ],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.yml"
    path.write_text(INVENTORY)
    return path


def assert_refused(run: subprocess.CompletedProcess[str], *lines: str) -> None:
    assert run.returncode != 0
    assert run.stdout.count("FAILED!") == 1, run.stdout
    assert "Change the host" not in run.stdout, run.stdout
    assert "changed=0" in run.stdout
    for line in lines:
        assert run.stdout.count(f"        - {line}\n") == 1, run.stdout


@pytest.mark.parametrize("mode", [[], ["--check"]])
def test_good_inventory(inventory: Path, mode: list[str]) -> None:
    run = play(inventory, *mode)
    assert run.returncode == 0, run.stdout + run.stderr
    for number in (1, 2, 3):
        assert f"msg: db{number} at 10.0.0.1{number} has the readers ['db3']" in run.stdout, run.stdout
    assert run.stdout.count("changed=0") == 3
    assert "Change the host in a later play" in run.stdout
    assert "WARNING" not in run.stderr, run.stderr


def test_all_findings_once_and_nothing_after(inventory: Path) -> None:
    """Also reads the facts of this machine, because db1 has none."""
    variables = "{cluster_topology: dual_master, cluster_virtual_router_id: x, mysql_port: '{{ lookup(\"env\") }}'}"
    inventory.write_text(
        INVENTORY.replace("test_address: 10.0.0.11", "replication_password: '{{ vault_x }}'").replace(
            "cluster_role: reader", "cluster_role: '{{ 1 / 0 }}'"
        )
    )
    run = play(inventory, "--extra-vars", variables, "--extra-vars", "cluster_vip=10.0.0.100")
    assert_refused(
        run,
        "db1, db2, db3: cluster_vip '10.0.0.100' has no prefix; write ADDRESS/PREFIX, e.g. 10.0.0.100/24",
        "db1, db2, db3: cluster_topology 'dual_master' is unknown; write dual_source or source_replica",
        "db1, db2, db3: cluster_virtual_router_id 'x' is not an integer; write an integer from 1 to 255",
    )
    assert "- db1: replication_password cannot be read (" in run.stdout
    assert "- db3: cluster_role cannot be read (" in run.stdout
    assert "Read network and distribution] " in run.stdout


def test_limit_that_splits_a_cluster(inventory: Path) -> None:
    assert_refused(
        play(inventory, "--limit", "db1,db3"),
        "db2: not in this run (--limit, or the play's hosts), but in cluster 'orders'; "
        "run without --limit, or limit to all members: --limit db1,db2,db3",
    )


def test_site_prints_no_specification(inventory: Path) -> None:
    """The model speaks before the roles' own validation, which prints all of a role's variables for each host."""
    wrong = "{mysql_users: {shop: x}, agent_rejoin: auto, mysql_setings: {}, ansible_become: false}"
    run = play(inventory, "--extra-vars", wrong, playbook=ROOT / "playbooks" / "site.yml")
    assert run.returncode != 0
    for line in (
        "mysql_users is not a list; write a list of {name: ..., host: ..., password: ..., priv: ...}",
        "agent_rejoin 'auto' is unknown; write manual or clone",
        "mysql_setings is not a variable of this collection; did you mean mysql_settings? (a variable of your own: "
        "list its name in cluster_extra_variables)",
    ):
        assert run.stdout.count(f"        - db1, db2, db3: {line}\n") == 1, run.stdout
    assert "argument_spec" not in run.stdout


def test_site_without_the_group_mysql(inventory: Path) -> None:
    inventory.write_text(INVENTORY.replace("\nmysql:\n", "\nmysqls:\n"))
    run = play(inventory, playbook=ROOT / "playbooks" / "site.yml")
    assert run.returncode != 0
    sentence = "the inventory has no group mysql (its groups: mysqls, orders); put the groups of the clusters below a"
    assert (run.stdout + run.stderr).count(sentence) == 1


@pytest.mark.parametrize(
    ("name", "mistyped", "meant"),
    [
        ("audit", "audit_fial_on", "audit_fail_on"),
        ("discover", "discover_directry", "discover_directory"),
        ("discover", "audit_login_usr", "audit_login_user"),
    ],
)
def test_playbooks_without_a_model_refuse_mistyped_variables(
    inventory: Path, name: str, mistyped: str, meant: str
) -> None:
    wrong = f"{{{mistyped}: x, mysql_of_others: 1, ansible_become: false}}"
    run = play(inventory, "--extra-vars", wrong, playbook=ROOT / "playbooks" / f"{name}.yml")
    assert run.returncode != 0
    line = f"db1: {mistyped} is not a variable of this collection; did you mean {meant}?"
    assert run.stdout.count("FAILED!") == 1, run.stdout
    assert line in run.stdout
    assert "mysql_of_others" not in run.stdout
    assert "Read the host" not in run.stdout
