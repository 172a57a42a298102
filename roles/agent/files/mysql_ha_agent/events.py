# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scheduled events run on the writer, and only there.

An event that was created or altered elsewhere arrives disabled on the replica's side, whatever it is on its writer, and
stays so when the replica becomes the writer. Enabling it there replicates, and disables it on everybody else, the
old writer included. Which events the writer's people have disabled themselves only the writer knows.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from . import threads
from .lib._connection import MysqlError, Session
from .sessions import Sessions

LOOK_EVERY = 2.0  # seconds
# Until 8.0.22 it was called SLAVESIDE_DISABLED. The originator is the server_id of who enabled the event last.
_WAITING = "status IN ('REPLICA_SIDE_DISABLED', 'SLAVESIDE_DISABLED') AND originator <> @@GLOBAL.server_id"


@dataclass(frozen=True)
class Events:
    wait: bool  # there are events of other servers, disabled on the replica's side
    scheduler: bool | None  # it runs; None: it is DISABLED by the option file, so that nobody wants events
    disabled: tuple[str, ...]  # those that people have disabled here, as `schema`.`event`


class EventWatch:
    """The last look at the events, taken in a thread of its own: while an account statement waits for its
    acknowledgement information_schema.events answers nobody (measured on 9.7.4)."""

    def __init__(self, sessions: Sessions) -> None:
        self.seen = Events(False, None, ())
        self._sessions = sessions
        threads.start(self._run, "events watched")

    def _run(self) -> None:
        while True:
            try:
                self.seen = read(self._sessions["events_watch"])
            except MysqlError:
                if self._sessions.closed:
                    return
            time.sleep(LOOK_EVERY)


def read(session: Session) -> Events:
    """Raises MysqlError."""
    scheduler = {"ON": True, "OFF": False}.get(str(session.value("SELECT @@GLOBAL.event_scheduler")).upper())
    rows = session.run(
        "SELECT event_schema, event_name, status FROM information_schema.events"  # noqa: S608  no input
        f" WHERE {_WAITING} OR status = 'DISABLED'"
    )
    disabled = tuple(sorted(_name(row) for row in rows if row["status"] == "DISABLED"))
    return Events(len(rows) > len(disabled), scheduler, disabled)


def enable(session: Session, disabled: Collection[str] = ()) -> None:
    """On a new writer: the events of the old one run here, except those that were `disabled` there. Each keeps its
    definer. Raises MysqlError, after having tried all events and started the scheduler."""
    if read(session).scheduler is None:
        return
    refused = None
    for row in session.run(
        f"SELECT event_schema, event_name, definer FROM information_schema.events WHERE {_WAITING}"  # noqa: S608  no input
    ):
        try:
            session.run(_statement(row, _name(row) not in disabled))
        except MysqlError as error:
            refused = MysqlError(f"event {_name(row)}: {error}", error.number)
    session.run("SET GLOBAL event_scheduler = ON")
    if refused:
        raise refused


def stop(session: Session) -> None:
    """On everybody else. Raises MysqlError."""
    if read(session).scheduler:
        session.run("SET GLOBAL event_scheduler = OFF")


def _statement(row: dict[str, Any], on: bool) -> str:
    """Without DEFINER whoever alters an event becomes its definer."""
    user, _at, host = row["definer"].rpartition("@")
    definer = f"{_quoted(user)}@{_quoted(host)}"
    return f"ALTER DEFINER = {definer} EVENT {_name(row)} {'ENABLE' if on else 'DISABLE'}"


def _name(row: dict[str, Any]) -> str:
    return f"{_quoted(row['event_schema'])}.{_quoted(row['event_name'])}"


def _quoted(identifier: str) -> str:
    return "`" + identifier.replace("`", "``") + "`"
