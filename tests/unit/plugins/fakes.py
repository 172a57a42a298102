# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A session that answers from a table and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.opendba.mysql_ha.plugins.module_utils._connection import MysqlError, Row, Session


class FakeSession(Session):
    """Answers by the first key that the statement contains: a value, rows, or an exception to raise."""

    def __init__(self, **answers: Any) -> None:
        super().__init__(connection=None)
        self.answers = answers
        self.asked: list[str] = []

    def run(self, sql: str, args: Sequence[Any] | None = None) -> list[Row]:
        self.asked.append(sql % tuple(repr(arg) for arg in args) if args else sql)
        answer: Any = next((self.answers[key] for key in self.answers if key in sql), [])
        if callable(answer):
            answer = answer()
        if isinstance(answer, MysqlError):
            raise answer
        return answer if isinstance(answer, list) else [{"value": answer}]

    def quoted(self, text: str) -> str:
        return repr(text)


def in_turn(*answers: Any) -> Callable[[], Any]:
    """One answer after another."""
    left = list(answers)
    return lambda: left.pop(0)
