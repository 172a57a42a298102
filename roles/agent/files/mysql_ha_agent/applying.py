# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the two threads of a channel get on: how far the receiver has read, and who holds up the applier."""

from __future__ import annotations

from . import semisync
from .lib._connection import Row, Session
from .lib._dialect import Dialect

_BLOCKERS = """
SELECT DISTINCT thread.processlist_id AS id, thread.processlist_user AS user, thread.processlist_time AS seconds, what
FROM (
  SELECT granted.owner_thread_id AS thread_id,
         CONCAT_WS(' ', LOWER(granted.object_type), granted.object_schema, granted.object_name) AS what
  FROM performance_schema.metadata_locks wanted
  JOIN performance_schema.metadata_locks granted
    ON granted.object_type = wanted.object_type AND granted.object_schema <=> wanted.object_schema
   AND granted.object_name <=> wanted.object_name
  WHERE wanted.lock_status = 'PENDING' AND granted.lock_status = 'GRANTED'
    AND wanted.owner_thread_id IN ({applier}) AND granted.owner_thread_id NOT IN ({applier})
  UNION
  SELECT blocking_thread_id, 'row' FROM performance_schema.data_lock_waits WHERE requesting_thread_id IN ({applier})
) holder JOIN performance_schema.threads thread USING (thread_id)
WHERE thread.name = 'thread/sql/one_connection' ORDER BY id"""
_APPLIER = """
SELECT thread_id FROM performance_schema.replication_applier_status_by_worker
WHERE channel_name = %s AND thread_id IS NOT NULL
UNION SELECT thread_id FROM performance_schema.replication_applier_status_by_coordinator
WHERE channel_name = %s AND thread_id IS NOT NULL"""


def place(session: Session, dialect: Dialect, channel: str) -> str:
    """How far the receiver has read in the source's binary log; moves within a transaction too. Raises MysqlError."""
    row = session.row(dialect.sql("channel_status"), [channel])
    return " ".join(str(value) for name, value in row.items() if name.startswith("read_") or name.endswith("_log_file"))


def blockers(session: Session, channel: str) -> list[Row]:
    """Sessions of clients that hold what the applier waits for. Raises MysqlError."""
    threads = ", ".join(str(int(row["thread_id"])) for row in session.run(_APPLIER, [channel, channel]))
    return session.run(_BLOCKERS.format(applier=threads)) if threads else []


def describe(found: list[Row]) -> str:
    """In words; empty: nothing holds it up."""
    return ", ".join(
        f"connection {row['id']} of {row['user']} ({row['what']} lock, {row['seconds']} s)" for row in found)


def unblock(session: Session, channel: str) -> None:
    """Ends the clients that hold up the applier. Raises MysqlError."""
    for row in blockers(session, channel):
        semisync.kill(session, int(row["id"]))
