# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks the other agents, each over two connections of its own: one on which a question always waits for news, one for
questions that cannot wait. Nobody who is slow, silent or talks nonsense holds up anybody else."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from . import threads
from .clock import now
from .config import Config, Member
from .link import Link
from .model import Peer
from .trackfile import MYSQLD_STOPS
from .watch import Holding

WAIT = 0.5  # seconds for which a peer without news may keep our question; it is also how often we are heard there
BOUND = 1.0  # seconds for a whole answer
AGAIN = 0.2  # seconds after a question that failed
PACE = 0.02  # seconds from one question to the next at least, however often the peer changes
MOST = 1 << 62  # no promotion has a greater number
MOST_AT_ONCE = 1_000_000  # nor are there so many while nobody looks
_GTID_SET = re.compile(r"[0-9A-Za-z_:,-]*")  # tags included; what stands in one is left to mysqld


@dataclass(frozen=True)
class Told:
    """One answer of a peer."""

    peer: Peer
    serial: str  # begins with the mark of that agent's start
    clock: float  # when it was told, by the peer's own clock
    cluster: str

    @property
    def start(self) -> str:
        return self.serial.partition("-")[0]


def parse(name: str, body: bytes) -> Told:
    """A peer's /status. Raises ValueError for what no agent would say."""
    try:
        status = json.loads(body)
        return Told(_peer(name, status), _text(status["serial"]), _seconds(status["clock"]), _text(status["cluster"]))
    except (KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a status: {error!r}") from None


def _peer(name: str, status: dict[str, Any]) -> Peer:
    if status["version"] != 1 or status["instance"] != name:
        raise ValueError(f"not the status of {name}")
    mysqld = status["mysqld"]
    channels = mysqld["channels"]
    channel = channels[0] if channels else {"receiver": "", "lag": None}
    behind = status.get("behind")
    return Peer(
        name=name,
        phase=_text(status["phase"]),
        vip_here=_truth(status["vip_here"]),
        mysqld_up=_truth(mysqld["up"]),
        closed=_truth(mysqld["up"]) and bool(mysqld["read_only"]),
        eligible=_truth(status["eligible"]),
        generation=_number(status["generation"]),
        led=_number(status["led"]),
        alone=_truth(status["alone"]),
        left_behind=_truth(status["left_behind"]),
        errant=_gtid_set(status["errant"]),
        vote=_number(status.get("vote", 0)),
        voted_for=_text(status.get("voted_for", "")),
        disk_stalled=_seconds(status["disk_stalled"]),
        unsaved=_seconds(status.get("unsaved", 0.0)),
        lead=_number(status["lead"]),
        stuck=_truth(status["stuck"]),
        waits=_truth(status["waits"]),
        commits_wait=_truth(status.get("commits_wait", False)),
        hears=tuple((_text(heard["name"]), _text(heard["phase"]), _seconds(heard["age"])) for heard in status["hears"]),
        uuid=_text(mysqld["uuid"]),
        gtid_executed=_gtid_set(mysqld["gtid_executed"]),
        pending=_gtid_set(mysqld.get("pending", "")),
        receiving=channel["receiver"] == "Yes",
        applier_stands=_truth(status.get("applier_stands", False)),
        flushes=mysqld.get("flushes") is not False,
        has_channel=bool(channels),
        lag=None if channel["lag"] is None else _seconds(channel["lag"]),
        behind=None if behind is None else _seconds(behind),
        witnessed=status.get("witnessed") is not False,
        leaves=status.get("hold") == MYSQLD_STOPS,
        events_disabled=tuple(_text(event) for event in mysqld.get("events_disabled", ())),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value


def _gtid_set(value: Any) -> str:
    if not _GTID_SET.fullmatch(_text(value)):
        raise ValueError("a set of GTIDs was expected")
    return str(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false was expected")
    return value


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MOST:
        raise TypeError("a whole number was expected")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError("a number of seconds was expected")
    return float(value)


class _Mailbox:
    """What is wanted of the thread that puts the questions which cannot wait."""

    def __init__(self) -> None:
        self.wanted = threading.Event()
        self.fresh = False


class Peers:
    def __init__(self, config: Config, wake: Callable[[], None]) -> None:
        self._own = config.instance
        self._cluster = config.cluster
        self._address = str(config.address)
        self._members = config.peers
        self._wake = wake
        self._lock = threading.Lock()
        self._peers = {member.name: Peer(member.name) for member in self._members}
        self._told: dict[str, Told] = {}
        self._mailboxes = {member.name: _Mailbox() for member in self._members}
        self._stopped = threading.Event()
        # Questions carry this, for where answers do not arrive: large packets are what a wrong MTU loses.
        self.gives_up: int | None = None

    def start(self) -> None:
        for member in self._members:
            for run, what in ((self._follow, "follow"), (self._question, "ask")):
                threads.start(run, f"{what} {member.name}", member)

    def stop(self) -> None:
        """The threads end, each after the question that it has put."""
        self._stopped.set()
        self.look()

    def seen(self) -> tuple[Peer, ...]:
        with self._lock:
            return tuple(self._peers[member.name] for member in self._members)

    def sets(self) -> dict[str, Holding]:
        """What every peer holds that has reported it."""
        return {peer.name: Holding(peer.held, peer.uuid, peer.errant) for peer in self.seen() if peer.uuid}

    def ask(self) -> None:
        """Asks all at once, and has each of them ask its own peers first."""
        for mailbox in self._mailboxes.values():
            mailbox.fresh = True
            mailbox.wanted.set()

    def look(self) -> None:
        """Asks all at once. This, not `ask`, answers a peer's `ask`: else two agents would ask each other for ever."""
        for mailbox in self._mailboxes.values():
            mailbox.wanted.set()

    def knock(self, name: str, gives_up: int | None) -> None:
        """That peer has just asked us."""
        with self._lock:
            if name in self._peers:
                self._peers[name] = replace(self._peers[name], knocked=now(), gives_up=gives_up)

    # ---- the threads of one peer -------------------------------------------------------------------------------------

    def _follow(self, member: Member) -> None:
        """Always has a question there, which is answered when something changes."""
        link = self._link(member)
        while not self._stopped.is_set():
            began = now()
            told = self._told.get(member.name)
            query = f"&seen={quote(told.serial if told else '', safe='')}&wait={WAIT:g}"
            answered = self._put(link, member, query, WAIT + BOUND)
            self._stopped.wait(max(0.0, began + PACE - now()) if answered else AGAIN)
        link.close()

    def _question(self, member: Member) -> None:
        link = self._link(member)
        mailbox = self._mailboxes[member.name]
        while True:
            mailbox.wanted.wait()
            mailbox.wanted.clear()
            if self._stopped.is_set():
                break
            fresh, mailbox.fresh = mailbox.fresh, False
            self._put(link, member, "&fresh=1" if fresh else "", BOUND)
            self._wake()
        link.close()

    def _link(self, member: Member) -> Link:
        """From our own address, because by that the peer knows us."""
        return Link(str(member.address), member.agent_port, self._address)

    def _put(self, link: Link, member: Member, query: str, bound: float) -> bool:
        """Puts one question and takes note of what comes of it; returns whether it was answered."""
        sent = now()
        said = "" if self.gives_up is None else f"&gives_up={self.gives_up}"
        try:
            told = parse(member.name, link.get(f"/status?from={quote(self._own, safe='')}{said}{query}", bound))
            self._doubt(told)
        except (OSError, ValueError) as error:
            link.close()
            self._failed(member.name, sent, error)
            return False
        self._answered(told, sent)
        return True

    def _doubt(self, told: Told) -> None:
        """A generation is for ever, so it must not come from elsewhere, as a clone of this host under a used address.
        Raises ValueError."""
        if told.cluster != self._cluster:
            raise ValueError(f"it belongs to another cluster, {told.cluster}")
        newest = max(peer.generation for peer in self.seen())
        if max(told.peer.generation, told.peer.led) > newest + MOST_AT_ONCE:
            raise ValueError("it tells of more promotions than there can have been")

    def _failed(self, name: str, sent: float, error: Exception) -> None:
        text = getattr(error, "strerror", None) or str(error)
        with self._lock:
            known = self._peers[name]
            refused = _later(known.refused, sent) if isinstance(error, ConnectionRefusedError) else known.refused
            self._peers[name] = replace(known, asked=_later(known.asked, sent), refused=refused, error=text)
        if known.error != text:
            self._wake()

    def _answered(self, told: Told, sent: float) -> None:
        """Of two answers that crossed the one that was told last counts."""
        name, took = told.peer.name, now() - sent
        with self._lock:
            known, before = self._peers[name], self._told.get(name)
            overtaken = before is not None and before.start == told.start and before.clock > told.clock
            content = known
            if not overtaken:
                self._told[name] = told
                # It counts from its answer, we count from our question, which may have waited there.
                hears = tuple((member, phase, age - took) for member, phase, age in told.peer.hears)
                content = replace(told.peer, hears=hears, refused=known.refused, knocked=known.knocked,
                                  gives_up=known.gives_up)
            self._peers[name] = replace(
                content, asked=_later(known.asked, sent), answered=_later(known.answered, sent), error="")
        if known.error or before is None or before.serial != told.serial:
            self._wake()


def _later(known: float | None, sent: float) -> float:
    return sent if known is None else max(known, sent)
