# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The process beside the agent."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mysql_ha_agent import guard, trackfile
from mysql_ha_agent.config import Config
from mysql_ha_agent.guard import LONGEST_STEP, PROBE_FILE, REASON, Awake, Disk, Guard, Server
from mysql_ha_agent.mysqld import process_behind
from unit.agent.world import config

START = 500.0


class Journal:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str, level: int = 0) -> None:
        self.lines.append(text)


class Mysqld:
    """In the place of Server."""

    def __init__(self) -> None:
        self.closed = 0
        self.problem: Exception | None = None
        self.during: Any = lambda: None

    def close_for_writes(self) -> str:
        self.during()
        if self.problem:
            raise self.problem
        self.closed += 1
        return "writes closed"


class StalledDisk:
    directory = "/data"
    error = ""

    def __init__(self) -> None:
        self.seconds = 0.0

    def stalled(self, at: float) -> float:
        return self.seconds


class Connections:
    """In the place of Departure."""

    def __init__(self) -> None:
        self.looks = 0

    def sweep_if_gone(self) -> None:
        self.looks += 1


class Host:
    """A guard with its files, whose time is ours."""

    def __init__(self, directory: Path, **changes: Any) -> None:
        names = {
            f"{name}_file": str(directory / name) for name in ("track", "hold", "disk", "alive", "pause")
        }
        self.config: Config = config(down_timeout=5, disk_timeout=10, **names, **changes)
        self.journal, self.mysqld, self.disk = Journal(), Mysqld(), StalledDisk()
        self.connections = Connections()
        self.guard = Guard(
            self.config, cast(Any, self.journal), cast(Any, self.mysqld), cast("list[Disk]", [self.disk]),
            cast(Any, self.connections))
        self.at = START
        self.alive = 0
        trackfile.write_track(self.config.track_file, "0")
        self.touch()

    def touch(self) -> None:
        self.alive += 1
        Path(self.config.alive_file).write_text(str(self.alive))

    def runs(self, seconds: float, touching: bool = False) -> None:
        for _step in range(round(seconds / 0.1)):
            self.at += 0.1
            if touching:
                self.touch()
            self.guard.step(self.at)

    @property
    def track(self) -> str | None:
        return trackfile.read_track(self.config.track_file)

    @property
    def hold(self) -> str | None:
        return trackfile.read_hold(self.config.hold_file)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host(tmp_path)
    made.runs(0.5, touching=True)
    return made


class TestAgentDown:
    def test_a_live_agent_is_left_alone(self, host: Host) -> None:
        host.runs(30, touching=True)
        assert (host.mysqld.closed, host.track, host.hold) == (0, "0", None)

    def test_the_connections_to_a_vip_that_has_left_are_ended_for_it(self, host: Host) -> None:
        host.runs(1.5)
        assert host.connections.looks == 0
        Path(host.config.pause_file).touch()
        host.runs(1)
        assert host.connections.looks >= 5
        looks = host.connections.looks
        host.runs(1, touching=True)
        assert host.connections.looks == looks

    def test_a_restart_is_left_alone(self, host: Host) -> None:
        host.runs(4.5)
        host.runs(1, touching=True)
        host.runs(4.5)
        assert (host.mysqld.closed, host.track) == (0, "0")

    def test_closed_first_and_then_the_track(self, host: Host) -> None:
        tracks = []
        host.mysqld.during = lambda: tracks.append((host.track, host.hold))
        host.runs(5.2)
        assert tracks == [("0", REASON)]
        assert (host.mysqld.closed, host.track) == (1, "1")
        host.runs(10)
        assert host.mysqld.closed == 1
        assert "writes closed: the agent does not answer for 5." in host.journal.lines[-1]

    def test_the_hold_goes_when_the_agent_is_back(self, host: Host) -> None:
        host.runs(6)
        assert host.hold == REASON
        host.runs(0.1, touching=True)
        assert (host.hold, host.track) == (None, "1")

    def test_the_hold_of_somebody_else_stays(self, host: Host) -> None:
        trackfile.place_hold(host.config.hold_file, "clone")
        host.runs(6)
        host.runs(1, touching=True)
        assert (host.hold, host.track) == ("clone", "1")

    def test_what_failed_is_tried_again_and_the_track_waits_for_it(self, host: Host) -> None:
        host.mysqld.problem = OSError("not permitted")
        host.runs(6)
        assert (host.track, host.journal.lines[-1]) == ("0", "FAILED to demote: not permitted")
        host.mysqld.problem = None
        host.runs(0.1)
        assert (host.mysqld.closed, host.track) == (1, "1")

    def test_a_pause_of_the_host_is_no_silence_of_the_agent(self, host: Host) -> None:
        host.at += 60
        host.runs(4.2)
        assert host.mysqld.closed == 0
        host.runs(1)
        assert host.mysqld.closed == 1

    def test_paused(self, host: Host) -> None:
        Path(host.config.pause_file).touch()
        host.runs(60)
        assert host.mysqld.closed == 0
        Path(host.config.pause_file).unlink()
        host.runs(0.2)
        assert host.mysqld.closed == 1

    def test_who_may_not_hold_the_vip_is_left_alone(self, host: Host) -> None:
        trackfile.write_track(host.config.track_file, "1")
        host.runs(60)
        assert (host.mysqld.closed, host.hold) == (0, None)

    def test_an_agent_that_never_ran_is_not_missed(self, host: Host) -> None:
        Path(host.config.alive_file).unlink()
        host.runs(60)
        assert host.mysqld.closed == 0


SLEEPER = "import sys, time; print(flush=True); time.sleep(60)"


@pytest.fixture
def process(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    """One whose command line looks like an agent's."""
    with subprocess.Popen([sys.executable, "-c", SLEEPER, *request.param], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()
        yield started
        started.kill()


AGENT = ["run", "--config", "/etc/mysql-ha/a.json"]


class TestAgentHangs:
    @pytest.mark.parametrize("process", [AGENT], indirect=True)
    def test_killed_in_time_for_a_new_one(self, host: Host, process: subprocess.Popen[bytes]) -> None:
        Path(host.config.alive_file).write_text(f"500.0 {process.pid}")
        host.runs(1.7)
        assert process.poll() is None
        host.runs(0.3)
        assert process.wait(3) == -signal.SIGKILL
        assert host.journal.lines == ["the agent killed: it has been silent for 1.8 s"]
        assert (host.mysqld.closed, host.track) == (0, "0")

    @pytest.mark.parametrize("process", [AGENT], indirect=True)
    def test_not_while_paused(self, host: Host, process: subprocess.Popen[bytes]) -> None:
        Path(host.config.pause_file).touch()
        Path(host.config.alive_file).write_text(f"500.0 {process.pid}")
        host.runs(30)
        assert process.poll() is None

    @pytest.mark.parametrize(
        "process", [["run"], ["run", "--config", "/etc/mysql-ha/b.json"], ["guard", *AGENT[1:]]], indirect=True)
    def test_nobody_else(self, host: Host, process: subprocess.Popen[bytes]) -> None:
        Path(host.config.alive_file).write_text(f"500.0 {process.pid}")
        host.runs(3)
        assert process.poll() is None
        assert host.journal.lines == []

    @pytest.mark.parametrize("process", [AGENT], indirect=True)
    def test_one_that_proc_hides_is_not_killed_and_the_journal_says_so(
        self, host: Host, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def hidden(path: Path) -> bytes:
            raise FileNotFoundError

        monkeypatch.setattr(Path, "read_bytes", hidden)
        Path(host.config.alive_file).write_text(f"500.0 {process.pid}")
        host.runs(3)
        assert process.poll() is None
        assert host.journal.lines == [
            f"FAILED: the agent is silent and not killed: /proc hides process {process.pid} from the guard (hidepid)"]

    @pytest.mark.parametrize("alive", ["500.0 4194305", "500.0 -1", "500.0", "500.0 1 2", "x y"])
    def test_no_process(self, host: Host, alive: str) -> None:
        Path(host.config.alive_file).write_text(alive)
        host.runs(3)
        assert host.journal.lines == []


class TestDisks:
    def test_the_agent_reads_what_the_guard_saw(self, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        host.disk.seconds = 4.0
        host.runs(0.1, touching=True)
        assert trackfile.read_disk(host.config.disk_file) == 4.0
        assert host.journal.lines == []
        host.disk.seconds = 5.0
        host.runs(1, touching=True)
        host.disk.seconds = 0.0
        host.runs(1, touching=True)
        assert host.journal.lines == ["no write to /data for 5.0 s: it waits", "the disks take writes again"]

    def test_a_probe_leaves_one_small_file(self, tmp_path: Path) -> None:
        for _time in range(3):
            guard.write_probe(str(tmp_path))
        assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [(PROBE_FILE, 4096)]

    def test_a_full_disk_takes_no_write(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(guard, "FREE_AT_LEAST", 1 << 60)
        with pytest.raises(OSError, match="no space left"):
            guard.write_probe(str(tmp_path))

    def test_no_link_is_followed(self, tmp_path: Path) -> None:
        (tmp_path / PROBE_FILE).symlink_to(tmp_path / "target")
        with pytest.raises(OSError, match="symbolic links"):
            guard.write_probe(str(tmp_path))

    def test_a_write_that_does_not_end(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(guard, "PROBE_EVERY", 0.01)
        pipe = tmp_path / PROBE_FILE
        os.mkfifo(pipe)  # opening it waits for a reader, as a write waits for a frozen filesystem
        disk = Disk(str(tmp_path))
        assert disk.stalled(START) == 0.0
        disk.start()
        time.sleep(0.1)
        for step in range(1, 31):
            stalled = disk.stalled(START + step / 10)
        assert stalled == pytest.approx(3.0, abs=0.11)
        assert disk.stalled(START + 60) <= stalled + LONGEST_STEP
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        pipe.unlink()
        deadline = time.monotonic() + 3
        while disk.stalled(START + 61) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.close(reader)
        assert disk.stalled(START + 62) == 0.0

    def test_a_write_that_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(guard, "PROBE_EVERY", 0.01)
        (tmp_path / PROBE_FILE).mkdir()
        disk = Disk(str(tmp_path))
        disk.start()
        time.sleep(0.1)
        stalled = [disk.stalled(START + step / 10) for step in range(11)]
        assert stalled[-1] == pytest.approx(1.0, abs=0.11)
        assert "directory" in disk.error

    def test_no_datadir_yet(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(guard, "PROBE_EVERY", 0.01)
        disk = Disk(str(tmp_path / "none"))
        disk.start()
        time.sleep(0.1)
        assert max(disk.stalled(START + step / 10) for step in range(11)) < 0.5


def test_what_lasts_counts_without_pauses() -> None:
    awake = Awake()
    assert awake.lasts(10.0) == 0.0
    assert awake.lasts(10.2) == pytest.approx(0.2)
    assert awake.lasts(90.0) == pytest.approx(0.2 + LONGEST_STEP)
    awake.over(91.0)
    assert awake.lasts(91.1) == pytest.approx(0.1)


def watched_processes() -> int:
    """Descriptors by which this process watches another one; what other tests' threads open does not count."""
    links = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(descriptor.readlink()))
    return sum("pidfd" in link or link.endswith("/stat") for link in links)


class TestServer:
    def test_nobody_listens(self, tmp_path: Path) -> None:
        assert Server(config(socket=str(tmp_path / "none"))).close_for_writes() == "mysqld does not run"

    def test_what_was_opened_for_closing_is_closed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = str(tmp_path / "s")
        closed: list[str] = []
        instance = SimpleNamespace(
            sessions={"gate": SimpleNamespace(value=lambda sql: 1)}, close=lambda: closed.append("sessions"))
        monkeypatch.setattr(guard, "Instance", lambda *arguments: instance)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            before = watched_processes()
            assert Server(config(socket=path)).close_for_writes() == "writes closed"
            assert closed == ["sessions"]
            assert watched_processes() == before

    def test_the_process_behind_a_socket(self, tmp_path: Path) -> None:
        path = str(tmp_path / "socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            assert process_behind(path, 1.0) is None
            listener.listen()
            process = process_behind(path, 1.0)
            assert process is not None
            assert process.pid == os.getpid()
            process.close()

    def test_the_work_is_bounded(self) -> None:
        began = time.monotonic()
        assert guard.problem_of(lambda: time.sleep(2), 0.1) == "it did not close in time"
        assert time.monotonic() - began < 1
        assert guard.problem_of(lambda: None, 1) == ""

        def fails() -> None:
            raise ValueError("odd")

        assert guard.problem_of(fails, 1) == "odd"
