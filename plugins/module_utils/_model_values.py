# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How one value of a user is read: plain value -> typed value, or `Refused` with the mend.

Pure.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Union

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


def read_text(value: object) -> str:
    # YAML reads 8.4 as a number and 51 as an integer: where text is wanted they are fine.
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Refused("is not text", "write one line of text")
    return str(value).strip()


def matching(pattern: str, text: str, mend: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        name = read_text(value)
        if not re.fullmatch(pattern, name):
            raise Refused(text, mend)
        return name

    return read


def one_of(*choices: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in choices:
            raise Refused("is unknown", f"write {' or '.join(choices)}")
        return str(value)

    return read


def integer(low: int, high: int) -> Callable[[object], int]:
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


def read_seconds(value: object) -> float:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused("is not a number", "write seconds, e.g. 0.5")
    return float(value)


def read_timeout(value: object) -> float:
    seconds = read_seconds(value)
    if not 0 < seconds <= 3600:
        raise Refused("is not more than 0 and at most 3600", "write seconds, e.g. 3")
    return seconds


def read_witnesses(value: object) -> tuple[Address, ...]:
    """Their addresses: `gateway` has none, and ports are left to the agent."""
    if not isinstance(value, (list, tuple)):
        raise Refused("is not a list", "write e.g. [gateway, 10.0.0.9, '10.0.0.53:53']")
    texts = [read_text(item) for item in value]
    return tuple(_witness(text) for text in texts if text != "gateway")


def _witness(text: str) -> Address:
    mend = "write gateway, ADDRESS (it is pinged) or ADDRESS:PORT ([ADDRESS]:PORT for IPv6)"
    parts = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]{1,5})", text)
    if parts and not 0 < int(parts[3]) < 65536:
        raise Refused(f"has in '{text}' a port that is out of 1 to 65535", mend)
    try:
        ip = ipaddress.ip_address((parts[1] or parts[2]) if parts else text)
    except ValueError:
        raise Refused(f"has in '{text}' no IP address", mend) from None
    if ip.is_loopback or ip.is_unspecified or ip.is_multicast:
        raise Refused(f"has in '{text}' an address that shows nothing about the network", mend)
    return ip


def read_command(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise Refused("is not a list", "write the program and its arguments as a list")
    return tuple(read_text(item) for item in value)


def read_address(value: object) -> Address:
    try:
        return ipaddress.ip_address(read_text(value))
    except ValueError:
        raise Refused("is not an IP address", "write one without prefix, e.g. 10.0.0.11") from None


def read_reader_vips(value: object) -> tuple[Address, ...]:
    mend = "write a list of addresses without prefix, e.g. [10.0.0.200]"
    if not isinstance(value, (list, tuple)):
        raise Refused("is not a list", mend)
    vips: list[Address] = []
    for item in value:
        try:
            ip = ipaddress.ip_address(read_text(item))
        except (ValueError, Refused):
            raise Refused("has an item that is no IP address", mend) from None
        refuse_immovable(ip)
        if ip in vips:
            raise Refused(f"names {ip} twice", "write each address once")
        vips.append(ip)
    return tuple(vips)


def refuse_immovable(ip: Address) -> None:
    if ip.is_multicast or ip.is_loopback or ip.is_unspecified or ip.is_link_local or getattr(ip, "ipv4_mapped", None):
        raise Refused(
            "is not an address that can move between hosts", "choose a free unicast address of the hosts' subnet"
        )


def read_vip(value: object) -> AddressWithPrefix:
    address, slash, prefix = read_text(value).partition("/")
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
    refuse_immovable(ip)
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


def read_path(value: object) -> str:
    path = read_text(value)
    if not re.fullmatch(r"/[^\s\"'#;\\]*", path):
        raise Refused("is not an absolute path without spaces and quotes", "write e.g. /var/lib/mysql")
    return posixpath.normpath(path)


def read_version(value: object) -> str:
    mend = "write 8.0 (from 8.0.26 on), 8.4 or 9.x, e.g. 8.4, or leave it out"
    version = read_text(value)
    parts = re.fullmatch(r"([0-9]{1,3})\.([0-9]{1,3})(?:\.([0-9]{1,3}))?", version)
    if not parts:
        raise Refused("is not a version", mend)
    major, minor = int(parts[1]), int(parts[2])
    patch = int(parts[3]) if parts[3] else None
    # 8.0.26 brought the words source and replica to all variables that are used here.
    if not ((major, minor) == (8, 4) or major == 9 or ((major, minor) == (8, 0) and (patch is None or patch >= 26))):
        raise Refused("is not supported", mend)
    return version


def read_password(value: object) -> str:
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


def read_auth_pass(value: object) -> str:
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise Refused("is not text", "write it in quotes")
    password = str(value)
    if len(password) > 8:
        raise Refused("is longer than the 8 characters that count in VRRP", "shorten it to at most 8")
    if not re.fullmatch(r"[A-Za-z0-9_.,:=+*/@%^~-]+", password):
        raise Refused("holds characters that keepalived.conf gives a meaning", "use letters, digits and _.,:=+*/@%^~-")
    return password


IDLE_TIMEOUT = 28800  # seconds: the server's default of wait_timeout and of interactive_timeout


@dataclass(frozen=True)
class MysqlSettings:
    """What a proxy must know of a server's settings. idle_timeout: seconds after which it ends a silent session."""

    idle_timeout: int = IDLE_TIMEOUT
    takes_proxy_header: bool = False


def read_mysql_settings(value: object) -> MysqlSettings:
    if not isinstance(value, Mapping):
        raise Refused("is not a dictionary", "write names and values, e.g. {wait_timeout: 3600}")
    given = {re.sub("^loose_", "", str(name).replace("-", "_")): entry for name, entry in value.items()}
    timeouts = []
    for name in ("wait_timeout", "interactive_timeout"):
        try:
            timeouts.append(integer(1, 31536000)(given.get(name, IDLE_TIMEOUT)))
        except Refused as refusal:
            raise Refused(f"has a {name} that {refusal.text}", refusal.mend) from None
    return MysqlSettings(max(timeouts), bool(given.get("proxy_protocol_networks")))
