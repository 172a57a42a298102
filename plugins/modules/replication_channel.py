#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: replication_channel
short_description: Configure, start, stop or remove a MySQL replication channel
version_added: 1.0.0
description:
  - Brings one replication channel of an instance into the wanted state and changes only what differs. The live state
    is read
    from C(performance_schema).
  - A running channel can be reconfigured. The receiver or the applier is stopped only when the changed options demand
    it, and
    what ran before runs again afterwards, also when the change fails.
  - Nothing that is received but not applied is lost. The server deletes the relay log when a channel is changed while
    neither
    thread runs; the module waits for the applier then, or refuses.
  - Works on an instance that is C(super_read_only) and writes no GTID.
author:
  - opendba authors (@opendba)
options:
  name:
    description:
      - Name of the channel. Empty is the default channel.
    type: str
    default: ""
  state:
    description:
      - V(present) manages the configuration and leaves the threads as they are, V(started) and V(stopped) manage both.
      - V(absent) stops and removes the channel.
    type: str
    choices: [present, started, stopped, absent]
    default: present
  source_host:
    description:
      - Address of the source. Needed for a new channel.
    type: str
  source_port:
    description:
      - Port of the source.
    type: int
  source_user:
    description:
      - Account on the source.
    type: str
  source_password:
    description:
      - Password of that account, at most 32 characters.
      - It is sent to the channel when the channel is new, when O(force_password) is set, or when the channel stores
        another one,
        which the module reads from C(mysql.slave_master_info). So a password that will fail at the next login is
        noticed while the
        receiver is still connected with the old one, and a run without a difference changes nothing.
      - Where that table can't be read, it is sent when O(source_user) changes or the receiver was last refused (error
        1045).
      - Before a stored password is replaced, the module tries to log in to the source with the new one. If the source
        refuses it,
        the module fails and the channel keeps what it has. A source that can't be reached refuses nothing.
      - Never returned, nor shown in a diff.
    type: str
  force_password:
    description:
      - Send O(source_password) in any case, untried. The task then always reports a change.
    type: bool
    default: false
  source_bind:
    description:
      - Local address to connect from.
    type: str
  source_ssl:
    description:
      - Whether the connection must be encrypted.
    type: bool
  source_ssl_ca:
    description:
      - PEM file with the CA's certificate, as mysqld sees it.
    type: str
  source_ssl_capath:
    description:
      - Directory with CA certificates.
    type: str
  source_ssl_cert:
    description:
      - PEM file with the client's certificate.
    type: str
  source_ssl_key:
    description:
      - PEM file with the client's private key.
    type: str
  source_ssl_cipher:
    description:
      - Ciphers up to TLS 1.2, separated by colons.
    type: str
  source_ssl_crl:
    description:
      - PEM file with revoked certificates.
    type: str
  source_ssl_crlpath:
    description:
      - Directory with revoked certificates.
    type: str
  source_ssl_verify:
    description:
      - Whether the source's certificate must be valid and made out for O(source_host).
    type: bool
  source_tls_version:
    description:
      - Versions of TLS, separated by commas.
    type: str
  source_tls_ciphersuites:
    description:
      - Cipher suites of TLS 1.3, separated by colons. Empty means the server's default.
    type: str
  get_public_key:
    description:
      - Ask the source for its RSA key. Needed for C(caching_sha2_password) without TLS.
    type: bool
  public_key_path:
    description:
      - PEM file with that key, instead of asking for it.
    type: str
  connect_retry:
    description:
      - Seconds between two attempts to connect.
    type: int
  retry_count:
    description:
      - Attempts after which the receiver gives up. V(0) means never. The server's default is 10 in MySQL 9, too few
        for high
        availability.
    type: int
  heartbeat_period:
    description:
      - Seconds without an event after which the source sends a heartbeat, to the millisecond. V(0) switches them off.
    type: float
  compression_algorithms:
    description:
      - Permitted compression, like V(zstd,uncompressed).
    type: str
  auto_position:
    description:
      - Find positions by GTID.
    type: bool
  require_row_format:
    description:
      - Apply row-based events only.
    type: bool
  gtid_only:
    description:
      - Keep no file positions at all. Needs O(auto_position) and O(require_row_format).
    type: bool
  delay:
    description:
      - Seconds by which the applier stays behind on purpose.
    type: int
  discard_unapplied:
    description:
      - Allow that transactions which are received but not applied are thrown away.
    type: bool
    default: false
  drain_timeout:
    description:
      - Seconds to wait for the applier before the relay log would be deleted.
    type: int
    default: 60
notes:
  - Options that are left out stay as they are; on a new channel the server's defaults hold.
  - The words of the statements follow the server, C(CHANGE REPLICATION SOURCE TO) from 8.0.23 on, C(CHANGE MASTER TO)
    for 5.7.
  - The login account needs C(REPLICATION_SLAVE_ADMIN), C(REPLICATION CLIENT), C(SELECT) on C(performance_schema.*)
    and, to compare the
    password, on C(mysql.slave_master_info).
  - In a cluster of this collection the agent starts and stops the threads, so the roles use V(present) only.
extends_documentation_fragment:
  - opendba.mysql_ha.login
  - opendba.mysql_ha.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
seealso:
  - module: opendba.mysql_ha.replication_info
"""

EXAMPLES = r"""
- name: Replicate from the writer VIP, for ever, with a verified certificate
  opendba.mysql_ha.replication_channel:
    source_host: 10.0.0.100
    source_user: mha_repl
    source_password: "{{ replication_password }}"
    source_ssl: true
    source_ssl_ca: /etc/mysql/tls-db1/ca.crt
    source_ssl_verify: true
    auto_position: true
    connect_retry: 1
    retry_count: 0
    heartbeat_period: 1

- name: Start a channel as it is configured
  opendba.mysql_ha.replication_channel:
    state: started

- name: Remove the channel "eu"
  opendba.mysql_ha.replication_channel:
    name: eu
    state: absent
"""

RETURN = r"""
statements:
  description: SQL statements that were run, or would be in check mode. The password is masked.
  returned: success
  type: list
  elements: str
  sample:
    - STOP REPLICA IO_THREAD FOR CHANNEL ''
    - CHANGE REPLICATION SOURCE TO SOURCE_CONNECT_RETRY = 1 FOR CHANNEL ''
    - START REPLICA IO_THREAD FOR CHANNEL ''
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils._channel import (
    PASSWORD,
    PASSWORD_LIMIT,
    Change,
    Facts,
    configuration,
    missing,
)
from ansible_collections.opendba.mysql_ha.plugins.module_utils._channel_steps import (
    ChannelSteps,
    password_is_due,
    refuse_wrong_password,
    stored_password,
)
from ansible_collections.opendba.mysql_ha.plugins.module_utils._connection import MysqlError, Session
from ansible_collections.opendba.mysql_ha.plugins.module_utils._dialect import CHANNEL_OPTIONS
from ansible_collections.opendba.mysql_ha.plugins.module_utils._instance import read_channels_of, read_dialect
from ansible_collections.opendba.mysql_ha.plugins.module_utils._module import login_spec, session_or_fail

RUNS = {"started": True, "stopped": False, "present": None}


def wanted_change(session: Session, given: Facts, live: Facts | None, try_password: bool) -> Change | None:
    """What the channel lacks. Raises MysqlError for what can't be."""
    if live is None and not given["source_host"]:
        raise MysqlError(f"source_host: there is no channel '{given['name']}' yet, so its source must be given")
    due = password_is_due(given, live, stored_password(session, given["name"]) if live else None)
    if try_password and due and live is not None and not given["force_password"]:
        options = {**live, **{name: value for name, value in given.items() if value is not None}}
        refuse_wrong_password(options, given[PASSWORD])
    return missing(given, live, due)


def shown(live: Facts | None, change: Change | None, state: str) -> tuple[Facts, Facts]:
    """The two sides of a diff."""
    threads = {"io_running": "No", "sql_running": "No"}
    before = {"state": "present", **configuration(live), **{t: live[t] for t in threads}} if live else {}
    if state == "absent":
        return before or {"state": "absent"}, {"state": "absent"}
    after = {**(before or {"state": "present", **threads}), **(change.options if change else {})}
    if change and PASSWORD in change.options:
        after[PASSWORD] = "sent"
    if RUNS[state] is not None:
        running = "Yes" if RUNS[state] else "No"
        after.update({t: running for t in threads if RUNS[state] is False or after[t] == "No"})
    return before or {"state": "absent"}, after


def check_arguments(given: dict[str, Any]) -> str:
    """The first thing that is wrong with the options; empty when nothing is."""
    if given["source_port"] is not None and not 1 <= given["source_port"] <= 65535:
        return f"source_port: {given['source_port']} is not a port (1 to 65535)"
    if len(given[PASSWORD] or "") > PASSWORD_LIMIT:
        return f"{PASSWORD}: the server stores at most {PASSWORD_LIMIT} characters for a channel; choose a shorter one"
    if given["force_password"] and given[PASSWORD] is None:
        return f"force_password: needs {PASSWORD}"
    return ""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **login_spec(),
            # Paths and switches; the only secret is the password.
            **{option.name: {"type": option.kind, "no_log": False} for option in CHANNEL_OPTIONS},
            "name": {"type": "str", "default": ""},
            "state": {"type": "str", "choices": ["present", "started", "stopped", "absent"], "default": "present"},
            PASSWORD: {"type": "str", "no_log": True},
            "force_password": {"type": "bool", "default": False, "no_log": False},
            "discard_unapplied": {"type": "bool", "default": False},
            "drain_timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    given = module.params
    wrong = check_arguments(given)
    if wrong:
        module.fail_json(msg=wrong)
    with session_or_fail(module) as session:
        dialect = read_dialect(session)
        live = next((channel for channel in read_channels_of(session) if channel["name"] == given["name"]), None)
        steps = ChannelSteps(session, dialect, given["name"], live, module.check_mode)
        safety = (given["discard_unapplied"], given["drain_timeout"])
        change = None
        if given["state"] != "absent":
            change = wanted_change(session, given, live, try_password=not module.check_mode)
            if change:
                steps.change(change, *safety)
            steps.threads(receiver=RUNS[given["state"]], applier=RUNS[given["state"]])
        elif live is not None:
            steps.remove(*safety)
    before, after = shown(live, change, given["state"])
    module.exit_json(
        changed=bool(steps.statements), statements=steps.statements, diff={"before": before, "after": after}
    )


if __name__ == "__main__":
    main()
