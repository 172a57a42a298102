# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all reports of the audit do with text of foreign hosts, and with numbers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Result = dict[str, Any]
SEVERITIES = ("critical", "serious", "warning", "info")  # worst first
_SPACES = re.compile(r"[ \t\r\n]+")
_PLACE = re.compile(r"(?P<file>.+):(?P<line>[1-9][0-9]{0,8})")
LONGEST = 1000  # characters of one text in a report; the JSON has all


def line(value: Any, longest: int = LONGEST) -> str:
    """Text that is safe on a terminal and in XML: one line, nothing that is not seen, and an end."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else repr(value)
    rest = len(text) - longest
    text = _SPACES.sub(" ", text[:longest])
    if not text.isprintable():
        text = "".join(each if each.isprintable() else _odd(each) for each in text)
    return f"{text}… ({count(rest, 'character')} more)" if rest > 0 else text


def _odd(character: str) -> str:
    """What terminals obey and XML forbids, halves of surrogate pairs, what turns the direction of writing round, and
    what is not seen, so that two names would look the same."""
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def middle(value: Any, width: int) -> str:
    """Beginning and end of what is too long: names of hosts differ at both."""
    text = line(value)
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def seconds(value: float | None) -> str:
    """A duration with two figures or so."""
    if value is None:
        return "lag ?"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if value >= 2 * length:
            return f"{value / length:.3g} {unit}"
    return f"{value:.3g} s" if value >= 0.01 else "0 s"


def where(at: str | None) -> tuple[str, int | None]:
    """File and line of `file:line`; a file without a line stays one."""
    found = _PLACE.fullmatch(at or "")
    return (found["file"], int(found["line"])) if found else (at or "", None)


def extra(evidence: Result) -> str:
    """The value, where the sentence does not name it already."""
    value = evidence["value"]
    if not value or value is True:
        return ""
    text = f"{value:g}" if isinstance(value, float) else line(value, 200)
    return "" if text in evidence["text"] else text


def findings(result: Result, key: str = "findings") -> Iterator[Result]:
    """Those of all clusters, worst first, then as the clusters come."""
    ranks = {severity: rank for rank, severity in enumerate(SEVERITIES)}
    found = (finding for cluster in result["clusters"] for finding in cluster[key])
    return iter(sorted(found, key=lambda finding: ranks[finding["severity"]]))


def fails(result: Result, severity: str) -> bool:
    """Whether a finding of that severity makes the audit fail."""
    return result["fail_on"] in SEVERITIES[SEVERITIES.index(severity) :]


def not_asked(result: Result) -> list[Result]:
    return [host for host in result["hosts"] if not host["asked"]]
