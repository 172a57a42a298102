# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an instance lives in the subnet of its writer VIP. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ._model_input import Instance, InterfaceAddress, Problems
from ._model_values import Address, AddressWithPrefix, Network, Refused, refuse_edge


@dataclass(frozen=True)
class Place:
    interface: str
    address: Address
    network: Network


def vip_is_taken(vip: Address, owner: str) -> tuple[str, str]:
    return f"cluster_vip {vip} is the address of {owner}", "choose a free address of the subnet"


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
    except Refused as refusal:
        problems.add([instance.name], refusal.text, refusal.mend)
        return None
    network = found.address.network
    try:
        refuse_edge(vip.ip, network)
        if vip.network.prefixlen not in (network.prefixlen, network.max_prefixlen):
            raise Refused(f"does not have the prefix of its subnet {network}", f"write {vip.ip}/{network.prefixlen}")
    except Refused as refusal:
        problems.add([instance.name], f"cluster_vip '{vip}' {refusal.text}", refusal.mend)
    return Place(found.interface, found.address.ip, network)


def _usable(instance: Instance) -> Sequence[InterfaceAddress]:
    if not instance.addresses:
        raise Refused(
            "the network interfaces are unknown (ansible_facts.interfaces)",
            "gather facts of all hosts of the play (without serial), with iproute2 installed there",
        )
    wanted = instance.settings.cluster_interface
    usable = [entry for entry in instance.addresses if wanted in (None, entry.interface)]
    if not usable:
        names = ", ".join(sorted({entry.interface for entry in instance.addresses}))
        raise Refused(
            f"cluster_interface '{wanted}' is not on the host, or has no address",
            f"write one of {names}, or leave it out",
        )
    return usable


def _near(
    instance: Instance, vip: AddressWithPrefix, usable: Sequence[InterfaceAddress], vips: Collection[Address]
) -> Sequence[InterfaceAddress]:
    """The host's own addresses in whose subnets the VIP is."""
    near = [entry for entry in usable if vip.ip in entry.address.network and entry.address.ip not in vips]
    if near:
        return near
    for entry in usable:
        if vip.ip in entry.address.network:
            raise Refused(*vip_is_taken(entry.address.ip, instance.name))
    subnets = ", ".join(dict.fromkeys(f"{entry.interface} {entry.address.network}" for entry in usable))
    raise Refused(
        f"cluster_vip '{vip}' is outside every subnet of the host ({subnets})",
        "choose a free address of a subnet that all members have",
    )


def _own_address(instance: Instance, vip: AddressWithPrefix, near: Sequence[InterfaceAddress]) -> InterfaceAddress:
    """The one asked for, else the only one, the one by which Ansible reaches the host, or the primary one.

    A VIP that was given up by the inventory but is still there must not be taken for the host's own: it is secondary.
    """
    wanted = instance.settings.cluster_address
    addresses = ", ".join(dict.fromkeys(str(entry.address.ip) for entry in near))
    if wanted is not None:
        near = [entry for entry in near if entry.address.ip == wanted]
        if not near:
            raise Refused(
                f"cluster_address '{wanted}' is not an address of the host in the subnet of cluster_vip '{vip}'",
                f"write {addresses}, or leave it out",
            )
    if len(near) == 1:
        return near[0]
    reached = [entry for entry in near if str(entry.address.ip) == instance.machine]
    primary = [entry for entry in near if entry.primary]
    for fitting in (reached, primary):
        if len(fitting) == 1:
            return fitting[0]
    raise Refused(
        f"cluster_address is ambiguous: several addresses are in the subnet of cluster_vip '{vip}' ({addresses})",
        "set it to the one that never moves, or cluster_interface to the one that shall carry the VIP",
    )
