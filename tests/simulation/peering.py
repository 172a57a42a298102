# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What agents ask each other, as mysql_ha_agent.peers and its endpoints do it: two connections to each peer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mysql_ha_agent.model import Peer, Seen, State
from mysql_ha_agent.standing import applier_stands, stuck, waits
from mysql_ha_agent.telling import commits_wait, gives_up, is_eligible, is_up, left_behind
from mysql_ha_agent.view import View

from .fast import replace

if TYPE_CHECKING:
    from .agent import Agent

WAIT = 0.5
BOUND = 1.0
AGAIN = 0.2
PACE = 0.02
FRESH_BOUND = 0.1
STUCK = 0.02
TAKES = 0.001  # seconds that an agent needs to answer

# What an agent of the version before does not tell, as peers.parse reads its silence.
OLD_AGENT: dict[str, object] = {
    "witnessed": True, "events_disabled": (), "vote": 0, "voted_for": "", "pending": "",
    "applier_stands": False, "flushes": True, "commits_wait": False, "behind": None, "unsaved": 0.0,
}

Answer = Callable[[], None]


class Peering:
    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.clock, self.network = agent.clock, agent.network
        self.own = agent.config.instance
        self._stop()

    def _stop(self) -> None:
        self.peers = {member.name: Peer(member.name) for member in self.agent.config.peers}
        self._seen: tuple[Peer, ...] | None = None
        self._known_serial: dict[str, tuple[int, int]] = {}
        self._known_clock: dict[str, tuple[int, float]] = {}
        self.serial = (self.agent.life, 0)
        self._said: object = None
        self._waiting: dict[str, Answer] = {}  # the long question of a peer
        self._asking = dict.fromkeys(self.peers, False)
        self._wanted: dict[str, bool] = {}
        self._number = 0
        self._connected: dict[tuple[str, bool], bool] = {}  # peer, whether for the long questions
        self._open: dict[int, tuple[str, Callable[[], None]]] = {}  # questions without an end yet, and how to give up

    def start(self) -> None:
        self._stop()
        for name in self.peers:
            self._follow(name, self.agent.life)

    def stop(self, power: bool) -> None:
        """The kernel closes the connections of a dead agent; nobody is told when the power is gone."""
        self._stop()
        if not power:
            for name in self.peers:
                self.network.datagram(self.own, name, self.agent.world.hosts[name].agent.peering.reset, self.own)

    def seen(self) -> tuple[Peer, ...]:
        if self._seen is None:
            self._seen = tuple(self.peers.values())
        return self._seen

    def _put(self, peer: Peer) -> None:
        self.peers[peer.name] = peer
        self._seen = None

    # ---- asking ------------------------------------------------------------------------------------------------------

    def _follow(self, name: str, life: int) -> None:
        if life != self.agent.life:
            return
        if self.agent.stopped:
            self.clock.after(STUCK, self._follow, name, life)
            return
        self._question(name, "follow", lambda answered: self.clock.after(
            PACE if answered else AGAIN, self._follow, name, life))

    def ask(self) -> None:
        for name in self.peers:
            self._want(name, fresh=True)

    def look(self, then: Callable[[], None]) -> None:
        """Asks all at once; `then` when all have ended."""
        left = set(self.peers)
        if not left:
            then()

        def ended(name: str) -> None:
            left.discard(name)
            if not left:
                then()

        for name in self.peers:
            self._want(name, fresh=False, then=ended)

    def _want(self, name: str, fresh: bool, then: Callable[[str], None] | None = None) -> None:
        if self._asking[name]:
            self._wanted[name] = self._wanted.get(name, False) or fresh
            if then is not None:
                then(name)
            return
        self._asking[name] = True
        life = self.agent.life

        def ended(answered: bool) -> None:
            if life != self.agent.life:
                return
            self._asking[name] = False
            if then is not None:
                then(name)
            self.agent.wake()
            if name in self._wanted:
                self._want(name, self._wanted.pop(name))

        self._question(name, "fresh" if fresh else "plain", ended)

    def _question(self, name: str, kind: str, ended: Callable[[bool], None]) -> None:
        """One question: sent again by TCP when lost, given up after its bound."""
        self._number += 1
        number, life = self._number, self.agent.life
        sent = self.agent.host.local()
        seen = self._known_serial.get(name)

        connection = name, kind == "follow"

        def end(answered: bool) -> None:
            if life == self.agent.life and self._open.pop(number, None) is not None:
                self._connected[connection] = answered
                ended(answered)

        def valid() -> bool:
            return life == self.agent.life and number in self._open

        def answer(peer: Peer, serial: tuple[int, int], clock: float) -> None:
            if not valid():
                return
            if self.agent.stopped:
                self.clock.after(STUCK, answer, peer, serial, clock)
                return
            self._answered(peer, sent, serial, clock)
            end(True)

        def refuse() -> None:
            if valid():
                self._failed(name, sent, refused=True)
                end(False)

        def give_up() -> None:
            if not valid():
                return
            if self.agent.stopped:
                self.clock.after(STUCK, give_up)
                return
            self._failed(name, sent, refused=False)
            end(False)

        self._open[number] = name, give_up
        other = self.agent.world.hosts[name].agent.peering
        if not self._filtered(name):
            self.network.stream(
                self.own, name, valid, other.arrived, self.own, kind, seen, valid, answer, refuse, self._gives_up(),
                new=not self._connected.get(connection, False))
        elif name in self.network.rejecting:
            self.network.datagram(self.own, self.own, refuse)
        self.clock.after(BOUND + (WAIT if kind == "follow" else 0.0), give_up)

    def _gives_up(self) -> int | None:
        agent = self.agent
        return None if agent.told is None else gives_up(
            View(agent.config, agent.told[0], agent.host.local()), agent.told[1])

    def _filtered(self, name: str) -> bool:
        hosts = self.agent.world.hosts
        candidates = hosts[self.own].is_candidate and hosts[name].is_candidate and hosts[name].powered
        return candidates and not self.network.rejecting.isdisjoint((self.own, name))

    def reset(self, name: str) -> None:
        """The connections with this peer have been reset: what was asked there has no answer."""
        for give_up in [end for of, end in list(self._open.values()) if of == name]:
            give_up()

    def _failed(self, name: str, sent: float, refused: bool) -> None:
        known = self.peers[name]
        changes: dict[str, object] = {"asked": max(known.asked or 0.0, sent), "error": "refused" if refused else "x"}
        if refused:
            changes["refused"] = max(known.refused or 0.0, sent)
        self._put(replace(known, **changes))
        if known.error != changes["error"]:
            self.agent.wake()

    def _answered(self, told: Peer, sent: float, serial: tuple[int, int], clock: float) -> None:
        name = told.name
        known, before = self.peers[name], self._known_clock.get(name)
        took = self.agent.host.local() - sent
        content = known
        if before is None or before[0] != serial[0] or before[1] <= clock:
            self._known_clock[name] = serial[0], clock
            hears = tuple((member, phase, age - took) for member, phase, age in told.hears)
            content = replace(told, hears=hears, refused=known.refused, knocked=known.knocked, gives_up=known.gives_up)
        news = known.error or self._known_serial.get(name) != serial
        self._known_serial[name] = serial
        at = self.agent.world.variant.answered_at(sent, self.agent.host.local())
        self._put(replace(
            content, asked=max(known.asked or 0.0, at), answered=max(known.answered or 0.0, at), error=""))
        if news:
            self.agent.wake()

    # ---- answering ---------------------------------------------------------------------------------------------------

    def arrived(
        self, asker: str, kind: str, seen: tuple[int, int] | None, valid: Callable[[], bool],
        answer: Callable[[Peer, tuple[int, int], float], None], refuse: Callable[[], None], says: int | None,
    ) -> None:
        agent = self.agent
        host = agent.host
        if not host.powered or not valid():
            return
        if not agent.alive:
            if not host.paused:
                self.network.datagram(self.own, asker, refuse)
            return
        if agent.stopped:
            self.clock.after(STUCK, self.arrived, asker, kind, seen, valid, answer, refuse, says)
            return
        known = self.peers[asker]
        self._put(replace(known, knocked=host.local(), gives_up=says))
        life = agent.life

        def reply() -> None:
            if life != agent.life or not valid():
                return
            if agent.stopped or agent.told is None:
                self.clock.after(STUCK, reply)
                return
            now = host.local()
            content = self._content(now)
            self.network.stream(self.own, asker, valid, answer, content, self.serial, now)

        if kind == "follow" and seen == self.serial:
            self._waiting[asker] = reply

            def expire() -> None:
                if self._waiting.get(asker) is reply:
                    del self._waiting[asker]
                    reply()

            self.clock.after(WAIT, expire)
        elif kind == "fresh":
            replied = [False]

            def once() -> None:
                if not replied[0] and life == agent.life:
                    replied[0] = True
                    if not agent.stopped:
                        agent.step()
                    reply()

            self.look(once)
            self.clock.after(FRESH_BOUND, once)
        else:
            self.clock.after(TAKES, reply)

    def told_anew(self) -> None:
        """After each step: does what /status says differ in what others wait for?"""
        agent = self.agent
        assert agent.told is not None
        seen, state = agent.told
        now, saved = agent.host.local(), agent.world.variant.shown(seen.saved, state)
        view = View(agent.config, seen, now)
        left = saved.left_behind or left_behind(agent.config, seen, state)
        said = (
            state.phase, not state.reasons, seen.vip_here, is_up(agent.config, seen, now), saved.generation, saved.led,
            saved.alone, left, saved.errant or state.durable.errant, saved.vote, saved.voted_for,
            view.receives_nothing, waits(view, state), seen.hold,
        )
        if said != self._said:
            self._said = said
            self.serial = agent.life, self.serial[1] + 1
            waiting, self._waiting = self._waiting, {}
            for reply in waiting.values():
                self.clock.after(TAKES, reply)

    def _content(self, now: float) -> Peer:
        assert self.agent.told is not None
        told = content(self.agent, *self.agent.told, now)
        return replace(told, **OLD_AGENT) if self.agent.old else told


def content(agent: Agent, seen: Seen, state: State, now: float) -> Peer:
    """What mysql_ha_agent.peers.parse makes of mysql_ha_agent.telling.status; a test compares the two."""
    config, saved = agent.config, agent.world.variant.shown(seen.saved, state)
    server = seen.mysqld.server if seen.mysqld.alive else None
    up = is_up(config, seen, now)
    channels = server.channels if server else ()
    return Peer(
        name=config.instance, phase=state.phase, vip_here=seen.vip_here, mysqld_up=up,
        closed=up and server is not None and server.read_only, eligible=is_eligible(state),
        generation=saved.generation, led=saved.led, alone=saved.alone,
        left_behind=saved.left_behind or left_behind(config, seen, state), disk_stalled=round(seen.disk_stalled, 3),
        errant=saved.errant or state.durable.errant, vote=saved.vote, voted_for=saved.voted_for,
        unsaved=round(seen.state_file.unsaved, 3),
        lead=int(seen.lead) if seen.lead and seen.lead.isdigit() else 0,
        stuck=stuck(View(config, seen, now), state), waits=waits(View(config, seen, now), state),
        commits_wait=commits_wait(seen, state),
        hears=tuple(
            (peer.name, peer.phase, now - peer.answered) for peer in seen.peers if peer.answered is not None),
        uuid=server.uuid if server else "", gtid_executed=server.gtid_executed if server else "",
        pending=server.pending if server else "",
        receiving=bool(channels) and channels[0].receiver == "Yes", has_channel=bool(channels),
        applier_stands=applier_stands(View(config, seen, now), state),
        flushes=server is None or server.flushes,
        lag=channels[0].lag if channels else None,
        behind=None if state.received_of is None else round(now - state.received_of, 3),
    )
