# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts the inventories ask the lab for."""

from __future__ import annotations

import ipaddress
import json
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shell import ROOT, LabError, run

GROUP = "lab"
CONTAINER_PREFIX = "mha-"
DEFAULT_SUBNET = "10.77.0.0/24"
STRICT = {"ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}
DEFAULT_RELEASE = "sid"  # the only one with MySQL
RELEASE = re.compile(r"[a-z]+")
FIRST_FREE = 11  # the low addresses are the engine's


@dataclass(frozen=True)
class Host:
    """A machine of the lab. `key` is its machine key: several inventory names may share it."""

    key: str
    address: str
    disk: str = ""  # size of its data's own disk; empty: the data is in a volume of the engine
    release: str = DEFAULT_RELEASE  # of Debian
    ipvs: bool = False  # it can be an LVS director

    @property
    def container(self) -> str:
        return f"{CONTAINER_PREFIX}{self.key}"


@dataclass(frozen=True)
class Wanted:
    """What the inventories say: the lab's subnet, and its hosts; those without `lab_address` have none yet."""

    subnet: str
    hosts: tuple[Host, ...]

    @property
    def keys(self) -> list[str]:
        return [host.key for host in self.hosts]

    def addressed(self, in_use: dict[str, str]) -> list[Host]:
        """With an address for every host. `in_use`: address -> machine key of the hosts that the lab has already."""
        for host in self.hosts:
            if host.address and in_use.get(host.address, host.key) != host.key:
                raise LabError(
                    f"{host.key}: lab_address {host.address} is that of the lab's host {in_use[host.address]}"
                )
        fixed = {host.address for host in self.hosts}
        kept = {key: address for address, key in in_use.items() if address not in fixed}
        free = (
            address
            for address in map(str, list(ipaddress.ip_network(self.subnet).hosts())[FIRST_FREE - 1 :])
            if address not in fixed and address not in in_use
        )
        return [replace(host, address=host.address or kept.get(host.key) or next(free)) for host in self.hosts]


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

    hosts: dict[str, Host] = {}
    for name in names:
        host = _host(name, variables.get(name, {}))
        hosts[host.key] = _merged(name, hosts.get(host.key, host), host)
    _check(subnet, hosts.values())
    return Wanted(subnet, tuple(hosts.values()))


def _host(name: str, variables: dict[str, Any]) -> Host:
    release = str(variables.get("lab_release", DEFAULT_RELEASE))
    if not RELEASE.fullmatch(release):
        raise LabError(f"{name}: lab_release {release} is no name of a Debian release, like bookworm")
    ipvs = variables.get("lab_ipvs", False)
    if not isinstance(ipvs, bool):
        raise LabError(f"{name}: lab_ipvs is true or false, not {ipvs!r}")
    if ipvs and variables.get("lab_disk"):
        raise LabError(f"{name}: a host has lab_disk or lab_ipvs, not both: a director has no data")
    return Host(
        key=str(variables.get("ansible_host", name)),
        address=str(variables.get("lab_address") or ""),
        disk=str(variables.get("lab_disk") or ""),
        release=release,
        ipvs=ipvs,
    )


def _merged(name: str, first: Host, other: Host) -> Host:
    """Of two inventory names that share a machine."""
    if first.address and other.address and first.address != other.address:
        raise LabError(
            f"{name}: lab_address is {other.address}, but its machine {first.key} already has {first.address}"
        )
    if first.release != other.release:
        raise LabError(f"{name}: lab_release is {other.release}, but its machine {first.key} has {first.release}")
    return replace(
        first, address=first.address or other.address, disk=other.disk or first.disk, ipvs=first.ipvs or other.ipvs
    )


def _check(subnet: str, hosts: Iterable[Host]) -> None:
    try:
        network = ipaddress.ip_network(subnet)
    except ValueError as error:
        raise LabError(f"lab_subnet: {error}") from error
    owners: dict[str, str] = {}
    for host in hosts:
        if not host.address:
            continue
        try:
            inside = ipaddress.ip_address(host.address) in network
        except ValueError as error:
            raise LabError(f"{host.key}: lab_address: {error}") from error
        if not inside:
            raise LabError(f"{host.key}: lab_address {host.address} is outside lab_subnet {subnet}")
        if host.address in owners:
            raise LabError(f"{host.key}: lab_address {host.address} is also that of {owners[host.address]}")
        owners[host.address] = host.key


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
