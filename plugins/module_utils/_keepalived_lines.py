# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a keepalived configuration as the daemon uses them: without comments and other hosts' lines, with the values
of parameters. Pure.

The order is the daemon's: comment, continuation (of a definition only), condition, definition, sequence, parameters.
Braces and words come after all that, so that a line of another host opens no block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, Union

LONGEST = 1024  # characters of a line with its values, as of keepalived itself
_DEEPEST = 10  # parameters within parameters
_MOST = 400000  # lines that definitions and sequences may become
_DEFINITION = re.compile(r"\$([A-Za-z_]\w*)=[ \t]*(.*)", re.DOTALL)
_USE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*)(?=[ \t,)]|$))")
_USE_AT_END = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))$")
_SEQUENCE = re.compile(r"~SEQ(x?)[ \t]*\(([^,()]*),([^()]*)\)[ \t]*(.*)", re.DOTALL)
_SIGN = re.compile(r'["!#\\]')
_LAST_OF_SEQUENCE = 10000

Value = Union[str, list[str]]  # several lines where it was continued


class TooMany(Exception):
    """What the file means is larger than what is read of one."""


class Line(NamedTuple):
    """A line as the daemon uses it, and the condition under which it stands."""

    text: str
    condition: str | None


class Lines:
    """Reads line after line, of all files: what one defines, another uses. `hidden` are parameters that hold passwords:
    their values are put in behind auth_pass only, so that nothing else shows them."""

    def __init__(self, config_id: str, hidden: frozenset[str] = frozenset()) -> None:
        self._config_id = config_id
        self._hidden = hidden
        self._values: dict[str, Value] = {"_INSTANCE": config_id}
        self._continued: list[str] | None = None  # the value that the next line goes on with
        self._budget = _MOST
        self.texts: list[str] = []  # as they stand in the files, without comments
        self.quoted = True  # whether all quotes of the line were closed

    def read(self, raw: str, directory: str) -> Iterator[Line]:
        """What the daemon has of a line: nothing, a line, or several. Raises TooMany."""
        text, self.quoted = uncommented(raw)
        self._values["_PWD"] = directory
        if self._continued is not None:
            self._go_on(text)
            return
        if text:
            self.texts.append(text)
            yield from self._meant(text, None, 0)

    def _go_on(self, text: str) -> None:
        goes_on = text.endswith("\\")
        piece = text[:-1].rstrip(" \t") if goes_on else text
        if piece:
            self._continued.append(piece)  # type: ignore[union-attr]
            self.texts.append(piece)
        if not goes_on:
            self._continued = None

    def _meant(self, text: str, condition: str | None, depth: int) -> Iterator[Line]:
        self._budget -= 1
        if self._budget < 0:
            raise TooMany
        if text.startswith("@"):
            condition, text = (*re.split("[ \t]+", text, maxsplit=1), "")[:2]
            if not text or not self._applies(condition):
                return
        defined = _DEFINITION.fullmatch(text)
        if defined:
            self._define(defined[1], defined[2])
            return
        sequence = _SEQUENCE.fullmatch(text)
        if sequence:
            yield from self._repeated(sequence, condition, depth)
            return
        if text.startswith("~SEQ"):
            return  # one that cannot be understood is dropped
        found = self._multiline(text) if "$" in text else None
        if found is None or depth >= _DEEPEST:
            whole = self._put_in(text) if "$" in text else text
            again = whole != text and (whole.startswith(("@", "~SEQ", "$")) or self._multiline(whole))
            if again and depth < _DEEPEST:
                yield from self._meant(whole, condition, depth + 1)
            else:
                yield Line(whole, condition)
            return
        before, lines = found
        for number, line in enumerate(lines):
            yield from self._meant(line if number else before + line, condition, depth + 1)

    def _applies(self, condition: str) -> bool:
        return (condition.lstrip("@").lstrip("^") == self._config_id) != condition.startswith("@^")

    def _define(self, name: str, value: str) -> None:
        if not value.endswith("\\"):
            self._values[name] = value
            return
        first = value[:-1].rstrip(" \t")
        self._values[name] = self._continued = [first] if first else []

    def _repeated(self, sequence: re.Match[str], condition: str | None, depth: int) -> Iterator[Line]:
        """The rest of a line, once for each number."""
        try:
            numbers = [int(self._put_in(each.strip(" \t")), 0) for each in sequence[3].split(",")]
            start, step, last = _range(numbers)
        except ValueError:
            return
        if depth < _DEEPEST:
            for number in range(start, last + (1 if step > 0 else -1), step)[:_LAST_OF_SEQUENCE]:
                self._values[sequence[2].strip(" \t")] = f"{number:x}" if sequence[1] else str(number)
                yield from self._meant(sequence[4], condition, depth + 1)

    def _multiline(self, text: str) -> tuple[str, list[str]] | None:
        """What stands before a parameter of several lines at the end of a line, and these."""
        found = _USE_AT_END.search(text)
        value = self._values.get(found[1] or found[2]) if found else None
        return (text[: found.start()], value or [""]) if found and isinstance(value, list) else None

    def _put_in(self, text: str) -> str:
        before, keyword, behind = text.partition("auth_pass")
        shown = self._text(before, self._hidden)
        return shown + keyword + self._text(behind, frozenset()) if keyword else shown

    def _text(self, text: str, without: frozenset[str]) -> str:
        """As it stands where a parameter means itself, or much more than a line."""
        meant = text
        for _depth in range(_DEEPEST):
            before = meant
            meant = _USE.sub(lambda found: self._value(found, without), before)
            if meant == before:
                return meant
            if len(meant) > LONGEST:
                break
        return text

    def _value(self, found: re.Match[str], without: frozenset[str]) -> str:
        name = found[1] or found[2]
        value = self._values.get(name)
        return value if isinstance(value, str) and name not in without and len(value) <= LONGEST else found[0]


def _range(numbers: list[int]) -> tuple[int, int, int]:
    """First, step and last of ~SEQ(name, [first, [step,]] last). Raises ValueError."""
    if len(numbers) == 1:
        start, last = (-1 if numbers[0] < 0 else 1), numbers[0]
        return start, (1 if start <= last else -1), last
    if len(numbers) == 2:
        return numbers[0], (1 if numbers[0] <= numbers[1] else -1), numbers[1]
    start, step, last = numbers
    if not step or (last - start) * step < 0:
        raise ValueError("a sequence that never ends")
    return start, step, last


def uncommented(raw: str) -> tuple[str, bool]:
    """A line without its comment, and whether its quotes are closed. A backslash at the end stays."""
    text = raw.strip(" \t")
    if not _SIGN.search(text):
        return text, True
    pieces: list[str] = []
    quoted, begun, at, end = False, 0, 0, len(text)
    continued = False
    while at < len(text):
        found = _SIGN.search(text, at)
        if found is None:
            break
        sign, at = found[0], found.end()
        if sign == '"':
            quoted = quoted if end < len(text) else not quoted
        elif sign == "\\":
            if at == len(text):
                continued = True
            elif not quoted and text[at] in "#!" and end == len(text):
                pieces.append(text[begun : found.start()])
                begun = at
            at += 1
        elif not quoted and end == len(text):
            end = found.start()
    stop = min(end, len(text) - continued)
    pieces.append(text[begun:stop])
    return "".join(pieces).rstrip(" \t") + ("\\" if continued else ""), not quoted
