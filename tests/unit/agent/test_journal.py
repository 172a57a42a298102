# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What goes on for hours is said once in a while."""

from __future__ import annotations

from typing import Any

import pytest

from mysql_ha_agent import journal as module
from mysql_ha_agent.decisions import AskPeers, Save
from mysql_ha_agent.journal import SAY_AGAIN, Journal
from mysql_ha_agent.model import Durable

SAVE = Save("the memory changed", Durable())
PROBE = Save("can the state file be written?", Durable(), probe=True)
FULL = OSError("No space left on device")


class Lines(Journal):
    def __init__(self) -> None:
        super().__init__()
        self.stop()
        self.lines: list[str] = []

    def say(self, text: str, level: int = 0) -> None:
        self.lines.append(text)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    at = [100.0]
    monkeypatch.setattr(module, "now", lambda: at[0])
    return at


def test_an_equal_failure_is_said_once_in_a_while_and_its_end_too(clock: list[float]) -> None:
    journal = Lines()
    for _time in range(60):
        clock[0] += 1
        journal.decision(SAVE, 0.001, FULL)
    assert journal.lines == ["FAILED, memory saved: the memory changed (1 ms): No space left on device"]
    clock[0] += SAY_AGAIN
    journal.decision(SAVE, 0.001, FULL)
    assert journal.lines[1:] == [journal.lines[0] + " (61 times now)"]
    journal.decision(SAVE, 0.002, None)
    assert journal.lines[2:] == ["memory saved: the memory changed (2 ms)"]
    journal.decision(SAVE, 0.001, FULL)
    assert journal.lines[3:] == journal.lines[:1]


def test_another_failure_is_said_at_once(clock: list[float]) -> None:
    journal = Lines()
    for error in (FULL, OSError("Read-only file system"), FULL):
        journal.decision(SAVE, 0.001, error)
    assert [line.rpartition(": ")[2] for line in journal.lines] == [str(FULL), "Read-only file system", str(FULL)]


@pytest.mark.parametrize("look", [PROBE, AskPeers("why")])
def test_looks_are_said_only_when_they_fail_or_work_again(clock: list[float], look: Any) -> None:
    journal = Lines()
    journal.decision(look, 0.0, None)
    assert journal.lines == []
    journal.decision(look, 0.0, FULL)
    journal.decision(look, 0.0, None)
    journal.decision(look, 0.0, None)
    assert len(journal.lines) == 2
