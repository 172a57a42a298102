# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an instance lives in the subnet of its writer VIP. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ._model_input import (
    Address,
    AddressWithPrefix,
    Instance,
    InterfaceAddress,
    Network,
    Problems,
    Refused,
    refuse_edge,
)


@dataclass(frozen=True)
class Place:
    interface: str
    address: Address
    network: Network


class _Nowhere(Exception):
    """Arguments: variable, text, mend."""


def vip_is_taken(vip: AddressWithPrefix, owner: str) -> tuple[str, str]:
    return f"cluster_vip '{vip}' is the address of {owner}", "choose a free address of the subnet"


def find_place(instance: Instance, vips: Collection[Address], problems: Problems) -> Place | None:
    """The instance's own address and its interface. None where unknown; the reason is reported, here or elsewhere.

    vips: those of all clusters. They are on their holder's interface too, and are never a host's own address.
    """
    vip = instance.settings.cluster_vip
    try:
        usable = _usable(instance)
        if vip is None or instance.refused & {"cluster_address", "cluster_interface"}:
            return None
        if instance.settings.cluster_address == vip.ip:  # a rule of its own tells
            return None
        found = _own_address(instance, vip, _near(instance, vip, usable, vips))
    except _Nowhere as nowhere:
        variable, text, mend = nowhere.args
        problems.add([instance.name], variable, text, mend)
        return None
    network = found.address.network
    try:
        refuse_edge(vip.ip, network)
        if vip.network.prefixlen not in (network.prefixlen, network.max_prefixlen):
            raise Refused(f"does not have the prefix of its subnet {network}", f"write {vip.ip}/{network.prefixlen}")
    except Refused as refusal:
        problems.add([instance.name], "cluster_vip", f"cluster_vip '{vip}' {refusal.text}", refusal.mend)
    return Place(found.interface, found.address.ip, network)


def _usable(instance: Instance) -> Sequence[InterfaceAddress]:
    if not instance.addresses:
        raise _Nowhere(
            "ansible_facts.interfaces",
            "the network interfaces are unknown (ansible_facts.interfaces)",
            "gather facts of all hosts of the play (without serial), with iproute2 installed there",
        )
    wanted = instance.settings.cluster_interface
    usable = [entry for entry in instance.addresses if wanted in (None, entry.interface)]
    if not usable:
        names = ", ".join(sorted({entry.interface for entry in instance.addresses}))
        raise _Nowhere(
            "cluster_interface",
            f"cluster_interface '{wanted}' is not on the host, or has no address",
            f"write one of {names}, or leave it out",
        )
    return usable


def _near(
    instance: Instance, vip: AddressWithPrefix, usable: Sequence[InterfaceAddress], vips: Collection[Address]
) -> Sequence[InterfaceAddress]:
    """The host's own addresses in whose subnets the VIP is."""
    own = [entry for entry in usable if entry.address.ip not in vips]
    near = [entry for entry in own if vip.ip in entry.address.network]
    if near:
        return near
    if any(entry.address.ip == vip.ip for entry in usable):
        raise _Nowhere("cluster_vip", *vip_is_taken(vip, instance.name))
    subnets = ", ".join(dict.fromkeys(f"{entry.interface} {entry.address.network}" for entry in own))
    raise _Nowhere(
        "cluster_vip",
        f"cluster_vip '{vip}' is outside every subnet of the host ({subnets or 'it has none'})",
        "choose a free address of a subnet that all members have",
    )


def _own_address(instance: Instance, vip: AddressWithPrefix, near: Sequence[InterfaceAddress]) -> InterfaceAddress:
    """The one that is asked for, else the only one, else the one by which Ansible reaches the host."""
    wanted = instance.settings.cluster_address
    addresses = ", ".join(dict.fromkeys(str(entry.address.ip) for entry in near))
    if wanted is not None:
        fitting = [entry for entry in near if entry.address.ip == wanted]
        if not fitting:
            raise _Nowhere(
                "cluster_address",
                f"cluster_address '{wanted}' is not an address of the host in the subnet of cluster_vip '{vip}'",
                f"write {addresses}, or leave it out",
            )
        return fitting[0]
    if len({entry.address.ip for entry in near}) == 1:
        return near[0]
    fitting = [entry for entry in near if str(entry.address.ip) == instance.machine]
    if not fitting:
        raise _Nowhere(
            "cluster_address",
            f"cluster_address is ambiguous: several addresses are in the subnet of cluster_vip '{vip}' ({addresses})",
            "set it to the one that never moves",
        )
    return fitting[0]
