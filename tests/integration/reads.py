# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads through a VIP as applications read; runs on the client host, whose only library is PyMySQL.

reads.py ADDRESS PORT USER PASSWORD count TIMES       one connection after another
reads.py ADDRESS PORT USER PASSWORD watch SECONDS     twenty a second, none waiting for another, errors and all;
                                                      ends earlier when its input does
reads.py ADDRESS PORT USER PASSWORD hold SECONDS      one session, five queries a second
reads.py ADDRESS PORT USER PASSWORD idle SECONDS      one session, a query before and one after so much silence
reads.py ADDRESS PORT USER PASSWORD rate SECONDS      point selects in four sessions, as fast as they go
reads.py ADDRESS PORT USER PASSWORD many SESSIONS     so many sessions at once, a query in each when all are there

Prints JSON: a list of [seconds since the epoch, host name or null, error or client address]; with `rate` a number, with
`many` [opened, still alive, the first errors].
"""

from __future__ import annotations

import json
import select
import sys
import threading
import time
from typing import Any

CA = "/etc/ssl/mysql-ha-ca.crt"
SESSIONS = 4
OPENERS = 16


class Reader:
    def __init__(self, address: str, port: int, user: str, password: str) -> None:
        self._login: dict[str, Any] = {
            "host": address, "port": port, "user": user, "password": password, "database": "shop",
            "connect_timeout": 1, "ssl": {"ca": CA},
        }  # fmt: skip

    def connect(self, patience: float = 1, proxy: bool = False) -> Any:
        import pymysql

        login = dict(self._login)
        if proxy:  # no certificate names it
            login["ssl"] = {"ca": CA, "check_hostname": False}
        return pymysql.connect(**login, read_timeout=patience, write_timeout=patience)

    def ask(self, session: Any) -> tuple[float, str | None, str]:
        with session.cursor() as cursor:
            cursor.execute("SELECT @@hostname, SUBSTRING_INDEX(USER(), '@', -1)")
            row = cursor.fetchone()
        return time.time(), row[0], row[1]

    def once(self) -> tuple[float, str | None, str]:
        at = time.time()
        try:
            session = self.connect()
            try:
                return self.ask(session)
            finally:
                session.close()
        except Exception as error:
            return at, None, f"{type(error).__name__}: {error}"

    def count(self, times: float) -> Any:
        return [self.once() for _time in range(int(times))]

    def watch(self, seconds: float) -> Any:
        """A connection that hangs holds up no other: what is seen is the service, not a client's patience."""
        seen: list[Any] = []
        threads = []
        end = time.monotonic() + seconds
        while time.monotonic() < end and not select.select([sys.stdin], [], [], 0.05)[0]:
            thread = threading.Thread(target=lambda: seen.append(self.once()))
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()
        return sorted(seen, key=lambda read: read[0])

    def hold(self, seconds: float) -> Any:
        session, seen, end = self.connect(30), [], time.monotonic() + seconds
        while time.monotonic() < end:
            seen.append(self.asked(session))
            if seen[-1][1] is None:
                break
            time.sleep(0.2)
        return seen

    def idle(self, seconds: float) -> Any:
        session = self.connect(30)
        first = self.asked(session)
        time.sleep(seconds)
        return [first, self.asked(session)]

    def many(self, sessions: float) -> Any:
        opened: list[Any] = []
        errors: list[str] = []

        def open_some(number: int) -> None:
            for _session in range(number, int(sessions), OPENERS):
                try:
                    opened.append(self.connect(60))
                except Exception as error:
                    errors.append(f"{type(error).__name__}: {error}")

        threads = [threading.Thread(target=open_some, args=(number,)) for number in range(OPENERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(5)
        seen = [self.asked(session) for session in opened]
        errors += [text for _at, host, text in seen if host is None]
        return [len(opened), sum(host is not None for _at, host, _text in seen), errors[:5]]

    def asked(self, session: Any) -> tuple[float, str | None, str]:
        try:
            return self.ask(session)
        except Exception as error:
            return time.time(), None, f"{type(error).__name__}: {error}"

    def rate(self, seconds: float) -> Any:
        done = [0] * SESSIONS
        sessions = [self.connect(proxy=True) for _session in range(SESSIONS)]
        end = time.monotonic() + seconds

        def work(number: int) -> None:
            with sessions[number].cursor() as cursor:
                while time.monotonic() < end:
                    cursor.execute("SELECT note FROM notes WHERE id = %s", (done[number] % 100 + 1,))
                    cursor.fetchall()
                    done[number] += 1

        threads = [threading.Thread(target=work, args=(number,)) for number in range(SESSIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(done) / seconds


def main() -> None:
    address, port, user, password, mode, amount = sys.argv[1:]
    reader = Reader(address, int(port), user, password)
    print(json.dumps(getattr(reader, mode)(float(amount))))


if __name__ == "__main__":
    main()
