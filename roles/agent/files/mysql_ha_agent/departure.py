# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends what the clients of a VIP still have with this host when it leaves, however it leaves.

A connection that is accepted, or in its login, while the VIP leaves would live on here: mysqld waits for a client whom
its kernel cannot reach any more, and the client for a greeting until its own timeout. So no socket of the VIP stays on
a host without it, and its client learns that by a reset. And until the new holder has announced itself (some 20 to
60 ms) clients still send to this host, whose kernel drops what is for an address that it no longer has: a client would
send its SYN again only a second later. Refused, it comes again at once.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterable

from . import clients, threads
from .clients import Connection
from .clock import now
from .config import Config
from .segments import Segment, packed, question, refusal

EVERY = 0.5  # seconds between two looks at the sockets
REMEMBERED = 30.0  # seconds for which clients are asked again: a network may be cut when the VIP leaves
LASTS = 0.3  # seconds for which clients are refused
KNOWN_WITHIN = 0.005
PROTOCOLS = {4: 0x0800, 6: 0x86DD}


class Departure:
    def __init__(self, config: Config, here: Callable[[], bool]) -> None:
        """`here`: whether the VIP is on this host."""
        self._vip, self._interface, self._port = config.vip.ip, config.interface, config.port
        self._members = frozenset(member.address.packed for member in config.members)
        self._here = here
        self._refusing = threading.Lock()
        self._lock = threading.Lock()
        self._ended: dict[Connection, float] = {}  # until when their clients are asked
        self.news = threading.Event()  # the VIP may have come or left

    def follow(self) -> None:
        """For ever: whenever the VIP leaves, and again and again while it is not here."""
        was_here = True  # an agent that has just started does not know what its predecessor has done
        while True:
            here = self._here()
            if was_here and not here:
                self.begin()
            if here and not was_here:
                with self._lock:
                    self._ended.clear()
            was_here = here
            with contextlib.suppress(OSError):  # at the next look
                self.sweep_if_gone()
            self.news.wait(EVERY)
            self.news.clear()

    def begin(self) -> None:
        """Just before the VIP leaves, or just after. As long as the VIP is here the kernel says it to the clients by
        itself. Not to members: what a replica has not read yet would go with its connection. Whatever fails here, the
        VIP leaves."""
        if self._refusing.acquire(blocking=False):
            try:
                wire = open_wire(self._interface, self._vip.version)
            except OSError:
                self._refusing.release()
            else:
                threads.start(self._refuse, "refusal", wire)
        with contextlib.suppress(OSError):
            if self._here():
                clients.destroy(self._noted(one for one in clients.of(self._vip) if one.other not in self._members))

    def send_away(self, listeners: Collection[int] | None) -> None:
        """The clients of a dead mysqld that listened with these sockets; None: of one that shuts
        down. Raises OSError."""
        clients.destroy(self._noted(clients.of_dead(self._port, listeners, self._vip, self._members)))

    def sweep_if_gone(self) -> None:
        """Where the VIP is not here, destroys its sockets, and has their clients reset by what they answer. Raises
        OSError."""
        if self._here():
            return
        found = self._noted(clients.of(self._vip))
        with self._lock:
            asked = list(self._ended)
        # First: a kernel may not be able to destroy sockets
        send(question(one.own, one.own_port, one.other, one.other_port) for one in asked)
        clients.destroy(found)

    def see_off(self) -> None:
        """For a process that does not follow, after `begin` and when the VIP has left. Raises OSError."""
        self.sweep_if_gone()
        time.sleep(LASTS)

    def _noted(self, found: Iterable[Connection]) -> list[Connection]:
        """What is ended while nothing can be sent from the VIP, or just before, is not known to its client."""
        ending, at = list(found), now()
        with self._lock:
            self._ended = {one: until for one, until in self._ended.items() if until > at}
            self._ended.update((one, at + REMEMBERED) for one in ending if one.state != clients.LISTEN)
        return ending

    def _refuse(self, wire: socket.socket) -> None:
        try:
            with wire:
                refuse(wire, self._vip.packed, lambda: not self._here())
        finally:
            self._refusing.release()


def send(segments: Iterable[Segment]) -> None:
    """The way to each client is the kernel's choice. Raises OSError."""
    wires: dict[int, socket.socket] = {}
    with contextlib.ExitStack() as opened:
        for one in segments:
            family = socket.AF_INET if len(one.target) == 4 else socket.AF_INET6
            if family not in wires:
                wires[family] = opened.enter_context(socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW))
            with contextlib.suppress(OSError):  # no way to this one
                wires[family].sendto(packed(one), (socket.inet_ntop(family, one.target), 0))


def open_wire(interface: str, version: int) -> socket.socket:
    """From now on nothing that comes by this version of IP is missed. Raises OSError."""
    protocol = PROTOCOLS[version]
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(protocol))
    try:
        wire.bind((interface, protocol))
    except OSError:
        wire.close()
        raise
    return wire


def refuse(wire: socket.socket, vip: bytes, gone: Callable[[], bool]) -> None:
    """That the VIP has left is known here some milliseconds later than it is so. What came in between waits."""
    due: dict[tuple[bytes, int], Segment] = {}
    end = time.monotonic() + LASTS
    while (left := end - time.monotonic()) > 0:
        if select.select([wire], [], [], min(left, KNOWN_WITHIN) if due else left)[0]:
            with contextlib.suppress(OSError):  # the interface went down: then nobody comes any more
                packet, sender = wire.recvfrom(2048)
                answer = refusal(packet, vip)
                # What a switch floods is for another host, which has the connection.
                if answer is not None and sender[2] == socket.PACKET_HOST:
                    due[answer.target, answer.target_port] = answer
        if due and gone():
            with contextlib.suppress(OSError):
                send(due.values())
            due.clear()
