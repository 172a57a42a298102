# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the agent answers over HTTP, from memory: /status, /writer, /reader and /metrics. Nothing here asks mysqld.

How the loop feeds it: `board.publish(seen, state)` in every step, directly after the decision. Publishing costs a
comparison; the serial, which a peer quotes to wait for news, changes only with what concerns others (`_concerns`).

    board = Board(config, seen, state)                  # once
    serve(board, peers, report)                         # once
    board.publish(seen, state)                          # in every step

/status?from=NAME&seen=SERIAL&wait=SECONDS   answered when SERIAL is not, or no longer, the current one, or after `wait`
/status?from=NAME&fresh=1                    answered when our own peers have been asked anew, at most FRESH_BOUND later
"""

from __future__ import annotations

import ipaddress
import json
import math
import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from .clock import now
from .config import Config, IpAddress
from .httpd import Answer, Later, Question, Server
from .metrics import metrics
from .model import Seen, State
from .peers import Peers
from .standing import stuck, waits
from .telling import is_eligible, is_up, left_behind, reader, status, writer
from .view import View

MAX_LAG = 10.0  # seconds, for /reader without max_lag
LONGEST_WAIT = 5.0
LONGEST_NUMBER = 18  # digits
FRESH_BOUND = 0.1
LOOP_STANDS = 1.5  # seconds without a step, after which this agent knows nothing that it could vouch for


def allowed(config: Config, client: str) -> bool:
    """Members, the VIP, this host, and the networks of `allow`."""
    address = plain(client)
    if address.is_loopback or address == config.vip.ip:
        return True
    return any(address == member.address for member in config.members) or any(
        address in network for network in config.allow if network.version == address.version)


def plain(address: str) -> IpAddress:
    """Without a zone, and as IPv4 if it is one in disguise."""
    found = ipaddress.ip_address(address.split("%")[0])
    return getattr(found, "ipv4_mapped", None) or found


class Board:
    """The newest step of the loop, for everybody who asks."""

    def __init__(self, config: Config, seen: Seen, state: State) -> None:
        self.config = config
        self._start = secrets.token_hex(4)  # no serial of an earlier agent is taken for one of this
        self._number = 1
        self._shown = (seen, state, f"{self._start}-1")
        self._concern: object = None
        self._news: Callable[[], None] = lambda: None
        self._eager_until = 0.0
        self._published = now()

    def publish(self, seen: Seen, state: State) -> None:
        """Shows this step. To be called by one thread only."""
        moment = self._published = now()
        concern = _concerns(self.config, seen, state, moment)
        changed = concern != self._concern
        if changed:
            self._concern = concern
            self._number += 1
        self._shown = (seen, state, f"{self._start}-{self._number}")
        if changed or moment < self._eager_until:
            self._news()

    @property
    def shown(self) -> tuple[Seen, State, str]:
        """The newest step and its serial."""
        return self._shown

    @property
    def stands(self) -> bool:
        """The loop does not run: what is shown is not vouched for."""
        return now() - self._published > LOOP_STANDS

    @property
    def seen(self) -> Seen:
        return self._shown[0]

    @property
    def state(self) -> State:
        return self._shown[1]

    def status(self, moment: float) -> dict[str, Any]:
        seen, state, serial = self._shown
        return status(self.config, seen, state, moment, serial)

    def tell(self, news: Callable[[], None]) -> None:
        """`news` is called by `publish` when the serial has changed."""
        self._news = news

    def tell_every_step(self, until: float) -> None:
        self._eager_until = max(self._eager_until, until)


def _concerns(config: Config, seen: Seen, state: State, moment: float) -> object:
    """What other agents wait for. Ages and sets of transactions are not among it: they change all the time."""
    view = View(config, seen, moment)
    return (
        state.phase, is_eligible(state), seen.vip_here, is_up(config, seen, moment), seen.saved, seen.hold,
        left_behind(config, seen, state), state.durable.errant, waits(view, state),
        stuck(view, state), view.receives_nothing,
    )


class Endpoints:
    """The answer to every question."""

    def __init__(self, board: Board, peers: Peers) -> None:
        self._board = board
        self._peers = peers
        self._config = board.config
        self._addresses = {member.name: member.address for member in board.config.peers}

    def answer(self, question: Question, first: bool) -> Answer | Later:
        if self._board.stands:
            return _json(HTTPStatus.SERVICE_UNAVAILABLE, {"error": f"no step for {LOOP_STANDS:g} s"})
        if question.path == "/status":
            return self._status(question, first)
        moment = now()
        seen, state, serial = self._board.shown
        if question.path == "/writer":
            return _json(*writer(self._config, seen, state, moment))
        if question.path == "/reader":
            max_lag = _seconds(question.query.get("max_lag", str(MAX_LAG)))
            if max_lag is None:
                return _json(HTTPStatus.BAD_REQUEST, {"error": "max_lag must be a number of seconds"})
            writer_too = question.query.get("writer") == "1"
            return _json(*reader(self._config, seen, state, moment, max_lag, writer_too))
        if question.path == "/metrics":
            told = status(self._config, seen, state, moment, serial)
            return Answer(HTTPStatus.OK, metrics(told).encode(), "text/plain; version=0.0.4; charset=utf-8")
        return _json(HTTPStatus.NOT_FOUND, {"error": "there are /status, /writer, /reader and /metrics"})

    def _status(self, question: Question, first: bool) -> Answer | Later:
        moment = now()
        if first:
            self._note_knock(question)
        wait = _seconds(question.query.get("wait", "0"))
        if wait is None:
            return _json(HTTPStatus.BAD_REQUEST, {"error": "wait must be a number of seconds"})
        if question.query.get("fresh") == "1":
            due = question.arrived + FRESH_BOUND
            if first:
                self._board.tell_every_step(due)
                self._peers.look()
            view = View(self._config, self._board.seen, moment)
            # Whoever has fallen silent would only take the time that the asker has.
            waits = [peer for peer in view.seen.peers if peer.answered is None or view.live(peer)]
            if moment < due and not all(peer.asked is not None and peer.asked >= question.arrived for peer in waits):
                return due
        elif wait and question.query.get("seen") == self._board.shown[2]:
            due = question.arrived + min(wait, LONGEST_WAIT)
            if moment < due:
                return due
        return _json(HTTPStatus.OK, self._board.status(moment))

    def _note_knock(self, question: Question) -> None:
        name = question.query.get("from", "")
        address = self._addresses.get(name)
        client = plain(question.client)
        if address is not None and (client in (address, self._config.address) or client.is_loopback):
            gives_up = question.query.get("gives_up", "")
            self._peers.knock(name, int(gives_up) if gives_up.isdecimal() and len(gives_up) < LONGEST_NUMBER else None)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _json(code: int, content: dict[str, Any]) -> Answer:
    return Answer(code, json.dumps(content, separators=(",", ":")).encode())


def serve(board: Board, peers: Peers, report: Callable[[str], None]) -> None:
    """Answers on the member's address and on this host's own, in one thread; goes on trying where a port is taken."""
    config = board.config
    endpoints = Endpoints(board, peers)
    addresses = dict.fromkeys((str(config.address), "127.0.0.1"))
    server = Server(addresses, config.agent_port, lambda client: allowed(config, client), endpoints.answer, report)
    board.tell(server.news)
    server.start()
