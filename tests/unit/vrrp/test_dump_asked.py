# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a dump of keepalived is asked for and taken away again, with a program that writes when it is asked."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _keepalived_host as host
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_conf import Unreadable
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_daemon import DATA

WRITER = """
import signal, sys, time
def write(*_):
    time.sleep(float(sys.argv[1]))
    for name in sys.argv[2:]:
        with open(name, "w") as file:
            file.write("content")
signal.signal(signal.SIGUSR1, write)
print("ready", flush=True)
while True:
    signal.pause()
"""


def daemon(pid: int) -> host.Daemon:
    return host.Daemon(pid, os.getuid(), [], "/", "/tmp", False, None, [])


@pytest.fixture
def dumps(tmp_path: Path) -> Any:
    running: list[Popen[str]] = []

    def start(*names: str, after: float = 0) -> host.Daemon:
        paths = [str(tmp_path / name) for name in names]
        running.append(Popen([sys.executable, "-c", WRITER, str(after), *paths], stdout=PIPE, text=True, umask=0o177))
        assert running[-1].stdout is not None
        assert running[-1].stdout.readline() == "ready\n"
        return daemon(running[-1].pid)

    yield start
    for process in running:
        process.kill()
        process.communicate()


def parse(data: bytes) -> list[dict[str, Any]]:
    if data != b"content":
        raise Unreadable("not whole")
    return [{"name": data.decode()}]


def test_a_dump_is_read_and_taken_away(dumps: Any, tmp_path: Path) -> None:
    asked = dumps("keepalived.data", "keepalived_parent.data")
    path = str(tmp_path / "keepalived.data")
    assert host.dump(asked, DATA, path, parse, 5) == [{"name": "content"}]
    assert list(tmp_path.iterdir()) == []


def test_two_who_ask_at_once_both_get_it(dumps: Any, tmp_path: Path) -> None:
    """The second signal is sent when the first dump has been taken away, so the second reader finds its own."""
    reading: list[str] = []

    def slow(data: bytes) -> list[dict[str, Any]]:
        reading.append("begins")
        time.sleep(0.3)
        reading.append("ends")
        return parse(data)

    asked = dumps("keepalived.data")
    path = str(tmp_path / "keepalived.data")
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(host.dump, asked, DATA, path, slow, 5) for _number in range(2)]
        assert [each.result() for each in both] == [[{"name": "content"}]] * 2
    assert reading == ["begins", "ends"] * 2
    assert list(tmp_path.iterdir()) == []


def test_whoever_waits_does_not_wait_for_ever(dumps: Any, tmp_path: Path) -> None:
    asked = dumps("keepalived.data", after=2)
    path = str(tmp_path / "keepalived.data")
    with ThreadPoolExecutor() as pool:
        first = pool.submit(host.dump, asked, DATA, path, parse, 5)
        time.sleep(0.3)
        with pytest.raises(Unreadable, match=r"somebody else asked keepalived for a dump for 0\.2 s"):
            host.dump(asked, DATA, path, parse, 0.2)
        assert first.result() == [{"name": "content"}]


def test_a_dump_that_was_there_stays(dumps: Any, tmp_path: Path) -> None:
    path = tmp_path / "keepalived.data"
    path.write_text("old")
    path.chmod(0o600)
    os.utime(path, (1, 1))
    assert host.dump(dumps("keepalived.data"), DATA, str(path), parse, 5) == [{"name": "content"}]
    assert path.read_text() == "content"


def test_a_dump_that_comes_late_is_taken_away(dumps: Any, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"did not write .* within 0.2 s$"):
        host.dump(dumps("keepalived.data", after=0.6), DATA, str(tmp_path / "keepalived.data"), parse, 0.2)
    assert list(tmp_path.iterdir()) == []


def test_a_dump_that_may_still_come_is_told(dumps: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "LATE", 0.1)
    with pytest.raises(Unreadable, match="may still write there holds the VRRP password"):
        host.dump(dumps("elsewhere"), DATA, str(tmp_path / "keepalived.data"), parse, 0.2)


def test_an_old_dump_is_not_believed(dumps: Any, tmp_path: Path) -> None:
    path = tmp_path / "keepalived.data"
    path.write_text("content")
    path.chmod(0o600)
    os.utime(path, (1, 1))
    with pytest.raises(Unreadable, match="did not write"):
        host.dump(dumps("elsewhere.data"), DATA, str(path), parse, 0.3)
    assert path.read_text() == "content"


def test_no_signal_where_a_link_lies(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "keepalived.data"
    victim.write_text("precious")
    path.symlink_to(victim)
    # The signal would end this process.
    with pytest.raises(Unreadable, match="not keepalived's own file"):
        host.dump(daemon(os.getpid()), DATA, str(path), parse, 0.3)
    assert victim.read_text() == "precious"


def test_a_dump_that_is_never_whole(dumps: Any, tmp_path: Path) -> None:
    def broken(_data: bytes) -> list[dict[str, Any]]:
        raise Unreadable("not whole")

    with pytest.raises(Unreadable, match="not whole"):
        host.dump(dumps("keepalived.data"), DATA, str(tmp_path / "keepalived.data"), broken, 0.4)
    assert list(tmp_path.iterdir()) == []
