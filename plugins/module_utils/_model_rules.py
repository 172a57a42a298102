# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold between the variables of a host, of a cluster, of a machine and of a LAN.

Pure. A rule that lacks a value (missing, or refused when it was read) stays silent: that is reported already.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._model_input import VARIABLES, Instance, Problems, shown
from ._model_place import Place, is_taken
from ._model_values import Address, Network

# VRRP knows 1 to 254. The writer's agent adds 8, 16 or 24, so that any writer stands above all others.
FIRST_PRIORITY = 230
MAX_CANDIDATES = 8


@dataclass(frozen=True)
class Cluster:
    """The instances of one data set, in inventory order. places: by instance name, where known."""

    name: str
    instances: tuple[Instance, ...]
    places: dict[str, Place] = field(default_factory=dict)

    @property
    def in_play(self) -> bool:
        return any(instance.in_play for instance in self.instances)

    @property
    def names(self) -> list[str]:
        return [instance.name for instance in self.instances]

    @property
    def candidates(self) -> list[Instance]:
        return [instance for instance in self.instances if instance.settings.cluster_role == "candidate"]

    def value(self, variable: str) -> Any:
        """The value of a variable that all members share: the first one that is known."""
        values = (getattr(instance.settings, variable) for instance in self.instances)
        return next((value for value in values if value is not None), None)

    @property
    def reader_vips(self) -> tuple[Address, ...]:
        return self.value("cluster_reader_vips") or ()

    def serves_reads(self, instance: Instance) -> bool:
        """Whether it is a realserver behind the reader VIPs. The directors see who of them is fit at the moment."""
        settings = instance.settings
        asked = settings.cluster_role == "reader" or self.value("cluster_readers") != "readers"
        return bool(self.reader_vips) and asked and settings.lvs_realserver_state != "absent"

    @property
    def proxied(self) -> bool:
        """Whether proxies, where there are any, offer a port for it."""
        return bool(self.value("cluster_proxy_writer_port") or self.value("cluster_proxy_reader_port"))

    @property
    def network(self) -> Network | None:
        """The LAN in which this cluster speaks VRRP: known from the interfaces, else as the VIP says."""
        vip = self.value("cluster_vip")
        return next((place.network for place in self.places.values()), vip.network if vip else None)


def server_id(instance: Instance, address: Address) -> int:
    """A number that is the host's own and stays when hosts are added: from its address, where none is given."""
    if instance.settings.mysql_server_id is not None:
        return instance.settings.mysql_server_id
    if address.version == 4:
        return int(address)
    return max(1, int.from_bytes(hashlib.sha256(address.packed).digest()[-4:], "big"))


def check(clusters: Sequence[Cluster], all_members_known: bool, problems: Problems) -> None:
    """All rules, once the places are known. all_members_known: no host was left whose cluster could not be told."""
    for cluster in clusters:
        for instance in cluster.instances:
            if instance.in_play:
                _check_keepalived(instance, problems)
        if cluster.in_play:
            _check_complete(cluster, problems)
            _check_shared(cluster, problems)
            if all_members_known:
                _check_candidates(cluster, problems)
            _check_places(cluster, problems)
            _check_lease(cluster, problems)
            _check_witnesses(cluster, problems)
    _check_vips(clusters, problems)
    _check_virtual_router_ids(clusters, problems)
    _check_machines(clusters, problems)


# --- One host


def _check_keepalived(instance: Instance, problems: Problems) -> None:
    settings = instance.settings
    interval = settings.keepalived_advert_interval
    if settings.keepalived_vrrp_version == 2:
        if settings.cluster_vip and settings.cluster_vip.version == 6:
            problems.add(
                [instance.name],
                "keepalived_vrrp_version 2 cannot carry an IPv6 cluster_vip",
                "remove it (the default is 3)",
            )
        if interval is not None and (interval != int(interval) or not 1 <= interval <= 255):
            problems.add(
                [instance.name],
                f"keepalived_advert_interval {interval:g} is not possible with keepalived_vrrp_version 2",
                "write whole seconds from 1 to 255, e.g. keepalived_advert_interval: 1, or use version 3",
            )
    if settings.keepalived_vrrp_version == 3:
        if settings.keepalived_auth_pass is not None:
            problems.add(
                [instance.name],
                "keepalived_auth_pass has no effect: VRRP version 3 knows no passwords",
                "remove it, or set keepalived_vrrp_version: 2",
            )
        if interval is not None and not 0.01 <= interval <= 40.95:
            problems.add(
                [instance.name],
                f"keepalived_advert_interval {interval:g} is out of 0.01 to 40.95",
                "write seconds in these bounds, e.g. 0.5",
            )


# --- One cluster


def _check_complete(cluster: Cluster, problems: Problems) -> None:
    left_out = [instance.name for instance in cluster.instances if not instance.in_play]
    if left_out:
        problems.add(
            left_out,
            f"not in this run (--limit, or the play's hosts), but in cluster '{cluster.name}'",
            f"run without --limit, or limit to all members: --limit {','.join(cluster.names)}",
        )


def _check_shared(cluster: Cluster, problems: Problems) -> None:
    for variable in VARIABLES:
        if not variable.shared or any(variable.name in instance.refused for instance in cluster.instances):
            continue
        holders: dict[Hashable, list[str]] = defaultdict(list)
        for instance in cluster.instances:
            if instance.in_play:
                holders[getattr(instance.settings, variable.name)].append(instance.name)
        if len(holders) > 1:
            values = "; ".join(
                f"{'none' if value is None else value} on {', '.join(names)}" for value, names in holders.items()
            )
            problems.add(
                cluster.names,
                f"{variable.name} differs within cluster '{cluster.name}'{'' if variable.secret else f' ({values})'}",
                "set it once, in the group's vars",
            )


def _check_candidates(cluster: Cluster, problems: Problems) -> None:
    if any("cluster_role" in instance.refused for instance in cluster.instances):
        return
    candidates, topology = cluster.candidates, cluster.value("cluster_topology")
    count = len(candidates)
    if count < 2:
        problems.add(
            cluster.names,
            f"cluster '{cluster.name}' has {count} host{'s' * (count != 1)} with cluster_role candidate",
            "it needs at least two: add a host, or remove cluster_role: reader from one",
        )
    elif topology == "dual_source" and count != 2:
        problems.add(
            cluster.names,
            f"cluster_topology 'dual_source' takes exactly two candidates, cluster '{cluster.name}' has {count}",
            "set cluster_role: reader on the others, or cluster_topology: source_replica",
        )
    elif count > MAX_CANDIDATES:
        problems.add(
            cluster.names,
            f"cluster '{cluster.name}' has {count} candidates, more than VRRP priorities ({MAX_CANDIDATES})",
            "set cluster_role: reader on some",
        )
    ports = {port for instance in candidates if (port := instance.settings.mysql_port)}
    if len(ports) > 1:
        listed = ", ".join(str(port) for port in sorted(ports))
        problems.add(
            [instance.name for instance in candidates],
            f"mysql_port differs between the candidates of cluster '{cluster.name}' ({listed})",
            "give them one port, so that clients of the VIP find the writer at it",
        )


def _check_places(cluster: Cluster, problems: Problems) -> None:
    networks = {str(place.network) for place in cluster.places.values()}
    if len(networks) > 1:
        problems.add(
            cluster.names,
            f"members of cluster '{cluster.name}' see cluster_vip in different subnets ({', '.join(sorted(networks))})",
            "give all members addresses in one subnet",
        )
    for address, names in _holders((place.address, name) for name, place in cluster.places.items()):
        problems.add(
            names,
            f"cluster_address {address} is used twice in cluster '{cluster.name}'",
            "give each host its own address",
        )
    by_name = {instance.name: instance for instance in cluster.instances}
    for number, names in _holders(
        (server_id(by_name[name], place.address), name) for name, place in cluster.places.items()
    ):
        if len({cluster.places[name].address for name in names}) > 1:  # else the equal address is reported
            problems.add(
                names,
                f"mysql_server_id {number} is used twice in cluster '{cluster.name}'",
                "give each host its own, or leave it out",
            )


def shortest_lease(interval: float) -> float:
    """Seconds. A standby counts from the last question that the writer answered, which may be 1.02 s old when that one
    loses its power; the VIP comes after three adverts and the skew, at most a tenth of one."""
    return round(3.1 * interval + 1.1, 3)


def _check_lease(cluster: Cluster, problems: Problems) -> None:
    lease, interval = cluster.value("agent_lease"), cluster.value("keepalived_advert_interval")
    if lease is None or interval is None:
        return
    least = shortest_lease(interval)
    if lease < least:
        problems.add(
            [instance.name for instance in cluster.instances if instance.in_play],
            f"agent_lease {lease:g} is too short for keepalived_advert_interval {interval:g}: a standby would count as"
            " left behind before the VIP can reach it",
            f"set agent_lease to {least:g} or more",
        )


def _check_witnesses(cluster: Cluster, problems: Problems) -> None:
    taken = {place.address: f"the address of {name}" for name, place in cluster.places.items()}
    vip = cluster.value("cluster_vip")
    if vip:
        taken[vip.ip] = "the cluster_vip"
    taken.update(dict.fromkeys(cluster.reader_vips, "one of the cluster_reader_vips"))
    for instance in cluster.instances:
        for address in instance.settings.agent_witnesses or ():
            if instance.in_play and address in taken:
                problems.add(
                    [instance.name],
                    f"agent_witnesses has {address}, {taken[address]}: it shows nothing about the rest of the network",
                    "choose addresses outside the cluster, e.g. of a router or a name server",
                )


# --- All clusters of the LAN and of a machine


def _check_vips(clusters: Sequence[Cluster], problems: Problems) -> None:
    owners = {}
    for cluster in clusters:
        for instance in cluster.instances:
            owners[instance.machine] = instance.name
            if instance.settings.cluster_address:
                owners[str(instance.settings.cluster_address)] = instance.name
    for cluster in clusters:
        vip = cluster.value("cluster_vip")
        if cluster.in_play and vip and str(vip.ip) in owners:
            problems.add(cluster.names, *is_taken("cluster_vip", vip.ip, owners[str(vip.ip)]))
    for one, other in _pairs(clusters):
        vip, other_vip = one.value("cluster_vip"), other.value("cluster_vip")
        if vip and other_vip and vip.ip == other_vip.ip:
            problems.add(
                one.names + other.names,
                f"cluster_vip {vip.ip} is used by clusters '{one.name}' and '{other.name}'",
                "give each cluster its own",
            )


def _check_virtual_router_ids(clusters: Sequence[Cluster], problems: Problems) -> None:
    for one, other in _pairs(clusters):
        number = one.value("cluster_virtual_router_id")
        if number is None or number != other.value("cluster_virtual_router_id"):
            continue
        if {instance.machine for instance in one.instances} & {instance.machine for instance in other.instances}:
            where = "on the same hosts"
        elif (
            one.network
            and other.network
            and one.network.version == other.network.version
            and one.network.overlaps(other.network)
        ):
            where = f"in one subnet ({one.network})"
        else:
            continue
        problems.add(
            one.names + other.names,
            f"cluster_virtual_router_id {number} is used by clusters '{one.name}' and '{other.name}' {where}",
            "give one of them another number",
        )


def _check_machines(clusters: Sequence[Cluster], problems: Problems) -> None:
    machines: dict[str, list[tuple[Cluster, Instance]]] = defaultdict(list)
    for cluster in clusters:
        for instance in cluster.instances:
            machines[instance.machine].append((cluster, instance))
    for machine, tenants in machines.items():
        if any(instance.in_play for _cluster, instance in tenants):
            instances = [instance for _cluster, instance in tenants]
            _check_shared_machine(machine, instances, problems)
            for cluster_name, names in _holders((cluster.name, instance.name) for cluster, instance in tenants):
                problems.add(
                    names,
                    f"members of cluster '{cluster_name}' share the machine '{machine}' (ansible_host) and its faults",
                    "put them on different machines",
                )
            # One instance per machine, on the distribution's unit: remove these lines when a machine can carry several.
            if len(instances) > 1:
                problems.add(
                    [instance.name for instance in instances],
                    f"several instances on one machine (ansible_host '{machine}') are not supported yet",
                    "give each instance a machine of its own",
                )


def _check_shared_machine(machine: str, instances: Sequence[Instance], problems: Problems) -> None:
    def taken(*variables: str) -> list[tuple[Hashable, list[tuple[str, str]]]]:
        return _holders(
            (value, (instance.name, variable))
            for instance in instances
            for variable in variables
            if (value := getattr(instance.settings, variable)) is not None
        )

    for value, users in [*taken("mysql_port", "agent_port"), *taken("mysql_datadir"), *taken("mysql_socket")]:
        variable = users[-1][1]
        uses = ", ".join(f"{name} {variable}" for name, variable in users)
        problems.add(
            dict.fromkeys(name for name, _variable in users),
            f"{variable} {shown(value)} is used twice on machine '{machine}' ({uses})",
            "give each its own",
        )


def _pairs(clusters: Sequence[Cluster]) -> Iterable[tuple[Cluster, Cluster]]:
    return ((one, other) for one, other in itertools.combinations(clusters, 2) if one.in_play or other.in_play)


def _holders(pairs: Iterable[tuple[Any, Any]]) -> list[tuple[Any, list[Any]]]:
    """The values that more than one holder has, with these."""
    holders: dict[Any, list[Any]] = defaultdict(list)
    for value, holder in pairs:
        holders[value].append(holder)
    return [(value, names) for value, names in holders.items() if len(names) > 1]
