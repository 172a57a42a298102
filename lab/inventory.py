# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts the inventories ask the lab for."""

from __future__ import annotations

import ipaddress
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shell import ROOT, LabError, run

GROUP = "lab"
DEFAULT_SUBNET = "10.77.0.0/24"
FIRST_FREE = 11   # the low addresses are the engine's


@dataclass(frozen=True)
class Host:
    """A machine of the lab. `key` is its machine key: several inventory names may share it."""

    key: str
    address: str

    @property
    def container(self) -> str:
        return f"mha-{self.key}"


@dataclass(frozen=True)
class Lab:
    subnet: str
    hosts: list[Host]


def load(sources: list[str]) -> Lab:
    listing = _listing(sources)
    variables = listing["_meta"]["hostvars"]
    names = _members(listing, GROUP)
    if not names:
        raise LabError(f"no host is in the group `{GROUP}` of {', '.join(sources)}")

    subnets = {str(variables.get(name, {}).get("lab_subnet", DEFAULT_SUBNET)) for name in names}
    if len(subnets) > 1:
        raise LabError(f"lab_subnet differs between hosts: {', '.join(sorted(subnets))}; the lab is one network")
    try:
        subnet = ipaddress.ip_network(subnets.pop())
    except ValueError as error:
        raise LabError(f"lab_subnet: {error}") from error

    wanted: dict[str, str | None] = {}
    for name in names:
        host = variables.get(name, {})
        key = str(host.get("ansible_host", name))
        address = host.get("lab_address")
        if wanted.get(key) and address and wanted[key] != address:
            raise LabError(f"{name}: lab_address is {address}, but its machine {key} already has {wanted[key]}")
        wanted[key] = wanted.get(key) or address
    return Lab(str(subnet), _with_addresses(wanted, subnet))


def _with_addresses(wanted: dict[str, str | None], subnet: ipaddress.IPv4Network | ipaddress.IPv6Network) -> list[Host]:
    taken: dict[str, str] = {}
    for key, address in wanted.items():
        if address is None:
            continue
        if ipaddress.ip_address(address) not in subnet:
            raise LabError(f"{key}: lab_address {address} is outside lab_subnet {subnet}")
        if address in taken:
            raise LabError(f"{key}: lab_address {address} is also that of {taken[address]}")
        taken[address] = key
    free = (address for address in map(str, list(subnet.hosts())[FIRST_FREE - 1:]) if address not in taken)
    return [Host(key, address or next(free)) for key, address in wanted.items()]


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
    return json.loads(run(program, "--list", *arguments, cwd=ROOT))
