# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Saves transactions that are about to be lost: as SQL, in a file that nobody overwrites."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from .lib._connection import MysqlError, Session

KEPT = 20  # files of one instance; with so many a person must look at them before there are more
LONGEST = 600.0  # seconds to read the binary logs
_GTID = re.compile(rb"^SET @@SESSION\.GTID_NEXT= '([^']+)'", re.IGNORECASE)
_INTERVAL = re.compile(r"(\d+)(?:-(\d+))?")


def save(session: Session, socket: str, user: str, directory: Path, instance: str, gtids: str) -> Path:
    """Writes the transactions of this set to a new file. Raises MysqlError unless all of them are in it, on disk."""
    kept = sorted(directory.glob(f"{instance}-errant-*.sql"))
    if len(kept) >= KEPT:
        raise MysqlError(
            f"{directory} keeps {len(kept)} files of saved transactions already; look at them and move them away")
    target = directory / time.strftime(f"{instance}-errant-%Y%m%dT%H%M%SZ.sql", time.gmtime())
    command = [
        "mysqlbinlog", "--no-defaults", "--read-from-remote-server", f"--socket={socket}", f"--user={user}",
        "--verbose", f"--include-gtids={gtids}", "--to-last-log", _first_log(session, gtids),
    ]
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            said = _read_logs(command, file)
            os.fsync(file.fileno())
        sync_directory(directory)
        found = found_in(target)
    except OSError as error:
        raise MysqlError(f"the transactions {gtids} could not be saved: {error}") from error
    if said or len(found) != count(gtids):
        target.unlink()
        raise MysqlError(f"of the transactions {gtids} {len(found)} could be read from the binary logs. {said}")
    return target


def _first_log(session: Session, gtids: str) -> str:
    """The newest binary log before which there is nothing of the set."""
    names = [str(row["log_name"]) for row in session.run("SHOW BINARY LOGS")]
    for name in reversed(names):
        rows = session.run("SHOW BINLOG EVENTS IN %s LIMIT 5", [name])
        before = next((str(row["info"]) for row in rows if row["event_type"] == "Previous_gtids"), "")
        if session.value("SELECT GTID_SUBTRACT(%s, %s) = GTID_SUBTRACT(%s, '')", [gtids, before, gtids]):
            return name
    return names[0]


def _read_logs(command: list[str], file: IO[bytes]) -> str:
    """Writes what the program prints to the file; returns what went wrong, mostly nothing. Raises OSError."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as reader:
        bound = threading.Timer(LONGEST, reader.kill)
        bound.start()
        try:
            if reader.stdout is None or reader.stderr is None:
                return "no pipe"
            file.writelines(without_places(reader.stdout))
            said = reader.stderr.read().decode("utf-8", "replace").strip()[-200:]
        finally:
            bound.cancel()
    return "" if reader.returncode == 0 else said or f"mysqlbinlog ended with status {reader.returncode}"


def without_places(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The program names the place of every event that it leaves out: 13 MB for three transactions among 200,000."""
    place = b""
    for line in lines:
        if line.startswith(b"# at "):
            place = line
            continue
        yield place + line
        place = b""


def found_in(path: Path) -> set[bytes]:
    """The GTIDs of the transactions in such a file. Raises OSError."""
    with path.open("rb") as file:
        matches = (_GTID.match(line) for line in file)
        return {match[1] for match in matches if match and match[1].upper() != b"AUTOMATIC"}


def count(gtids: str) -> int:
    """How many transactions a set in mysqld's spelling has: uuid:1-3:5,uuid:tag:1."""
    total = 0
    for part in gtids.split(","):
        for piece in part.strip().split(":")[1:]:
            interval = _INTERVAL.fullmatch(piece.strip())
            if interval:  # else it is a tag, which begins with a letter or an underscore
                total += int(interval[2] or interval[1]) - int(interval[1]) + 1
    return total


def sync_directory(directory: Path) -> None:
    """Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
