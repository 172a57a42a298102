# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What becomes of the memory where its file takes no write."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mysql_ha_agent import statefile
from mysql_ha_agent.decisions import Save
from mysql_ha_agent.eligibility import reasons_against
from mysql_ha_agent.model import Durable, Peer, Seen, StateFile
from mysql_ha_agent.statefile import Saving
from mysql_ha_agent.telling import left_behind, not_redundant, status
from mysql_ha_agent.timing import SAVE_EVERY
from mysql_ha_agent.view import View
from unit.agent.world import CONFIG, DURABLE, KNOWN, LED, NOW, STANDBY, WRITER, B, R, run

FULL = StateFile(tried=NOW - 0.5, unsaved=10.0, error="No space left on device")
CHANGED = replace(KNOWN, durable=replace(DURABLE, left_behind=True))


def saves(seen: Seen, state: object = KNOWN) -> list[Save]:
    return [decision for decision in run(seen, state)[0] if isinstance(decision, Save)]  # type: ignore[arg-type]


class TestAttempts:
    def test_one_that_waits_and_one_that_fails_count_from_the_first(self) -> None:
        saving = Saving(Durable(1), 10.0)
        assert saving.seen(99.0) == StateFile(tried=10.0)
        saving.begins(20.0)
        assert saving.seen(23.0) == StateFile(tried=20.0, unsaved=3.0)
        saving.failed("full")
        saving.begins(24.0)
        saving.failed("full")
        assert saving.seen(25.0) == StateFile(tried=24.0, unsaved=5.0, error="full")
        saving.begins(26.0)
        saving.succeeded(Durable(2))
        assert (saving.seen(27.0), saving.saved) == (StateFile(tried=26.0), Durable(2))

    def test_what_fails_leaves_the_old_memory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = str(tmp_path / "a.json")
        statefile.save(path, Durable(7))

        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            with pytest.raises(OSError, match="No space left"):
                statefile.save(path, Durable(8))
        assert statefile.remember(path) == (Durable(7), "")


class TestCore:
    def test_a_file_that_takes_writes_is_written_once_in_a_while(self) -> None:
        seen = replace(STANDBY, state_file=StateFile(tried=NOW - SAVE_EVERY + 0.1))
        assert saves(seen) == []
        due = replace(STANDBY, state_file=StateFile(tried=NOW - SAVE_EVERY))
        assert [(save.durable, save.probe) for save in saves(due)] == [(DURABLE, True)]
        assert saves(replace(due, running=(Save("", DURABLE),))) == []

    def test_what_changed_is_saved_at_once(self) -> None:
        assert len(saves(replace(STANDBY, state_file=StateFile(tried=NOW)), CHANGED)) == 1

    def test_what_fails_is_not_tried_again_at_once(self) -> None:
        seen, state, tries = replace(STANDBY, state_file=FULL), CHANGED, 0
        for step in range(100):
            decisions, state = run(seen, state, NOW + step / 100)
            tries += sum(isinstance(decision, Save) for decision in decisions)
        assert tries == 1

    def test_a_standby_may_not_lead_and_a_writer_goes_on(self) -> None:
        reasons = reasons_against(View(CONFIG, replace(STANDBY, state_file=FULL), NOW), KNOWN)
        assert reasons == (
            "Its state file /var/lib/mysql-ha/a.json has taken no write for 10 s (No space left on device), so it could"
            " not remember that it leads.",)
        assert reasons_against(View(CONFIG, replace(WRITER, state_file=FULL), NOW), LED) == ()
        waits, claimed = replace(STANDBY, state_file=replace(FULL, error="")), replace(KNOWN, claimed=True)
        assert len(reasons_against(View(CONFIG, waits, NOW), KNOWN)) == 1
        assert reasons_against(View(CONFIG, waits, NOW), claimed) == ()
        assert len(reasons_against(View(CONFIG, replace(STANDBY, state_file=FULL), NOW), claimed)) == 1
        slow = replace(STANDBY, state_file=replace(FULL, unsaved=9.9))
        assert reasons_against(View(CONFIG, slow, NOW), KNOWN) == ()


class TestTold:
    def test_a_writer_says_that_it_cannot_go_on_alone(self) -> None:
        view = View(CONFIG, replace(WRITER, state_file=FULL), NOW)
        assert not_redundant(view, LED).endswith(
            "(No space left on device): this writer can neither go on without its standby nor take one back.")

    def test_a_writer_names_the_standby_that_cannot_save(self) -> None:
        peer: Peer = replace(B, eligible=False, unsaved=10.0)
        view = View(CONFIG, replace(WRITER, peers=(peer, R)), NOW)
        assert not_redundant(view, LED) == "No other candidate may lead: b cannot write its state file."

    def test_that_it_is_left_behind_is_said_although_it_cannot_be_saved(self) -> None:
        full = replace(STANDBY, state_file=replace(FULL, unsaved=3.0))
        assert left_behind(CONFIG, full, CHANGED)
        assert not left_behind(CONFIG, full, KNOWN)
        assert not left_behind(CONFIG, replace(full, state_file=replace(FULL, unsaved=2.9)), CHANGED)
        assert status(CONFIG, full, CHANGED, NOW)["unsaved"] == 3.0
