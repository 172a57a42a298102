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
from pathlib import Path

from . import events, semisync
from .demotion import demote
from .lib._connection import MysqlError, Session
from .lib._dialect import Dialect
from .lib._instance import read_channels_of, read_dialect
from .sessions import REMOVED, WATCH, Sessions, listens
from .trackfile import lives

WATCH_LOST = 10.0  # seconds without an answer, after which the watching session is opened anew
SELDOM = 10000  # events from one flush of the relay log to the next: mysqld's own default
LOOK_AT_PROCESS = 0.02  # seconds
FLAGS_AT = 6  # in /proc/PID/stat, counted after the name
PF_EXITING = 4  # linux/sched.h


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
        return lives(self.pid)

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
            if listens(path):
                raise OSError(REMOVED.format(path)) from None
            return None
        return Process(_pid_of_peer(connection))


def _pid_of_peer(connection: socket.socket) -> int:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])


class Instance:
    """One mysqld process and the sessions with it."""

    def __init__(self, path: str, user: str, timeout: float) -> None:
        """Raises NotThere or MysqlError when not even one session can be had; the others may be missing."""
        self._path = path
        self.sessions = Sessions(path, user, timeout)
        self._event_watch: events.EventWatch | None = None
        self.listeners: frozenset[int] = frozenset()  # the TCP sockets on which it listens
        with contextlib.ExitStack() as opened:
            opened.callback(self.sessions.close)
            watch = self._open_watch()
            self.process = Process(_pid_of_peer(self.sessions.socket(WATCH)))
            opened.callback(self.process.close)
            self.sessions.complete()
            self.dialect: Dialect = read_dialect(watch)
            self.uuid = str(watch.value("SELECT @@GLOBAL.server_uuid"))
            self.semi_sync_source: str | None = None
            self.semi_sync_replica: str | None = None
            self.find_semi_sync()
            if self.semi_sync_source:
                semisync.finish(watch, self.semi_sync_source)
            self._opened = opened.pop_all()

    def _open_watch(self) -> Session:
        watch = self.sessions.open(WATCH)
        watch.wait_for_answers(WATCH_LOST)
        return watch

    def renew_watch(self) -> bool:
        """A new session instead of the one that was lost, all others stay. Returns False when another process is
        behind the socket by now. Raises NotThere or MysqlError."""
        self.sessions.drop(WATCH)
        self._open_watch()
        return _pid_of_peer(self.sessions.socket(WATCH)) == self.process.pid

    def make_room(self) -> None:
        """mysqld keeps one connection for an account like the agent's, which needs some more. Only by the thread that
        watches, and not by the guard: two could put back each other's number. Raises MysqlError."""
        if not self.sessions.crowded:
            return
        watch = self.sessions[WATCH]
        most = int(watch.value("SELECT @@GLOBAL.max_connections"))
        watch.run(f"SET GLOBAL max_connections = {most + len(self.sessions.missing())}")
        try:
            self.sessions.complete()
        finally:
            watch.run(f"SET GLOBAL max_connections = {most}")

    def find_semi_sync(self) -> None:
        """The plugin may be loaded while mysqld runs. Until 8.0.26 the source was called master."""
        rows = self.sessions[WATCH].run(
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('rpl_semi_sync_source_enabled',"
            " 'rpl_semi_sync_master_enabled', 'rpl_semi_sync_replica_enabled', 'rpl_semi_sync_slave_enabled')"
        )
        names = [str(row["variable_name"]) for row in rows]
        sources = [name for name in names if name.endswith(("source_enabled", "master_enabled"))]
        self.semi_sync_source = next(iter(sources), None)
        self.semi_sync_replica = next((name for name in names if name != self.semi_sync_source), None)

    def ended(self, seconds: float, woken: int) -> bool:
        """Waits so long, or until the descriptor `woken` is readable or another session has ended; returns True at
        once when mysqld ends the watching one, or shuts down."""
        watched = self.sessions.socket(WATCH).fileno()
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            poll = select.poll()
            for descriptor in (watched, woken):
                poll.register(descriptor, select.POLLIN)
            self.sessions.watch_on(poll)
            found = {descriptor for descriptor, _what in poll.poll(1000 * min(left, LOOK_AT_PROCESS))}
            if watched in found or woken in found:
                return watched in found
            if found and self.sessions.drop_ended():
                return False
            if not self.process.alive() or self.stops():
                return True
        return False

    def stops(self) -> bool:
        """mysqld shuts down: it removes its socket file at once, and ends its sessions seconds later."""
        return not Path(self._path).exists() and not listens(self._path)

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

    def switch_acknowledging(self, on: bool, reconnects: bool) -> None:
        """As a replica. It takes effect with a new connection. Raises MysqlError."""
        session = self.sessions["receiver"]
        if self.semi_sync_replica:
            session.run(f"SET GLOBAL {self.semi_sync_replica} = {'ON' if on else 'OFF'}")
        for channel in read_channels_of(session):
            if reconnects and channel["io_running"] != "No":
                self.stop_receiver(channel["name"])
                self.start_receiver(channel["name"])

    def switch_semi_sync(self, on: bool) -> None:
        """Switching off lets commits go on within milliseconds, and returns more than a second later."""
        if self.semi_sync_source:
            switch = semisync.switch_on if on else semisync.switch_off
            switch(self.sessions["semi_sync"], self.semi_sync_source)

    def read_events(self) -> events.Events:
        """The last look, at most some seconds old; waits for nothing. The first call begins to look."""
        if self._event_watch is None:
            self._event_watch = events.EventWatch(self.sessions)
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
        demote(
            sessions["gate"], sessions["second"], sessions["third"], sessions.numbers(), self.semi_sync_source)
