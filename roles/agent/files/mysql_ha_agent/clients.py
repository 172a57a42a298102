# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells the clients of a mysqld that has died so at once.

The kernel closes the connections of a killed process only when it has freed its memory: 150 to 260 ms later with half
a gigabyte. Until then clients wait for an answer, and new ones are let into a queue that nobody will ever serve. So the
agent has the kernel reset them (SOCK_DESTROY), and they come back to wherever the VIP is by then.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from .config import IpAddress

SOCK_DIAG = 4  # the netlink family
BY_FAMILY, DESTROY = 20, 21
REQUEST, ACK, DUMP = 0x1, 0x4, 0x300
ERROR, DONE = 2, 3
ESTABLISHED, CLOSE_WAIT, LISTEN = 1, 8, 10
STATES = 1 << ESTABLISHED | 1 << CLOSE_WAIT | 1 << LISTEN
BOUND = 0.5  # seconds for an answer of the kernel
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBBI48s")
_MESSAGE = struct.Struct("=BBBB48s")
_PLACE = struct.Struct("!HH16s16s")
_COOKIE = struct.Struct("=Q")


@dataclass(frozen=True)
class Connection:
    """A TCP socket of this host."""

    family: int
    state: int
    place: bytes  # ports, addresses, interface and cookie as the kernel tells them

    @property
    def own(self) -> bytes:
        """The address on this side, 4 or 16 bytes; an IPv4 address in disguise without it."""
        return self._address(2)

    @property
    def other(self) -> bytes:
        return self._address(3)

    def _address(self, which: int) -> bytes:
        raw = bytes(_PLACE.unpack_from(self.place)[which])
        if self.family == socket.AF_INET:
            return raw[:4]
        return raw[12:] if raw[:12] == bytes(10) + b"\xff\xff" else raw

    @property
    def cookie(self) -> int:
        """No other socket ever has the same."""
        return int(_COOKIE.unpack_from(self.place, 40)[0])


def ask(family: int, port: int) -> bytes:
    place = _PLACE.pack(port, 0, b"", b"") + bytes(4) + b"\xff" * 8
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, STATES, place)
    return _HEADER.pack(_HEADER.size + len(body), BY_FAMILY, REQUEST | DUMP, 1, 0) + body


def reset(connection: Connection) -> bytes:
    body = _REQUEST.pack(connection.family, socket.IPPROTO_TCP, 0, 0, 1 << connection.state, connection.place)
    return _HEADER.pack(_HEADER.size + len(body), DESTROY, REQUEST | ACK, 1, 0) + body


def parse(data: bytes) -> Iterator[Connection | int]:
    """The sockets in one netlink datagram, and at the end of all, or after an error, its number (0: none)."""
    while len(data) >= _HEADER.size:
        length, kind = _HEADER.unpack_from(data)[:2]
        if not _HEADER.size <= length <= len(data):
            return
        if kind in (ERROR, DONE) and length >= _HEADER.size + 4:
            yield -int(struct.unpack_from("=i", data, _HEADER.size)[0])
        elif kind == BY_FAMILY and length >= _HEADER.size + _MESSAGE.size:
            family, state, _timer, _retransmits, place = _MESSAGE.unpack_from(data, _HEADER.size)
            yield Connection(family, state, place)
        data = data[(length + 3) & ~3:]


def concerned(
    found: Iterable[Connection], listeners: Collection[int] | None, vip: bytes, members: Collection[bytes]
) -> list[Connection]:
    """Of the sockets at mysqld's port those to be reset: first the ones that it listened on, by their cookies, because
    a client that is sent away must not be let in again; then the connections to the VIP. Without the first, none:
    another mysqld may be there by now. But where it still lives and has closed them itself (None) the connections are
    its own. Not those of members: what a replica has not read yet would go with them."""
    found = list(found)
    closing = [one for one in found if one.state == LISTEN and one.cookie in (listeners or ())]
    if not closing and listeners is not None:
        return []
    return closing + [
        one for one in found if one.state != LISTEN and one.own == vip and one.other not in members]


def listening(port: int) -> frozenset[int]:
    """The cookies of the sockets that listen at this port. Raises OSError."""
    return frozenset(one.cookie for one in _list(port) if one.state == LISTEN)


def send_away(port: int, listeners: Collection[int] | None, vip: IpAddress, members: Iterable[IpAddress]) -> int:
    """Resets the connections to the VIP of a dead mysqld that listened with these sockets; how many. Raises OSError."""
    told = concerned(_list(port), listeners, vip.packed, frozenset(member.packed for member in members))
    with _kernel() as kernel:
        for connection in told:
            kernel.send(reset(connection))
            for answer in parse(kernel.recv(1 << 16)):
                if isinstance(answer, int) and answer not in (0, errno.ENOENT):  # gone by itself
                    raise OSError(answer, os.strerror(answer))
    return len(told)


def _list(port: int) -> list[Connection]:
    found = []
    with _kernel() as kernel:
        for family in (socket.AF_INET, socket.AF_INET6):
            kernel.send(ask(family, port))
            error = None
            while error is None:
                for one in parse(kernel.recv(1 << 16)):
                    if isinstance(one, int):
                        error = one
                    else:
                        found.append(one)
            if error:
                raise OSError(error, os.strerror(error))
    return found


def _kernel() -> socket.socket:
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG)
    kernel.settimeout(BOUND)
    return kernel
