# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Closing an instance for writes, in the order that never lets a false OK through (docs/agent.md, "Demotion").

Both the agent and `mysql-ha demote` run this. It does not bound itself: the caller kills mysqld when it takes too long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator

from . import semisync
from .lib._connection import LOST_CONNECTION, MysqlError, Session

PROGRAM = "mysql-ha-agent"  # by this name the sessions of agent, guard and command are known
CUT_BOUND = 0.05  # seconds for offline_mode, which took 2 to 17 ms, before clients are killed one by one
RELEASE_BOUND = 0.15  # seconds: past it the switch takes so long that the caller kills mysqld
GRACE = 0.1  # seconds for commits that their standby still acknowledges, before the clients are cut off
_NO_CLIENT = ("system user", "event_scheduler", "unauthenticated user")


def demote(main: Session, second: Session, third: Session, own: Collection[int], semi_sync: str | None) -> None:
    """Closes the instance. `own` are the ids of the caller's sessions, `semi_sync` the name of the source's switch,
    None without the plugin. Raises MysqlError.

    `SET super_read_only=ON` may wait for commits that nobody acknowledges any more, so it waits on the second session
    while the others cut the clients off. Commits are released only if such are left, and only when no client is left
    that could be told OK.
    """
    closing = _Statement(second, "SET GLOBAL super_read_only = ON")
    kept = {*own, *_of_agent(main)}
    if not closing.done.wait(GRACE) and semi_sync:
        semisync.stop_dumps(main)
    cutting = _Statement(third, "SET GLOBAL offline_mode = ON")
    try:
        # While an account statement waits for its acknowledgement this waits too, for the lock on all accounts.
        cutting.done.wait(CUT_BOUND)
        _cut_off(main, kept)
        if not closing.done.is_set() and semi_sync:
            try:
                semisync.release(main, semi_sync, closing.done, RELEASE_BOUND)
                closing.result()
            finally:
                semisync.wait_again(main, semi_sync)
        closing.result()
        if not main.value("SELECT @@GLOBAL.read_only"):
            raise MysqlError("super_read_only was set, but read_only is still off")
        cutting.result()
    finally:
        main.run("SET GLOBAL offline_mode = OFF")


def _cut_off(session: Session, kept: set[int]) -> None:
    """Ends when no session is left that could still be given an OK; accounts that survive offline_mode are killed."""
    while True:
        left = list(_clients(session, kept))
        if not left:
            return
        for thread in left:
            semisync.kill(session, thread)
        time.sleep(0.001)


def _of_agent(session: Session) -> set[int]:
    """The sessions of agent, guard and command, not by their user: the command's may be root, as a client's may be."""
    try:
        rows = session.run(
            "SELECT processlist_id AS id FROM performance_schema.session_connect_attrs"
            " WHERE attr_name = 'program_name' AND attr_value = %s", [PROGRAM])
    except MysqlError as error:
        if not error.number or error.number in LOST_CONNECTION:
            raise
        return set()  # not to be read: they are killed too, and log in anew
    return {int(row["id"]) for row in rows}


def _clients(session: Session, kept: set[int]) -> Iterator[int]:
    """One that is `Killed` has lost its client."""
    for row in session.run("SHOW PROCESSLIST"):
        if row["id"] in kept or row["user"] in _NO_CLIENT:
            continue
        if row["command"] in ("Killed", "Daemon") or row["command"].startswith("Binlog Dump"):
            continue
        yield row["id"]


class _Statement:
    """On a session of its own, in a thread of its own."""

    def __init__(self, session: Session, sql: str) -> None:
        self.done = threading.Event()
        self._session = session
        self._sql = sql
        self._error: MysqlError | None = None
        threading.Thread(target=self._run, name="demotion", daemon=True).start()

    def _run(self) -> None:
        try:
            self._session.run(self._sql)
        except MysqlError as error:
            self._error = error
        self.done.set()

    def result(self) -> None:
        self.done.wait()
        if self._error:
            raise self._error
