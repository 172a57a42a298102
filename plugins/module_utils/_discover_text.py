# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML with comments, out of what foreign hosts said. Pure.

Whatever a host says must stay a plain value: no line of a comment ends it, and no text of a host ever becomes a
template of the inventory, which Ansible would evaluate on the control node.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

WIDTH = 140
# Only that: an inventory's own words, which YAML takes for nothing but text.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]{0,200}")
NO_TEXT = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"))
_TEMPLATE = re.compile(r"\{\{|\{%|\{#|\}\}|%\}")


class Template(str):
    """Text of this program's own that is meant as a template; nothing that a host said is ever made one."""


class Entry(NamedTuple):
    """One variable. Without a value it is only spoken of."""

    name: str
    value: Any = None
    comments: tuple[str, ...] = ()


def vaulted(value: Any, prefix: str) -> Any:
    """The value, with the names of its secrets begun by `prefix`."""
    if isinstance(value, dict):
        return {key: vaulted(each, prefix) for key, each in value.items()}
    return Template(value.replace("vault_", prefix, 1)) if isinstance(value, Template) else value


def secrets(found: Iterable[Entry]) -> list[str]:
    """Names of the variables that a person has to bring."""
    values: list[Any] = []
    for entry in found:
        values += entry.value.values() if isinstance(entry.value, dict) else [entry.value]
    return sorted({name for each in values if isinstance(each, Template) for name in re.findall(r"vault_\w+", each)})


def safe(value: Any) -> bool:
    """Whether a value of a host may be written: no part of it looks like a template."""
    if isinstance(value, Template):
        return True
    if isinstance(value, dict):
        return all(safe(each) for pair in value.items() for each in pair)
    if isinstance(value, (list, tuple)):
        return all(map(safe, value))
    return not (isinstance(value, str) and _TEMPLATE.search(value))


def scalar(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(str(key))}: {scalar(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(scalar, value)) + "]"
    text = "" if value is None else str(value)
    if not isinstance(value, Template) and _PLAIN.fullmatch(text) and text.lower() not in NO_TEXT:
        return text
    return '"' + "".join(map(_quoted, text)) + '"'


def _quoted(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    number = ord(character)
    width, letter = (2, "x") if number < 0x100 else (4, "u") if number < 0x10000 else (8, "U")
    return f"\\{letter}{number:0{width}x}"


def comment(text: str, indent: str = "") -> Iterator[str]:
    """Lines of a comment; what cannot be printed is shown as what it is."""
    clean = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in " ".join(text.split()))
    line = ""
    for word in clean.split(" "):
        while len(word) > WIDTH:
            yield f"{indent}# {word[:WIDTH]}"
            word = word[WIDTH:]
        if line and len(line) + 1 + len(word) > WIDTH - len(indent):
            yield f"{indent}# {line}"
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        yield f"{indent}# {line}"


def entries(found: Iterable[Entry], indent: str = "") -> Iterator[str]:
    """Variables, each below what is said of it."""
    for entry in found:
        for text in entry.comments:
            yield from comment(text, indent)
        if entry.value is None:
            continue
        if safe(entry.value):
            yield f"{indent}{entry.name}: {scalar(entry.value)}"
        else:
            yield from comment(f"{entry.name}: left out, because its value looks like a template of Ansible's", indent)
