# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The small files in /run that keepalived, operators, the guard and the agent share. They are in memory: no disk is
waited for."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path

from .clock import now

REQUESTS = ("promote", "accept-data-loss", "forget-errant")
REQUEST_LASTS = 15.0  # seconds; the command waits for 10
LONGEST = 4096  # bytes; these files hold a line
DISK_OUTDATED = 3.0  # seconds without a word of the guard, after which its last one says nothing any more


def _read_bytes(path: str) -> bytes:
    """Six such files are read in every step: this costs a fourth of what Path does. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, LONGEST)
    finally:
        os.close(descriptor)


def _read(path: str) -> str | None:
    try:
        return _read_bytes(path).decode("utf-8", "replace").strip()
    except OSError:
        return None


def _write(path: str, value: str) -> None:
    """In place and in one write: keepalived may read at any time, and takes an empty file for 0. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        data = value.encode("ascii") + b"\n"
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))
    finally:
        os.close(descriptor)


# ---- what keepalived reads -------------------------------------------------------------------------------------------


def read_track(path: str) -> str | None:
    """Whether this instance may hold the VIP, as keepalived reads it: "0" if it may; None when there is no file."""
    return _read(path)


def write_track(path: str, value: str) -> None:
    """Raises OSError."""
    _write(path, value)


def read_lead(path: str) -> str | None:
    """What keepalived adds to its priority; None when there is no such file."""
    return _read(path)


def write_lead(path: str, value: str) -> None:
    """Raises OSError."""
    _write(path, value)


# ---- what people and other programs ask for --------------------------------------------------------------------------


MYSQLD_STOPS = "mysqld stops"  # the hold that mysqld's unit places


def read_hold(path: str) -> str | None:
    """The reason in the hold file; None when there is none."""
    try:
        return _read_bytes(path).decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{path}: {error.strerror}"


def place_hold(path: str, reason: str) -> None:
    """A hold that is there already stays: it is somebody else's. Raises OSError."""
    try:
        with Path(path).open("x", encoding="utf-8") as file:
            file.write(reason + "\n")
    except FileExistsError:
        return


def remove_hold(path: str, reason: str | None) -> bool:
    """Removes the hold, with `reason` only one that has this text; returns whether it did. Raises OSError."""
    found = read_hold(path)
    if found is None or (reason is not None and found != reason):
        return False
    Path(path).unlink()
    return True


def paused(path: str) -> bool:
    return _read(path) is not None


def read_request(path: str) -> str | None:
    """What a person asks for, one of REQUESTS; None without a file, for anything else in it, and when the command that
    wrote it is long gone."""
    found = _read(path)
    if found not in REQUESTS:
        return None
    try:
        age = time.time() - Path(path).stat().st_mtime
        return found if 0 <= age <= REQUEST_LASTS else None  # one from the future is old: the clock was set back
    except OSError:
        return None


# ---- between the agent and its guard ---------------------------------------------------------------------------------


def touch_alive(path: str) -> None:
    """The agent runs. The guard kills and then demotes for one that does not write this any more. Raises OSError."""
    _write(path, f"{now()!r} {os.getpid()}")


def read_alive(path: str) -> str | None:
    """Two equal answers: the agent has not run in between."""
    return _read(path)


def pid_of(alive: str) -> int | None:
    """The process that wrote what `read_alive` returned."""
    found = alive.split()
    return int(found[1]) if len(found) == 2 and found[1].isdecimal() else None


def write_disk(path: str, stalled: float) -> None:
    """By the guard: for how many seconds a write to mysqld's disks has been waiting. Raises OSError."""
    _write(path, f"{stalled:.3f} {now()!r}")


def read_disk(path: str) -> float:
    """Seconds for which a write to mysqld's disks has been waiting; 0.0 when none waits or nobody probes."""
    try:
        stalled, written = map(float, (_read(path) or "").split())
    except ValueError:
        return 0.0
    return stalled if 0 <= now() - written <= DISK_OUTDATED else 0.0


# ---- keepalived's process --------------------------------------------------------------------------------------------


class KeepalivedWatch:
    """Its process is found through the pid file once, and then watched: no file is read while it lives."""

    def __init__(self, pid_file: str) -> None:
        self._pid_file = pid_file
        self._pidfd: int | None = None

    def runs(self) -> bool:
        if self._pidfd is not None:
            if not select.select([self._pidfd], [], [], 0)[0]:
                return True
            os.close(self._pidfd)
            self._pidfd = None
        return self._find()

    def _find(self) -> bool:
        pid = _pid(self._pid_file)
        if pid is None:
            return False
        try:
            # Before its name is looked at: then the descriptor cannot belong to a later process with this number.
            pidfd = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
        except OSError:  # it is gone, or the kernel (before 5.3) has no pidfd
            pidfd = None
        if not _is_keepalived(pid) or (pidfd is not None and select.select([pidfd], [], [], 0)[0]):
            if pidfd is not None:
                os.close(pidfd)
            return False
        self._pidfd = pidfd
        return True


def _pid(pid_file: str) -> int | None:
    try:
        pid = int(Path(pid_file).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return pid if pid > 0 else None


def _is_keepalived(pid: int) -> bool:
    """Where /proc hides the processes of other users (hidepid), the pid file is believed of one that lives."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "keepalived"
    except (FileNotFoundError, PermissionError):
        return lives(pid)
    except (OSError, ValueError):
        return False


def lives(pid: int) -> bool:
    """Whether there is such a process, whoever may look at it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
