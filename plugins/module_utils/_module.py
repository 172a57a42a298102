# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the MySQL modules share towards Ansible: login options, one way to connect, one way to fail."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._client_session import ClientSession
from ._connection import HAS_PYMYSQL, PYMYSQL_IMPORT_ERROR, MysqlError, Session, connect
from ._dialect import UnknownWord
from ._options import BadOptionFile, parse_groups

_LARGEST_FILE = 1024 * 1024  # bytes
_CLIENT_GROUPS = ("client", "client-server", "client-mariadb")
_CLIENT_OPTIONS = {
    "user": "login_user", "password": "login_password", "host": "login_host", "port": "login_port",
    "socket": "login_unix_socket", "ssl_ca": "login_ssl_ca",
}  # fmt: skip


def login_spec() -> dict[str, dict[str, Any]]:
    """The options of doc fragment opendba.mysql_ha.login."""
    return {
        "login_unix_socket": {"type": "path", "default": "/run/mysqld/mysqld.sock"},
        "login_file": {"type": "path"},
        "login_user": {"type": "str", "default": "root"},
        "login_password": {"type": "str", "no_log": True},
        "login_host": {"type": "str"},
        "login_port": {"type": "int", "default": 3306},
        "login_ssl_ca": {"type": "path"},
        "connect_timeout": {"type": "float", "default": 10.0},
    }


def log_in(module: AnsibleModule, unix_socket: str | None = None, by_client: bool = False) -> Session:
    """A session as the login options say; `unix_socket` stands in for the option. Raises MysqlError.

    `by_client`: where PyMySQL is missing, by the program mysql, which is good enough for reading.
    """
    given = {**module.params, **({"login_unix_socket": unix_socket} if unix_socket else {})}
    if given["login_file"]:
        given.update(_of_file(given["login_file"]))
    if by_client and not HAS_PYMYSQL:
        program = module.get_bin_path("mysql") or module.get_bin_path("mariadb")
        if program:
            return _client(program, given)
    return connect(
        user=given["login_user"],
        password=given["login_password"] or "",
        unix_socket=given["login_unix_socket"],
        host=given["login_host"],
        port=given["login_port"],
        ssl_ca=given["login_ssl_ca"],
        connect_timeout=given["connect_timeout"],
    )


def _client(program: str, given: dict[str, Any]) -> Session:
    """Raises MysqlError when the server does not let us in."""
    way = [f"--socket={given['login_unix_socket']}"]
    place = f"socket {given['login_unix_socket']}"
    if given["login_host"]:
        way = [f"--host={given['login_host']}", f"--port={given['login_port']}", "--protocol=TCP"]
        way += [f"--ssl-ca={given['login_ssl_ca']}"] if given["login_ssl_ca"] else []
        place = f"{given['login_host']} port {given['login_port']}"
    session = ClientSession(
        program, way, given["login_user"], given["login_password"] or "", given["connect_timeout"]
    )
    try:
        session.run("SELECT 1")
    except MysqlError as error:
        text = f"cannot log in to MySQL at {place} as {given['login_user']}, by the program mysql: {error}"
        raise MysqlError(text, error.number) from error
    return session


def _of_file(path: str) -> dict[str, Any]:
    """What an option file says to clients, as login options. Raises MysqlError."""
    try:
        with open(path, encoding="utf-8") as file:
            settings = {each.name: each.value for each in parse_groups(file.read(_LARGEST_FILE), _CLIENT_GROUPS)}
        said = {option: settings[name] for name, option in _CLIENT_OPTIONS.items() if settings.get(name) is not None}
        return {**said, **({"login_port": int(said["login_port"] or 0)} if "login_port" in said else {})}
    except (OSError, ValueError, BadOptionFile) as error:
        raise MysqlError(f"login_file {path}: {error}") from error


@contextlib.contextmanager
def session_or_fail(module: AnsibleModule) -> Iterator[Session]:
    """A session for the body of a module; every MysqlError ends the module with its one line.

    A check only reads, so it does without PyMySQL, which the real run may install first.
    """
    if not HAS_PYMYSQL and not module.check_mode:
        module.fail_json(msg=missing_required_lib("PyMySQL"), exception=PYMYSQL_IMPORT_ERROR)
    try:
        session = log_in(module, by_client=module.check_mode)
        try:
            session.wait_for_answers(None)
            yield session
        finally:
            session.close()
    except (MysqlError, UnknownWord) as error:
        module.fail_json(msg=str(error))
