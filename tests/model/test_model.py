# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of a promotion hold in every state within the bounds, and none of them can be left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from model import runs, steps
from model.checker import NEVER_SETTLES, Model, Move, check

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "decisions" / "promotion-order.md"


def count(most: int, broken_at: int = -1, stuck_at: int = -1) -> Model[int]:
    return Model(
        0, lambda n: [Move(f"to {n + 1}", n + 1, n != stuck_at)] if n < most else [],
        lambda n: "Broken" if n == broken_at else "", lambda n: True, lambda n: n == most, lambda n: n)


def test_the_checker_sees_all_states() -> None:
    result = check(count(5), most=100)
    assert (result.states, result.whole, result.trace) == (6, True, None)


def test_the_checker_stops_at_its_bound() -> None:
    assert not check(count(5), most=3).whole


def test_the_checker_returns_a_shortest_trace() -> None:
    trace = check(count(5, broken_at=2), most=100).trace
    assert trace is not None
    assert str(trace) == "Broken, after 2 moves:\n   1. to 1\n   2. to 2"


def test_the_checker_finds_what_never_settles() -> None:
    trace = check(count(5, stuck_at=3), most=100).trace
    assert trace is not None
    assert (trace.broken, trace.moves) == (NEVER_SETTLES, ())


@pytest.mark.parametrize("name", runs.SMALL)
def test_the_rules_hold(name: str) -> None:
    """`make model` looks at three candidates as well."""
    result = runs.run(runs.SMALL[name])
    assert result.trace is None, result.trace
    assert result.whole


@pytest.mark.parametrize("mistake", runs.MISTAKES, ids=lambda mistake: mistake.rule)
def test_a_rule_that_is_left_out_gives_a_trace(mistake: runs.Mistake) -> None:
    found = runs.run(mistake.bounds, mistake.rule, mistake.after)
    assert found.trace is not None
    assert runs.run(mistake.bounds, after=mistake.after, most=found.states).trace is None


def test_each_rule_is_left_out_once_and_explained() -> None:
    rules = set(re.findall(r'_has\("([^"]+)"\)', Path(steps.__file__).read_text()))
    assert sorted(mistake.rule for mistake in runs.MISTAKES) == sorted(rules)
    document = DOCUMENT.read_text()
    assert [rule for rule in rules if f"`{rule}`" not in document] == []
