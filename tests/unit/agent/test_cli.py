# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command mysql-ha, against agents on real sockets and without any."""

from __future__ import annotations

import json
import shutil
import socket
import time
from dataclasses import replace
from typing import Any

import pytest

from mysql_ha_agent import verbs
from mysql_ha_agent.lib._connection import MysqlError
from mysql_ha_agent.model import Durable
from unit.agent.command import Host
from unit.agent.sockets import tidy, until
from unit.agent.world import CHANNEL, CLOSED, OPENED, up

clean = pytest.fixture(autouse=True)(tidy)


class TestQuestions:
    def test_status(self, host: Host, mysql_ha: Any) -> None:
        host.agent().serve()
        writer = host.agent("b")
        writer.state = replace(writer.state, phase="writer")
        writer.serve()
        done = mysql_ha("status")
        assert done.status == 0
        assert done.out.splitlines()[2].split()[:3] == ["a", "candidate", "standby"]
        assert done.out.splitlines()[3].split()[:3] == ["b", "candidate", "writer"]
        assert "NOT REDUNDANT: No other candidate may lead: a does not answer." in done.out

    def test_status_without_a_writer(self, host: Host, mysql_ha: Any) -> None:
        host.agent().serve()
        done = mysql_ha("status")
        assert (done.status, done.error) == (1, "")
        assert "no agent runs there" in done.out
        assert "NO WRITER" in done.out

    def test_status_as_json(self, host: Host, mysql_ha: Any) -> None:
        host.agent().serve()
        told = json.loads(mysql_ha("status", "--json").out)
        assert told["cluster"] == "orders"
        assert [answer["instance"] for answer in told["instances"]] == ["a", "b"]
        assert told["instances"][0]["version"] == 1
        assert told["instances"][1] == {"instance": "b", "role": "candidate", "error": "no agent runs there"}

    def test_status_again_and_again(self, host: Host, mysql_ha: Any) -> None:
        host.agent().serve()
        began = time.monotonic()
        done = mysql_ha("status", "--watch", "0.2", "--count", "3")
        assert done.out.count("cluster orders") == 3
        assert 0.4 <= time.monotonic() - began < 2
        assert "\033" not in done.out

    def test_ctrl_c(self, host: Host, mysql_ha: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(_seconds: float) -> None:
            raise KeyboardInterrupt

        host.agent().serve()
        monkeypatch.setattr(time, "sleep", interrupt)
        assert mysql_ha("status", "--watch").status == 130

    @pytest.mark.parametrize("seconds", ["0", "-1", "x", "1e9"])
    def test_a_watch_that_is_none(self, mysql_ha: Any, seconds: str) -> None:
        assert mysql_ha("status", "--watch", seconds).status == 2

    def test_an_agent_that_hangs_is_waited_for_within_the_bound(
        self, host: Host, mysql_ha: Any, monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("mysql_ha_agent.asking.BOUND", 0.3)
        with socket.create_server(("127.0.0.1", host.ports["a"])), socket.create_server(("127.0.0.1", host.ports["b"])):
            began = time.monotonic()
            done = mysql_ha("status")
            assert time.monotonic() - began < 1
        assert done.out.count("timed out") == 2

    def test_explain(self, host: Host, mysql_ha: Any) -> None:
        agent = host.agent().serve()
        assert mysql_ha("explain").status == 0
        agent.show(reasons=("It is held: x.",))
        until(lambda: agent.board.state.reasons != ())
        done = mysql_ha("explain")
        assert done.status == 1
        assert "It may not hold the writer VIP:\n  It is held: x.\n" in done.out

    def test_explain_without_an_agent(self, mysql_ha: Any) -> None:
        done = mysql_ha("explain")
        assert (done.status, done.error) == (1, "mysql-ha: the agent of a does not answer: no agent runs there\n")


class TestWhichInstance:
    def test_with_several_it_must_be_named(self, host: Host, mysql_ha: Any) -> None:
        shutil.copy(host.etc / "a.json", host.etc / "z.json")
        assert "name one with --instance" in mysql_ha("release").error
        assert mysql_ha("release", "--instance", "a").status == 0

    def test_one_that_is_not_there(self, mysql_ha: Any) -> None:
        done = mysql_ha("status", "--instance", "q")
        assert done.status == 78
        assert done.error.count("\n") == 1

    def test_a_bad_configuration_has_a_line_for_each_bad_key(self, host: Host, mysql_ha: Any) -> None:
        host.configure(vip="x", lease=-1)
        done = mysql_ha("validate", "--config", str(host.etc / "a.json"))
        assert done.status == 78
        assert [line.split(":")[0] for line in done.error.splitlines()] == ["vip", "lease"]

    def test_a_good_one_has_none(self, host: Host, mysql_ha: Any) -> None:
        done = mysql_ha("validate", "--config", str(host.etc / "a.json"))
        assert (done.status, done.out, done.error) == (0, "", "")


class Closed:
    """In the place of guard.Server: what is done without the agent."""

    calls = 0
    error: Exception | None = None

    def __init__(self, config: Any) -> None:
        assert config.mysql_user != "mysql-ha"

    def close_for_writes(self) -> str:
        Closed.calls += 1
        if Closed.error:
            raise Closed.error
        return "writes closed"


@pytest.fixture
def without_agent(monkeypatch: pytest.MonkeyPatch) -> type[Closed]:
    monkeypatch.setattr(verbs, "Server", Closed)
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    monkeypatch.setattr(verbs, "AGENT_BOUND", 0.2)
    Closed.calls, Closed.error = 0, None
    return Closed


class TestDemote:
    def test_by_the_agent(self, host: Host, mysql_ha: Any, without_agent: type[Closed]) -> None:
        agent = host.agent()
        agent.seen = replace(agent.seen, mysqld=up(OPENED))
        agent.state = replace(agent.state, phase="writer")
        agent.serve()
        assert mysql_ha("demote", "--hold", "new memory").status == 0
        assert host.path("hold").read_text() == "new memory\n"
        assert without_agent.calls == 0

    def test_without_an_agent(self, host: Host, mysql_ha: Any, without_agent: type[Closed]) -> None:
        done = mysql_ha("demote")
        assert (done.status, without_agent.calls) == (0, 1)
        assert done.error == "mysql-ha: the agent did not close it: writes closed\n"
        assert host.path("hold").read_text() == "demoted by hand\n"

    def test_by_hand_when_the_agent_does_not(self, host: Host, mysql_ha: Any, without_agent: type[Closed]) -> None:
        agent = host.agent()
        agent.obeys = False
        agent.serve()
        began = time.monotonic()
        assert mysql_ha("demote").status == 0
        assert time.monotonic() - began < 3
        assert without_agent.calls == 1

    @pytest.mark.parametrize(("receiver", "waits"), [("Yes", True), ("Connecting", True), ("No", False)])
    def test_a_standby_stops_when_it_has_taken_leave(
        self, host: Host, mysql_ha: Any, monkeypatch: pytest.MonkeyPatch, receiver: str, waits: bool,
    ) -> None:
        agent = host.agent()
        agent.closed = replace(CLOSED, channels=(replace(CHANNEL, receiver=receiver),))
        agent.serve()
        monkeypatch.setattr(verbs, "LEAVE_BOUND", 1.5)
        began = time.monotonic()
        assert mysql_ha("demote", "--hold", "mysqld stops").status == 0
        assert (time.monotonic() - began > 1.4) is waits

    def test_nobody_can(self, mysql_ha: Any, without_agent: type[Closed]) -> None:
        without_agent.error = MysqlError("Access denied")
        done = mysql_ha("demote")
        assert (done.status, done.error) == (1, "mysql-ha: mysqld could not be closed for writes: Access denied\n")

    def test_release(self, host: Host, mysql_ha: Any) -> None:
        host.path("hold").write_text("mysqld stops\n")
        assert mysql_ha("release", "--hold", "another").status == 0
        assert host.path("hold").exists()
        assert mysql_ha("release", "--hold", "mysqld stops").status == 0
        assert not host.path("hold").exists()
        assert mysql_ha("release").status == 0


class TestLeaveVip:
    @pytest.fixture(autouse=True)
    def removed(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
        """From now on no VIP is removed, and nothing is looked for on this machine's wires."""
        calls: list[tuple[str, str]] = []
        monkeypatch.setattr("mysql_ha_agent.vip.remove", lambda vip, interface: calls.append((str(vip), interface)))
        for name in ("begin", "see_off"):
            monkeypatch.setattr(f"mysql_ha_agent.departure.Departure.{name}", lambda departure: None)
        return calls

    def test_closed_before_the_vip_goes(
        self, host: Host, mysql_ha: Any, monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        agent = host.agent()
        agent.seen = replace(agent.seen, mysqld=up(OPENED))
        agent.serve()
        closed: list[Any] = []

        def remove(_vip: object, _interface: str) -> None:
            closed.append(agent.board.status(0)["mysqld"]["read_only"])

        monkeypatch.setattr("mysql_ha_agent.vip.remove", remove)
        assert mysql_ha("leave-vip").status == 0
        assert closed == [True]
        assert not host.path("hold").exists()

    def test_without_an_agent(
        self, mysql_ha: Any, removed: list[tuple[str, str]], without_agent: type[Closed],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        seen_off: list[int] = []
        monkeypatch.setattr(
            "mysql_ha_agent.departure.Departure.see_off", lambda departure: seen_off.append(len(removed)))
        assert mysql_ha("leave-vip").status == 0
        assert (without_agent.calls, removed) == (1, [("10.0.0.100/24", "eth0")])
        assert seen_off == [1], "the clients are seen off once the VIP has left"

    def test_the_vip_goes_even_if_nothing_can_be_closed(
        self, host: Host, mysql_ha: Any, removed: list[tuple[str, str]], without_agent: type[Closed],
    ) -> None:
        without_agent.error = OSError("no")
        assert mysql_ha("leave-vip").status == 1
        assert len(removed) == 1
        assert not host.path("hold").exists()

    def test_somebody_elses_hold_stays(
        self, host: Host, mysql_ha: Any, removed: list[tuple[str, str]], without_agent: type[Closed],
    ) -> None:
        host.path("hold").write_text("clone\n")
        assert mysql_ha("leave-vip").status == 0
        assert host.path("hold").read_text() == "clone\n"


class TestPause:
    def test_and_resume(self, host: Host, mysql_ha: Any) -> None:
        host.agent().serve()
        done = mysql_ha("pause", "moving", "racks")
        assert (done.status, done.error) == (0, "")
        assert host.path("pause").read_text() == "moving racks\n"
        assert mysql_ha("resume").status == 0
        assert not host.path("pause").exists()
        assert mysql_ha("resume").status == 0

    def test_without_an_agent_it_says_so(self, host: Host, mysql_ha: Any) -> None:
        done = mysql_ha("pause")
        assert done.status == 0
        assert "it will follow when it runs" in done.error
        assert host.path("pause").read_text() == "by hand\n"


def test_a_memory_that_is_not_known_to_the_cluster_does_not_matter(host: Host, mysql_ha: Any) -> None:
    """A quarantined instance has its line in the table of all."""
    agent = host.agent()
    agent.seen = replace(agent.seen, saved=Durable(3, errant="u:99"))
    agent.serve()
    assert "a is QUARANTINED: only it has the transactions u:99." in mysql_ha("status").out
