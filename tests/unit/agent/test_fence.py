# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fence command: what it is told, and that only its success counts."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mysql_ha_agent import fence
from mysql_ha_agent.config import Config
from unit.agent.world import config


def fencing(script: str, timeout: float = 10) -> Config:
    return config(fence_command=["/bin/sh", "-c", script, "fence", "an argument"], fence_timeout=timeout)


def test_it_is_told_whom_to_fence(tmp_path: Path) -> None:
    told = tmp_path / "told"
    fence.run(fencing(
        f'echo "$1 $MYSQL_HA_CLUSTER $MYSQL_HA_INSTANCE $MYSQL_HA_PEER $MYSQL_HA_PEER_ADDRESS" > {told}'), "b")
    assert told.read_text() == "an argument orders a b 10.0.0.2\n"


def test_a_failure_is_told_with_its_last_words() -> None:
    with pytest.raises(OSError, match="status 3: the power switch does not answer"):
        fence.run(fencing("echo the power switch does not answer >&2; exit 3"), "b")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(OSError, match="/nonexistent/fence"):
        fence.run(config(fence_command=["/nonexistent/fence"]), "b")


def test_past_its_bound_it_is_ended_with_what_it_has_started(tmp_path: Path) -> None:
    late = tmp_path / "late"
    with pytest.raises(OSError, match=r"did not end within 0\.1 s"):
        fence.run(fencing(f"(sleep 0.4; touch {late}); true", 0.1), "b")
    time.sleep(0.5)
    assert not late.exists()


def test_what_it_leaves_behind_is_not_waited_for() -> None:
    began = time.monotonic()
    fence.run(fencing("sleep 3 &"), "b")
    assert time.monotonic() - began < 2
