# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Privileges of one account: what is written, what is live, and the statements between them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_ENTRY = re.compile(r"([A-Z][A-Z0-9_ ]*?)(?:\s+ON\s+(\*|[\w$-]+)\.(\*|[\w$-]+))?", re.IGNORECASE | re.ASCII)
_IMPLIED = ("ALL", "ALL PRIVILEGES", "USAGE", "GRANT OPTION", "PROXY")


class BadPrivilege(Exception):
    """An entry of `privileges` that can't be meant."""


@dataclass(frozen=True, order=True)
class Grant:
    """One privilege on everything (*.*), a schema or a table."""

    privilege: str
    schema: str = "*"
    table: str = "*"

    @property
    def scope(self) -> str:
        """As GRANT writes it."""
        return f"{_identifier(self.schema)}.{_identifier(self.table)}"

    def __str__(self) -> str:
        place = "" if self.schema == "*" else f" ON {self.schema}.{self.table}"
        return self.privilege + place


def _identifier(name: str) -> str:
    return name if name == "*" else f"`{name}`"


def parse_privileges(entries: Iterable[str], known: Iterable[str]) -> frozenset[Grant]:
    """Entries like `REPLICATION CLIENT` (on everything) or `SELECT ON schema.table`. Raises BadPrivilege.

    `known`: the privileges that the server has.
    """
    names = {name.upper() for name in known}
    grants = set()
    for entry in entries:
        match = _ENTRY.fullmatch(" ".join(entry.split()))
        if match is None:
            raise BadPrivilege(f"{entry[:80]!r} is not a privilege; write PRIVILEGE or PRIVILEGE ON schema.table")
        privilege = match[1].upper()
        if privilege in _IMPLIED:
            raise BadPrivilege(f"{privilege} is not for such an account; name the privileges that it needs")
        if privilege not in names:
            raise BadPrivilege(f"this server knows no privilege {privilege}; see SHOW PRIVILEGES")
        if match[2] == "*" and match[3] != "*":
            raise BadPrivilege(f"{entry[:80]!r}: a table needs its schema")
        grants.add(Grant(privilege, match[2] or "*", match[3] or "*"))
    return frozenset(grants)


def grant_statements(wanted: frozenset[Grant], live: frozenset[Grant]) -> list[str]:
    """GRANT and REVOKE statements, one a scope, with %s@%s for the account; grants first."""
    statements = []
    for verb, grants, preposition in (("GRANT", wanted - live, "TO"), ("REVOKE", live - wanted, "FROM")):
        for scope in sorted({grant.scope for grant in grants}):
            privileges = ", ".join(sorted(grant.privilege for grant in grants if grant.scope == scope))
            statements.append(f"{verb} {privileges} ON {scope} {preposition} %s@%s")
    return statements
