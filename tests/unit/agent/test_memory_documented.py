# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/core-memory.md has a row for each field of the core's memory, and names planted mistakes that exist."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from mysql_ha_agent.model import Durable, State

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "core-memory.md"


def first_cells(heading: str) -> set[str]:
    section = DOCUMENT.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize(("heading", "of"), [("On disk: Durable", Durable), ("In memory: State", State)])
def test_each_field_has_its_row(heading: str, of: type) -> None:
    assert first_cells(heading) == {field.name for field in fields(of)}


def test_the_planted_mistakes_exist() -> None:
    table = DOCUMENT.read_text(encoding="utf-8").partition("\n## What rests on what\n")[2]
    named = set(re.findall(r"`([A-Z]\w+)`", table))
    planted = {
        name for path in (ROOT / "tests" / "simulation" / "mutants").glob("*.py")
        for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)}
    assert named
    assert named <= planted
