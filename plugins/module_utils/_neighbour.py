# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has an address on the wire: ARP, and for IPv6 neighbour discovery. Needs CAP_NET_RAW; raises OSError."""

from __future__ import annotations

import ipaddress
import select
import socket
import struct
import time
from pathlib import Path
from typing import Callable, Union

IpAddress = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
ETHERNET = 1
BROADCAST = b"\xff" * 6
ARP = 0x0806
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_ETHER = struct.Struct("!6s6sH")
REQUEST, REPLY = 1, 2
SOLICITATION, ADVERTISEMENT = 135, 136
_NEIGHBOUR = struct.Struct("!BBHI16s")
SOURCE_OPTION, TARGET_OPTION = 1, 2
ICMP6_FILTER = 1


def holders(address: IpAddress, interface: str, timeout: float, one: bool = False) -> list[str] | None:
    """Hardware addresses of the other hosts that say within `timeout` seconds that they have the address; with `one`,
    of the first. None where the interface is no Ethernet. ARP changes no table of a neighbour; of an IPv6 solicitation
    the holder learns this host's own address, as from any other packet."""
    if address.version == 6:
        link, hardware, number = neighbour_socket(interface)
        with link:
            if hardware is None:
                return None
            group = socket.inet_ntop(socket.AF_INET6, bytes.fromhex("ff0200000000000000000001ff") + address.packed[-3:])
            link.sendto(neighbour(SOLICITATION, 0, address, SOURCE_OPTION, hardware), (group, 0, 0, number))
            return _senders(link, timeout, one, lambda data: advertised_by(data, address))
    with arp_socket(interface) as link:
        hardware = hardware_of(link)
        if hardware is None:
            return None
        # Without an address of the sender nobody learns anything from it (RFC 5227).
        link.send(arp(REQUEST, hardware, bytes(4), bytes(6), address.packed))
        return _senders(link, timeout, one, lambda data: arp_sender(data, address))


def _senders(link: socket.socket, timeout: float, one: bool, sender: Callable[[bytes], bytes | None]) -> list[str]:
    """Those that are not this host."""
    own = _own_hardware()
    senders: dict[str, None] = {}
    deadline = time.monotonic() + timeout
    while select.select([link], [], [], max(0.0, deadline - time.monotonic()))[0]:
        found = sender(link.recv(2048))
        if found is not None and found not in own:
            senders[found.hex(":")] = None
            if one:
                break
    return list(senders)


def _own_hardware() -> set[bytes]:
    """Of all interfaces: with two in one network either may answer for an address of the other."""
    own = set()
    for path in Path("/sys/class/net").glob("*/address"):
        try:
            own.add(bytes.fromhex(path.read_text(encoding="ascii").strip().replace(":", "")))
        except (OSError, ValueError):
            continue
    return own


# ---- ARP -------------------------------------------------------------------------------------------------------------


def arp_socket(interface: str) -> socket.socket:
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        link.bind((interface, ARP))
    except BaseException:
        link.close()
        raise
    return link


def hardware_of(link: socket.socket) -> bytes | None:
    """The address of the interface that the socket is bound to; None where it is no Ethernet."""
    *_rest, kind, hardware = link.getsockname()
    return bytes(hardware) if kind == ETHERNET else None


def arp(operation: int, hardware: bytes, sender: bytes, target_hardware: bytes, target: bytes) -> bytes:
    """A whole broadcast frame."""
    packet = _ARP.pack(ETHERNET, 0x0800, 6, 4, operation, hardware, sender, target_hardware, target)
    return _ETHER.pack(BROADCAST, hardware, ARP) + packet


def arp_sender(frame: bytes, address: IpAddress) -> bytes | None:
    """The hardware address of whoever says, in this frame, that it has the address."""
    if len(frame) < _ETHER.size + _ARP.size:
        return None
    kind, protocol, length, size, operation, hardware, sender, *_target = _ARP.unpack_from(frame, _ETHER.size)
    if (kind, protocol, length, size) != (ETHERNET, 0x0800, 6, 4) or operation not in (REQUEST, REPLY):
        return None
    return bytes(hardware) if sender == address.packed else None


# ---- IPv6 ------------------------------------------------------------------------------------------------------------


def neighbour_socket(interface: str) -> tuple[socket.socket, bytes | None, int]:
    """The socket, and the hardware address and number of the interface."""
    link = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    try:
        with arp_socket(interface) as ethernet:
            hardware = hardware_of(ethernet)
        number = socket.if_nametoindex(interface)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
        link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, number)
        link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)  # others are ignored (RFC 4861)
        link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        passed = bytearray(b"\xff" * 32)  # a set bit is a kind that is kept away
        passed[ADVERTISEMENT // 8] = 0xFF ^ 1 << ADVERTISEMENT % 8
        link.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, bytes(passed))
    except BaseException:
        link.close()
        raise
    return link, hardware, number


def neighbour(kind: int, flags: int, address: IpAddress, option: int, hardware: bytes) -> bytes:
    """A solicitation or an advertisement; the kernel fills in the checksum."""
    return _NEIGHBOUR.pack(kind, 0, 0, flags, address.packed) + bytes((option, 1)) + hardware


def advertised_by(data: bytes, address: IpAddress) -> bytes | None:
    """The hardware address of whoever advertises, in this message, that it has the address."""
    if len(data) < _NEIGHBOUR.size:
        return None
    kind, _code, _checksum, _flags, target = _NEIGHBOUR.unpack_from(data)
    if kind != ADVERTISEMENT or target != address.packed:
        return None
    options = data[_NEIGHBOUR.size:]
    while len(options) >= 8 and options[1]:
        if options[0] == TARGET_OPTION and options[1] == 1:
            return bytes(options[2:8])
        options = options[options[1] * 8:]
    return None
