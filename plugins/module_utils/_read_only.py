# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes that belong to one instance alone: no GTID, and on a read-only instance only for the moment they need."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from ._connection import LOST_CONNECTION, MysqlError, Session

_LOCK_WAIT_SECONDS = 30


@contextlib.contextmanager
def instance_writes(session: Session, reconnect: Callable[[], Session]) -> Iterator[None]:
    """Switches the binary log off for this session and, where it is on, super_read_only off for the body.

    read_only stays as it is, so ordinary accounts never get to write. `reconnect` makes a new session where the old one
    is lost before super_read_only is back. Raises MysqlError.
    """
    session.run("SET SESSION sql_log_bin = 0")
    session.run("SET SESSION lock_wait_timeout = %s", [_LOCK_WAIT_SECONDS])
    if not session.value("SELECT @@GLOBAL.super_read_only"):
        yield
        return
    session.run("SET GLOBAL super_read_only = OFF")
    try:
        yield
    finally:
        _put_back(session, reconnect)


def _put_back(session: Session, reconnect: Callable[[], Session]) -> None:
    # Not `= ON`: should the agent have promoted this instance in the meantime, it must stay the writer.
    statement = "SET GLOBAL super_read_only = @@GLOBAL.read_only"
    try:
        try:
            session.run(statement)
        except MysqlError as error:
            if error.number is not None and error.number not in LOST_CONNECTION:
                raise
            reconnect().run(statement)
    except MysqlError as error:
        raise MysqlError(f"super_read_only is off and could not be put back, run `{statement}`: {error}") from error
