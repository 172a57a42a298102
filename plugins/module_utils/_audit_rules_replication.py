# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hazards of replication. Pure predicates on the facts of replication_info (`mysql`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._audit import Cluster, Evidence, Rules
from ._audit_clusters import systems

RULES = Rules()
rule = RULES.rule
_MYSQL = ("mysql",)
LAG = 60.0  # seconds
OUTAGE = 3 * 86400  # seconds: a long weekend
FOR_EVER = 86400  # seconds: a receiver that tries for a day outlives any repair
SEMI_SYNC_TIMEOUT = 3600 * 1000  # milliseconds: shorter ones end in commits without a copy


def _variables(cluster: Cluster) -> Iterator[tuple[str, dict[str, Any]]]:
    for host, mysql in cluster.having("mysql"):
        yield host, mysql.get("variables", {})


def _channels(cluster: Cluster) -> Iterator[tuple[str, dict[str, Any], str]]:
    for host, mysql in cluster.having("mysql"):
        for channel in mysql.get("channels", []):
            yield host, channel, f"channel '{channel['name']}'" if channel["name"] else "the default channel"


def _not(cluster: Cluster, name: str, good: tuple[str, ...], of_binlog: bool = False) -> Iterator[Evidence]:
    for host, variables in _variables(cluster):
        if of_binlog and not _logs(variables):
            continue
        if name in variables and str(variables[name]).upper() not in good:
            yield Evidence(host, f"{name} = {variables[name]}", variables[name])


def _logs(variables: dict[str, Any]) -> bool:
    """A server without binary logs has no settings of them, whatever their variables say."""
    return str(variables.get("log_bin", "ON")).upper() not in ("OFF", "0")


@rule(
    "MHA-R001", "serious", "Transactions have no GTIDs",
    why="Without GTIDs nobody can say what a server lacks, and replicas cannot follow a new source by themselves.",
    mend="Switch gtid_mode to ON step by step (OFF_PERMISSIVE, ON_PERMISSIVE, ON), with enforce_gtid_consistency.",
    needs=_MYSQL,
)  # fmt: skip
def no_gtid(cluster: Cluster) -> Iterator[Evidence]:
    for host, mysql in cluster.having("mysql"):
        if mysql.get("gtid_mode") not in (None, "ON") and mysql.get("group") != "galera":  # which has its own
            yield Evidence(host, f"gtid_mode = {mysql['gtid_mode']}", mysql["gtid_mode"])


@rule(
    "MHA-R002", "serious", "A channel replicates by file and position",
    why="Positions belong to one server's files: no other source can be followed, and a crash may lose or repeat.",
    mend="CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION=1, with GTIDs on.", needs=_MYSQL,
)  # fmt: skip
def file_position(cluster: Cluster) -> Iterator[Evidence]:
    for host, channel, name in _channels(cluster):
        if channel.get("auto_position") is False:
            yield Evidence(host, f"{name} from {channel['source_host']} has no auto-position", False)


@rule(
    "MHA-R003", "serious", "Replication errors are skipped",
    why="Each skipped error is a difference between the servers that nobody hears of.",
    mend="Remove replica_skip_errors, compare the data, and seed anew what differs.", needs=_MYSQL,
)  # fmt: skip
def skipped_errors(cluster: Cluster) -> Iterator[Evidence]:
    yield from _not(cluster, "replica_skip_errors", ("OFF", ""))


@rule(
    "MHA-R005", "critical", "Servers share a server_id",
    why="A server drops events that carry its own id, and a source breaks the connection of one of two equal replicas.",
    mend="Give each server its own server_id.", needs=_MYSQL,
)  # fmt: skip
def equal_ids(cluster: Cluster) -> Iterator[Evidence]:
    yield from _equal(cluster, "server_id")


@rule(
    "MHA-R006", "critical", "Servers share a server_uuid",
    why="They are copies of one machine: their GTIDs cannot be told apart.",
    mend="Stop one, remove its auto.cnf, start it, and seed it anew.", needs=_MYSQL,
)  # fmt: skip
def equal_uuids(cluster: Cluster) -> Iterator[Evidence]:
    yield from _equal(cluster, "server_uuid")


def _equal(cluster: Cluster, name: str) -> Iterator[Evidence]:
    values = {host: mysql[name] for host, mysql in cluster.having("mysql") if mysql.get(name)}
    for host, value in values.items():
        same = [other for other in values if other != host and values[other] == value]
        if same:
            yield Evidence(host, f"{name} = {value}, as on {', '.join(same)}", value)


@rule(
    "MHA-R007", "warning", "A standby lets privileged accounts write",
    why="read_only does not stop accounts with SUPER or CONNECTION_ADMIN, nor maintenance scripts that run as root.",
    mend="Set super_read_only on all but the writer, in the option file too.", needs=_MYSQL,
)  # fmt: skip
def half_read_only(cluster: Cluster) -> Iterator[Evidence]:
    for host, mysql in cluster.having("mysql"):
        if mysql.get("read_only") and mysql.get("super_read_only") is False:
            yield Evidence(host, "read_only = ON, super_read_only = OFF", False)


def _rests(cluster: Cluster, host: str, channel: dict[str, Any]) -> bool:
    """Off, and meant to be off: of members that follow the VIP, on the one that holds it; on the only writer, what is
    left of the time when it followed the one that follows it now."""
    failed = (channel.get("io_error") or {}).get("number") or (channel.get("sql_error") or {}).get("number")
    if channel.get("io_running") != "No" or failed:
        return False
    source = cluster.source(channel)
    if source == host:
        return True
    alone = any(system.writers() == [host] and source in system.hosts for system in systems(cluster))
    return alone and channel.get("sql_running") == "No"


@rule(
    "MHA-R009", "serious", "Replication has stopped",
    why="The server falls behind, and a failover to it would lose what it has not received.",
    mend="Read the error, mend its cause, start the thread.", needs=_MYSQL,
)  # fmt: skip
def stopped(cluster: Cluster) -> Iterator[Evidence]:
    for host, channel, name in _channels(cluster):
        if _rests(cluster, host, channel):
            continue
        for thread, state in (("receiver", channel.get("io_running")), ("applier", channel.get("sql_running"))):
            if state not in (None, "Yes"):
                error = channel.get("io_error" if thread == "receiver" else "sql_error") or {}
                said = f": {error['number']} {error['message']}" if error.get("number") else ""
                yield Evidence(host, f"the {thread} of {name} from {channel['source_host']} is at {state}{said}", state)


@rule(
    "MHA-R010", "warning", "A replica lags",
    why="A failover has to wait for it, and whoever reads there reads the past.",
    mend="Look for long transactions, missing primary keys, too few workers, slow disks.", needs=_MYSQL,
)  # fmt: skip
def lagging(cluster: Cluster) -> Iterator[Evidence]:
    for host, channel, name in _channels(cluster):
        lag = channel.get("lag_seconds")
        if lag is not None and lag - (channel.get("delay") or 0) > LAG:
            yield Evidence(host, f"{name} is {lag:.0f} s behind", lag)


@rule(
    "MHA-R011", "serious", "A receiver gives up",
    why="After a longer outage of the source it stays off until somebody notices. 9.x gives up after 10 attempts.",
    mend="SOURCE_RETRY_COUNT=0 (for ever), or days' worth of it.", needs=_MYSQL,
)  # fmt: skip
def gives_up(cluster: Cluster) -> Iterator[Evidence]:
    for host, channel, name in _channels(cluster):
        count, pause = channel.get("retry_count"), channel.get("connect_retry")
        if count and pause is not None and count * max(pause, 1) < FOR_EVER:
            yield Evidence(host, f"{name} gives up after {count} attempts, {pause} s apart", count)


@rule(
    "MHA-R012", "serious", "Replication is filtered",
    why="After a failover the filtered databases are missing or old, and statements across databases behave oddly.",
    mend="Replicate everything; keep what must not leave a server in another instance.", needs=_MYSQL,
)  # fmt: skip
def filtered(cluster: Cluster) -> Iterator[Evidence]:
    for host, mysql in cluster.having("mysql"):
        for name, value in (mysql.get("filters") or {}).items():
            if value:
                yield Evidence(host, f"{name} = {value}", value)


@rule(
    "MHA-R013", "serious", "Binary logs are not synced at each commit",
    why="A power cut takes transactions that replicas may already have, or that nobody has.",
    mend="sync_binlog = 1", variable="mysql_settings", needs=_MYSQL,
)  # fmt: skip
def binlog_unsynced(cluster: Cluster) -> Iterator[Evidence]:
    yield from _not(cluster, "sync_binlog", ("1",), of_binlog=True)


@rule(
    "MHA-R014", "serious", "Commits are not flushed",
    why="A crash takes acknowledged transactions.",
    mend="innodb_flush_log_at_trx_commit = 1", variable="mysql_settings", needs=_MYSQL,
)  # fmt: skip
def redo_unflushed(cluster: Cluster) -> Iterator[Evidence]:
    yield from _not(cluster, "innodb_flush_log_at_trx_commit", ("1", "3"))  # MariaDB: 3 syncs more
    for host, variables in _variables(cluster):
        if str(variables.get("innodb_flush_method", "")).lower() in ("nosync", "littlesync"):
            yield Evidence(host, f"innodb_flush_method = {variables['innodb_flush_method']}", "nosync")


@rule(
    "MHA-R015", "serious", "Statements are replicated, not rows",
    why="Statements may change other rows on the replica, silently.",
    mend="binlog_format = ROW", variable="mysql_settings", needs=_MYSQL,
)  # fmt: skip
def not_rows(cluster: Cluster) -> Iterator[Evidence]:
    yield from _not(cluster, "binlog_format", ("ROW",), of_binlog=True)


@rule(
    "MHA-R021", "warning", "Binary logs expire sooner than an outage ends",
    why="A replica that was away for longer cannot catch up and must be seeded anew.",
    mend="binlog_expire_logs_seconds of several days.", variable="mysql_settings", needs=_MYSQL,
)  # fmt: skip
def short_binlogs(cluster: Cluster) -> Iterator[Evidence]:
    for host, variables in _variables(cluster):
        seconds = int(variables.get("binlog_expire_logs_seconds") or 0)
        if 0 < seconds < OUTAGE and _logs(variables):
            yield Evidence(host, f"binary logs are kept for {seconds / 3600:.0f} h", seconds)


def _mutual(cluster: Cluster) -> list[tuple[str, str]]:
    """Pairs that replicate from each other."""
    follows = {
        (host, cluster.source(channel))
        for host, channel, _name in _channels(cluster)
        if not _rests(cluster, host, channel)
    }
    return sorted((a, b) for a, b in follows if b and a < b and (b, a) in follows)


@rule(
    "MHA-R022", "warning", "Two sources hand out the same auto-increment values",
    why="When both accept writes for a moment, rows collide and replication stops.",
    mend="auto_increment_increment = 2 with offsets 1 and 2, or only one source.", needs=("mysql", "os"),
)  # fmt: skip
def colliding_increments(cluster: Cluster) -> Iterator[Evidence]:
    variables = dict(_variables(cluster))
    for one, other in _mutual(cluster):
        steps = [int(variables[host].get("auto_increment_increment", 0)) for host in (one, other)]
        offsets = [int(variables[host].get("auto_increment_offset", 0)) for host in (one, other)]
        if 0 in steps or 0 in offsets:
            continue
        if min(steps) < 2 or steps[0] != steps[1] or offsets[0] == offsets[1]:
            text = f"{one} and {other}: increments {steps[0]} and {steps[1]}, offsets {offsets[0]} and {offsets[1]}"
            yield Evidence(one, text, steps + offsets)


@rule(
    "MHA-R023", "warning", "Replication runs in cleartext",
    why="Everybody in the network reads the data, and with old plugins the password.",
    mend="SOURCE_SSL=1 with a CA and SOURCE_SSL_VERIFY_SERVER_CERT=1.", needs=_MYSQL,
    variable="mysql_tls_ca_certificate",
)  # fmt: skip
def cleartext(cluster: Cluster) -> Iterator[Evidence]:
    for host, channel, name in _channels(cluster):
        if channel.get("source_ssl") is False:
            yield Evidence(host, f"{name} from {channel['source_host']} is not encrypted", False)


@rule(
    "MHA-R024", "info", "The source of a channel is not verified",
    why="Encryption without a verified certificate does not keep out somebody in the middle.",
    mend="SOURCE_SSL_CA and SOURCE_SSL_VERIFY_SERVER_CERT=1.", variable="mysql_tls_ca_certificate", needs=_MYSQL,
)  # fmt: skip
def unverified(cluster: Cluster) -> Iterator[Evidence]:
    for host, channel, name in _channels(cluster):
        if channel.get("source_ssl") and channel.get("source_ssl_verify") is False:
            yield Evidence(host, f"{name} from {channel['source_host']} is encrypted but not verified", False)


@rule(
    "MHA-R025", "serious", "Prepared XA transactions on a server that is not the writer",
    why="XA COMMIT succeeds even under super_read_only: a transaction nobody else has.",
    mend="XA RECOVER, here and on the writer; roll back what the writer does not have and no coordinator will end.",
    needs=_MYSQL,
)  # fmt: skip
def prepared_xa(cluster: Cluster) -> Iterator[Evidence]:
    prepared = [each for each in cluster.having("mysql") if each[1].get("read_only") and each[1].get("xa_prepared")]
    if not prepared:
        return
    # XA PREPARE is replicated: while the writer has any, or may have, a replica has them rightly.
    native = {
        host for system in systems(cluster) for host in system.hosts
        if not system.follows_outsiders()
        and all(mysql.get("xa_prepared") == 0 for writer, mysql in system.having("mysql") if writer in system.writers())
    }  # fmt: skip
    for host, mysql in prepared:
        if host in native:
            yield Evidence(host, f"{mysql['xa_prepared']} prepared XA transactions", mysql["xa_prepared"])


@rule(
    "MHA-R026", "serious", "A persisted variable opens writes at boot",
    why="SET PERSIST wins over every option file: this server does not boot read-only whatever its files say.",
    mend="RESET PERSIST read_only; RESET PERSIST super_read_only.", needs=_MYSQL,
)  # fmt: skip
def persisted(cluster: Cluster) -> Iterator[Evidence]:
    for host, mysql in cluster.having("mysql"):
        for name in ("read_only", "super_read_only"):
            value = str((mysql.get("persisted_variables") or {}).get(name, "ON")).upper()
            if value in ("OFF", "0", "FALSE"):
                yield Evidence(host, f"{name} = {value} is persisted", value)


@rule(
    "MHA-R029", "serious", "A channel points at its own server",
    why="Equal server ids stop it at once, or a server applies its own transactions twice.",
    mend="Point it at another member. A channel at the writer VIP belongs on servers that never hold it.",
    needs=("mysql", "os"),
)  # fmt: skip
def own_source(cluster: Cluster) -> Iterator[Evidence]:
    ports = {host: mysql.get("port") for host, mysql in cluster.having("mysql")}
    for host, channel, name in _channels(cluster):
        source, port = channel.get("source_host") or "", channel.get("source_port")
        if cluster.home(source, port) == host and port == ports[host] and not _rests(cluster, host, channel):
            yield Evidence(host, f"{name} replicates from {source}, which is on this host", source)
