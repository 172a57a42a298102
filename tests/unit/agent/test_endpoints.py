# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an agent says over HTTP, to its peers, to health checks, and to whoever does not play by the rules."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from mysql_ha_agent import httpd
from mysql_ha_agent.clock import now
from mysql_ha_agent.endpoints import Board, Endpoints, allowed
from mysql_ha_agent.model import Durable, Seen, State
from unit.agent.sockets import Node, exchange, free_port, free_ports, get, tidy, until
from unit.agent.world import CONFIG, KNOWN, NOW, OPENED, SILENT, STANDBY, config, up

ERRANT = replace(STANDBY, saved=Durable(generation=3, errant="u:10"))
clean = pytest.fixture(autouse=True)(tidy)


@pytest.mark.parametrize(
    ("client", "may"),
    [("127.0.0.1", True), ("10.0.0.2", True), ("10.0.0.100", True), ("::ffff:10.0.0.2", True), ("10.0.0.9", False),
     ("192.0.2.7", True), ("fd00::1", False), ("fe80::1%eth0", False)],
)
def test_who_may_ask(client: str, may: bool) -> None:
    assert allowed(config(allow=["192.0.2.0/24"]), client) is may


class TestSerial:
    """What wakes the peers that wait, and what does not."""

    @staticmethod
    def changes(seen: Seen, state: State) -> bool:
        board = Board(CONFIG, STANDBY, KNOWN)
        quiet = replace(STANDBY.mysqld, answered=now())
        board.publish(replace(STANDBY, mysqld=quiet), KNOWN)
        before = board.shown[2]
        board.publish(replace(seen, mysqld=replace(seen.mysqld, answered=now())), state)
        return board.shown[2] != before

    @pytest.mark.parametrize(
        ("seen", "state"),
        [
            (STANDBY, replace(KNOWN, phase="promoting")),
            (STANDBY, replace(KNOWN, reasons=("It is held: x.",))),
            (replace(STANDBY, vip_here=True), KNOWN),
            (replace(STANDBY, mysqld=replace(STANDBY.mysqld, alive=False)), KNOWN),
            (replace(STANDBY, saved=Durable(generation=4)), KNOWN),
            (replace(STANDBY, saved=Durable(3, led=3)), KNOWN),
            (replace(STANDBY, saved=Durable(3, alone=True)), KNOWN),
            (replace(STANDBY, saved=Durable(3, left_behind=True)), KNOWN),
            (ERRANT, KNOWN),
            (STANDBY, replace(KNOWN, waits_since=0.0)),
            (replace(STANDBY, hold="x"), KNOWN),
        ],
    )
    def test_news(self, seen: Seen, state: State) -> None:
        assert self.changes(seen, state)

    @pytest.mark.parametrize(
        ("seen", "state"),
        [
            (STANDBY, KNOWN),
            (replace(STANDBY, peers=(SILENT,)), KNOWN),
            (replace(STANDBY, mysqld=up(replace(STANDBY.mysqld.server or OPENED, gtid_executed="u:1-10"))), KNOWN),
            (STANDBY, replace(KNOWN, last_tick=NOW + 1)),
        ],
    )
    def test_no_news(self, seen: Seen, state: State) -> None:
        assert not self.changes(seen, state)

    def test_two_starts_share_no_serial(self) -> None:
        assert Board(CONFIG, STANDBY, KNOWN).shown[2] != Board(CONFIG, STANDBY, KNOWN).shown[2]


@pytest.fixture
def node() -> Node:
    return Node("a", free_ports("ab")).serve()


def port_of(node: Node) -> int:
    return node.config.agent_port


class TestLongPoll:
    def test_an_unknown_serial_is_answered_at_once(self, node: Node) -> None:
        began = time.monotonic()
        code, told = get(port_of(node), "/status?from=b&seen=x-1&wait=5")
        assert (code, told["instance"]) == (200, "a")
        assert time.monotonic() - began < 0.5

    def test_without_news_it_is_answered_after_the_wait(self, node: Node) -> None:
        serial = get(port_of(node), "/status")[1]["serial"]
        began = time.monotonic()
        told = get(port_of(node), f"/status?from=b&seen={serial}&wait=0.4")[1]
        assert told["serial"] == serial
        assert 0.4 <= time.monotonic() - began < 1.5

    def test_news_end_the_wait(self, node: Node) -> None:
        serial = get(port_of(node), "/status")[1]["serial"]
        began = time.monotonic()
        threading.Timer(0.2, node.show, kwargs={"phase": "promoting"}).start()
        told = get(port_of(node), f"/status?from=b&seen={serial}&wait=3")[1]
        assert told["phase"] == "promoting"
        assert 0.2 <= time.monotonic() - began < 2.0

    def test_many_wait_at_once_and_all_are_told(self, node: Node) -> None:
        serial = get(port_of(node), "/status")[1]["serial"]
        told: list[Any] = []
        ask = f"/status?seen={serial}&wait=3"
        threads = [threading.Thread(target=lambda: told.append(get(port_of(node), ask)[1])) for _time in range(20)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        assert not told
        node.show(phase="promoting")
        for thread in threads:
            thread.join()
        assert [answer["phase"] for answer in told] == ["promoting"] * 20

    @pytest.mark.parametrize("wait", ["x", "nan", "-1", "inf"])
    def test_a_wait_that_is_none(self, node: Node, wait: str) -> None:
        assert get(port_of(node), f"/status?wait={wait}")[0] == 400

    def test_nobody_waits_longer_than_the_bound(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("mysql_ha_agent.endpoints.LONGEST_WAIT", 0.2)
        serial = get(port_of(node), "/status")[1]["serial"]
        assert get(port_of(node), f"/status?seen={serial}&wait=3600")[0] == 200


class TestKnock:
    def test_a_member_that_asks_has_knocked(self, node: Node) -> None:
        began = now()
        get(port_of(node), "/status?from=b")
        assert began <= (node.peer("b").knocked or 0) <= now()

    def test_a_question_that_waits_has_knocked_when_it_came(self, node: Node) -> None:
        serial = get(port_of(node), "/status")[1]["serial"]
        began = now()
        get(port_of(node), f"/status?from=b&seen={serial}&wait=0.4")
        assert (node.peer("b").knocked or 0) - began < 0.3

    @pytest.mark.parametrize("target", ["/status", "/status?from=a", "/status?from=z", "/writer?from=b"])
    def test_nobody_else_has(self, node: Node, target: str) -> None:
        get(port_of(node), target)
        assert node.peer("b").knocked is None

    def test_only_from_its_own_address(self, node: Node) -> None:
        members = json.loads(json.dumps([
            {"name": "a", "address": "127.0.0.1", "port": 3306, "agent_port": 8308, "role": "candidate"},
            {"name": "b", "address": "192.0.2.2", "port": 3306, "agent_port": 8308, "role": "candidate"}]))
        other = Node("a", {"a": 1, "b": 2}, members=members, agent_port=8308, allow=["198.51.100.0/24"])
        endpoints = Endpoints(other.board, other.peers)
        for client, knocks in (("198.51.100.1", False), ("192.0.2.2", True)):
            endpoints.answer(httpd.Question("/status", {"from": "b"}, client, now()), True)
            assert (other.peer("b").knocked is not None) is knocks


class TestHttp:
    def test_the_paths(self, node: Node) -> None:
        port = port_of(node)
        assert get(port, "/writer") == (503, {"writer": False, "phase": "standby"})
        assert get(port, "/reader") == (200, {"reader": True, "lag": 0.0})
        assert get(port, "/reader?max_lag=5&writer=1") == (200, {"reader": True, "lag": 0.0})
        assert get(port, "/reader?max_lag=abc")[0] == 400
        assert get(port, "/reader?max_lag=nan")[0] == 400
        assert get(port, "/metrics")[1].startswith("# HELP mysql_ha_")
        assert get(port, "/other")[0] == 404

    @pytest.mark.parametrize("question", [
        b"OPTIONS /reader HTTP/1.0\r\n\r\n", b"GET /reader HTTP/1.0\r\nHost: x\r\n\r\n",
        b"GET /reader HTTP/1.1\r\nconnection: CLOSE\r\n\r\n",
    ])
    def test_as_health_checkers_ask(self, node: Node, question: bytes) -> None:
        assert exchange(port_of(node), question).startswith(b"HTTP/1.1 200 OK\r\n")

    def test_head_has_no_body(self, node: Node) -> None:
        answer = exchange(port_of(node), b"HEAD /reader HTTP/1.0\r\n\r\n")
        assert answer.endswith(b"\r\n\r\n")
        assert b"Content-Length: 25" in answer

    @pytest.mark.parametrize("question", [
        b"POST /status HTTP/1.1\r\n\r\n", b"GET /status\r\n\r\n", b"\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET /status HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        b"GET /status HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n",
        b"GET /status?" + b"&".join(b"a=1" for _time in range(50)) + b" HTTP/1.1\r\n\r\n",
    ])
    def test_what_is_no_question(self, node: Node, question: bytes) -> None:
        assert exchange(port_of(node), question).startswith(b"HTTP/1.1 400 Bad Request\r\n")

    def test_a_question_without_end_is_dropped(self, node: Node) -> None:
        with contextlib.suppress(ConnectionResetError):
            assert exchange(port_of(node), b"GET /" + b"x" * 20000) == b""

    def test_questions_one_after_another_on_one_connection(self, node: Node) -> None:
        many = 300  # more than there are levels of recursion for
        answers = exchange(port_of(node), b"GET /reader HTTP/1.1\r\n\r\n" * many + b"GET /reader HTTP/1.0\r\n\r\n")
        assert answers.count(b"HTTP/1.1 200 OK") == many + 1

    def test_a_question_that_comes_byte_by_byte_is_answered(self, node: Node) -> None:
        with socket.create_connection(("127.0.0.1", port_of(node)), 3) as connection:
            for byte in b"GET /reader HTTP/1.0\r\n\r\n":
                connection.sendall(bytes([byte]))
            assert connection.recv(100).startswith(b"HTTP/1.1 200")

    def test_slow_clients_hold_up_nobody_and_are_dropped(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(httpd, "PATIENCE", 0.5)
        slow = [socket.create_connection(("127.0.0.1", port_of(node)), 3) for _time in range(50)]
        try:
            for connection in slow:
                connection.sendall(b"GET /status HTTP/1.1\r\nX: ")
            began = time.monotonic()
            assert get(port_of(node), "/reader")[0] == 200
            assert time.monotonic() - began < 0.4
            deadline = time.monotonic() + 2
            for connection in slow:
                connection.settimeout(max(0.01, deadline - time.monotonic()))
                with contextlib.suppress(OSError):
                    connection.sendall(b"y")
                with contextlib.suppress(ConnectionResetError):
                    assert connection.recv(1) == b""
        finally:
            for connection in slow:
                connection.close()

    def test_a_client_that_takes_no_answer_is_dropped(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(httpd, "PATIENCE", 0.5)
        node.seen = replace(node.seen, mysqld=up(replace(OPENED, gtid_executed="u:1" * 3_000_000)))
        node.show()
        with socket.create_connection(("127.0.0.1", port_of(node)), 3) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(b"GET /status HTTP/1.1\r\n\r\n" * 3)
            server = node.server
            assert server is not None
            until(lambda: len(server._clients) == 1)
            until(lambda: not server._clients)

    def test_more_clients_than_there_is_room_for(self, node: Node) -> None:
        crowd = []
        try:
            for _time in range(httpd.MOST_CLIENTS + 20):
                crowd.append(socket.create_connection(("127.0.0.1", port_of(node)), 3))
            assert get(port_of(node), "/reader")[0] == 200
            server = node.server
            assert server is not None
            assert len(server._clients) <= httpd.MOST_CLIENTS
        finally:
            for connection in crowd:
                connection.close()

    def test_a_mistake_costs_one_answer(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("mysql_ha_agent.endpoints.writer", lambda *_arguments: 1 / 0)
        assert get(port_of(node), "/writer")[0] == 500
        assert get(port_of(node), "/writer")[0] == 500
        assert get(port_of(node), "/reader")[0] == 200
        assert len(node.reports) == 1

    def test_a_stranger_is_not_answered(self) -> None:
        port = free_port()
        strangers: list[str] = []

        def refuse(client: str) -> bool:
            strangers.append(client)
            return False

        httpd.Server(
            ["127.0.0.1"], port, refuse, lambda _question, _first: httpd.Answer(200, b""), strangers.append).start()
        with contextlib.suppress(ConnectionResetError):
            assert exchange(port, b"GET /status HTTP/1.0\r\n\r\n") == b""
        assert strangers == ["127.0.0.1"]

    def test_a_port_that_is_taken_is_tried_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(httpd, "BIND_AGAIN", 0.05)
        ports = free_ports("ab")
        with socket.create_server(("127.0.0.1", ports["a"])):
            node = Node("a", ports).serve()
            time.sleep(0.3)
            assert len(node.reports) == 1
            assert "Address already in use" in node.reports[0]

        def answers() -> bool:
            with contextlib.suppress(ConnectionRefusedError):
                return get(ports["a"], "/reader")[0] == 200
            return False

        until(answers)

    def test_an_address_that_is_not_there_yet_can_be_bound(self) -> None:
        reports: list[str] = []
        httpd.Server(["192.0.2.1", "2001:db8::1"], free_port(), lambda _client: True,
                     lambda _question, _first: httpd.Answer(200, b""), reports.append).start()
        assert not reports
