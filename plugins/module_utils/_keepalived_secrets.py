# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of a keepalived configuration has no password: neither VRRP's nor those on command lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ._command_secrets import HIDDEN, PASSWORD, hidden_among, hidden_command

Statement = Any  # _keepalived_conf's
# As people write it, misspelt too: keepalived ignores the line, and the password is in the file all the same.
_AUTH = re.compile(r"(?:(?i:auth_(?:pass\w*|\w*key))|\bpass(?:w(?:or)?d)?):?(?:$|(?=[ \t]))")
_DEFINITION = re.compile(r"\$([A-Za-z_]\w*)=(.*)", re.DOTALL)
_COMMAND = re.compile(r"script|misc_path|(?:quorum|notify|smtp)_\w+|notify|script_\w+|\w+_script")
_PATH = re.compile("['\"]?/")  # a command, also behind a keyword that is misspelt
_NAME = re.compile(r"\$\{?([A-Za-z_]\w*)")


def without_secrets(statements: list[Statement]) -> list[Statement]:
    """For people's eyes: no VRRP password, and none in the command line of a check."""
    shown = []
    for statement in statements:
        words = _hidden_words(statement["words"])
        first = next((place for place, word in enumerate(words, start=1) if _AUTH.search(word)), len(words))
        words[first:] = [HIDDEN] * len(words[first:])
        block = None if statement["block"] is None else without_secrets(statement["block"])
        shown.append({**statement, "words": words, "block": block})
    return shown


def secret_names(texts: Iterable[str]) -> frozenset[str]:
    """Parameters ($NAME=) that a password is made of, in the lines of a configuration as they stand."""
    definitions: dict[str, str] = {}
    secrets: list[str] = []
    for text in texts:
        if "$" not in text:
            continue
        defined = _DEFINITION.match(text)
        if defined:
            definitions[defined[1]] = f"{definitions.get(defined[1], '')} {defined[2]}"
        secrets.append(_AUTH.split(text, maxsplit=1)[-1] if _AUTH.search(text) else "")
        secrets += [found[2] for found in PASSWORD.finditer(text)]
    names: set[str] = set()
    while secrets:
        new = set(_NAME.findall(secrets.pop())) - names
        names |= new
        secrets += [definitions[name] for name in new if name in definitions]
    return frozenset(names)


def _hidden_words(words: list[str]) -> list[str]:
    if len(words) < 2 or not (_COMMAND.fullmatch(words[0]) or _PATH.match(words[1])):
        return hidden_among(words)
    text = " ".join(hidden_among(words[1:]))
    if len(words) == 2:
        return [words[0], hidden_command(text)]
    # Single quotes do not end a word of the file, but they are around a whole command.
    parts = text.split("'") if text.startswith("'") else [text]
    return [words[0], *"'".join(map(hidden_command, parts)).split(" ")]
