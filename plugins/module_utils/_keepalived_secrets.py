# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of a keepalived configuration has no password: neither VRRP's nor those on command lines. Pure."""

from __future__ import annotations

import re

from ._keepalived_conf import Statement, walk

_HIDDEN = "VALUE_HIDDEN"
_BETWEEN = "\x1f"  # white space to a regular expression
_OPTION = r"-p|(?i:--?(?:[\w-]{0,40}-)?(?:pass(?:w(?:or)?d)?|pwd))"
_IS_OPTION = re.compile(_OPTION)
# What people write on the command line of a check, and in addresses.
_PASSWORD = re.compile(
    rf"""((?<![^\s'"`;|&(])(?:-p\s*|(?:{_OPTION})\s+)|auth_pass\s+|(?i:[\w-]{{0,40}}(?:pass(?:w(?:or)?d)?|pwd|secret)=)"""
    r"""|(?<!\S)(?:-u|--user[=\s])\s*[^\s:'"]{1,80}:|://[^\s/:@'"]{1,80}:(?=[^\s/'"]{1,200}@))"""
    r"""('[^']*'|"[^"]*"|[^\s'"]+)"""
)
# Many programs take a port by -p, but these do not.
_CLIENT = re.compile(
    r"(?<![\w.-])(?:mysql(?:admin|check|dump|import|sh|show|slap)?|mariadb(?:-\w+)?|check_mysql(?:_query)?)(?=\s|$)"
)
_DEFINITION = re.compile(r"\$([A-Za-z_]\w*)=(.*)", re.DOTALL)
_NAME = re.compile(r"\$\{?([A-Za-z_]\w*)")


def hidden(text: str) -> str:
    """Without the passwords that are recognizable in a command line."""
    client = bool(_CLIENT.search(text))
    return _PASSWORD.sub(lambda found: found[1] + _hidden_value(found[1], found[2], client), text)


def hidden_among(words: list[str]) -> list[str]:
    """The same for a command that is not quoted, so that each of its arguments is a word."""
    client = any(_CLIENT.search(word) for word in words)
    pairs = zip(["", *words], words)
    # What stood in quotes is one value; a password may also be spread over words.
    shown = [_hidden_value(before, word, client) if _IS_OPTION.fullmatch(before) else word for before, word in pairs]
    return hidden(_BETWEEN.join(shown)).split(_BETWEEN)


def _hidden_value(option: str, value: str, client: bool) -> str:
    port = option.strip() == "-p" and not client and re.fullmatch("[0-9]{1,5}", value) and int(value) < 65536
    return value if port else _HIDDEN


def without_secrets(statements: list[Statement]) -> list[Statement]:
    """For people's eyes: no VRRP password, and none in the command line of a check."""
    return _shown(statements, secret_names(statements))


def secret_names(statements: list[Statement]) -> set[str]:
    """Definitions ($NAME=) that a password is made of."""
    definitions: dict[str, str] = {}
    secrets: list[str] = []
    for statement in walk(statements):
        text = " ".join(statement["words"])
        defined = _DEFINITION.match(text)
        if defined:
            definitions[defined[1]] = f"{definitions.get(defined[1], '')} {defined[2]}"
        secrets.append(text.partition("auth_pass")[2])
        secrets += [found[2] for found in _PASSWORD.finditer(text)]
    names: set[str] = set()
    while secrets:
        new = set(_NAME.findall(secrets.pop())) - names
        names |= new
        secrets += [definitions[name] for name in new if name in definitions]
    return names


def _shown(statements: list[Statement], names: set[str]) -> list[Statement]:
    shown = []
    for statement in statements:
        words = hidden_among(statement["words"])
        defined = _DEFINITION.match(words[0])
        if defined and defined[1] in names:
            words = [f"${defined[1]}={_HIDDEN}"]
        first = next((place for place, word in enumerate(words, start=1) if word.endswith("auth_pass")), len(words))
        words[first:] = [_HIDDEN] * len(words[first:])
        block = None if statement["block"] is None else _shown(statement["block"], names)
        shown.append({**statement, "words": words, "block": block})
    return shown
