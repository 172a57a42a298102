# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module replication_info reads."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ._client_session import ClientSession
from ._connection import MysqlError
from ._info_option_files import facts as option_files
from ._instance import compare_gtid
from ._module import log_in, login_spec
from ._replication_facts import read_instance
from ._server_sockets import server_sockets, unasked


def which_socket(wanted: str) -> tuple[str | None, list[str]]:
    """The socket to log in at instead of the wanted one, and those of other servers."""
    found = server_sockets(wanted)
    if wanted in found or not found:
        return None, [path for path in found if path != wanted]
    return found[0], found[1:]


def _option_files(module: AnsibleModule, place: str | None, problems: list[str]) -> dict[str, Any] | None:
    """Of a server on this host: by TCP it may be another one."""
    if module.params["login_host"]:
        return None
    found = option_files(module, place or module.params["login_unix_socket"])
    if found is not None:
        problems += found.pop("problems")
    return found


SPEC: dict[str, Any] = {
    **login_spec(),
    "compare_gtid": {"type": "str"},
    "details": {"type": "bool", "default": False},
    "find_socket": {"type": "bool", "default": False},
}


def gather(module: AnsibleModule) -> dict[str, Any]:
    try:
        others: list[str] = []
        place = None
        if module.params["find_socket"] and not module.params["login_host"]:
            place, others = which_socket(module.params["login_unix_socket"])
        session = log_in(module, place, by_client=True)
        read_by = "mysql" if isinstance(session, ClientSession) else "pymysql"
        instance = {
            "reachable": True, "reason": "", "read_by": read_by, **read_instance(session, module.params["details"]),
        }  # fmt: skip
        instance["problems"] += [unasked(other) for other in others]
        if module.params["details"]:
            instance["option_files"] = _option_files(module, place, instance["problems"])
    except MysqlError as error:
        listening = bool(server_sockets(module.params["login_unix_socket"]))
        present = listening or any(
            module.get_bin_path(name, opt_dirs=["/usr/sbin", "/usr/libexec", "/usr/local/mysql/bin"])
            for name in ("mysqld", "mariadbd")
        )
        return {"instance": {"reachable": False, "reason": str(error), "present": present, "listening": listening}}
    if module.params["compare_gtid"] is not None:
        try:
            instance.update(compare_gtid(session, module.params["compare_gtid"]))
        except MysqlError as error:
            module.fail_json(msg=f"compare_gtid: {error}")
    session.close()
    return {"instance": instance}
