# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Privileges as written and as live."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils._account import (
    BadPrivilege,
    Grant,
    grant_statements,
    parse_privileges,
)

KNOWN = ["Select", "Replication client", "CONNECTION_ADMIN", "Usage", "Grant option"]


@pytest.mark.parametrize(
    ("entry", "grant"),
    [
        ("SELECT", Grant("SELECT")),
        (" replication   client ", Grant("REPLICATION CLIENT")),
        ("connection_admin on *.*", Grant("CONNECTION_ADMIN")),
        ("SELECT ON performance_schema.*", Grant("SELECT", "performance_schema")),
        ("SELECT ON mysql.user", Grant("SELECT", "mysql", "user")),
    ],
)
def test_entry(entry: str, grant: Grant) -> None:
    assert parse_privileges([entry], KNOWN) == {grant}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("", "'' is not a privilege; write PRIVILEGE or PRIVILEGE ON schema.table"),
        ("SELECT, INSERT", "'SELECT, INSERT' is not a privilege; write PRIVILEGE or PRIVILEGE ON schema.table"),
        (
            "SELECT ON a.b; DROP",
            "'SELECT ON a.b; DROP' is not a privilege; write PRIVILEGE or PRIVILEGE ON schema.table",
        ),
        ("SELECT ON `a`.b", "'SELECT ON `a`.b' is not a privilege; write PRIVILEGE or PRIVILEGE ON schema.table"),
        ("SELECT ON *.user", "'SELECT ON *.user': a table needs its schema"),
        ("ALL PRIVILEGES", "ALL PRIVILEGES is not for such an account; name the privileges that it needs"),
        ("grant option", "GRANT OPTION is not for such an account; name the privileges that it needs"),
        ("SELEKT", "this server knows no privilege SELEKT; see SHOW PRIVILEGES"),
    ],
)
def test_bad_entry(entry: str, message: str) -> None:
    with pytest.raises(BadPrivilege) as caught:
        parse_privileges([entry], KNOWN)
    assert str(caught.value) == message


def test_statements_lead_from_live_to_wanted() -> None:
    wanted = frozenset({Grant("SELECT", "p"), Grant("PROCESS"), Grant("CONNECTION_ADMIN")})
    live = frozenset({Grant("PROCESS"), Grant("SELECT", "mysql", "user"), Grant("INSERT", "p")})
    assert grant_statements(wanted, live) == [
        "GRANT CONNECTION_ADMIN ON *.* TO %s@%s",
        "GRANT SELECT ON `p`.* TO %s@%s",
        "REVOKE SELECT ON `mysql`.`user` FROM %s@%s",
        "REVOKE INSERT ON `p`.* FROM %s@%s",
    ]


def test_nothing_between_equals() -> None:
    grants = frozenset({Grant("PROCESS"), Grant("SELECT", "p")})
    assert grant_statements(grants, grants) == []


@given(st.one_of(st.text(), st.text(alphabet="SELECT ON.*`;\n'")))
def test_hostile_entries_never_reach_a_statement(entry: str) -> None:
    with contextlib.suppress(BadPrivilege):  # any other exception fails the test
        (statement,) = grant_statements(parse_privileges([entry], KNOWN), frozenset())
        assert not set(statement) & set(";'\n")
        assert statement.count("`") % 2 == 0
