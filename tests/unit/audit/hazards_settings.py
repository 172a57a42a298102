# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hazards of settings and versions, in the form of test_rules.HAZARDS, and what looks like them."""

from __future__ import annotations

from typing import Any

from unit.audit.changes import Changes

STANDBY = "db2/mysql/variables"
READ_ONLY = "db2/mysql/option_files"


def files(**boot: str | None) -> dict[str, Any]:
    given = {name: {"value": value, "at": "/etc/my.cnf:2"} for name, value in boot.items()}
    return {"files": ["/etc/my.cnf"], "boot": given, "open_secrets": []}


def version(host: str, *number: int, flavour: str = "mysql") -> Changes:
    text = ".".join(str(part) for part in number)
    return [(f"{host}/mysql/version_number", list(number)), (f"{host}/mysql/version", text),
            (f"{host}/mysql/flavour", flavour)]  # fmt: skip


def workers(number: str, order: str) -> Changes:
    return [(f"{STANDBY}/replica_parallel_workers", number), (f"{STANDBY}/replica_preserve_commit_order", order)]


def position(place: str, recovery: str) -> Changes:
    return [(f"{STANDBY}/relay_log_info_repository", place), (f"{STANDBY}/relay_log_recovery", recovery)]


SETTINGS: list[tuple[str, Changes, list[str], str]] = [
    ("MHA-R014", [("db1/mysql/variables/innodb_flush_method", "nosync")], ["db1"], "innodb_flush_method = nosync"),
    ("MHA-R031", [(f"{STANDBY}/log_replica_updates", "OFF")], ["db2"], "log_replica_updates = OFF"),
    ("MHA-R031", [(f"{STANDBY}/log_bin", "OFF")], ["db2"], "log_bin = OFF"),
    ("MHA-R032", [(f"{STANDBY}/replica_exec_mode", "IDEMPOTENT")], ["db2"], "replica_exec_mode = IDEMPOTENT"),
    ("MHA-R033", workers("4", "OFF"), ["db2"], "4 workers, replica_preserve_commit_order = OFF"),
    ("MHA-R034", position("FILE", "OFF"), ["db2"], "relay_log_info_repository = FILE"),
    ("MHA-R035", [("db1/mysql/variables/innodb_doublewrite", "OFF")], ["db1"], "innodb_doublewrite = OFF"),
    ("MHA-R035", [("db1/mysql/variables/innodb_doublewrite", "DETECT_ONLY")], ["db1"], "= DETECT_ONLY"),
    ("MHA-R036", [*version("db1", 8, 4, 3), *version("db2", 8, 0, 36)], ["db2"],
     "8.0.36 behind 8.4.3 of db1: it is older"),
    ("MHA-R036", [*version("db1", 5, 7, 44), *version("db2", 8, 4, 3)], ["db2"], "a series is left out"),
    ("MHA-R036", [*version("db1", 11, 4, 2, flavour="mariadb"), *version("db2", 10, 11, 6, flavour="mariadb")],
     ["db2"], "it is older"),
    ("MHA-R037", [("db1/mysql/semi_sync/wait_point", "AFTER_COMMIT")], ["db1"], "AFTER_COMMIT"),
    ("MHA-R038", [(READ_ONLY, files())], ["db2"], "neither read_only nor super_read_only is in an option file"),
    ("MHA-R038", [(READ_ONLY, files(read_only="0"))], ["db2"], "read_only = ON now, but read_only = 0 in the option"),
    ("MHA-A008", [("db1/mysql/option_files", {**files(), "open_secrets": [
        {"name": "password", "group": "client", "at": "/root/.my.cnf:2"}]})],
     ["db1"], "/root/.my.cnf may be read by everybody and has password of [client]"),
]  # fmt: skip
HARMLESS_SETTINGS: list[tuple[str, Changes]] = [
    ("MHA-R031", [("db1/mysql/variables/log_bin", "OFF")]),  # it follows nobody
    ("MHA-R031", [(f"{STANDBY}/log_replica_updates", "OFF"), ("db2/mysql/group", "galera")]),
    ("MHA-R032", [(f"{STANDBY}/replica_exec_mode", "STRICT")]),
    ("MHA-R033", workers("4", "ON")),
    ("MHA-R033", workers("1", "OFF")),
    ("MHA-R033", workers("0", "OFF")),
    ("MHA-R034", position("TABLE", "OFF")),
    ("MHA-R034", position("FILE", "ON")),
    ("MHA-R035", [("db1/mysql/variables/innodb_doublewrite", "DETECT_AND_RECOVER")]),
    ("MHA-R035", [("db1/mysql/variables/innodb_doublewrite", "fast")]),  # MariaDB
    ("MHA-R036", [*version("db1", 8, 4, 3), *version("db2", 9, 7, 4)]),  # the next one
    ("MHA-R036", [*version("db1", 8, 0, 40), *version("db2", 8, 0, 36)]),  # of one series
    ("MHA-R036", [*version("db1", 10, 11, 6, flavour="mariadb"), *version("db2", 9, 7, 4)]),  # not to be compared
    ("MHA-R037", [("db1/mysql/semi_sync/wait_point", "AFTER_SYNC")]),
    ("MHA-R037", [("db2/mysql/semi_sync/wait_point", "AFTER_COMMIT")]),  # it is no source
    ("MHA-R038", [(READ_ONLY, None)]),  # not known
    ("MHA-R038", [(READ_ONLY, files(read_only=None))]),  # it stands alone
    ("MHA-R038", [(READ_ONLY, files(super_read_only="ON"))]),
    ("MHA-R038", [("db1/mysql/option_files", files())]),  # the writer
    ("MHA-R038", [(READ_ONLY, files()), ("db2/mysql/persisted_variables", {"super_read_only": "ON"})]),
    ("MHA-R038", [(READ_ONLY, files()), ("db2/mysql/sources", {"read_only": {"source": "EXPLICIT", "path": "/x"}})]),
]  # fmt: skip
