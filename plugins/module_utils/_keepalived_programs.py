# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands of a keepalived configuration run, and whether that ends keepalived. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

_SHELL = re.compile(r"(?:ba|da|k|z|a)?sh")
_INTERPRETER = re.compile(r"(?:python|perl|ruby|php)[\d.]*")
# Programs that run another one, and those of their options that have a value.
_WRAPPER = frozenset({"env", "timeout", "sudo", "nice", "ionice", "nohup", "setsid", "stdbuf"})
_WITH_VALUE = frozenset({"-u", "-g", "-s", "-k", "-n", "-c", "-h", "-p"})
_NO_PROGRAM = re.compile(r"-.*|[^/]*=.*|\d+(?:\.\d+)?[smhd]?")  # options, assignments, durations


class Program(NamedTuple):
    """The file, and whether an interpreter reads it, so that it need not be executable."""

    path: str
    read: bool


def program(command: str) -> Program:
    """What a command runs: behind a shell, sudo and the like it is an argument, where one can be told."""
    words = command.split()
    first = Program(words[0] if words else "", False)
    at = 0
    while at < len(words):
        name = words[at].rpartition("/")[2]
        shell = _SHELL.fullmatch(name)
        if shell or _INTERPRETER.fullmatch(name):
            rest = words[at + 1 :]
            options = next((place for place, word in enumerate(rest) if not word.startswith("-")), len(rest))
            code = r"-\w*c" if shell else r"-\w*[cemr]"
            if options == len(rest) or any(re.fullmatch(code, word) for word in rest[:options]):
                return first
            return Program(rest[options], True) if rest[options].startswith("/") else first
        if name not in _WRAPPER:
            return Program(words[at], False) if words[at].startswith("/") else first
        at += 1
        while at < len(words) and _NO_PROGRAM.fullmatch(words[at]):
            at += 2 if words[at] in _WITH_VALUE else 1
    return first


# Signals that ask a daemon for something else than its end.
_HARMLESS = r"(?:\s-|\s-[sn]\s*|--signal[=\s]\s*)(?:SIG)?(?:0|1|10|12|HUP|USR[12])(?=[\s;]|$)|--signum\b"
_KILLS = re.compile(
    rf"\b(?:killall5?|pkill|kill)\b(?![^\n;|&]{{0,200}}?(?:{_HARMLESS}))[^\n;|&]{{0,400}}\bkeepalived\b"
    r"|\bservice\s+keepalived\s+(?:force-)?(?:stop|restart)\b|\bsystemctl\s+(?:-\S+\s+)*(?:stop|restart|kill)\s+keepalived"
    r"|/etc/(?:rc\.d/)?init\.d/keepalived\s+(?:stop|restart)\b"
)


def kills_keepalived(text: str) -> int | None:
    """The line of a script that ends or restarts keepalived; comments do not count."""
    for at, line in enumerate(text.splitlines(), start=1):
        if not line.lstrip().startswith("#") and _KILLS.search(line[:4096]):
            return at
    return None
