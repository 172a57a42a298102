# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The LVS directors of the inventory: what their users write, where they live, and what must hold for them.

Pure. A rule that lacks a value (missing, or refused when it was read) stays silent: that is reported already.
"""

from __future__ import annotations

import ipaddress
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
from ._model_place import Place, Seeker, own_address, refuse_unknown
from ._model_rules import Cluster
from ._model_values import Address, Refused, integer, one_of, read_address, read_text

DIRECTORS_GROUP = "lvs_director"
FIRST_PRIORITY = 230


def _service_vips(value: object) -> tuple[Address, ...]:
    """The addresses in a list of services; whatever else is right or wrong in it, the filter lvs_services judges."""
    vips = []
    for service in value if isinstance(value, (list, tuple)) else ():
        texts = service.get("vips") if isinstance(service, Mapping) else None
        for text in texts if isinstance(texts, (list, tuple)) else ():
            try:
                vips.append(ipaddress.ip_address(str(text)))
            except ValueError:
                continue
    return tuple(dict.fromkeys(vips))


DIRECTOR_VARIABLES = (
    Variable("lvs_director_state", one_of("present", "absent"), "present"),
    Variable(
        "lvs_director_virtual_router_id",
        integer(1, 255),
        shared=True,
        required="give the directors' group a number from 1 to 255 that nobody else's VRRP on this LAN uses, e.g. 81",
    ),
    Variable("lvs_director_address", read_address),
    Variable("lvs_director_interface", INTERFACE),
    Variable("lvs_director_priority", integer(1, 254)),
    Variable("lvs_director_services", _service_vips),
    Variable("ansible_host", read_text),
)


@dataclass(frozen=True)
class Director:
    """One host of the group. values: by the names of DIRECTOR_VARIABLES; None: not given, or refused."""

    name: str
    in_play: bool
    values: dict[str, Any]
    addresses: tuple[InterfaceAddress, ...] | None
    place: Place | None = field(default=None)

    @property
    def machine(self) -> str:
        return self.values["ansible_host"] or self.name

    @property
    def present(self) -> bool:
        return bool(self.values["lvs_director_state"] != "absent")

    def priority_among(self, present: Sequence[Director]) -> int:
        """In VRRP; without a chosen one by the order of the inventory."""
        rank = next((rank for rank, other in enumerate(present) if other is self), 0)
        return int(self.values["lvs_director_priority"] or FIRST_PRIORITY - rank)


def read_director(name: str, host: Mapping[str, Any], in_play: bool, problems: Problems) -> Director:
    # A list of services may be built from what this very run derives; then its VIPs are not known yet.
    variables, unreadable = dict(host.get("variables", {})), dict(host.get("unreadable", {}))
    if "lvs_director_services" in unreadable or isinstance(variables.get("lvs_director_services"), str):
        unreadable.pop("lvs_director_services", None)
        variables.pop("lvs_director_services", None)
    readable = {**host, "variables": variables, "unreadable": unreadable}
    values, _refused = read_variables(DIRECTOR_VARIABLES, name, readable, problems)
    check_name(name, problems)
    return Director(name, in_play, values, read_addresses(host))


def reader_vips(clusters: Sequence[Cluster], directors: Sequence[Director]) -> list[Address]:
    """All that the directors hold: those of the clusters, and those of services that people wrote themselves."""
    vips = [vip for cluster in clusters for vip in cluster.reader_vips]
    for director in directors:
        vips += director.values["lvs_director_services"] or ()
    return list(dict.fromkeys(vips))


def find_director_place(
    director: Director, held: Sequence[Address], clusters: Sequence[Cluster], problems: Problems
) -> Place | None:
    """Its address in the subnet of the reader VIPs. Outside the play, where no facts are, as the inventory says it."""
    if not director.present:
        return None
    wanted = director.values["lvs_director_address"]
    if not held:
        problems.add(
            [director.name],
            "lvs_director_services is empty and no cluster has cluster_reader_vips, so there is nothing to balance",
            "give a cluster cluster_reader_vips, or set lvs_director_state: absent",
        )
        return None
    vip_shown = f"cluster_reader_vips '{held[0]}'"
    try:
        if not director.in_play and not director.addresses:
            return _told_place(director, clusters)
        refuse_unknown(director.addresses)
        found = own_address(
            Seeker(
                director.name, director.machine, director.addresses, held[0], vip_shown, wanted,
                director.values["lvs_director_interface"], "lvs_director",
            ),
            held,
        )  # fmt: skip
    except Refused as refusal:
        problems.add([director.name], refusal.text, refusal.mend)
        return None
    return Place(found.interface, found.address.ip, found.address.network)


def _told_place(director: Director, clusters: Sequence[Cluster]) -> Place:
    told = director.values["lvs_director_address"]
    try:
        address = told or ipaddress.ip_address(director.machine)
    except ValueError:
        raise Refused(
            "lvs_director_address is not known, because the host is not in this run (--limit)",
            "set it, or run without --limit",
        ) from None
    networks = [cluster.network for cluster in clusters if cluster.network and address in cluster.network]
    return Place("", address, networks[0] if networks else ipaddress.ip_network(address))


# --- Rules


def check_directors(
    clusters: Sequence[Cluster], instances: Sequence[Instance], directors: Sequence[Director],
    named: Sequence[str], problems: Problems,
) -> None:  # fmt: skip
    """named: all hosts of the group, also those that are members and were not read as directors."""
    machines = {instance.machine: instance.name for instance in instances}
    both = [name for name in named if name in machines.values()]
    for name, member in [(name, name) for name in both] + [
        (director.name, machines[director.machine]) for director in directors if director.machine in machines
    ]:
        problems.add(
            dict.fromkeys([name, member]),
            f"{'by its ansible_host ' if name != member else ''}in group mysql and in group {DIRECTORS_GROUP}",
            "give the director a host of its own: on a member its IPVS table would answer what the member itself"
            " sends to the VIPs",
        )
    present = [director for director in directors if director.present]
    concerned = [cluster for cluster in clusters if cluster.reader_vips]
    if any(director.in_play for director in present):
        for cluster in concerned:
            if not cluster.in_play:
                problems.add(
                    cluster.names,
                    f"not in this run (--limit, or the play's hosts), but behind the directors of {DIRECTORS_GROUP}",
                    "run without --limit, or leave the directors out too",
                )
    _check_router_ids(clusters, present, problems)
    _check_priorities(present, problems)
    _check_director_places(clusters, present, problems)


def _check_router_ids(clusters: Sequence[Cluster], directors: Sequence[Director], problems: Problems) -> None:
    variable = "lvs_director_virtual_router_id"
    numbers = {number: director for director in directors if (number := director.values[variable]) is not None}
    if len(numbers) > 1:
        problems.add(
            [director.name for director in directors],
            f"{variable} differs between the directors ({', '.join(map(str, numbers))})",
            "give them one number, in the group's vars: they share their VIPs",
        )
    for number in numbers:
        for cluster in clusters:
            places = [director.place for director in directors if director.place and director.in_play]
            network = cluster.network
            near = not places or network is None or any(
                place.network.version == network.version and place.network.overlaps(network) for place in places
            )  # fmt: skip
            if near and cluster.value("cluster_virtual_router_id") == number:
                problems.add(
                    [director.name for director in directors] + cluster.names,
                    f"{variable} {number} is the cluster_virtual_router_id of cluster '{cluster.name}' in one subnet",
                    "give one of them another number",
                )


def _check_priorities(directors: Sequence[Director], problems: Problems) -> None:
    by_priority: dict[int, list[str]] = {}
    for director in directors:
        by_priority.setdefault(director.priority_among(directors), []).append(director.name)
    for priority, names in by_priority.items():
        if len(names) > 1:
            problems.add(
                names,
                f"lvs_director_priority {priority} is used twice, so the higher address would decide",
                "give each director its own, or none",
            )


def _check_director_places(clusters: Sequence[Cluster], directors: Sequence[Director], problems: Problems) -> None:
    owners = {place.address: name for cluster in clusters for name, place in cluster.places.items()}
    for director in directors:
        if not director.place:
            continue
        owner = owners.setdefault(director.place.address, director.name)
        if owner != director.name:
            problems.add(
                [owner, director.name],
                f"lvs_director_address {director.place.address} is used twice",
                "give each host its own address",
            )
    # Outside the play the inventory tells addresses, not subnets.
    seen = [director for director in directors if director.in_play]
    networks = {str(director.place.network) for director in seen if director.place}
    if len(networks) > 1:
        problems.add(
            [director.name for director in directors],
            f"lvs_director_address: the directors are in different subnets ({', '.join(sorted(networks))})",
            "give all of them addresses in the subnet of the reader VIPs",
        )
        return
    for director in seen:
        if director.place and director.values["lvs_director_services"] is None:  # else it offers what is written there
            _check_cluster_vips(clusters, director, director.place, problems)
        for vip in director.values["lvs_director_services"] or ():
            if director.place and vip not in director.place.network:
                problems.add(
                    [director.name],
                    f"lvs_director_services has the VIP {vip}, which is outside {director.place.network}",
                    "choose a free address of the directors' subnet; VRRP moves all their VIPs together",
                )


def _check_cluster_vips(clusters: Sequence[Cluster], director: Director, place: Place, problems: Problems) -> None:
    for cluster in clusters:
        for vip in cluster.reader_vips:
            if cluster.in_play and vip not in place.network:
                problems.add(
                    [director.name],
                    f"cluster_reader_vips {vip} of cluster '{cluster.name}' is outside {place.network}, the subnet of"
                    " the directors",
                    "put only clusters of one subnet behind them; VRRP moves all their VIPs together",
                )
