# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Arithmetic of GTID sets, against sets of numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils._gtid import GtidSet, parse, show, subtract

A, B = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "4f22fb58-82db-22f2-af44-d91bb0530673"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        (f"{A}:1-5", {A: [(1, 5)]}),
        (f"{A.upper()}:1-5:7", {A: [(1, 5), (7, 7)]}),
        (f"{A}:1-5:6-9", {A: [(1, 9)]}),
        (f"{A}:1-3,\n{B}:5", {A: [(1, 3)], B: [(5, 5)]}),
        (f"{A}:1-3:tag:1-2:5:other:1", {A: [(1, 3)], f"{A}:tag": [(1, 2), (5, 5)], f"{A}:other": [(1, 1)]}),
    ],
)
def test_parse(text: str, expected: GtidSet) -> None:
    assert parse(text) == expected
    assert parse(show(parse(text))) == expected


@pytest.mark.parametrize("text", ["0-1-7", "x", f"{A}", f"{A}:", f"{A}:1-2-3", f"{A}:1;", ":1"])
def test_no_gtids(text: str) -> None:
    with pytest.raises(ValueError, match="is no GTID"):
        parse(text)


numbers = st.sets(st.integers(1, 30))


def text_of(values: set[int]) -> str:
    return ",".join(f"{A}:{value}" for value in sorted(values, key=lambda value: value * 7 % 31))


def values_of(gtids: GtidSet) -> set[int]:
    return {value for first, last in gtids.get(A, []) for value in range(first, last + 1)}


@given(numbers, numbers)
def test_subtraction(left: set[int], right: set[int]) -> None:
    found = subtract(parse(text_of(left)), parse(text_of(right)))
    assert values_of(found) == left - right
    assert found == parse(text_of(left - right))


@given(st.text() | st.text(alphabet="3e1fa47-:,tag 0"))
def test_any_text(text: str) -> None:
    try:
        show(parse(text))
    except ValueError as error:
        assert "is no GTID" in str(error)  # noqa: PT017
