#!/usr/bin/env python3
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Adds up JUnit reports and prints `N passed, N failed, N skipped` as the last line.

Every report named must be there and hold at least one test: a stage that tested nothing has not passed. Errors in
fixtures and in collection count as failures.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path


def outcome(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def count(report: Path) -> Counter[str]:
    """How many tests of the report had which outcome."""
    cases = ElementTree.parse(report).iter("testcase")  # noqa: S314 - our own pytest wrote it
    return Counter(outcome(case) for case in cases)


def main(reports: list[str]) -> int:
    total: Counter[str] = Counter()
    silent = []
    for report in map(Path, reports):
        counted = count(report) if report.exists() else Counter()
        if not counted:
            silent.append(report.stem)
        total += counted
    for name in silent:
        print(f"no test results from {name}")
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if silent or total["failed"] or not reports else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
