# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuses connections to a VIP that has just left this host.

Until the new holder has announced itself (some 20 to 60 ms) clients still send to this host, whose kernel drops what is
for an address that it no longer has. A client would send its SYN again only a second later. Told that nobody listens,
it comes again at once. IPv4 only.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections.abc import Callable

from . import threads
from .config import Config

LASTS = 0.3  # seconds
KNOWN_WITHIN = 0.005
IPV4 = 0x0800
SYN, RST, ACK = 0x02, 0x04, 0x10
_TCP = struct.Struct("!HHIIBBHHH")
_PSEUDO = struct.Struct("!4s4sBBH")


def refusal(packet: bytes, vip: bytes, port: int) -> bytes:
    """The answer of a host without a listener to a SYN for this address and port; empty for any other packet."""
    if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_TCP or packet[16:20] != vip:
        return b""
    start = (packet[0] & 15) * 4
    if start < 20 or len(packet) < start + _TCP.size:
        return b""
    source, target, number, _acked, _offset, flags = _TCP.unpack_from(packet, start)[:6]
    if target != port or flags & (SYN | RST | ACK) != SYN:
        return b""
    client = packet[12:16]
    segment = _TCP.pack(port, source, 0, (number + 1) & 0xFFFFFFFF, 5 << 4, RST | ACK, 0, 0, 0)
    checked = _checksum(_PSEUDO.pack(vip, client, 0, socket.IPPROTO_TCP, len(segment)) + segment)
    segment = segment[:16] + struct.pack("!H", checked) + segment[18:]
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0x4000, 64, socket.IPPROTO_TCP, 0, vip, client)
    return header[:10] + struct.pack("!H", _checksum(header)) + header[12:] + segment


def _checksum(data: bytes) -> int:
    total = int(sum(struct.unpack(f"!{len(data) // 2}H", data)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Refusal:
    def __init__(self, config: Config, here: Callable[[], bool]) -> None:
        """`here`: whether the VIP is on this host."""
        self._vip, self._port, self._interface = config.vip.ip, config.port, config.interface
        self._here = here

    def begin(self) -> None:
        """Just before the VIP leaves; it goes on for a moment. Without a wire nobody is refused, and the VIP leaves."""
        if self._vip.version == 4:
            with contextlib.suppress(OSError):
                threads.start(self._run, "refusal", open_wire(self._interface))

    def _run(self, wire: socket.socket) -> None:
        with wire:
            refuse(wire, self._vip.packed, self._port, self._interface, self._gone)

    def _gone(self) -> bool:
        """That it has left is known some milliseconds later than it is so."""
        if self._here():
            time.sleep(KNOWN_WITHIN)
        return not self._here()


def open_wire(interface: str) -> socket.socket:
    """From now on nothing that comes is missed. Raises OSError."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(IPV4))
    try:
        wire.bind((interface, IPV4))
    except OSError:
        wire.close()
        raise
    return wire


def refuse(wire: socket.socket, vip: bytes, port: int, interface: str, gone: Callable[[], bool]) -> None:
    end = time.monotonic() + LASTS
    while (left := end - time.monotonic()) > 0:
        if not select.select([wire], [], [], left)[0]:
            return
        with contextlib.suppress(OSError):  # the interface went down: then nobody comes any more
            packet, sender = wire.recvfrom(2048)
            answer = refusal(packet, vip, port)
            if answer and gone():
                wire.sendto(answer, (interface, IPV4, 0, 0, sender[4]))
