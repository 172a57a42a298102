# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How servers from MySQL 5.1 to 9.x and MariaDB from 5.1 on are asked, and what they call things. Data; pure."""

from __future__ import annotations

from typing import Any, Optional

from ._dialect import Dialect, Version

Facts = dict[str, Any]

# By flavour (percona is mysql), newest first: the first line whose version the server has reached holds; None: it has
# no such thing. Measured with 9.7.4 and MariaDB 11.8; the others are taken from their manuals.
_Lines = tuple[tuple[Version, Optional[str]], ...]
_EVER: Version = (0, 0, 0)
_STATEMENTS: dict[str, dict[str, _Lines]] = {
    "channels": {  # connection, applier and worker tables of performance_schema
        "mysql": (((5, 7, 0), "performance_schema"), (_EVER, None)),
        "mariadb": ((_EVER, None),),
    },
    "status": {
        "mysql": (((8, 0, 22), "SHOW REPLICA STATUS"), (_EVER, "SHOW SLAVE STATUS")),
        "mariadb": (((10, 0, 0), "SHOW ALL SLAVES STATUS"), (_EVER, "SHOW SLAVE STATUS")),
    },
    "replicas": {
        "mysql": (((8, 0, 22), "SHOW REPLICAS"), (_EVER, "SHOW SLAVE HOSTS")),
        "mariadb": ((_EVER, "SHOW SLAVE HOSTS"),),
    },
    "binary_log": {
        "mysql": (((8, 2, 0), "SHOW BINARY LOG STATUS"), (_EVER, "SHOW MASTER STATUS")),
        "mariadb": ((_EVER, "SHOW MASTER STATUS"),),
    },
    "persisted": {
        "mysql": (
            ((8, 0, 0), "SELECT variable_name, variable_value FROM performance_schema.persisted_variables"),
            (_EVER, None),
        ),
        "mariadb": ((_EVER, None),),
    },
    "sources": {  # where values come from that a boot must give
        "mysql": (
            (
                (8, 0, 0),
                "SELECT variable_name, variable_source, variable_path FROM performance_schema.variables_info"
                " WHERE variable_name IN ('read_only', 'super_read_only')",
            ),
            (_EVER, None),
        ),
        "mariadb": ((_EVER, None),),
    },
    "global_filters": {
        "mysql": (
            ((8, 0, 1), "SELECT filter_name, filter_rule FROM performance_schema.replication_applier_global_filters"),
            (_EVER, None),
        ),
        "mariadb": ((_EVER, None),),
    },
    "accounts": {  # the hashes of caching_sha2_password hold control characters, which the program mysql garbles
        "mysql": (
            ((8, 0, 0), "SELECT *, HEX(authentication_string) AS hexed FROM mysql.user"),
            (_EVER, "SELECT * FROM mysql.user"),
        ),
        "mariadb": ((_EVER, "SELECT * FROM mysql.user"),),
    },
    "locked_accounts": {  # that mysql.user does not tell
        "mysql": ((_EVER, None),),
        "mariadb": (
            ((10, 4, 2), "SELECT user, host FROM mysql.global_priv WHERE JSON_VALUE(priv, '$.account_locked') = 1"),
            (_EVER, None),
        ),
    },
    "more_privileges": {  # that mysql.user has no columns for
        "mysql": (
            ((8, 0, 0), "SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) AS grantee, priv FROM mysql.global_grants"),
            (_EVER, None),
        ),
        "mariadb": (
            ((10, 5, 2), "SELECT grantee, privilege_type AS priv FROM information_schema.user_privileges"),
            (_EVER, None),
        ),
    },
}


def statement(dialect: Dialect, word: str) -> str | None:
    """None where the server has no such thing."""
    lines = _STATEMENTS[word]["mariadb" if dialect.flavour == "mariadb" else "mysql"]
    return next(text for since, text in lines if dialect.number >= since)


# Global variables by their modern name, and what they were called before.
VARIABLES: dict[str, tuple[str, ...]] = {
    "admin_port": (),
    "auto_increment_increment": (),
    "auto_increment_offset": (),
    "bind_address": (),
    "binlog_format": (),
    "binlog_row_image": (),
    "enforce_gtid_consistency": (),
    "extra_port": (),
    "gtid_domain_id": (),
    "gtid_strict_mode": (),
    "host_cache_size": (),
    "innodb_buffer_pool_size": (),
    "innodb_doublewrite": (),
    "innodb_flush_log_at_trx_commit": (),
    "innodb_flush_method": (),
    "log_bin": (),
    "log_bin_basename": (),
    "log_replica_updates": ("log_slave_updates",),
    "max_connect_errors": (),
    "relay_log_basename": (),
    "relay_log_info_repository": (),
    "relay_log_recovery": (),
    "replica_exec_mode": ("slave_exec_mode",),
    "replica_net_timeout": ("slave_net_timeout",),
    "replica_parallel_workers": ("slave_parallel_workers",),
    "replica_preserve_commit_order": ("slave_preserve_commit_order",),
    "replica_skip_errors": ("slave_skip_errors",),
    "report_host": (),
    "require_secure_transport": (),
    "skip_name_resolve": (),
    "source_verify_checksum": ("master_verify_checksum",),
    "ssl_ca": (),
    "sync_binlog": (),
    "sync_relay_log": (),
    "sync_source_info": ("sync_master_info",),
    "wait_timeout": (),
}
_RETENTION = ("binlog_expire_logs_seconds", "expire_logs_days", "binlog_expire_logs_auto_purge")
# Filters that are variables (MariaDB), as channels show them.
FILTERS = (
    "replicate_do_db", "replicate_ignore_db", "replicate_do_table", "replicate_ignore_table",
    "replicate_wild_do_table", "replicate_wild_ignore_table", "replicate_rewrite_db", "replicate_do_domain_ids",
    "replicate_ignore_domain_ids", "replicate_ignore_server_ids",
)  # fmt: skip
GTIDS = ("gtid_executed", "gtid_purged", "gtid_current_pos")
OWN = (
    "server_id", "server_uuid", "port", "datadir", "socket", "read_only", "super_read_only", "offline_mode",
    "gtid_mode", "wsrep_on", "wsrep_provider", "group_replication_group_name",
)  # fmt: skip
WANTED = frozenset(
    [*VARIABLES, *(old for names in VARIABLES.values() for old in names), *_RETENTION, *FILTERS, *GTIDS, *OWN]
)


def modern(raw: dict[str, str]) -> dict[str, str]:
    """The variables of VARIABLES that a server has, and how long binary logs are kept, by their modern names."""
    found = {}
    for name, former in VARIABLES.items():
        value = next((raw[each] for each in (name, *former) if each in raw), None)
        if value is not None:
            found[name] = value
    seconds = _retention(raw)
    if seconds is not None:
        found["binlog_expire_logs_seconds"] = seconds
    return found


def _retention(raw: dict[str, str]) -> str | None:
    """Seconds; 0 for ever. Both variables exist in 8.0 and MariaDB from 10.6 on; seconds win unless they are 0."""
    if raw.get("binlog_expire_logs_auto_purge", "ON") in ("OFF", "0"):
        return "0"
    seconds, days = raw.get("binlog_expire_logs_seconds"), raw.get("expire_logs_days")
    if seconds is not None and (days is None or _number(seconds)):
        return seconds
    return None if days is None else str(int(_number(days) * 86400))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def column(name: str) -> str:
    """A column of SHOW REPLICA STATUS by its modern name, in lower case."""
    return name.lower().replace("master_", "source_").replace("_master", "_source").replace("slave_", "replica_")
