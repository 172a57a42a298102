# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts the inventories ask the lab for."""

from __future__ import annotations

import ipaddress
import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shell import ROOT, LabError, run

GROUP = "lab"
CONTAINER_PREFIX = "mha-"
DEFAULT_SUBNET = "10.77.0.0/24"
STRICT = {"ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}
FIRST_FREE = 11  # the low addresses are the engine's


@dataclass(frozen=True)
class Host:
    """A machine of the lab. `key` is its machine key: several inventory names may share it."""

    key: str
    address: str
    disk: str = ""  # size of its data's own disk; empty: the data is in a volume of the engine

    @property
    def container(self) -> str:
        return f"{CONTAINER_PREFIX}{self.key}"


@dataclass(frozen=True)
class Wanted:
    """What the inventories say: the lab's subnet, and each machine key with `lab_address`; sizes by machine key."""

    subnet: str
    addresses: dict[str, str | None]
    disks: dict[str, str] = field(default_factory=dict)

    def hosts(self, in_use: dict[str, str]) -> list[Host]:
        """With an address for every host. `in_use`: address -> machine key of the hosts that the lab has already."""
        for key, address in self.addresses.items():
            if address and in_use.get(address, key) != key:
                raise LabError(f"{key}: lab_address {address} is that of the lab's host {in_use[address]}")
        fixed = {address for address in self.addresses.values() if address}
        kept = {key: address for address, key in in_use.items() if address not in fixed}
        free = (
            address
            for address in map(str, list(ipaddress.ip_network(self.subnet).hosts())[FIRST_FREE - 1 :])
            if address not in fixed and address not in in_use
        )
        return [
            Host(key, address or kept.get(key) or next(free), self.disks.get(key, ""))
            for key, address in self.addresses.items()
        ]


def load(sources: list[str]) -> Wanted:
    listing = _listing(sources)
    variables = listing["_meta"]["hostvars"]
    names = _members(listing, GROUP)
    if not names:
        raise LabError(f"no host is in the group `{GROUP}` of {', '.join(sources)}")

    subnets = {str(variables.get(name, {}).get("lab_subnet", DEFAULT_SUBNET)) for name in names}
    if len(subnets) > 1:
        raise LabError(f"lab_subnet differs between hosts: {', '.join(sorted(subnets))}; the lab is one network")
    subnet = subnets.pop()

    addresses: dict[str, str | None] = {}
    disks: dict[str, str] = {}
    for name in names:
        host = variables.get(name, {})
        key = str(host.get("ansible_host", name))
        address = host.get("lab_address")
        if address and addresses.get(key, address) not in (None, address):
            raise LabError(f"{name}: lab_address is {address}, but its machine {key} already has {addresses[key]}")
        addresses[key] = addresses.get(key) or address
        if host.get("lab_disk"):
            disks[key] = str(host["lab_disk"])
    _check(subnet, addresses)
    return Wanted(subnet, addresses, disks)


def _check(subnet: str, addresses: dict[str, str | None]) -> None:
    try:
        network = ipaddress.ip_network(subnet)
    except ValueError as error:
        raise LabError(f"lab_subnet: {error}") from error
    owners: dict[str, str] = {}
    for key, address in addresses.items():
        if address is None:
            continue
        try:
            inside = ipaddress.ip_address(address) in network
        except ValueError as error:
            raise LabError(f"{key}: lab_address: {error}") from error
        if not inside:
            raise LabError(f"{key}: lab_address {address} is outside lab_subnet {subnet}")
        if address in owners:
            raise LabError(f"{key}: lab_address {address} is also that of {owners[address]}")
        owners[address] = key


def _members(listing: dict[str, Any], group: str) -> list[str]:
    """Hosts of a group and its children, in inventory order, each once."""
    content = listing.get(group, {})
    names = list(content.get("hosts", []))
    for child in content.get("children", []):
        names += _members(listing, child)
    return list(dict.fromkeys(names))


def _listing(sources: list[str]) -> dict[str, Any]:
    beside_python = Path(sys.executable).parent / "ansible-inventory"
    program = beside_python if beside_python.exists() else shutil.which("ansible-inventory")
    if not program:
        raise LabError("ansible-inventory: not installed")
    missing = [source for source in sources if not Path(source).exists()]
    if missing:
        raise LabError(f"no such inventory: {', '.join(missing)}")
    arguments = [word for source in sources for word in ("-i", str(Path(source).resolve()))]
    listing: dict[str, Any] = json.loads(run(program, "--list", *arguments, cwd=ROOT, environment=STRICT))
    return listing
