# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What `mysql-ha status` says of the proxies in front of the cluster."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_ha_agent import proxies
from unit.agent.command import Host
from unit.agent.sockets import free_ports, tidy

clean = pytest.fixture(autouse=True)(tidy)

TOLD = {"writer": {"a": [1, 1, 3], "b": [0, 0, 0]}, "reader": {"a": [0, 0, 0], "b": [1, 2, 7], "r": [1, 0, 1]}}
ANSWERS = [{"instance": "a", "writer": True}, {"instance": "b", "writer": False}]


def view(**changes: Any) -> proxies.View:
    return {"proxy": "p1", **proxies.parse(json.dumps({**TOLD, **changes}).encode())}


def test_the_table() -> None:
    assert proxies.rows([view(), {"proxy": "p2", "error": "timed out"}]) == [
        ("PROXY", "WRITES TO", "READS FROM"), ("p1", "a (3)", "b (7), r (1, drained)"), ("p2", "?", "timed out"),
    ]
    assert proxies.rows([view(writer={}, reader={"b": [0, 1, 0]})])[1] == ("p1", "-", "nobody")
    assert proxies.rows([]) == []


def test_agreement() -> None:
    assert proxies.about([view(), {"proxy": "p2", "error": "timed out"}], ANSWERS) == []


@pytest.mark.parametrize(
    ("writers", "said"),
    [
        ({"a": [1, 1, 0], "b": [1, 1, 0]}, ["DISAGREEMENT: p1 sends writes to b, which is not the writer."]),
        ({"a": [0, 0, 0], "b": [0, 0, 0]}, ["DISAGREEMENT: p1 sends no writes to a, the writer."]),
        ({"a": [1, 1, 0], "b": [1, 0, 0]}, []),  # drained: it gets none
        ({}, []),  # there is no such port
    ],
)
def test_disagreement(writers: dict[str, Any], said: list[str]) -> None:
    assert proxies.about([view(writer=writers)], ANSWERS) == said


@pytest.mark.parametrize(
    "body",
    [
        b"", b"x", b"[]", b"{}", b'{"writer": {}}', b'{"writer": {"a": 1}, "reader": {}}',
        b'{"writer": {"a": [1, 2]}, "reader": {}}', b'{"writer": {"a": [true, 1, 1]}, "reader": {}}',
        b'{"writer": {"a": [1, -1, 1]}, "reader": {}}', b'{"writer": {"a": [1, 1, 1e9]}, "reader": {}}',
    ],
)
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        proxies.parse(body)


@given(st.binary(max_size=60))
def test_whatever_it_is(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        proxies.parse(body)


@pytest.fixture
def haproxy() -> Iterator[int]:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(TOLD).encode()
            self.send_response(200 if self.path == "/orders" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield int(server.server_address[1])
    server.shutdown()
    server.server_close()


def test_status_asks_them(host: Host, mysql_ha: Any, haproxy: int) -> None:
    nobody = free_ports("p")["p"]
    places = [{"name": name, "address": "127.0.0.1", "port": port} for name, port in (("p1", haproxy), ("p2", nobody))]
    host.configure(proxies=places)
    host.agent().serve()
    lines = mysql_ha("status").out.splitlines()
    assert [line.split() for line in lines if line.startswith("p")] == [
        ["p1", "a", "(3)", "b", "(7),", "r", "(1,", "drained)"], ["p2", "?", "no", "HAProxy", "runs", "there"],
    ]
    assert "DISAGREEMENT: p1 sends writes to a, which is not the writer." in lines
    told = json.loads(mysql_ha("status", "--json").out)["proxies"]
    assert told[0]["writer"]["a"] == {"up": True, "weight": 1, "sessions": 3}
    assert told[1] == {"proxy": "p2", "error": "no HAProxy runs there"}
