# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every way in which a login fails ends in one line that names the mend, and soon."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _connection
from ansible_collections.opendba.mysql_ha.plugins.module_utils._connection import MysqlError, connect


@contextlib.contextmanager
def listener(answer: bytes | None) -> Iterator[int]:
    """A server on a local port that sends `answer` and hangs up; None says nothing and holds the line."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                peer, _ = server.accept()
                if answer is None:
                    held.append(peer)
                    return
                peer.sendall(answer)
                peer.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        for peer in held:
            peer.close()
    thread.join(1)


def failure(**options: object) -> str:
    with pytest.raises(MysqlError) as caught:
        connect(user="root", **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_socket() -> None:
    assert failure(unix_socket="/nowhere.sock") == (
        "cannot log in to MySQL at socket /nowhere.sock as root:"
        " No such file or directory: is mysqld running, and is this its socket?"
    )
    gc.collect()  # here PyMySQL leaves closing to the garbage collector, which would complain in some later test


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "connection refused: mysqld is not running there" in failure(host="127.0.0.1", port=port)


def test_a_server_that_hangs_is_given_up_in_time() -> None:
    begun = time.monotonic()
    with listener(None) as port:
        assert "no answer in time" in failure(host="127.0.0.1", port=port, connect_timeout=0.3)
    assert time.monotonic() - begun < 3


def test_no_ca_file() -> None:
    message = failure(host="127.0.0.1", port=1, ssl_ca="/nowhere.pem")
    assert message == "the CA file /nowhere.pem is of no use: No such file or directory"


def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("no certificate")
    assert "is of no use" in failure(host="127.0.0.1", port=1, ssl_ca=str(path))


def test_no_pymysql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_connection, "HAS_PYMYSQL", False)
    assert failure(unix_socket="/x") == (
        "the Python library PyMySQL is missing: install python3-pymysql on this machine"
    )


@settings(max_examples=30, deadline=None)
@given(
    st.one_of(st.binary(max_size=200), st.just(b"HTTP/1.1 400 Bad Request\r\n\r\n"), st.just(b"\x4a\0\0\0\x0a9.7.4\0"))
)
def test_a_peer_that_is_no_mysqld(answer: bytes) -> None:
    with listener(answer) as port:
        assert "cannot log in to MySQL at 127.0.0.1" in failure(host="127.0.0.1", port=port, connect_timeout=1)
