# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The death of the process behind the socket is seen before the kernel has cleaned up after it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from mysql_ha_agent import mysqld


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_process_that_lives(child: subprocess.Popen[bytes]) -> None:
    process = mysqld.Process(child.pid)
    assert process.alive()
    assert not process.ends(0.0)
    process.close()


def test_a_process_that_was_killed(child: subprocess.Popen[bytes]) -> None:
    process = mysqld.Process(child.pid)
    process.kill()
    assert process.ends(5.0)
    assert not process.alive()


def test_one_that_still_gives_back_its_memory_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in /proc/PID/stat: a name may hold blanks and brackets, the flags are the seventh word after it."""
    process = mysqld.Process(os.getpid())
    for flags, alive in ((4194304, True), (4194304 | mysqld.PF_EXITING, False)):
        line = f"7 (my sqld) x) D 1 7 7 0 -1 {flags} 100 0".encode()
        monkeypatch.setattr(os, "pread", lambda *place, line=line: line)
        assert process.alive() is alive


def test_one_that_is_gone_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*place: int) -> bytes:
        raise ProcessLookupError

    process = mysqld.Process(os.getpid())
    monkeypatch.setattr(os, "pread", gone)
    assert not process.alive()
