# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks the other agents for their status, each in a thread of its own."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from .config import Member
from .model import Peer

EVERY = 0.5  # seconds; at once when asked by `ask`
TIMEOUT = 1.0


def parse(name: str, body: bytes) -> Peer:
    """A peer's /status. Raises ValueError for what no agent would say."""
    status = json.loads(body)
    try:
        if status["version"] != 1 or status["instance"] != name:
            raise ValueError(f"not the status of {name}")
        mysqld = status["mysqld"]
        channel = mysqld["channels"][0] if mysqld["channels"] else {}
        return Peer(
            name=name,
            phase=str(status["phase"]),
            mysqld_up=bool(mysqld["up"]),
            closed=bool(mysqld["up"] and mysqld["read_only"]),
            eligible=bool(status["eligible"]),
            generation=int(status["generation"]),
            uuid=str(mysqld["uuid"]),
            gtid_executed=str(mysqld["gtid_executed"]),
            receiving=channel.get("receiver") == "Yes",
            has_channel=bool(mysqld["channels"]),
            lag=channel.get("lag"),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a status: {error!r}") from None


class Peers:
    def __init__(self, members: tuple[Member, ...], wake: Callable[[], None]) -> None:
        self._members = members
        self._wake = wake
        self._peers = {member.name: Peer(member.name) for member in members}
        self._asked = {member.name: threading.Event() for member in members}

    def start(self) -> None:
        for member in self._members:
            threading.Thread(target=self._follow, args=(member,), name=f"peer {member.name}", daemon=True).start()

    def seen(self) -> tuple[Peer, ...]:
        return tuple(self._peers[member.name] for member in self._members)

    def sets(self) -> dict[str, tuple[str, str]]:
        """The executed set and server_uuid of every peer that has told them."""
        return {peer.name: (peer.gtid_executed, peer.uuid) for peer in self.seen() if peer.uuid}

    def ask(self) -> None:
        for event in self._asked.values():
            event.set()

    def _follow(self, member: Member) -> None:
        connection = http.client.HTTPConnection(str(member.address), member.agent_port, timeout=TIMEOUT)
        while True:
            began = time.monotonic()
            try:
                peer = parse(member.name, _get(connection))
            except (OSError, ValueError, http.client.HTTPException) as error:
                connection.close()
                self._peers[member.name] = replace(self._peers[member.name], asked=began, error=str(error))
            else:
                self._peers[member.name] = replace(peer, asked=began, answered=began)
            self._wake()
            self._asked[member.name].wait(EVERY)
            self._asked[member.name].clear()


def _get(connection: http.client.HTTPConnection) -> bytes:
    connection.request("GET", "/status")
    response = connection.getresponse()
    body = response.read(1 << 20)
    if response.status != 200:
        raise ValueError(f"HTTP {response.status}")
    return body
