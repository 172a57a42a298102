# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health check of an HAProxy proxy: what it asks, and whether the answer can tell roles apart. Pure."""

from __future__ import annotations

import re
from typing import Any

from ._command_secrets import HIDDEN, hidden

_CHECKS = (
    "httpchk", "tcp-check", "external-check", "mysql-check", "ssl-hello-chk", "smtpchk", "ldap-check", "pgsql-check",
    "redis-check", "spop-check",
)  # fmt: skip
_SHOWN = ("max_lag", "writer")  # values that are shown of a question; any other may be a password


def shown(uri: str) -> str:
    """A URI without a login, and without values that may be secret."""
    uri = hidden(uri)
    return re.sub(
        r"([?&;])([^=&;#\s]*)=([^&;#\s]*)",
        lambda found: found[0] if found[2] in _SHOWN and re.fullmatch(r"[\d.]*", found[3])
        else f"{found[1]}{found[2]}={HIDDEN}",
        uri,
    )  # fmt: skip


class Check:
    """Reads the lines of a section; the last `option` decides."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._at: str | None = None
        self._user: str | None = None
        self._port: int | None = None
        self._expects: set[str] = set()  # words that the lines began with: they count for one kind of check only
        self._sends: set[str] = set()
        self._role = ""  # a word for it that an answer must hold

    def read(self, words: list[str], at: str) -> None:
        given = [*words, "", "", ""]
        if given[0] == "option" and given[1] in _CHECKS:
            self._option(given, at)
        elif given[0] in ("http-check", "tcp-check"):
            named = dict(zip(given, given[1:]))
            if given[1] == "send" and given[0] == "http-check" and self._text:  # the question, from 2.2 on
                self._text = f"httpchk {named.get('meth', 'GET')} {shown(named.get('uri', '/'))}"
            elif given[1] == "connect" and re.fullmatch("[0-9]{1,5}", named.get("port", "")):
                self._port = int(named["port"])
            elif given[1] == "expect":
                self._expects.add(given[0])
                role = re.search(r"writer|primary|master", " ".join(given), re.IGNORECASE)
                role = role if given[0] == "tcp-check" else None
                self._role = role[0].lower() if role and "!" not in given else self._role
            elif given[1].startswith("send"):
                self._sends.add(given[0])

    def _option(self, given: list[str], at: str) -> None:
        self._at, self._user = at, None
        if given[1] == "httpchk":
            # [METHOD] URI [VERSION and headers, which may hold a login]
            asked = given[2:4] if given[3] and not given[3].startswith("HTTP/") else given[2:3]
            self._text = " ".join(["httpchk", *(shown(each) for each in asked if each)])
        elif given[1] == "mysql-check" and given[2] == "user":
            self._text, self._user = f"mysql-check user {given[3]}", given[3]
        else:
            self._text = given[1]

    def facts(self) -> dict[str, Any]:
        """`check_expects`: an answer is looked at. `check_sends`: something is asked before it."""
        text = f"tcp-check expect {self._role}" if self._text == "tcp-check" and self._role else self._text
        # `http-check` lines of defaults stay without effect where a section has another check.
        lines = "http-check" if (text or "").startswith("httpchk") else "tcp-check"
        return {
            "check": text, "check_at": self._at, "check_user": self._user, "check_port": self._port,
            "check_expects": lines in self._expects, "check_sends": lines in self._sends,
        }  # fmt: skip
