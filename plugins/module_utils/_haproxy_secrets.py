# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an HAProxy configuration has passwords. They themselves go nowhere. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ._command_secrets import HIDDEN, hidden_command

Facts = dict[str, Any]
WELL_KNOWN = frozenset({"admin", "myadmin", "haproxy", "password", "123456", "admin123", "root", "stats", "secret"})
_LOGIN = re.compile(r"\bauthorization\b|\bauth\s+\S|\bx-[\w-]*(?:key|token)\s+\S", re.IGNORECASE)
_CHECKS_AND_HEADERS = ("http-check", "tcp-check", "http-request", "reqadd")  # reqadd: until 2.0
_NAMED = re.compile(r"passw|pwd|secret|token|api_?key", re.IGNORECASE)
_IN_URI = re.compile(r"://[^/@\s:]*:[^/@\s]+@|[?&](?:[\w-]*(?:pass|pwd|secret|token)[\w-]*)=[^&\s]+", re.IGNORECASE)


def is_well_known(user: str, password: str) -> bool:
    return password.lower() in WELL_KNOWN or password == user


def users_of(sections: list[Facts]) -> dict[str, bool]:
    """User lists, and whether somebody in it has a password that everybody knows."""
    found: dict[str, bool] = {}
    for section in sections:
        if section["type"] == "userlist":
            found[section["name"]] = any(
                line["words"][0] == "user" and line["words"][2:3] == ["insecure-password"]
                and is_well_known(*line["words"][1:4:2])
                for line in section["lines"] if len(line["words"]) > 3
            )  # fmt: skip
    return found


def where_secrets_are(sections: list[Facts]) -> list[Facts]:
    """Lines that hold one, by kind."""
    return [
        {"kind": kind, "at": line["at"]}
        for section in sections for line in section["lines"] for kind in _kinds(section["type"], line["words"])
    ]  # fmt: skip


def _kinds(section: str, words: list[str]) -> Iterator[str]:
    text = " ".join(words)
    if words[:2] == ["stats", "auth"]:
        yield "stats auth"
    elif section == "userlist" and words[0] == "user" and "insecure-password" in words:
        yield "insecure-password"
    elif words[0] in ("setenv", "presetenv"):
        if len(words) > 2 and (_NAMED.search(words[1]) or _IN_URI.search(words[2])):
            yield f"{words[0]} {words[1]}"
    elif section == "program" and words[0] == "command":
        if HIDDEN in hidden_command(text.partition(" ")[2]):
            yield "command"
    elif words[:2] == ["option", "httpchk"] or words[0] in _CHECKS_AND_HEADERS:
        if (_LOGIN.search(text) and "http_auth" not in text and words[1:2] != ["auth"]) or _IN_URI.search(text):
            yield words[0] if words[0] == "reqadd" else " ".join(words[:2])
    elif "agent-send" in words and _LOGIN.search(text):
        yield "agent-send"
