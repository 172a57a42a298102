#!/usr/bin/env python3
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares every role's defaults/main.yml with its meta/argument_specs.yml and prints where they disagree.

Ansible validates a role's variables against the specification and takes their values from the defaults; the
documentation shows the specification. Nothing else keeps the two equal.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

SECRET = re.compile(r"password|passphrase|secret|auth_pass|(^|_)key($|_)")


def load(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text()) if path.exists() else None
    return content or {}


def role_problems(role: Path) -> Iterator[str]:
    """What is wrong with the role in this directory, one sentence each."""
    defaults = load(role / "defaults" / "main.yml")
    entry_points = load(role / "meta" / "argument_specs.yml").get("argument_specs", {})
    if "main" not in entry_points:
        yield "meta/argument_specs.yml has no entry point `main`"
        return
    yield from problems(role.name, defaults, entry_points["main"].get("options") or {})


def problems(role: str, defaults: dict[str, Any], options: dict[str, Any]) -> Iterator[str]:
    """`defaults` and `options` are the contents of the two files, read."""
    here, there = "defaults/main.yml", "meta/argument_specs.yml"
    for name, value in defaults.items():
        if not name.startswith((f"{role}_", f"__{role}_")):
            yield f"{name}: a default of this role begins with `{role}_`"
        if SECRET.search(name) and value not in ("", None):
            yield f"{name}: a secret has no default"
        if name not in options:
            yield f"{name}: in {here}, but not in {there}"
        elif "default" not in options[name]:
            yield f"{name}: {there} names no default, {here} has {value!r}"
        elif not same(options[name]["default"], value):
            yield f"{name}: default {options[name]['default']!r} in {there}, {value!r} in {here}"

    for name, option in options.items():
        if name in defaults:
            continue
        if "default" in option:
            yield f"{name}: {there} names a default, {here} has none"
        elif not option.get("required") and "no default" not in text(option.get("description", "")).lower():
            yield f"{name}: neither a default, nor `required: true`, nor a description that says `No default`"


def same(one: Any, other: Any) -> bool:
    """Equal in type too: 1 is neither true nor 1.0."""
    return type(one) is type(other) and one == other


def text(description: str | list[str]) -> str:
    return description if isinstance(description, str) else " ".join(description)


def main(directories: list[str]) -> int:
    found = 0
    for directory in directories:
        for role in sorted(path for path in Path(directory).iterdir() if path.is_dir()):
            for problem in role_problems(role):
                print(f"{role}: {problem}")
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
