# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of settings held against what `mysqld --verbose --help` lists. Pure.

That list is exact: mysqld takes each of its names, with dashes or underscores, and no shortened or capitalised one
(9.7.4). Variables that are no options, like time_zone, are not in it, and mysqld does not start with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ._spelling import closest, one_typo

_OPTION = re.compile(r"^ {2}(?:-., )?--([A-Za-z0-9_.-]+)", re.MULTILINE)
_MODIFIERS = ("skip_", "disable_", "enable_", "maximum_")


@dataclass(frozen=True)
class Mistake:
    """A setting that mysqld would not start with, and what to write."""

    name: str
    fix: str


def read_options(text: str) -> frozenset[str]:
    return frozenset(name.replace("-", "_") for name in _OPTION.findall(text))


def mistakes(
    names: Iterable[str], options: frozenset[str], with_plugins: frozenset[str], initialize: bool
) -> list[Mistake]:
    """options: those of the server alone. with_plugins: with the plugins that it loads, too.

    initialize: whether its data directory is still to be made, which mysqld does without plugins.
    """
    known = with_plugins | options
    taken = options if initialize else known
    found = ((name, _fix(name.replace("-", "_"), taken, known)) for name in names)
    return [Mistake(name, fix) for name, fix in found if fix]


def _fix(name: str, taken: frozenset[str], known: frozenset[str]) -> str:
    """What to do about a name; empty where it is right."""
    if name.startswith("loose_"):
        # Perhaps of a plugin that is not there; a typo in one that is there would go unnoticed.
        bare = _bare(name[len("loose_") :], known)
        near = [] if bare in known else [each for each in sorted(known) if one_typo(bare, each)]
        return f"did you mean loose_{near[0]}?" if near else ""
    bare = _bare(name, known)
    if bare in taken:
        return ""
    if bare in known:
        return f"write loose_{name}: a plugin brings it, and mysqld makes its data directory without plugins"
    meant = _meant(bare, known)
    if meant:
        return f"did you mean {meant if meant in taken else f'loose_{meant}'}?"
    return f"remove it, or write loose_{name} where a plugin or component brings it"


def _bare(name: str, options: frozenset[str]) -> str:
    """Without what may stand before the name of an option."""
    for modifier in _MODIFIERS:
        if name not in options and name.startswith(modifier):
            return name[len(modifier) :]
    return name


def _meant(name: str, options: frozenset[str]) -> str | None:
    near = [each for each in sorted(options) if each.endswith(f"_{name}")]  # time_zone: default_time_zone
    return closest(name.lower(), options) or (near[0] if len(near) == 1 else None)
