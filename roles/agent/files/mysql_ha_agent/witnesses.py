# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses that this host asks all the time. As long as one of them answers it is not cut off."""

from __future__ import annotations

import errno
import ipaddress
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from . import threads
from .clock import now
from .config import Config, IpAddress
from .config import Witness as Asked
from .model import Witness

EVERY = 0.5  # seconds
BOUND = 0.4
ECHO_REQUEST = {4: 8, 6: 128}
ECHO_REPLY = {4: 0, 6: 129}
_ECHO = struct.Struct("!BBHHH")
ROUTES = {4: Path("/proc/net/route"), 6: Path("/proc/net/ipv6_route")}


class Witnesses:
    """`seen` answers from memory; each witness has a thread of its own, so that a silent one holds up no other."""

    def __init__(self, config: Config, wake: Callable[[], None]) -> None:
        self._interface = config.interface
        self._wake = wake
        self._lock = threading.Lock()
        self._asked = config.witnesses
        self._wanted = {asked.name: threading.Event() for asked in config.witnesses}
        self._seen = {asked.name: Witness(asked.name) for asked in config.witnesses if asked.address is not None}

    def start(self) -> None:
        for asked in self._asked:
            threads.start(self._ask_for_ever, f"witness {asked.name}", asked)

    def seen(self) -> tuple[Witness, ...]:
        """In the order of the configuration. Without a default route there is no witness `gateway`."""
        with self._lock:
            return tuple(self._seen[asked.name] for asked in self._asked if asked.name in self._seen)

    def ask(self) -> None:
        """Asks all at once; the answers wake the loop."""
        for wanted in self._wanted.values():
            wanted.set()

    def _ask_for_ever(self, asked: Asked) -> None:
        address, wanted = asked.address, self._wanted[asked.name]
        while True:
            began, eager = now(), wanted.is_set()
            wanted.clear()
            if asked.address is None:
                # A route goes with its link, just when the gateway's silence matters: the last one known stays.
                address = default_gateway(self._interface) or address
            if address is not None:
                self._heard(asked.name, began, answers(address, asked.port, self._interface), eager)
            wanted.wait(max(0.0, EVERY - (now() - began)))

    def _heard(self, name: str, began: float, answered: bool, eager: bool = False) -> None:
        with self._lock:
            old = self._seen.get(name, Witness(name))
            new = replace(old, asked=began, answered=began if answered else old.answered)
            self._seen[name] = new
        answered_before = old.asked is not None and old.answered == old.asked
        if eager or answered != answered_before:
            self._wake()


def answers(address: IpAddress, port: int | None, interface: str, timeout: float = BOUND) -> bool:
    """Within `timeout` seconds. With a port a refused connection is an answer too; without one it is pinged."""
    try:
        return ping(address, interface, timeout) if port is None else _connects(address, port, interface, timeout)
    except OSError:  # no route, no buffer, not permitted: no answer
        return False


def _target(address: IpAddress, port: int, interface: str) -> tuple[str, int] | tuple[str, int, int, int]:
    if address.version == 4:
        return str(address), port
    return str(address), port, 0, socket.if_nametoindex(interface) if address.is_link_local else 0


def _family(address: IpAddress) -> int:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


def _connects(address: IpAddress, port: int, interface: str, timeout: float) -> bool:
    with socket.socket(_family(address), socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        return connection.connect_ex(_target(address, port, interface)) in (0, errno.ECONNREFUSED)


# ---- ping ------------------------------------------------------------------------------------------------------------


def ping(address: IpAddress, interface: str, timeout: float) -> bool:
    """One echo request. Raises OSError. The answer is known by random bytes: the kernel hands a raw socket everybody's
    answers, and on the other kind it sets the identifier itself."""
    token = os.urandom(16)
    with _ping_socket(address) as connection:
        connection.sendto(echo_request(address.version, token), _target(address, 0, interface))
        deadline = time.monotonic() + timeout
        while select.select([connection], [], [], max(0.0, deadline - time.monotonic()))[0]:
            data, sender = connection.recvfrom(2048)
            sent_by = ipaddress.ip_address(str(sender[0]).partition("%")[0])
            if sent_by == address and is_reply(address.version, data, token):
                return True
    return False


def _ping_socket(address: IpAddress) -> socket.socket:
    """The kind that needs no privilege, where the administrator allows it; else a raw one (CAP_NET_RAW)."""
    protocol = socket.IPPROTO_ICMP if address.version == 4 else socket.IPPROTO_ICMPV6
    try:
        return socket.socket(_family(address), socket.SOCK_DGRAM, protocol)
    except PermissionError:
        return socket.socket(_family(address), socket.SOCK_RAW, protocol)


def echo_request(version: int, token: bytes) -> bytes:
    """For IPv6 the kernel fills in the checksum."""
    kind = ECHO_REQUEST[version]
    total = checksum(_ECHO.pack(kind, 0, 0, 0, 1) + token) if version == 4 else 0
    return _ECHO.pack(kind, 0, total, 0, 1) + token


def is_reply(version: int, data: bytes, token: bytes) -> bool:
    """`data` as a raw socket gives it, for IPv4 with the header of IP, or as the other kind does, without."""
    if version == 4 and data and data[0] >> 4 == 4:
        data = data[(data[0] & 15) * 4:]
    return len(data) >= _ECHO.size and data[0] == ECHO_REPLY[version] and data[_ECHO.size:] == token


def checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    words: tuple[int, ...] = struct.unpack(f"!{len(data) // 2}H", data)
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


# ---- the default gateway ---------------------------------------------------------------------------------------------


def default_gateway(interface: str) -> IpAddress | None:
    """The one for IPv4, else the one for IPv6; None where the interface has no default route with a gateway."""
    for version, parse in ((4, gateway_of_route), (6, gateway_of_ipv6_route)):
        try:
            found = parse(ROUTES[version].read_text(encoding="ascii"), interface)
        except OSError:
            continue
        if found is not None:
            return found
    return None


def gateway_of_route(text: str, interface: str) -> IpAddress | None:
    """From the text of /proc/net/route; of several the one with the smallest metric."""
    found: list[tuple[int, IpAddress]] = []
    for line in text.splitlines()[1:]:
        columns = line.split()
        if len(columns) < 8 or columns[0] != interface:
            continue
        try:
            destination, gateway, flags, mask = (int(columns[column], 16) for column in (1, 2, 3, 7))
            metric = int(columns[6])
        except ValueError:
            continue
        if destination == mask == 0 and flags & 3 == 3 and 0 < gateway < 2**32:  # up, by a gateway
            found.append((metric, ipaddress.IPv4Address(struct.pack("=I", gateway))))  # in the byte order of the host
    return min(found)[1] if found else None


def gateway_of_ipv6_route(text: str, interface: str) -> IpAddress | None:
    """From the text of /proc/net/ipv6_route; of several the one with the smallest metric."""
    found: list[tuple[int, IpAddress]] = []
    for line in text.splitlines():
        columns = line.split()
        if len(columns) != 10 or columns[9] != interface:
            continue
        try:
            destination, prefix, gateway, metric, flags = (int(columns[column], 16) for column in (0, 1, 4, 5, 8))
        except ValueError:
            continue
        if destination == prefix == 0 and flags & 3 == 3 and 0 < gateway < 2**128:
            found.append((metric, ipaddress.IPv6Address(gateway)))
    return min(found)[1] if found else None
