# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""super_read_only is lifted for the body alone, and comes back whatever happens."""

from __future__ import annotations

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._connection import MysqlError
from ansible_collections.opendba.mysql_ha.plugins.module_utils._read_only import instance_writes

from .fakes import FakeSession

LIFT = "SET GLOBAL super_read_only = OFF"
PUT_BACK = "SET GLOBAL super_read_only = @@GLOBAL.read_only"


def never() -> FakeSession:
    raise AssertionError("no new session is needed")


def globals_set(session: FakeSession) -> list[str]:
    return [sql for sql in session.asked if "SET GLOBAL" in sql or sql == "BODY"]


def test_a_read_only_instance_is_opened_for_the_body() -> None:
    session = FakeSession(**{"SELECT @@GLOBAL.super_read_only": 1})
    with instance_writes(session, never):
        session.run("BODY")
    assert session.asked[0] == "SET SESSION sql_log_bin = 0"
    assert globals_set(session) == [LIFT, "BODY", PUT_BACK]


def test_the_writer_is_left_alone() -> None:
    session = FakeSession(**{"SELECT @@GLOBAL.super_read_only": 0})
    with instance_writes(session, never):
        session.run("BODY")
    assert session.asked[0] == "SET SESSION sql_log_bin = 0"
    assert globals_set(session) == ["BODY"]


def test_it_comes_back_after_a_failure() -> None:
    session = FakeSession(**{"SELECT @@GLOBAL.super_read_only": 1, "BODY": MysqlError("no such privilege", 1)})
    with pytest.raises(MysqlError, match="no such privilege"), instance_writes(session, never):
        session.run("BODY")
    assert globals_set(session) == [LIFT, "BODY", PUT_BACK]


@pytest.mark.parametrize("number", [2013, 2006, None])
def test_it_comes_back_after_the_connection_is_lost(number: int | None) -> None:
    lost = MysqlError("lost", number)
    session = FakeSession(**{"SELECT @@GLOBAL.super_read_only": 1, PUT_BACK: lost})
    fresh = FakeSession()
    with instance_writes(session, lambda: fresh):
        pass
    assert fresh.asked == [PUT_BACK]


def test_the_mend_is_named_where_it_can_not_come_back() -> None:
    session = FakeSession(**{"SELECT @@GLOBAL.super_read_only": 1, PUT_BACK: MysqlError("lock wait", 1205)})
    message = f"super_read_only is off and could not be put back, run `{PUT_BACK}`: lock wait"
    with pytest.raises(MysqlError) as caught, instance_writes(session, never):
        pass
    assert str(caught.value) == message
