# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What systemd is told, over its socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mysql_ha_agent.systemd import LONGEST_STATUS, Systemd

NOTIFY_BUFFER_MAX = 4096  # bytes; systemd drops a longer message whole


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listener


@pytest.mark.parametrize("reason", [
    "It has transactions that the cluster does not have: " + "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5," * 1000,
    "held: ä" * 5000, "of mysqld\nWATCHDOG=trigger\nRESTART_RESET=1", "\ud800",
])
def test_a_reason_of_any_kind_is_one_short_line(told: socket.socket, reason: str) -> None:
    systemd = Systemd()
    systemd.tell("WATCHDOG=1")
    systemd.status(f"standby: {reason}")
    assert told.recv(65536) == b"WATCHDOG=1"
    status = told.recv(65536)
    assert status.startswith(b"STATUS=standby: ")
    assert b"\n" not in status
    assert len(status) <= 4 * LONGEST_STATUS + 7 < NOTIFY_BUFFER_MAX
    systemd._socket.close()


def test_without_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd = Systemd()
    systemd.tell("WATCHDOG=1")
    systemd.status("writer")
    systemd._socket.close()
