# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs inside a lab host: writes down, ten times a second, whether its instance takes writes.

All hosts of the lab share one clock.

Usage: watch_writable.py FILE SECONDS
Each line: MONOTONIC_BEFORE MONOTONIC_AFTER writable|read-only. Times between which mysqld does not answer have no line.
"""

from __future__ import annotations

import importlib
import sys
import time


def ask(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@read_only")
        return "read-only" if cursor.fetchone()[0] else "writable"


def main():
    path, seconds = sys.argv[1], float(sys.argv[2])
    deadline = time.monotonic() + seconds
    connection = None
    with open(path, "w", buffering=1) as lines:  # noqa: PTH123 - the host may have no more than Python
        while time.monotonic() < deadline:
            before = time.monotonic()
            try:
                if connection is None:
                    importlib.invalidate_caches()  # the run under test installs it, and this may look in between
                    import pymysql

                    connection = pymysql.connect(unix_socket="/run/mysqld/mysqld.sock", user="root", read_timeout=2)
                said = ask(connection)
                lines.write(f"{before:.3f} {time.monotonic():.3f} {said}\n")
            except Exception:
                connection = None
            time.sleep(0.1 if connection else 0.5)


main()
