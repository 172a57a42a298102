# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Is the VIP on this host? The kernel's address events, and its whole list now and then."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import threads
from .config import IpAddress

NEWADDR, DELADDR, GETADDR = 20, 21, 22
GROUPS = 0x10 | 0x100  # IPv4 and IPv6 addresses
DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_HEADER = struct.Struct("=IHHII")
_ADDRESS = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
IFA_ADDRESS, IFA_LOCAL = 1, 2
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_DUMP_INTR = 0x10  # the addresses changed while they were listed, so some may be missing
_ERRNO = struct.Struct("=i")  # negative, or 0
LIST_AGAIN = 5.0  # seconds
LIST_BOUND = 1.0


@dataclass(frozen=True)
class Event:
    added: bool
    interface: int
    address: IpAddress


def parse(data: bytes) -> Iterator[Event]:
    """The address events in one netlink datagram. Whatever else is in it is passed over."""
    while len(data) >= _HEADER.size:
        length, kind = _HEADER.unpack_from(data)[:2]
        if not _HEADER.size <= length <= len(data):
            return
        if kind in (NEWADDR, DELADDR) and length >= _HEADER.size + _ADDRESS.size:
            interface = _ADDRESS.unpack_from(data, _HEADER.size)[4]
            address = _address(data[_HEADER.size + _ADDRESS.size:length])
            if address is not None:
                yield Event(kind == NEWADDR, interface, address)
        data = data[(length + 3) & ~3:]


def _address(attributes: bytes) -> IpAddress | None:
    found = {}
    while len(attributes) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(attributes)
        if not _ATTRIBUTE.size <= length <= len(attributes):
            break
        found[kind] = attributes[_ATTRIBUTE.size:length]
        attributes = attributes[(length + 3) & ~3:]
    raw = found.get(IFA_LOCAL) or found.get(IFA_ADDRESS)  # on point-to-point links the two differ
    return ipaddress.ip_address(raw) if raw is not None and len(raw) in (4, 16) else None


class Addresses:
    """`here` answers from memory; a thread follows the kernel."""

    def __init__(self, address: IpAddress, interface: str, wake: Callable[[], None]) -> None:
        self._address = address
        self._interface = interface
        self._wake = wake
        self._here = False
        self._serial = 0
        self._listed = threading.Event()

    def start(self) -> None:
        """Returns when the list of addresses is known. Raises OSError."""
        connection = self._connect()
        threads.start(self._follow, "addresses", connection)
        if not self._listed.wait(2):
            raise OSError("the kernel did not list its addresses")

    def here(self) -> bool:
        return self._here

    @staticmethod
    def _connect() -> socket.socket:
        connection = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        connection.bind((0, GROUPS))
        return connection

    def _follow(self, connection: socket.socket) -> None:
        while True:
            try:
                with connection:
                    while True:
                        self._list(connection)
                        until = time.monotonic() + LIST_AGAIN
                        while time.monotonic() < until:
                            self._receive(connection, until - time.monotonic())
            except OSError:  # events were lost (ENOBUFS), or the list is not whole
                connection = self._anew()

    def _anew(self) -> socket.socket:
        """On the former socket a list may be half read, and the kernel refuses another one there meanwhile."""
        while True:
            time.sleep(0.01)
            with contextlib.suppress(OSError):
                return self._connect()

    def _list(self, connection: socket.socket) -> None:
        """What is known stays as it is until a whole list has come. Raises OSError."""
        self._serial += 1
        request = _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        connection.send(_HEADER.pack(_HEADER.size + len(request), GETADDR, DUMP, self._serial, 0) + request)
        found, finished = False, False
        deadline = time.monotonic() + LIST_BOUND
        while not finished:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            data = connection.recv(65536)
            for event in parse(data):
                if self._concerns(event):
                    found = event.added
            finished = ends_list(data, self._serial)
            if not finished and time.monotonic() >= deadline:
                raise TimeoutError("the list of addresses did not end")
        self._set(found)
        self._listed.set()

    def _receive(self, connection: socket.socket, seconds: float) -> None:
        connection.settimeout(max(seconds, 0.001))
        try:
            data = connection.recv(65536)
        except socket.timeout:
            return
        for event in parse(data):
            if self._concerns(event):
                self._set(event.added)

    def _concerns(self, event: Event) -> bool:
        if event.address != self._address:
            return False
        try:
            return event.interface == socket.if_nametoindex(self._interface)
        except OSError:  # the interface is not there
            return False

    def _set(self, here: bool) -> None:
        if here != self._here:
            self._here = here
            self._wake()


def ends_list(data: bytes, serial: int) -> bool:
    """The answer to our question of this number ends here. Raises OSError where the list is not whole."""
    while len(data) >= _HEADER.size:
        length, kind, flags, answers = _HEADER.unpack_from(data)[:4]
        if not _HEADER.size <= length <= len(data):
            raise OSError("the kernel's answer is cut off")
        if answers == serial:
            if flags & NLM_F_DUMP_INTR and kind in (NEWADDR, NLMSG_DONE):
                raise OSError("the addresses changed while they were listed")
            if kind in (NLMSG_ERROR, NLMSG_DONE):
                _raise_error(data[_HEADER.size:length])
            if kind == NLMSG_DONE:
                return True
        data = data[(length + 3) & ~3:]
    return False


def _raise_error(content: bytes) -> None:
    """Both kinds of end may carry an error: of the question, or of a list that broke off."""
    error = _ERRNO.unpack_from(content)[0] if len(content) >= _ERRNO.size else 0
    if error:
        raise OSError(-error, os.strerror(-error))
