# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carries a channel from what it is to what it should be, in steps that lose no transaction."""

from __future__ import annotations

import time
from typing import Any

from ._channel import PASSWORD, Change, Facts, change_statement, one_line
from ._connection import ACCESS_DENIED, MysqlError, Session, connect
from ._dialect import Dialect

_PROBE_SECONDS = 5.0
_DRAIN_POLL_SECONDS = 0.2
_HIDDEN = "********"


class ChannelSteps:
    """Runs the statements for one channel and remembers them; with `check`, only remembers."""

    def __init__(self, session: Session, dialect: Dialect, name: str, live: Facts | None, check: bool) -> None:
        self.statements: list[str] = []
        self._session = session
        self._dialect = dialect
        self._name = name
        self._live = live or {}
        self._check = check
        self._receiver = self._live.get("io_running", "No") != "No"
        self._applier = self._live.get("sql_running") == "Yes"

    def change(self, change: Change, discard_unapplied: bool, drain_timeout: int) -> None:
        """Stops what stands in the way, changes the channel, and lets run again what ran. Raises MysqlError."""
        ran = (self._receiver, self._applier)
        # An option that the server lacks is found before any thread is stopped.
        sql, values = change_statement(self._dialect, self._name, change.options)
        try:
            self.threads(receiver=self._receiver and not change.stop_receiver)
            if change.discards_relay_log(self._live or None) and not discard_unapplied:
                self.drain(drain_timeout)
            self.threads(applier=self._applier and not change.stop_applier)
            self._run(sql, values, hidden=list(change.options).index(PASSWORD) if PASSWORD in change.options else None)
        finally:
            self.threads(*ran)

    def remove(self, discard_unapplied: bool, drain_timeout: int = 0) -> None:
        """Stops and removes the channel. Raises MysqlError."""
        ran = (self._receiver, self._applier)
        try:
            self.threads(receiver=False)
            if not discard_unapplied:
                self.drain(drain_timeout)
        except MysqlError:
            self.threads(*ran)
            raise
        self.threads(applier=False)
        self._statement("remove_channel")

    def threads(self, receiver: bool | None = None, applier: bool | None = None) -> None:
        """Starts or stops the threads that are not as wanted; None leaves one alone."""
        if receiver is not None and receiver != self._receiver:
            self._statement("start_receiver" if receiver else "stop_receiver")
            self._receiver = receiver
        if applier is not None and applier != self._applier:
            self._statement("start_applier" if applier else "stop_applier")
            self._applier = applier

    def drain(self, timeout: int) -> None:
        """Waits until everything received is applied, when the applier runs. Raises MysqlError if it can't be."""
        if self._check and self._applier:
            return
        deadline = time.monotonic() + timeout
        unapplied = self._unapplied()
        while unapplied and self._applier and time.monotonic() < deadline:
            time.sleep(_DRAIN_POLL_SECONDS)
            unapplied = self._unapplied()
        if unapplied:
            raise MysqlError(
                f"channel '{self._name}' holds transactions that are not applied ({unapplied}); the server would throw"
                " them away with the relay log: start the applier and wait, or set discard_unapplied"
            )

    def _unapplied(self) -> str:
        if self._live["auto_position"]:
            return one_line(
                self._session.value(
                    "SELECT GTID_SUBTRACT(received_transaction_set, @@GLOBAL.gtid_executed)"
                    " FROM performance_schema.replication_connection_status WHERE channel_name = %s",
                    [self._name],
                )
            )
        row = self._session.row(self._dialect.sql("channel_status"), [self._name])
        received, applied = (
            f"{row[self._dialect.sql(f'{kind}_file')]}:{row[self._dialect.sql(f'{kind}_position')]}"
            for kind in ("received", "applied")
        )
        return "" if received == applied else f"received up to {received}, applied up to {applied}"

    def _statement(self, word: str) -> None:
        self._run(self._dialect.sql(word), [self._name])

    def _run(self, sql: str, values: list[Any], hidden: int | None = None) -> None:
        shown = [_HIDDEN if place == hidden else value for place, value in enumerate(values)]
        self.statements.append(sql % tuple(self._session.quoted(value) for value in shown))
        if not self._check:
            self._session.run(sql, values)


def stored_password(session: Session, name: str) -> str | None:
    """The password that the channel will use at its next login; None where it can't be read.

    The server keeps it in clear in mysql.slave_master_info, for whoever may read that table.
    """
    try:
        value = session.value("SELECT user_password FROM mysql.slave_master_info WHERE channel_name = %s", [name])
    except MysqlError:
        return None
    return None if value is None else str(value)


def password_is_due(given: Facts, live: Facts | None, stored: str | None) -> bool:
    """Whether the password has to be sent to the channel."""
    if given[PASSWORD] is None:
        return False
    if live is None or given["force_password"]:
        return True
    if stored is not None:
        return bool(stored != given[PASSWORD])
    return given["source_user"] not in (None, live["source_user"]) or live["io_error"]["number"] in ACCESS_DENIED


def refuse_wrong_password(options: Facts, password: str) -> None:
    """Tries the login that the receiver would do. Raises MysqlError when the source answers and refuses it.

    A source that can't be reached proves nothing, so it refuses nothing.
    """
    try:
        connect(
            user=options["source_user"],
            password=password,
            host=options["source_host"],
            port=options["source_port"],
            tls=options["source_ssl"],
            ssl_ca=(options["source_ssl_ca"] or None) if options["source_ssl_verify"] else None,
            connect_timeout=_PROBE_SECONDS,
        ).close()
    except MysqlError as error:
        if error.number in ACCESS_DENIED:
            raise MysqlError(
                f"source_password: {options['source_host']} port {options['source_port']} refuses the account"
                f" {options['source_user']} with it, so the channel keeps its own; change the account on the source"
                " first, or set force_password"
            ) from error
