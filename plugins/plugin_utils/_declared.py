# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from this collection's own files which variables it declares, so that there is no second list of them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_names import Declared

COLLECTION = Path(__file__).resolve().parents[2]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SET_FACT = ("ansible.builtin.set_fact", "set_fact")


@functools.lru_cache(maxsize=1)
def read_declared(collection: Path = COLLECTION) -> Declared:
    options: dict[str, Any] = {}
    for path in sorted(collection.glob("roles/*/meta/argument_specs.yml")):
        options.update(_load(path)["argument_specs"]["main"]["options"])
    playbooks = sorted(collection.glob("playbooks/*.yml"))
    facts = {
        name for path in (*sorted(collection.glob("roles/*/tasks/*.yml")), *playbooks) for name in _facts(_load(path))
    }
    prefixes = "|".join(path.stem for path in playbooks)
    # A playbook has no specification: its variables are those that it reads with a default.
    given = re.compile(rf"\b((?:{prefixes})_\w+)\s*\|\s*default\(")
    inputs = {name for path in playbooks for name in given.findall(path.read_text(encoding="utf-8"))}
    return Declared(options, frozenset(inputs), frozenset(facts))


def _load(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 the loader is a safe one


def _facts(content: Any) -> Iterator[str]:
    """What tasks register and set, in whatever blocks they stand."""
    if isinstance(content, list):
        for each in content:
            yield from _facts(each)
    if isinstance(content, dict):
        if isinstance(content.get("register"), str):
            yield content["register"]
        for module in _SET_FACT:
            if isinstance(content.get(module), dict):
                yield from content[module]
        for key in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"):
            yield from _facts(content.get(key))
