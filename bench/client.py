# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs on the client host: inserts numbered rows one after another and writes down when which server said OK.

The first line of its standard input is a JSON object, see `Order`; the next line ends it. It prints JSON objects, one
a line: `first`, the first OK; `gap`, at the end of each pause between two OKs; at last `acks`. Times are seconds of
CLOCK_MONOTONIC, which all containers of one machine share.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pymysql

GAP = 0.05
LONG = 1.0  # a call of the connector that lasts longer is a wait
NEXT_TRY = 0.002
DIRECT_PAUSE = 0.01
INSERT = "INSERT INTO writes (run, seq, server) VALUES (%s, %s, @@server_uuid)"

said = threading.Lock()


@dataclass
class Order:
    """What to do. Times in seconds; no timeouts: the connector's own."""

    run: str
    addresses: dict[str, str]  # by the name of the writer: the VIP, or each server for itself
    user: str
    password: str
    database: str
    ca: str = ""  # a file; without it the server is not verified
    port: int = 3306
    pause: float = 0.002
    connect_timeout: float | None = 0.1
    read_timeout: float | None = 0.2
    direct: dict[str, str] = field(default_factory=dict)  # servers that are written to beside the VIP, without timeouts
    crowd: int = 0  # further clients of the VIP, each like the first
    ask_primary: bool = False  # Group Replication: of `addresses` the one that says it is the primary


def say(**content: Any) -> None:
    with said:
        print(json.dumps(content), flush=True)


class Writer(threading.Thread):
    """One connection at a time, one insert after another; after an error a new connection."""

    def __init__(
        self, order: Order, name: str, stop: threading.Event, direct: bool = False, reports: bool = False
    ) -> None:
        """`reports`: of all clients of the VIP, the one that says when writes go and stop."""
        super().__init__(name=name, daemon=True)
        self.order = order
        self.stop = stop
        self.reports = reports
        self.direct = direct
        self.pause = DIRECT_PAUSE if direct else order.pause
        self.acks: list[tuple[float, float, int, str]] = []  # sent, acknowledged, number, server_uuid
        self.errors: list[tuple[float, str]] = []
        self.waits: list[tuple[float, float, str]] = []  # began, ended, how it ended: calls longer than LONG
        self.call = ""  # the one that goes on now
        self.began = 0.0
        self.sequence = 0
        self.connection: Any = None
        self.server = ""
        # One context for all connections, as a connection pool has
        self.tls = ssl.create_default_context(cafile=order.ca or None)
        if not order.ca:
            self.tls.check_hostname = False
            self.tls.verify_mode = ssl.CERT_NONE

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                if self.connection is None:
                    self.timed(self.connect)
                self.timed(self.write)
                time.sleep(self.pause)
            except (pymysql.Error, OSError) as error:
                self.failed(error)
                time.sleep(DIRECT_PAUSE if self.direct else NEXT_TRY)

    def timed(self, call: Callable[[], None]) -> None:
        self.began, self.call = time.monotonic(), call.__name__
        ending = "done"
        try:
            call()
        except (pymysql.Error, OSError) as error:
            ending = f"{type(error).__name__}: {error}"[:120]
            raise
        finally:
            self.note(ending)
            self.call = ""

    def note(self, ending: str) -> None:
        at = time.monotonic()
        if self.call and at - self.began > LONG:
            self.waits.append((self.began, at, f"{self.call}: {ending}"))

    def connect(self) -> None:
        if self.order.ask_primary:
            self.connect_to_primary()
        else:
            self.open(self.order.direct[self.name] if self.direct else next(iter(self.order.addresses.values())))

    def connect_to_primary(self) -> None:
        """The first of the addresses that is the primary and online."""
        problem: Exception = OSError("no address")
        for address in self.order.addresses.values():
            try:
                self.open(address)
                if self.ask(PRIMARY) == "1":
                    return
                problem = OSError("no primary")
            except (pymysql.Error, OSError) as error:
                problem = error
            self.close()
        raise problem

    def open(self, address: str) -> None:
        order = self.order
        timeouts: dict[str, Any] = {"connect_timeout": order.connect_timeout, "read_timeout": order.read_timeout}
        if self.direct:
            timeouts = {"connect_timeout": 0.2}
        self.connection = pymysql.connect(
            host=address,
            port=order.port,
            user=order.user,
            password=order.password,
            database=order.database,
            ssl=self.tls,
            autocommit=True,
            **{name: value for name, value in timeouts.items() if value is not None},
        )
        self.server = self.ask("SELECT @@server_uuid")

    def ask(self, sql: str) -> str:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return str((cursor.fetchone() or [""])[0])

    def write(self) -> None:
        self.sequence += 1
        sent = time.monotonic()
        with self.connection.cursor() as cursor:
            cursor.execute(INSERT, (f"{self.order.run}/{self.name}", self.sequence))
        acknowledged = time.monotonic()
        if self.reports:
            self.tell(acknowledged)
        self.acks.append((sent, acknowledged, self.sequence, self.server))

    def tell(self, acknowledged: float) -> None:
        if not self.acks:
            say(first=acknowledged)
        elif acknowledged - self.acks[-1][1] > GAP:
            say(gap=[self.acks[-1][1], acknowledged])

    def failed(self, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"[:120]
        if not self.errors or self.errors[-1][1] != text:
            self.errors.append((time.monotonic(), text))
        read_only = isinstance(error, pymysql.Error) and error.args and error.args[0] == 1290
        if not (read_only and self.direct):
            self.close()

    def close(self) -> None:
        if self.connection is not None:
            with contextlib.suppress(pymysql.Error, OSError):
                self.connection._force_close()
        self.connection = None


PRIMARY = (
    "SELECT COUNT(*) FROM performance_schema.replication_group_members WHERE MEMBER_ID = @@server_uuid "
    "AND MEMBER_ROLE = 'PRIMARY' AND MEMBER_STATE = 'ONLINE'"
)


def main() -> None:
    order = Order(**json.loads(sys.stdin.readline()))
    stop = threading.Event()
    name = "primary" if order.ask_primary else next(iter(order.addresses))
    writers = [
        Writer(order, name, stop, reports=True),
        *(Writer(order, f"{name}{number}", stop) for number in range(1, order.crowd + 1)),
        *(Writer(order, each, stop, direct=True) for each in order.direct),
    ]
    for writer in writers:
        writer.start()
    sys.stdin.readline()
    ended = time.monotonic()
    stop.set()
    for writer in writers:
        writer.join(max(ended + 1.0 - time.monotonic(), 0.0))
        writer.note("goes on")
    acks = {writer.name: writer.acks for writer in writers}
    say(
        acks=acks, ended=ended, errors={writer.name: writer.errors for writer in writers},
        waits={writer.name: writer.waits for writer in writers},
    )  # fmt: skip


if __name__ == "__main__":
    main()
