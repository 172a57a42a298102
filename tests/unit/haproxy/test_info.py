# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a runtime socket is asked: with a bound on time and on what is taken."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _info_haproxy
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_stats import Unreadable
from ansible_collections.opendba.mysql_ha.plugins.module_utils._info_haproxy import ask

Served = Callable[[bytes, float], str]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A socket that gives this answer, and then closes after so many seconds."""
    path = tmp_path / "admin.sock"
    ended = threading.Event()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve(answer: bytes, stays: float) -> str:
            def work() -> None:
                connection, _address = listener.accept()
                with connection, contextlib.suppress(OSError):  # the other side may have enough
                    connection.recv(100)
                    connection.sendall(answer)
                    ended.wait(stays)

            threading.Thread(target=work, daemon=True).start()
            return str(path)

        yield serve
        ended.set()


def test_an_answer(served: Served) -> None:
    assert ask(served(b"Name: HAProxy\n", 0), "show info", 2) == b"Name: HAProxy\n"


def test_an_answer_without_end(served: Served) -> None:
    began = time.monotonic()
    with pytest.raises((Unreadable, TimeoutError)):
        ask(served(b"Name: ", 10), "show info", 0.2)
    assert time.monotonic() - began < 2


def test_too_much(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_info_haproxy, "LARGEST", 1000)
    assert len(ask(served(b"x" * 200000, 0), "show stat", 2)) <= 1000 + 65536


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        ask(str(tmp_path / "admin.sock"), "show info", 1)


def test_a_configuration_with_the_environment_of_the_process(tmp_path: Path) -> None:
    first, second = tmp_path / "a.cfg", tmp_path / "b.cfg"
    first.write_text("global\n    setenv DB2 192.0.2.12\n    stats socket /run/h.sock\n")
    second.write_text(
        'listen r\n    server db1 "${DB1}":3306 check\n    server db2 ${DB2}:3306\n    server-template t 1-2 db:3306\n'
        ".if version_before(2.4)\n    mode http\n.endif\n"
    )
    first.chmod(0o600)
    second.chmod(0o644)
    found: dict[str, Any] = {"problems": [], "installed": "2.6.12-1"}
    arguments = ["-W", "-S", "192.0.2.31:9999,level,user", "-f", str(first), "-f", str(second)]
    environment = {"PATH": "/bin", "DB1": "192.0.2.11", "TOKEN": "Zq8-never-shown"}
    assert _info_haproxy.read_configuration(None, (arguments, environment), found) == ["/run/h.sock"]
    read = found["configuration"]
    assert (read["files"], read["files_for_all"]) == ([str(first), str(second)], [str(second)])
    proxy = read["proxies"][0]
    assert proxy["mode"] == "tcp"
    assert [each["address"] for each in proxy["servers"]] == ["192.0.2.11", "192.0.2.12", "db"]
    assert [(each["address"], each["level"], each["public"]) for each in read["sockets"]] == [
        ("/run/h.sock", "operator", False), ("192.0.2.31:9999", "user", True),
    ]  # fmt: skip
    assert found["problems"] == [f"{second}:4: r/t: server-template takes its servers from DNS; they are not judged"]
    assert "Zq8" not in str(found)
