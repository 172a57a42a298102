# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keepalived runs, which signals it survives, and whether a dump is its own and new. Pure.

An unknown signal ends a process. keepalived 2.x reads its signals from a descriptor: they are blocked then; without
signalfd they are caught; what it does not use it ignores. Old versions know no signal for JSON, and the kernel says so.
"""

from __future__ import annotations

import re
import stat
from typing import NamedTuple

DATA, JSON = 10, 36  # SIGUSR1, and SIGRTMIN+2 with the GNU C library
OLDEST, BEYOND = (1, 2), (3, 0)  # versions whose signals are known
JSON_SINCE = (1, 3)
_VERSION = re.compile(r"Keepalived v(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?!\d)")
_MASK = re.compile(r"^(SigBlk|SigIgn|SigCgt):\s*([0-9a-f]{8,32})$", re.MULTILINE)
CLOCK_STEP = 0.02  # seconds; the kernel stamps files with the time of its last tick


class Version(NamedTuple):
    """What `keepalived --version` says."""

    text: str
    number: tuple[int, ...]
    json: bool


class Process(NamedTuple):
    """What the kernel says of one process: sets of signals as bits, signal 1 is bit 0."""

    blocked: int
    ignored: int
    caught: int


class FileState(NamedTuple):
    """What lstat says of a dump; mode 0: it is not there."""

    mode: int
    owner: int
    links: int
    modified: float


def parse_version(text: str) -> Version | None:
    found = _VERSION.search(text[:65536])
    if not found:
        return None
    number = tuple(int(part) for part in found.groups() if part is not None)
    return Version(".".join(map(str, number)), number, re.search(r"\bJSON\b", text[:65536]) is not None)


def parse_status(text: str) -> Process | None:
    """/proc/PID/status."""
    masks = {found[1]: int(found[2], 16) for found in _MASK.finditer(text)}
    if len(masks) != 3:
        return None
    return Process(masks["SigBlk"], masks["SigIgn"], masks["SigCgt"])


def survives(process: Process, signal: int) -> bool:
    return bool((process.blocked | process.ignored | process.caught) >> (signal - 1) & 1)


def signals(version: Version | None, parent: Process | None, children: list[Process | None]) -> list[int]:
    """Those that may be sent to the parent, which passes them to its children. Empty: none, as far as we know."""
    if version is None or not OLDEST <= version.number[:2] < BEYOND or not children:
        return []
    processes = [parent, *children]
    wanted = [JSON] if version.json and version.number[:2] >= JSON_SINCE else []
    return [
        signal
        for signal in [*wanted, DATA]
        if all(process is not None and survives(process, signal) for process in processes)
    ]


def is_trap(file: FileState, owner: int) -> bool:
    """What lies where the daemon will write is not its own: an old one would write through a link, as root."""
    return file.mode != 0 and not _own(file, owner)


def is_fresh(file: FileState, owner: int, sent: float) -> bool:
    """The daemon wrote it, alone, and after the signal."""
    return file.mode != 0 and _own(file, owner) and file.modified >= sent - CLOCK_STEP


def _own(file: FileState, owner: int) -> bool:
    alone = file.links == 1 and not file.mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISREG(file.mode) and file.owner == owner and alone


def parse_unit(text: str) -> dict[str, str]:
    """`systemctl show`: names and values."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def serves(arguments: list[str]) -> bool:
    """Whether a keepalived with these arguments is a daemon, and not a look at its version or configuration."""
    return not any(re.match(r"-[tvh]|--(?:config-test|version|help)\b", each) for each in arguments[1:])


def config_id(arguments: list[str], hostname: str) -> str:
    """The word that @conditions are compared with: an argument of the daemon, else the host's short name."""
    for place, argument in enumerate(arguments):
        if argument in ("-i", "--config-id"):
            return arguments[place + 1] if place + 1 < len(arguments) else ""
        if argument.startswith("--config-id="):
            return argument.partition("=")[2]
        if argument.startswith("-i") and len(argument) > 2:
            return argument[2:]
    return hostname.split(".")[0]


def config_file(arguments: list[str], default: str) -> str:
    """The main file of the daemon with these arguments."""
    for place, argument in enumerate(arguments):
        if argument == "--use-file" and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith("--use-file="):
            return argument.partition("=")[2]
        # Short options may stand together, and the last of them may have its value in the same word.
        joined = re.fullmatch(r"-[BDGILPRSVXCdlmnx]*f(.*)", argument)
        if joined and (joined[1] or place + 1 < len(arguments)):
            return joined[1] or arguments[place + 1]
    return default
