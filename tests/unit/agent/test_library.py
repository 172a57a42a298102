# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The agent gets of the library what it imports and no more: a file that it does not need must not restart it."""

from __future__ import annotations

import ast
from pathlib import Path

import yaml

ROLE = Path(__file__).parents[3] / "roles" / "agent"
AGENT = ROLE / "files" / "mysql_ha_agent"


def imported(path: Path, prefix: str) -> set[str]:
    """Names of the library's modules in relative imports: below `prefix`, or beside the file itself."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            module = node.module or ""
            if module == prefix:
                found |= {alias.name for alias in node.names}
            elif module.startswith(f"{prefix}." if prefix else "_"):
                found.add(module.removeprefix(f"{prefix}."))
    return found


def test_the_agent_gets_what_it_imports() -> None:
    waiting = {name for path in AGENT.glob("*.py") for name in imported(path, "lib")}
    closure: set[str] = set()
    while waiting:
        name = waiting.pop()
        closure.add(name)
        waiting |= imported(AGENT / "lib" / f"{name}.py", "") - closure
    globs = yaml.safe_load((ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))["__agent_globs"]
    assert sorted(closure) == [Path(glob).stem for glob in globs if "__agent_library" in glob]
