# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GTID sets of MySQL, tagged ones too, for comparing what several servers said. Pure."""

from __future__ import annotations

import re

Intervals = list[tuple[int, int]]  # first and last, ascending, apart
GtidSet = dict[str, Intervals]  # by UUID, or UUID:tag
_ANY = re.compile(r"[^:,\s]+")  # of sets that a server has written: what bears its name is left to it
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RANGE = re.compile(r"(\d{1,19})(?:-(\d{1,19}))?")
_TAG = re.compile(r"[a-z_][a-z0-9_]{0,31}")


def parse(text: str, server: re.Pattern[str] = _UUID) -> GtidSet:
    """Raises ValueError, which also MariaDB's GTIDs do: they are positions, not sets."""
    found: GtidSet = {}
    for member in text.replace("\n", "").split(","):
        if not member.strip():
            continue
        source, *parts = [part.strip().lower() for part in member.split(":")]
        if not server.fullmatch(source) or not parts:
            raise ValueError(f"{member.strip()[:80]!r} is no GTID")
        key = source
        for part in parts:
            interval = _RANGE.fullmatch(part)
            if interval:
                first, last = int(interval[1]), int(interval[2] or interval[1])
                if first <= last:
                    found.setdefault(key, []).append((first, last))
            elif _TAG.fullmatch(part):
                key = f"{source}:{part}"
            else:
                raise ValueError(f"{member.strip()[:80]!r} is no GTID")
    return {key: _joined(intervals) for key, intervals in found.items()}


def _joined(intervals: Intervals) -> Intervals:
    joined: Intervals = []
    for first, last in sorted(intervals):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return joined


def subtract(left: GtidSet, right: GtidSet) -> GtidSet:
    """What is in `left` and not in `right`."""
    result = {key: _without(intervals, right.get(key, [])) for key, intervals in left.items()}
    return {key: intervals for key, intervals in result.items() if intervals}


def _without(intervals: Intervals, others: Intervals) -> Intervals:
    left: Intervals = []
    place = 0
    for first, last in intervals:
        while place < len(others) and others[place][1] < first:
            place += 1
        at = place
        while at < len(others) and others[at][0] <= last:
            if others[at][0] > first:
                left.append((first, others[at][0] - 1))
            first = others[at][1] + 1
            at += 1
        if first <= last:
            left.append((first, last))
    return left


def common(left: str, right: str) -> str:
    """What is in both sets, which come from servers. Raises ValueError."""
    first = parse(left, _ANY)
    return show(subtract(first, subtract(first, parse(right, _ANY))))


def union(left: str, right: str) -> str:
    """What is in either set. Raises ValueError."""
    return show(parse(f"{left},{right}", _ANY))


def show(gtids: GtidSet) -> str:
    """As MySQL writes it, a member for each UUID and tag."""
    return ",".join(
        f"{key}:" + ":".join(str(first) if first == last else f"{first}-{last}" for first, last in intervals)
        for key, intervals in sorted(gtids.items())
    )
