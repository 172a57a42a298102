# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a MySQL server without our agent is fit to serve reads: it logs in and answers a query, in time.

lvs-check LOGIN ADDRESS PORT MAX_LAG [writer]

LOGIN: JSON file with user, password and ca. MAX_LAG: seconds that a replica may be behind; - asks for no replication.
With `writer`, a server that replicates from nobody is fit too. Status 0: it is fit; 1: it is not, and why.

A server that hangs accepts connections, but it does not answer, so this notices it where a look at the port would not.
"""

from __future__ import annotations

import json
import math
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PATIENCE = 1.0  # seconds for everything; keepalived's own patience knows whole seconds only
UNKNOWN_STATEMENT = 1064


def judge(channels: Sequence[Mapping[str, Any]], max_lag: float | None, writer: bool) -> str:
    """Why not, from the rows of SHOW REPLICA STATUS; empty: it is fit."""
    if max_lag is None or (not channels and writer):
        return ""
    if not channels:
        return "it replicates from nobody"
    for channel in channels:
        values = {modern(name): value for name, value in channel.items()}
        name = values.get("channel_name") or "the channel"
        for thread in ("replica_io_running", "replica_sql_running"):
            if values.get(thread) != "Yes":
                return f"{name}: {thread} is {values.get(thread)}"
        lag = values.get("seconds_behind_source")
        if lag is None or float(lag) > max_lag:
            return f"{name}: it is {'an unknown time' if lag is None else f'{lag} s'} behind"
    return ""


def modern(name: str) -> str:
    return name.lower().replace("slave", "replica").replace("master", "source")


def read_max_lag(word: str) -> float | None:
    """Raises ValueError."""
    if word == "-":
        return None
    seconds = float(word)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"{word} is no number of seconds")
    return seconds


def ask(login: Mapping[str, str], address: str, port: int, replication: bool) -> list[dict[str, Any]]:
    """Raises whatever PyMySQL raises."""
    import pymysql
    import pymysql.cursors

    # Encrypted where the server can, so that no password travels in clear; verified where there is a CA.
    ca = login.get("ca")
    ssl: dict[str, Any] = {"ca": ca} if ca else {"check_hostname": False, "verify_mode": "none"}
    connection = pymysql.connect(
        host=address, port=port, user=login["user"], password=login["password"], ssl=ssl,
        connect_timeout=1, read_timeout=1, write_timeout=1, cursorclass=pymysql.cursors.DictCursor,
    )  # fmt: skip
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchall()
            if not replication:
                return []
            try:
                cursor.execute("SHOW REPLICA STATUS")
            except pymysql.MySQLError as error:
                if not error.args or error.args[0] != UNKNOWN_STATEMENT:
                    raise
                cursor.execute("SHOW SLAVE STATUS")  # before 8.0.22, and MariaDB
            return list(cursor.fetchall())
    finally:
        connection.close()


def too_late(_signal: int, _frame: Any) -> None:
    raise TimeoutError(f"no answer within {PATIENCE:g} s")


def main(words: Sequence[str]) -> int:
    try:
        path, address, port, lag, *rest = words
        max_lag, writer = read_max_lag(lag), rest == ["writer"]
        signal.signal(signal.SIGALRM, too_late)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        login = json.loads(Path(path).read_text())
        reason = judge(ask(login, address, int(port), max_lag is not None), max_lag, writer)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    if reason:
        print(reason, file=sys.stderr)
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
