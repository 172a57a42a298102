# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a running mysqld into facts. Writes nothing, no GTID, no FLUSH."""

from __future__ import annotations

from typing import Any

from ._channel import Facts, one_line, read_channels
from ._connection import MysqlError, Session
from ._dialect import Dialect, parse_version


def read_dialect(session: Session) -> Dialect:
    """Raises MysqlError where the server's version can't be understood."""
    row = session.row("SELECT VERSION() AS version, @@version_comment AS comment")
    try:
        return parse_version(row["version"], row["comment"] or "")
    except ValueError as error:
        raise MysqlError(str(error)) from error


def read_variables(session: Session, names: Any) -> dict[str, str]:
    """Global variables by name; those that the server does not have are left out."""
    marks = ", ".join(["%s"] * len(names))
    rows = session.run(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({marks})", list(names))
    return {row["variable_name"].lower(): row["value"] for row in rows}


def read_channels_of(session: Session) -> list[Facts]:
    """Every channel, the default one (named '') among them."""
    return read_channels(
        session.run("SELECT * FROM performance_schema.replication_connection_configuration ORDER BY channel_name"),
        session.run(
            "SELECT *, UTC_TIMESTAMP(6) AS now,"
            " GTID_SUBSET(received_transaction_set, @@GLOBAL.gtid_executed) AS applied"
            " FROM performance_schema.replication_connection_status"
        ),
        session.run("SELECT * FROM performance_schema.replication_applier_configuration"),
        session.run("SELECT * FROM performance_schema.replication_applier_status"),
        session.run("SELECT * FROM performance_schema.replication_applier_status_by_coordinator"),
        session.run("SELECT * FROM performance_schema.replication_applier_status_by_worker"),
    )


def has_user_data(session: Session) -> bool:
    """Whether there is any schema beside the server's own."""
    return (
        session.value(
            "SELECT 1 FROM information_schema.schemata WHERE LOWER(schema_name)"
            " NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') LIMIT 1"
        )
        is not None
    )


def read_persisted(session: Session) -> dict[str, str]:
    """What SET PERSIST wrote: it wins over every option file at the next boot."""
    return {
        row["variable_name"]: row["variable_value"]
        for row in session.run("SELECT variable_name, variable_value FROM performance_schema.persisted_variables")
    }


def read_semi_sync(session: Session) -> Facts:
    """Values are None where the plugin is not loaded."""
    sql = "SHOW GLOBAL {} WHERE Variable_name LIKE 'rpl\\_semi\\_sync\\_%%'"
    rows = [*session.run(sql.format("VARIABLES"), ()), *session.run(sql.format("STATUS"), ())]
    # Until 8.0.26 the same things were called master and slave.
    raw = {_modern(row["variable_name"]): row["value"] for row in rows}

    def switch(name: str) -> bool | None:
        return None if name not in raw else raw[name] == "ON"

    def count(name: str) -> int | None:
        return None if name not in raw else int(raw[name])

    return {
        "source_enabled": switch("source_enabled"),
        "source_active": switch("source_status"),
        "clients": count("source_clients"),
        "timeout_ms": count("source_timeout"),
        "wait_no_replica": switch("source_wait_no_replica"),
        "wait_point": raw.get("source_wait_point"),
        "replica_enabled": switch("replica_enabled"),
        "replica_active": switch("replica_status"),
    }


def _modern(name: str) -> str:
    return name.lower()[len("rpl_semi_sync_") :].replace("master", "source").replace("slave", "replica")


def compare_gtid(session: Session, theirs: str) -> Facts:
    """What `theirs` has and this server has not, and the reverse; the server does the arithmetic. Raises MysqlError."""
    row = session.row(
        "SELECT GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed) AS missing,"
        " GTID_SUBTRACT(@@GLOBAL.gtid_executed, %s) AS extra",
        (theirs, theirs),
    )
    return {"gtid_missing": one_line(row["missing"]), "gtid_extra": one_line(row["extra"])}
