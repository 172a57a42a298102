# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The small files in /run that keepalived, operators and the agent share. They are in memory: no disk is waited for."""

from __future__ import annotations

import os
from pathlib import Path


def read_track(path: str) -> str | None:
    """What keepalived reads now; None when there is no such file."""
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def write_track(path: str, value: str) -> None:
    """In place and in one write: keepalived may read at any time, and takes an empty file for 0. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        data = value.encode("ascii") + b"\n"
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))
    finally:
        os.close(descriptor)


def read_hold(path: str) -> str | None:
    """The reason in the hold file; None when there is none."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
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


def keepalived_runs(pid_file: str) -> bool:
    """The pid file names a live process that is keepalived."""
    try:
        pid = int(Path(pid_file).read_text(encoding="ascii"))
        return Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "keepalived"
    except (OSError, ValueError):
        return False
