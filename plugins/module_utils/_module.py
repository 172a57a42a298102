# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the MySQL modules share towards Ansible: login options, one way to connect, one way to fail."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

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


def log_in(module: AnsibleModule, unix_socket: str | None = None) -> Session:
    """A session as the login options say; `unix_socket` stands in for the option. Raises MysqlError."""
    given = {**module.params, **({"login_unix_socket": unix_socket} if unix_socket else {})}
    if given["login_file"]:
        given.update(_of_file(given["login_file"]))
    return connect(
        user=given["login_user"],
        password=given["login_password"] or "",
        unix_socket=given["login_unix_socket"],
        host=given["login_host"],
        port=given["login_port"],
        ssl_ca=given["login_ssl_ca"],
        connect_timeout=given["connect_timeout"],
    )


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
    """A session for the body of a module; every MysqlError ends the module with its one line."""
    if not HAS_PYMYSQL:
        module.fail_json(msg=missing_required_lib("PyMySQL"), exception=PYMYSQL_IMPORT_ERROR)
    try:
        session = log_in(module)
        try:
            session.wait_for_answers(None)
            yield session
        finally:
            session.close()
    except (MysqlError, UnknownWord) as error:
        module.fail_json(msg=str(error))
