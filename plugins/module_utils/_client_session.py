# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session by the program `mysql`, for reading on hosts without PyMySQL: each statement is a run of it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from ._connection import LOST_CONNECTION, MysqlError, Row, Session

LARGEST = 64 * 2**20  # characters of an answer
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
# The client prints text only. What code compares with numbers and times must be them again.
_NUMBERS = ("applied", "last_error_number", "file_size", "server_id", "port")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?")
_ERROR = re.compile(r"ERROR (\d{1,5}) \(\w+\)[^:]*: (.*)", re.DOTALL)
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class ClientSession(Session):
    """Reads like a Session. Has no connection of its own, so nothing that is set in it lasts."""

    def __init__(self, program: str, way: Sequence[str], user: str, password: str, seconds: float) -> None:
        self._command = [
            program, "--no-defaults", "--batch", "--xml", f"--connect-timeout={max(1, round(seconds))}",
            "--default-character-set=utf8", "--init-command=SET SESSION time_zone = '+00:00', sql_mode = ''",
            f"--user={user}", *way,
        ]  # fmt: skip
        # Not on the command line, where everybody sees it.
        self._environment = {**os.environ, "MYSQL_PWD": password, "LC_ALL": "C"}
        if not password:
            del self._environment["MYSQL_PWD"]
        self._seconds = seconds

    def run(self, sql: str, args: Sequence[Any] | None = None) -> list[Row]:
        statement = sql if args is None else sql % tuple(literal(each) for each in args)
        try:
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                [*self._command, "--execute", statement], env=self._environment, stdin=subprocess.DEVNULL,
                capture_output=True, timeout=self._seconds, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            # As PyMySQL numbers it: whoever reads on would wait as long for each statement.
            raise MysqlError(f"the program mysql: no answer within {self._seconds:g} s", LOST_CONNECTION[1]) from None
        except OSError as error:
            raise MysqlError(f"the program mysql: {error}") from error
        if done.returncode != 0:
            raise failure(done.stderr.decode("utf-8", "replace"))
        return parse(done.stdout[: LARGEST + 1].decode("utf-8", "replace"))

    def quoted(self, text: Any) -> str:
        return literal(text) if isinstance(text, str) else str(int(text) if isinstance(text, bool) else text)

    def wait_for_answers(self, seconds: float | None) -> None:
        """Each statement has the time that was given at the start."""

    def close(self) -> None:
        pass


def literal(value: Any) -> str:
    """As SQL writes it. Raises MysqlError for what the callers never have."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise MysqlError(f"the program mysql: {value!r} cannot be written")
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0") + "'"


def failure(text: str) -> MysqlError:
    """Of what the program said."""
    lines = [line for line in text.splitlines() if "[Warning]" not in line]
    found = _ERROR.search("\n".join(lines))
    if found:
        return MysqlError(found[2], int(found[1]))
    return MysqlError(f"the program mysql: {' '.join(lines)[:300] or 'failed without a word'}")


def parse(text: str) -> list[Row]:
    """Rows of `mysql --xml`; none for a statement that has no result. Raises MysqlError."""
    if not text.strip():
        return []
    if len(text) > LARGEST:
        raise MysqlError("the program mysql: the answer is too large")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # it never writes them
        raise MysqlError("the program mysql: the answer is not what it writes")
    try:
        root = ElementTree.fromstring(_NO_XML.sub("", text))  # noqa: S314 - no document type, see above
    except ElementTree.ParseError as error:
        raise MysqlError(f"the program mysql: the answer cannot be read: {error}") from error
    return [dict(_field(field) for field in row.iter("field")) for row in root.iter("row")]


def _field(field: ElementTree.Element) -> tuple[str, Any]:
    name = str(field.get("name", "")).lower()
    value: Any = None if field.get(NIL) == "true" else field.text or ""
    if value and name in _NUMBERS and re.fullmatch("[0-9]{1,18}", value):
        value = int(value)
    elif value and (name == "now" or name.endswith("_timestamp")) and _TIME.fullmatch(value):
        value = None if value.startswith("0000") else datetime.fromisoformat(value)
    return name, value
