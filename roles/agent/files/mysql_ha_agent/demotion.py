# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Closing an instance for writes, in the order that never lets a false OK through (docs/agent.md, "Demotion").

Both the agent and `mysql-ha demote` run this. It does not bound itself: the caller kills mysqld when it takes too long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from .lib._connection import MysqlError, Session

GRACE = 0.1  # seconds for commits that their standby still acknowledges, before the clients are cut off
_NO_CLIENT = ("system user", "event_scheduler", "unauthenticated user")


def demote(main: Session, second: Session, keep_user: str, semi_sync: str | None) -> None:
    """Closes the instance. `semi_sync` is the name of the source's switch, None without the plugin. Raises MysqlError.

    `SET super_read_only=ON` may wait for commits that nobody acknowledges any more, so it waits on the second session
    while the first cuts the clients off. Semi-sync is switched off only if such commits are left, and only when no
    client is: the switch acknowledges them, and takes up to a second while a standby is connected.
    """
    own = {session.value("SELECT CONNECTION_ID()") for session in (main, second)}
    closing = _Closing(second)
    closing.done.wait(GRACE)
    main.run("SET GLOBAL offline_mode = ON")
    try:
        while True:
            left = list(_clients(main, own, keep_user))
            if not left:
                break
            for thread in left:
                _kill(main, thread)
            time.sleep(0.001)
        if not closing.done.is_set() and semi_sync:
            main.run(f"SET GLOBAL {semi_sync} = OFF")
        closing.result()
        if not main.value("SELECT @@GLOBAL.read_only"):
            raise MysqlError("super_read_only was set, but read_only is still off")
    finally:
        main.run("SET GLOBAL offline_mode = OFF")


def _clients(session: Session, own: set[int], keep_user: str) -> Iterator[int]:
    """The sessions that could still be given an OK. One that is `Killed` has lost its client."""
    for row in session.run("SHOW PROCESSLIST"):
        if row["id"] in own or row["user"] in (keep_user, *_NO_CLIENT):
            continue
        if row["command"] in ("Killed", "Daemon") or row["command"].startswith("Binlog Dump"):
            continue
        yield row["id"]


def _kill(session: Session, thread: int) -> None:
    try:
        session.run(f"KILL {thread:d}")
    except MysqlError as error:
        if error.number != 1094:  # it has ended by itself
            raise


class _Closing:
    """SET super_read_only=ON on a session of its own, in a thread of its own."""

    def __init__(self, session: Session) -> None:
        self.done = threading.Event()
        self._session = session
        self._error: MysqlError | None = None
        threading.Thread(target=self._run, name="closing", daemon=True).start()

    def _run(self) -> None:
        try:
            self._session.run("SET GLOBAL super_read_only = ON")
        except MysqlError as error:
            self._error = error
        self.done.set()

    def result(self) -> None:
        self.done.wait()
        if self._error:
            raise self._error
