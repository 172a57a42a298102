# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done about the VIP on the wire and in the kernel: ask who else has it, announce it, remove it.

Asking and announcing need CAP_NET_RAW, removing CAP_NET_ADMIN. Everything raises OSError.
"""

from __future__ import annotations

import errno
import os
import socket
import struct

from .addresses import DELADDR, IFA_LOCAL
from .config import IpAddress, IpInterface
from .lib._neighbour import (
    ADVERTISEMENT,
    BROADCAST,
    REPLY,
    REQUEST,
    TARGET_OPTION,
    arp,
    arp_socket,
    hardware_of,
    holders,
    neighbour,
    neighbour_socket,
)

OVERRIDE = 1 << 29
ALL_NODES = "ff02::1"
_NETLINK = struct.Struct("=IHHII")
_IFADDR = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
REQUEST_WITH_ANSWER = 5  # NLM_F_REQUEST | NLM_F_ACK
NETLINK_ERROR = 2
ANSWER_BOUND = 1.0  # seconds


def probe(vip: IpInterface, interface: str, timeout: float = 0.1) -> str:
    """The hardware address of another host that has the VIP, "" when none says so within `timeout` seconds, or where
    the interface is no Ethernet. No table of a neighbour is changed."""
    return next(iter(holders(vip.ip, interface, timeout, one=True) or []), "")


def announce(vip: IpInterface, interface: str) -> None:
    """Tells all neighbours that the VIP is here (gratuitous ARP, both kinds; unsolicited neighbour advertisement)."""
    if vip.version == 6:
        _announce_ipv6(vip.ip, interface)
        return
    address = vip.ip.packed
    with arp_socket(interface) as link:
        hardware = hardware_of(link)
        if hardware is not None:
            link.send(arp(REQUEST, hardware, address, bytes(6), address))
            link.send(arp(REPLY, hardware, address, BROADCAST, address))


def _announce_ipv6(address: IpAddress, interface: str) -> None:
    link, hardware, number = neighbour_socket(interface)
    with link:
        if hardware is not None:
            link.bind((str(address), 0))
            link.sendto(
                neighbour(ADVERTISEMENT, OVERRIDE, address, TARGET_OPTION, hardware), (ALL_NODES, 0, 0, number))


def remove(vip: IpInterface, interface: str) -> None:
    """Takes the VIP off the interface. That it is not there is no error."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.bind((0, 0))
        kernel.settimeout(ANSWER_BOUND)
        kernel.send(deletion(vip, socket.if_nametoindex(interface)))
        number = answer(kernel.recv(65536))
    if number not in (0, errno.EADDRNOTAVAIL):
        raise OSError(number, os.strerror(number))


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
