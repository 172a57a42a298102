# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mysqld behind the socket: its process, the sessions that are kept open, and what each decision runs on them."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Collection

from . import events, semisync
from .demotion import PROGRAM, demote
from .lib._connection import MysqlError, Session, connect
from .lib._dialect import Dialect
from .lib._instance import read_dialect

# Sessions are opened ahead of need: while an account statement waits for its acknowledgement mysqld completes no login.
SESSIONS = ("watch", "gate", "second", "third", "receiver", "applier", "semi_sync", "events", "events_watch")

WAIT_TIMEOUT = 31536000  # seconds, the longest that there is: sessions are kept without being used
WATCH_LOST = 10.0  # seconds without an answer, after which the watching session is opened anew
SELDOM = 10000  # events from one flush of the relay log to the next: mysqld's own default
LOOK_AT_PROCESS = 0.02  # seconds
FLAGS_AT = 6  # in /proc/PID/stat, counted after the name
PF_EXITING = 4  # linux/sched.h


class NotThere(Exception):
    """Nobody listens at the socket."""


class Process:
    """The process at the other end of a Unix socket, told apart from a later one with the same number.

    One thread may close it while another asks: then it is no longer told apart, but never taken for dead.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._stat: int | None = None
        with contextlib.suppress(OSError):
            self._stat = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        if hasattr(os, "pidfd_open"):
            try:
                self._fd = os.pidfd_open(pid)
            except OSError:  # gone already, or a kernel before 5.3: see `alive`
                self._fd = None

    def alive(self) -> bool:
        with self._lock:
            return self._alive()

    def _alive(self) -> bool:
        if self._exits():
            return False
        if self._fd is not None:
            return not _readable(self._fd, 0)
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def ends(self, within: float) -> bool:
        """Waits for its end, so many seconds at most: its sockets close a moment before it is gone. Only by the thread
        that closes it."""
        if self._fd is not None and self.alive():
            return _readable(self._fd, within)
        return not self.alive()

    def _exits(self) -> bool:
        """Seen within a millisecond of SIGKILL. Sockets and pidfd say so only when the memory is given back: 0.15 to
        0.26 s later for an almost empty mysqld on a busy machine."""
        if self._stat is None:
            return False
        try:
            words = os.pread(self._stat, 1024, 0).rpartition(b")")[2].split()
        except (ProcessLookupError, FileNotFoundError):
            return True  # gone
        except OSError:  # says nothing about the process
            return False
        return len(words) > FLAGS_AT and bool(int(words[FLAGS_AT]) & PF_EXITING)

    def kill(self) -> None:
        """SIGKILL. Raises OSError. No code of the process runs after this, even if it takes its time to vanish."""
        with self._lock:
            if self._fd is not None:
                signal.pidfd_send_signal(self._fd, signal.SIGKILL)
            elif self._stat is not None and self._alive():
                os.kill(self.pid, signal.SIGKILL)
            else:  # by now the number may be somebody else's
                raise ProcessLookupError(errno.ESRCH, "the process is gone")

    def close(self) -> None:
        with self._lock:
            for descriptor in (self._fd, self._stat):
                if descriptor is not None:
                    os.close(descriptor)
            self._fd = self._stat = None


def _readable(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])


def process_behind(path: str, timeout: float) -> Process | None:
    """Who listens at the socket, whether it answers or not; None: nobody. Raises OSError when that is not to be known:
    somebody who has stopped accepting, and has more callers waiting than it allowed, says not even who it is."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        return Process(_pid_of_peer(connection))


def _pid_of_peer(connection: socket.socket) -> int:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])


def dial(path: str, user: str, timeout: float) -> tuple[Session, socket.socket]:
    """One session and its socket. Raises NotThere or MysqlError."""
    try:
        session = connect(user, unix_socket=path, tls=False, connect_timeout=timeout, program_name=PROGRAM)
    except MysqlError as error:
        cause = getattr(error.__cause__, "original_exception", None)
        if isinstance(cause, (ConnectionRefusedError, FileNotFoundError)):
            raise NotThere("nobody listens at the socket") from error
        raise
    try:
        session.run(f"SET SESSION wait_timeout = {WAIT_TIMEOUT}")
    except MysqlError:
        session.close()
        raise
    session.wait_for_answers(None)  # from here on the core judges silence
    return session, session.socket


class Instance:
    """One mysqld process and the sessions with it."""

    def __init__(self, path: str, user: str, timeout: float) -> None:
        """Raises NotThere or MysqlError."""
        self.sessions: dict[str, Session] = {}
        self._sockets: dict[str, socket.socket] = {}
        self._event_watch: events.EventWatch | None = None
        self.listeners: frozenset[int] = frozenset()  # the TCP sockets on which it listens
        with contextlib.ExitStack() as opened:
            for name in SESSIONS:
                self.sessions[name], self._sockets[name] = dial(path, user, timeout)
                opened.callback(self.sessions[name].close)
            self.process = Process(_pid_of_peer(self._sockets["watch"]))
            opened.callback(self.process.close)
            watch = self.sessions["watch"]
            watch.wait_for_answers(WATCH_LOST)
            self.dialect: Dialect = read_dialect(watch)
            self.uuid = str(watch.value("SELECT @@GLOBAL.server_uuid"))
            self.semi_sync_source: str | None = None
            self.find_semi_sync()
            if self.semi_sync_source:
                semisync.finish(watch, self.semi_sync_source)
            self._opened = opened.pop_all()

    def find_semi_sync(self) -> None:
        """The plugin may be loaded while mysqld runs. Until 8.0.26 the source was called master."""
        rows = self.sessions["watch"].run(
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN"
            " ('rpl_semi_sync_source_enabled', 'rpl_semi_sync_master_enabled')"
        )
        self.semi_sync_source = str(rows[0]["variable_name"]) if rows else None

    def ended(self, seconds: float, woken: int) -> bool:
        """Waits so long, or until the descriptor `woken` is readable; returns at once when mysqld ends the session."""
        watched = self._sockets["watch"].fileno()
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            readable = select.select([watched, woken], [], [], min(left, LOOK_AT_PROCESS))[0]
            if readable:
                return watched in readable
            if not self.process.alive():
                return True
        return False

    def close(self) -> None:
        self._opened.close()

    # ---- what decisions run ------------------------------------------------------------------------------------------

    def stop_receiver(self, channel: str) -> None:
        self.sessions["receiver"].run(self.dialect.sql("stop_receiver"), [channel])

    def start_receiver(self, channel: str) -> None:
        self.sessions["receiver"].run(self.dialect.sql("start_receiver"), [channel])

    def start_applier(self, channel: str) -> None:
        self.sessions["applier"].run(self.dialect.sql("start_applier"), [channel])

    def sync_relay_log(self, on: bool) -> None:
        self.sessions["applier"].run(f"SET GLOBAL sync_relay_log = {1 if on else SELDOM}")

    def stop_acknowledging(self) -> None:
        if self.semi_sync_source:
            self.sessions["receiver"].run(f"SET GLOBAL {semisync.replica_switch(self.semi_sync_source)} = OFF")

    def switch_semi_sync(self, on: bool) -> None:
        """Switching off lets commits go on within milliseconds, and returns more than a second later."""
        if self.semi_sync_source:
            switch = semisync.switch_on if on else semisync.switch_off
            switch(self.sessions["semi_sync"], self.semi_sync_source)

    def read_events(self) -> events.Events:
        """The last look, at most some seconds old; waits for nothing. The first call begins to look."""
        if self._event_watch is None:
            self._event_watch = events.EventWatch(self.sessions["events_watch"])
        return self._event_watch.seen

    def enable_events(self, disabled: Collection[str] = ()) -> None:
        """Lets the events of the old writer run, except those that were `disabled` there. Raises MysqlError."""
        events.enable(self.sessions["events"], disabled)

    def stop_events(self) -> None:
        events.stop(self.sessions["events"])

    def open(self, semi_sync: bool | None, may_still: Callable[[], bool]) -> None:
        """Opens writes if `may_still` says so directly before. Raises MysqlError; then writes may be open or not."""
        gate = self.sessions["gate"]
        if semi_sync is not None and self.semi_sync_source:
            switch = semisync.switch_on if semi_sync else semisync.switch_off_at_once
            switch(gate, self.semi_sync_source)
        gate.run("SET GLOBAL offline_mode = OFF")
        if not may_still():
            raise MysqlError("the VIP left, or a hold came, before writes were opened")
        gate.run("SET GLOBAL read_only = OFF")  # super_read_only goes off with it
        if gate.value("SELECT @@GLOBAL.read_only OR @@GLOBAL.super_read_only"):
            raise MysqlError("read_only was set off, but is still on")

    def demote(self) -> None:
        sessions = self.sessions
        own = [session.number for session in sessions.values()]
        demote(sessions["gate"], sessions["second"], sessions["third"], own, self.semi_sync_source)
