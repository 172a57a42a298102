# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The death of the process behind the socket is seen before the kernel has cleaned up after it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
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


def test_what_cannot_be_read_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*place: int) -> bytes:
        raise OSError(errno.EBADF, "Bad file descriptor")

    process = mysqld.Process(os.getpid())
    monkeypatch.setattr(os, "pread", unreadable)
    assert process.alive()
    process.close()


def test_one_that_is_being_closed_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch closes the old process while the loop asks for it."""
    process = mysqld.Process(os.getpid())
    real, own, seen = os.close, [process._fd, process._stat], []

    def close(descriptor: int) -> None:
        real(descriptor)
        if descriptor not in own:  # another thread's
            return
        own.remove(descriptor)
        other = threading.Thread(target=lambda: seen.append(process.alive()))
        other.start()
        other.join(0.1)  # it may have to wait for the end of this

    with monkeypatch.context() as patched:
        patched.setattr(os, "close", close)
        process.close()
    until = time.monotonic() + 5
    while len(seen) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert seen == [True, True]
    assert process.alive()


def test_one_that_cannot_be_told_apart_any_more_is_not_killed(child: subprocess.Popen[bytes]) -> None:
    process = mysqld.Process(child.pid)
    process.close()
    with pytest.raises(ProcessLookupError):
        process.kill()
    assert child.poll() is None


def test_without_a_pidfd_the_dead_are_not_killed(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    first, second = mysqld.Process(child.pid), mysqld.Process(child.pid)
    first.kill()
    child.wait()
    monkeypatch.setattr(os, "kill", lambda pid, number: None)  # the number is somebody else's by now
    with pytest.raises(ProcessLookupError):
        second.kill()
    for process in (first, second):
        process.close()
