# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of an HAProxy configuration -> sections with the lines that count. Pure; raises only Unreadable.

As HAProxy's own parser: quotes, escapes, variables of the environment, and blocks between .if and .endif.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ._haproxy_condition import holds

Facts = dict[str, Any]
LARGEST = 4 * 2**20
MOST = 100000  # lines
DEEPEST = 16  # .if within .if, as HAProxy has it
SECTIONS = (
    "global", "defaults", "listen", "frontend", "backend", "peers", "resolvers", "mailers", "userlist", "cache",
    "program", "http-errors", "ring", "log-forward", "fcgi-app", "traces", "crt-store", "log-profile", "acme",
)  # fmt: skip
UNKNOWN = ".unknown"  # first word of a line that stands for a condition which cannot be decided
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", **{each: each for each in " #\"'\\"}}  # others keep their backslash
_PIECE = re.compile(
    r"""(?P<blank>[ \t]+)|(?P<comment>\#)|\\x(?P<hex>[0-9A-Fa-f]{2})|\\(?P<escaped>.)
    |"(?P<weak>(?:\\.|[^"\\])*)(?:"|\\?\Z)|'(?P<strong>[^']*)(?:'|\Z)|(?P<plain>[^ \t\\"'#]+|.)""",
    re.DOTALL | re.VERBOSE,
)
_INSIDE = re.compile(
    r"\\x([0-9A-Fa-f]{2})|\\(.)|\$(?:\{([A-Za-z_]\w*)(?:\[\*\])?(?:-([^}]*))?\}|([A-Za-z_]\w*))", re.DOTALL
)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?:-([^}]*))?\}|([A-Za-z_]\w*))")


class Unreadable(Exception):
    """No configuration; one sentence says why."""


def words(line: str, environment: dict[str, str] | None = None) -> list[str]:
    """Of a line, without its comment; quotes are taken off, variables in double quotes are replaced."""
    known = environment or {}
    found: list[str] = []
    word: list[str] | None = None
    for piece in _PIECE.finditer(line):
        if piece.lastgroup in ("blank", "comment"):
            if word is not None:
                found.append("".join(word))
                word = None
            if piece.lastgroup == "comment":
                break
            continue
        word = [] if word is None else word
        word.append(_read(piece, known))
    if word is not None:
        found.append("".join(word))
    return found


def _read(piece: re.Match[str], environment: dict[str, str]) -> str:
    text = piece[piece.lastgroup or 0]
    if piece.lastgroup == "hex":
        return chr(int(text, 16))
    if piece.lastgroup == "escaped":
        return _ESCAPES.get(text, f"\\{text}")
    if piece.lastgroup != "weak":
        return text

    whole = "PATH" in environment  # as of a process: what is not in it is empty; else it is not known

    def inside(found: re.Match[str]) -> str:
        unset = "" if whole else found[0]
        if found[1]:
            return chr(int(found[1], 16))
        if found[2]:
            return "$" if found[2] == "$" else _ESCAPES.get(found[2], found[0])
        return environment.get(found[3] or found[5], unset if found[4] is None else found[4])

    return _INSIDE.sub(inside, text)


def expanded(address: str, environment: dict[str, str]) -> str:
    """In addresses HAProxy replaces variables outside of quotes too. One that is not known stays."""
    return _VARIABLE.sub(
        lambda found: environment.get(found[1] or found[3], found[0] if found[2] is None else found[2]), address
    )


def parse(
    data: bytes, path: str, environment: dict[str, str] | None = None, version: tuple[int, ...] = ()
) -> list[Facts]:
    """Sections, each with "type", "name", "base", "at" and its "lines" ({"words", "at"}).

    `environment` gets what the configuration sets, because a later file sees it.
    """
    if len(data) > LARGEST:
        raise Unreadable(f"{path} is larger than {LARGEST} bytes")
    if b"\0" in data:
        raise Unreadable(f"{path} is not text")
    lines = re.split("\r\n|\n|\r", data.decode("utf-8", "backslashreplace"))
    if len(lines) > MOST:
        raise Unreadable(f"{path} has more than {MOST} lines")
    known = {} if environment is None else environment
    sections: list[Facts] = []
    for number, found in _chosen(lines, path, known, version):
        at = f"{path}:{number}"
        if found[0] in SECTIONS:
            sections.append(_section(found, at))
        elif sections:
            section = sections[-1]
            section["lines"].append({"words": found, "at": at})
            if section["type"] == "global":
                _set(found, known)
            else:
                _expand(found, known)
    return sections


def _chosen(
    lines: list[str], path: str, environment: dict[str, str], version: tuple[int, ...]
) -> Iterator[tuple[int, list[str]]]:
    """Lines that count, by the blocks that they are in. A condition that cannot be decided counts as true."""
    blocks: list[list[bool]] = []  # of each block: whether its lines count now, and whether an alternative was taken
    for number, line in enumerate(lines, start=1):
        found = words(line, environment)
        if not found:
            continue
        word = found[0]
        outside = all(block[0] for block in blocks[:-1])
        if word == ".if" or (word == ".elif" and blocks):
            due = all(block[0] for block in blocks) if word == ".if" else outside and not blocks[-1][1]
            decided = holds(" ".join(found[1:]), environment, version) if due else False
            if decided is None:
                yield number, [UNKNOWN, " ".join(found[1:])[:200]]
            now = decided is not False
            if word == ".if":
                blocks.append([now, now])
                if len(blocks) > DEEPEST:
                    raise Unreadable(f"{path}:{number}: more than {DEEPEST} .if within each other")
            else:
                blocks[-1] = [now, blocks[-1][1] or now]
        elif word == ".else" and blocks:
            blocks[-1] = [not blocks[-1][1], True]
        elif word == ".endif" and blocks:
            blocks.pop()
        elif not word.startswith(".") and all(block[0] for block in blocks):
            yield number, found


def _section(found: list[str], at: str) -> Facts:
    base = found[found.index("from") + 1] if "from" in found[1:-1] else None
    name = found[1] if len(found) > 1 and not (found[0] == "defaults" and found[1] == "from") else ""
    section: Facts = {"type": found[0], "name": name, "base": base, "at": at, "lines": []}
    if found[0] in ("listen", "frontend") and len(found) > 2 and ":" in found[2]:  # until 1.6 the address was here
        section["lines"].append({"words": ["bind", *found[2:]], "at": at})
    return section


def _set(found: list[str], environment: dict[str, str]) -> None:
    if found[0] in ("setenv", "presetenv") and len(found) > 2:
        if found[0] == "setenv" or found[1] not in environment:
            environment[found[1]] = found[2]
    elif found[0] == "unsetenv":
        for name in found[1:]:
            environment.pop(name, None)
    elif found[0] == "resetenv":
        for name in set(environment) - set(found[1:]):
            del environment[name]
    elif found[:2] == ["stats", "socket"]:
        _expand(found, environment)


def _expand(found: list[str], environment: dict[str, str]) -> None:
    place = {"bind": 1, "dispatch": 1, "server": 2, "stats": 2, "server-template": 3}.get(found[0])
    if place is not None and len(found) > place:
        found[place] = expanded(found[place], environment)
