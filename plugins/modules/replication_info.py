#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: replication_info
short_description: Read role, channels, GTID sets and semi-synchronous state of MySQL and MariaDB
version_added: 1.0.0
description:
  - Returns what a MySQL instance is and does in replication, as data.
  - Writes nothing, not even a GTID, and runs on hosts that this collection did not build.
  - Asks MySQL and Percona Server from 5.1 to 9.x, and MariaDB, each in its own words. What a server does not have is
    V(null).
  - Never fails because the server is absent, down, hung or refuses the login; V(instance.reachable) is then V(false)
    and
    V(instance.reason) says why.
author:
  - opendba authors (@opendba)
options:
  compare_gtid:
    description:
      - A GTID set, usually RV(instance.gtid_executed) of another instance. The server then computes what it lacks of it
        (RV(instance.gtid_missing)) and what it has beyond it (RV(instance.gtid_extra)).
    type: str
  details:
    description:
      - Also read what only an audit asks for, which is RV(instance.variables), RV(instance.filters),
        RV(instance.binary_logs), RV(instance.replicas), RV(instance.xa_prepared) and RV(instance.accounts).
    type: bool
    default: false
  find_socket:
    description:
      - Where nothing listens at O(login_unix_socket), take the socket of the server that runs on the host.
    type: bool
    default: false
notes:
  - Where PyMySQL is missing on the host, the program C(mysql) or C(mariadb) is used instead, once for each statement.
  - The account needs C(SELECT) on C(performance_schema.*) and C(REPLICATION CLIENT) on C(*.*). What it may not read
    is left out and named in RV(instance.problems).
  - O(details) also needs C(SELECT) on C(mysql.user) and C(mysql.global_grants) (of MariaDB C(mysql.global_priv)),
    C(REPLICATION SLAVE) and C(XA_RECOVER_ADMIN) on C(*.*). Before 8.0 the latter does not exist and anybody may ask.
  - What a server of MariaDB calls C(REPLICATION CLIENT) is C(BINLOG MONITOR) and C(SLAVE MONITOR) from 10.5 on. There
    RV(instance.replicas) needs C(REPLICATION MASTER ADMIN), and all privileges of others are seen with C(SELECT) on
    C(mysql.*) only.
  - To tell whether there is any user data (RV(instance.has_user_data)), it must also see all schemas (C(SHOW
    DATABASES)).
extends_documentation_fragment:
  - opendba.mysql_ha.login
  - opendba.mysql_ha.attributes.info_module
seealso:
  - module: opendba.mysql_ha.replication_channel
"""

EXAMPLES = r"""
- name: Read the instance
  opendba.mysql_ha.replication_info:
  register: mysql_state

- name: Ask what this instance lacks of another one
  opendba.mysql_ha.replication_info:
    compare_gtid: "{{ hostvars['db1'].mysql_state.instance.gtid_executed }}"
  register: mysql_compared

- name: Show errant transactions
  ansible.builtin.debug:
    msg: "{{ mysql_compared.instance.gtid_extra }}"
"""

RETURN = r"""
instance:
  description: The instance. Where RV(instance.reachable=false), nothing but that, RV(instance.reason),
    RV(instance.present) and RV(instance.listening) is returned.
  returned: always
  type: dict
  contains:
    reachable:
      description: Whether it let us log in and answered in time.
      type: bool
      returned: always
    reason:
      description: Why it is not reachable; empty otherwise.
      type: str
      returned: always
      sample: "cannot log in to MySQL at socket /run/mysqld/mysqld.sock as root: connection refused: mysqld is not
        running there"
    present:
      description: Whether there seems to be a server on the host, by its program or socket.
      type: bool
      returned: RV(instance.reachable=false)
    listening:
      description: Whether a server listens at a socket of the host all the same. It hangs, is overloaded, or refuses
        the login.
      type: bool
      returned: RV(instance.reachable=false)
    read_by:
      description: V(pymysql), or V(mysql) where that library is missing and the program of this name was used.
      type: str
    problems:
      description: What could not be read, one line each, with the server's reason. The values concerned are then
        absent.
      type: list
      elements: str
    flavour:
      description: V(mysql), V(percona) or V(mariadb).
      type: str
    version:
      description: Version as the server says it.
      type: str
      sample: 9.7.4-2
    version_number:
      description: Major, minor and patch number.
      type: list
      elements: int
      sample: [9, 7, 4]
    server_id:
      description: Server ID.
      type: int
    server_uuid:
      description: Server UUID.
      type: str
    port:
      description: TCP port.
      type: int
    datadir:
      description: Data directory.
      type: str
    socket:
      description: Socket that it listens at.
      type: str
    read_only:
      description: Whether ordinary accounts are refused writes. The writer is the instance where this is V(false).
      type: bool
    super_read_only:
      description: Whether privileged accounts are refused writes too.
      type: bool
    offline_mode:
      description: Whether ordinary accounts are refused altogether.
      type: bool
    gtid_mode:
      description: V(ON), V(ON_PERMISSIVE), V(OFF_PERMISSIVE) or V(OFF).
      type: str
    group:
      description: V(galera) or V(group_replication) where that is configured. Its channels are then not among
        RV(instance.channels).
      type: str
    gtid_executed:
      description: GTIDs of all transactions that this instance has, on one line; of MariaDB, its position.
      type: str
    gtid_purged:
      description: Those of them that are no longer in its binary logs.
      type: str
    gtid_missing:
      description: What O(compare_gtid) has and this instance has not.
      type: str
      returned: O(compare_gtid) given
    gtid_extra:
      description: What this instance has and O(compare_gtid) has not.
      type: str
      returned: O(compare_gtid) given
    has_user_data:
      description: Whether there is any schema beside the server's own.
      type: bool
    persisted_variables:
      description: Names and values that C(SET PERSIST) stored. They win over every option file at the next boot.
      type: dict
    sources:
      description: Where C(read_only) and C(super_read_only) come from, each with C(source) as the server calls it and
        the C(path) of the option file. Absent or empty where the server does not tell.
      type: dict
    option_files:
      description: What the option files of the server say, as its command line names them. C(files), C(boot) (read-only
        settings that a start takes from them, each with C(value) and C(at)), C(open_secrets) (passwords in files that
        every account of the host may read, each with C(name), C(group) and C(at), without the password). V(null) where
        the server may be on another host, or nothing tells which of several is meant.
      returned: with O(details)
      type: dict
    semi_sync:
      description: Semi-synchronous replication. Values are V(null) where the plugin is not loaded.
      type: dict
      contains:
        source_enabled:
          description: Whether commits wait for an acknowledgement, as configured.
          type: bool
        source_active:
          description: Whether they really do; V(false) when it fell back to asynchronous.
          type: bool
        clients:
          description: Connected replicas that acknowledge.
          type: int
        timeout_ms:
          description: Milliseconds that a commit waits before it falls back.
          type: int
        wait_no_replica:
          description: Whether it waits also while no replica is connected.
          type: bool
        wait_point:
          description: V(AFTER_SYNC) or V(AFTER_COMMIT).
          type: str
        replica_enabled:
          description: Whether this instance acknowledges, as configured.
          type: bool
        replica_active:
          description: Whether it acknowledges at the moment.
          type: bool
    channels:
      description:
        - Every replication channel. The options of M(opendba.mysql_ha.replication_channel) have the same names and
          values; those
          the server does not know are absent. Passwords are never returned.
      type: list
      elements: dict
      contains:
        name:
          description: Channel name; empty for the default channel.
          type: str
        source_host:
          description: Address of the source.
          type: str
        source_port:
          description: Port of the source.
          type: int
        source_user:
          description: Account on the source.
          type: str
        source_ssl:
          description: Whether the connection must be encrypted. The other C(source_ssl_*) and C(source_tls_*) options
            follow.
          type: bool
        source_ssl_verify:
          description: Whether the source's certificate is verified, its name included.
          type: bool
        auto_position:
          description: Whether positions are found by GTID.
          type: bool
        connect_retry:
          description: Seconds between attempts to connect.
          type: int
        retry_count:
          description: Attempts after which the receiver gives up; V(0) means never.
          type: int
        heartbeat_period:
          description: Seconds without an event after which the source sends a heartbeat.
          type: float
        delay:
          description: Seconds by which the applier stays behind on purpose.
          type: int
        io_running:
          description: State of the receiver thread, V(Yes), V(No) or V(Connecting).
          type: str
        sql_running:
          description: State of the applier, V(Yes) or V(No).
          type: str
        io_error:
          description: Last error of the receiver (C(number), 0 for none, and C(message), without the statement that
            failed and without hashes of passwords; it may hold values of rows).
          type: dict
        sql_error:
          description: Last error of the applier, the worker's where there is one (C(number), 0 for none, and
            C(message)).
          type: dict
        source_uuid:
          description: Server UUID of the source; empty until it was once connected.
          type: str
        received_gtid:
          description: GTIDs received since the relay log was last reset.
          type: str
        received_is_applied:
          description: Whether all of them are in RV(instance.gtid_executed).
          type: bool
        lag_seconds:
          description:
            - Age, in seconds, of the oldest transaction that is received or on its way but not applied; V(0.0) when
              there is none.
            - Computed from commit timestamps, so the clocks of the hosts matter. Servers without them (MySQL before
              8.0, MariaDB) tell whole seconds themselves. V(null) when a thread does not run.
          type: float
        lag_means:
          description: Where RV(instance.channels[].lag_seconds) comes from, V(commit_timestamps) or
            V(seconds_behind_source).
          type: str
    variables:
      description: Global variables that matter to replication, by their modern name, as text. How long binary logs are
        kept is always in C(binlog_expire_logs_seconds), V(0) for ever.
      type: dict
      returned: O(details)
      sample: {sync_binlog: "1", binlog_format: ROW, binlog_expire_logs_seconds: "2592000"}
    filters:
      description: Replication filters that are set, of the server, its channels and its binary log.
      type: dict
      returned: O(details)
      sample: {binlog_ignore_db: test}
    binary_logs:
      description: The binary logs that are there.
      type: dict
      returned: O(details)
      contains:
        files:
          description: Their number.
          type: int
        bytes:
          description: Their size.
          type: int
        oldest:
          description: Name of the oldest.
          type: str
    replicas:
      description: Replicas that are connected, as they introduced themselves.
      type: list
      elements: dict
      returned: O(details)
      contains:
        server_id:
          description: Server ID.
          type: int
        server_uuid:
          description: Server UUID.
          type: str
        host:
          description: What it has in C(report_host); often empty.
          type: str
        port:
          description: Its port.
          type: int
    xa_prepared:
      description: Number of prepared XA transactions.
      type: int
      returned: O(details)
    accounts:
      description: Accounts. No hash of a password leaves the host.
      type: list
      elements: dict
      returned: O(details)
      contains:
        user:
          description: User.
          type: str
        host:
          description: Where it may come from.
          type: str
        plugin:
          description: Authentication plugin.
          type: str
        privileges:
          description: Global privileges, dynamic ones too; not those of its roles.
          type: list
          elements: str
        locked:
          description: Whether it may not log in. Roles of MySQL look like this too.
          type: bool
        tls:
          description: Whether it may log in over TLS only.
          type: bool
        password:
          description: V(empty), V(well_known) (its own name, or one of those in every tutorial), V(set), or V(null)
            where the plugin asks for something else.
          type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils._info_replication import SPEC, gather


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.exit_json(changed=False, **gather(module))


if __name__ == "__main__":
    main()
