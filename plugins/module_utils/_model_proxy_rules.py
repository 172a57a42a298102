# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold for the proxies of the inventory, between them and towards clusters and directors.

Pure. A rule that lacks a value (missing, or refused when it was read) stays silent: that is reported already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ._model_director import Director
from ._model_input import Instance, Problems
from ._model_place import Place, is_taken
from ._model_proxy import PROXIES_GROUP, Proxy, proxy_vips
from ._model_rules import Cluster
from ._model_values import Address, Refused, refuse_edge

PORTS = ("cluster_proxy_writer_port", "cluster_proxy_reader_port")


def check_proxies(
    clusters: Sequence[Cluster], instances: Sequence[Instance], directors: Sequence[Director],
    proxies: Sequence[Proxy], problems: Problems,
) -> None:  # fmt: skip
    present = [proxy for proxy in proxies if proxy.present]
    if not present:
        return
    if any(proxy.in_play for proxy in present):
        _check_clusters_in_play(clusters, problems)
    _check_work(clusters, present, problems)
    _check_machines(present, problems)
    _check_vip(clusters, directors, present, problems)
    _check_router_ids(clusters, directors, present, problems)
    _check_addresses(clusters, directors, present, problems)
    _check_ports(clusters, problems)
    _check_ports_on_members(clusters, instances, present, problems)


def _names(proxies: Sequence[Proxy]) -> list[str]:
    return [proxy.name for proxy in proxies]


def _check_clusters_in_play(clusters: Sequence[Cluster], problems: Problems) -> None:
    for cluster in clusters:
        if cluster.proxied and not cluster.in_play:
            problems.add(
                cluster.names,
                f"not in this run (--limit, or the play's hosts), but behind the proxies of {PROXIES_GROUP}",
                "run without --limit, or leave the proxies out too",
            )


def _check_work(clusters: Sequence[Cluster], proxies: Sequence[Proxy], problems: Problems) -> None:
    if any(cluster.proxied for cluster in clusters):
        return
    idle = [proxy for proxy in proxies if not proxy.values["haproxy_services"]]
    if idle:
        problems.add(
            _names(idle),
            "haproxy_services is empty and no cluster has cluster_proxy_writer_port or cluster_proxy_reader_port, so"
            " there is nothing to offer",
            "give a cluster a port, or set haproxy_state: absent",
        )


def _check_machines(proxies: Sequence[Proxy], problems: Problems) -> None:
    machines: dict[str, list[str]] = defaultdict(list)
    for proxy in proxies:
        machines[proxy.machine].append(proxy.name)
    for machine, names in machines.items():
        if len(names) > 1:
            problems.add(
                names,
                f"several proxies on one machine (ansible_host '{machine}')",
                "keep one of the names in the group",
            )


# --- The VIP


def _check_vip(
    clusters: Sequence[Cluster], directors: Sequence[Director], proxies: Sequence[Proxy], problems: Problems
) -> None:
    vips = proxy_vips(proxies)
    refused = any("haproxy_vip" in proxy.refused for proxy in proxies)
    without = [proxy for proxy in proxies if proxy.values["haproxy_vip"] is None]
    if (len(vips) > 1 or (vips and without)) and not refused:
        shown = ", ".join([*map(str, vips), *(["none"] if without else [])])
        problems.add(
            _names(proxies),
            f"haproxy_vip differs between the proxies ({shown})",
            "give them one address, in the group's vars: they share it",
        )
    owners = dict(_owners(clusters, directors, proxies))
    for proxy in proxies:
        vip = proxy.values["haproxy_vip"]
        if vip is None:
            continue
        if vip in owners:
            problems.add([proxy.name], *is_taken("haproxy_vip", vip, owners[vip]))
        if proxy.place and vip in proxy.place.network:
            try:
                refuse_edge(vip, proxy.place.network)
            except Refused as refusal:
                problems.add([proxy.name], f"haproxy_vip '{vip}' {refusal.text}", refusal.mend)


def _owners(
    clusters: Sequence[Cluster], directors: Sequence[Director], proxies: Sequence[Proxy]
) -> Iterator[tuple[Address, str]]:
    """Whose the addresses are that are not the proxies' to share."""
    for proxy in proxies:
        if proxy.place:
            yield proxy.place.address, proxy.name
    for director in directors:
        if director.place:
            yield director.place.address, director.name
    for cluster in clusters:
        for name, place in cluster.places.items():
            yield place.address, name
        for vip in cluster.reader_vips:
            yield vip, f"one of the cluster_reader_vips of cluster '{cluster.name}'"
        if writer_vip := cluster.value("cluster_vip"):
            yield writer_vip.ip, f"the writer VIP of cluster '{cluster.name}'"


def _check_router_ids(
    clusters: Sequence[Cluster], directors: Sequence[Director], proxies: Sequence[Proxy], problems: Problems
) -> None:
    variable = "haproxy_virtual_router_id"
    holders = [proxy for proxy in proxies if proxy.values["haproxy_vip"]]
    missing = [proxy for proxy in holders if proxy.values[variable] is None and variable not in proxy.refused]
    if missing:
        problems.add(
            _names(missing),
            f"{variable} is missing, and haproxy_vip is given",
            "give the proxies' group a number from 1 to 255 that nobody else's VRRP on this LAN uses, e.g. 91",
        )
    numbers = list(dict.fromkeys(number for proxy in holders if (number := proxy.values[variable]) is not None))
    if len(numbers) > 1:
        problems.add(
            _names(holders),
            f"{variable} differs between the proxies ({', '.join(map(str, numbers))})",
            "give them one number, in the group's vars: they share their VIP",
        )
    places = [proxy.place for proxy in holders if proxy.place and proxy.in_play]
    for number in numbers:
        for cluster in clusters:
            if cluster.value("cluster_virtual_router_id") == number and _near(places, cluster):
                problems.add(
                    _names(holders) + cluster.names,
                    f"{variable} {number} is the cluster_virtual_router_id of cluster '{cluster.name}' in one subnet",
                    "give one of them another number",
                )
        taken = [each for each in directors if each.present and each.values["lvs_director_virtual_router_id"] == number]
        if taken:
            problems.add(
                _names(holders) + [director.name for director in taken],
                f"{variable} {number} is the lvs_director_virtual_router_id too",
                "give one of them another number",
            )


def _near(places: Sequence[Place], cluster: Cluster) -> bool:
    network = cluster.network
    return not places or network is None or any(
        place.network.version == network.version and place.network.overlaps(network) for place in places
    )  # fmt: skip


def _check_addresses(
    clusters: Sequence[Cluster], directors: Sequence[Director], proxies: Sequence[Proxy], problems: Problems
) -> None:
    """An address is one host's; a proxy may be a member or a director too."""
    owners = {place.address: name for cluster in clusters for name, place in cluster.places.items()}
    owners.update({director.place.address: director.name for director in directors if director.place})
    machines = {each.name: each.machine for cluster in clusters for each in cluster.instances}
    machines.update({director.name: director.machine for director in directors})
    machines.update({proxy.name: proxy.machine for proxy in proxies})
    for proxy in proxies:
        if not proxy.place:
            continue
        owner = owners.setdefault(proxy.place.address, proxy.name)
        if machines[owner] != proxy.machine:
            problems.add(
                [owner, proxy.name],
                f"haproxy_address {proxy.place.address} is used twice",
                "give each host its own address",
            )


# --- Ports


def _check_ports(clusters: Sequence[Cluster], problems: Problems) -> None:
    """Proxies listen at one port once, whatever cluster it is for."""
    users: dict[int, list[tuple[Cluster, str]]] = defaultdict(list)
    for cluster in clusters:
        for variable in PORTS:
            if port := cluster.value(variable):
                users[port].append((cluster, variable))
    for port, uses in users.items():
        if len(uses) > 1 and any(cluster.in_play for cluster, _variable in uses):
            shown = ", ".join(f"{variable} of '{cluster.name}'" for cluster, variable in uses)
            problems.add(
                dict.fromkeys(name for cluster, _variable in uses for name in cluster.names),
                f"{uses[-1][1]} {port} is used twice ({shown})",
                "give each its own; 0 for none",
            )


def _check_ports_on_members(
    clusters: Sequence[Cluster], instances: Sequence[Instance], proxies: Sequence[Proxy], problems: Problems
) -> None:
    of_clusters = {port: variable for cluster in clusters for variable in PORTS if (port := cluster.value(variable))}
    proxy_machines = {proxy.machine: proxy for proxy in proxies}
    for instance in instances:
        if instance.machine not in proxy_machines:
            continue
        view = proxy_machines[instance.machine].values["haproxy_view_port"]
        offered = {**of_clusters, **({view: "haproxy_view_port"} if view else {})}
        for own in ("mysql_port", "agent_port"):
            port = getattr(instance.settings, own)
            if port in offered:
                problems.add(
                    [instance.name],
                    f"{offered[port]} {port} is the {own} of a host that is a proxy too",
                    "give the proxies another port, or hosts of their own",
                )
