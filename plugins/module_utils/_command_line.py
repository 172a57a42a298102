# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of a check: its words, and the program behind sudo, timeout, a shell and the like. Pure."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

LONGEST = 16384  # characters of a command; a longer one is cut
_SHELL = re.compile(r"(?:ba|da|k|z|a)?sh")
_INTERPRETER = re.compile(r"(?:python|perl|ruby|php)[\d.]*")
# Programs that run another one, with those of their options that take a value as the next word.
_WRAPPERS = {
    "sudo": "ugphCrtTDRU", "doas": "uC", "su": "sgGw", "runuser": "ugsGw", "env": "uSC", "timeout": "ks", "nice": "n",
    "ionice": "cnpPu", "chrt": "TPD", "taskset": "", "setpriv": "", "nohup": "", "setsid": "", "stdbuf": "ioe",
    "flock": "wE", "time": "fo", "chroot": "", "ip": "n", "nsenter": "tSG", "unshare": "", "exec": "a", "command": "",
    "systemd-run": "pM", "systemd-cat": "tp", "chpst": "ueo", "strace": "oe", "logsave": "", "unbuffer": "",
    "gosu": "", "su-exec": "", "setuidgid": "", "s6-setuidgid": "", "busybox": "", "docker": "uew", "podman": "uew",
    "xargs": "nPI",
}  # fmt: skip
_LONG_WITH_VALUE = frozenset({
    "--user", "--group", "--chdir", "--reuid", "--regid", "--groups", "--shell", "--signal", "--kill-after", "--unset",
    "--adjustment", "--class", "--classdata", "--timeout", "--wait", "--property", "--unit",
})  # fmt: skip
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
# What stands between a wrapper and its program, apart from options: how many words.
_OPERANDS = {"timeout": 1, "flock": 1, "chroot": 1, "taskset": 1, "chrt": 1, "logsave": 1,
             "gosu": 1, "su-exec": 1, "setuidgid": 1, "s6-setuidgid": 1}  # fmt: skip
_SUBCOMMANDS = {"ip": (("netns", "exec"), 3), "docker": (("exec",), 1), "podman": (("exec",), 1)}
_MOST_WRAPPERS = 20


class Program(NamedTuple):
    """The file, and whether an interpreter reads it, so that it need not be executable."""

    path: str
    read: bool


class Command(NamedTuple):
    """What runs in the end: its words without what wraps it. A shell's code is kept as it stands."""

    words: list[str]
    code: str | None = None  # of bash -c and the like
    read: bool = False


def split(command: str) -> list[str]:
    """The words: single and double quotes and backslashes count. A quote that is not closed stands for itself."""
    text = command[:LONGEST]
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def unwrapped(command: str) -> Command:
    """What a command runs behind sudo, timeout, a shell and the like, where that can be seen."""
    words = split(command)
    for _depth in range(_MOST_WRAPPERS):
        if not words:
            break
        name = words[0].rpartition("/")[2]
        if _SHELL.fullmatch(name) or _INTERPRETER.fullmatch(name):
            return _interpreted(words, name)
        if name not in _WRAPPERS:
            break
        inner = _behind(words, name)
        if isinstance(inner, Command):
            return inner
        if not inner:
            break
        words = inner
    return Command(words)


def _interpreted(words: list[str], name: str) -> Command:
    """Of a shell or an interpreter: its code (-c), or the file that it reads."""
    shell = bool(_SHELL.fullmatch(name))
    code = r"-\w*c" if shell else r"-\w*[cemr]"
    for place, word in enumerate(words[1:], start=1):
        if not word.startswith("-"):
            return Command(words[place:], read=True)
        if re.fullmatch(code, word):
            return Command(words, words[place + 1] if shell and place + 1 < len(words) else "")
    return Command(words)


def _behind(words: list[str], name: str) -> Command | list[str] | None:
    """The words behind a wrapper; None where it runs nothing."""
    with_value, at = _WRAPPERS[name], 1
    subcommand, skipped = _SUBCOMMANDS.get(name, ((), 0))
    if tuple(words[1 : 1 + len(subcommand)]) != subcommand:
        return None
    at += len(subcommand)
    operands = skipped - len(subcommand) if name == "ip" else skipped or _OPERANDS.get(name, 0)
    user = name in ("su", "runuser")
    while at < len(words):
        word = words[at]
        if (user or name == "flock") and word in ("-c", "--command", "--session-command"):
            return Command(words, words[at + 1]) if at + 1 < len(words) else None
        if word == "--":
            at += 1
            user = False
        elif word.startswith("-") and len(word) > 1:
            # Of several letters only the last one has its value in the next word.
            short = not word.startswith("--") and not set(word[1:-1]) & set(with_value)
            takes = word in _LONG_WITH_VALUE or (short and word[-1] in with_value)
            user = user and word not in ("-u", "--user")  # runuser -u USER PROGRAM
            at += 2 if takes else 1
        elif word == "-" or _ASSIGNMENT.fullmatch(word):
            at += 1
        elif operands:
            operands -= 1
            at += 1
        elif user:  # the account; what it runs is behind -c
            at += 1
        else:
            return words[at:]
    return None


def program(command: str) -> Program:
    """The file that a command runs in the end: the first word, where what is behind it has no path."""
    inner = unwrapped(command)
    first = next(iter(split(command)), "")
    if inner.code is not None:
        words = split(inner.code)
        behind = unwrapped(inner.code) if words and words[0].startswith("/") else Command([])
        found = behind.words[0] if behind.words and behind.code is None else ""
        return Program(found, behind.read) if found.startswith("/") else Program(first, False)
    found = inner.words[0] if inner.words else ""
    return Program(found, inner.read) if found.startswith("/") else Program(first, False)
