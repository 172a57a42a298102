# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The source side of semi-synchronous replication: read, switched on, and switched off without a stall.

SET rpl_semi_sync_source_enabled=OFF lets waiting commits go on at once, but then joins the thread that receives the
acknowledgements. That one looks up once a second, and until then no login and no SELECT @@... is answered (measured on
9.7.4: 0.8 s with a silent standby, 1.0 s after its dump thread was killed). So commits are released in another way:
with wait_no_replica=OFF they go on when the last semi-sync replica is gone, and KILL ends a dump thread within
milliseconds, because it shuts its socket. A receiver of acknowledgements that has had no replica for a second sleeps,
and the switch is free.
"""

from __future__ import annotations

import threading
import time

from .lib._connection import MysqlError, Session
from .model import SemiSync

INFINITE = 4294967295  # milliseconds, the highest timeout that there is: 50 days
RELEASE_BOUND = 0.02  # seconds; 1 to 7 ms were measured, or a second when the dump thread was ending by itself
LEAVE = 0.01  # seconds that a dump thread gets to take its leave
IDLE_AFTER = 1.3  # seconds without a replica after which the receiver of acknowledgements sleeps
_UNKNOWN_THREAD = 1094


def read(session: Session, switch: str) -> SemiSync:
    """Whether commits wait for an acknowledgement as they should, and who is connected.

    `switch` is the name of the source's switch. With a finite timeout, or one that ends when the last replica leaves,
    a writer acknowledges what nobody else has, so that does not count as waiting. Raises MysqlError.
    """
    row = session.row(
        f"SELECT @@GLOBAL.{switch} AND (@@GLOBAL.read_only"
        f" OR @@GLOBAL.{_no_replica(switch)} AND @@GLOBAL.{_named(switch, 'timeout')} = {INFINITE}) AS waits,"
        f" {_status('clients')}, {_status('waiting')}, {_status('acked')}",
        [_counter(switch, what) for what in ("clients", "wait_sessions", "yes_tx")],
    )
    return SemiSync(bool(row["waits"]), *(int(row[what] or 0) for what in ("clients", "waiting", "acked")))


def _status(name: str) -> str:
    return f"(SELECT variable_value FROM performance_schema.global_status WHERE variable_name = %s) AS {name}"  # noqa: S608


def switch_on(session: Session, switch: str) -> None:
    """From now on commits wait for an acknowledgement, for ever. Raises MysqlError."""
    session.run(f"SET GLOBAL {_named(switch, 'timeout')} = {INFINITE}")
    session.run(f"SET GLOBAL {_no_replica(switch)} = ON")
    session.run(f"SET GLOBAL {switch} = ON")


def switch_off(session: Session, switch: str) -> None:
    """Commits go on without acknowledgement within milliseconds; returns about a second later. Raises MysqlError."""
    if session.value(f"SELECT @@GLOBAL.{switch}"):
        release(session, switch, threading.Event(), RELEASE_BOUND)
        time.sleep(IDLE_AFTER)
    switch_off_at_once(session, switch)


def switch_off_at_once(session: Session, switch: str) -> None:
    """The same without care for logins. Raises MysqlError."""
    session.run(f"SET GLOBAL {switch} = OFF")
    wait_again(session, switch)


def release(session: Session, switch: str, released: threading.Event, bound: float) -> None:
    """Lets the commits that wait now go on, and those that come, until a semi-sync replica connects again.

    Leaves wait_no_replica=OFF behind. Ends early when `released` is set. After `bound` seconds it takes the switch,
    which may not return for a second. Raises MysqlError.
    """
    session.run(f"SET GLOBAL {_no_replica(switch)} = OFF")
    stop_dumps(session)
    deadline = time.monotonic() + bound
    while not released.is_set():
        for thread in _dump_threads(session):
            kill(session, thread)
        if not read(session, switch).clients:
            return
        if time.monotonic() >= deadline:
            session.run(f"SET GLOBAL {switch} = OFF")  # releases them at once too, but keeps logins waiting
            return
        time.sleep(0.001)


def stop_dumps(session: Session) -> None:
    """Has the semi-sync replicas' dump threads take leave of the receiver of acknowledgements; nothing is released by
    it. Raises MysqlError.

    When a socket is shut, by KILL or offline_mode, before its dump thread has said that it leaves, the receiver only
    drops the socket, and notices the leaving at its next look, up to a second later. So KILL QUERY goes first.
    """
    threads = _dump_threads(session)
    for thread in threads:
        kill(session, thread, "QUERY ")
    if threads:
        time.sleep(LEAVE)


def finish(session: Session, switch: str) -> None:
    """Completes a switch-off in the middle of which the agent died. Raises MysqlError."""
    row = session.row(f"SELECT @@GLOBAL.{switch} AS enabled, @@GLOBAL.{_no_replica(switch)} AS waits_for_any")
    if row["enabled"] and not row["waits_for_any"]:
        switch_off_at_once(session, switch)
    elif not row["waits_for_any"]:
        wait_again(session, switch)


def nudge(session: Session) -> None:
    """Commits a transaction without content. A commit whose acknowledgement was lost with its connection goes on with
    the acknowledgement of any later one; where all clients wait, no later one comes. Returns with its own
    acknowledgement. Raises MysqlError."""
    session.run("FLUSH OPTIMIZER_COSTS")


def wait_again(session: Session, switch: str) -> None:
    """Undoes what `release` leaves behind. Raises MysqlError."""
    session.run(f"SET GLOBAL {_no_replica(switch)} = ON")


def kill(session: Session, thread: int, what: str = "") -> None:
    """Raises MysqlError; not for a thread that has ended by itself."""
    try:
        session.run(f"KILL {what}{thread:d}")
    except MysqlError as error:
        if error.number != _UNKNOWN_THREAD:
            raise


def _dump_threads(session: Session) -> list[int]:
    """Those that serve semi-sync replicas: they have set a variable that says so. Readers stay connected."""
    rows = session.run(
        "SELECT DISTINCT thread.processlist_id AS id FROM performance_schema.threads thread"
        " JOIN performance_schema.user_variables_by_thread variable USING (thread_id)"
        " WHERE thread.processlist_command LIKE 'Binlog Dump%' AND variable.variable_name LIKE 'rpl\\_semi\\_sync\\_%'"
    )
    return [int(row["id"]) for row in rows]


def _named(switch: str, what: str) -> str:
    return switch.replace("_enabled", f"_{what}")


def _no_replica(switch: str) -> str:
    """Until 8.0.26 a source was called master and a replica slave."""
    return _named(switch, "wait_no_slave" if "master" in switch else "wait_no_replica")


def _counter(switch: str, what: str) -> str:
    return "R" + _named(switch, what)[1:]
