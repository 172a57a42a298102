# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is looked up on a host about keepalived: files, processes, dumps. All I/O of the family is here."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import pwd
import stat
import time
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple

from ._command_checks import addresses, looks_at
from ._command_line import program, split
from ._keepalived_conf import LARGEST, Found, Unreadable, alternatives
from ._keepalived_daemon import FileState, Process, is_fresh, is_trap, parse_status, serves
from ._keepalived_stops import kills_keepalived

Facts = dict[str, Any]
SCRIPT_LARGEST = 256 * 1024
POLL = 0.05
LATE = 3.0  # seconds in which a dump may still come that nobody waits for
PROC = "/proc"
NAMES = {36: "keepalived.json", 10: "keepalived.data"}
SOURCES = {36: "json", 10: "text"}


class Daemon(NamedTuple):
    """The parent of all keepalived processes."""

    pid: int
    owner: int
    arguments: list[str]
    root: str
    temporary: str
    replaced: bool
    status: Process | None
    children: list[Process | None]


# ---- files -----------------------------------------------------------------------------------------------------------


def files(pattern: str, with_executables: bool) -> Found:
    """What keepalived would read: regular files; 2.x leaves executable ones out. Raises OSError."""
    found: Found = []
    for path in [name for each in alternatives(pattern) for name in sorted(glob.glob(each))]:
        try:
            # Opening a device or a pipe may hang, or change something.
            mode = os.stat(path).st_mode
            if stat.S_ISREG(mode) and (with_executables or not mode & 0o111):
                with open(path, "rb") as file:
                    found.append((path, file.read(LARGEST + 1)))
        except OSError as error:  # a link to nowhere does not keep keepalived from reading the others
            found.append((path, error))
    return found


def _runs_as(user: str | None) -> int:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(user or "root").pw_uid
    return 0


def describe_program(command: str, user: str | None = None) -> Facts:
    """The file that a command runs as a user, as far as it can be seen."""
    path, read = program(command)
    first = next(iter(split(command)), "")
    if first.startswith("/") and not os.path.exists(first):
        path, read = first, False  # the interpreter itself
    at = kills_keepalived(command)
    facts: Facts = {
        "path": path, "exists": None, "executable": None, "writable_by_others": None, "open_at": None,
        "kills_keepalived": f"{path} (its arguments)" if at else None, "looks_at": None, "addresses": [],
    }  # fmt: skip
    if not path.startswith("/"):
        return facts
    try:
        state = os.stat(path)
    except OSError as error:
        facts["exists"] = False if isinstance(error, (FileNotFoundError, NotADirectoryError)) else None
        return facts
    regular = stat.S_ISREG(state.st_mode)
    facts.update(exists=True, executable=regular and (read or bool(state.st_mode & 0o111)))
    facts["open_at"] = _open_at(path, (0, _runs_as(user)))
    facts["writable_by_others"] = facts["open_at"] is not None
    with contextlib.suppress(OSError):
        if regular and not at:
            with open(path, "rb") as file:
                text = file.read(SCRIPT_LARGEST).decode("utf-8", "replace")
            at = kills_keepalived(text)
            facts["kills_keepalived"] = f"{path}:{at}" if at else None
            facts.update(looks_at=looks_at(text), addresses=addresses(text))
    return facts


def _open_at(path: str, owners: tuple[int, ...]) -> str | None:
    """The file or directory by which others than the owners could replace a program, or the target of a link."""
    for whole in dict.fromkeys((path, os.path.realpath(path))):
        name = whole
        while True:
            with contextlib.suppress(OSError):
                state = os.stat(name)
                if state.st_uid not in owners or _others_write(state):
                    return name
            above = os.path.dirname(name)
            if above == name:
                break
            name = above
    return None


def _others_write(state: os.stat_result) -> bool:
    """As keepalived sees it: root's group may, and in a directory with the sticky bit each only has its own files."""
    sticky = state.st_mode & stat.S_ISVTX and stat.S_ISDIR(state.st_mode)
    return not sticky and bool(state.st_mode & stat.S_IWOTH or (state.st_gid and state.st_mode & stat.S_IWGRP))


# ---- processes -------------------------------------------------------------------------------------------------------


def _text(path: str) -> str:
    with open(path, "rb") as file:
        return file.read(65536).decode("utf-8", "replace")


def _keepalived(pid: str) -> bool:
    return os.path.basename(os.readlink(f"{PROC}/{pid}/exe").replace(" (deleted)", "")) == "keepalived"


def _shares(pid: str, kind: str) -> bool:
    """A namespace of ours. Containers have their own for processes; units of systemd may have one for mounts."""
    return os.readlink(f"{PROC}/{pid}/ns/{kind}") == os.readlink(f"{PROC}/self/ns/{kind}")


def in_a_container() -> bool:
    """Whether one runs that is a container's but uses this host's network: it holds VIPs here."""
    for name in filter(str.isdigit, os.listdir(PROC)):
        with contextlib.suppress(OSError):
            if _keepalived(name) and _shares(name, "net") and not _shares(name, "pid"):
                return True
    return False


def daemons() -> list[Daemon]:
    """Those that run here, containers left out. Processes that end meanwhile are passed over."""
    parents: dict[str, str] = {}
    for name in os.listdir(PROC):
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError, ValueError):
            ours = _keepalived(name) and _shares(name, "pid")
            if ours and serves(_text(f"{PROC}/{name}/cmdline").rstrip("\0").split("\0")):
                # pid (name) state parent …; the name may hold anything
                parents[name] = _text(f"{PROC}/{name}/stat").rpartition(")")[2].split()[1]
    found = []
    for pid in sorted((pid for pid in parents if parents[pid] not in parents), key=int):
        with contextlib.suppress(OSError, ValueError):
            found.append(_daemon(pid, [child for child in parents if parents[child] == pid]))
    return found


def _daemon(pid: str, children: list[str]) -> Daemon:
    environment = dict(
        entry.split("=", 1) for entry in _text(f"{PROC}/{pid}/environ").split("\0") if entry.startswith("TMPDIR=")
    )
    return Daemon(
        pid=int(pid),
        owner=os.stat(f"{PROC}/{pid}").st_uid,
        arguments=_text(f"{PROC}/{pid}/cmdline").rstrip("\0").split("\0"),
        root=f"{PROC}/{pid}/root",
        temporary=environment.get("TMPDIR") or "/tmp",  # noqa: S108 - where keepalived writes
        replaced=os.readlink(f"{PROC}/{pid}/exe").endswith(" (deleted)"),
        status=parse_status(_text(f"{PROC}/{pid}/status")),
        children=[parse_status(_text(f"{PROC}/{child}/status")) for child in children],
    )


# ---- dumps -----------------------------------------------------------------------------------------------------------


def look(path: str) -> FileState:
    try:
        state = os.lstat(path)
    except OSError:
        return FileState(0, 0, 0, 0.0)
    return FileState(state.st_mode, state.st_uid, state.st_nlink, state.st_mtime)


def dump(daemon: Daemon, number: int, path: str, parse: Callable[[bytes], list[Facts]], bound: float) -> list[Facts]:
    """Sends the signal and reads what it brings. Raises Unreadable and OSError.

    What was not there before is taken away again: a dump holds the VRRP password.
    """
    with _alone(daemon.pid, bound):
        return _dump(daemon, number, path, parse, bound)


@contextlib.contextmanager
def _alone(pid: int, bound: float) -> Iterator[None]:
    """One after another: two inventory names of a machine ask at once, and whoever is first takes the dump away."""
    handle = os.open(f"{PROC}/{pid}", os.O_RDONLY | os.O_DIRECTORY)
    try:
        deadline = time.monotonic() + bound
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Unreadable(f"somebody else asked keepalived for a dump for {bound} s") from None
                time.sleep(POLL)
        yield
    finally:
        os.close(handle)


def _dump(daemon: Daemon, number: int, path: str, parse: Callable[[bytes], list[Facts]], bound: float) -> list[Facts]:
    if is_trap(look(path), daemon.owner):
        raise Unreadable(f"{path} is not keepalived's own file, so no signal was sent")
    before = _beside(path)
    sent = time.time()
    os.kill(daemon.pid, number)
    try:
        return _await(path, daemon.owner, sent, parse, bound)
    except Unreadable as error:
        if path in before or _written(path, daemon.owner, sent):
            raise
        raise Unreadable(f"{error}; what it may still write there holds the VRRP password") from None
    finally:
        for left in _beside(path) - before:
            if is_fresh(look(left), daemon.owner, sent):
                with contextlib.suppress(OSError):
                    os.unlink(left)


def _written(path: str, owner: int, sent: float) -> bool:
    """Whether the dump is there, if late, so that it can be taken away."""
    deadline = time.monotonic() + LATE
    while not is_fresh(look(path), owner, sent):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True


def _beside(path: str) -> set[str]:
    """The parent and the checker write files of their own, named alike."""
    stem, ending = os.path.splitext(path)
    return set(glob.glob(f"{glob.escape(stem)}*{glob.escape(ending)}"))


def _await(path: str, owner: int, sent: float, parse: Callable[[bytes], list[Facts]], bound: float) -> list[Facts]:
    problem = f"keepalived did not write {path} within {bound} s"
    size = -1
    deadline = time.monotonic() + bound
    while time.monotonic() < deadline:
        time.sleep(POLL)
        if not is_fresh(look(path), owner, sent):
            continue
        data = _own_file(path, owner)
        if len(data) != size:  # it may still write
            size = len(data)
            continue
        try:
            return parse(data)
        except Unreadable as error:
            problem = str(error)
    raise Unreadable(problem)


def _own_file(path: str, owner: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if state.st_uid != owner or not stat.S_ISREG(state.st_mode):
            raise Unreadable(f"{path} is not keepalived's own file")
        return file.read(16 * 2**20 + 1)
