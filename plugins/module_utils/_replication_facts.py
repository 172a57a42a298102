# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads any MySQL or MariaDB into facts, also one that this collection could not build. Writes nothing, no FLUSH."""

from __future__ import annotations

from typing import Any, Callable

from . import _accounts_seen, _replication_status
from ._channel import one_line
from ._connection import LOST_CONNECTION, MysqlError, Row, Session
from ._dialect import Dialect
from ._instance import has_user_data, read_channels_of, read_dialect, read_semi_sync
from ._replication_words import WANTED, modern, statement

Facts = dict[str, Any]


def read_instance(session: Session, details: bool = False) -> Facts:
    """Everything that replication_info returns. What may not be read is left out, with the cause among `problems`.

    Raises MysqlError when the connection is lost on the way, or when the server tells no version.
    """
    dialect = read_dialect(session)
    facts: Facts = {
        "problems": [], "flavour": dialect.flavour, "version": dialect.version, "version_number": list(dialect.number),
    }  # fmt: skip
    reading = _Reading(session, dialect, facts)
    reading.part("variables", reading.variables)
    reading.part("channels", reading.channels)
    reading.part("semi_sync", lambda: {"semi_sync": read_semi_sync(session)})
    reading.part("has_user_data", lambda: {"has_user_data": has_user_data(session)})
    reading.part("persisted_variables", reading.persisted)
    reading.part("sources", reading.sources)
    if details:
        for name in ("filters", "binary_logs", "replicas", "xa_prepared", "accounts"):
            reading.part(name, getattr(reading, name))
        facts["variables"] = modern(reading.raw)
    return facts


class _Reading:
    """The parts, each of which may be refused."""

    def __init__(self, session: Session, dialect: Dialect, facts: Facts) -> None:
        self._session = session
        self._dialect = dialect
        self._facts = facts
        self.raw: dict[str, str] = {}
        self._status: list[Facts] | None = None

    def part(self, name: str, read: Callable[[], Facts]) -> None:
        try:
            self._facts.update(read())
        except MysqlError as error:
            if error.number in LOST_CONNECTION:
                raise
            self._facts["problems"].append(f"{name}: {error}")

    def _ask(self, word: str) -> list[Row]:
        sql = statement(self._dialect, word)
        return [] if sql is None else self._session.run(sql)

    def _channel_rows(self) -> list[Facts]:
        if self._status is None:
            self._status = _replication_status.modern_rows(self._ask("status"))
        return self._status

    def variables(self) -> Facts:
        rows = self._session.run("SHOW GLOBAL VARIABLES")
        self.raw = {
            name: str(row["value"]) for row in rows for name in [str(row["variable_name"]).lower()] if name in WANTED
        }
        return own_variables(self.raw)

    def channels(self) -> Facts:
        found: list[Facts] = []
        if statement(self._dialect, "channels"):
            for channel in read_channels_of(self._session):
                told = None if channel["lag_seconds"] is None else _replication_status.COMMITS
                found.append({**channel, "lag_means": told})
        if not found:  # an older server, another one, or performance_schema is switched off
            found = [_replication_status.channel(row) for row in self._channel_rows()]
        elif self._dialect.number < (8, 0, 1) or self.raw.get("gtid_mode") != "ON":
            # Without commit timestamps, or without the GTIDs by which the server tells whether all was applied.
            self._take_lags(found)
        else:
            self._take_lags([channel for channel in found if channel["lag_seconds"] is None])
        # Those of Group Replication are its own; nobody configures or starts them.
        return {"channels": [channel for channel in found if not channel["name"].startswith("group_replication_")]}

    def _take_lags(self, channels: list[Facts]) -> None:
        """As SHOW REPLICA STATUS has it."""
        lags: dict[str, Facts] = {}
        try:
            rows = self._channel_rows() if channels else []
            lags = {_replication_status.name_of(row): _replication_status.lag(row) for row in rows}
        except MysqlError as error:
            if error.number in LOST_CONNECTION:
                raise
            self._facts["problems"].append(f"lag: {error}")
        for channel in channels:
            channel.update(lags.get(channel["name"], {"lag_seconds": None, "lag_means": None}))

    def persisted(self) -> Facts:
        rows = self._ask("persisted")
        return {"persisted_variables": {row["variable_name"]: row["variable_value"] for row in rows}}

    def sources(self) -> Facts:
        return {
            "sources": {
                str(row["variable_name"]): {
                    "source": str(row["variable_source"] or ""), "path": str(row["variable_path"] or "") or None,
                }
                for row in self._ask("sources")
            }
        }  # fmt: skip

    def filters(self) -> Facts:
        """Absent unless all of them could be seen."""
        rows, own, log = self._channel_rows(), self._ask("global_filters"), self._ask("binary_log")
        return {"filters": _replication_status.filters(rows, self.raw, log[0] if log else {}, own)}

    def binary_logs(self) -> Facts:
        if "log_bin" not in self.raw:  # the variables could not be read
            return {}
        if self.raw["log_bin"] != "ON":
            return {"binary_logs": {"files": 0, "bytes": 0, "oldest": None}}
        rows = self._session.run("SHOW BINARY LOGS")
        sizes = [int(row.get("file_size") or 0) for row in rows]
        return {
            "binary_logs": {
                "files": len(rows), "bytes": sum(sizes), "oldest": str(rows[0]["log_name"]) if rows else None,
            }
        }  # fmt: skip

    def replicas(self) -> Facts:
        keys = ("server_id", "host", "port")
        return {
            "replicas": [
                {
                    **{key: row.get(key) for key in keys},
                    "server_uuid": row.get("replica_uuid") or row.get("slave_uuid"),
                }
                for row in self._ask("replicas")
            ]
        }

    def xa_prepared(self) -> Facts:
        return {"xa_prepared": len(self._session.run("XA RECOVER"))}

    def accounts(self) -> Facts:
        rows = self._ask("accounts")
        try:
            locked = self._ask("locked_accounts")
        except MysqlError as error:
            locked = []
            self._facts["problems"].append(f"locked accounts: {error}")
        return {"accounts": _accounts_seen.accounts(rows, self._ask("more_privileges"), locked)}


def _group(raw: dict[str, str]) -> str | None:
    """By which other kind of replication it belongs to equals."""
    if raw.get("wsrep_on") in ("ON", "1") and raw.get("wsrep_provider") not in (None, "", "none"):
        return "galera"
    return "group_replication" if raw.get("group_replication_group_name") else None


def own_variables(raw: dict[str, str]) -> Facts:
    """What a server is, out of its global variables; None for what it does not have."""

    def switch(name: str) -> bool | None:
        # MariaDB from 12 on has more ways of ON for read_only.
        return None if name not in raw else raw[name] not in ("OFF", "0")

    def number(name: str) -> int | None:
        return int(raw[name]) if raw.get(name, "").isdigit() else None

    # MariaDB has positions, one a domain, instead of sets.
    executed = raw.get("gtid_executed", raw.get("gtid_current_pos"))
    return {
        "server_id": number("server_id"),
        "server_uuid": raw.get("server_uuid"),
        "port": number("port"),
        "datadir": raw.get("datadir"),
        "socket": raw.get("socket"),
        "read_only": switch("read_only"),
        "super_read_only": switch("super_read_only"),
        "offline_mode": switch("offline_mode"),
        "gtid_mode": raw.get("gtid_mode"),
        "group": _group(raw),
        "gtid_executed": one_line(executed),
        "gtid_purged": one_line(raw.get("gtid_purged")),
    }
