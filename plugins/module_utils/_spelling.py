# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which name a mistyped one stands for. Pure."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Iterable


def closest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.75)
    return found[0] if found else None


def one_typo(name: str, other: str) -> bool:
    """Whether one character was left out, added, replaced, or swapped with its neighbour."""
    start = len(posixpath.commonprefix([name, other]))
    rest, right = name[start:], other[start:]
    swapped = rest[1:2] + rest[:1] + rest[2:]
    return name != other and (rest[1:] in (right, right[1:]) or rest == right[1:] or swapped == right)
