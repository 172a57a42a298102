# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Time that a hypervisor took from the guest is found by the RTC."""

from __future__ import annotations

import time
from math import floor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_ha_agent import clock

GAPS = st.lists(st.floats(0.01, 5.0), min_size=1, max_size=20)


@given(phase=st.floats(0, 1), gaps=GAPS, pause=st.floats(0, 1000), rate=st.floats(0.999, 1.001))
def test_a_long_pause_is_found_whole_and_none_where_there_was_none(
    phase: float, gaps: list[float], pause: float, rate: float,
) -> None:
    lost, boottime, real = clock.LostTime(), 50.0, 1000.0 + phase
    lost.look(boottime, floor(real))
    for gap in gaps:
        boottime, real = boottime + gap, real + gap * rate
        assert lost.look(boottime, floor(real)) == 0
    boottime, real = boottime + 0.3, real + 0.3 + pause
    found = lost.look(boottime, floor(real))
    assert found == lost.seconds
    if pause >= 3.001:
        assert pause - 0.01 <= found <= pause + 2.01
    if pause < 0.99:
        assert found == 0


@pytest.mark.parametrize(("rtc", "lost"), [
    (1001, 0.0), (1002, 0.0), (1003, 3.0), (1010, 10.0), (1000, 0.0), (400, 0.0)])
def test_what_counts(rtc: int, lost: float) -> None:
    found = clock.LostTime()
    found.look(50.0, 1000)
    assert found.look(51.0, rtc) == lost
    assert found.look(52.0, rtc + 1) == 0.0  # once


def test_the_clock_of_the_agent_goes_on_by_what_was_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rtc = tmp_path / "since_epoch"
    monkeypatch.setattr(clock, "RTC", str(rtc))
    monkeypatch.setattr(clock, "_lost", clock.LostTime())
    boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert clock.look(at_once=True) == 0.0  # there is none
    rtc.write_text("1000\n", encoding="ascii")
    clock.look(at_once=True)
    rtc.write_text("1100\n", encoding="ascii")
    assert clock.look(at_once=False) == 0.0  # not a second later
    assert clock.look(at_once=True) > 90
    assert clock.now() - boottime > 90
