# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hazards of semi-synchronous replication. Pure predicates on the facts of replication_info (`mysql`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._audit import Cluster, Evidence, Rules
from ._audit_clusters import systems

RULES = Rules()
rule = RULES.rule
_MYSQL = ("mysql",)
LONG_ENOUGH = 3600 * 1000  # milliseconds


def _semi_sync(cluster: Cluster) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for host, mysql in cluster.having("mysql"):
        if mysql.get("semi_sync"):
            yield host, mysql["semi_sync"], mysql


@rule(
    "MHA-R016", "warning", "Commits do not wait for a copy",
    why="A crash of the writer takes what replicas have not received yet, although it was acknowledged.",
    mend="Semi-synchronous replication, on the writer and on every candidate.", needs=_MYSQL,
    variable="mysql_durability",
)  # fmt: skip
def absent(cluster: Cluster) -> Iterator[Evidence]:
    for system in systems(cluster):
        if sum(1 for facts in system.hosts.values() if "mysql" in facts) < 2:
            continue  # there is nobody who could have a copy
        for host, state, mysql in _semi_sync(system):
            if mysql.get("read_only") is False and not mysql.get("group") and not state.get("source_enabled"):
                loaded = "is off" if state.get("source_enabled") is False else "is not loaded"
                text = f"semi-synchronous replication {loaded} on the writer"
                yield Evidence(host, text, state.get("source_enabled"))


@rule(
    "MHA-R017", "serious", "Semi-synchronous replication has silently fallen back",
    why="Commits are acknowledged without a copy although everybody believes otherwise.",
    mend="Find out why replicas do not acknowledge; a timeout long enough that it never falls back by itself.",
    variable="mysql_durability", needs=_MYSQL,
)  # fmt: skip
def degraded(cluster: Cluster) -> Iterator[Evidence]:
    for host, state, mysql in _semi_sync(cluster):
        if mysql.get("read_only") is False and state.get("source_enabled") and state.get("source_active") is False:
            clients = state.get("clients")
            yield Evidence(host, f"enabled but not active, with {clients} replicas that acknowledge", clients)


@rule(
    "MHA-R018", "warning", "Semi-synchronous replication falls back after a time",
    why="A server that hangs for longer than the timeout acknowledges, when it wakes up, what its successor never got.",
    mend="rpl_semi_sync_source_timeout practically infinite, and something that decides on purpose.",
    variable="mysql_durability", needs=_MYSQL,
)  # fmt: skip
def finite_timeout(cluster: Cluster) -> Iterator[Evidence]:
    for host, state, _mysql in _semi_sync(cluster):
        timeout = state.get("timeout_ms")
        if state.get("source_enabled") and timeout is not None and timeout < LONG_ENOUGH:
            yield Evidence(host, f"it falls back after {timeout} ms", timeout)
        if state.get("source_enabled") and state.get("wait_no_replica") is False:
            yield Evidence(host, "it falls back as soon as no replica is connected", False)


@rule(
    "MHA-R019", "warning", "A restart discards received transactions",
    why="relay_log_recovery throws away what was acknowledged and not yet applied; with the source dead, it is lost.",
    mend="relay_log_recovery = OFF where semi-synchronous acknowledgements are relied on.", needs=_MYSQL,
)  # fmt: skip
def relay_log_recovery(cluster: Cluster) -> Iterator[Evidence]:
    for host, state, mysql in _semi_sync(cluster):
        value = str(mysql.get("variables", {}).get("relay_log_recovery", "OFF")).upper()
        if state.get("replica_enabled") and value in ("ON", "1"):
            yield Evidence(host, "relay_log_recovery = ON on a replica that acknowledges", value)


@rule(
    "MHA-R020", "warning", "Acknowledged transactions are not on the replica's disk",
    why="With sync_relay_log far from 1 a power cut of both servers takes them.",
    mend="sync_relay_log = 1 where semi-synchronous acknowledgements are relied on.", needs=_MYSQL,
    variable="mysql_settings",
)  # fmt: skip
def relay_log_unsynced(cluster: Cluster) -> Iterator[Evidence]:
    for host, state, mysql in _semi_sync(cluster):
        value = mysql.get("variables", {}).get("sync_relay_log")
        if state.get("replica_enabled") and value is not None and int(value) != 1:
            yield Evidence(host, f"sync_relay_log = {value} on a replica that acknowledges", int(value))
