# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions of .if and .elif in an HAProxy configuration, as far as they can be decided from outside. Pure."""

from __future__ import annotations

import re
from typing import Optional

Known = Optional[bool]
_TOKEN = re.compile(r"\s*(&&|\|\||!|\(|\)|[a-z_]+\((?:[^()]*)\)|[^\s()!&|]+)")
_CALL = re.compile(r"([a-z_]+)\(([^()]*)\)")
_DEEPEST = 50


def holds(text: str, environment: dict[str, str], version: tuple[int, ...]) -> Known:
    """None where it cannot be decided: what HAProxy was built with, or a word that is not known."""
    tokens = [found[1] for found in _TOKEN.finditer(text[:4096])]
    if not tokens:
        return False  # as an empty variable
    return _Reader(tokens, environment, version).either(0)


class _Reader:
    """By descent; && binds closer than ||."""

    def __init__(self, tokens: list[str], environment: dict[str, str], version: tuple[int, ...]) -> None:
        self._tokens = tokens
        self._environment = environment
        self._version = version
        # A process has a PATH; without one this is not all of the daemon's environment.
        self._complete = "PATH" in environment

    def either(self, depth: int) -> Known:
        found = self._both(depth)
        while self._tokens[:1] == ["||"]:
            del self._tokens[0]
            other = self._both(depth)
            found = True if True in (found, other) else None if None in (found, other) else False
        return found

    def _both(self, depth: int) -> Known:
        found = self._term(depth)
        while self._tokens[:1] == ["&&"]:
            del self._tokens[0]
            other = self._term(depth)
            found = False if False in (found, other) else None if None in (found, other) else True
        return found

    def _term(self, depth: int) -> Known:
        if not self._tokens or depth > _DEEPEST:
            return None
        word = self._tokens.pop(0)
        if word == "!":
            inner = self._term(depth + 1)
            return None if inner is None else not inner
        if word == "(":
            inner = self.either(depth + 1)
            if self._tokens[:1] == [")"]:
                del self._tokens[0]
            return inner
        call = _CALL.fullmatch(word)
        if call:
            return self._call(call[1], [each.strip() for each in call[2].split(",")])
        if re.fullmatch(r"-?[0-9]{1,10}", word):
            return int(word) != 0
        return None

    def _call(self, name: str, arguments: list[str]) -> Known:
        if name == "defined":
            return arguments[0] in self._environment or (False if self._complete else None)
        if name in ("streq", "strneq", "strstr") and len(arguments) == 2:
            one, other = arguments
            if "$" in one + other and not self._complete:
                return None
            one, other = (re.sub(r"\$\{?\w+\}?", "", each) for each in arguments)
            return other in one if name == "strstr" else (one == other) is (name == "streq")
        if name in ("version_atleast", "version_before") and self._version:
            wanted = tuple(int(part) for part in re.findall(r"[0-9]{1,4}", arguments[0])[:3])
            return (self._version[: len(wanted)] >= wanted) is (name == "version_atleast")
        return None
