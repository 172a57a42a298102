# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done about the VIP on the wire and in the kernel: ask who else has it, announce it, remove it.

Asking and announcing need CAP_NET_RAW, removing CAP_NET_ADMIN. Everything raises OSError.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

from .addresses import DELADDR, IFA_LOCAL
from .config import IpAddress, IpInterface

ETHERNET = 1
BROADCAST = b"\xff" * 6
ARP = 0x0806
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_ETHER = struct.Struct("!6s6sH")
REQUEST, REPLY = 1, 2
SOLICITATION, ADVERTISEMENT = 135, 136
_NEIGHBOUR = struct.Struct("!BBHI16s")
SOURCE_OPTION, TARGET_OPTION = 1, 2
OVERRIDE = 1 << 29
ALL_NODES = "ff02::1"
ICMP6_FILTER = 1
_NETLINK = struct.Struct("=IHHII")
_IFADDR = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
REQUEST_WITH_ANSWER = 5  # NLM_F_REQUEST | NLM_F_ACK
NETLINK_ERROR = 2
ANSWER_BOUND = 1.0  # seconds


def probe(vip: IpInterface, interface: str, timeout: float = 0.1) -> str:
    """The hardware address of another host that has the VIP, "" when none says so within `timeout` seconds, or where
    the interface is no Ethernet. By ARP, for IPv6 by neighbour solicitation. No table of a neighbour is changed."""
    if vip.version == 6:
        return _probe_ipv6(vip.ip, interface, timeout)
    with _arp_socket(interface) as link:
        hardware = _hardware(link)
        if hardware is None:
            return ""
        # Without an address of the sender nobody learns anything from it (RFC 5227).
        link.send(arp(REQUEST, hardware, bytes(4), bytes(6), vip.ip.packed))
        return _first(link, timeout, lambda data: arp_sender(data, vip.ip))


def announce(vip: IpInterface, interface: str) -> None:
    """Tells all neighbours that the VIP is here (gratuitous ARP, both kinds; unsolicited neighbour advertisement)."""
    if vip.version == 6:
        _announce_ipv6(vip.ip, interface)
        return
    address = vip.ip.packed
    with _arp_socket(interface) as link:
        hardware = _hardware(link)
        if hardware is not None:
            link.send(arp(REQUEST, hardware, address, bytes(6), address))
            link.send(arp(REPLY, hardware, address, BROADCAST, address))


def remove(vip: IpInterface, interface: str) -> None:
    """Takes the VIP off the interface. That it is not there is no error."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.bind((0, 0))
        kernel.settimeout(ANSWER_BOUND)
        kernel.send(deletion(vip, socket.if_nametoindex(interface)))
        number = answer(kernel.recv(65536))
    if number not in (0, errno.EADDRNOTAVAIL):
        raise OSError(number, os.strerror(number))


def _first(link: socket.socket, timeout: float, sender: Callable[[bytes], bytes | None]) -> str:
    """The first sender that is not this host."""
    own = _own_hardware()
    deadline = time.monotonic() + timeout
    while select.select([link], [], [], max(0.0, deadline - time.monotonic()))[0]:
        found = sender(link.recv(2048))
        if found is not None and found not in own:
            return found.hex(":")
    return ""


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


def _arp_socket(interface: str) -> socket.socket:
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        link.bind((interface, ARP))
    except BaseException:
        link.close()
        raise
    return link


def _hardware(link: socket.socket) -> bytes | None:
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


def _neighbour_socket(interface: str) -> tuple[socket.socket, bytes | None, int]:
    """The socket, and the hardware address and number of the interface."""
    link = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    try:
        with _arp_socket(interface) as ethernet:
            hardware = _hardware(ethernet)
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


def _probe_ipv6(address: IpAddress, interface: str, timeout: float) -> str:
    link, hardware, number = _neighbour_socket(interface)
    with link:
        if hardware is None:
            return ""
        group = socket.inet_ntop(socket.AF_INET6, bytes.fromhex("ff0200000000000000000001ff") + address.packed[-3:])
        link.sendto(neighbour(SOLICITATION, 0, address, SOURCE_OPTION, hardware), (group, 0, 0, number))
        return _first(link, timeout, lambda data: advertised_by(data, address))


def _announce_ipv6(address: IpAddress, interface: str) -> None:
    link, hardware, number = _neighbour_socket(interface)
    with link:
        if hardware is not None:
            link.bind((str(address), 0))
            link.sendto(
                neighbour(ADVERTISEMENT, OVERRIDE, address, TARGET_OPTION, hardware), (ALL_NODES, 0, 0, number))


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


# ---- the kernel's addresses ------------------------------------------------------------------------------------------


def deletion(vip: IpInterface, interface: int) -> bytes:
    """The netlink message that removes the address from the interface with this number."""
    family = socket.AF_INET if vip.version == 4 else socket.AF_INET6
    raw = vip.ip.packed
    # Without IFA_ADDRESS an IPv4 address is found whatever its prefix is.
    attribute = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(raw), IFA_LOCAL) + raw
    body = _IFADDR.pack(family, vip.network.prefixlen, 0, 0, interface) + attribute
    return _NETLINK.pack(_NETLINK.size + len(body), DELADDR, REQUEST_WITH_ANSWER, 1, 0) + body


def answer(data: bytes) -> int:
    """The kernel's answer: 0, or the number of an error. Raises OSError where it is none."""
    if len(data) < _NETLINK.size + 4 or _NETLINK.unpack_from(data)[1] != NETLINK_ERROR:
        raise OSError(errno.EPROTO, "the kernel gave no answer")
    return -int(struct.unpack_from("=i", data, _NETLINK.size)[0])
