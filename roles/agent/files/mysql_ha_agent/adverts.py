# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Listens to VRRP beside keepalived: who announces our VIP, so that our keepalived would not take it?"""

from __future__ import annotations

import socket
import time

from . import threads
from .clock import now
from .config import Config, IpAddress

IPPROTO_VRRP = 112
TRY_AGAIN = 10.0  # seconds


def announces(packet: bytes, vip: IpAddress) -> bool:
    """Whether this VRRP advertisement (version 2 or 3, without the IP header) is for the VIP, by one that keeps it:
    priority 0 gives it up."""
    if len(packet) < 8 or packet[0] not in (0x21, 0x31):
        return False
    priority, count, width = packet[2], packet[3], len(vip.packed)
    addresses = packet[8:8 + count * width]
    return priority > 0 and any(
        addresses[at:at + width] == vip.packed for at in range(0, len(addresses) - width + 1, width))


def without_ip_header(datagram: bytes, version: int) -> bytes:
    """A raw IPv4 socket delivers the header too, an IPv6 one does not."""
    return datagram if version == 6 or not datagram else datagram[(datagram[0] & 0x0F) * 4:]


class Adverts:
    """`heard` answers from memory; a thread listens."""

    def __init__(self, config: Config) -> None:
        self._vip = config.vip.ip
        self._members = {str(member.address): member.name for member in config.peers}
        self._heard: dict[str, float] = {}

    def start(self) -> None:
        threads.start(self._listen, "adverts")

    def heard(self) -> tuple[tuple[str, float], ...]:
        """The members that announce the VIP, and when each was last heard; our own adverts do not come back to us."""
        return tuple(self._heard.items())

    def _listen(self) -> None:
        family = socket.AF_INET6 if self._vip.version == 6 else socket.AF_INET
        while True:
            try:
                with socket.socket(family, socket.SOCK_RAW, IPPROTO_VRRP) as raw:
                    while True:
                        datagram, sender = raw.recvfrom(2048)
                        member = self._members.get(sender[0].split("%")[0])
                        if member and announces(without_ip_header(datagram, self._vip.version), self._vip):
                            self._heard = {**self._heard, member: now()}
            except OSError:  # no CAP_NET_RAW, or the interface went: then nothing is heard
                time.sleep(TRY_AGAIN)
