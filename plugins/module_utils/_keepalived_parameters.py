# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's parameters ($NAME=value, used as $NAME and ${NAME}), put in where they stand. Pure."""

from __future__ import annotations

import re

from ._keepalived_conf import Statement
from ._keepalived_secrets import secret_names

_LONGEST = 512  # characters of a word and of a value: a few lines can mean more than any memory holds
_DEEPEST = 10  # parameters within parameters
_DEFINITION = re.compile(r"\$([A-Za-z_]\w*)=(.*)", re.DOTALL)
_USE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")

Definitions = dict[str, list[str]]


def expanded(statements: list[Statement]) -> list[Statement]:
    """What effective() returned, with the values. What has none stays as it is: it may come from a block or a ~SEQ.

    A password that is a parameter is put in at auth_pass only, so that no other value shows it.
    """
    return _expanded(statements, {}, secret_names(statements))


def _expanded(statements: list[Statement], known: Definitions, secrets: set[str]) -> list[Statement]:
    found = []
    for statement in statements:
        words = statement["words"]
        defined = _DEFINITION.fullmatch(words[0])
        if defined:
            known[defined[1]] = [word for word in (defined[2], *words[1:]) if word]
        elif any("$" in word for word in words):
            allowed = known
            if words[0] != "auth_pass":
                allowed = {name: value for name, value in known.items() if name not in secrets}
            words = [each for word in words for each in _put_in(word, allowed)]
        block = None if statement["block"] is None else _expanded(statement["block"], known, secrets)
        found.append({**statement, "words": words or statement["words"], "block": block})
    return found


def _put_in(word: str, known: Definitions) -> list[str]:
    whole = _USE.fullmatch(word)
    values = known.get(whole[1] or whole[2]) if whole else None
    if values is not None and len(values) != 1:  # several words, which keepalived would see as such
        return [_text(value, known) for value in values[:_LONGEST]]
    return [_text(word, known)]


def _text(word: str, known: Definitions) -> str:
    text = word
    for _depth in range(_DEEPEST):
        if len(text) > _LONGEST:
            return word
        before = text
        text = _USE.sub(lambda found: _value(found, known), before)
        if text == before:
            break
    return text if len(text) <= _LONGEST else word


def _value(found: re.Match[str], known: Definitions) -> str:
    values = known.get(found[1] or found[2])
    value = None if values is None else " ".join(values)
    return found[0] if value is None or len(value) > _LONGEST else value
