# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order in which waiting commits are released, and semi-sync is switched."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mysql_ha_agent import semisync
from mysql_ha_agent.lib._connection import MysqlError

SWITCH = "rpl_semi_sync_source_enabled"
OLD_SWITCH = "rpl_semi_sync_master_enabled"


class FakeSession:
    """Replicas are counted until their dump threads are killed."""

    def __init__(self, dump_threads: list[int], enabled: bool = True, stubborn: bool = False) -> None:
        self.dump_threads = dump_threads
        self.enabled = enabled
        self.stubborn = stubborn
        self.waits_for_any = True
        self.log: list[str] = []

    def run(self, sql: str, args: Any = None) -> list[dict[str, Any]]:
        if sql.startswith("SELECT DISTINCT"):
            return [{"id": thread} for thread in self.dump_threads]
        self.log.append(sql)
        if sql.startswith("KILL") and "QUERY" not in sql and not self.stubborn:
            self.dump_threads.remove(int(sql.split()[1]))
        if sql.endswith("enabled = OFF"):
            self.enabled = False
        return []

    def row(self, sql: str, args: Any = None) -> dict[str, Any]:
        return {"waits": 1, "waiting": "1", "acked": "9", "clients": str(len(self.dump_threads)),
                "enabled": self.enabled, "waits_for_any": self.waits_for_any}

    def value(self, sql: str, args: Any = None) -> Any:
        return int(self.enabled)


@pytest.fixture(autouse=True)
def _no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semisync, "IDLE_AFTER", 0.0)


def test_replicas_go_before_the_switch_and_it_waits_for_any_again() -> None:
    session: Any = FakeSession([7, 8])
    semisync.switch_off(session, SWITCH)
    assert session.log == [
        "SET GLOBAL rpl_semi_sync_source_wait_no_replica = OFF", "KILL QUERY 7", "KILL QUERY 8", "KILL 7", "KILL 8",
        "SET GLOBAL rpl_semi_sync_source_enabled = OFF", "SET GLOBAL rpl_semi_sync_source_wait_no_replica = ON",
    ]


def test_what_is_off_already_costs_no_replica_its_connection() -> None:
    session: Any = FakeSession([7], enabled=False)
    semisync.switch_off(session, OLD_SWITCH)
    assert session.log == [
        "SET GLOBAL rpl_semi_sync_master_enabled = OFF", "SET GLOBAL rpl_semi_sync_master_wait_no_slave = ON"]


def test_a_replica_that_does_not_go_is_no_reason_to_wait() -> None:
    session: Any = FakeSession([7], stubborn=True)
    semisync.release(session, SWITCH, threading.Event(), 0.01)
    assert session.log[-1] == "SET GLOBAL rpl_semi_sync_source_enabled = OFF"


def test_no_replica_is_killed_for_commits_that_have_ended() -> None:
    session: Any = FakeSession([7])
    ended = threading.Event()
    ended.set()
    semisync.release(session, SWITCH, ended, 0.01)
    assert "KILL 7" not in session.log


@pytest.mark.parametrize(("enabled", "waits_for_any", "statements"), [
    (True, True, []),
    (True, False, ["SET GLOBAL rpl_semi_sync_source_enabled = OFF",
                   "SET GLOBAL rpl_semi_sync_source_wait_no_replica = ON"]),
    (False, False, ["SET GLOBAL rpl_semi_sync_source_wait_no_replica = ON"]),
])
def test_a_switch_that_was_interrupted_is_finished(enabled: bool, waits_for_any: bool, statements: list[str]) -> None:
    session: Any = FakeSession([], enabled=enabled)
    session.waits_for_any = waits_for_any
    semisync.finish(session, SWITCH)
    assert session.log == statements


def test_on_means_without_end() -> None:
    session: Any = FakeSession([], enabled=False)
    semisync.switch_on(session, SWITCH)
    assert session.log == [
        "SET GLOBAL rpl_semi_sync_source_timeout = 4294967295",
        "SET GLOBAL rpl_semi_sync_source_wait_no_replica = ON", "SET GLOBAL rpl_semi_sync_source_enabled = ON",
    ]


def test_only_a_thread_that_has_ended_is_no_error() -> None:
    class Refusing:
        def __init__(self, number: int) -> None:
            self.number = number

        def run(self, sql: str) -> None:
            raise MysqlError(sql, self.number)

    semisync.kill(Refusing(1094), 7)  # type: ignore[arg-type]
    with pytest.raises(MysqlError):
        semisync.kill(Refusing(1095), 7)  # type: ignore[arg-type]
