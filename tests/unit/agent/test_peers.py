# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How agents ask each other, over real sockets: news, times, and peers that do not play by the rules."""

from __future__ import annotations

import errno
import json
import socket
import statistics
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_ha_agent import peers as module
from mysql_ha_agent.clock import now
from mysql_ha_agent.config import Member
from mysql_ha_agent.endpoints import FRESH_BOUND
from mysql_ha_agent.link import Link
from mysql_ha_agent.model import Durable
from mysql_ha_agent.peers import Peers, parse
from mysql_ha_agent.telling import status
from mysql_ha_agent.timing import PEER_SILENT
from unit.agent.sockets import Impostor, Node, configuration, flood, free_ports, get, http, saying, tidy, until
from unit.agent.world import CONFIG, KNOWN, NOW, STANDBY, R

TOLD: dict[str, Any] = status(CONFIG, replace(STANDBY, peers=(R,)), KNOWN, NOW, "s-1")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8)

clean = pytest.fixture(autouse=True)(tidy)


def read(body: bytes) -> bool:
    """Whether it is a status; anything but ValueError ends the test."""
    try:
        parse("a", body)
    except ValueError:
        return False
    return True


def refuses(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


class TestParse:
    @given(st.binary(max_size=200))
    def test_no_bytes_crash_it(self, body: bytes) -> None:
        assert not read(body)

    @given(JSON)
    def test_no_json_crashes_it(self, content: Any) -> None:
        assert not read(json.dumps(content).encode())

    @given(st.sampled_from(sorted(TOLD)), JSON)
    def test_no_field_crashes_it(self, key: str, value: Any) -> None:
        read(json.dumps({**TOLD, key: value}).encode())

    @given(st.sampled_from(sorted(TOLD["mysqld"])), JSON)
    def test_no_field_of_mysqld_crashes_it(self, key: str, value: Any) -> None:
        read(json.dumps({**TOLD, "mysqld": {**TOLD["mysqld"], key: value}}).encode())

    @pytest.mark.parametrize("body", [
        b"", b"[]", b"{}", b'{"version": 2}', b'{"version": 1, "instance": "x"}', b"[" * 100_000,
        b'{"version":' * 100_000, b"9" * 5000,
    ])
    def test_what_no_agent_would_say(self, body: bytes) -> None:
        assert not read(body)

    @pytest.mark.parametrize(("key", "value"), [
        ("instance", "b"), ("version", 2), ("generation", -1), ("generation", 10**400), ("generation", 1.5),
        ("generation", True), ("led", 1 << 62), ("phase", 1), ("eligible", 1), ("errant", None),
        ("clock", float("nan")),
        ("clock", 10**400), ("serial", None), ("hears", [{"name": "r", "phase": "writer", "age": float("inf")}]),
        ("hears", 1), ("mysqld", None),
    ])
    def test_a_value_that_no_agent_would_say(self, key: str, value: Any) -> None:
        assert read(json.dumps(TOLD).encode())
        assert not read(json.dumps({**TOLD, key: value}).encode())

    @pytest.mark.parametrize(("gtid_set", "one"), [
        ("", True), ("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7:tag_1:1-3,u:9", True),
        ("u:1-9'", False), ("nonsense!", False), ("u:1-9\n", False), (None, False),
    ])
    def test_a_set_of_gtids_is_one(self, gtid_set: Any, one: bool) -> None:
        assert read(json.dumps({**TOLD, "mysqld": {**TOLD["mysqld"], "gtid_executed": gtid_set}}).encode()) is one

    def test_without_a_channel(self) -> None:
        peer = parse("a", json.dumps({**TOLD, "mysqld": {**TOLD["mysqld"], "channels": []}}).encode()).peer
        assert (peer.has_channel, peer.receiving, peer.lag) == (False, False, None)


@pytest.fixture
def ports() -> dict[str, int]:
    return free_ports("abr")


@pytest.fixture
def pair(ports: dict[str, int]) -> tuple[Node, Node]:
    """Two agents that know each other; of the reader there is none."""
    nodes = Node("a", ports).start(), Node("b", ports).start()
    until(lambda: bool(nodes[0].peer("b").answered and nodes[1].peer("a").answered))
    return nodes


class TestLive:
    def test_a_change_is_known_at_once(self, pair: tuple[Node, Node]) -> None:
        a, b = pair
        took = []
        for phase in ("promoting", "writer", "demoting", "held", "standby"):
            time.sleep(0.1)  # no question is on its way
            began = time.monotonic()
            b.show(phase=phase)
            until(lambda phase=phase: a.peer("b").phase == phase)  # type: ignore[misc]
            took.append(time.monotonic() - began)
        assert statistics.median(took) < 0.1  # without news it takes a quarter of a second on average

    def test_on_a_quiet_day_both_are_heard_all_the_time(self, pair: tuple[Node, Node]) -> None:
        a, _b = pair
        for _time in range(15):
            time.sleep(0.1)
            peer = a.peer("b")
            assert now() - (peer.answered or 0) < 1.3
            assert now() - (peer.knocked or 0) < 0.8
            assert not peer.error

    def test_a_question_to_all_is_put_while_another_waits(self, pair: tuple[Node, Node]) -> None:
        a, _b = pair
        time.sleep(0.1)
        began = now()
        a.peers.ask()
        until(lambda: (a.peer("b").asked or 0) >= began)
        assert now() - began < 0.3
        assert (a.peer("b").answered or 0) >= began

    def test_a_fresh_answer_comes_when_its_own_peers_have_answered(self, ports: dict[str, int]) -> None:
        b, _a, _r = (Node(name, ports).start() for name in "bar")
        until(lambda: all(peer.answered is not None for peer in b.peers.seen()))
        took = []
        for _time in range(5):
            time.sleep(0.15)
            began = time.monotonic()
            told = get(ports["b"], "/status?from=a&fresh=1")[1]
            took.append(time.monotonic() - began)
            # What waits there for news was asked up to half a second ago.
            assert {heard["name"] for heard in told["hears"] if heard["age"] <= took[-1]} == {"a", "r"}
        assert statistics.median(took) < 0.8 * FRESH_BOUND

    def test_a_fresh_answer_is_bounded(self, ports: dict[str, int]) -> None:
        """The reader accepts connections and says nothing."""
        with socket.create_server(("127.0.0.1", ports["r"])):
            Node("b", ports).start()
            time.sleep(0.1)
            began = time.monotonic()
            assert get(ports["b"], "/status?from=a&fresh=1")[1]["instance"] == "b"
            assert 0.05 < time.monotonic() - began < 0.4

    def test_whoever_fell_silent_long_ago_is_not_waited_for(self, ports: dict[str, int]) -> None:
        b, _a, reader = (Node(name, ports).start() for name in "bar")
        until(lambda: all(peer.answered is not None for peer in b.peers.seen()))
        reader.stop()
        until(lambda: refuses(ports["r"]))
        with socket.create_server(("127.0.0.1", ports["r"])):
            time.sleep(PEER_SILENT + 1.5)
            took = []
            for _time in range(5):
                began = time.monotonic()
                get(ports["b"], "/status?from=a&fresh=1")
                took.append(time.monotonic() - began)
        assert statistics.median(took) < 0.5 * FRESH_BOUND

    def test_two_that_ask_each_other_anew_come_to_an_end(
        self, pair: tuple[Node, Node], monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        put, fresh = Peers._put, []

        def note(self: Peers, link: Link, member: Member, query: str, bound: float) -> bool:
            if "fresh" in query:
                fresh.append(member.name)
            return put(self, link, member, query, bound)

        monkeypatch.setattr(Peers, "_put", note)
        for node in pair:
            node.peers.ask()
        time.sleep(0.5)
        assert sorted(fresh) == ["a", "b", "r", "r"]


class TestRefused:
    def test_where_no_agent_runs(self, ports: dict[str, int]) -> None:
        a = Node("a", ports)
        began = now()
        a.peers.start()
        until(lambda: a.peer("b").refused is not None)
        peer = a.peer("b")
        assert began <= (peer.refused or 0) <= (peer.asked or 0) <= now()
        assert peer.answered is None
        assert "refused" in peer.error

    def test_the_end_of_an_agent_is_known_at_once(self, ports: dict[str, int]) -> None:
        connections: list[socket.socket] = []
        body = json.dumps({**TOLD, "instance": "b"}).encode()
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body

        def speak_once(connection: socket.socket) -> None:
            connections.append(connection)
            connection.recv(1000)
            connection.sendall(answer)
            connection.recv(1000)
            time.sleep(1)

        impostor = Impostor(ports["b"], speak_once)
        a = Node("a", ports)
        a.peers.start()
        until(lambda: a.peer("b").answered is not None)
        assert a.peer("b").refused is None or (a.peer("b").refused or 0) < (a.peer("b").answered or 0)
        began = now()
        impostor.close()
        for connection in connections:
            connection.shutdown(socket.SHUT_RDWR)
        until(lambda: (a.peer("b").refused or 0) >= began - 0.5)
        assert now() - began < 0.5

    def test_an_agent_that_comes_back_is_heard_soon(self, ports: dict[str, int]) -> None:
        a = Node("a", ports)
        a.peers.start()
        until(lambda: a.peer("b").refused is not None)
        Node("b", ports).serve()
        until(lambda: a.peer("b").answered is not None)
        assert not a.peer("b").error

    def test_silence_is_no_refusal(self, ports: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "BOUND", 0.2)
        monkeypatch.setattr(module, "WAIT", 0.1)
        with socket.create_server(("127.0.0.1", ports["b"])):
            a = Node("a", ports)
            a.peers.start()
            until(lambda: a.peer("b").asked is not None)
            assert a.peer("b").error == "timed out"
            assert a.peer("b").refused is None


def drip(connection: socket.socket) -> None:
    """A whole, right answer, but a byte every 50 ms."""
    connection.recv(1000)
    for byte in http(json.dumps({**TOLD, "instance": "b"}).encode()):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


BAD: dict[str, Any] = {
    "slow": drip,
    "flood": flood,
    "garbage": saying(b"SSH-2.0-OpenSSH_10.1\r\n\r\n"),
    "binary": saying(bytes(range(256)) * 10 + b"\r\n\r\n"),
    "huge body": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n"),
    "no length": saying(b"HTTP/1.1 200 OK\r\n\r\n{}"),
    "another name": saying(http(json.dumps(TOLD).encode())),
    "an error": saying(http(b"{}", b"HTTP/1.1 500 Oh\r\n")),
    "no JSON": saying(http(b"{")),
    "two answers": saying(http(b"{}") * 2),
    "half an answer": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
    "nothing": lambda connection: None,
}


class TestBadPeers:
    @pytest.mark.parametrize("kind", sorted(BAD))
    def test_it_is_an_error_within_the_bound_and_the_others_are_heard(
        self, kind: str, ports: dict[str, int], monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(module, "BOUND", 0.4)
        monkeypatch.setattr(module, "WAIT", 0.2)
        Impostor(ports["b"], BAD[kind])
        Node("r", ports).serve()
        a = Node("a", ports)
        began = time.monotonic()
        a.peers.start()
        until(lambda: bool(a.peer("b").error))
        assert time.monotonic() - began < 1.2
        assert a.peer("b").answered is None
        assert a.peer("b").refused is None
        until(lambda: a.peer("r").answered is not None)
        a.peers.ask()
        began = now()
        until(lambda: (a.peer("b").asked or 0) > began - 0.1)

    def test_a_peer_that_changes_all_the_time_is_not_asked_all_the_time(self, ports: dict[str, int]) -> None:
        asked = [0]
        body = http(json.dumps({**TOLD, "instance": "b"}).encode())

        def chatter(connection: socket.socket) -> None:
            while connection.recv(1000):
                asked[0] += 1
                connection.sendall(body)

        Impostor(ports["b"], chatter)
        a = Node("a", ports)
        a.peers.start()
        time.sleep(0.6)
        assert 10 < asked[0] < 40


@pytest.mark.parametrize(("told", "error"), [
    ({}, ""), ({"cluster": "staging"}, "it belongs to another cluster, staging"),
    ({"generation": (1 << 62) - 1}, "it tells of more promotions than there can have been"),
    ({"led": module.MOST_AT_ONCE + 1}, "it tells of more promotions than there can have been"),
    ({"generation": module.MOST_AT_ONCE}, ""),
])
def test_a_generation_from_elsewhere_is_not_believed(ports: dict[str, int], told: dict[str, Any], error: str) -> None:
    Impostor(ports["b"], saying(http(json.dumps({**TOLD, "instance": "b", **told}).encode())))
    a = Node("a", ports)
    a.peers.start()
    until(lambda: a.peer("b").asked is not None)
    peer = a.peer("b")
    assert peer.error == error
    assert (peer.answered is None) is bool(error)
    assert peer.generation == (0 if error else told.get("generation", TOLD["generation"]))


class TestOrder:
    @staticmethod
    def answer(clock: float, serial: str = "s-1", **changes: Any) -> bytes:
        return json.dumps({**TOLD, "instance": "b", "clock": clock, "serial": serial, **changes}).encode()

    @pytest.fixture
    def known(self) -> Peers:
        return Peers(configuration("a", {"a": 1, "b": 2}), lambda: None)

    def test_of_two_answers_that_crossed_the_later_told_counts(self, known: Peers) -> None:
        known._answered(parse("b", self.answer(20.0, phase="writer")), sent=5.0)
        known._answered(parse("b", self.answer(19.0, phase="promoting")), sent=6.0)
        peer = known.seen()[0]
        assert (peer.phase, peer.asked, peer.answered) == ("writer", 6.0, 6.0)

    def test_an_agent_that_was_started_anew_is_believed(self, known: Peers) -> None:
        """Its host may have been, so its clock may have gone back."""
        known._answered(parse("b", self.answer(20.0, phase="writer")), sent=5.0)
        known._answered(parse("b", self.answer(2.0, "t-1", phase="standby")), sent=6.0)
        assert known.seen()[0].phase == "standby"

    def test_times_never_go_back(self, known: Peers) -> None:
        known._answered(parse("b", self.answer(20.0)), sent=6.0)
        known._failed("b", 5.0, ConnectionRefusedError("refused"))
        known._answered(parse("b", self.answer(21.0)), sent=4.0)
        peer = known.seen()[0]
        assert (peer.asked, peer.answered, peer.refused, peer.error) == (6.0, 6.0, 5.0, "")

    def test_what_a_peer_heard_is_counted_from_our_question(self, known: Peers) -> None:
        """Ours waited there for half a second: what was 0.3 s old in the answer came 0.2 s after our question."""
        told = parse("b", self.answer(20.0, hears=[{"name": "r", "phase": "writer", "age": 0.3}]))
        known._answered(told, sent=now() - 0.5)
        assert known.seen()[0].hears[0][2] == pytest.approx(-0.2, abs=0.05)

    def test_a_failure_keeps_what_was_said(self, known: Peers) -> None:
        known._answered(parse("b", self.answer(20.0, phase="writer")), sent=6.0)
        known._failed("b", 7.0, TimeoutError("timed out"))
        peer = known.seen()[0]
        assert (peer.phase, peer.asked, peer.answered, peer.error) == ("writer", 7.0, 6.0, "timed out")

    def test_only_news_wake(self) -> None:
        woken = [0]

        def wake() -> None:
            woken[0] += 1

        known = Peers(configuration("a", {"a": 1, "b": 2}), wake)
        known._answered(parse("b", self.answer(20.0)), sent=6.0)
        assert woken == [1]
        known._answered(parse("b", self.answer(20.5)), sent=6.5)
        known.knock("b", None)
        assert woken == [1]
        known._answered(parse("b", self.answer(21.0, "s-2")), sent=7.0)
        assert woken == [2]
        for _time in range(3):
            known._failed("b", 8.0, TimeoutError("timed out"))
        assert woken == [3]


def test_what_is_saved_reaches_the_peers(pair: tuple[Node, Node]) -> None:
    a, b = pair
    b.seen = replace(b.seen, saved=Durable(generation=8, led=8))
    b.show()
    until(lambda: (a.peer("b").generation, a.peer("b").led) == (8, 8))
