# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxies (HAProxy) of the inventory: what their users write, where they live, and what each of them is told.

Pure. The rules are in `_model_proxy_rules`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._model_input import (
    INTERFACE,
    Instance,
    InterfaceAddress,
    Problems,
    Variable,
    check_name,
    read_addresses,
    read_variables,
)
from ._model_place import Place, Seeker, own_address, refuse_unknown, usable_addresses
from ._model_rules import Cluster
from ._model_values import Address, Refused, integer, one_of, read_address, read_text, refuse_immovable

PROXIES_GROUP = "haproxy"
FIRST_PRIORITY = 230


def _read_names(value: object) -> tuple[str, ...]:
    mend = "write a list of DNS names, e.g. [db.example.com]"
    if not isinstance(value, (list, tuple)):
        raise Refused("is not a list", mend)
    names = [read_text(item) for item in value]
    if any(not re.fullmatch(r"[A-Za-z0-9*]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", name) for name in names):
        raise Refused("has an item that is no DNS name", mend)
    return tuple(dict.fromkeys(names))


def _read_vip(value: object) -> Address:
    vip = read_address(value)
    refuse_immovable(vip)
    return vip


def _is_written(value: object) -> bool:
    """Whether services are written by hand. What is right or wrong in them, the filter haproxy_checked judges."""
    return bool(value)


PROXY_VARIABLES = (
    Variable("haproxy_state", one_of("present", "absent"), "present"),
    Variable("haproxy_vip", _read_vip),
    Variable("haproxy_virtual_router_id", integer(1, 255)),
    Variable("haproxy_address", read_address),
    Variable("haproxy_interface", INTERFACE),
    Variable("haproxy_source_address", read_address),
    Variable("haproxy_priority", integer(1, 254)),
    Variable("haproxy_names", _read_names, []),
    Variable("haproxy_view_port", integer(0, 65535), 8407),
    Variable("haproxy_services", _is_written),
    Variable("ansible_host", read_text),
)


@dataclass(frozen=True)
class Proxy:
    """One host of the group. values: by the names of PROXY_VARIABLES; None: not given, or refused."""

    name: str
    in_play: bool
    values: dict[str, Any]
    refused: frozenset[str]
    addresses: tuple[InterfaceAddress, ...] | None
    place: Place | None = field(default=None)
    leaving: tuple[str, ...] = ()  # the addresses of one that goes

    @property
    def machine(self) -> str:
        return self.values["ansible_host"] or self.name

    @property
    def present(self) -> bool:
        return bool(self.values["haproxy_state"] != "absent")

    @property
    def source(self) -> Address | None:
        """By which the members see it."""
        return self.values["haproxy_source_address"] or (self.place.address if self.place else None)


def read_proxy(name: str, host: Mapping[str, Any], in_play: bool, problems: Problems) -> Proxy:
    # A list of services may be built from what this very run derives.
    variables, unreadable = dict(host.get("variables", {})), dict(host.get("unreadable", {}))
    if "haproxy_services" in unreadable or isinstance(variables.get("haproxy_services"), str):
        unreadable.pop("haproxy_services", None)
        variables["haproxy_services"] = ["not known yet"]
    readable = {**host, "variables": variables, "unreadable": unreadable}
    values, refused = read_variables(PROXY_VARIABLES, name, readable, problems)
    check_name(name, problems)
    return Proxy(name, in_play, values, frozenset(refused), read_addresses(host))


def proxy_vips(proxies: Sequence[Proxy]) -> list[Address]:
    return list(dict.fromkeys(vip for proxy in proxies if (vip := proxy.values["haproxy_vip"])))


# --- Where it lives


def find_proxy_place(
    proxy: Proxy, clusters: Sequence[Cluster], moving: Sequence[Address], problems: Problems
) -> Place | None:
    """Its own address: in the subnet of its VIP, else in that of a cluster, else the one by which Ansible reaches it.

    moving: addresses that move between hosts and are nobody's own. Outside the play, where no facts are, it is as the
    inventory says.
    """
    if not proxy.present or proxy.refused & {"haproxy_vip", "haproxy_address", "haproxy_interface"}:
        return None
    try:
        member = _place_as_member(proxy, clusters)
        if member:
            return member
        if not proxy.in_play and not proxy.addresses:
            return _told_place(proxy, clusters)
        refuse_unknown(proxy.addresses)
        usable = usable_addresses(proxy.addresses, proxy.values["haproxy_interface"], "haproxy")
        found = _in_subnet(proxy, clusters, moving) or _anywhere(
            proxy, [entry for entry in usable if entry.address.ip not in moving]
        )
    except Refused as refusal:
        problems.add([proxy.name], refusal.text, refusal.mend)
        return None
    return Place(found.interface, found.address.ip, found.address.network)


def _place_as_member(proxy: Proxy, clusters: Sequence[Cluster]) -> Place | None:
    """A member that is a proxy too is where the cluster found it, unless something else is asked for."""
    vip, wanted = proxy.values["haproxy_vip"], proxy.values["haproxy_address"]
    for cluster in clusters:
        place = cluster.places.get(proxy.name)
        if place and wanted in (None, place.address) and (vip is None or vip in place.network):
            return Place(proxy.values["haproxy_interface"] or place.interface, place.address, place.network)
    return None


def _in_subnet(
    proxy: Proxy, clusters: Sequence[Cluster], moving: Sequence[Address]
) -> InterfaceAddress | None:
    """Raises Refused where a VIP needs it; a proxy without a VIP may be in another subnet than the clusters."""
    vip = proxy.values["haproxy_vip"]
    if vip is not None:
        return own_address(_seeker(proxy, vip, f"haproxy_vip '{vip}'"), moving)
    near = [entry.address.network for entry in proxy.addresses or () if entry.address.ip not in moving]
    for cluster in clusters:
        writer_vip = cluster.value("cluster_vip")
        wanted = proxy.values["haproxy_address"]
        if writer_vip and any(writer_vip.ip in network and (not wanted or wanted in network) for network in near):
            return own_address(_seeker(proxy, writer_vip.ip, f"cluster_vip '{writer_vip}'"), moving)
    return None


def _seeker(proxy: Proxy, vip: Address, shown: str) -> Seeker:
    return Seeker(
        proxy.name, proxy.machine, proxy.addresses, vip, shown, proxy.values["haproxy_address"],
        proxy.values["haproxy_interface"], "haproxy",
    )  # fmt: skip


def _anywhere(proxy: Proxy, own: Sequence[InterfaceAddress]) -> InterfaceAddress:
    wanted = proxy.values["haproxy_address"]
    shown = ", ".join(dict.fromkeys(str(entry.address.ip) for entry in own))
    if wanted is not None:
        fitting = [entry for entry in own if entry.address.ip == wanted]
        if not fitting:
            raise Refused(
                f"haproxy_address '{wanted}' is not an address of the host", f"write {shown}, or leave it out"
            )
        return fitting[0]
    reached = [entry for entry in own if str(entry.address.ip) == proxy.machine]
    primary = [entry for entry in own if entry.primary]
    for found in (reached, primary, own):
        if len(found) == 1:
            return found[0]
    raise Refused(
        f"haproxy_address is ambiguous: the host has several addresses, none in a cluster's subnet ({shown})",
        "set it to the one that the members see",
    )


def _told_place(proxy: Proxy, clusters: Sequence[Cluster]) -> Place:
    told = proxy.values["haproxy_address"] or proxy.values["haproxy_source_address"]
    try:
        address = told or ipaddress.ip_address(proxy.machine)
    except ValueError:
        raise Refused(
            "haproxy_address is not known, because the host is not in this run (--limit)",
            "set it, or run without --limit",
        ) from None
    networks = [cluster.network for cluster in clusters if cluster.network and address in cluster.network]
    return Place("", address, networks[0] if networks else ipaddress.ip_network(address))


def leaving_addresses(proxy: Proxy, moving: Sequence[Address]) -> tuple[str, ...]:
    """Until it has let go of its VIP it must go on asking the agents, or it would end all its sessions first."""
    if proxy.present:
        return ()
    own = [entry.address.ip for entry in proxy.addresses or ()]
    return tuple(str(ip) for ip in own if not (ip.is_loopback or ip.is_link_local or ip in moving))


# --- What everybody is told


def as_seen_by_members(proxies: Sequence[Proxy]) -> dict[str, Any]:
    """What a member needs to know: who asks its agent, and by what names clients come. Nothing without proxies."""
    present = [proxy for proxy in proxies if proxy.present]
    sources = [str(proxy.source) for proxy in present if proxy.source]
    places = [str(proxy.place.address) for proxy in present if proxy.place]
    vips = [str(vip) for vip in proxy_vips(present)]
    leaving = [address for proxy in proxies for address in proxy.leaving]
    return {
        "proxies": list(dict.fromkeys(sources + leaving)),
        "proxy_views": [
            {"name": proxy.name, "address": str(proxy.source), "port": proxy.values["haproxy_view_port"]}
            for proxy in present
            if proxy.source and proxy.values["haproxy_view_port"]
        ],
        "proxy_addresses": list(dict.fromkeys(vips + places)),
        "proxy_names": list(dict.fromkeys(name for proxy in present for name in proxy.values["haproxy_names"] or ())),
    }


def proxy_models(
    clusters: Sequence[Cluster], proxies: Sequence[Proxy], instances: Sequence[Instance]
) -> dict[str, dict[str, Any]]:
    """`cluster_proxy_model` of each proxy of the play."""
    present = [proxy for proxy in proxies if proxy.present]
    members = {instance.machine for instance in instances}
    proxied = [_proxied(cluster) for cluster in clusters if cluster.proxied and cluster.in_play]
    return {
        proxy.name: {
            "name": proxy.name,
            "interface": proxy.place.interface if proxy.place else "",
            "address": str(proxy.place.address) if proxy.place else "",
            "source": str(proxy.values["haproxy_source_address"] or ""),
            "vip": str(proxy.values["haproxy_vip"] or ""),
            "virtual_router_id": proxy.values["haproxy_virtual_router_id"],
            "priority": proxy.values["haproxy_priority"] or FIRST_PRIORITY - _rank(proxy, present),
            "peers": [str(peer.place.address) for peer in present if peer.place and peer is not proxy],
            "sources": as_seen_by_members(present)["proxies"],
            "on_member": proxy.machine in members,
            "clusters": proxied,
        }
        for proxy in proxies
        if proxy.in_play
    }


def _rank(proxy: Proxy, present: Sequence[Proxy]) -> int:
    return next((rank for rank, other in enumerate(present) if other is proxy), 0)


def _proxied(cluster: Cluster) -> dict[str, Any]:
    """What proxies need to know of a cluster. Candidates first, as everywhere."""
    settings = [instance.settings.mysql_settings for instance in cluster.instances if instance.settings.mysql_settings]
    ordered = sorted(cluster.instances, key=lambda instance: instance.settings.cluster_role != "candidate")
    return {
        "name": cluster.name,
        "writer_port": cluster.value("cluster_proxy_writer_port"),
        "reader_port": cluster.value("cluster_proxy_reader_port"),
        "readers": cluster.value("cluster_readers"),
        "idle_timeout": max(each.idle_timeout for each in settings),
        "takes_proxy_header": all(each.takes_proxy_header for each in settings),
        "servers": [
            {
                "name": instance.name,
                "address": str(cluster.places[instance.name].address),
                "port": instance.settings.mysql_port,
                "weight": instance.settings.haproxy_weight,
                "agent_port": instance.settings.agent_port,
                "candidate": instance.settings.cluster_role == "candidate",
            }
            for instance in ordered
        ],
    }
