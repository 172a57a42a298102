# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets at the statistics of an HAProxy proxy: passwords, and rules that look at the client's address. Pure."""

from __future__ import annotations

import re
from typing import Any

from ._haproxy_secrets import is_well_known

Facts = dict[str, Any]
_PASSWORD = re.compile(r"http_auth(?:_group)?\(\s*([^)\s]*)\s*\)")
# The client's address or certificate, and ACLs that HAProxy defines itself.
_CLIENT = re.compile(r"(?<![\w.-])(?:src(?:_\w+)?|ssl_c_\w+|ssl_fc_has_crt|LOCALHOST)(?![\w-])")
_MOST = 1000  # lines of one ACL that are looked at
_REFUSALS = ("deny", "auth", "reject", "tarpit", "silent-drop", "block")
_OLD = ("block", "reqdeny", "reqideny", "reqtarpit", "reqitarpit")  # until 2.0


class Access:
    """Reads the lines of a section. Only whether there is a guard, not whether it is a good one."""

    def __init__(self, users: dict[str, bool]) -> None:
        self._users = users
        self._stats: Facts | None = None
        self._acls: dict[str, list[str]] = {}
        self._rules: list[tuple[bool, str, str]] = []  # whether it is of TCP, what it does, when

    def read(self, words: list[str], at: str) -> None:
        given = [*words, "", "", ""]
        if given[0] == "stats":
            self._statistics(given, at)
        elif given[0] == "acl":
            self._acls.setdefault(given[1], []).append(" ".join(given[2:]))
        elif given[0] == "http-request":
            if given[1] in _REFUSALS:
                self._rules.append((False, given[1], " ".join(given[2:])))
            elif given[1] == "use-service" and given[2] == "prometheus-exporter":
                self._stats = self._stats or {"at": at, "auth": False, "well_known": False, "admin": False}
        elif given[0] == "tcp-request":
            action = next((word for word in given[1:4] if word in _REFUSALS), "")
            if action:
                self._rules.append((True, action, " ".join(given[2:])))
        elif given[0] in _OLD:
            self._rules.append((False, "deny", " ".join(given[1:])))

    def _statistics(self, given: list[str], at: str) -> None:
        stats = self._stats or {"at": at, "auth": False, "well_known": False, "admin": False}
        if given[1] == "auth":
            user, _colon, password = given[2].partition(":")
            stats.update(auth=True, at=at)
            stats["well_known"] = stats["well_known"] or is_well_known(user, password)
        elif given[1] == "admin":
            stats["admin"] = True
        elif given[1] == "http-request" and given[2] in _REFUSALS:
            self._rules.append((False, given[2], " ".join(given[3:])))
        self._stats = stats

    def _meaning(self, condition: str) -> str:
        """The condition with the ACLs that it names."""
        named = {word for word in re.split(r"[\s!{}]+", condition) if word in self._acls}
        return " ".join([condition, *(text for word in sorted(named) for text in self._acls[word][:_MOST])])

    def _meanings(self) -> list[tuple[bool, str, str]]:
        return [(of_tcp, action, self._meaning(condition)) for of_tcp, action, condition in self._rules]

    def guarded(self) -> bool:
        """Whether some requests are refused by who the client is, or all that no rule before has let in."""
        return any(
            _CLIENT.search(meaning) or (of_tcp and not re.search(r"\b(?:if|unless)\b", meaning))
            for of_tcp, _action, meaning in self._meanings()
        )

    def statistics(self) -> Facts | None:
        """Of passwords, only whether there are any and whether everybody knows them."""
        if self._stats is None:
            return None
        lists = [name for _tcp, _action, meaning in self._meanings() for name in _PASSWORD.findall(meaning)]
        asked = any(action == "auth" for _tcp, action, _meaning in self._rules)
        return {
            **self._stats,
            "auth": self._stats["auth"] or bool(lists) or asked,
            "well_known": self._stats["well_known"] or any(self._users.get(name, False) for name in lists),
        }
