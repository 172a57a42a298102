# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster model: from the inventory to what every host knows of its cluster.

Pure: `derive` takes plain dicts and gives plain dicts (the fact `cluster_model` of each host), or all that is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, cast

from . import _model_rules as rules
from ._model_director import (
    DIRECTOR_VARIABLES,
    DIRECTORS_GROUP,
    Director,
    check_directors,
    find_director_place,
    read_director,
    reader_vips,
)
from ._model_input import VARIABLES, Instance, Problems, read_cluster_name, read_instance
from ._model_names import Declared, check_groups, check_names
from ._model_place import find_place
from ._model_proxy import (
    PROXIES_GROUP,
    PROXY_VARIABLES,
    Proxy,
    as_seen_by_members,
    find_proxy_place,
    leaving_addresses,
    proxy_models,
    proxy_vips,
    read_proxy,
)
from ._model_proxy_rules import check_proxies
from ._model_readers import check_reader_vips
from ._model_rules import Cluster
from ._model_specified import check_values
from ._model_values import Refused

INSTANCES_GROUP = "mysql"
_NOT_CLUSTERS = frozenset(["all", "ungrouped", INSTANCES_GROUP, DIRECTORS_GROUP, PROXIES_GROUP])


@dataclass(frozen=True)
class WriterVip:
    address: str
    prefix: int
    cidr: str
    family: str


@dataclass(frozen=True)
class Member:
    name: str
    role: str
    address: str
    port: int
    server_id: int
    vrrp_priority: int | None  # None: a reader, which takes no part in VRRP
    auto_increment_increment: int
    auto_increment_offset: int
    agent_port: int
    serves_reads: bool  # it is a realserver behind the reader VIPs
    weight: int  # as such
    machine: str


@dataclass(frozen=True)
class Machine:
    key: str
    leader: bool
    names: list[str]


@dataclass(frozen=True)
class Result:
    """models: `cluster_model` by host, directors: `cluster_director_model`, proxies: `cluster_proxy_model`.

    Empty when there are problems.
    """

    models: dict[str, dict[str, Any]]
    problems: Problems
    directors: dict[str, dict[str, Any]] = field(default_factory=dict)
    proxies: dict[str, dict[str, Any]] = field(default_factory=dict)


# Whose values the model judges itself, with the rules of the field; all others are held against the specifications.
JUDGED = frozenset(variable.name for variable in (*VARIABLES, *DIRECTOR_VARIABLES, *PROXY_VARIABLES))


def derive(
    hosts: Mapping[str, Mapping[str, Any]],
    groups: Mapping[str, Sequence[str]],
    play: Collection[str],
    declared: Declared | None = None,
) -> Result:
    """Validate the inventory and derive the model of every host of the play.

    hosts: by inventory name what `read_instance` takes; at least all of the groups `mysql`, `lvs_director`, `haproxy`.
    groups: Ansible's `groups`. play: the names of the hosts that this run may change.
    declared: what the roles declare; then `names` of a host, all its variables, are held against that.
    Clusters outside the play are read only as far as they can be in the way of those inside.
    """
    problems = Problems()
    check_groups(groups, (INSTANCES_GROUP, DIRECTORS_GROUP, PROXIES_GROUP), problems)
    if declared:
        members = [name for name in hosts if name in play]
        meant = check_names(hosts, members, declared, problems)
        check_values(hosts, members, declared, JUDGED, problems)
        hosts = {name: {**host, "meant": meant.get(name, ())} for name, host in hosts.items()}
    names = list(groups.get(INSTANCES_GROUP, []))
    director_names = list(groups.get(DIRECTORS_GROUP, []))
    proxy_names = list(groups.get(PROXIES_GROUP, []))
    strangers = [name for name in play if name not in {*names, *director_names, *proxy_names}]
    if strangers:
        problems.add(
            strangers,
            f"not in group {INSTANCES_GROUP}",
            f"make the cluster's group a child of group {INSTANCES_GROUP}, or leave the host out of this play",
        )
    instances = [
        read_instance(name, hosts[name], name in play, problems if name in play else Problems()) for name in names
    ]
    directors = [
        read_director(name, hosts[name], name in play, problems if name in play else Problems())
        for name in director_names
        if name not in names  # reported by check_directors
    ]
    proxies = [
        read_proxy(name, hosts[name], name in play, problems if name in play else Problems()) for name in proxy_names
    ]
    clusters = _clusters(instances, groups, problems)
    held = reader_vips(clusters, directors)
    vips = frozenset(vip.ip for cluster in clusters if (vip := cluster.value("cluster_vip")))
    for cluster in clusters:
        for instance in cluster.instances:
            place = find_place(instance, vips, problems if instance.in_play else Problems())
            if place:
                cluster.places[instance.name] = place
    directors = [
        replace(director, place=find_director_place(director, held, clusters, problems))
        for director in directors
    ]
    moving = [*vips, *held, *proxy_vips(proxies)]
    proxies = [
        replace(
            proxy,
            place=find_proxy_place(proxy, clusters, moving, problems),
            leaving=leaving_addresses(proxy, moving),
        )
        for proxy in proxies
    ]
    in_clusters = sum(len(cluster.instances) for cluster in clusters)
    rules.check(clusters, in_clusters == len(instances), problems)
    check_reader_vips(clusters, directors, problems)
    check_directors(clusters, instances, directors, director_names, problems)
    check_proxies(clusters, instances, directors, proxies, problems)
    if problems.lines():
        return Result({}, problems)
    models = {}
    for cluster in clusters:
        if cluster.in_play:
            models.update(_models(cluster, instances, directors, proxies))
    return Result(
        models, problems, _director_models(clusters, directors, held), proxy_models(clusters, proxies, instances)
    )


def outline(hosts: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """What the inventory alone says of every cluster: name, topology, VIPs, members. For reports: nothing is judged."""
    ignored = Problems()
    names = groups.get(INSTANCES_GROUP, [])
    clusters = _clusters([read_instance(name, hosts[name], True, ignored) for name in names], groups, ignored)
    outlines = []
    for cluster in clusters:
        candidates = [instance.name for instance in cluster.candidates]
        readers = [name for name in cluster.names if name not in candidates]
        vip = cluster.value("cluster_vip")
        outlines.append(
            {
                "name": cluster.name,
                "topology": cluster.value("cluster_topology"),
                "vip": str(vip) if vip else None,
                "reader_vips": [str(address) for address in cluster.reader_vips],
                "members": [{"name": name, "role": "candidate"} for name in candidates]
                + [{"name": name, "role": "reader"} for name in readers],
                "serve_reads": [each.name for each in cluster.instances if cluster.serves_reads(each)],
                "writer_port": cluster.value("cluster_proxy_writer_port"),
                "reader_port": cluster.value("cluster_proxy_reader_port"),
            }
        )
    return outlines


def _clusters(instances: Sequence[Instance], groups: Mapping[str, Sequence[str]], problems: Problems) -> list[Cluster]:
    by_name = {instance.name: instance for instance in instances}
    members: dict[str, list[Instance]] = {}
    for instance in instances:
        cluster_name = _cluster_name(instance, by_name, groups, problems if instance.in_play else Problems())
        if cluster_name:
            members.setdefault(cluster_name, []).append(instance)
    return [Cluster(cluster_name, tuple(found)) for cluster_name, found in members.items()]


def _cluster_name(
    instance: Instance, by_name: Mapping[str, Instance], groups: Mapping[str, Sequence[str]], problems: Problems
) -> str | None:
    """The name given, else the host's only group, else its only group in which all hosts have this VIP."""
    if instance.settings.cluster_name or "cluster_name" in instance.refused:
        return instance.settings.cluster_name
    own = sorted(group for group, names in groups.items() if instance.name in names and group not in _NOT_CLUSTERS)
    if not own:
        problems.add(
            [instance.name],
            "cluster_name cannot be derived: the host is in no group that could be its cluster",
            f"put the cluster's hosts into a child group of {INSTANCES_GROUP}, or set cluster_name",
        )
        return None
    vip = instance.settings.cluster_vip
    fitting = own
    if len(own) > 1:
        if vip is None:  # reported already; with a VIP the name may follow from it
            return None
        vips = {name: each.settings.cluster_vip for name, each in by_name.items()}
        fitting = [group for group in own if all(vips.get(name) == vip for name in groups[group])]
    if len(fitting) != 1:
        problems.add(
            [instance.name],
            f"cluster_name cannot be derived: {len(fitting) or 'none'} of the groups {', '.join(own)} can be it",
            "set cluster_name in the vars of the cluster's group",
        )
        return None
    try:
        return read_cluster_name(fitting[0])
    except Refused as refusal:
        problems.add(
            [instance.name],
            f"cluster_name (from the group) '{fitting[0]}' {refusal.text}",
            refusal.mend,
        )
        return None


def _models(
    cluster: Cluster, instances: Sequence[Instance], directors: Sequence[Director], proxies: Sequence[Proxy]
) -> dict[str, dict[str, Any]]:
    """`cluster_model` of each member. All values are known here: whatever is missing was a problem."""
    candidates = [instance.name for instance in cluster.candidates]
    readers = [name for name in cluster.names if name not in candidates]
    by_name = {instance.name: instance for instance in cluster.instances}
    members = {name: asdict(_member(by_name[name], cluster, candidates)) for name in candidates + readers}
    vip = cluster.value("cluster_vip")
    writer_vip = WriterVip(str(vip.ip), vip.network.prefixlen, str(vip), f"ipv{vip.version}")
    models = {}
    for name, member in members.items():
        machine_names = [instance.name for instance in instances if instance.machine == member["machine"]]
        models[name] = {
            "name": cluster.name,
            "topology": cluster.value("cluster_topology"),
            "virtual_router_id": cluster.value("cluster_virtual_router_id"),
            "writer_vip": asdict(writer_vip),
            "reader_vips": [str(vip) for vip in cluster.reader_vips],
            "serves_reads": member["serves_reads"],
            "directors": _addresses(directors) if cluster.reader_vips else [],
            **as_seen_by_members(proxies if cluster.proxied else ()),
            "interface": cluster.places[name].interface,
            "address": member["address"],
            "self": member,
            "members": list(members.values()),
            "peers": [peer for peer in members.values() if peer is not member],
            "candidates": candidates,
            "readers": readers,
            "first_candidate": candidates[0],
            "machine": asdict(Machine(member["machine"], machine_names[0] == name, machine_names)),
        }
    return models


def _member(instance: Instance, cluster: Cluster, candidates: Sequence[str]) -> Member:
    settings, address = instance.settings, cluster.places[instance.name].address
    is_candidate = instance.name in candidates
    rank = candidates.index(instance.name) if is_candidate else 0
    # Two sources that could both be written to, if all guards failed, at least never make the same key.
    interleaved = is_candidate and cluster.value("cluster_topology") == "dual_source"
    return Member(
        name=instance.name,
        role="candidate" if is_candidate else "reader",
        address=str(address),
        port=cast(int, settings.mysql_port),
        server_id=rules.server_id(instance, address),
        vrrp_priority=rules.FIRST_PRIORITY - rank if is_candidate else None,
        auto_increment_increment=2 if interleaved else 1,
        auto_increment_offset=rank + 1 if interleaved else 1,
        agent_port=cast(int, settings.agent_port),
        serves_reads=cluster.serves_reads(instance),
        weight=cast(int, settings.lvs_realserver_weight),
        machine=instance.machine,
    )


def _addresses(directors: Sequence[Director]) -> list[str]:
    return [str(director.place.address) for director in directors if director.place]


def _director_models(
    clusters: Sequence[Cluster], directors: Sequence[Director], held: Sequence[Any]
) -> dict[str, dict[str, Any]]:
    """`cluster_director_model` of each director of the play."""
    present = [director for director in directors if director.present]
    balanced = [_balanced(cluster) for cluster in clusters if cluster.reader_vips and cluster.in_play]
    return {
        director.name: {
            "name": director.name,
            "interface": director.place.interface if director.place else "",
            "address": str(director.place.address) if director.place else "",
            "virtual_router_id": director.values["lvs_director_virtual_router_id"],
            "priority": director.priority_among(present),
            "peers": [str(peer.place.address) for peer in present if peer.place and peer is not director],
            "reader_vips": [str(vip) for vip in held],
            "clusters": balanced,
        }
        for director in directors
        if director.in_play
    }


def _balanced(cluster: Cluster) -> dict[str, Any]:
    """What directors need to know of a cluster."""
    candidates = [instance.name for instance in cluster.candidates]
    servers = [_member(each, cluster, candidates) for each in cluster.instances if cluster.serves_reads(each)]
    return {
        "name": cluster.name,
        "vips": [str(vip) for vip in cluster.reader_vips],
        "port": servers[0].port,
        "readers": cluster.value("cluster_readers"),
        "writer_vip": str(cluster.value("cluster_vip").ip),
        "candidates_without_vips": [each.name for each in cluster.candidates if not cluster.serves_reads(each)],
        "servers": [
            {key: getattr(server, key) for key in ("name", "address", "port", "weight", "agent_port")}
            for server in servers
        ],
    }
