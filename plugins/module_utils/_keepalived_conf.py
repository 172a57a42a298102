# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's configuration language, of 1.2 to 2.3, read into statements. Pure: bytes in, statements out.

A statement is {"words", "at" (file:line), "condition" (None, or @ and what follows; of several each counts),
"block" (statements, or None)}.
Tolerant: what a person or an old daemon would still understand is read; what is odd becomes a problem with its place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple, Union

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


def read_all(path: str, find: Callable[[str], Found]) -> Configuration:
    """The whole configuration. `find` reads what an absolute pattern means; it raises OSError. Raises Unreadable."""
    result = Configuration([], [], [])
    found = _found(find, path, result, "the configuration")
    if not found:
        raise Unreadable(result.problems[0] if result.problems else f"there is no {path}")
    budget = _Budget()
    for name, data in found:
        result.statements.extend(_read(name, data, find, result, [], budget))
    return result


class _Budget:
    def __init__(self) -> None:
        self.bytes, self.statements = LARGEST, MOST


def _read(
    path: str, data: bytes, find: Callable[[str], Found], result: Configuration, above: list[str], budget: _Budget
) -> list[Statement]:
    if path in above or len(above) >= DEEPEST:
        raise Unreadable(f"{path} includes itself" if path in above else f"{path}: files include files without end")
    result.files.append(path)
    budget.bytes -= len(data)
    if budget.bytes < 0:
        raise Unreadable(f"the configuration is larger than {LARGEST} bytes")
    statements, problems = parse(data, path)
    result.problems.extend(problems)
    budget.statements -= sum(1 for _statement in walk(statements))
    if budget.statements < 0:
        raise Unreadable(f"the configuration has more than {MOST} statements")
    return _included(statements, path, find, result, above, budget)


def _included(
    statements: list[Statement], path: str, find: Callable[[str], Found], result: Configuration, above: list[str],
    budget: _Budget,
) -> list[Statement]:  # fmt: skip
    whole = []
    for statement in statements:
        words = statement["words"]
        if statement["block"] is not None:
            inner = _included(statement["block"], path, find, result, above, budget)
            statement = {**statement, "block": inner}
        if len(words) != 2 or not re.fullmatch("include[rmwba]?", words[0]):
            whole.append(statement)
            continue
        # keepalived goes to the directory of each file that it reads.
        pattern = os.path.normpath(os.path.join(os.path.dirname(path), words[1]))
        for name, data in _found(find, pattern, result, f"{statement['at']}: include"):
            brought = _read(name, data, find, result, [*above, path], budget)
            whole.extend(_also(brought, statement["condition"]))
    return whole


def _also(statements: list[Statement], condition: str | None) -> list[Statement]:
    """Statements that count under a condition more: those of a file that is included under it."""
    if not condition:
        return statements
    return [{**each, "condition": " ".join(filter(None, [condition, each["condition"]]))} for each in statements]


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


def effective(statements: list[Statement], config_id: str) -> list[Statement]:
    """What a daemon of this configuration id uses: no statement behind an @ of others."""
    kept = []
    for statement in statements:
        conditions = (statement["condition"] or "").split()
        if any((each.lstrip("@").lstrip("^") == config_id) == each.startswith("@^") for each in conditions):
            continue
        block = statement["block"]
        kept.append({**statement, "block": None if block is None else effective(block, config_id)})
    return kept


# ---- one file --------------------------------------------------------------------------------------------------------


def parse(data: bytes, path: str) -> tuple[list[Statement], list[str]]:
    """The statements of one file, and what is odd; includes are statements too. Raises nothing but Unreadable."""
    if len(data) > LARGEST:
        raise Unreadable(f"{path} is larger than {LARGEST} bytes")
    if b"\0" in data:
        raise Unreadable(f"{path} is not text")
    tree = _Tree(path)
    for number, line in _lines(data.decode("utf-8", "backslashreplace")):
        tree.read(number, line)
    return tree.finish()


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered, with lines that end in a backslash joined to the next."""
    pending, start = "", 0
    for number, raw in enumerate(re.split("\r\n|\n|\r", text), start=1):
        line = raw.rstrip(" \t")
        start = start or number
        if line.endswith("\\") and not line.endswith("\\\\"):
            pending += line[:-1] + " "
            continue
        yield start, pending + line
        pending, start = "", 0
    if pending:
        yield start, pending


class _Tree:
    def __init__(self, path: str) -> None:
        self._path = path
        self._top: list[Statement] = []
        self._open: list[Statement] = []  # blocks around the place where we are
        self._last: Statement = None  # may still get its block on the next line
        self._count = 0
        self._problems: list[str] = []

    def read(self, number: int, line: str) -> None:
        at = f"{self._path}:{number}"
        text = line.strip(" \t")
        condition = None
        if text.startswith("@"):
            condition, text = (*re.split("[ \t]+", text, maxsplit=1), "")[:2]
        included = _INCLUDE.fullmatch(text)
        if included:
            words, whole = _words(included[2], braces=False)
            self._add([included[1], *words], at, condition)
        else:
            words, whole = _words(text)
            self._take(words, at, condition)
        if not whole:
            self._odd(at, "a quote is not closed")

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
            self._odd(at, "a block without a name")
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
            self._odd(at, "a brace closes nothing")

    def _odd(self, at: str, what: str) -> None:
        if len(self._problems) < 100:
            self._problems.append(f"{at}: {what}")

    def finish(self) -> tuple[list[Statement], list[str]]:
        for statement in self._open:
            self._odd(statement["at"], "the block is not closed")
        return self._top, self._problems


_BEGIN, _END = "\0{", "\0}"  # no word of a file has a NUL
_PIECE = re.compile(r'[ \t]+|"|\\[#!"\\]|[#!]|\$\{[A-Za-z_]\w*\}|[{}]|[^ \t"\\#!${}]+|.', re.DOTALL)


def _words(text: str, braces: bool = True) -> tuple[list[str], bool]:
    """Words and braces of a line without its comment, and whether all quotes are closed. What is quoted is one word."""
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
        if piece[0] in ' \t"#!' or brace:
            if word is not None:
                words.append("".join(word))
                word = None
            if piece[0] in "#!":  # 2.x ends a word there too; 1.x only begins a comment between words
                return words, True
            if piece == '"':
                quoted, word = True, []
            elif brace:
                words.append(_BEGIN if piece == "{" else _END)
            continue
        word = [] if word is None else word
        word.append(piece[1:] if piece in ("\\#", "\\!") else piece)
    if word is not None:
        words.append("".join(word))
    return words, not quoted
