# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user writes, made typed: one table of variables, one reader each.

Pure: plain values in, typed values or a `Refused` with the mend out.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
AddressWithPrefix = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]

# Passwords that documentation and examples use, so that everybody knows them.
PLACEHOLDERS = frozenset(["123456", "change_me", "change-me", "changeme", "password", "replication_password", "secret"])


class Refused(Exception):
    """A value cannot be used: `text` says why (it follows the variable's name and value), `mend` what to write."""

    def __init__(self, text: str, mend: str) -> None:
        super().__init__(text)
        self.text = text
        self.mend = mend


@dataclass
class Problems:
    """Collects what is wrong; the same finding on several hosts becomes one line."""

    _hosts: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, hosts: Iterable[str], text: str, mend: str) -> None:
        """Every text names the variable that is to be mended."""
        known = self._hosts.setdefault((text, mend), [])
        known.extend(host for host in hosts if host not in known)

    def lines(self) -> list[str]:
        return [f"{', '.join(hosts)}: {text}; {mend}" for (text, mend), hosts in self._hosts.items()]


def shown(value: object) -> str:
    """A value for a message: on one line, not endless."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


# --- Readers: plain value -> typed value, or Refused


def _text(value: object) -> str:
    # YAML reads 8.4 as a number and 51 as an integer: where text is wanted they are fine.
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Refused("is not text", "write one line of text")
    return str(value).strip()


def _matching(pattern: str, text: str, mend: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        name = _text(value)
        if not re.fullmatch(pattern, name):
            raise Refused(text, mend)
        return name

    return read


def _one_of(*choices: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in choices:
            raise Refused("is unknown", f"write {' or '.join(choices)}")
        return str(value)

    return read


def _integer(low: int, high: int) -> Callable[[object], int]:
    mend = f"write an integer from {low} to {high}"

    def read(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,20}", value.strip()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Refused("is not an integer", mend)
        if not low <= value <= high:
            raise Refused(f"is out of {low} to {high}", mend)
        return value

    return read


def _seconds(value: object) -> float:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused("is not a number", "write seconds, e.g. 0.5")
    return float(value)


def _address(value: object) -> Address:
    try:
        return ipaddress.ip_address(_text(value))
    except ValueError:
        raise Refused("is not an IP address", "write one without prefix, e.g. 10.0.0.11") from None


def _vip(value: object) -> AddressWithPrefix:
    address, slash, prefix = _text(value).partition("/")
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        raise Refused("is not an IP address with prefix", "write ADDRESS/PREFIX, e.g. 10.0.0.100/24") from None
    example = f"e.g. {ip}/{24 if ip.version == 4 else 64}"
    if not slash:
        raise Refused("has no prefix", f"write ADDRESS/PREFIX, {example}")
    if not re.fullmatch(r"[0-9]{1,3}", prefix) or int(prefix) > ip.max_prefixlen:
        raise Refused(
            f"has a prefix that is no number from 0 to {ip.max_prefixlen}", f"write ADDRESS/PREFIX, {example}"
        )
    if ip.is_multicast or ip.is_loopback or ip.is_unspecified or ip.is_link_local or getattr(ip, "ipv4_mapped", None):
        raise Refused(
            "is not an address that can move between hosts", "choose a free unicast address of the hosts' subnet"
        )
    vip: AddressWithPrefix = ipaddress.ip_interface(f"{ip}/{int(prefix)}")
    refuse_edge(vip.ip, vip.network)
    return vip


def refuse_edge(ip: Address, network: Network) -> None:
    """Refuse the address that stands for the subnet itself, or for all of its hosts."""
    mend = f"choose a free host address of {network}"
    if network.prefixlen >= network.max_prefixlen - 1:  # no such addresses in /31, /32, /127, /128
        return
    if ip == network.network_address:
        raise Refused(f"is the network address of {network}", mend)
    if ip.version == 4 and ip == network.broadcast_address:
        raise Refused(f"is the broadcast address of {network}", mend)


def _path(value: object) -> str:
    path = _text(value)
    if not re.fullmatch(r"/[^\s\"'#;\\]*", path):
        raise Refused("is not an absolute path without spaces and quotes", "write e.g. /var/lib/mysql")
    return posixpath.normpath(path)


def _version(value: object) -> str:
    mend = "write 8.0 (from 8.0.26 on), 8.4 or 9.x, e.g. 8.4, or leave it out"
    version = _text(value)
    parts = re.fullmatch(r"([0-9]{1,3})\.([0-9]{1,3})(?:\.([0-9]{1,3}))?", version)
    if not parts:
        raise Refused("is not a version", mend)
    major, minor = int(parts[1]), int(parts[2])
    patch = int(parts[3]) if parts[3] else None
    # 8.0.26 brought the words source and replica to all variables that are used here.
    if not ((major, minor) == (8, 4) or major == 9 or ((major, minor) == (8, 0) and (patch is None or patch >= 26))):
        raise Refused("is not supported", mend)
    return version


def _password(value: object) -> str:
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise Refused("is not text", "write it in quotes")
    password = str(value)
    if password.lower() in PLACEHOLDERS:
        raise Refused("is a placeholder that everybody knows", "choose a secret, best kept by ansible-vault")
    if len(password) > 32:
        raise Refused("is longer than 32 characters, which MySQL refuses for a channel", "shorten it")
    if not password.isprintable():
        raise Refused("holds a line break or a control character", "write it on one line")
    return password


def _auth_pass(value: object) -> str:
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise Refused("is not text", "write it in quotes")
    password = str(value)
    if len(password) > 8:
        raise Refused("is longer than the 8 characters that count in VRRP", "shorten it to at most 8")
    if not re.fullmatch(r"[A-Za-z0-9_.,:=+*/@%^~-]+", password):
        raise Refused("holds characters that keepalived.conf gives a meaning", "use letters, digits and _.,:=+*/@%^~-")
    return password


# --- The table


@dataclass(frozen=True)
class Variable:
    """One variable of the inventory.

    default: as a user would write it; the roles' defaults/main.yml say the same. None: there is none.
    required: what to do when it is missing; empty: it may be.
    shared: all members of a cluster must have the same value.
    secret: its value appears in no message.
    """

    name: str
    read: Callable[[object], Any]
    default: object = None
    required: str = ""
    shared: bool = False
    secret: bool = False


read_cluster_name = _matching(
    r"[A-Za-z][A-Za-z0-9_-]{0,31}",
    "cannot be used in file and VRRP names",
    "write a letter, then up to 31 letters, digits, _ or -",
)
_INTERFACE = _matching(r"[^\s/]{1,15}", "is not an interface name", "write e.g. eth0")
_USER = _matching(r"[A-Za-z0-9_.-]{1,32}", "is not an account name", "write 1 to 32 letters, digits, _, . or -")
_PORT = _integer(1, 65535)

VARIABLES = (
    Variable("cluster_name", read_cluster_name),
    Variable("cluster_topology", _one_of("dual_source", "source_replica"), "dual_source", shared=True),
    Variable("cluster_role", _one_of("candidate", "reader"), "candidate"),
    Variable(
        "cluster_vip",
        _vip,
        required="give the group a free address of the hosts' subnet, e.g. cluster_vip: 10.0.0.100/24",
        shared=True,
    ),
    Variable(
        "cluster_virtual_router_id",
        _integer(1, 255),
        shared=True,
        required="give the group a number from 1 to 255 that nobody else's VRRP on this LAN uses, e.g. 51",
    ),
    Variable("cluster_address", _address),
    Variable("cluster_interface", _INTERFACE),
    Variable("mysql_port", _PORT, 3306),
    Variable("mysql_datadir", _path, "/var/lib/mysql"),
    Variable("mysql_socket", _path, "/run/mysqld/mysqld.sock"),
    Variable("mysql_version", _version),
    Variable("mysql_server_id", _integer(1, 2**32 - 1)),
    Variable("mysql_durability", _one_of("available", "strict"), "available", shared=True),
    Variable("replication_user", _USER, "mha_repl", shared=True),
    Variable(
        "replication_password",
        _password,
        shared=True,
        secret=True,
        required="give the group one of up to 32 characters, best kept by ansible-vault",
    ),
    Variable("keepalived_vrrp_version", _integer(2, 3), 3, shared=True),
    Variable("keepalived_auth_pass", _auth_pass, shared=True, secret=True),
    Variable("keepalived_advert_interval", _seconds, 0.5, shared=True),
    Variable("agent_port", _PORT, 8308),
    Variable("ansible_host", _text),
)
DEFAULTS = {variable.name: variable.default for variable in VARIABLES if variable.default is not None}


@dataclass(frozen=True)
class Settings:
    """One host's variables, typed. None: not given, or refused (and then reported)."""

    cluster_name: str | None
    cluster_topology: str | None
    cluster_role: str | None
    cluster_vip: AddressWithPrefix | None
    cluster_virtual_router_id: int | None
    cluster_address: Address | None
    cluster_interface: str | None
    mysql_port: int | None
    mysql_datadir: str | None
    mysql_socket: str | None
    mysql_version: str | None
    mysql_server_id: int | None
    mysql_durability: str | None
    replication_user: str | None
    replication_password: str | None
    keepalived_vrrp_version: int | None
    keepalived_auth_pass: str | None
    keepalived_advert_interval: float | None
    agent_port: int | None
    ansible_host: str | None


@dataclass(frozen=True)
class InterfaceAddress:
    interface: str
    address: AddressWithPrefix
    primary: bool  # the first of an interface's IPv4 subnet; what is added later, like a VIP, is secondary


@dataclass(frozen=True)
class Instance:
    """One inventory host. refused: the variables that are already reported, so that no rule reports them again."""

    name: str
    in_play: bool
    settings: Settings
    refused: frozenset[str]
    addresses: tuple[InterfaceAddress, ...] | None  # None: not known

    @property
    def machine(self) -> str:
        return self.settings.ansible_host or self.name


def read_instance(name: str, host: Mapping[str, Any], in_play: bool, problems: Problems) -> Instance:
    """Read one host: {"variables": {name: value}, "unreadable": {name: reason}, "interfaces": [...] or None}.

    An interface entry is {"name": "eth0", "address": "10.0.0.11", "prefix": 24, "primary": True}.
    """
    values: dict[str, Any] = {}
    refused = set()
    for variable in VARIABLES:
        try:
            values[variable.name] = _read(variable, host)
        except Refused as refusal:
            values[variable.name] = None
            refused.add(variable.name)
            problems.add([name], f"{variable.name} {refusal.text}", refusal.mend)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", name):
        problems.add(
            [name],
            "inventory_hostname cannot be used in file and unit names",
            "rename it to up to 63 letters, digits, _, . or -, and put the address into ansible_host",
        )
    interfaces: Sequence[Mapping[str, Any]] | None = host.get("interfaces")
    return Instance(
        name=name,
        in_play=in_play,
        settings=Settings(**values),
        refused=frozenset(refused),
        addresses=None if interfaces is None else tuple(_interface_addresses(interfaces)),
    )


def _read(variable: Variable, host: Mapping[str, Any]) -> Any:
    reason = host.get("unreadable", {}).get(variable.name)
    value = host.get("variables", {}).get(variable.name)
    if isinstance(value, str) and re.search(r"\{\{.*\}\}|\{%.*%\}", value, re.DOTALL):
        reason = "it holds a template that Ansible left unresolved"  # ansible-core before 2.19 does not raise
    if reason is not None:
        raise Refused(f"cannot be read ({reason})", "define what it refers to")
    if value is None or (isinstance(value, str) and not value.strip()):
        if variable.required:
            raise Refused("is missing", variable.required)
        return None if variable.default is None else variable.read(variable.default)
    try:
        return variable.read(value)
    except Refused as refusal:
        if variable.secret:
            raise
        raise Refused(f"{shown(value)} {refusal.text}", refusal.mend) from None


def _interface_addresses(interfaces: Sequence[Mapping[str, Any]]) -> Iterable[InterfaceAddress]:
    for entry in interfaces:
        address = ipaddress.ip_interface(f"{entry['address']}/{entry['prefix']}")
        if not (address.ip.is_loopback or address.ip.is_link_local):
            yield InterfaceAddress(entry["name"], address, entry["primary"])
