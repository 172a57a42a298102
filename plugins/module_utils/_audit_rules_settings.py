# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hazards of settings and versions that show at a crash, a restart or a failover. Pure predicates on `mysql`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._audit import Cluster, Evidence, Rules

RULES = Rules()
rule = RULES.rule
Facts = dict[str, Any]
_MYSQL = ("mysql",)
_OFF = ("OFF", "0")
# Where a value comes from that the next start gives again.
_LASTING = ("GLOBAL", "SERVER", "EXPLICIT", "EXTRA", "USER", "COMMAND_LINE", "PERSISTED")
# Series that follow each other: a replica may be of the same one or of the next.
_SERIES = ((5, 0), (5, 1), (5, 5), (5, 6), (5, 7), (8, 0), (8, 4), (9, 7))


def _replicas(cluster: Cluster) -> Iterator[tuple[str, Facts, dict[str, str]]]:
    """Servers with channels that decide by themselves, and their variables in capitals."""
    for host, mysql in cluster.having("mysql"):
        if mysql.get("channels") and not mysql.get("group"):
            yield host, mysql, _capitals(mysql)


def _capitals(mysql: Facts) -> dict[str, str]:
    return {name: str(value).upper() for name, value in (mysql.get("variables") or {}).items()}


@rule(
    "MHA-R031", "serious", "A replica does not log what it replicates",
    why="After its promotion the other replicas cannot follow it: its binary logs lack what came from the old source.",
    mend="log_bin and log_replica_updates = ON, and seed anew what is to follow it.", needs=_MYSQL,
)  # fmt: skip
def unlogged(cluster: Cluster) -> Iterator[Evidence]:
    for host, _mysql, variables in _replicas(cluster):
        for name in ("log_bin", "log_replica_updates"):
            if variables.get(name) in _OFF:
                yield Evidence(host, f"{name} = OFF", variables[name])
                break


@rule(
    "MHA-R032", "serious", "Missing and duplicate rows are passed over",
    why="replica_exec_mode = IDEMPOTENT hides the errors 1062 and 1032: the servers differ and replication goes on.",
    mend="replica_exec_mode = STRICT, compare the data, and seed anew what differs.", needs=_MYSQL,
)  # fmt: skip
def idempotent(cluster: Cluster) -> Iterator[Evidence]:
    for host, mysql in cluster.having("mysql"):
        if "IDEMPOTENT" in _capitals(mysql).get("replica_exec_mode", ""):
            yield Evidence(host, "replica_exec_mode = IDEMPOTENT", "IDEMPOTENT")


@rule(
    "MHA-R033", "warning", "Workers commit in another order than the source",
    why="A replica shows states that the source never had, and a crash or failover may come in a gap.",
    mend="replica_preserve_commit_order = ON (in 5.7 with slave_parallel_type = LOGICAL_CLOCK).", needs=_MYSQL,
)  # fmt: skip
def unordered(cluster: Cluster) -> Iterator[Evidence]:
    for host, _mysql, variables in _replicas(cluster):
        workers = variables.get("replica_parallel_workers", "0")
        if workers.isdigit() and int(workers) > 1 and variables.get("replica_preserve_commit_order") in _OFF:
            yield Evidence(host, f"{workers} workers, replica_preserve_commit_order = OFF", int(workers))


@rule(
    "MHA-R034", "serious", "The applier's position does not survive a crash",
    why="The position is in a file that is not written with the transactions: after a crash some are applied twice.",
    mend="relay_log_info_repository = TABLE.", needs=_MYSQL,
)  # fmt: skip
def unsafe_position(cluster: Cluster) -> Iterator[Evidence]:
    for host, _mysql, variables in _replicas(cluster):
        if variables.get("relay_log_info_repository") == "FILE" and variables.get("relay_log_recovery") in _OFF:
            yield Evidence(host, "relay_log_info_repository = FILE, relay_log_recovery = OFF", "FILE")


@rule(
    "MHA-R035", "serious", "A crash may leave torn pages",
    why="Without the doublewrite buffer a page that was half written at a power cut cannot be repaired.",
    mend="innodb_doublewrite = ON, unless the file system writes 16 KiB at once or not at all.", needs=_MYSQL,
    variable="mysql_settings",
)  # fmt: skip
def torn_pages(cluster: Cluster) -> Iterator[Evidence]:
    for host, mysql in cluster.having("mysql"):
        value = _capitals(mysql).get("innodb_doublewrite", "")
        if value in (*_OFF, "DETECT_ONLY"):
            yield Evidence(host, f"innodb_doublewrite = {value}", value)


@rule(
    "MHA-R036", "serious", "A replica's version does not fit its source",
    why="A replica may be of its source's series or of the next; an older one stops at an event that it does not know.",
    mend="Upgrade the replicas first, series by series, then switch over.", needs=("mysql", "os"),
)  # fmt: skip
def versions(cluster: Cluster) -> Iterator[Evidence]:
    for host, mysql in cluster.having("mysql"):
        for channel in mysql.get("channels") or []:
            source = (cluster.hosts.get(cluster.source(channel) or "") or {}).get("mysql") or {}
            why = _misfit(mysql, source)
            if why:
                text = f"{mysql['version']} behind {source['version']} of {cluster.source(channel)}: {why}"
                yield Evidence(host, text, mysql["version"])


def _misfit(replica: Facts, source: Facts) -> str:
    kinds = [each.get("flavour") == "mariadb" for each in (replica, source)]
    own, other = (tuple((each.get("version_number") or [])[:2]) for each in (replica, source))
    if not (own and other) or kinds[0] != kinds[1]:
        return ""
    if own < other:
        return "it is older"
    place = [sum(1 for series in _SERIES if series <= each) for each in (own, other)]
    return "a series is left out" if not kinds[0] and place[0] - place[1] > 1 else ""


@rule(
    "MHA-R037", "warning", "Clients see commits before a replica has them",
    why="With AFTER_COMMIT others read what a failover may take away again.",
    mend="rpl_semi_sync_source_wait_point = AFTER_SYNC.", needs=_MYSQL,
)  # fmt: skip
def after_commit(cluster: Cluster) -> Iterator[Evidence]:
    for host, mysql in cluster.having("mysql"):
        state = mysql.get("semi_sync") or {}
        if state.get("source_enabled") and str(state.get("wait_point")).upper() == "AFTER_COMMIT":
            yield Evidence(host, "the wait point is AFTER_COMMIT", "AFTER_COMMIT")


@rule(
    "MHA-R038", "serious", "A restart opens a read-only server for writes",
    why="read_only was set at run time alone: after a reboot the server takes writes that nobody else has.",
    mend="read_only = ON (and super_read_only = ON) in the option file; a failover tool opens the writer.",
    needs=_MYSQL,
)  # fmt: skip
def writable_at_boot(cluster: Cluster) -> Iterator[Evidence]:
    for host, mysql in cluster.having("mysql"):
        files = mysql.get("option_files")
        if not mysql.get("read_only") or mysql.get("group") or files is None or _is_kept(mysql):
            continue
        given = {name: each for name, each in files["boot"].items() if not _switches_on(each["value"])}
        at = next((each["at"] for each in given.values()), None)
        said = " and ".join(f"{name} = {each['value']}" for name, each in given.items())
        text = f"{said} in the option files" if given else "neither read_only nor super_read_only is in an option file"
        yield Evidence(host, f"read_only = ON now, but {text}", False, at)


def _is_kept(mysql: Facts) -> bool:
    """Whether a start makes it read-only again. A persisted OFF has a rule of its own (MHA-R026)."""
    persisted = [str(value).upper() for name, value in (mysql.get("persisted_variables") or {}).items()
                 if name in ("read_only", "super_read_only")]  # fmt: skip
    sources = [each["source"].upper() for name, each in (mysql.get("sources") or {}).items() if mysql.get(name)]
    on = [_switches_on(each["value"]) for each in mysql["option_files"]["boot"].values()]
    return bool(persisted) or any(source in _LASTING for source in sources) or any(on)


def _switches_on(value: str | None) -> bool:
    """A word that stands alone switches on."""
    return str("ON" if value is None else value).upper() not in (*_OFF, "FALSE", "NO")
