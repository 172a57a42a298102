# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hazards of who writes: none, several, or somebody else than the writer. Pure predicates on `mysql`.

They look at those who have the same data (`systems`): behind one balancer may be several databases, each with a writer.
Members of Galera and Group Replication have rules of their own for that: nothing is said of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from . import _gtid
from ._audit import Cluster, Evidence, Rules
from ._audit_clusters import systems

RULES = Rules()
rule = RULES.rule
_MYSQL = ("mysql",)
Facts = dict[str, Any]


def _sets(cluster: Cluster) -> dict[str, _gtid.GtidSet]:
    return {
        host: _gtid.parse(mysql.get("gtid_executed") or "")
        for host, mysql in cluster.having("mysql")
        # Empty is a set too, of a source whose history was just begun anew.
        if (mysql.get("gtid_executed") or mysql.get("gtid_mode") == "ON") and mysql.get("flavour") != "mariadb"
    }


def _beyond_writer(cluster: Cluster, own: bool) -> Iterator[Evidence]:
    """What others have and the only writer lacks, of their own (`own`) or of third servers. Not what the writer itself
    wrote: it goes on writing while we read."""
    for system in systems(cluster):
        writers, sets = system.writers(), _sets(system)
        if len(writers) == 1 and writers[0] in sets and not _groups(system):
            yield from _lacking(system, writers[0], sets, own)


def _lacking(system: Cluster, writer: str, sets: dict[str, _gtid.GtidSet], own: bool) -> Iterator[Evidence]:
    uuids = {host: str(mysql.get("server_uuid", "")).lower() for host, mysql in system.having("mysql")}
    passed_over = {uuids[writer]} | (set() if own else _arriving(system, writer))
    for host, executed in sets.items():
        extra = {
            key: intervals
            for key, intervals in _gtid.subtract(executed, sets[writer]).items()
            if (key[:36] == uuids[host]) == own and key[:36] not in passed_over
        }
        if host != writer and extra:
            shown = _gtid.show(extra)
            yield Evidence(host, f"{writer}, the writer, lacks {shown}", shown)


def _arriving(system: Cluster, writer: str) -> set[str]:
    """UUIDs of transactions that the writer is receiving from elsewhere: it had fewer of them when it was read."""
    found: set[str] = set()
    for channel in system.hosts[writer]["mysql"].get("channels") or []:
        if channel.get("io_running") == "Yes":
            found |= {key[:36] for key in _gtid.parse(channel.get("received_gtid") or "")}
            found.add(str(channel.get("source_uuid") or "").lower())
    return found


def _groups(system: Cluster) -> bool:
    return any(mysql.get("group") for _host, mysql in system.having("mysql"))


@rule(
    "MHA-R004", "serious", "Errant transactions",
    why="They were written on a server that is not the writer. When it becomes the writer they come back everywhere, "
    "or replication stops because they are purged.",
    mend="Compare the data, then seed the server anew from the writer.", variable="agent_rejoin", needs=_MYSQL,
)  # fmt: skip
def errant(cluster: Cluster) -> Iterator[Evidence]:
    yield from _beyond_writer(cluster, own=True)
    for system in systems(cluster):
        writers = system.writers()
        positions = {host: _positions(mysql) for host, mysql in system.having("mysql")}
        if len(writers) != 1 or _groups(system):
            continue
        for host, domains in positions.items():
            for domain, (server, sequence) in domains.items():
                theirs = positions[writers[0]].get(domain)
                own = host != writers[0] and server == system.hosts[host]["mysql"].get("server_id")
                if own and theirs and theirs[1] < sequence:
                    shown = f"{domain}-{server}-{sequence}"
                    text = f"{writers[0]}, the writer, lacks {shown}: it is at {domain}-{theirs[0]}-{theirs[1]}"
                    yield Evidence(host, text, shown)


def _positions(mysql: Facts) -> dict[int, tuple[int, int]]:
    """MariaDB's: by domain, who wrote the last transaction, and its number. Only the last one can be judged."""
    if mysql.get("flavour") != "mariadb":
        return {}
    found = re.findall(r"(\d+)-(\d+)-(\d+)", mysql.get("gtid_executed") or "")
    return {int(domain): (int(server), int(sequence)) for domain, server, sequence in found}


@rule(
    "MHA-R008", "critical", "More than one server accepts writes",
    why="Two writers diverge, and no failover can mend that.",
    mend="Decide which one is right, set super_read_only on the others at once, compare, seed anew.", needs=_MYSQL,
)  # fmt: skip
def many_writers(cluster: Cluster) -> Iterator[Evidence]:
    for system in systems(cluster):
        writers = [host for host in system.writers() if not system.hosts[host]["mysql"].get("group")]
        for host in writers:
            others = ", ".join(each for each in writers if each != host)
            if others:
                yield Evidence(host, f"read_only = OFF here and on {others}", False)


@rule(
    "MHA-R027", "serious", "A replica is ahead of the writer",
    why="It has transactions of a former source that the writer never got; it follows without an error and differs.",
    mend="Compare the data, then seed the replica anew from the writer.", variable="agent_rejoin", needs=_MYSQL,
)  # fmt: skip
def ahead(cluster: Cluster) -> Iterator[Evidence]:
    yield from _beyond_writer(cluster, own=False)


@rule(
    "MHA-R028", "critical", "No server accepts writes",
    why="Applications cannot write at all.",
    mend="Find out why the last writer was closed before you open one.", needs=_MYSQL,
)  # fmt: skip
def no_writer(cluster: Cluster) -> Iterator[Evidence]:
    if len(dict(cluster.having("mysql"))) < sum(1 for facts in cluster.hosts.values() if "mysql" in facts):
        return  # a host that did not answer may be the writer
    for system in systems(cluster):
        states = {host: mysql.get("read_only") for host, mysql in system.having("mysql")}
        if all(states.values()) and not system.follows_outsiders() and not _groups(system):
            for host in states:
                yield Evidence(host, "read_only = ON", True)


@rule(
    "MHA-R030", "info", "A group decides who writes",
    why="Galera and Group Replication choose and fence by themselves: rules of source and replica do not look there.",
    mend="Ask the group: wsrep_cluster_status, or performance_schema.replication_group_members.", needs=_MYSQL,
)  # fmt: skip
def group_member(cluster: Cluster) -> Iterator[Evidence]:
    kinds = {"galera": "Galera", "group_replication": "Group Replication"}
    for host, mysql in cluster.having("mysql"):
        if mysql.get("group"):
            yield Evidence(host, f"{kinds.get(mysql['group'], mysql['group'])} is configured", mysql["group"])
