# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sessions with mysqld that are kept open: each is watched, and opened anew when mysqld has ended it."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
from pathlib import Path

from .demotion import PROGRAM
from .lib._connection import MysqlError, Session, connect

# Opened ahead of need: while an account statement waits for its acknowledgement mysqld completes no login.
WATCH = "watch"  # the first: with it alone the agent sees whether its mysqld is the writer
OTHERS = ("gate", "second", "third", "receiver", "applier", "semi_sync", "events", "events_watch")
SESSIONS = (WATCH, *OTHERS)

WAIT_TIMEOUT = 31536000  # seconds, the longest that there is: sessions are kept without being used
REOPENED_WITHIN = 0.2  # seconds for which a decision waits for a session that is being opened anew
TOO_MANY_CONNECTIONS = 1040


REMOVED = "the socket file {} was removed while mysqld listens at it: restart mysqld, a writer after a switchover"
LISTENING = 1 << 16  # of the flags in /proc/net/unix


class NotThere(Exception):
    """Nobody listens at the socket."""


def dial(path: str, user: str, timeout: float) -> Session:
    """One session. Raises NotThere or MysqlError."""
    try:
        session = connect(user, unix_socket=path, tls=False, connect_timeout=timeout, program_name=PROGRAM)
    except MysqlError as error:
        cause = getattr(error.__cause__, "original_exception", None)
        if isinstance(cause, (ConnectionRefusedError, FileNotFoundError)):
            if listens(path):
                raise MysqlError(REMOVED.format(path)) from error
            raise NotThere("nobody listens at the socket") from error
        raise
    try:
        session.run(f"SET SESSION wait_timeout = {WAIT_TIMEOUT}")
    except MysqlError:
        session.close()
        raise
    session.wait_for_answers(None)  # from here on the core judges silence
    return session


def listens(path: str) -> bool:
    """Whether a process still listens at a socket whose file may be gone. The kernel lists it by the path that it was
    bound to."""
    try:
        lines = Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    for line in lines[1:]:
        words = line.split(None, 7)
        if len(words) == 8 and int(words[3], 16) & LISTENING and os.path.realpath(words[7]) == os.path.realpath(path):
            return True
    return False


class Sessions:
    """By name. One thread opens, another one drops those that have ended, all others use them."""

    def __init__(self, path: str, user: str, timeout: float) -> None:
        self._place = path, user, timeout
        self._changed = threading.Condition()
        self._open: dict[str, tuple[Session, socket.socket]] = {}
        self._error: Exception | None = None
        self.closed = False

    def __getitem__(self, name: str) -> Session:
        """Raises MysqlError for one that is not open, and is not opened within a moment."""
        with self._changed:
            self._changed.wait_for(lambda: name in self._open or self.closed, REOPENED_WITHIN)
            if name in self._open:
                return self._open[name][0]
            why = self._error or "mysqld ended it"
            raise MysqlError(f"the agent's session '{name}' with mysqld is not open: {why}")

    def socket(self, name: str) -> socket.socket:
        with self._changed:
            return self._open[name][1]

    def numbers(self) -> list[int]:
        """By which mysqld knows them."""
        with self._changed:
            return [session.number for session, _socket in self._open.values()]

    # ---- opening -----------------------------------------------------------------------------------------------------

    def open(self, name: str) -> Session:
        """Raises NotThere or MysqlError."""
        session = dial(*self._place)
        with self._changed:
            if self.closed:
                session.close()
                raise NotThere("the sessions were closed")
            self._open[name] = session, session.socket
            self._changed.notify_all()
        return session

    def complete(self) -> bool:
        """Opens those that are missing, up to the first that fails, and keeps them. Returns whether all are open."""
        try:
            for name in self.missing():
                self.open(name)
        except (MysqlError, NotThere) as error:
            self._error = error
            return False
        self._error = None
        return True

    def missing(self) -> list[str]:
        with self._changed:
            return [name for name in OTHERS if name not in self._open]

    @property
    def crowded(self) -> bool:
        """mysqld let no further session in, because there are as many connections as it allows."""
        return isinstance(self._error, MysqlError) and self._error.number == TOO_MANY_CONNECTIONS

    def lacks(self) -> str:
        """Which are missing and why, or empty."""
        missing = self.missing()
        if not missing:
            return ""
        return f"the agent lacks {len(missing)} of its {len(SESSIONS)} sessions: {self._error or 'mysqld ended them'}"

    # ---- their end ---------------------------------------------------------------------------------------------------

    def watch_on(self, poll: select.poll) -> None:
        """Registers the end of each but the watching one. An answer that comes in is no such event."""
        with self._changed:
            for name, (_session, place) in self._open.items():
                if name != WATCH and place.fileno() >= 0:
                    poll.register(place.fileno(), select.POLLRDHUP)

    def drop_ended(self) -> bool:
        """Closes those that mysqld has ended, but for the watching one; returns whether there were any."""
        with self._changed:
            ended = [name for name, (_session, place) in self._open.items() if name != WATCH and _ended(place)]
            for name in ended:
                self._drop(name)
        return bool(ended)

    def drop(self, name: str) -> None:
        with self._changed:
            if name in self._open:
                self._drop(name)

    def _drop(self, name: str) -> None:
        session, place = self._open.pop(name)
        session.close()
        with contextlib.suppress(OSError):  # PyMySQL forgets the socket of a session that failed
            place.close()

    def close(self) -> None:
        with self._changed:
            self.closed = True
            for name in list(self._open):
                self._drop(name)
            self._changed.notify_all()


def _ended(place: socket.socket) -> bool:
    if place.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(place.fileno(), select.POLLRDHUP)
    return bool(poll.poll(0))
