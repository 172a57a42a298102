# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which events a new writer enables, and how."""

from __future__ import annotations

from typing import Any

import pytest

from mysql_ha_agent import events
from mysql_ha_agent.lib._connection import MysqlError


class FakeSession:
    def __init__(self, scheduler: str, rows: list[tuple[str, str, str, str]], refused: str = "") -> None:
        self.scheduler = scheduler
        self.rows = [dict(zip(("event_schema", "event_name", "definer", "status"), row, strict=True)) for row in rows]
        self.refused = refused
        self.log: list[str] = []

    def value(self, sql: str) -> Any:
        return self.scheduler

    def run(self, sql: str) -> list[dict[str, Any]]:
        if sql.startswith("SELECT"):
            with_disabled = "status = 'DISABLED'" in sql
            return [row for row in self.rows if row["status"] == "REPLICA_SIDE_DISABLED" or with_disabled]
        self.log.append(sql)
        if self.refused and self.refused in sql:
            raise MysqlError("no", 1449)
        return []


WAITING = [
    ("shop", "clean`up", "adm@in@%", "REPLICA_SIDE_DISABLED"),
    ("shop", "old", "root@localhost", "REPLICA_SIDE_DISABLED"),
]


def test_each_event_keeps_its_definer_and_names_are_quoted() -> None:
    session: Any = FakeSession("OFF", WAITING)
    events.enable(session)
    assert session.log == [
        "ALTER DEFINER = `adm@in`@`%` EVENT `shop`.`clean``up` ENABLE",
        "ALTER DEFINER = `root`@`localhost` EVENT `shop`.`old` ENABLE",
        "SET GLOBAL event_scheduler = ON",
    ]


def test_what_people_had_disabled_on_the_old_writer_stays_disabled() -> None:
    session: Any = FakeSession("OFF", WAITING)
    events.enable(session, ["`shop`.`old`"])
    assert session.log[1] == "ALTER DEFINER = `root`@`localhost` EVENT `shop`.`old` DISABLE"


def test_one_event_that_is_refused_does_not_keep_the_others_off() -> None:
    session: Any = FakeSession("OFF", WAITING, refused="clean")
    with pytest.raises(MysqlError, match="clean"):
        events.enable(session)
    assert len(session.log) == 3


@pytest.mark.parametrize("act", [events.enable, events.stop])
def test_a_server_without_a_scheduler_is_left_alone(act: Any) -> None:
    session: Any = FakeSession("DISABLED", WAITING)
    act(session)
    assert session.log == []


def test_the_scheduler_is_stopped_once() -> None:
    for scheduler, statements in (("ON", ["SET GLOBAL event_scheduler = OFF"]), ("OFF", [])):
        session: Any = FakeSession(scheduler, [])
        events.stop(session)
        assert session.log == statements


def test_what_is_read() -> None:
    own = [("shop", "mine", "root@localhost", "DISABLED")]
    assert events.read(FakeSession("ON", [*WAITING, *own])) == events.Events(True, True, ("`shop`.`mine`",))  # type: ignore[arg-type]
    assert events.read(FakeSession("OFF", own)) == events.Events(False, False, ("`shop`.`mine`",))  # type: ignore[arg-type]
