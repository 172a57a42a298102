# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One connection to mysqld, with errors that fit on one line and name the mend."""

from __future__ import annotations

import contextlib
import errno
import functools
import ssl
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

try:
    import pymysql
except ImportError:
    HAS_PYMYSQL = False
    PYMYSQL_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    HAS_PYMYSQL = True
    PYMYSQL_IMPORT_ERROR = None

LOST_CONNECTION = (2006, 2013)
UNKNOWN_CHARACTER_SET = 1115
ACCESS_DENIED = (1045, 1698)
Row = dict[str, Any]


class MysqlError(Exception):
    """What the server, or the way to it, refused. `number` is MySQL's, None where there is none."""

    def __init__(self, message: str, number: int | None = None) -> None:
        super().__init__(" ".join(message.split()))
        self.number = number


class Session:
    """A connection in autocommit mode; rows are dicts with lower-case keys (servers differ in the case of columns)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def run(self, sql: str, args: Sequence[Any] | None = None) -> list[Row]:
        """Runs one statement. `%s` in `sql` are filled with `args`, quoted. Raises MysqlError."""
        with _translated("mysqld"), self._connection.cursor() as cursor:
            cursor.execute(sql, args)
            names = [column[0].lower() for column in cursor.description or ()]
            return [dict(zip(names, row)) for row in cursor.fetchall()]

    def row(self, sql: str, args: Sequence[Any] | None = None) -> Row:
        """The first row; empty where there is none."""
        rows = self.run(sql, args)
        return rows[0] if rows else {}

    def value(self, sql: str, args: Sequence[Any] | None = None) -> Any:
        """The first column of the first row; None where there is none."""
        return next(iter(self.row(sql, args).values()), None)

    def quoted(self, text: str) -> str:
        """`text` as a string literal."""
        return str(self._connection.literal(text))

    def wait_for_answers(self, seconds: float | None) -> None:
        """How long a statement may take before it counts as lost; None waits for ever."""
        self._connection._read_timeout = seconds  # PyMySQL offers it at connect time only

    @property
    def number(self) -> int:
        """By which KILL and SHOW PROCESSLIST call it."""
        return int(self._connection.thread_id())

    @property
    def socket(self) -> Any:
        """To be waited on, not to be read."""
        return self._connection._sock

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.close()


def connect(
    user: str,
    password: str = "",
    unix_socket: str | None = None,
    host: str | None = None,
    port: int = 3306,
    ssl_ca: str | None = None,
    tls: bool = True,
    connect_timeout: float = 10.0,
    program_name: str = "mysql-ha",
) -> Session:
    """Logs in, by TCP where `host` is given, else by `unix_socket`. Raises MysqlError.

    TCP is encrypted where the server can (`tls`); `ssl_ca` demands a certificate from that CA, made out for `host`.
    `connect_timeout`, in seconds, bounds the whole login and every statement, until `wait_for_answers` says otherwise.
    """
    place = f"{host} port {port}" if host else f"socket {unix_socket}"
    way: dict[str, Any] = {"host": host, "port": port} if host else {"unix_socket": unix_socket}
    if not HAS_PYMYSQL:
        raise MysqlError("the Python library PyMySQL is missing: install python3-pymysql on this machine")
    with _translated(place, user):
        if not tls:
            way["ssl_disabled"] = True  # from 1.2 on PyMySQL tries it unasked, over a socket too
        elif host:
            way["ssl"] = _tls_context(ssl_ca)
        login = functools.partial(
            pymysql.connect,
            user=user,
            password=password,
            connect_timeout=connect_timeout,
            read_timeout=connect_timeout,
            write_timeout=connect_timeout,
            autocommit=True,
            program_name=program_name,
            # Timestamps as UTC; literals and results must not depend on how the server was configured.
            init_command="SET SESSION time_zone = '+00:00', sql_mode = ''",
            **way,
        )
        try:
            connection = login(charset="utf8mb4")
        except pymysql.MySQLError as error:
            if error.args[:1] != (UNKNOWN_CHARACTER_SET,):
                raise
            connection = login(charset="utf8")  # before 5.5
    return Session(connection)


def _tls_context(ssl_ca: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ssl_ca)
    except OSError as error:
        raise MysqlError(f"the CA file {ssl_ca} is of no use: {error.strerror or error}") from error
    # MySQL's own certificates, and those of many an openssl recipe, lack the extensions that strict mode demands.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if ssl_ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@contextlib.contextmanager
def _translated(place: str, user: str = "") -> Iterator[None]:
    try:
        yield
    except MysqlError:
        raise
    except Exception as error:  # a peer that does not speak MySQL makes PyMySQL raise whatever it stumbles over
        raise _as_mysql_error(error, place, user) from error


def _as_mysql_error(error: Exception, place: str, user: str) -> MysqlError:
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    text = str(error.args[1]) if number is not None and len(error.args) > 1 else f"{type(error).__name__}: {error}"
    cause = getattr(error, "original_exception", error)
    number = None if isinstance(error, OSError) else number
    if not user:
        return MysqlError(f"{place}: {text}", number)
    mend = _mend(cause, number, user)
    return MysqlError(f"cannot log in to MySQL at {place} as {user}: {mend or text}", number)


def _mend(cause: Any, number: int | None, user: str) -> str:
    if number in ACCESS_DENIED:
        return f"access denied: run as the OS user {user} where the account uses auth_socket, else give its password"
    if isinstance(cause, TimeoutError) or "timed out" in str(cause):
        return "no answer in time: mysqld hangs, or a firewall drops the packets"
    if isinstance(cause, FileNotFoundError):
        return f"{cause.strerror}: is mysqld running, and is this its socket?"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused: mysqld is not running there"
    if isinstance(cause, PermissionError):
        return "permission denied: this OS user may not open the socket"
    if getattr(cause, "errno", None) in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return f"{cause.strerror}: no route to that address"
    if isinstance(cause, RuntimeError) and "cryptography" in str(cause):
        return "caching_sha2_password without TLS needs python3-cryptography; better, switch TLS on at that server"
    return ""
