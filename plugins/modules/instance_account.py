#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_account
short_description: Keep a socket-authenticated MySQL account on one instance, without a GTID
version_added: 1.0.0
description:
  - Creates, changes or removes an account that belongs to this instance alone, such as the agent's. It logs in
    through the
    socket as the OS user of the same name (C(auth_socket)); there is no password.
  - Nothing is written to the binary log, so the account neither replicates nor leaves an errant transaction.
  - On a read-only instance C(super_read_only) is lifted for the moment of the change and put back in any case, while
    C(read_only)
    stays on, so that ordinary accounts never get to write. On the writer neither is touched.
author:
  - opendba authors (@opendba)
options:
  name:
    description:
      - Name of the account and of the OS user.
    type: str
    required: true
  host:
    description:
      - Host part of the account. Only local connections come through a socket.
    type: str
    default: localhost
  privileges:
    description:
      - All the privileges that the account has, static and dynamic; others are revoked.
      - Each entry is a privilege on everything, like V(REPLICATION CLIENT), or one on a schema or table, like
        V(SELECT ON performance_schema.*).
      - Left out, the privileges stay as they are.
    type: list
    elements: str
  state:
    description:
      - Whether the account exists.
    type: str
    choices: [present, absent]
    default: present
notes:
  - The login account needs C(CREATE USER), C(SYSTEM_VARIABLES_ADMIN), C(CONNECTION_ADMIN), C(SELECT) on C(mysql.user)
    and the
    privileges that it grants; C(root) has them.
  - Where the server has no active plugin C(auth_socket), it is installed, likewise on this instance alone.
extends_documentation_fragment:
  - opendba.mysql_ha.login
  - opendba.mysql_ha.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = r"""
- name: Give the agent its account
  opendba.mysql_ha.instance_account:
    name: mysql-ha
    privileges:
      - REPLICATION CLIENT
      - REPLICATION_SLAVE_ADMIN
      - SYSTEM_VARIABLES_ADMIN
      - SELECT ON performance_schema.*

- name: Remove it
  opendba.mysql_ha.instance_account:
    name: mysql-ha
    state: absent
"""

RETURN = r"""
statements:
  description: SQL statements that were run, or would be in check mode, to change the account.
  returned: success
  type: list
  elements: str
  sample: ["CREATE USER 'mysql-ha'@'localhost' IDENTIFIED WITH auth_socket"]
"""

import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils._account import (
    BadPrivilege,
    Grant,
    grant_statements,
    parse_privileges,
)
from ansible_collections.opendba.mysql_ha.plugins.module_utils._connection import MysqlError, Session
from ansible_collections.opendba.mysql_ha.plugins.module_utils._module import log_in, login_spec, session_or_fail
from ansible_collections.opendba.mysql_ha.plugins.module_utils._read_only import instance_writes

PLUGIN = "auth_socket"
ABSENT: dict[str, Any] = {"state": "absent"}


def read_account(session: Session, name: str, host: str) -> dict[str, Any]:
    """The account in the form of a diff, `grants` being a set of Grant."""
    row = session.row(
        "SELECT plugin, authentication_string, account_locked FROM mysql.user WHERE user = %s AND host = %s",
        [name, host],
    )
    if not row:
        return ABSENT
    grantee = [f"'{name}'@'{host}'"]
    everywhere = session.run(
        "SELECT privilege_type FROM information_schema.user_privileges WHERE grantee = %s", grantee
    )
    in_schemas = session.run(
        "SELECT privilege_type, table_schema FROM information_schema.schema_privileges WHERE grantee = %s", grantee
    )
    on_tables = session.run(
        "SELECT privilege_type, table_schema, table_name FROM information_schema.table_privileges WHERE grantee = %s",
        grantee,
    )
    grants = {
        Grant(row["privilege_type"], row.get("table_schema", "*"), row.get("table_name", "*"))
        for row in (*everywhere, *in_schemas, *on_tables)
        if row["privilege_type"] != "USAGE"
    }
    return {
        "state": "present",
        "plugin": row["plugin"],
        "os_user": row["authentication_string"] or name,
        "locked": row["account_locked"] == "Y",
        "grants": frozenset(grants),
    }


def wanted_account(module: AnsibleModule, session: Session, live: dict[str, Any]) -> dict[str, Any]:
    """What the options ask for, in the same form. Raises MysqlError."""
    if module.params["state"] == "absent":
        return ABSENT
    privileges = module.params["privileges"]
    if privileges is None:
        grants = live.get("grants", frozenset())
    else:
        known = [row["privilege"] for row in session.run("SHOW PRIVILEGES")]
        try:
            grants = parse_privileges(privileges, known)
        except BadPrivilege as error:
            raise MysqlError(f"privileges: {error}") from error
    name = module.params["name"]
    return {"state": "present", "plugin": PLUGIN, "os_user": name, "locked": False, "grants": grants}


def account_statements(live: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """What leads from one to the other, with %s@%s for the account."""
    if wanted == live:
        return []
    if wanted == ABSENT:
        return ["DROP USER %s@%s"]
    statements = []
    if live == ABSENT:
        statements.append(f"CREATE USER %s@%s IDENTIFIED WITH {PLUGIN}")
    elif any(live[key] != wanted[key] for key in ("plugin", "os_user", "locked")):
        statements.append(f"ALTER USER %s@%s IDENTIFIED WITH {PLUGIN} ACCOUNT UNLOCK")
    return statements + grant_statements(wanted["grants"], live.get("grants", frozenset()))


def missing_plugin(session: Session) -> list[str]:
    """The statement that loads auth_socket where it is not active."""
    status = session.value("SELECT plugin_status FROM information_schema.plugins WHERE plugin_name = %s", [PLUGIN])
    return [] if status == "ACTIVE" else [f"INSTALL PLUGIN {PLUGIN} SONAME '{PLUGIN}.so'"]


def shown(account: dict[str, Any]) -> dict[str, Any]:
    """An account as a diff shows it."""
    return {key: sorted(map(str, value)) if key == "grants" else value for key, value in account.items()}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **login_spec(),
            "name": {"type": "str", "required": True},
            "host": {"type": "str", "default": "localhost"},
            "privileges": {"type": "list", "elements": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    name, host = module.params["name"], module.params["host"]
    for option, value in (("name", name), ("host", host)):
        if not re.fullmatch(r"[\w.%:-]{1,255}" if option == "host" else r"[\w.-]{1,32}", value, re.ASCII):
            module.fail_json(msg=f"{option}: {value[:80]!r} is not usable; letters, digits, '_', '.' and '-' are")
    with session_or_fail(module) as session:
        live = read_account(session, name, host)
        wanted = wanted_account(module, session, live)
        statements = account_statements(live, wanted)
        install = [] if wanted == ABSENT or not statements else missing_plugin(session)
        if statements and not module.check_mode:
            with instance_writes(session, lambda: log_in(module)):
                for statement in install:
                    session.run(statement)
                for statement in statements:
                    session.run(statement, [name, host])
    account = f"'{name}'@'{host}'"
    module.exit_json(
        changed=bool(statements),
        statements=[*install, *(statement.replace("%s@%s", account) for statement in statements)],
        diff={"before": shown(live), "after": shown(wanted)},
    )


if __name__ == "__main__":
    main()
