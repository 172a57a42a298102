# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts belong together, told from what they do and not from variables: docs/audit-design.md. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from . import _gtid
from ._audit import Cluster, is_own, serves_at

Facts = dict[str, Any]
_NO_VIPS = ("127.0.0.1", "::1", "localhost")


def clusters(hosts: dict[str, Facts], groups: dict[str, list[str]]) -> list[Cluster]:
    """Each host is in one cluster. `groups` are those of the inventory, for names only."""
    members = _joined(hosts, edges(hosts))
    names = [_names_of(found, hosts, groups) for found in members]
    often = Counter(name for each in names for name in set(each))
    return sorted(
        (
            Cluster(
                next((name for name in each if often[name] == 1), found[0]),
                {host: hosts[host] for host in found},
                {host: facts for host, facts in hosts.items() if host not in found},
            )
            for each, found in zip(names, members)
        ),
        key=lambda each: each.name,
    )


def systems(cluster: Cluster) -> list[Cluster]:
    """Those of it that hold the same data: one balancer may stand in front of several databases."""
    members = _joined(cluster.hosts, edges(cluster.hosts, balancers=False))
    return [Cluster(cluster.name, {host: cluster.hosts[host] for host in found}) for found in members]


def _joined(hosts: dict[str, Facts], pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    parents = {host: host for host in hosts}

    def root(host: str) -> str:
        while parents[host] != host:
            parents[host] = parents[parents[host]]
            host = parents[host]
        return host

    for one, other in pairs:
        parents[root(other)] = root(one)
    members: dict[str, list[str]] = {}
    for host in hosts:
        members.setdefault(root(host), []).append(host)
    return list(members.values())


def edges(hosts: dict[str, Facts], balancers: bool = True) -> Iterator[tuple[str, str]]:
    """Pairs of hosts that belong together; without `balancers` those that have the same data."""
    homes: dict[str, list[str]] = {}  # several names may share a machine
    for host, facts in hosts.items():
        for address in (facts.get("os") or {}).get("addresses") or []:
            if address not in _NO_VIPS:
                homes.setdefault(address, []).append(host)
    homes.update(_names(hosts, homes))
    vips: dict[str, list[str]] = {}
    services: dict[tuple[Any, ...], list[str]] = {}
    for host, facts in hosts.items():
        vrrp = facts.get("vrrp") or {}
        for instance in vrrp.get("instances") or []:
            for vip in instance["vips"]:
                vips.setdefault(vip["address"], []).append(host)
        virtual_servers = (vrrp.get("configuration") or {}).get("virtual_servers") or []
        for service in virtual_servers:
            if service["address"] or service["mark"] is not None:  # else a group that is not there
                services.setdefault((service["address"], service["port"], service["mark"]), []).append(host)
        proxies = ((facts.get("haproxy") or {}).get("configuration") or {}).get("proxies") or []
        for pool in [*virtual_servers, *proxies]:
            behind = [
                home for server in pool["servers"] for home in _behind(host, hosts, homes, server["address"] or "")
                if _serves(hosts[home], server)
            ]  # fmt: skip
            # One pool has one database behind it; another pool of the same host may have another.
            members = [host, *behind] if balancers else behind
            yield from zip(members, members[1:])
    groups = [*vips.values(), *(services.values() if balancers else [])]
    yield from (pair for members in groups for pair in zip(members, members[1:]))
    yield from _channels(hosts, homes, vips)
    yield from _histories(hosts)


def _names(hosts: dict[str, Facts], homes: dict[str, list[str]]) -> dict[str, list[str]]:
    """Hosts by what they are called, where no two are called the same: a clone often has its model's name."""
    named: dict[str, list[str]] = {}
    for host, facts in hosts.items():
        for name in {host, *((facts.get("os") or {}).get("names") or [])}:
            named.setdefault(name.lower(), []).append(host)
    return {name: found for name, found in named.items() if len(found) == 1 and name not in (*_NO_VIPS, *homes)}


def _behind(host: str, hosts: dict[str, Facts], homes: dict[str, list[str]], address: str) -> list[str]:
    """Hosts that a balancer's server may be; a loopback address or a socket is on the balancer itself."""
    if not is_own(address):
        return homes.get(address.lower(), [])
    names = [host, *((hosts[host].get("os") or {}).get("shared_with") or [])]
    return [each for each in names if serves_at((hosts.get(each) or {}).get("mysql") or {}, address, None)]


def _serves(facts: Facts, server: Facts) -> bool:
    """A machine may carry several instances; its port tells which one is meant."""
    port = (facts.get("mysql") or {}).get("port")
    return port is None or server["port"] in (None, 0, port)


def _channels(
    hosts: dict[str, Facts], homes: dict[str, list[str]], vips: dict[str, list[str]]
) -> Iterator[tuple[str, str]]:
    owners = _owners(hosts)
    for host, facts in hosts.items():
        for channel in (facts.get("mysql") or {}).get("channels") or []:
            source, port = channel.get("source_host") or "", channel.get("source_port")
            for home in [*homes.get(source.lower(), []), *vips.get(source, [])]:
                if home != host and _serves(hosts[home], {"port": port}):
                    yield host, home
            # A source may go by a name that only its replica knows.
            followed = owners.get((channel.get("source_uuid") or "").lower(), [])
            if len(followed) == 1 and followed != [host]:
                yield host, followed[0]


def _owners(hosts: dict[str, Facts]) -> dict[str, list[str]]:
    """Hosts by server UUID, which copies of one machine share."""
    owners: dict[str, list[str]] = {}
    for host, facts in hosts.items():
        uuid = (facts.get("mysql") or {}).get("server_uuid")
        if uuid:
            owners.setdefault(uuid.lower(), []).append(host)
    return owners


def _histories(hosts: dict[str, Facts]) -> Iterator[tuple[str, str]]:
    """Who has transactions of whom."""
    owners = _owners(hosts)
    for host, facts in hosts.items():
        try:
            executed = _gtid.parse((facts.get("mysql") or {}).get("gtid_executed") or "")
        except ValueError:  # MariaDB's
            continue
        for uuid in {key[:36] for key in executed}:
            # Copies of one machine have equal UUIDs and may serve different clusters.
            if len(owners.get(uuid, [])) == 1 and owners[uuid] != [host]:
                yield host, owners[uuid][0]


def _names_of(members: list[str], hosts: dict[str, Facts], groups: dict[str, list[str]]) -> list[str]:
    """The best name first; one that fits several clusters is nobody's."""
    fitting = sorted(
        (len(names), group)
        for group, names in groups.items()
        if group not in ("all", "ungrouped") and set(members) <= set(names)
    )
    vips = (
        vip["address"]
        for host in members
        for instance in (hosts[host].get("vrrp") or {}).get("instances") or []
        for vip in instance["vips"]
    )
    return [*(group for _size, group in fitting), *vips, *members]
