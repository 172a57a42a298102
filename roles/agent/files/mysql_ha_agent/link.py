# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One kept-open HTTP connection to an agent. A question has a bound for the whole of it, whatever the other does."""

from __future__ import annotations

import re
import socket

from .clock import now

LARGEST_ANSWER = 1 << 20  # bytes, of the head and of the body
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n", re.IGNORECASE)


class Ended(OSError):
    """The other closed the connection in the middle of an answer."""


class Link:
    def __init__(self, address: str, port: int, source: str = "") -> None:
        """`source` is the own address that the other is to see; empty: the kernel's choice."""
        self._to = (address, port)
        self._source = (source, 0) if source else None
        self._socket: socket.socket | None = None

    def get(self, target: str, bound: float) -> bytes:
        """The body of the answer to GET. `bound`: seconds for all of it. Raises OSError (ConnectionRefusedError: nobody
        listens there) or ValueError (no answer that an agent would give); the connection is closed then."""
        deadline = now() + bound
        try:
            kept = self._socket
            if kept is not None:
                try:
                    return self._exchange(kept, target, deadline)
                except TimeoutError:
                    raise
                except OSError:  # a connection that was kept may have ended since; a fresh one tells
                    self.close()
            return self._exchange(self._connect(deadline), target, deadline)
        except (OSError, ValueError):
            self.close()
            raise

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self, deadline: float) -> socket.socket:
        self._socket = socket.create_connection(self._to, _left(deadline), self._source)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _exchange(self, connection: socket.socket, target: str, deadline: float) -> bytes:
        connection.settimeout(_left(deadline))
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {self._to[0]}\r\n\r\n".encode("ascii"))
        received = bytearray()
        end = -1
        while end < 0:
            searched = max(0, len(received) - 3)
            received += _receive(connection, deadline)
            end = received.find(b"\r\n\r\n", searched)
            if len(received) > LARGEST_ANSWER:
                raise ValueError("the answer is too large")
        head, size = bytes(received[:end + 2]), end + 4
        status, length = _STATUS.match(head), _LENGTH.search(head)
        if status is None or length is None:
            raise ValueError("it does not speak HTTP as an agent does")
        size += int(length.group(1))
        if size > 2 * LARGEST_ANSWER:
            raise ValueError("the answer is too large")
        while len(received) < size:
            received += _receive(connection, deadline)
        if len(received) > size:
            raise ValueError("it says more than one answer")
        if status.group(1) != b"200":
            raise ValueError(f"it answers HTTP {status.group(1).decode()}")
        return bytes(received[end + 4:])


def _receive(connection: socket.socket, deadline: float) -> bytes:
    connection.settimeout(_left(deadline))
    data = connection.recv(1 << 16)
    if not data:
        raise Ended("it closed the connection")
    return data


def _left(deadline: float) -> float:
    left = deadline - now()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
