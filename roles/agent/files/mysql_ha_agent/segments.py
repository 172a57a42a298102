# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""TCP segments for a VIP that has left this host, built and read by hand: the kernel sends nothing from it any more.

Pure.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

SYN, RST, ACK = 0x02, 0x04, 0x10
_TCP = struct.Struct("!HHIIBBHHH")
_IPV4 = struct.Struct("!BBHHHBBH4s4s")
_IPV6 = struct.Struct("!IHBB16s16s")
_HOPS = 64
_LEAST_IPV4_HEADER = 20


@dataclass(frozen=True)
class Segment:
    """Addresses of 4 or of 16 bytes."""

    source: bytes
    target: bytes
    source_port: int
    target_port: int
    number: int
    acknowledged: int
    flags: int


def refusal(packet: bytes, vip: bytes) -> Segment | None:
    """The answer of a host without this connection or listener; None where none is due, and for other addresses."""
    came = read(packet)
    if came is None or came.target != vip or came.flags & RST:
        return None
    number, acknowledged, flags = came.acknowledged, 0, RST
    if not came.flags & ACK:
        number, acknowledged, flags = 0, (came.number + bool(came.flags & SYN)) & 0xFFFFFFFF, RST | ACK
    return Segment(came.target, came.source, came.target_port, came.source_port, number, acknowledged, flags)


def question(vip: bytes, port: int, client: bytes, client_port: int) -> Segment:
    """Has the client still this connection? Then its kernel answers with what it has received so far (RFC 5961,
    challenge ACK), and the host that gets this answer and knows no such connection resets it. A firewall that follows
    connections lets this combination of flags pass, for that very purpose."""
    return Segment(vip, client, port, client_port, 0, 0, SYN | ACK)


def read(packet: bytes) -> Segment | None:
    """None for anything but a TCP segment, and for one behind an extension header of IPv6."""
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= _IPV4.size:
        fields = _IPV4.unpack_from(packet)
        start, protocol, source, target = (packet[0] & 15) * 4, fields[6], fields[8], fields[9]
    elif version == 6 and len(packet) >= _IPV6.size:
        _flow, _length, protocol, _hops, source, target = _IPV6.unpack_from(packet)
        start = _IPV6.size
    else:
        return None
    if protocol != socket.IPPROTO_TCP or start < _LEAST_IPV4_HEADER or len(packet) < start + _TCP.size:
        return None
    source_port, target_port, number, acknowledged, _offset, flags = _TCP.unpack_from(packet, start)[:6]
    return Segment(source, target, source_port, target_port, number, acknowledged, flags)


def packed(segment: Segment) -> bytes:
    """With its IP header."""
    content = _TCP.pack(
        segment.source_port, segment.target_port, segment.number, segment.acknowledged, 5 << 4, segment.flags, 0, 0, 0)
    pseudo = segment.source + segment.target + struct.pack("!II", len(content), socket.IPPROTO_TCP)
    content = content[:16] + struct.pack("!H", checksum(pseudo + content)) + content[18:]
    if len(segment.source) == 16:
        return _IPV6.pack(6 << 28, len(content), socket.IPPROTO_TCP, _HOPS, segment.source, segment.target) + content
    header = _IPV4.pack(
        0x45, 0, _IPV4.size + len(content), 0, 0x4000, _HOPS, socket.IPPROTO_TCP, 0, segment.source, segment.target)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + content


def checksum(data: bytes) -> int:
    total = int(sum(struct.unpack(f"!{len(data) // 2}H", data)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
