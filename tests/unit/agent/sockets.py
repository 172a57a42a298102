# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Agents that talk over real sockets on 127.0.0.1, without mysqld and without decisions."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from mysql_ha_agent.clock import now
from mysql_ha_agent.config import Config, parse
from mysql_ha_agent.endpoints import Board, Endpoints, allowed
from mysql_ha_agent.httpd import Server
from mysql_ha_agent.model import Durable, Mysqld, Peer, Seen, State
from mysql_ha_agent.peers import Peers
from unit.agent.world import CLOSED, KEYS

CLEANUP: list[Callable[[], None]] = []  # what ends the threads of a test; see `tidy`
SOON = 3.0  # seconds; so long a test waits for what ought to happen at once


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports(names: str) -> dict[str, int]:
    return {name: free_port() for name in names}


def configuration(name: str, ports: dict[str, int], **changes: Any) -> Config:
    members = [
        {"name": each, "address": "127.0.0.1", "port": 3306, "agent_port": port,
         "role": "reader" if each == "r" else "candidate"} for each, port in ports.items()
    ]
    own = {"instance": name, "role": "reader" if name == "r" else "candidate", "address": "127.0.0.1",
           "agent_port": ports[name], "members": members}
    return parse(json.dumps({**KEYS, **own, **changes}))


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not what():
        assert time.monotonic() < deadline, "it has not happened"
        time.sleep(0.002)


def tidy() -> Iterator[None]:
    """A fixture: no thread of a test goes on asking during the next one."""
    yield
    while CLEANUP:
        CLEANUP.pop()()


class Node:
    """An agent whose loop shows what the test tells it to."""

    def __init__(self, name: str, ports: dict[str, int], step: float = 0.1, **changes: Any) -> None:
        self.config = configuration(name, ports, **changes)
        self.reports: list[str] = []
        self._wakeup = threading.Event()
        self._step = step
        self._stopped = False
        CLEANUP.append(self.stop)
        self.peers = Peers(self.config, self._wakeup.set)
        self.seen = Seen(
            vip_here=False, keepalived=True, hold=None, track="0", mysqld=Mysqld(True, now(), CLOSED),
            saved=Durable(generation=3))
        self.state = State(durable=self.seen.saved, phase="standby")
        self.board = Board(self.config, self._see(), self.state)
        self.server: Server | None = None

    def _see(self) -> Seen:
        return replace(self.seen, peers=self.peers.seen(), mysqld=replace(self.seen.mysqld, answered=now()))

    def serve(self) -> Node:
        endpoints = Endpoints(self.board, self.peers)
        self.server = Server(
            ["127.0.0.1"], self.config.agent_port, lambda client: allowed(self.config, client), endpoints.answer,
            self.reports.append)
        self.board.tell(self.server.news)
        self.board.publish(self._see(), self.state)
        self.server.start()
        threading.Thread(target=self._loop, daemon=True).start()
        return self

    def start(self) -> Node:
        self.serve()
        self.peers.start()
        return self

    def show(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)
        self._wakeup.set()

    def stop(self) -> None:
        self._stopped = True
        if self.server is not None:
            self.server.stop()
        self.peers.stop()

    def _loop(self) -> None:
        while not self._stopped:
            self.board.publish(self._see(), self.state)
            self._wakeup.wait(self._step)
            self._wakeup.clear()

    def peer(self, name: str) -> Peer:
        return next(peer for peer in self.peers.seen() if peer.name == name)


class Impostor:
    """Listens where an agent ought to, and does with each connection what the test says."""

    def __init__(self, port: int, behave: Callable[[socket.socket], None]) -> None:
        self.connections = 0
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", port))
        CLEANUP.append(self.close)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._behave(connection)
            except OSError:
                return

    def close(self) -> None:
        """Nobody listens when this returns."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def exchange(port: int, data: bytes, seconds: float = SOON) -> bytes:
    """Everything that comes back until the other side closes the connection, or says nothing for so long."""
    with socket.create_connection(("127.0.0.1", port), seconds) as connection:
        connection.settimeout(seconds)
        connection.sendall(data)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except TimeoutError:
            received += b"<silence>"
        return received


def get(port: int, target: str, seconds: float = SOON) -> tuple[int, Any]:
    """Status and body of one answer, the body decoded if it is JSON."""
    answer = exchange(port, f"GET {target} HTTP/1.1\r\nConnection: close\r\n\r\n".encode(), seconds)
    head, _blank, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body) if b"application/json" in head else body.decode()


def http(body: bytes, head: bytes = b"HTTP/1.1 200 OK\r\n") -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def saying(data: bytes) -> Callable[[socket.socket], None]:
    """For an Impostor: it answers this to the first question, and then nothing."""

    def behave(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(data)
        time.sleep(0.5)

    return behave


def flood(connection: socket.socket) -> None:
    """For an Impostor: an answer without end."""
    connection.recv(1000)
    while True:
        connection.sendall(b"X-More: " + b"x" * 65536 + b"\r\n")
