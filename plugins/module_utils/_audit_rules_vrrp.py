# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hazards of VRRP between hosts: VIPs, instances that belong together. Predicates on `vrrp`, `vips` and `mysql`."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any, NamedTuple

from ._audit import Cluster, Evidence, Rules
from ._audit_clusters import systems

RULES = Rules()
rule = RULES.rule
Facts = dict[str, Any]
_VRRP = ("vrrp",)


def instances(cluster: Cluster) -> Iterator[tuple[str, Facts, Facts]]:
    """Host, the instance as it is, and as it is configured (empty where it is not)."""
    for host, vrrp in cluster.having("vrrp"):
        written: dict[str, Facts] = {}
        for entry in (vrrp.get("configuration") or {}).get("instances") or []:
            written.setdefault(entry["name"], entry)  # of equal names keepalived keeps the first
        for instance in vrrp.get("instances", []):
            yield host, instance, written.get(instance["name"], {})


def place(configured: Facts, name: str) -> str | None:
    """file:line of a keyword, else of its instance."""
    return configured.get("places", {}).get(name) or configured.get("at")


def by_vip(cluster: Cluster) -> dict[str, list[tuple[str, Facts, Facts]]]:
    """Instances of all hosts that have the same address."""
    found: dict[str, list[tuple[str, Facts, Facts]]] = {}
    for host, instance, configured in instances(cluster):
        for vip in instance["vips"]:
            found.setdefault(vip["address"], []).append((host, instance, configured))
    return found


def _vips(cluster: Cluster) -> dict[str, dict[str, Facts]]:
    """Address -> host -> what vip_info says; only addresses that VRRP moves."""
    found: dict[str, dict[str, Facts]] = {}
    for host, vips in cluster.having("vips"):
        for vip in vips:
            if {"vrrp", "states"} & set(vip["sources"]):
                found.setdefault(vip["address"], {})[host] = vip
    return found


def _unequal(cluster: Cluster, field: str, keyword: str, what: str) -> Iterator[Evidence]:
    for address, members in by_vip(cluster).items():
        values = {host: instance[field] for host, instance, _configured in members if instance[field] is not None}
        if len(set(values.values())) < 2:
            continue
        for host, instance, configured in members:
            others = ", ".join(f"{value} on {other}" for other, value in values.items() if other != host)
            text = f"{what} {instance[field]} for {address}, but {others}"
            yield Evidence(host, text, instance[field], place(configured, keyword))


@rule(
    "MHA-V001", "critical", "A VIP is on more than one host",
    why="Clients reach one or the other by chance: writes go to two servers, or to one that is read-only.",
    mend="Find out which host leads, remove the address from the others, then mend what let both lead.",
    needs=("vips",),
)  # fmt: skip
def vip_twice(cluster: Cluster) -> Iterator[Evidence]:
    for address, hosts in _vips(cluster).items():
        here = [host for host, vip in hosts.items() if vip["here"]]
        for host, vip in hosts.items():
            if len(here) > 1 and host in here:
                others = ", ".join(other for other in here if other != host)
                yield Evidence(host, f"{address} is here and on {others}", address, vip["at"])
            elif len(here) <= 1 and vip["conflict"]:
                text = f"{vip['holders']} hosts answer for {address}: {', '.join(vip['others'])}"
                yield Evidence(host, text, address, vip["at"])


@rule(
    "MHA-V002", "critical", "A VIP is on no host",
    why="Clients cannot reach the database.", mend="Look for FAULT states and stopped daemons.", needs=("vips",),
)  # fmt: skip
def vip_nowhere(cluster: Cluster) -> Iterator[Evidence]:
    for address, hosts in _vips(cluster).items():
        # Somebody outside the inventory may hold it; only an answer of nobody is evidence.
        if all(vip["holders"] == 0 for vip in hosts.values()):
            for host, vip in hosts.items():
                yield Evidence(host, f"nobody has {address}", address, vip["at"])


@rule(
    "MHA-V003", "critical", "A VIP stands in front of a read-only server",
    why="Clients reach a server that refuses their writes, and nothing moves the VIP away.",
    mend="Let the check of the VIP ask for the role, not for the port.", variable="agent_takeover",
    needs=("vips", "mysql"),
)  # fmt: skip
def vip_read_only(cluster: Cluster) -> Iterator[Evidence]:
    for system in systems(cluster):
        known = {
            address: {host: _server(system, host, vip) for host, vip in hosts.items()}
            for address, hosts in _vips(system).items()
        }
        for address, hosts in _vips(system).items():
            servers = known[address]
            behind = {name for name, _read_only in servers.values()}
            writers = [name for name, read_only in servers.values() if read_only is False]
            if behind <= set(system.hosts):  # else they are another system's, of which no more is known
                writers = system.writers()
            if not _for_writes(system, writers, behind):
                continue
            # Of several VIPs one is for writes: those that the writer holds.
            held = [
                other for other, seen in _vips(system).items()
                if other != address
                and any(vip["here"] and known[other][host][0] in writers for host, vip in seen.items())
            ]  # fmt: skip
            for host, vip in hosts.items():
                name, read_only = servers[host]
                spare = any(known[other].get(host) == servers[host] for other in held)
                if vip["here"] and read_only and not spare:
                    on = "read_only = ON" if name == host else f"read_only = ON on {name}"
                    who = f"the writer is {', '.join(writers)}" if writers else "there is no writer"
                    yield Evidence(host, f"{address} is here, {on}, and {who}", address, vip["at"])


def _server(system: Cluster, host: str, vip: Facts) -> tuple[str, bool | None]:
    """The server that a VIP on this host leads to, and whether it is read-only, as far as that is known."""
    if "server" in vip:
        return (vip["server"] or {}).get("host", ""), (vip["server"] or {}).get("read_only")
    return host, dict(system.having("mysql")).get(host, {}).get("read_only")


def _for_writes(system: Cluster, writers: list[str], behind: set[str]) -> bool:
    """One that the writer's host does not know is for reads. The writer may be none of those that were asked."""
    if writers:
        return any(name in behind for name in writers)
    return behind <= set(system.hosts) and not system.follows_outsiders()


@rule(
    "MHA-V004", "critical", "Hosts use different virtual router ids for one VIP",
    why="They do not hear each other: both lead.", mend="One virtual_router_id for one VIP, on all its hosts.",
    variable="cluster_virtual_router_id", needs=_VRRP,
)  # fmt: skip
def unequal_ids(cluster: Cluster) -> Iterator[Evidence]:
    yield from _unequal(cluster, "virtual_router_id", "virtual_router_id", "virtual router id")


@rule(
    "MHA-V005", "serious", "One virtual router id serves different VIPs",
    why="Instances that do not belong together take each other's advertisements for their own.",
    mend="A virtual_router_id of its own for each VIP in the network.", needs=_VRRP,
    variable="cluster_virtual_router_id",
)  # fmt: skip
def shared_ids(cluster: Cluster) -> Iterator[Evidence]:
    users: dict[tuple[Any, int], list[_User]] = {}
    for host, facts in {**(cluster.around or {}), **cluster.hosts}.items():
        for _host, instance, configured in instances(Cluster("", {host: facts})):
            if instance["virtual_router_id"] is not None and instance["vips"]:
                addresses = frozenset(vip["address"] for vip in instance["vips"])
                family = ":" in instance["vips"][0]["address"]
                key = instance["virtual_router_id"], family
                users.setdefault(key, []).append(_User(host, facts, instance, configured, addresses))
    for (number, _family), members in users.items():
        for one in members:
            if one.host not in cluster.hosts:
                continue
            clashes = [
                other for other in members
                if one.addresses.isdisjoint(other.addresses) and _meet(one, other, other.host in cluster.hosts)
            ]  # fmt: skip
            if clashes:
                text = f"virtual router id {number} of {one.instance['name']} is for {', '.join(sorted(one.addresses))}"
                foreign = [other for other in clashes if other.host not in cluster.hosts]
                if foreign:
                    text += f"; on {foreign[0].host} for {', '.join(sorted(foreign[0].addresses))}"
                yield Evidence(one.host, text, number, place(one.configured, "virtual_router_id"))


class _User(NamedTuple):
    """An instance that uses a virtual router id."""

    host: str
    facts: Facts
    instance: Facts
    configured: Facts
    addresses: frozenset[str]


def _meet(one: _User, other: _User, near: bool) -> bool:
    """Whether what one advertises reaches the other: in one network, and to its peers only where it names them.

    Where networks are not known, interfaces of one name are one network, if both are of one cluster (`near`).
    """
    alike = bool(one.instance["interface"] == other.instance["interface"])
    mine, theirs = {*one.instance["peers"]}, {*other.instance["peers"]}
    if one.host == other.host:
        return alike and (mine == theirs or bool(mine & theirs))
    if mine or theirs:
        return _reaches(mine, other) or _reaches(theirs, one)
    networks = _networks(one), _networks(other)
    return bool(networks[0] & networks[1]) if all(networks) else near and alike


def _networks(user: _User) -> set[str]:
    """Of the interface of an instance."""
    return {
        str(ipaddress.ip_interface(f"{entry['address']}/{entry['prefix']}").network)
        for entry in (user.facts.get("os") or {}).get("networks") or []
        if entry["interface"] == user.instance["interface"] and entry["prefix"] not in (32, 128)
    }


def _reaches(peers: set[str], user: _User) -> bool:
    os = user.facts.get("os") or {}
    known = os.get("networks")
    here = {each["address"] for each in known or [] if each["interface"] == user.instance["interface"]}
    return bool(peers & (here if known else {*os.get("addresses", [])}))


@rule(
    "MHA-V007", "warning", "Hosts have equal priorities",
    why="Who starts first leads; two that start together are decided by their addresses.",
    mend="A priority of its own for each host.", needs=_VRRP,
)  # fmt: skip
def equal_priorities(cluster: Cluster) -> Iterator[Evidence]:
    for address, members in by_vip(cluster).items():
        for host, instance, configured in members:
            equal = [
                other
                for other, theirs, _configured in members
                if other != host and theirs["priority"] == instance["priority"]
            ]
            if equal and instance["priority"] is not None:
                text = f"priority {instance['priority']} for {address}, as on {', '.join(equal)}"
                yield Evidence(host, text, instance["priority"], place(configured, "priority"))


@rule(
    "MHA-V011", "critical", "Two hosts lead one VIP",
    why="Their advertisements do not reach each other: a firewall or a switch drops VRRP, most often its multicast.",
    mend="Let protocol 112 through, or name the peers with unicast_peer.", needs=_VRRP,
)  # fmt: skip
def two_masters(cluster: Cluster) -> Iterator[Evidence]:
    for address, members in by_vip(cluster).items():
        masters = [host for host, instance, _configured in members if instance["state"] == "MASTER"]
        for host, instance, configured in members:
            if len(masters) > 1 and host in masters:
                how = f"unicast to {', '.join(instance['peers'])}" if instance["peers"] else "multicast"
                others = ", ".join(other for other in masters if other != host)
                text = f"MASTER for {address} by {how}, and so is {others}"
                yield Evidence(host, text, address, place(configured, "unicast_peer"))


@rule(
    "MHA-V020", "serious", "Hosts advertise at different intervals",
    why="VRRP version 2 drops advertisements with another interval: both lead. Version 3 fails over unevenly.",
    mend="One advert_int on all hosts.", variable="keepalived_advert_interval", needs=_VRRP,
)  # fmt: skip
def unequal_intervals(cluster: Cluster) -> Iterator[Evidence]:
    yield from _unequal(cluster, "advert_int", "advert_int", "advert_int")


@rule(
    "MHA-V021", "critical", "A stale VIP",
    why="A killed keepalived leaves its addresses behind: this host answers for one that others hold or will take.",
    mend="Remove the address, start keepalived, and let systemd restart it.", needs=("vips",),
)  # fmt: skip
def stale(cluster: Cluster) -> Iterator[Evidence]:
    for address, hosts in _vips(cluster).items():
        for host, vip in hosts.items():
            if vip["stale"]:
                on = ", ".join(each["interface"] for each in vip["places"])
                yield Evidence(host, f"{address} is on {on}: {vip['reason']}", address, vip["at"])


@rule(
    "MHA-V027", "serious", "Hosts speak different versions of VRRP",
    why="Neither understands the other: both lead.", mend="One version on all hosts.",
    variable="keepalived_vrrp_version", needs=_VRRP,
)  # fmt: skip
def unequal_versions(cluster: Cluster) -> Iterator[Evidence]:
    yield from _unequal(cluster, "version", "version", "VRRP version")
