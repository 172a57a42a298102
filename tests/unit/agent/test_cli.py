# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command mysql-ha: against agents on real sockets, without any, and its man page and completion."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mysql_ha_agent import cli, trackfile, verbs
from mysql_ha_agent.lib._connection import MysqlError
from mysql_ha_agent.model import Comparison, Durable, Seen
from unit.agent.sockets import Node, free_ports, tidy, until
from unit.agent.world import CLOSED, KEYS, OPENED, up

FILES = Path(__file__).parents[3] / "roles" / "agent" / "files"
clean = pytest.fixture(autouse=True)(tidy)


class Host:
    """One machine with the instance `a`: its configuration and small files in a directory of the test."""

    def __init__(self, directory: Path) -> None:
        self.ports = free_ports("ab")
        names = ("track", "hold", "state", "lead", "pause", "request")
        self.files = {f"{name}_file": str(directory / f"a.{name}") for name in names}
        self.files["socket"] = str(directory / "mysqld.sock")
        self.etc = directory / "etc"
        self.etc.mkdir()
        members = [{"name": name, "address": "127.0.0.1", "port": 3306, "agent_port": port, "role": "candidate"}
                   for name, port in self.ports.items()]
        self.keys = {**KEYS, **self.files, "address": "127.0.0.1", "agent_port": self.ports["a"], "members": members,
                     "hang_timeout": 0.3}
        self.configure()

    def configure(self, **changes: Any) -> None:
        (self.etc / "a.json").write_text(json.dumps({**self.keys, **changes}))

    def agent(self, name: str = "a", **changes: Any) -> Agent:
        return Agent(name, self.ports, step=0.01, **self.files, **changes)

    def path(self, name: str) -> Path:
        return Path(self.files[f"{name}_file"])


class Agent(Node):
    """Follows the small files as an agent does, as far as the command can see it."""

    obeys = True

    def _see(self) -> Seen:
        hold = trackfile.read_hold(self.config.hold_file)
        if self.obeys and hold is not None and self.config.instance == "a":
            self.state = replace(self.state, phase="held")
            self.seen = replace(self.seen, mysqld=up(CLOSED))
        if self.obeys and trackfile.read_request(self.config.request_file) and self.config.instance == "a":
            self.state = replace(self.state, phase="writer", reasons=())
        paused = trackfile.paused(self.config.pause_file)
        return replace(super()._see(), hold=hold, paused=paused)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(tmp_path)
    monkeypatch.setattr(cli, "DIRECTORY", made.etc)
    return made


class Result:
    def __init__(self, status: int, out: str, error: str) -> None:
        self.status, self.out, self.error = status, out, error


@pytest.fixture
def mysql_ha(host: Host, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: str) -> Result:
        try:
            status = cli.main(list(words))
        except SystemExit as end:
            status = int(str(end.code))
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return run


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
        calls: list[tuple[str, str]] = []
        monkeypatch.setattr("mysql_ha_agent.vip.remove", lambda vip, interface: calls.append((str(vip), interface)))
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
    ) -> None:
        assert mysql_ha("leave-vip").status == 0
        assert (without_agent.calls, removed) == (1, [("10.0.0.100/24", "eth0")])

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

    def test_a_paused_instance_stays_open(
        self, host: Host, mysql_ha: Any, removed: list[tuple[str, str]], without_agent: type[Closed],
    ) -> None:
        host.path("pause").write_text("x\n")
        assert mysql_ha("leave-vip").status == 0
        assert (without_agent.calls, len(removed)) == (0, 1)


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


def test_a_memory_that_is_not_known_to_the_cluster_does_not_matter(host: Host, mysql_ha: Any) -> None:
    """A quarantined instance has its line in the table of all."""
    agent = host.agent()
    agent.seen = replace(agent.seen, saved=Durable(3, errant="u:99"))
    agent.serve()
    assert "a is QUARANTINED: only it has the transactions u:99." in mysql_ha("status").out


# ---- man page and completion -----------------------------------------------------------------------------------------


def parsers() -> dict[str, argparse.ArgumentParser]:
    actions = cli.parser()._actions
    return next(dict(action.choices) for action in actions if isinstance(action, argparse._SubParsersAction))


def options_of(verb: str) -> set[str]:
    return {name for action in parsers()[verb]._actions for name in action.option_strings} - {"-h", "--help"}


def man_page() -> str:
    text = (FILES / "mysql-ha.1").read_text(encoding="utf-8").replace("\\-", "-").replace("\\&", "")
    return re.sub(r"\\f[IRB]", "", text)


def section(name: str) -> str:
    return man_page().partition(f"\n.SH {name}\n")[2].partition("\n.SH ")[0]


def test_the_man_page_has_every_verb_and_no_other() -> None:
    assert re.findall(r"^\.TP\n\.B (\S+)$", section("VERBS"), re.MULTILINE) == list(parsers())


def test_the_synopsis_has_the_options_of_every_verb() -> None:
    found = {}
    for entry in section("SYNOPSIS").split(".br\n"):
        words = re.sub(r"^\.\w+ ?", "", entry, flags=re.MULTILINE).replace("\n", " ")
        found[words.split()[1]] = set(re.findall(r"--[a-z-]+", words))
    assert found == {verb: options_of(verb) for verb in parsers()}


def test_the_man_page_describes_every_option() -> None:
    described = re.findall(r"^\.TP\n\.B[IR]? (--[a-z-]+)", section("OPTIONS"), re.MULTILINE)
    assert sorted(described) == sorted(set().union(*map(options_of, parsers())))


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_man_page_is_well_formed() -> None:
    page = FILES / "mysql-ha.1"
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def completed(*words: str, directory: Path | None = None) -> list[str]:
    script = (
        f'source {FILES / "mysql-ha.bash-completion"}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mysql_ha;'
        ' printf "%s\\n" "${COMPREPLY[@]}"')
    environment = {"PATH": "/usr/bin:/bin", "MYSQL_HA_DIRECTORY": str(directory)}
    done = subprocess.run(
        ["bash", "-c", script, "bash", "mysql-ha", *words], capture_output=True, text=True, check=True, env=environment)
    assert not done.stderr
    return done.stdout.split()


class TestCompletion:
    def test_the_verbs(self) -> None:
        assert completed("") == [*parsers(), "-h", "--help"]
        assert completed("re") == ["release", "resume"]

    def test_the_options_of_every_verb(self) -> None:
        for verb in parsers():
            assert set(completed(verb, "-")) == {*options_of(verb), "-h", "--help"}, verb

    def test_the_instances(self, tmp_path: Path) -> None:
        for name in ("orders-a", "orders-b", "billing"):
            (tmp_path / f"{name}.json").touch()
        assert completed("status", "--instance", "", directory=tmp_path) == ["billing", "orders-a", "orders-b"]
        assert completed("status", "--instance", "b", directory=tmp_path) == ["billing"]

    def test_no_instance(self, tmp_path: Path) -> None:
        assert completed("status", "--instance", "", directory=tmp_path) == []
