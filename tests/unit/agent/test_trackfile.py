# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The small files in /run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_ha_agent import trackfile

SLEEPER = "import ctypes, time; ctypes.CDLL(None).prctl(15, b'{}'); print(flush=True); time.sleep(60)"


def sleeper(name: str) -> subprocess.Popen[bytes]:
    """A process that goes by this name."""
    process = subprocess.Popen([sys.executable, "-c", SLEEPER.format(name)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    return process


def test_the_lead_is_written_like_the_track(tmp_path: Path) -> None:
    path = str(tmp_path / "lead")
    assert trackfile.read_lead(path) is None
    trackfile.write_lead(path, "16")
    trackfile.write_lead(path, "8")
    assert trackfile.read_lead(path) == "8"
    assert (tmp_path / "lead").read_bytes() == b"8\n"


@pytest.mark.parametrize(
    ("text", "request_"),
    [("promote\n", "promote"), ("accept-data-loss", "accept-data-loss"), ("", None), ("promote it", None)],
)
def test_only_known_requests(tmp_path: Path, text: str, request_: str | None) -> None:
    path = tmp_path / "request"
    assert trackfile.read_request(str(path)) is None
    path.write_text(text)
    assert trackfile.read_request(str(path)) == request_


@pytest.mark.parametrize(
    ("age", "valid"),
    [(0, True), (trackfile.REQUEST_LASTS - 2, True), (trackfile.REQUEST_LASTS + 1, False), (-3600, False)],
)
def test_a_request_lasts_as_long_as_its_command(tmp_path: Path, age: float, valid: bool) -> None:
    """One from the future was left before the clock was set back."""
    path = tmp_path / "request"
    path.write_text("accept-data-loss")
    os.utime(path, (time.time() - age,) * 2)
    assert (trackfile.read_request(str(path)) is not None) is valid


def test_paused_while_the_file_is_there(tmp_path: Path) -> None:
    path = tmp_path / "pause"
    assert not trackfile.paused(str(path))
    path.touch()
    assert trackfile.paused(str(path))


class TestAlive:
    def test_each_touch_is_news(self, tmp_path: Path) -> None:
        path = str(tmp_path / "alive")
        assert trackfile.read_alive(path) is None
        trackfile.touch_alive(path)
        first = trackfile.read_alive(path)
        time.sleep(0.002)
        trackfile.touch_alive(path)
        assert trackfile.read_alive(path) not in (first, None)


class TestDisk:
    def test_what_the_guard_says(self, tmp_path: Path) -> None:
        path = str(tmp_path / "disk")
        assert trackfile.read_disk(path) == 0.0
        trackfile.write_disk(path, 4.25)
        assert trackfile.read_disk(path) == 4.25

    @pytest.mark.parametrize("age", [trackfile.DISK_OUTDATED + 1, -1.0])  # -1: written before a reboot
    def test_a_guard_that_is_silent_says_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: float
    ) -> None:
        path = str(tmp_path / "disk")
        trackfile.write_disk(path, 4.25)
        later = trackfile.now() + age
        monkeypatch.setattr(trackfile, "now", lambda: later)
        assert trackfile.read_disk(path) == 0.0

    @given(st.text(max_size=30))
    def test_no_text_crashes_it(self, tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
        path = tmp_path_factory.getbasetemp() / "disk"
        path.write_text(text, encoding="utf-8")
        assert trackfile.read_disk(str(path)) == 0.0


class TestKeepalived:
    def test_its_end_is_seen_though_the_pid_file_stays(self, tmp_path: Path) -> None:
        pid_file = tmp_path / "pid"
        watch = trackfile.KeepalivedWatch(str(pid_file))
        assert not watch.runs()
        with sleeper("keepalived") as process:
            pid_file.write_text(f"{process.pid}\n")
            assert watch.runs()
            pid_file.write_text("")  # what is watched is the process
            assert watch.runs() == hasattr(os, "pidfd_open")
            pid_file.write_text(f"{process.pid}\n")
            process.kill()
            process.wait()
            assert not watch.runs()
        with sleeper("keepalived") as later:
            pid_file.write_text(f"{later.pid}\n")
            assert watch.runs()
            later.kill()

    @pytest.mark.parametrize("text", ["", "0", "-1", "word", "99999999"])
    def test_no_process(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "pid").write_text(text)
        assert not trackfile.KeepalivedWatch(str(tmp_path / "pid")).runs()

    def test_a_process_of_another_name(self, tmp_path: Path) -> None:
        with sleeper("mysqld") as process:
            (tmp_path / "pid").write_text(str(process.pid))
            assert not trackfile.KeepalivedWatch(str(tmp_path / "pid")).runs()
            process.kill()
