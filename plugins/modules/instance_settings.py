#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_settings
short_description: Bring a running MySQL server in line with its option file, and tell what needs a restart
version_added: 1.0.0
description:
  - Compares the settings of an option file with the running server. What can change at run time is set (C(SET
    GLOBAL)), the
    rest is returned as pending.
  - Never restarts anything and never writes the file.
  - Whether a variable can change at run time, and whether the server takes the value, is asked of the server itself,
    with a
    statement that checks the assignment and is then made to fail as a whole. So check mode predicts what the real run
    does.
  - Values are compared as the server understands them (V(1G) and V(1073741824), V(ON) and V(1), dashes and underscores,
    C(loose_), sizes that the server rounds).
author:
  - opendba authors (@opendba)
options:
  content:
    description:
      - Text of the option file. Its groups C([mysqld]), C([server]) and C([mysqld-SERIES]) of the running version are
        read.
      - C(!include) lines are refused.
    type: str
    required: true
  ignored:
    description:
      - Variables that are left alone. The default is what the agent, or a person, decides at run time.
    type: list
    elements: str
    default:
      - read_only
      - super_read_only
      - offline_mode
      - event_scheduler
      - rpl_semi_sync_source_enabled
      - rpl_semi_sync_master_enabled
      - skip_replica_start
      - skip_slave_start
  forbid_persisted:
    description:
      - Variables that nobody may have persisted, since a persisted value wins over every option file at the next
        boot. Such
        values are removed (C(RESET PERSIST)). V(*) and V(?) match as in file names.
    type: list
    elements: str
    default:
      - read_only
      - super_read_only
      - rpl_semi_sync_*
notes:
  - The login account needs C(SYSTEM_VARIABLES_ADMIN), to remove persisted values C(PERSIST_RO_VARIABLES_ADMIN) too,
    and C(SELECT) on
    C(performance_schema.*).
  - After a change of a TLS file or setting, C(ALTER INSTANCE RELOAD TLS) is run, so that new connections use it.
  - V(gtid_mode) changes in steps, across all instances at once. It is always returned as pending.
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
- name: Apply the option file as far as possible without a restart
  opendba.mysql_ha.instance_settings:
    content: "{{ lookup('ansible.builtin.template', 'my.cnf.j2') }}"
  register: mysql_settings_state

- name: Say what waits for a restart
  ansible.builtin.debug:
    msg: "{{ item.name }} runs with {{ item.running }}, the file says {{ item.configured }}"
  loop: "{{ mysql_settings_state.pending_restart }}"
"""

RETURN = r"""
applied:
  description: Variables that were set, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the variable.
      type: str
    before:
      description: Value before.
      type: str
    after:
      description: Value after, as the server shows it. In check mode, as the file has it.
      type: str
pending_restart:
  description: Settings that take effect at the next start.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the option.
      type: str
    running:
      description: Value that the server runs with.
      type: str
    configured:
      description: Value in the file.
      type: str
    reason:
      description: Why it can't be set now, in the server's words.
      type: str
persisted_removed:
  description: Variables among O(forbid_persisted) whose persisted value was removed, or would be in check mode.
  returned: success
  type: list
  elements: str
persisted_conflicts:
  description:
    - Other persisted variables that contradict the file. They are left alone and win at the next start, so they are
      not among
      RV(pending_restart). C(RESET PERSIST) removes them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the variable.
      type: str
    persisted:
      description: Persisted value.
      type: str
    configured:
      description: Value in the file.
      type: str
not_compared:
  description: Options of the file that no variable shows, or that the server fits to the machine at its start.
  returned: success
  type: list
  elements: str
"""

from fnmatch import fnmatchcase

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils._connection import MysqlError, Session
from ansible_collections.opendba.mysql_ha.plugins.module_utils._instance import read_dialect, read_persisted
from ansible_collections.opendba.mysql_ha.plugins.module_utils._module import login_spec, session_or_fail
from ansible_collections.opendba.mysql_ha.plugins.module_utils._options import (
    BadOptionFile,
    Difference,
    Setting,
    compare,
    parse_option_file,
    same_value,
)

IGNORED = (
    "read_only",
    "super_read_only",
    "offline_mode",
    "event_scheduler",
    "rpl_semi_sync_source_enabled",
    "rpl_semi_sync_master_enabled",
    "skip_replica_start",
    "skip_slave_start",
)
FORBID_PERSISTED = ("read_only", "super_read_only", "rpl_semi_sync_*")

CHECK = "mysql_ha_check"
WRONG_VALUE = (1231, 1232, 1286, 1649)
TLS = ("ssl_", "tls_")
STEPWISE = {"gtid_mode": "gtid_mode changes in steps, on all instances at once"}


def read_settings(content: str, session: Session) -> list[Setting]:
    """What the file has for a server of this version. Raises MysqlError."""
    major, minor, _patch = read_dialect(session).number
    try:
        return parse_option_file(content, f"{major}.{minor}")
    except BadOptionFile as error:
        raise MysqlError(f"content: {error}") from error


def read_all_variables(session: Session) -> dict[str, str]:
    """Every global variable by name."""
    return {row["variable_name"].lower(): row["value"] or "" for row in session.run("SHOW GLOBAL VARIABLES")}


def read_plugins(session: Session) -> list[tuple[str, str]]:
    """Name and library of every active plugin."""
    sql = "SELECT plugin_name, plugin_library FROM information_schema.plugins WHERE plugin_status = 'ACTIVE'"
    return [(row["plugin_name"], row["plugin_library"]) for row in session.run(sql)]


def obstacle(session: Session, difference: Difference) -> str:
    """Why the server can't take the value at run time; empty when it can. Changes nothing.

    A SET with several assignments checks all of them before it makes any; the last one here is always refused. Raises
    MysqlError for a value that the server would refuse in any case.
    """
    if difference.name in STEPWISE:
        return STEPWISE[difference.name]
    try:
        session.run(f"SET GLOBAL {difference.name} = %s, SESSION sql_mode = '{CHECK}'", [difference.literal])
    except MysqlError as error:
        if CHECK in str(error):
            return ""
        if error.number in WRONG_VALUE:
            raise MysqlError(f"content: {difference.name} = {difference.configured}: {error}", error.number) from error
        return str(error)
    raise MysqlError(f"{difference.name}: the server took an assignment that was made to fail")


def apply(session: Session, differences: list[Difference], persisted: list[str]) -> None:
    """Sets and unpersists. Raises MysqlError."""
    for name in persisted:
        session.run(f"RESET PERSIST IF EXISTS {name}")
    for difference in differences:
        try:
            session.run(f"SET GLOBAL {difference.name} = %s", [difference.literal])
        except MysqlError as error:
            raise MysqlError(f"{difference.name} = {difference.configured}: {error}", error.number) from error
    if any(difference.name.startswith(TLS) for difference in differences):
        session.run("ALTER INSTANCE RELOAD TLS")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **login_spec(),
            "content": {"type": "str", "required": True},
            "ignored": {"type": "list", "elements": "str", "default": list(IGNORED)},
            "forbid_persisted": {"type": "list", "elements": "str", "default": list(FORBID_PERSISTED)},
        },
        supports_check_mode=True,
    )
    with session_or_fail(module) as session:
        variables = before = read_all_variables(session)
        found = compare(
            read_settings(module.params["content"], session), variables, read_plugins(session), module.params["ignored"]
        )
        persisted = read_persisted(session)
        obstacles = {difference.name: obstacle(session, difference) for difference in found.differences}
        settable = [difference for difference in found.differences if not obstacles[difference.name]]
        forbidden = [name for name in persisted if any(fnmatchcase(name, p) for p in module.params["forbid_persisted"])]
        if module.check_mode:
            after = {**before, **{difference.name: difference.configured for difference in settable}}
        else:
            apply(session, settable, forbidden)
            after = read_all_variables(session)
    conflicts = {
        name: value
        for name, value in persisted.items()
        if name not in forbidden
        and name in found.configured
        and not same_value(name, found.configured[name], {**variables, name: value})
    }
    applied = [
        {"name": name, "before": before[name], "after": after[name]}
        for name in (difference.name for difference in settable)
        if before[name] != after[name]  # the server may round a value to what it was
    ]
    pending: list[dict[str, str]] = [
        {"name": d.name, "running": d.running, "configured": d.configured, "reason": obstacles[d.name]}
        for d in found.differences
        if obstacles[d.name] and d.name not in conflicts
    ]
    pending += [
        {
            "name": "plugin_load_add",
            "running": "not active",
            "configured": plugin,
            "reason": "plugins load at the start",
        }
        for plugin in found.missing_plugins
    ]
    module.exit_json(
        changed=bool(applied or forbidden),
        applied=applied,
        pending_restart=pending,
        persisted_removed=forbidden,
        persisted_conflicts=[
            {"name": name, "persisted": value, "configured": found.configured[name]}
            for name, value in conflicts.items()
        ],
        not_compared=list(found.not_compared),
        diff={
            "before": {**{i["name"]: i["before"] for i in applied}, "persisted": {n: persisted[n] for n in forbidden}},
            "after": {**{i["name"]: i["after"] for i in applied}, "persisted": {}},
        },
    )


if __name__ == "__main__":
    main()
