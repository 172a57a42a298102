# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in the blocks of a keepalived configuration, as keepalived takes them. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from ._command_line import split
from ._command_secrets import hidden_among, hidden_command
from ._keepalived_conf import Statement

Facts = dict[str, Any]
_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}\$?")
OFF = ("false", "off", "no")


def place(statement: Statement) -> Facts:
    return {"at": statement["at"], "condition": statement["condition"]}


def last(block: list[Statement], name: str) -> Statement | None:
    found = [statement for statement in block if statement["words"][0] == name]
    return found[-1] if found else None


def one(block: list[Statement], *names: str) -> str | None:
    """The first argument; "" where there is none; None where the keyword is absent. Of several names the first."""
    for name in names:
        found = last(block, name)
        if found is not None:
            return found["words"][1] if len(found["words"]) > 1 else ""
    return None


def flag(block: list[Statement], name: str) -> bool:
    """A keyword that takes no argument: what stands behind it counts for nothing."""
    return last(block, name) is not None


def switch(block: list[Statement], name: str) -> bool | None:
    """A keyword that may be switched off by its argument; None where it is absent."""
    value = one(block, name)
    return None if value is None else value not in OFF


def number(text: str | None) -> int | float | None:
    """A number as people write it; None where it is none."""
    if text is None or not _NUMBER.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def whole(block: list[Statement], name: str, least: int | None = None, most: int | None = None) -> int | None:
    """A number; None where there is none, or one that keepalived refuses."""
    value = number(one(block, name))
    if value is None or (least is not None and value < least) or (most is not None and value > most):
        return None
    return int(value)


def places(block: list[Statement], *names: str) -> dict[str, str]:
    return {name: found["at"] for name in names for found in [last(block, name)] if found}


def inside(block: list[Statement], *names: str) -> list[Statement]:
    """What stands in all blocks of these names."""
    return [
        inner
        for statement in block
        if statement["words"][0] in names and statement["block"] is not None
        for inner in statement["block"]
    ]


def after(words: list[str], name: str) -> str | None:
    return next((value for key, value in zip(words, words[1:]) if key == name), None)


def address(text: str) -> str:
    """keepalived takes an address with a prefix for the address, where a prefix has no meaning."""
    try:
        return str(ipaddress.ip_address(text.partition("/")[0]))
    except ValueError:
        return text


def command(words: list[str]) -> str:
    """A command as it stands, quoted or in several words, without passwords."""
    return hidden_command(" ".join(_in_quotes(words)[:1] or hidden_among(words)))


def ran(statement: Statement | None) -> Facts:
    """What a statement runs, and whether words of it are dropped: only in quotes are several words one command."""
    words = statement["words"][1:] if statement else []
    return {"command": command(words), "dropped": len(_in_quotes(words) or words) > 1}


def _in_quotes(words: list[str]) -> list[str]:
    """The words where the first one began with a single quote, which counts for commands only; else none."""
    return split(" ".join(words)) if len(words) > 1 and words[0].startswith("'") else []


def notify(block: list[Statement], names: tuple[str, ...]) -> list[Facts]:
    """What is run at events. The one or two words behind it may be the user and the group that run it."""
    found = []
    for statement in block:
        words = statement["words"]
        if words[0] in names and len(words) > 1:
            as_user = len(words) in (3, 4) and all(map(_USER.fullmatch, words[2:]))
            one_word = {**statement, "words": words[:2]} if as_user else statement
            user = words[2] if as_user else None
            found.append({"event": words[0], **ran(one_word), "user": user, "at": statement["at"]})
    return found
