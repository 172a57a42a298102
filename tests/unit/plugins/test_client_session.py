# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading by the program mysql: its words, and what it may say instead."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _module
from ansible_collections.opendba.mysql_ha.plugins.module_utils._client_session import (
    ClientSession,
    failure,
    literal,
    parse,
)
from ansible_collections.opendba.mysql_ha.plugins.module_utils._connection import LOST_CONNECTION, MysqlError

ANSWER = """<?xml version="1.0"?>

<resultset statement="SELECT 1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <row>
	<field name="Channel_Name">1</field>
	<field name="LAST_ERROR_NUMBER">0</field>
	<field name="now">2026-11-21 19:00:00.5</field>
	<field name="x_timestamp">0000-00-00 00:00:00.000000</field>
	<field name="gone" xsi:nil="true" />
	<field name="text">a &lt; b</field>
  </row>
</resultset>
"""


def test_rows() -> None:
    assert parse(ANSWER) == [
        {
            "channel_name": "1", "last_error_number": 0, "now": datetime(2026, 11, 21, 19, 0, 0, 500000),
            "x_timestamp": None, "gone": None, "text": "a < b",
        }
    ]  # fmt: skip
    assert parse("") == []


@pytest.mark.parametrize("text", ["<a>", "no xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
def test_odd_answers(text: str) -> None:
    with pytest.raises(MysqlError):
        parse(text)


@given(st.text(max_size=200))
def test_any_answer(text: str) -> None:
    with contextlib.suppress(MysqlError):
        parse(f"<resultset><row><field name='x'>{text}</field></row></resultset>")


def test_errors() -> None:
    error = failure("mysql: [Warning] insecure\nERROR 1045 (28000): Access denied for user 'root'@'localhost'\n")
    assert (error.number, str(error)) == (1045, "Access denied for user 'root'@'localhost'")
    assert failure("ERROR 1064 (42000) at line 1: syntax").number == 1064
    assert failure("").number is None


def test_literals() -> None:
    assert literal("a'b\\") == "'a\\'b\\\\'"
    assert literal(7) == "7"
    with pytest.raises(MysqlError):
        literal(None)


def test_a_check_shows_statements_and_needs_no_pymysql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_module, "HAS_PYMYSQL", False)
    session = ClientSession("mysql", [], "u", "", 1.0)
    monkeypatch.setattr(_module, "log_in", lambda _module, by_client: session if by_client else None)
    failed = MagicMock(side_effect=SystemExit)
    with _module.session_or_fail(MagicMock(check_mode=True, fail_json=failed)) as given:
        assert [given.quoted(value) for value in ("a'b", 7, True, 0.5)] == ["'a\\'b'", "7", "1", "0.5"]  # type: ignore[arg-type]
    with pytest.raises(SystemExit), _module.session_or_fail(MagicMock(check_mode=False, fail_json=failed)):
        pass
    assert "PyMySQL" in failed.call_args.kwargs["msg"]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A client that shows how it was called."""
    path = tmp_path / "mysql"
    path.write_text('#!/bin/sh\nprintf "<r><row><field name=\'said\'>%s|%s</field></row></r>" "$MYSQL_PWD" "$*"\n')
    path.chmod(0o755)
    return path


def test_the_password_is_not_on_the_command_line(program: Path) -> None:
    session = ClientSession(str(program), ["--socket=/s"], "audit", "Zq8-long", 5.0)
    said = session.value("SELECT %s", ["x"])
    password, _bar, command = said.partition("|")
    assert password == "Zq8-long"
    assert "Zq8" not in command
    assert command.endswith("--user=audit --socket=/s --execute SELECT 'x'")
    session.close()


def test_a_program_that_hangs_or_is_missing(tmp_path: Path) -> None:
    hanging = tmp_path / "mysql"
    hanging.write_text("#!/bin/sh\nexec sleep 20\n")
    hanging.chmod(0o755)
    with pytest.raises(MysqlError, match="no answer within") as raised:
        ClientSession(str(hanging), [], "u", "", 0.2).run("SELECT 1")
    assert raised.value.number in LOST_CONNECTION, "one such statement ends the reading"
    with pytest.raises(MysqlError, match="No such file"):
        ClientSession(str(tmp_path / "nix"), [], "u", "", 1.0).run("SELECT 1")
