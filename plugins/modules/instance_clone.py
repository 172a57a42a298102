#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_clone
short_description: Fill an empty MySQL instance with a copy of another one
version_added: 1.0.0
description:
  - Runs C(CLONE INSTANCE) on an empty instance, waits until the server has restarted with the copy, removes the
    replication
    channels that came along, and leaves the instance C(super_read_only).
  - Refuses where there is anything to lose, that is, where the instance holds a schema, has executed a GTID or is
    open for writes.
    So there is no second run; decide with M(opendba.mysql_ha.replication_info) whether one is needed.
  - The instance has the donor's accounts afterwards, those of M(opendba.mysql_ha.instance_account) included.
author:
  - opendba authors (@opendba)
options:
  donor_host:
    description:
      - Address or name of the instance to copy, as seen from this one. MySQL takes no IPv6 address here, but a name
        of one.
    type: str
    required: true
  donor_port:
    description:
      - Port of the donor.
    type: int
    default: 3306
  donor_user:
    description:
      - Account on the donor. It needs C(BACKUP_ADMIN).
    type: str
    required: true
  donor_password:
    description:
      - Password of that account. Never returned.
    type: str
    required: true
  donor_ssl:
    description:
      - Whether the transfer must be encrypted.
    type: bool
    default: true
  donor_ssl_ca:
    description:
      - PEM file, as mysqld sees it, with the CA that the donor's certificate must come from. Without it the transfer
        is encrypted
        but the donor is not verified.
    type: str
  timeout:
    description:
      - Seconds for everything, copy and restart.
    type: int
    default: 3600
notes:
  - Both servers need the plugin C(clone) (C(plugin_load_add = mysql_clone.so)) and the same version.
  - The server restarts itself where a supervisor such as systemd runs it.
  - Have C(skip_replica_start) and C(super_read_only) in the option file, or the copy begins to replicate before its
    channels are
    removed.
  - The login account needs C(CLONE_ADMIN), C(SYSTEM_VARIABLES_ADMIN), C(CONNECTION_ADMIN) and
    C(REPLICATION_SLAVE_ADMIN), and must
    exist on the donor too.
extends_documentation_fragment:
  - opendba.mysql_ha.login
  - opendba.mysql_ha.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: opendba.mysql_ha.replication_info
"""

EXAMPLES = r"""
- name: Read the instance
  opendba.mysql_ha.replication_info:
  register: mysql_state

- name: Copy the writer to an empty instance
  opendba.mysql_ha.instance_clone:
    donor_host: 10.0.0.11
    donor_user: mha_repl
    donor_password: "{{ replication_password }}"
    donor_ssl_ca: /etc/mysql/tls-db2/ca.crt
  when: not mysql_state.instance.has_user_data and mysql_state.instance.gtid_executed == ''
"""

RETURN = r"""
gtid_executed:
  description: GTIDs of the transactions in the copy.
  returned: success and not in check mode
  type: str
seconds:
  description: Duration in seconds, restart included.
  returned: success and not in check mode
  type: float
channels_removed:
  description: Names of the channels that came along and were removed.
  returned: success and not in check mode
  type: list
  elements: str
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils._channel import one_line
from ansible_collections.opendba.mysql_ha.plugins.module_utils._channel_steps import ChannelSteps
from ansible_collections.opendba.mysql_ha.plugins.module_utils._connection import (
    LOST_CONNECTION,
    MysqlError,
    Row,
    Session,
)
from ansible_collections.opendba.mysql_ha.plugins.module_utils._instance import (
    has_user_data,
    read_channels_of,
    read_dialect,
    read_variables,
)
from ansible_collections.opendba.mysql_ha.plugins.module_utils._module import log_in, login_spec, session_or_fail

NO_SUPERVISOR = 3707
POLL_SECONDS = 0.5
COPIED = "Completed"
FAILED = "Failed"


def obstacle(session: Session) -> str:
    """Why this instance must not, or can't, be overwritten; empty when it may."""
    live = read_variables(session, ("gtid_executed", "read_only"))
    if has_user_data(session):
        return "this instance holds schemas, and CLONE would delete them; it takes an empty instance"
    if live["gtid_executed"]:
        return (
            f"this instance has transactions of its own ({one_line(live['gtid_executed'])}); it takes an empty instance"
        )
    if live["read_only"] != "ON":
        return "this instance is open for writes; set read_only and super_read_only in its option file first"
    if not session.row(
        "SELECT 1 FROM information_schema.plugins WHERE plugin_name = 'clone' AND plugin_status = 'ACTIVE'"
    ):
        return "the plugin clone is not active; it takes plugin_load_add = mysql_clone.so in the option file"
    return ""


def last_clone(session: Session) -> Row:
    """State, begin and error of the last attempt on this instance; empty where there was none."""
    return session.row("SELECT state, begin_time, error_no, error_message FROM performance_schema.clone_status")


@contextlib.contextmanager
def open_for_clone(session: Session, given: dict[str, Any]) -> Iterator[None]:
    """Names the donor and lifts super_read_only, which CLONE demands. After a failure everything is put back.

    After a success the restart has put it back; read_only stays on throughout.
    """
    before = read_variables(session, ("clone_ssl_ca", "clone_valid_donor_list", "super_read_only"))
    donor = f"{given['donor_host']}:{given['donor_port']}"
    session.run("SET GLOBAL clone_valid_donor_list = %s", [donor])
    if given["donor_ssl_ca"]:
        session.run("SET GLOBAL clone_ssl_ca = %s", [given["donor_ssl_ca"]])
    session.run("SET GLOBAL super_read_only = OFF")
    try:
        yield
    except MysqlError:
        session.run("SET GLOBAL super_read_only = @@GLOBAL.read_only")
        session.run("SET GLOBAL clone_ssl_ca = %s", [before["clone_ssl_ca"]])
        session.run("SET GLOBAL clone_valid_donor_list = %s", [before["clone_valid_donor_list"] or None])
        raise


def clone(session: Session, given: dict[str, Any]) -> str:
    """Copies the donor; the server then goes down. Returns what keeps it from coming back, mostly nothing."""
    statement = "CLONE INSTANCE FROM %s@%s:%s IDENTIFIED BY %s REQUIRE " + ("SSL" if given["donor_ssl"] else "NO SSL")
    donor = [given["donor_user"], given["donor_host"], given["donor_port"], given["donor_password"]]
    with open_for_clone(session, given):
        try:
            session.run(statement, donor)
        except MysqlError as error:
            if error.number == NO_SUPERVISOR:
                return "; no supervisor restarts mysqld here, so start it by hand while this waits"
            if error.number not in LOST_CONNECTION:
                raise
    return ""


def wait_for_copy(module: AnsibleModule, previous: Row, deadline: float, hint: str) -> Session:
    """A session with the restarted server. Raises MysqlError when it does not come, or comes without the copy."""
    why = "the copy is not finished"
    while time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        try:
            session = log_in(module)
            now = last_clone(session)
        except MysqlError as error:
            why = str(error)
            continue
        if now.get("begin_time") != previous.get("begin_time"):
            if now["state"] == FAILED:
                raise MysqlError(f"CLONE failed: {now['error_message']}", now["error_no"])
            if now["state"] == COPIED:
                return session
        why = f"performance_schema.clone_status says {now.get('state', 'nothing')}"
        session.close()
    raise MysqlError(f"no copy after {module.params['timeout']} s: {why}{hint}")


def finish(session: Session) -> dict[str, Any]:
    """Removes what must not stay of the donor, and closes the instance."""
    dialect = read_dialect(session)
    channels = read_channels_of(session)
    for channel in channels:
        ChannelSteps(session, dialect, channel["name"], channel, check=False).remove(discard_unapplied=True)
    session.run("SET GLOBAL super_read_only = ON")
    gtid_executed = one_line(session.value("SELECT @@GLOBAL.gtid_executed"))
    return {"gtid_executed": gtid_executed, "channels_removed": [channel["name"] for channel in channels]}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **login_spec(),
            "donor_host": {"type": "str", "required": True},
            "donor_port": {"type": "int", "default": 3306},
            "donor_user": {"type": "str", "required": True},
            "donor_password": {"type": "str", "required": True, "no_log": True},
            "donor_ssl": {"type": "bool", "default": True},
            "donor_ssl_ca": {"type": "str"},
            "timeout": {"type": "int", "default": 3600},
        },
        supports_check_mode=True,
    )
    if ":" in module.params["donor_host"]:
        module.fail_json(msg="donor_host: CLONE takes no IPv6 address; give a name, or an IPv4 address")
    begun = time.monotonic()
    with session_or_fail(module) as session:
        refusal = obstacle(session)
        if refusal:
            module.fail_json(msg=refusal)
        if module.check_mode:
            module.exit_json(changed=True)
        previous = last_clone(session)
        session.wait_for_answers(module.params["timeout"])
        hint = clone(session, module.params)
        copy = wait_for_copy(module, previous, begun + module.params["timeout"], hint)
        result = finish(copy)
        copy.close()
    module.exit_json(changed=True, seconds=round(time.monotonic() - begun, 1), **result)


if __name__ == "__main__":
    main()
