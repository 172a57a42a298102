# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small HTTP server in one thread. It answers from memory; an answer may also be kept until there is news. A client
that is slow, silent or talks nonsense costs a bounded amount of memory for a bounded time, and holds up nobody."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Union
from urllib.parse import parse_qsl, urlsplit

from .clock import now

LARGEST_QUESTION = 8192  # bytes
PATIENCE = 5.0  # seconds for a whole question, and for taking an answer
IDLE = 60.0  # seconds between two questions
MOST_CLIENTS = 128
BIND_AGAIN = 1.0
IP_FREEBIND = 15
METHODS = frozenset((b"GET", b"HEAD", b"OPTIONS"))  # HAProxy's httpchk asks with OPTIONS by default


@dataclass(frozen=True)
class Question:
    path: str
    query: dict[str, str]
    client: str  # its IP address
    arrived: float


@dataclass(frozen=True)
class Answer:
    code: int
    body: bytes
    kind: str = "application/json"


# Until when the question can wait at most: it is handed over again at every `news`, and at the latest then.
Later = float
Handler = Callable[[Question, bool], Union[Answer, Later]]  # True: the question is handed over for the first time


@dataclass(eq=False)
class _Client:
    socket: socket.socket
    address: str
    deadline: float
    inbox: bytearray = field(default_factory=bytearray)
    outbox: bytes = b""
    question: Question | None = None  # the one that waits
    closing: bool = False  # after the answer
    bodiless: bool = False  # the question was HEAD

    def fileno(self) -> int:
        return self.socket.fileno()


class Server:
    def __init__(
        self, addresses: Iterable[str], port: int, allowed: Callable[[str], bool], handler: Handler,
        report: Callable[[str], None],
    ) -> None:
        self._unbound = dict.fromkeys(addresses, 0.0)  # when to try again
        self._port = port
        self._allowed = allowed
        self._handler = handler
        self._report = report
        self._said: dict[str, str] = {}
        self._selector = selectors.DefaultSelector()
        self._clients: dict[int, _Client] = {}
        self._waiting: set[_Client] = set()
        self._stopped = False
        self._news_read, self._news_write = os.pipe()
        os.set_blocking(self._news_read, False)
        os.set_blocking(self._news_write, False)
        self._selector.register(self._news_read, selectors.EVENT_READ, None)

    def start(self) -> None:
        """Binds what can be bound now, and goes on trying the rest."""
        self._bind()
        threading.Thread(target=self._serve, name="http", daemon=True).start()

    def stop(self) -> None:
        """Closes all connections, soon."""
        self._stopped = True
        os.write(self._news_write, b".")

    def news(self) -> None:
        """Questions that wait are looked at again. May be called by any thread."""
        if self._waiting:
            with contextlib.suppress(BlockingIOError):  # it is full of news
                os.write(self._news_write, b".")

    # ---- the thread --------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._stopped:
            try:
                self._round()
            except Exception as error:  # whatever it is, the other agents must go on hearing this one
                self._report_once("round", f"a mistake in the HTTP server: {error!r}")
                time.sleep(0.1)
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()

    def _round(self) -> None:
        for key, events in self._selector.select(self._bound()):
            if key.data is None:
                os.read(self._news_read, 4096)
                for client in list(self._waiting):
                    self._guarded(client, self._look)
            elif isinstance(key.data, _Client):
                self._guarded(key.data, self._send if events & selectors.EVENT_WRITE else self._receive)
            else:
                self._accept(key.data)
        self._expire()
        self._bind()

    def _bound(self) -> float | None:
        times = [client.deadline for client in self._clients.values()] + list(self._unbound.values())
        return max(0.0, min(times) - now()) if times else None

    def _guarded(self, client: _Client, work: Callable[[_Client], None]) -> None:
        """A client that goes away is not news."""
        if client.fileno() < 0:
            return
        try:
            work(client)
            self._next(client)
        except OSError:
            self._drop(client)

    def _report_once(self, about: str, text: str) -> None:
        if self._said.get(about) != text:
            self._said[about] = text
            self._report(text)

    def _expire(self) -> None:
        moment = now()
        for client in [client for client in self._clients.values() if client.deadline <= moment]:
            if client.question is not None:
                self._guarded(client, self._look)
            else:
                self._drop(client)

    def _drop(self, client: _Client) -> None:
        self._waiting.discard(client)
        if self._clients.pop(client.fileno(), None) is not None:
            self._selector.unregister(client.socket)
        client.socket.close()

    # ---- listening ---------------------------------------------------------------------------------------------------

    def _bind(self) -> None:
        for address in [address for address, at in self._unbound.items() if at <= now()]:
            listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            try:
                listener.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)  # the address may come later than the agent
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.setblocking(False)
                listener.bind((address, self._port))
                listener.listen(MOST_CLIENTS)
            except OSError as error:
                listener.close()
                self._unbound[address] = now() + BIND_AGAIN
                self._report_once(address, f"cannot listen on {address} port {self._port}: {error.strerror}")
            else:
                del self._unbound[address]
                self._selector.register(listener, selectors.EVENT_READ, listener)

    def _accept(self, listener: socket.socket) -> None:
        for _time in range(MOST_CLIENTS):
            try:
                accepted, address = listener.accept()
            except OSError:  # there is nobody left, or it has gone away already
                return
            if not self._allowed(address[0]):
                accepted.close()
                continue
            if len(self._clients) >= MOST_CLIENTS:
                self._drop(min(self._clients.values(), key=lambda each: (each.question is not None, each.deadline)))
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = _Client(accepted, address[0], now() + PATIENCE)
            self._clients[accepted.fileno()] = client
            self._selector.register(accepted, selectors.EVENT_READ, client)

    # ---- one client --------------------------------------------------------------------------------------------------

    def _receive(self, client: _Client) -> None:
        data = client.socket.recv(LARGEST_QUESTION)
        if not data:
            self._drop(client)
            return
        if not client.inbox and client.question is None:
            client.deadline = now() + PATIENCE
        client.inbox += data
        if len(client.inbox) > 2 * LARGEST_QUESTION:
            self._drop(client)

    def _next(self, client: _Client) -> None:
        """Answers what has been asked, question by question."""
        while client.fileno() >= 0 and client.question is None and not client.outbox:
            end = client.inbox.find(b"\r\n\r\n")
            if end < 0:
                if len(client.inbox) > LARGEST_QUESTION:
                    self._drop(client)
                return
            head = bytes(client.inbox[:end])
            del client.inbox[:end + 4]
            try:
                question = self._parse(client, head)
            except ValueError as error:
                client.closing = True
                self._answer(client, Answer(HTTPStatus.BAD_REQUEST, f"{error}\n".encode(), "text/plain"))
                return
            # Before the handler looks: news that come while it does are not lost.
            client.question = question
            self._waiting.add(client)
            self._look(client, first=True)

    @staticmethod
    def _parse(client: _Client, head: bytes) -> Question:
        """Raises ValueError."""
        first, *headers = head.split(b"\r\n")
        method, target, protocol = [*first.split(b" "), b"", b""][:3]
        if method not in METHODS or not protocol.startswith(b"HTTP/1."):
            raise ValueError("only GET, HEAD and OPTIONS of HTTP/1 are answered")
        given = {name.strip().lower(): value.strip().lower() for name, colon, value in
                 (header.partition(b":") for header in headers)}
        if given.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in given:
            raise ValueError("a question has no body")
        client.closing = b"close" in given.get(b"connection", b"") or (
            protocol == b"HTTP/1.0" and b"keep-alive" not in given.get(b"connection", b""))
        client.bodiless = method == b"HEAD"
        url = urlsplit(target.decode("ascii"))
        return Question(url.path, dict(parse_qsl(url.query, max_num_fields=20)), client.address, now())

    def _look(self, client: _Client, first: bool = False) -> None:
        if client.question is None:
            return
        try:
            answer = self._handler(client.question, first)
        except Exception as error:  # a mistake in one answer must not end all others
            self._report_once(client.question.path, f"{client.question.path} could not be answered: {error!r}")
            answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR, b'{"error":"a mistake in the agent"}')
        if isinstance(answer, Answer):
            client.question = None
            self._waiting.discard(client)
            self._answer(client, answer)
        else:
            client.deadline = answer

    def _answer(self, client: _Client, answer: Answer) -> None:
        lines = [
            f"HTTP/1.1 {int(answer.code)} {HTTPStatus(answer.code).phrase}", f"Content-Type: {answer.kind}",
            f"Content-Length: {len(answer.body)}", *(["Connection: close"] if client.closing else []), "", "",
        ]
        head = "\r\n".join(lines).encode("ascii")
        client.outbox = head if client.bodiless else head + answer.body
        client.deadline = now() + PATIENCE
        self._send(client)

    def _send(self, client: _Client) -> None:
        with contextlib.suppress(BlockingIOError):
            client.outbox = client.outbox[client.socket.send(client.outbox):]
        if client.outbox:
            self._selector.modify(client.socket, selectors.EVENT_WRITE, client)
        elif client.closing:
            self._drop(client)
        else:
            client.deadline = now() + IDLE
            self._selector.modify(client.socket, selectors.EVENT_READ, client)
