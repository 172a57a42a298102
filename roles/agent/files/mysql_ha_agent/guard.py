# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small process beside the agent: it writes to mysqld's disks, kills an agent that hangs, and for one that stays down
it closes mysqld and ends the connections to a VIP that has left.

It is a process of its own because a write to a stalled disk cannot be ended, not even by SIGKILL. Once it runs it
needs no disk: its code and its sessions are there, and its memory is locked as far as the kernel allows it.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from . import threads, trackfile
from .addresses import Addresses
from .clock import now
from .config import Config
from .departure import Departure
from .journal import Journal
from .lib._connection import MysqlError
from .mysqld import Instance, Process, process_behind
from .sessions import NotThere

STEP = 0.1  # seconds between two looks
LONGEST_STEP = 0.5  # a longer one means that the guard itself did not run; it counts as this one
PROBE_EVERY = 0.5
PROBE_FILE = ".mysql-ha-probe"  # mysqld takes a name with a dot for no schema, and no hindrance to --initialize
PROBE_SIZE = 4096
FREE_AT_LEAST = 1 << 20  # bytes; with less a commit waits for somebody who frees some
REASON = "the agent does not answer"
KILL_AT = 0.6  # of the lease, or of `down_timeout` where that is shorter
LOCK_MEMORY = 1 | 2 | 4  # MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT


def run(config: Config, journal: Journal) -> None:
    """For ever. Raises OSError when the kernel does not list its addresses."""
    lock_memory(journal)
    disks = [Disk(directory) for directory in config.disks]
    server = Server(config)
    addresses = Addresses(config.vip.ip, config.interface, lambda: None)
    guard = Guard(config, journal, server, disks, Departure(config, addresses.here))
    addresses.start()
    server.start()
    for disk in disks:
        disk.start()
    while True:
        guard.step(now())
        time.sleep(STEP)


def lock_memory(journal: Journal) -> None:
    """So that no page has to come back from a disk that is stalled."""
    if ctypes.CDLL(None, use_errno=True).mlockall(LOCK_MEMORY):
        journal.say(f"the memory is not locked: {os.strerror(ctypes.get_errno())}", logging.WARNING)


class Awake:
    """Counts for how long something has lasted, without the time in which nobody could have counted."""

    def __init__(self) -> None:
        self._last: float | None = None
        self.seconds = 0.0

    def lasts(self, at: float) -> float:
        """It still lasts at this time; returns for how many seconds by now."""
        if self._last is not None:
            self.seconds += max(0.0, min(at - self._last, LONGEST_STEP))
        self._last = at
        return self.seconds

    def over(self, at: float) -> None:
        self.seconds, self._last = 0.0, at


class Disk:
    """Writes to one directory's disk, in a thread of its own."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.error = ""
        self._awake = Awake()
        self._ended = 0  # writes that have ended well
        self._known = 0
        self._writing = False

    def start(self) -> None:
        threads.start(self._write_for_ever, f"disk {self.directory}")

    def stalled(self, at: float) -> float:
        """Seconds for which a write has been waiting or failing."""
        ended = self._ended
        if ended != self._known or not (self._writing or self.error):
            self._known = ended
            self._awake.over(at)
        return self._awake.lasts(at)

    def _write_for_ever(self) -> None:
        while True:
            self._writing = True
            try:
                write_probe(self.directory)
                self._ended += 1
                self.error = ""
            except FileNotFoundError:  # there is no datadir yet
                self.error = ""
            except OSError as error:
                self.error = str(error)
            self._writing = False
            time.sleep(PROBE_EVERY)


def write_probe(directory: str) -> None:
    """Returns when a few bytes are on the disk. Raises OSError, also when the disk is as good as full."""
    descriptor = os.open(f"{directory}/{PROBE_FILE}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        os.pwrite(descriptor, bytes(PROBE_SIZE), 0)
        os.fdatasync(descriptor)
        facts = os.fstatvfs(descriptor)
    finally:
        os.close(descriptor)
    if facts.f_bavail * facts.f_frsize < FREE_AT_LEAST:
        raise OSError(f"{directory}: there is no space left")


class Server:
    """mysqld's process and sessions, open before they are needed: a hung mysqld completes no login."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._never, self._unused = os.pipe()
        self._instance: Instance | None = None

    def start(self) -> None:
        threads.start(self._keep, "sessions")

    def _keep(self) -> None:
        while True:
            instance = self._instance
            if instance is None:
                with contextlib.suppress(NotThere, MysqlError):
                    self._instance = self._connect()
            elif instance.ended(1.0, self._never):
                self._instance = None
                instance.close()
            else:
                instance.sessions.complete()
            time.sleep(STEP)

    def _connect(self) -> Instance:
        return Instance(self._config.socket, self._config.mysql_user, self._config.hang_timeout)

    def close_for_writes(self) -> str:
        """When it returns mysqld acknowledges no write any more; says what was done. Raises OSError where mysqld could
        neither be closed nor killed."""
        instance = self._instance
        if instance is not None:
            return self._close(instance.process, lambda: close(instance))
        process = process_behind(self._config.socket, STEP)
        if process is None:
            return "mysqld does not run"
        with contextlib.closing(process):
            return self._close(process, self._close_anew)

    def _close(self, process: Process, work: Callable[[], None]) -> str:
        if not process.alive():
            return "mysqld does not run"
        problem = problem_of(work, self._config.hang_timeout)
        if not problem:
            return "writes closed"
        process.kill()  # not waited for: no code of it runs any more, even if it takes its time to vanish
        return f"mysqld killed: {problem}"

    def _close_anew(self) -> None:
        with contextlib.closing(self._connect()) as instance:
            close(instance)


def close(instance: Instance) -> None:
    """A standby's clients are not cut off: it is closed already. Raises MysqlError."""
    if not instance.sessions["gate"].value("SELECT @@GLOBAL.read_only AND @@GLOBAL.super_read_only"):
        instance.demote()


def problem_of(work: Callable[[], None], seconds: float) -> str:
    """What went wrong; empty when the work was done within so many seconds."""
    problems = ["it did not close in time"]

    def attempt() -> None:
        try:
            work()
            problems[0] = ""
        except Exception as error:  # whatever it is, mysqld is killed for it
            problems[0] = str(error)

    worker = threading.Thread(target=attempt, daemon=True)
    worker.start()
    worker.join(seconds)
    return problems[0]


def kill_agent(pid: int, instance: str) -> bool:
    """SIGKILL; systemd starts a new one at once. Returns False where this is not, or no longer, this instance's agent.
    Raises OSError."""
    process = Process(pid)
    try:
        # Looked at after the process was pinned: a later process with this number is not meant.
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        own = "run" in words and any(word.endswith(f"/{instance}.json") for word in words) and process.alive()
        if own:
            process.kill()
        return own
    except (FileNotFoundError, PermissionError):
        if not process.alive():
            return False
        why = f"/proc hides process {pid} from the guard (hidepid)"
        raise OSError(f"the agent is silent and not killed: {why}") from None
    finally:
        process.close()


class Guard:
    def __init__(
        self, config: Config, journal: Journal, server: Server, disks: list[Disk], departure: Departure
    ) -> None:
        self._config = config
        self._journal = journal
        self._disks = disks
        self._server = server
        self._departure = departure
        self._silence = Awake()
        self._alive: str | None = None
        self._killed = False  # the agent that is silent now
        # A new agent must speak before the standbys take this host for lost, and before writes are closed for it.
        self._patience = min(KILL_AT * config.lease, KILL_AT * config.down_timeout)  # seconds
        self._worst = 0.0

    def step(self, at: float) -> None:
        self._tell_disks(at)
        self._watch_agent(at)

    def _tell_disks(self, at: float) -> None:
        stalled = {disk: disk.stalled(at) for disk in self._disks}
        worst = max(stalled.values(), default=0.0)
        news = self._config.disk_timeout / 2  # seconds
        if worst >= news > self._worst:
            for disk, seconds in stalled.items():
                if seconds >= news:
                    why = disk.error or "it waits"
                    self._journal.say(f"no write to {disk.directory} for {seconds:.1f} s: {why}", logging.ERROR)
        elif worst < news <= self._worst:
            self._journal.say("the disks take writes again")
        self._worst = worst
        self._attempt(lambda: trackfile.write_disk(self._config.disk_file, worst))

    def _watch_agent(self, at: float) -> None:
        config = self._config
        alive = trackfile.read_alive(config.alive_file)
        if alive is None or alive != self._alive:  # without that file no agent has run since the boot
            self._alive, self._killed = alive, False
            self._silence.over(at)
            self._attempt(lambda: trackfile.remove_hold(config.hold_file, REASON))
            return
        silent = self._silence.lasts(at)
        if silent < self._patience:
            return
        self._attempt(self._departure.sweep_if_gone)
        if trackfile.paused(config.pause_file):
            return
        if not self._killed:
            self._killed = True
            self._attempt(lambda: self._kill_agent(alive, silent))
        if silent >= config.down_timeout and trackfile.read_track(config.track_file) == "0":
            self._demote(silent)

    def _kill_agent(self, alive: str, silent: float) -> None:
        pid = trackfile.pid_of(alive)
        if pid is not None and kill_agent(pid, self._config.instance):
            self._journal.say(f"the agent killed: it has been silent for {silent:.1f} s", logging.WARNING)

    def _demote(self, silent: float) -> None:
        """The hold keeps an agent that wakes up meanwhile from opening writes again. It is removed when it runs."""
        config = self._config
        began = time.monotonic()
        try:
            trackfile.place_hold(config.hold_file, REASON)
            done = self._server.close_for_writes()
            trackfile.write_track(config.track_file, "1")
        except (OSError, MysqlError) as error:  # tried again at the next step
            self._journal.say(f"FAILED to demote: {error}", logging.ERROR)
            return
        took = (time.monotonic() - began) * 1000
        self._journal.say(f"{done}: {REASON} for {silent:.1f} s ({took:.0f} ms)", logging.WARNING)

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except OSError as error:
            self._journal.say(f"FAILED: {error}", logging.ERROR)
