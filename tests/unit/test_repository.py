# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The house rules that no linter knows, checked on the files of this tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("bench", "lab", "molecule", "playbooks", "plugins", "roles", "tests", "tools")
MOST_LINES = 400
HEADER = "# Copyright: (c) 2026, the opendba.mysql_ha authors\n# GNU General Public License v3.0+ "
COLLECTION = "opendba.mysql_ha"
QUALIFIED_NAME = re.compile(r"\b((?:ansible|community|opendba)\.(?!module_utils|plugins)[a-z_]+)\.[a-z_0-9]+\b")


def files(*suffixes: str) -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            linked = any(parent.is_symlink() for parent in (path, *path.parents) if parent != ROOT)
            if path.suffix in suffixes and path.is_file() and not linked:
                yield path


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text(name: str) -> str:
    return (ROOT / name).read_text()


PYTHON = list(files(".py"))
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
TARGET_CODE = [path for path in PYTHON if re.match(r"plugins/(modules|module_utils)/|roles/.*/files/", relative(path))]
GALAXY: dict[str, Any] = yaml.safe_load(text("galaxy.yml"))


@pytest.mark.parametrize("path", PYTHON, ids=relative)
def test_python_file_has_the_licence_and_postponed_annotations(path: Path) -> None:
    content = path.read_text()
    assert re.sub(r"\A#!.*\n", "", content).startswith(HEADER)
    imports = [node for node in ast.walk(ast.parse(content)) if isinstance(node, ast.Import | ast.ImportFrom)]
    postponed = [node for node in imports if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert postponed or not imports


@pytest.mark.parametrize("path", TARGET_CODE, ids=relative)
def test_what_runs_on_the_hosts_has_the_grammar_of_python_3_9(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 9))


@pytest.mark.parametrize("path", list(files(".py", ".yml", ".j2", ".sh")), ids=relative)
def test_file_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) < MOST_LINES


@pytest.mark.parametrize("role", ROLES, ids=relative)
def test_role_has_the_shape_of_all_roles(role: Path) -> None:
    expected = ["README.md", "defaults/main.yml", "meta/argument_specs.yml", "meta/main.yml", "tasks/main.yml"]
    assert [name for name in expected if not (role / name).is_file()] == []


@pytest.mark.parametrize(
    ("link", "target"),
    [
        (".collections/ansible_collections/opendba/mysql_ha", "."),
        ("roles/agent/files/mysql_ha_agent/lib", "plugins/module_utils"),
    ],
)
def test_nothing_is_written_twice(link: str, target: str) -> None:
    """The links that let a clone be a collection, and the agent use the modules' library, are relative and arrive."""
    assert not (ROOT / link).readlink().is_absolute()
    assert (ROOT / link).resolve() == (ROOT / target).resolve()


def test_dependencies_are_the_collections_in_use() -> None:
    """The lab and its tests may use more; what is installed with the collection may not."""
    used = {
        collection
        for path in files(".yml", ".j2", ".py")
        if relative(path).startswith(("playbooks/", "plugins/", "roles/"))
        for collection in QUALIFIED_NAME.findall(path.read_text())
    }
    assert used - {"ansible.builtin", COLLECTION} == set(GALAXY["dependencies"])


def test_version_is_semantic() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[0-9a-z.]+)?", GALAXY["version"])


def locked(name: str) -> dict[str, str]:
    """Package to version, from a lock."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text(name), flags=re.MULTILINE))


def test_tests_run_with_the_versions_that_users_run() -> None:
    run, development = locked("requirements.txt"), locked("requirements-dev.txt")
    assert run
    assert run.items() <= development.items()


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_lock_holds_every_requirement_with_hashes_and_no_source(name: str) -> None:
    wanted = re.findall(r"^([A-Za-z][\w-]*)", text(f"{name}.in"), flags=re.MULTILINE)
    assert {package.lower() for package in wanted} <= set(locked(f"{name}.txt"))
    entries = re.split(r"^(?=[a-z])", text(f"{name}.txt"), flags=re.MULTILINE)[1:]
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text(f"{name}.txt")
