# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's configuration language, of 1.2 to 2.3, read into statements. Pure: bytes in, statements out.

A statement is {"words", "at" (file:line), "condition" (None, or the @ under which it counts here), "block" (statements,
or None)}. Only what the daemon of this configuration id uses is read: no lines of other hosts, parameters put in.
Tolerant: what a person or an old daemon would still understand is read; what is odd becomes a problem with its place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple, Union

from ._keepalived_lines import Lines, TooMany
from ._keepalived_secrets import secret_names

LARGEST = 4 * 2**20  # bytes of one file, and of all together
DEEPEST = 20  # blocks within blocks, and files within files
MOST = 200000  # statements
_LONGEST_PATH = 4096  # the kernel's
_INCLUDE = re.compile(r"(include[rmwba]?)[ \t]+(.*)")

Statement = Any  # a dict as above; recursive types are beyond Python 3.9
# Path and content, or why there is none, of the files that a pattern means, in order.
Found = list[tuple[str, Union[bytes, OSError]]]


class Unreadable(Exception):
    """No configuration; one sentence says why."""


class Configuration(NamedTuple):
    """What the main file and all that it includes say."""

    statements: list[Statement]
    files: list[str]
    problems: list[str]


def read_all(path: str, find: Callable[[str], Found], config_id: str = "") -> Configuration:
    """The whole configuration. `find` reads what an absolute pattern means; it raises OSError. Raises Unreadable."""
    first = _Whole(find, config_id, frozenset())
    found = first.read(path)
    hidden = secret_names(first.lines.texts)
    return _Whole(find, config_id, hidden).read(path) if hidden else found


class _Whole:
    """A main file with all that it includes: what one file defines, the next lines of others use."""

    def __init__(self, find: Callable[[str], Found], config_id: str, hidden: frozenset[str]) -> None:
        self._find = find
        self.lines = Lines(config_id, hidden)
        self._result = Configuration([], [], [])
        self._bytes, self._statements = LARGEST, MOST

    def read(self, path: str) -> Configuration:
        result = self._result
        found = _found(self._find, path, result, "the configuration")
        if not found:
            raise Unreadable(result.problems[0] if result.problems else f"there is no {path}")
        for name, data in found:
            result.statements.extend(self._file(name, data, []))
        return result

    def _file(self, path: str, data: bytes, above: list[str]) -> list[Statement]:
        if path in above or len(above) >= DEEPEST:
            raise Unreadable(f"{path} includes itself" if path in above else f"{path}: files include files without end")
        self._result.files.append(path)
        self._bytes -= len(data)
        if self._bytes < 0:
            raise Unreadable(f"the configuration is larger than {LARGEST} bytes")

        def include(pattern: str, at: str) -> list[Statement]:
            # keepalived goes to the directory of each file that it reads.
            whole = os.path.normpath(os.path.join(os.path.dirname(path), pattern))
            found = _found(self._find, whole, self._result, f"{at}: include")
            return [each for name, inner in found for each in self._file(name, inner, [*above, path])]

        statements, problems, count = _parse(data, path, self.lines, include)
        self._result.problems.extend(problems)
        self._statements -= count
        if self._statements < 0:
            raise Unreadable(f"the configuration has more than {MOST} statements")
        return statements


def _found(
    find: Callable[[str], Found], pattern: str, result: Configuration, what: str
) -> list[tuple[str, bytes]]:  # fmt: skip
    try:
        found = find(pattern)
    except (OSError, ValueError) as error:
        result.problems.append(f"{what}: {error}")
        return []
    if not found:
        result.problems.append(f"{what}: no file is {pattern}")
    result.problems.extend(f"{what}: {data}" for _path, data in found if isinstance(data, OSError))
    return [(path, data) for path, data in found if isinstance(data, bytes)]


def alternatives(pattern: str) -> list[str]:
    """csh's braces, which Python's glob does not know. Of a hostile pattern, the first thousand."""
    found: list[str] = []
    left = [pattern[:_LONGEST_PATH]]
    while left and len(found) < 1000:
        text = left.pop(0)
        braces = re.search(r"\{([^{}]*)\}", text)
        if braces is None:
            found.append(text)
        elif len(left) < 1000:
            left.extend(text[: braces.start()] + word + text[braces.end() :] for word in braces[1].split(","))
    return list(dict.fromkeys(found))


def walk(statements: list[Statement]) -> Iterator[Statement]:
    """Every statement, a block before what is in it."""
    for statement in statements:
        yield statement
        if statement["block"] is not None:
            yield from walk(statement["block"])


# ---- one file --------------------------------------------------------------------------------------------------------


def parse(data: bytes, path: str, config_id: str = "") -> tuple[list[Statement], list[str]]:
    """The statements of one file, and what is odd; includes are statements too. Raises nothing but Unreadable."""
    lines = Lines(config_id)
    found = _parse(data, path, lines, None)
    hidden = secret_names(lines.texts)
    return (_parse(data, path, Lines(config_id, hidden), None) if hidden else found)[:2]


def _parse(
    data: bytes, path: str, lines: Lines, include: Callable[[str, str], list[Statement]] | None
) -> tuple[list[Statement], list[str], int]:
    """Statements, problems, and how many statements are the file's own."""
    if len(data) > LARGEST:
        raise Unreadable(f"{path} is larger than {LARGEST} bytes")
    if b"\0" in data:
        raise Unreadable(f"{path} is not text")
    tree, directory = _Tree(path, include), os.path.dirname(path)
    try:
        for number, raw in enumerate(data.decode("utf-8", "backslashreplace").split("\n"), start=1):
            for text, condition in lines.read(raw.rstrip("\r"), directory):
                tree.read(number, text, condition)
            if not lines.quoted:
                tree.odd(f"{path}:{number}", "a quote is not closed")
    except TooMany:
        raise Unreadable(f"{path}: its definitions mean more lines than are read") from None
    return tree.finish()


class _Tree:
    def __init__(self, path: str, include: Callable[[str, str], list[Statement]] | None) -> None:
        self._path = path
        self._include = include
        self._top: list[Statement] = []
        self._open: list[Statement] = []  # blocks around the place where we are
        self._last: Statement = None  # may still get its block on the next line
        self._count = 0
        self._problems: list[str] = []

    def read(self, number: int, text: str, condition: str | None) -> None:
        at = f"{self._path}:{number}"
        included = _INCLUDE.fullmatch(text)
        words = _words(included[2], braces=False) if included else []
        if included and self._include is not None and len(words) == 1:
            (self._open[-1]["block"] if self._open else self._top).extend(self._include(words[0], at))
        elif included:
            self._add([included[1], *words], at, condition)
        else:
            self._take(_words(text), at, condition)

    def _take(self, words: list[str], at: str, condition: str | None) -> None:
        pending: list[str] = []
        for word in words:
            if word not in (_BEGIN, _END):
                pending.append(word)
                continue
            if pending:
                self._add(pending, at, condition)
                pending = []
            if word == _BEGIN:
                self._begin(at)
            else:
                self._end(at)
        if pending:
            self._add(pending, at, condition)

    def _add(self, words: list[str], at: str, condition: str | None) -> None:
        self._count += 1
        if self._count > MOST:
            raise Unreadable(f"{self._path} has more than {MOST} statements")
        self._last = {"words": words, "at": at, "condition": condition, "block": None}
        (self._open[-1]["block"] if self._open else self._top).append(self._last)

    def _begin(self, at: str) -> None:
        if self._last is None:
            self.odd(at, "a block without a name")
            self._add([""], at, None)
        if len(self._open) >= DEEPEST:
            raise Unreadable(f"{at}: blocks within blocks without end")
        self._last["block"] = []
        self._open.append(self._last)
        self._last = None

    def _end(self, at: str) -> None:
        self._last = None
        if self._open:
            self._open.pop()
        else:
            self.odd(at, "a brace closes nothing")

    def odd(self, at: str, what: str) -> None:
        if len(self._problems) < 100:
            self._problems.append(f"{at}: {what}")

    def finish(self) -> tuple[list[Statement], list[str], int]:
        for statement in self._open:
            self.odd(statement["at"], "the block is not closed")
        return self._top, self._problems, self._count


_BEGIN, _END = "\0{", "\0}"  # no word of a file has a NUL
_PIECE = re.compile(r'[ \t\f\v\r]+|"|\\["\\]|\$\{[A-Za-z_]\w*\}|[{}]|[^ \t\f\v\r"\\${}]+|.', re.DOTALL)


def _words(text: str, braces: bool = True) -> list[str]:
    """Words and braces of a line. What is quoted is one word."""
    words: list[str] = []
    word: list[str] | None = None
    quoted = False
    for found in _PIECE.finditer(text):
        piece = found[0]
        if quoted:
            if piece == '"':
                words.append("".join(word or []))
                quoted, word = False, None
            else:
                word = word or []
                word.append(piece[1:] if piece in ('\\"', "\\\\") else piece)
            continue
        brace = braces and piece in "{}"
        if piece[0] in ' \t\f\v\r"' or brace:
            if word is not None:
                words.append("".join(word))
                word = None
            if piece == '"':
                quoted, word = True, []
            elif brace:
                words.append(_BEGIN if piece == "{" else _END)
            continue
        word = [] if word is None else word
        word.append(piece)
    if word is not None:
        words.append("".join(word))
    return words
