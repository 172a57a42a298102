# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The agent's sessions are watched, opened anew, and kept when further ones cannot be had."""

from __future__ import annotations

import gc
import os
import socket
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mysql_ha_agent import events, mysqld, sessions
from mysql_ha_agent import watch as watching
from mysql_ha_agent.clock import now
from mysql_ha_agent.eligibility import reasons_against
from mysql_ha_agent.lib._connection import MysqlError
from mysql_ha_agent.mysqld import Instance, process_behind
from mysql_ha_agent.sessions import OTHERS, SESSIONS, WATCH, NotThere, dial, listens
from mysql_ha_agent.view import View
from mysql_ha_agent.watch import Watch
from unit.agent.world import CONFIG, KNOWN, LED, NOW, STANDBY, WRITER, config, up

CROWDED = MysqlError("Too many connections", 1040)


class Mysqld:
    """Answers as many logins as it allows."""

    def __init__(self) -> None:
        self.most = 100
        self.limits: list[int] = []
        self.far: dict[int, socket.socket] = {}
        self._near: list[socket.socket] = []

    def dial(self, path: str, user: str, timeout: float) -> Any:
        if len(self.far) >= self.most:
            raise CROWDED
        near, far = socket.socketpair()
        self._near.append(near)
        number = max(self.far, default=0) + 1
        self.far[number] = far
        return Session(self, number, near)

    def kill(self, number: int) -> None:
        self.far.pop(number).close()

    def close(self) -> None:
        for end in (*self.far.values(), *self._near):
            end.close()


class Session:
    def __init__(self, server: Mysqld, number: int, near: socket.socket) -> None:
        self.server, self.number, self.socket = server, number, near

    def wait_for_answers(self, seconds: float | None) -> None:
        return

    def row(self, sql: str) -> dict[str, str]:
        return {"version": "9.7.4", "comment": "MySQL Community Server"}

    def value(self, sql: str) -> Any:
        return self.server.most if "max_connections" in sql else "u"

    def run(self, sql: str, args: Any = None) -> list[Any]:
        if "max_connections" in sql:
            self.server.most = int(sql.rpartition(" ")[2])
            self.server.limits.append(self.server.most)
        return []

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mysqld]:
    made = Mysqld()
    monkeypatch.setattr(sessions, "dial", made.dial)
    monkeypatch.setattr(sessions, "REOPENED_WITHIN", 0.05)
    monkeypatch.setattr(mysqld, "_pid_of_peer", lambda place: os.getpid())
    yield made
    made.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "s"))
        made.listen()
        yield made


@pytest.fixture
def instance(server: Mysqld, listener: socket.socket) -> Iterator[Instance]:
    made = Instance(listener.getsockname(), "mysql-ha", 1.0)
    yield made
    made.close()


@pytest.fixture
def never() -> Iterator[int]:
    ends = os.pipe()
    yield ends[0]
    for end in ends:
        os.close(end)


class TestEnds:
    @pytest.mark.parametrize("name", OTHERS)
    def test_one_that_is_killed_is_noticed_and_opened_anew(
        self, server: Mysqld, instance: Instance, never: int, name: str
    ) -> None:
        assert not instance.ended(0.05, never)
        killed = instance.sessions[name]
        server.kill(killed.number)
        began = time.monotonic()
        assert not instance.ended(5.0, never)
        assert time.monotonic() - began < 1
        assert instance.sessions.missing() == [name]
        with pytest.raises(MysqlError, match=f"session '{name}' with mysqld is not open"):
            instance.sessions[name]
        assert instance.sessions.complete()
        assert instance.sessions[name] is not killed

    def test_the_watching_one_ends_the_watch(self, server: Mysqld, instance: Instance, never: int) -> None:
        kept = instance.sessions["gate"]
        server.kill(instance.sessions[WATCH].number)
        assert instance.ended(5.0, never)
        assert instance.renew_watch()
        assert not instance.ended(0.05, never)
        assert instance.sessions["gate"] is kept

    def test_an_answer_that_is_on_its_way_is_no_end(self, server: Mysqld, instance: Instance, never: int) -> None:
        server.far[instance.sessions["gate"].number].sendall(b"rows")
        began = time.monotonic()
        assert not instance.ended(0.1, never)
        assert time.monotonic() - began >= 0.1
        assert instance.sessions.missing() == []

    def test_one_whose_statement_failed_is_opened_anew(self, instance: Instance, never: int) -> None:
        """PyMySQL closes the socket of a session that it has lost, which the kernel then says nothing about."""
        instance.sessions.socket("gate").close()
        assert instance.sessions.drop_ended()
        assert instance.sessions.missing() == ["gate"]

    def test_another_process_behind_the_socket(
        self, server: Mysqld, instance: Instance, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mysqld, "_pid_of_peer", lambda place: 1)
        assert not instance.renew_watch()


class TestShutdown:
    """mysqld tells waiting commits OK within a second of a SHUTDOWN; its sessions end seconds later."""

    def test_it_is_known_by_the_socket_file(
        self, instance: Instance, listener: socket.socket, never: int, tmp_path: Path
    ) -> None:
        (tmp_path / "s").unlink()
        assert not instance.ended(0.05, never)  # somebody removed the file, but mysqld listens
        listener.close()
        began = time.monotonic()
        assert instance.ended(5.0, never)
        assert time.monotonic() - began < 1

    def test_the_clients_are_sent_away_although_it_lives(
        self, instance: Instance, listener: socket.socket, tmp_path: Path
    ) -> None:
        watch = Watch(config(socket=str(tmp_path / "s")), lambda: None, dict)
        watch.instance = instance
        watch._seen = WRITER.mysqld
        assert watch.listeners_of_the_dead() == frozenset()
        (tmp_path / "s").unlink()
        listener.close()
        began = time.monotonic()
        watch._lost(instance, "Server shutdown in progress")
        assert time.monotonic() - began < watching.ENDING
        assert (watch.seen().alive, watch.seen().error) == (False, "mysqld shuts down")
        assert instance.process.alive()
        assert watch.listeners_of_the_dead() is None


class TestCrowd:
    def test_what_was_won_is_kept_and_the_rest_comes_later(self, server: Mysqld) -> None:
        server.most = 3
        instance = Instance("/s", "mysql-ha", 1.0)
        assert instance.sessions.missing() == list(OTHERS[2:])
        assert instance.sessions.lacks() == "the agent lacks 6 of its 9 sessions: Too many connections"
        won = instance.sessions["gate"]
        server.most = 100
        assert instance.sessions.complete()
        assert (instance.sessions.lacks(), instance.sessions["gate"]) == ("", won)
        instance.close()

    def test_with_the_one_connection_that_is_kept_for_it_it_makes_room(self, server: Mysqld) -> None:
        server.most = 1
        instance = Instance("/s", "mysql-ha", 1.0)
        instance.make_room()
        assert (server.limits, server.most, len(server.far)) == ([9, 1], 1, len(SESSIONS))
        instance.make_room()
        assert server.limits == [9, 1]
        instance.close()

    def test_the_number_is_put_back_where_others_were_faster(
        self, server: Mysqld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.most = 1
        instance = Instance("/s", "mysql-ha", 1.0)
        monkeypatch.setattr(sessions, "dial", lambda *arguments: (_ for _ in ()).throw(CROWDED))
        instance.make_room()
        assert (server.most, instance.sessions.crowded) == (1, True)
        instance.close()

    def test_not_a_single_one(self, server: Mysqld) -> None:
        server.most = 0
        with pytest.raises(MysqlError) as refused:
            Instance("/s", "mysql-ha", 1.0)
        assert refused.value.number == 1040


class TestWatch:
    @pytest.mark.parametrize(("error", "lives"), [(CROWDED, True), (MysqlError("timed out"), False)])
    def test_too_many_connections_is_an_answer(
        self, server: Mysqld, instance: Instance, monkeypatch: pytest.MonkeyPatch, error: MysqlError, lives: bool
    ) -> None:
        monkeypatch.setattr(sessions, "dial", lambda *arguments: (_ for _ in ()).throw(error))
        watch = Watch(CONFIG, lambda: None, dict)
        watch.instance = instance
        watch._seen = replace(up(WRITER.mysqld.server), answered=1.0)  # type: ignore[arg-type]
        assert watch._connect() is None
        seen = watch.seen()
        assert (seen.alive, seen.server, seen.error) == (True, WRITER.mysqld.server, str(error))
        assert (now() - (seen.answered or 0.0) < 5) is lives

    def test_what_is_missing_is_told_with_its_time(
        self, server: Mysqld, instance: Instance, tmp_path: Path
    ) -> None:
        path = tmp_path / "s"
        watch = Watch(config(socket=str(path)), lambda: None, dict)
        watch._note_trouble(instance)
        assert (watch.seen().trouble, watch._incomplete.is_set()) == ("", False)
        instance.sessions.drop("gate")
        watch._note_trouble(instance)
        since = watch.seen().trouble_since
        assert since is not None
        assert "lacks 1 of its 9" in watch.seen().trouble
        assert watch._incomplete.is_set()
        instance.sessions.complete()
        path.unlink()
        watch._note_trouble(instance)
        assert (watch.seen().trouble_since, "was removed" in watch.seen().trouble) == (since, True)
        path.touch()
        watch._note_trouble(instance)
        assert (watch.seen().trouble, watch.seen().trouble_since) == ("", None)

    def test_a_standby_without_its_sessions_may_not_lead_and_a_writer_goes_on(self) -> None:
        trouble = {"trouble": "the agent lacks 8 of its 9 sessions: Too many connections", "trouble_since": NOW - 1.5}
        standby = replace(STANDBY, mysqld=replace(STANDBY.mysqld, **trouble))
        assert reasons_against(View(CONFIG, standby, NOW), KNOWN) == (
            "The agent could not open its writes: the agent lacks 8 of its 9 sessions: Too many connections.",)
        assert reasons_against(View(CONFIG, standby, NOW - 0.1), KNOWN) == ()  # a moment, as after a KILL
        writer = replace(WRITER, mysqld=replace(WRITER.mysqld, **trouble))
        assert reasons_against(View(CONFIG, writer, NOW), LED) == ()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
class TestRemovedSocket:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Iterator[str]:
        """Somebody listens at it, and its file is gone."""
        path = str(tmp_path / "s")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            assert not listens(path)
            listener.listen()
            Path(path).unlink()
            yield path
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()  # PyMySQL leaves it the socket of a failed connect

    def test_it_is_not_taken_for_a_mysqld_that_is_down(self, path: str) -> None:
        assert listens(path)
        with pytest.raises(MysqlError, match=r"s was removed while mysqld listens at it: restart mysqld"):
            dial(path, "mysql-ha", 1.0)
        with pytest.raises(OSError, match="was removed"):
            process_behind(path, 1.0)

    def test_a_new_agent_says_what_is_wrong(self, path: str) -> None:
        watch = Watch(config(socket=path), lambda: None, dict)
        assert watch._connect() is None
        seen = watch.seen()
        assert (seen.alive, "was removed" in seen.error) == (True, True)
        reasons = reasons_against(View(CONFIG, replace(STANDBY, mysqld=seen), NOW), KNOWN)
        assert "since it started: the socket file" in reasons[0]

    def test_another_listener_is_not_meant(self, path: str, tmp_path: Path) -> None:
        other = str(tmp_path / "t")
        assert not listens(other)
        with pytest.raises(NotThere):
            dial(other, "mysql-ha", 1.0)


def test_a_watch_of_events_outlives_its_session(server: Mysqld, instance: Instance, monkeypatch: Any) -> None:
    monkeypatch.setattr(events, "LOOK_EVERY", 0.001)
    looks: list[int] = []

    def read(session: Any) -> events.Events:
        looks.append(session.number)
        if len(looks) == 1:
            raise MysqlError("Lost connection", 2013)
        return events.Events(True, True, ())

    monkeypatch.setattr(events, "read", read)
    instance.read_events()
    deadline = time.monotonic() + 3
    while not instance.read_events().wait and time.monotonic() < deadline:
        time.sleep(0.005)
    assert instance.read_events().wait
