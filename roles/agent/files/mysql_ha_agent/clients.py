# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The TCP sockets of this host, listed and reset by the kernel (SOCK_DIAG, SOCK_DESTROY).

Those of a mysqld that has died are reset at once: the kernel closes the connections of a killed process only when it
has freed its memory, 150 to 260 ms later with half a gigabyte. Until then clients wait for an answer, and new ones are
let into a queue that nobody will ever serve. Reset, they come back to wherever the VIP is by then.
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
ESTABLISHED, TIME_WAIT, CLOSE, CLOSE_WAIT, LISTEN, NEW_SYN_RECV = 1, 6, 7, 8, 10, 12
SERVED = 1 << ESTABLISHED | 1 << CLOSE_WAIT | 1 << LISTEN
# Of one in TIME-WAIT nothing is left but its number: no program has it.
CONNECTED = (1 << NEW_SYN_RECV + 1) - 1 & ~(1 << TIME_WAIT | 1 << CLOSE | 1 << LISTEN)
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

    @property
    def own_port(self) -> int:
        return int(_PLACE.unpack_from(self.place)[0])

    @property
    def other_port(self) -> int:
        return int(_PLACE.unpack_from(self.place)[1])

    def _address(self, which: int) -> bytes:
        raw = bytes(_PLACE.unpack_from(self.place)[which])
        if self.family == socket.AF_INET:
            return raw[:4]
        return raw[12:] if raw[:12] == bytes(10) + b"\xff\xff" else raw

    @property
    def cookie(self) -> int:
        """No other socket ever has the same."""
        return int(_COOKIE.unpack_from(self.place, 40)[0])


def ask(family: int, states: int, port: int = 0) -> bytes:
    """For the sockets in these states, at this own port or at any."""
    place = _PLACE.pack(port, 0, b"", b"") + bytes(4) + b"\xff" * 8
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, states, place)
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
    return frozenset(one.cookie for one in _list(SERVED, port) if one.state == LISTEN)


def of(vip: IpAddress) -> list[Connection]:
    """The connections to, or from, the VIP: in whatever state, at whatever port. Raises OSError."""
    return [one for one in _list(CONNECTED) if one.own == vip.packed]


def of_dead(
    port: int, listeners: Collection[int] | None, vip: IpAddress, members: Collection[bytes]
) -> list[Connection]:
    """Of a dead mysqld that listened at this port with these sockets: these, and the connections to the VIP. Raises
    OSError."""
    return concerned(_list(SERVED, port), listeners, vip.packed, members)


def destroy(connections: Iterable[Connection]) -> None:
    """Raises OSError; not for one that is gone by itself."""
    with _kernel() as kernel:
        for connection in connections:
            kernel.send(reset(connection))
            for answer in parse(kernel.recv(1 << 16)):
                if isinstance(answer, int) and answer not in (0, errno.ENOENT):
                    raise OSError(answer, os.strerror(answer))


def _list(states: int, port: int = 0) -> list[Connection]:
    found = []
    with _kernel() as kernel:
        for family in (socket.AF_INET, socket.AF_INET6):
            kernel.send(ask(family, states, port))
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
