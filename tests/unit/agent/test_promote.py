# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""mysql-ha promote."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from mysql_ha_agent import trackfile, verbs
from mysql_ha_agent.model import Comparison
from unit.agent.command import Host
from unit.agent.sockets import tidy
from unit.agent.world import CLOSED, up

clean = pytest.fixture(autouse=True)(tidy)
LEFT_BEHIND = ("It was left behind: b may have acknowledged writes that are not here.",)


class TestPromote:
    def test_a_takeover_is_approved(self, host: Host, mysql_ha: Any) -> None:
        host.agent().serve()
        done = mysql_ha("promote")
        assert (done.status, done.out) == (0, "a is the writer.\n")
        assert not host.path("request").exists()

    def test_it_is_the_writer_already(self, host: Host, mysql_ha: Any) -> None:
        agent = host.agent()
        agent.state = replace(agent.state, phase="writer")
        agent.serve()
        assert mysql_ha("promote").out == "a is the writer already.\n"

    def test_not_while_a_writer_answers(self, host: Host, mysql_ha: Any) -> None:
        host.agent().serve()
        writer = host.agent("b")
        writer.state = replace(writer.state, phase="writer")
        writer.serve()
        for options in ([], ["--accept-data-loss", "--yes"]):
            done = mysql_ha("promote", *options)
            assert done.status == 1
            assert done.error.startswith("mysql-ha: b is the writer, and answers")

    def test_not_while_the_agent_hears_a_writer(self, host: Host, mysql_ha: Any) -> None:
        """The command itself cannot reach it: its port answers the agent's question only."""
        agent = host.agent()
        heard = replace(agent.peers.seen()[0], phase="writer", answered=time.clock_gettime(time.CLOCK_BOOTTIME))
        agent.peers._peers["b"] = heard
        agent.serve()
        done = mysql_ha("promote", "--accept-data-loss", "--yes")
        assert done.status == 1
        assert "b was heard as the writer" in done.error

    def test_what_may_not_lead_needs_the_option(self, host: Host, mysql_ha: Any) -> None:
        agent = host.agent()
        agent.state = replace(agent.state, reasons=LEFT_BEHIND)
        agent.serve()
        done = mysql_ha("promote")
        assert (done.status, done.error) == (1, f"mysql-ha: a may not lead: {LEFT_BEHIND[0]}\n")

    def test_a_reader_never(self, host: Host, mysql_ha: Any) -> None:
        members = [{**member, "role": "reader"} for member in host.keys["members"][:1]]
        host.configure(role="reader", members=members)
        host.agent(role="reader", members=members).serve()
        assert "a reader never leads" in mysql_ha("promote", "--accept-data-loss", "--yes").error

    def test_what_would_be_lost_is_said_first(self, host: Host, mysql_ha: Any) -> None:
        agent = host.agent()
        more = Comparison(of_set="u:1-12", peer_extra="u:10-12", own_extra="", lacks=False)
        agent.seen = replace(agent.seen, mysqld=up(replace(CLOSED, comparisons=(("", more),))))
        agent.state = replace(agent.state, reasons=LEFT_BEHIND, writer="b")
        agent.serve()
        done = mysql_ha("promote", "--accept-data-loss", "--yes")
        assert done.status == 0
        assert done.out.splitlines() == [
            "b, the last writer, had u:10-12, which is not here and would be lost.",
            "b does not answer (no agent runs there): what only it has is not known and would be lost.",
            "a is the writer.",
        ]

    def test_without_a_terminal_it_needs_yes(self, host: Host, mysql_ha: Any) -> None:
        host.agent().serve()
        done = mysql_ha("promote", "--accept-data-loss")
        assert (done.status, done.error) == (1, "mysql-ha: without a terminal to ask on, --yes is needed\n")
        assert not host.path("request").exists()

    @pytest.mark.parametrize(("typed", "status"), [("a", 0), (" a ", 0), ("y", 1), ("", 1)])
    def test_on_a_terminal_it_asks(
        self, host: Host, mysql_ha: Any, monkeypatch: pytest.MonkeyPatch, typed: str, status: int,
    ) -> None:
        host.agent().serve()
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", lambda _prompt: typed)
        assert mysql_ha("promote", "--accept-data-loss").status == status

    def test_not_in_time(self, host: Host, mysql_ha: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(verbs, "PROMOTE_BOUND", 0.5)
        agent = host.agent()
        agent.obeys = False
        agent.state = replace(agent.state, phase="promoting", waiting="everything received to be applied")
        agent.serve()
        requests: list[str | None] = []
        threading.Timer(0.2, lambda: requests.append(trackfile.read_request(str(host.path("request"))))).start()
        done = mysql_ha("promote")
        assert requests == ["promote"]
        assert done.status == 3
        assert done.error == (
            "mysql-ha: a is not the writer after 0.5 s: it waits for everything received to be applied\n")
        assert not host.path("request").exists()

    def test_two_people_do_not_ask_at_once(self, host: Host, mysql_ha: Any) -> None:
        agent = host.agent()
        agent.obeys = False
        agent.serve()
        host.path("request").write_text("promote\n")
        assert "somebody else asks" in mysql_ha("promote").error
        assert host.path("request").exists()

    def test_what_a_killed_command_left_is_replaced(self, host: Host, mysql_ha: Any) -> None:
        host.agent().serve()
        host.path("request").write_text("rubbish\n")
        os.utime(host.path("request"), (0, 0))
        assert mysql_ha("promote").status == 0
        assert not host.path("request").exists()

    def test_without_an_agent(self, mysql_ha: Any) -> None:
        assert mysql_ha("promote").error == "mysql-ha: the agent of a does not answer: no agent runs there\n"
