# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in an inventory that this collection does not know, and the names that they seem to stand for.

Pure. Ansible ignores a variable that nothing reads, so a mistyped one would mean its default without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from ._model_input import Problems
from ._spelling import closest, one_typo

OWN_NAMES = "cluster_extra_variables"


@dataclass(frozen=True)
class Declared:
    """The variables that this collection declares.

    options: the specification of each variable of a role, by name. inputs: the names that playbooks read besides.
    facts: the names that roles and playbooks set themselves.
    """

    options: Mapping[str, Mapping[str, Any]]
    inputs: frozenset[str] = frozenset()
    facts: frozenset[str] = frozenset()

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset(self.options) | self.inputs | self.facts

    @cached_property
    def offered(self) -> list[str]:
        """The names that a user may write."""
        return sorted(frozenset(self.options) | self.inputs)

    @cached_property
    def prefixes(self) -> tuple[str, ...]:
        return tuple(sorted({f"{name.split('_')[0]}_" for name in self.offered}))


def _closest_after(prefix: str, name: str, names: Iterable[str]) -> str | None:
    """The same, compared without the prefix, which would make any two names alike."""
    right = closest(name[len(prefix) :], [each[len(prefix) :] for each in names if each.startswith(prefix)])
    return None if right is None else prefix + right


def unknown_names(names: Iterable[str], own: Sequence[str], declared: Declared) -> dict[str, str | None]:
    """The names that are mistaken, each with the variable that it stands for, if that can be seen.

    own: what `cluster_extra_variables` lists.
    """
    found: dict[str, str | None] = {}
    for name in names:
        if name in declared.known or any(fnmatchcase(name, pattern) for pattern in own):
            continue
        plain = re.sub(r"[^a-z0-9]", "_", name.lower())
        meant = next((each for each in declared.offered if plain == each or one_typo(plain, each)), None)
        prefix = f"{plain.split('_')[0]}_"
        # Another prefix is the user's own, unless the typo is in it.
        if meant or prefix in declared.prefixes:
            found[name] = meant or _closest_after(prefix, plain, declared.offered)
    return found


def check_names(
    hosts: Mapping[str, Mapping[str, Any]], play: Iterable[str], declared: Declared, problems: Problems
) -> dict[str, frozenset[str]]:
    """Report them. Returns for each host the variables that were meant, so that these are not reported as missing."""
    meant = {}
    for name in play:
        own = hosts[name]["variables"].get(OWN_NAMES)
        patterns = [str(each) for each in own] if isinstance(own, (list, tuple)) else []
        unknown = unknown_names(sorted(hosts[name]["names"]), patterns, declared)
        for variable, right in unknown.items():
            problems.add([name], f"{variable} is not a variable of this collection", _fix(variable, right))
        meant[name] = frozenset(right for right in unknown.values() if right)
    return meant


def _fix(variable: str, right: str | None) -> str:
    if right:
        return f"did you mean {right}? (a variable of your own: list its name in {OWN_NAMES})"
    server = "a setting of the server goes into mysql_settings, " if variable.startswith("mysql_") else "remove it, "
    return f"{server}a variable of your own into the list {OWN_NAMES}"


def check_groups(groups: Mapping[str, Sequence[str]], special: Iterable[str], problems: Problems) -> None:
    """A group of ours that has no hosts while another one is called nearly so."""
    for wanted in special:
        for group, names in groups.items():
            plain = group.lower().replace("-", "_")
            if names and not groups.get(wanted) and (plain == wanted or one_typo(plain, wanted)):
                problems.add(
                    names,
                    f"group '{group}' means nothing to this collection, and group {wanted} has no hosts",
                    f"did you mean {wanted}? Rename the group",
                )
