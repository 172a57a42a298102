# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the bench reads out of a record: a gap that is overlooked here would be a promise that nobody tests."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from bench import plot
from bench.load import Ack, Record
from bench.measure import Result
from bench.report import Line, limits
from bench.rows import ROWS, selected


def acks(server: str, *times: float, number: int = 1) -> list[Ack]:
    return [Ack(time - 0.001, time, number + place, server) for place, time in enumerate(times)]


def test_the_gap_is_the_longest_pause_that_ends_after_the_fault() -> None:
    record = Record({"vip": acks("a", 1.0, 4.0, 4.1, 4.6, 4.7)}, ended=4.8)
    assert record.gap(since=4.05) == pytest.approx(0.5)
    assert record.gap(since=3.9) == pytest.approx(3.0)


def test_writes_that_never_come_back_are_a_gap() -> None:
    assert Record({"vip": acks("a", 1.0, 1.1)}, ended=9.1).gap(since=1.05) == pytest.approx(8.0)


def test_stalls_are_told_with_their_place() -> None:
    record = Record({"vip": acks("a", 1.0, 1.05, 2.05, 2.1, 2.4)}, ended=2.4)
    assert record.stalls(since=1.0) == [(0.05, 1.0), (1.1, 0.3)]


def test_a_server_that_acknowledges_after_its_successor_is_seen() -> None:
    record = Record({"vip": acks("a", 1.0, 1.1) + acks("b", 2.0, 2.1), "first": acks("a", 1.05, 2.05)})
    assert [server for _at, server in record.reigns()] == ["a", "b", "a", "b"]


def test_a_late_ok_for_a_write_that_was_sent_before_is_no_second_writer() -> None:
    record = Record({"vip": acks("a", 1.0) + acks("b", 2.0, 2.1), "first": [*acks("a", 1.05), Ack(1.06, 5.0, 2, "a")]})
    assert [server for _at, server in record.reigns()] == ["a", "b"]


GOOD = Result("mysqld-kill", gap=0.1, acknowledged=10, moves=1, writers=2)


def test_a_good_run_is_in_order() -> None:
    assert GOOD.verdict() == ""


@pytest.mark.parametrize(
    "wrong", [{"lost": 1}, {"moves": 2}, {"writers": 3}, {"unequal": ["bench1"]}, {"problem": "nothing came back"}]
)
def test_whatever_is_wrong_with_a_run_is_said(wrong: dict) -> None:
    assert replace(GOOD, **wrong).verdict() != ""


def test_p95_leaves_out_no_more_than_one_run_in_twenty() -> None:
    assert Line("", [*[0.1] * 38, 0.5, 0.9], 0, []).p95 == 0.1
    assert Line("", [*[0.1] * 37, 0.4, 0.5, 0.9], 0, []).p95 == 0.4
    assert Line("", [0.1, 0.9], 0, []).p95 == 0.9


def test_a_row_holds_only_within_all_its_limits_and_without_anything_wrong() -> None:
    row = next(row for row in ROWS if row.name == "mysqld-kill")
    assert limits(row, Line("", [0.2] * 40, 0, [])) == ("median ≤ 0.20, p95 ≤ 0.30", "yes")
    assert limits(row, Line("", [*[0.2] * 37, 0.31, 0.31, 0.31], 0, []))[1] == "**no**"
    assert limits(row, Line("", [0.21] * 40, 0, []))[1] == "**no**"
    assert limits(row, Line("", [0.1] * 40, 1, ["1 acknowledged writes lost"]))[1] == "**no**"


def test_rows_are_selected_by_name() -> None:
    assert [row.name for row in selected("power-off, mysqld-kill")] == ["mysqld-kill", "power-off"]
    assert len(selected("")) == len(ROWS)
    with pytest.raises(ValueError, match="no such rows: nothing"):
        selected("nothing")


def test_the_plot_is_xml_with_a_dot_for_each_run() -> None:
    drawn = plot.strips({"one & two": [0.1, 0.2, 0.2], "three": [12.0]}, "seconds <")
    root = ElementTree.fromstring(drawn)  # noqa: S314 (it was made here)
    assert len(root.findall("{http://www.w3.org/2000/svg}circle")) == 4
