# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order in which an instance is closed."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mysql_ha_agent import demotion
from mysql_ha_agent.lib._connection import MysqlError

OWN = (1, 2, 3)


class FakeMysqld:
    """Commits wait for an acknowledgement, and SET super_read_only=ON for them, until semi-sync goes off."""

    def __init__(self, waiting: bool, clients: dict[int, str], locked: bool = False) -> None:
        self.locked = locked  # an account statement waits, and offline_mode for it
        self.clients = dict(clients)
        self.agents: list[int] | MysqlError = []
        self.log: list[str] = []
        self.closed = threading.Event()
        self.acknowledged = threading.Event()
        if not waiting:
            self.acknowledged.set()

    def session(self, number: int) -> Any:
        return FakeSession(self, number)


class FakeSession:
    def __init__(self, mysqld: FakeMysqld, number: int) -> None:
        self.mysqld = mysqld
        self.number = number

    def row(self, sql: str, args: Any) -> dict[str, Any]:
        return {"waits": 1, "clients": 0}

    def value(self, sql: str) -> Any:
        return int(self.mysqld.closed.is_set())

    def run(self, sql: str, args: Any = None) -> list[dict[str, Any]]:
        mysqld = self.mysqld
        if "session_connect_attrs" in sql:
            if isinstance(mysqld.agents, MysqlError):
                raise mysqld.agents
            return [{"id": number} for number in mysqld.agents]
        if sql.startswith("SELECT DISTINCT"):
            return []
        if sql == "SHOW PROCESSLIST":
            return [
                {"id": number, "user": user, "command": "Query"} for number, user in mysqld.clients.items()
            ] + [{"id": 90, "user": "repl", "command": "Binlog Dump GTID"},
                 {"id": 91, "user": "app", "command": "Killed"},
                 *({"id": number, "user": "root", "command": "Query"} for number in OWN)]
        mysqld.log.append(sql)
        if sql.startswith("KILL"):
            if mysqld.clients.pop(int(sql.split()[1])) == "gone":
                raise MysqlError("unknown thread", 1094)
        elif sql.endswith("wait_no_replica = OFF"):
            mysqld.acknowledged.set()
            assert mysqld.closed.wait(5)
        elif sql == "SET GLOBAL offline_mode = ON" and mysqld.locked:
            assert mysqld.closed.wait(5)
        elif sql == "SET GLOBAL super_read_only = ON":
            assert mysqld.acknowledged.wait(5)
            mysqld.closed.set()
        return []


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demotion, "GRACE", 0.02)


def close(mysqld: FakeMysqld) -> list[str]:
    demotion.demote(mysqld.session(1), mysqld.session(2), mysqld.session(3), OWN, "rpl_semi_sync_source_enabled")
    return mysqld.log


def test_commits_that_wait_are_released_only_when_no_client_is_left() -> None:
    mysqld = FakeMysqld(waiting=True, clients={7: "app", 8: "root", 9: "gone", 10: "system user"})
    assert close(mysqld) == [
        "SET GLOBAL super_read_only = ON", "SET GLOBAL offline_mode = ON", "KILL 7", "KILL 8", "KILL 9",
        "SET GLOBAL rpl_semi_sync_source_wait_no_replica = OFF", "SET GLOBAL rpl_semi_sync_source_wait_no_replica = ON",
        "SET GLOBAL offline_mode = OFF",
    ]


def test_while_an_account_statement_waits_clients_are_killed_without_offline_mode() -> None:
    log = close(FakeMysqld(waiting=True, clients={7: "app"}, locked=True))
    assert log.index("KILL 7") < log.index("SET GLOBAL rpl_semi_sync_source_wait_no_replica = OFF")
    assert log[-1] == "SET GLOBAL offline_mode = OFF"


def test_without_them_semi_sync_stays_as_it_is() -> None:
    assert close(FakeMysqld(waiting=False, clients={})) == [
        "SET GLOBAL super_read_only = ON", "SET GLOBAL offline_mode = ON", "SET GLOBAL offline_mode = OFF"]


def test_what_is_not_closed_is_an_error_and_offline_mode_is_not_left_on() -> None:
    mysqld = FakeMysqld(waiting=False, clients={})
    mysqld.closed.set = lambda: None  # type: ignore[method-assign]
    with pytest.raises(MysqlError, match="read_only is still off"):
        close(mysqld)
    assert mysqld.log[-1] == "SET GLOBAL offline_mode = OFF"


def test_the_sessions_of_agent_and_guard_are_known_by_their_program_not_by_their_user() -> None:
    mysqld = FakeMysqld(waiting=True, clients={7: "root", 8: "mysql-ha", 20: "mysql-ha", 21: "root"})
    mysqld.agents = [20, 21]
    log = close(mysqld)
    assert [sql for sql in log if sql.startswith("KILL")] == ["KILL 7", "KILL 8"]
    assert mysqld.clients.keys() == {20, 21}


def test_where_programs_cannot_be_read_only_the_own_sessions_are_kept() -> None:
    mysqld = FakeMysqld(waiting=True, clients={7: "root", 20: "mysql-ha"})
    mysqld.agents = MysqlError("SELECT command denied", 1142)
    close(mysqld)
    assert not mysqld.clients


def test_a_lost_session_is_no_lack_of_privileges() -> None:
    mysqld = FakeMysqld(waiting=False, clients={})
    mysqld.agents = MysqlError("Lost connection to MySQL server", 2013)
    with pytest.raises(MysqlError, match="Lost connection"):
        close(mysqld)
