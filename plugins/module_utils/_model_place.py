# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a host lives in the subnet of a VIP. Pure."""

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


@dataclass(frozen=True)
class Seeker:
    """A host that looks for its own address in the subnet of `vip`, and what its user calls all this."""

    name: str
    machine: str
    addresses: tuple[InterfaceAddress, ...] | None
    vip: Address
    vip_shown: str
    wanted: Address | None
    wanted_interface: str | None
    prefix: str  # of the variables

    @property
    def vip_variable(self) -> str:
        return self.vip_shown.partition(" ")[0]


def is_taken(variable: str, vip: Address, owner: str) -> tuple[str, str]:
    return f"{variable} {vip} is the address of {owner}", "choose a free address of the subnet"


def find_place(instance: Instance, vips: Collection[Address], problems: Problems) -> Place | None:
    """The instance's own address and its interface. None where unknown; the reason is reported, here or elsewhere.

    vips: those of all clusters. They are on their holder's interface too, and are never a host's own address.
    """
    vip, settings = instance.settings.cluster_vip, instance.settings
    try:
        refuse_unknown(instance.addresses)
        usable_addresses(instance.addresses, settings.cluster_interface, "cluster")
        if vip is None or instance.refused & {"cluster_address", "cluster_interface"}:
            return None
        if settings.cluster_address == vip.ip:  # a rule of its own tells
            return None
        found = own_address(
            Seeker(
                instance.name, instance.machine, instance.addresses, vip.ip, f"cluster_vip '{vip}'",
                settings.cluster_address, settings.cluster_interface, "cluster",
            ),
            vips,
        )  # fmt: skip
    except Refused as refusal:
        problems.add([instance.name], refusal.text, refusal.mend)
        return None
    network = found.address.network
    try:
        _check_prefix(vip, network)
    except Refused as refusal:
        problems.add([instance.name], f"cluster_vip '{vip}' {refusal.text}", refusal.mend)
    return Place(found.interface, found.address.ip, network)


def _check_prefix(vip: AddressWithPrefix, network: Network) -> None:
    refuse_edge(vip.ip, network)
    if vip.network.prefixlen not in (network.prefixlen, network.max_prefixlen):
        raise Refused(f"does not have the prefix of its subnet {network}", f"write {vip.ip}/{network.prefixlen}")


def refuse_unknown(addresses: Sequence[InterfaceAddress] | None) -> None:
    if not addresses:
        raise Refused(
            "the network interfaces are unknown (ansible_facts.interfaces)",
            "gather facts of all hosts of the play (without serial), with iproute2 installed there",
        )


def usable_addresses(
    addresses: Sequence[InterfaceAddress] | None, wanted: str | None, prefix: str
) -> Sequence[InterfaceAddress]:
    usable = [entry for entry in addresses or () if wanted in (None, entry.interface)]
    if not usable:
        names = ", ".join(sorted({entry.interface for entry in addresses or ()}))
        raise Refused(
            f"{prefix}_interface '{wanted}' is not on the host, or has no address",
            f"write one of {names}, or leave it out",
        )
    return usable


def own_address(seeker: Seeker, vips: Collection[Address]) -> InterfaceAddress:
    """The one asked for, else the only one, the one by which Ansible reaches the host, or the primary one.

    A VIP that was given up by the inventory but is still there must not be taken for the host's own: it is secondary.
    """
    near = _near(seeker, usable_addresses(seeker.addresses, seeker.wanted_interface, seeker.prefix), vips)
    addresses = ", ".join(dict.fromkeys(str(entry.address.ip) for entry in near))
    if seeker.wanted is not None:
        near = [entry for entry in near if entry.address.ip == seeker.wanted]
        if not near:
            raise Refused(
                f"{seeker.prefix}_address '{seeker.wanted}' is not an address of the host in the subnet of"
                f" {seeker.vip_shown}",
                f"write {addresses}, or leave it out",
            )
    if len(near) == 1:
        return near[0]
    reached = [entry for entry in near if str(entry.address.ip) == seeker.machine]
    primary = [entry for entry in near if entry.primary]
    for fitting in (reached, primary):
        if len(fitting) == 1:
            return fitting[0]
    raise Refused(
        f"{seeker.prefix}_address is ambiguous: several addresses are in the subnet of {seeker.vip_shown}"
        f" ({addresses})",
        f"set it to the one that never moves, or {seeker.prefix}_interface to the one that shall carry the VIP",
    )


def _near(
    seeker: Seeker, usable: Sequence[InterfaceAddress], vips: Collection[Address]
) -> Sequence[InterfaceAddress]:
    """The host's own addresses in whose subnets the VIP is."""
    near = [entry for entry in usable if seeker.vip in entry.address.network and entry.address.ip not in vips]
    if near:
        return near
    for entry in usable:
        if seeker.vip in entry.address.network:
            raise Refused(*is_taken(seeker.vip_variable, entry.address.ip, seeker.name))
    subnets = ", ".join(dict.fromkeys(f"{entry.interface} {entry.address.network}" for entry in usable))
    raise Refused(
        f"{seeker.vip_shown} is outside every subnet of the host ({subnets})",
        "choose a free address of a subnet that all members have",
    )
