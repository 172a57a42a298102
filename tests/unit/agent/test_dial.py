# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logging in at a socket behind which anything may sit."""

from __future__ import annotations

import gc
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mysql_ha_agent import mysqld, sessions
from mysql_ha_agent.lib._connection import MysqlError
from mysql_ha_agent.sessions import NotThere, dial


@contextmanager
def listening(path: Path, said: bytes) -> Iterator[str]:
    """Says the same to everybody who comes, and hangs up."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            with listener.accept()[0] as accepted:
                accepted.sendall(said)

        server = threading.Thread(target=serve)
        server.start()
        yield str(path)
        server.join()


def refused(path: str) -> tuple[type[Exception], int | None]:
    """Which error, and its number. PyMySQL leaves the socket of a failed connect to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            dial(path, "mysql-ha", 1.0)
        except (MysqlError, NotThere) as error:
            told = type(error), getattr(error, "number", None)
        gc.collect()
    return told


@pytest.mark.parametrize("said", [
    b"", b"\x01\x00\x00\x00\x0a", b"\x05\x00\x00\x00\x0a8.4\x00", b"\x0b\x00\x00\x00\x0a8.4.0\x00\x01\x00\x00\x00",
    b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 64,
], ids=repr)
def test_what_does_not_speak_mysql_is_an_error_like_any_other(tmp_path: Path, said: bytes) -> None:
    with listening(tmp_path / "s", said) as path:
        assert refused(path)[0] is MysqlError


def test_nobody_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert refused(str(path))[0] is NotThere
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    assert refused(str(path))[0] is NotThere


def test_too_many_connections_keep_their_number(tmp_path: Path) -> None:
    refusal = b"\xff\x10\x04Too many connections"
    said = len(refusal).to_bytes(3, "little") + b"\x00" + refusal
    with listening(tmp_path / "s", said) as path:
        assert refused(path) == (MysqlError, 1040)


def test_an_instance_that_cannot_be_used_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    far_ends: list[socket.socket] = []

    class Unusable:
        def __init__(self, near: socket.socket) -> None:
            self.socket = near

        def wait_for_answers(self, seconds: float | None) -> None:
            return

        def row(self, sql: str, args: Any = None) -> Any:
            raise MysqlError("is not a server version")

        value = run = row

        def close(self) -> None:
            closed.append("session")
            self.socket.close()

    def fake(*arguments: Any) -> Any:
        near, far = socket.socketpair()
        far_ends.append(far)
        return Unusable(near)

    monkeypatch.setattr(sessions, "dial", fake)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _time in range(3):
        with pytest.raises(MysqlError):
            mysqld.Instance("/s", "mysql-ha", 1.0)
    for far in far_ends:
        far.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert len(closed) == 3 * len(sessions.SESSIONS)
