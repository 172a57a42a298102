# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real HAProxy with the role's configuration, in front of servers and agents that are made up. Where there is one."""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import haproxy_state
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_services import checked
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_stats import parse_info, parse_stat
from ansible_collections.opendba.mysql_ha.plugins.module_utils._info_haproxy import ask
from mysql_ha_agent import proxies
from mysql_ha_agent.link import Link
from unit.haproxy.rendering import STATS, model, render

pytestmark = pytest.mark.skipif(not shutil.which("haproxy"), reason="no HAProxy here")
WRITES, READS, VIEW = 16446, 16447, 18407
NAMES = ("db1", "db2", "db3")


def until(holds: Callable[[], Any], seconds: float = 30) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds
        time.sleep(0.01)
    return time.monotonic() - began


@dataclass
class Server:
    """Says its name to whoever connects and then keeps the session; its agent answers as it is told to."""

    name: str
    writer: bool = False
    reader: bool = False
    ports: tuple[int, int] = (0, 0)
    _open: list[Any] = field(default_factory=list)

    def start(self) -> None:
        server = self

        class Agent(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fit = server.writer if self.path == "/writer" else server.reader and self.path == "/reader?max_lag=10"
                self.send_response(200 if fit else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        agent = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Agent)
        listener = socket.create_server(("127.0.0.1", 0), backlog=500)
        threading.Thread(target=agent.serve_forever, daemon=True).start()
        threading.Thread(target=self._greet, args=(listener,), daemon=True).start()
        self.ports = (listener.getsockname()[1], agent.server_address[1])
        self._open = [agent, listener]

    def _greet(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = listener.accept()
                self._open.append(connection)
                with contextlib.suppress(OSError):
                    connection.sendall(self.name.encode() + b"\n")

    def stop(self) -> None:
        agent, listener, *connections = self._open
        agent.shutdown()
        agent.server_close()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            connection.close()


@dataclass
class Proxy:
    directory: Path
    process: subprocess.Popen[bytes]

    @property
    def socket(self) -> str:
        return str(self.directory / "admin.sock")

    @property
    def config(self) -> Path:
        return self.directory / "conf.d/zz-mysql-ha-orders.cfg"

    def info(self) -> dict[str, Any]:
        return parse_info(ask(self.socket, "show info", 2))

    def up(self, kind: str) -> set[str]:
        proxies = {each["name"]: each for each in parse_stat(ask(self.socket, "show stat", 2))}
        found = proxies[f"mysql_orders_{kind}"]
        return {server["name"] for server in found["servers"] if server["takes_sessions"]}

    def helper(self, verb: str) -> int:
        return haproxy_state.main(self.socket, str(self.directory), verb, [str(self.config)])

    def reload(self, save: bool = True) -> None:
        before = self.info()["pid"]
        if save:
            assert self.helper("save") == 0
        os.kill(int((self.directory / "pid").read_text().split()[0]), signal.SIGUSR2)

        def replaced() -> bool:
            with contextlib.suppress(Exception):
                return bool(self.info()["pid"] != before)
            return False

        until(replaced)


@pytest.fixture
def servers() -> Iterator[dict[str, Server]]:
    found = {name: Server(name) for name in NAMES}
    found["db1"].writer = found["db2"].reader = found["db3"].reader = True
    for server in found.values():
        server.start()
    yield found
    for server in found.values():
        server.stop()


@pytest.fixture
def proxy(tmp_path: Path, servers: dict[str, Server]) -> Iterator[Proxy]:
    (service,) = checked(
        [
            {
                "name": "orders", "writer_port": WRITES, "reader_port": READS, "bind": ["127.0.0.1"],
                "balance": "roundrobin",
                "servers": [
                    {"name": name, "address": "127.0.0.1", "port": server.ports[0], "agent_port": server.ports[1],
                     "candidate": name != "db3"}
                    for name, server in servers.items()
                ],
            }
        ],
        {},
    )  # fmt: skip
    places = {"__haproxy_run": str(tmp_path), "__haproxy_socket": str(tmp_path / "admin.sock")}
    made = Proxy(tmp_path, None)  # type: ignore[arg-type]
    made.config.parent.mkdir()
    made.config.write_text(render("service.cfg.j2", service=service, **places))
    here = {**model(), "source": "127.0.0.1", "clusters": [{"servers": [{"address": "127.0.0.1"}]}]}
    view = {"haproxy_view_port": VIEW, "cluster_proxy_model": here}
    base = render("base.cfg.j2", haproxy_stats_port=18404, **view, **STATS, **places)
    (tmp_path / "conf.d/zz-mysql-ha.cfg").write_text(base)
    assert made.helper("forget") == 0
    with (tmp_path / "log").open("wb") as log:
        made.process = subprocess.Popen(
            ["haproxy", "-W", "-f", str(tmp_path / "conf.d"), "-p", str(tmp_path / "pid")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        until(lambda: (tmp_path / "admin.sock").exists())
        assert made.helper("wait") == 0
        yield made
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((tmp_path / "pid").read_text().split()[0]), signal.SIGTERM)
        made.process.wait(10)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=3)


def answer(port: int) -> str:
    """Who greets; empty for a session that ends before."""
    with connect(port) as session:
        return session.recv(100).decode().strip()


def test_each_port_leads_where_it_shall(proxy: Proxy) -> None:
    assert "Can't" not in (proxy.directory / "log").read_text()
    assert (proxy.up("writer"), proxy.up("reader")) == ({"db1"}, {"db2", "db3"})
    assert {answer(WRITES) for _time in range(10)} == {"db1"}
    assert {answer(READS) for _time in range(10)} == {"db2", "db3"}


def test_the_port_follows_the_writer_and_old_sessions_end(proxy: Proxy, servers: dict[str, Server]) -> None:
    with connect(WRITES) as session:
        assert session.recv(100) == b"db1\n"
        servers["db1"].writer, servers["db2"].writer = False, True
        began = time.monotonic()
        assert session.recv(100) == b""
        assert time.monotonic() - began < 1
    until(lambda: answer(WRITES) == "db2", 1)
    assert proxy.up("writer") == {"db2"}


def test_the_writer_serves_reads_while_nobody_else_can(proxy: Proxy, servers: dict[str, Server]) -> None:
    servers["db2"].reader = servers["db3"].reader = False
    until(lambda: not proxy.up("reader"))
    assert {answer(READS) for _time in range(4)} == {"db1"}
    servers["db3"].reader = True
    until(lambda: proxy.up("reader") == {"db3"}, 1)
    assert {answer(READS) for _time in range(4)} == {"db3"}


def test_a_reload_loses_no_connection_and_sends_none_astray(proxy: Proxy) -> None:
    seen: list[str] = []
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            try:
                seen.append(answer(WRITES))
            except OSError as error:
                seen.append(repr(error))
            time.sleep(0.001)

    worker = threading.Thread(target=work)
    worker.start()
    for _time in range(3):
        proxy.reload()
        time.sleep(0.5)
    ended.set()
    worker.join()
    assert len(seen) > 100
    assert set(seen) == {"db1"}
    assert "partially applied" not in (proxy.directory / "log").read_text()


def test_a_reload_keeps_what_a_person_set(proxy: Proxy) -> None:
    ask(proxy.socket, "set server mysql_orders_reader/db2 state drain", 2)
    proxy.reload()
    assert proxy.up("reader") == {"db3"}


def test_a_server_that_moved_is_not_taken_for_the_old_one(proxy: Proxy, servers: dict[str, Server]) -> None:
    other = Server("db9", writer=True)
    other.start()
    try:
        old, new = f"127.0.0.1:{servers['db1'].ports[0]} check", f"127.0.0.1:{other.ports[0]} check"
        proxy.config.write_text(proxy.config.read_text().replace(old, new))
        proxy.reload()
        until(lambda: answer(WRITES) == "db9", 1)
    finally:
        other.stop()


def test_statistics(proxy: Proxy) -> None:
    def get(path: str, login: str = "") -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:18404{path}")
        if login:
            request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=3) as response:  # noqa: S310 (http)
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, ""

    good = f"{STATS['haproxy_stats_user']}:{STATS['haproxy_stats_password']}"
    for path, content in (("/stats", "mysql_orders_writer"), ("/metrics", "haproxy_server_status")):
        assert get(path)[0] == get(path, "watcher:guess")[0] == 401
        status, page = get(path, good)
        assert (status, content in page) == (200, True)
    assert proxy.info()["maxconn"] == 8100


def test_members_are_told_who_is_up_and_nobody_else_is(proxy: Proxy) -> None:
    def told(source: str = "", service: str = "orders") -> Any:
        link = Link("127.0.0.1", VIEW, source)
        try:
            return proxies.parse(link.get(f"/{service}", 3))
        finally:
            link.close()

    with connect(WRITES) as session:
        assert session.recv(100) == b"db1\n"
        found = told()
        assert found["writer"]["db1"] == {"up": True, "weight": 1, "sessions": 1}
        assert [name for name, server in found["reader"].items() if server["up"]] == ["db2", "db3"]
    with pytest.raises(ValueError, match="HTTP 403"):
        told("127.0.0.2")
    with pytest.raises(ValueError, match="HTTP 503"):
        told(service="x%[src]")


def test_what_happens_to_servers_is_logged(proxy: Proxy, servers: dict[str, Server]) -> None:
    servers["db3"].reader = False
    until(lambda: "db3" not in proxy.up("reader"))
    until(lambda: "Server mysql_orders_reader/db3 is DOWN" in (proxy.directory / "log").read_text())
