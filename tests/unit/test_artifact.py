# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ansible-galaxy collection build` packs in a clone: everything that belongs there, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("docs", "meta", "playbooks", "plugins", "roles")  # they belong to the artifact as a whole
FILES = ("CONTRIBUTING.md", "LICENSE", "README.md", "changelogs/changelog.yaml")
MADE_BY_THE_BUILD = {"FILES.json", "MANIFEST.json"}
CLONE_ONLY = (".collections", ".gitignore", "ansible.cfg", "changelogs", "galaxy.yml", "inventory", "site.yml")
SECRET = "planted-secret-2f6d1c"
PLANTED = (
    "inventory-tls/ca.key",
    "inventory-tls/issued/db1.crt",
    "production-tls/ca.key",
    "production/hosts.yml",
    "production/group_vars/all/vault.yml",
    "hosts.ini",
    "hosts.yml",
    "group_vars/all.yml",
    "host_vars/db1.yml",
    "audit-report/report.html",
    "audit-report/result.json",
    "discovered/hosts.yml",
    "discovered/group_vars/orders.yml",
    ".env",
    ".vault-password",
    "vault_pass.txt",
    "vault-password",
    "id_rsa",
    "site.retry",
    "site.yml~",
    ".site.yml.swp",
    "notes.md",
    "mysql.dump.sql",
    "ansible.log",
    "fact_cache/db1",
    "opendba-mysql_ha-0.9.0.tar.gz",
    "build/junit/unit.xml",
    ".git/config",
    ".venv/lib/site.py",
    ".cache/ansible-test/x",
    "changelogs/fragments/mine.yml",
    "tests/secret.py",
    "playbooks/mine.yml",
    "playbooks/hosts.yml",
    "playbooks/site.retry",
    "playbooks/group_vars/all.yml",
    "playbooks/audit-report/result.json",
    "playbooks/inventory-tls/ca.key",
    "docs/.notes.md.swp",
    "docs/dump.sql",
    "meta/ca.key",
    "plugins/modules/ca.key",
    "plugins/modules/audit.py~",
    "plugins/modules/audit.py.orig",
    "plugins/modules/.audit.py.swp",
    "plugins/modules/.#audit.py",
    "plugins/filter/__pycache__/cluster_model.cpython-312.pyc",
    "roles/agent/files/.env",
    "roles/agent/files/ca.key",
    "roles/agent/files/mysql_ha_agent/config.json",
    "roles/keepalived/files/keepalived-validate.bak",
    "roles/mysql/files/server.key",
    "roles/mysql/files/dump.sql",
    "roles/mysql/vars/vault.yml",
    "roles/mysql/vars/main.yml.orig",
    "roles/mysql/templates/mysql-ha.cnf.j2~",
    "roles/mysql/defaults/main.yml.bak",
    "roles/mine/tasks/main.yml",
    "roles/mine/vars/main.yml",
)
LINKS = {
    "roles/mysql/tasks/outside.yml": "{outside}/secret.yml",  # shaped like a file that belongs there
    "plugins/modules/outside.py": "{outside}/secret.yml",
    "docs/outside.md": "{outside}/secret.yml",
    "playbooks/outside": "{outside}",
    "docs/inside.md": "../inventory-tls/ca.key",
    "docs/nowhere.md": "/nowhere/at/all",
}


def run(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, "ANSIBLE_NOCOLOR": "1", **environment},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This tree without what its own runs left, so that all that does not belong there has been planted."""
    path = tmp_path_factory.mktemp("clone")
    for name in (*ROOMS, *FILES, *CLONE_ONLY):
        source, target = ROOT / name, path / name
        target.parent.mkdir(exist_ok=True)
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target, symlinks=True, ignore=ignore, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)
    return path


@pytest.fixture(scope="module")
def wanted(clone: Path) -> set[str]:
    """All files of the rooms; links are there for the clone only."""
    paths = [path for room in ROOMS for path in (clone / room).rglob("*") if path.is_file() and not path.is_symlink()]
    return {*FILES, *(str(path.relative_to(clone)) for path in paths if "/lib/" not in str(path.relative_to(clone)))}


@pytest.fixture(scope="module")
def artifact(clone: Path, wanted: set[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    outside = tmp_path_factory.mktemp("outside")
    for path in [outside / "secret.yml", *(clone / name for name in PLANTED)]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {SECRET}\n")
    for name, target in LINKS.items():
        (clone / name).symlink_to(target.format(outside=outside))
    built = run("ansible-galaxy", "collection", "build", "--output-path", str(outside), cwd=clone)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = outside.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def installed(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of collections with this one in it."""
    path = tmp_path_factory.mktemp("collections")
    done = run("ansible-galaxy", "collection", "install", "--no-deps", "-p", str(path), str(artifact), cwd=path)
    assert done.returncode == 0, done.stdout + done.stderr
    return path


def test_holds_what_belongs_there_and_nothing_else(artifact: Path, wanted: set[str]) -> None:
    with tarfile.open(artifact) as archive:
        members = archive.getmembers()
        assert {member.name for member in members if not member.isdir()} == wanted | MADE_BY_THE_BUILD
        assert [member.name for member in members if member.issym() or member.islnk()] == []
        for member in members:
            content = archive.extractfile(member)
            assert content is None or SECRET.encode() not in content.read(), member.name


def test_git_ignores_what_runs_and_people_leave(clone: Path) -> None:
    assert run("git", "init", "--quiet", cwd=clone).returncode == 0
    left = [
        *("any-tls/ca.key", "molecule/x/inventory-tls/ca.key", "audit-report/result.json", "discovered/hosts.yml"),
        *("playbooks/audit-report/result.json", "site.retry", ".env", ".vault-password", "vault_pass.txt"),
        *("opendba-mysql_ha-1.0.0.tar.gz", "ansible.log", "roles/x/.main.yml.swp", "site.yml~", "tls/server.key"),
    ]
    asked = run("git", "check-ignore", *left, cwd=clone)
    assert asked.stdout.split() == left


def test_git_ignores_nothing_that_belongs_to_the_artifact(clone: Path, wanted: set[str]) -> None:
    assert run("git", "init", "--quiet", cwd=clone).returncode == 0
    assert run("git", "check-ignore", "--no-index", *sorted(wanted), cwd=clone).stdout == ""


def test_the_installed_collection_is_understood(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("mysql: {hosts: {db1: {}}}\n")
    for command in (
        ("ansible-playbook", "-i", "hosts.yml", "--syntax-check", "opendba.mysql_ha.site"),
        ("ansible-doc", "--type", "module", "opendba.mysql_ha.replication_info"),
        ("ansible-doc", "--type", "filter", "opendba.mysql_ha.cluster_model"),
        ("ansible-doc", "--type", "role", "opendba.mysql_ha.mysql"),
    ):
        done = run(*command, cwd=tmp_path, ANSIBLE_COLLECTIONS_PATH=str(installed))
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_installed_role_finds_the_code_of_the_agent(installed: Path, tmp_path: Path) -> None:
    """In a clone it comes by a link, too; an artifact has none."""
    role = installed / "ansible_collections/opendba/mysql_ha/roles/agent"
    tasks = yaml.safe_load((role / "tasks/install.yml").read_text())
    (task,) = [task for task in tasks if "opendba.mysql_ha.source_tree" in task]
    asked = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(role / "vars/main.yml")],
        "vars": {"role_path": str(role), **task["vars"], "found": task["opendba.mysql_ha.source_tree"]["files"]},
        "tasks": [{"ansible.builtin.copy": {"dest": str(tmp_path / "found.json"), "content": "{{ found | to_json }}"}}],
    }
    (tmp_path / "play.yml").write_text(json.dumps([asked]))
    played = run("ansible-playbook", "-i", "localhost,", "play.yml", cwd=tmp_path)
    assert played.returncode == 0, played.stdout + played.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    code = {path.name for path in (role / "files/mysql_ha_agent").glob("*.py")}
    assert len(code) > 30
    assert code == {name for name in found if "/" not in name}
    assert {"lib/_connection.py", "lib/_instance.py"} <= found.keys()
    assert all("import" in text or name.endswith("__.py") for name, text in found.items())
