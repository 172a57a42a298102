# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SHOW REPLICA STATUS of all dialects -> channels and filters, in the form of _channel.read_channels. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._channel import error_text, one_line
from ._replication_words import FILTERS, column

Facts = dict[str, Any]
Row = Mapping[str, Any]
COMMITS, BEHIND = "commit_timestamps", "seconds_behind_source"


def modern_rows(rows: Iterable[Row]) -> list[Facts]:
    """Columns by their modern names."""
    return [{column(name): value for name, value in row.items()} for row in rows]


def name_of(row: Row) -> str:
    return str(row.get("channel_name") or row.get("connection_name") or "")


def channel(row: Row) -> Facts:
    """One channel of a server without performance_schema's tables. What the server does not say is None."""
    facts: Facts = {
        "name": name_of(row),
        "source_host": str(row.get("source_host") or ""),
        "source_port": _count(row.get("source_port")),
        "source_user": str(row.get("source_user") or ""),
        "source_ssl": _switch(row.get("source_ssl_allowed")),
        "source_ssl_ca": str(row.get("source_ssl_ca_file") or ""),
        "source_ssl_verify": _switch(row.get("source_ssl_verify_server_cert")),
        "auto_position": _auto_position(row),
        "connect_retry": _count(row.get("connect_retry")),
        "retry_count": _count(row.get("source_retry_count")),
        "heartbeat_period": None,
        "delay": _count(row.get("sql_delay")),
        "io_running": _thread(row.get("replica_io_running")),
        "sql_running": _thread(row.get("replica_sql_running")),
        "io_error": _error(row, "last_io"),
        "sql_error": _error(row, "last_sql" if "last_sql_errno" in row else "last"),
        "source_uuid": str(row.get("source_uuid") or ""),
        "received_gtid": one_line(row.get("retrieved_gtid_set")),
        "received_is_applied": (row.get("source_log_file"), row.get("read_source_log_pos"))
        == (row.get("relay_source_log_file"), row.get("exec_source_log_pos")),
    }
    return {**facts, **lag(row)}


def lag(row: Row) -> Facts:
    """What the server itself holds for the delay: whole seconds, between two clocks, of the event under work."""
    behind = row.get("seconds_behind_source")
    return {
        "lag_seconds": None if behind is None else float(_count(behind) or 0),
        "lag_means": None if behind is None else BEHIND,
    }


def filters(rows: Iterable[Row], variables: Mapping[str, str], binary_log: Row, own: Iterable[Row]) -> dict[str, str]:
    """By name, those that are set: of channels (`rows`), of the server (`variables`, `own`), of its binary log."""
    found = {name: variables[name] for name in FILTERS if variables.get(name)}
    for row in own:
        if row.get("filter_rule"):
            found[str(row["filter_name"]).lower()] = str(row["filter_rule"])
    for row in rows:
        for name in FILTERS:
            value = str(row.get(name) or "").strip()
            if value and found.get(name) != value:
                found[f"{name} of channel '{name_of(row)}'" if name_of(row) else name] = value
    for key, name in (("binlog_do_db", "binlog_do_db"), ("binlog_ignore_db", "binlog_ignore_db")):
        if binary_log.get(key):
            found[name] = str(binary_log[key])
    return found


def _auto_position(row: Row) -> bool:
    # MariaDB says No, Slave_Pos or Current_Pos; servers before GTIDs say nothing, and know positions only.
    if "using_gtid" in row:
        return str(row["using_gtid"]).lower() not in ("no", "")
    return str(row.get("auto_position", "0")) == "1"


def _switch(value: Any) -> bool | None:
    # Ignored: asked for, but the server was built without TLS
    return None if value is None or value == "" else str(value).lower() == "yes"


def _thread(value: Any) -> str:
    # Preparing (MariaDB) is a receiver that has not read anything yet.
    said = str(value or "No")
    return said if said in ("Yes", "No", "Connecting") else "Connecting"


def _count(value: Any) -> int | None:
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        return None


def _error(row: Row, prefix: str) -> Facts:
    number = _count(row.get(f"{prefix}_errno")) or 0
    return {"number": number, "message": error_text(row.get(f"{prefix}_error")) if number else ""}
