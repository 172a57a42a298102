# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Planted mistakes: each breaks one defence of the product, and names the faults that need that defence.

`chances` are schedules made anew from a number until one of them shows the mistake.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from dataclasses import replace as slow_replace
from typing import TYPE_CHECKING, Any

from mysql_ha_agent.core import decide
from mysql_ha_agent.model import (
    AnyDecision,
    Channel,
    Demote,
    Durable,
    Kill,
    Peer,
    Seen,
    SetTrack,
    State,
    StopReceiver,
)

from .fast import replace
from .faults import Fault
from .schedules import Schedule
from .variant import Variant
from .world import Setup

if TYPE_CHECKING:
    from .agent import Agent
    from .database import Database



@dataclass(frozen=True)
class When:
    """A fault, how many seconds after the one before at least and at most."""

    low: float
    high: float
    kind: str
    target: str
    lasts: tuple[float, float]
    strength: float | None = None


@dataclass(frozen=True)
class Plan:
    whens: tuple[When, ...]
    setup: Setup = field(default_factory=Setup)
    together: bool = True

    def schedule(self, number: int) -> Schedule:
        rng = random.Random(number)  # noqa: S311  faults, not secrets
        faults = tuple(
            (rng.uniform(when.low, when.high), Fault(
                when.kind, when.target, rng.uniform(*when.lasts),
                rng.random() if when.strength is None else when.strength))
            for when in self.whens)
        return Schedule(self.setup, number, faults, self.together)


class Mutant(Variant):
    plan: Plan

    def decide(self, agent: Agent, seen: Seen, state: State, now: float) -> tuple[list[AnyDecision], State]:
        """The mistake begins to count with the first fault, so that every cluster starts well."""
        if not agent.world.roles:
            return decide(agent.config, seen, state, now)
        seen, state = self.blind(seen, state, now)
        decisions, state = decide(agent.config, seen, state, now)
        return self.act(seen, decisions), state

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return seen, state

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        return decisions


MUTANTS: dict[str, type[Mutant]] = {}


def planted(mutant: type[Mutant]) -> type[Mutant]:
    MUTANTS[mutant.__name__] = mutant
    return mutant


def peers_as(seen: Seen, **changes: Any) -> Seen:
    return slow_replace(seen, peers=tuple(replace(peer, **changes) for peer in seen.peers))


def channels_as(seen: Seen, **changes: Any) -> Seen:
    server = seen.mysqld.server
    if server is None:
        return seen
    channels: tuple[Channel, ...] = tuple(replace(channel, **changes) for channel in server.channels)
    return slow_replace(seen, mysqld=replace(seen.mysqld, server=replace(server, channels=channels)))


def durable_as(seen: Seen, state: State, **changes: Any) -> tuple[Seen, State]:
    return replace(seen, saved=replace(seen.saved, **changes)), replace(
        state, durable=replace(state.durable, **changes))


NO_READER = Setup(readers=0)
WRITER, STANDBY = "first writer", "first standby"
SLOW = When(1, 2, "slow_wires", STANDBY, (5, 5), 0.4)  # so that a crash of the writer leaves a tail behind
# The writer goes on alone, then nobody has power, then its host comes back without its mysqld.
COMES_BACK_FIRST = Plan((
    When(1, 2, "power_off", STANDBY, (6, 6)), When(5.2, 5.5, "total_outage", WRITER, (3, 5)),
    When(0, 0.1, "mysqld_stays_down", WRITER, (40, 40))), NO_READER)
# The standby is back, and far away, when the writer that went on without it dies.
BACK_AND_ALONE = Plan((
    When(1, 2, "isolated", STANDBY, (5, 6)), When(0, 1, "slow_wires", STANDBY, (20, 20), 0.8),
    When(7, 9.5, "power_off", WRITER, (9, 9))))
CUT_OFF = Plan((When(1, 2, "isolated", WRITER, (5, 9)),), NO_READER)


@planted
class NoPeerCheck(Mutant):
    """Whoever has the VIP is promoted, whatever the others say."""

    plan = Plan((When(1, 2, "vrrp_blocked", WRITER, (6, 9)),))

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return (peers_as(seen, phase="standby", vip_here=False, hears=()) if seen.vip_here else seen), state

    def may_still_open(self, may: bool) -> bool:
        return True


@planted
class NoDrain(Mutant):
    """What was received and not applied is left."""

    plan = Plan((When(1, 2, "applier_slow", STANDBY, (9, 9), 1.0), When(1, 2, "power_off", WRITER, (9, 9))))

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        seen = channels_as(seen, drained=True)
        server = seen.mysqld.server
        if server is not None:
            comparisons = tuple((name, replace(one, peer_extra="")) for name, one in server.comparisons)
            seen = replace(seen, mysqld=replace(seen.mysqld, server=replace(server, comparisons=comparisons)))
        return seen, state


@planted
class StaleStandbyPromotes(Mutant):
    """A standby that was left behind does not know it, nor that the writer was alone."""

    plan = BACK_AND_ALONE

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return durable_as(peers_as(seen, alone=False), state, left_behind=False)


@planted
class RefusalIsContact(Mutant):
    """A standby takes every refused connection for the word of a host without an agent."""

    plan = Plan((
        When(1, 2, "rejecting", WRITER, (14, 14)), When(0, 1, "slow_wires", STANDBY, (30, 30), 0.8),
        When(10, 11, "power_off", WRITER, (9, 9))), NO_READER)

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        refused = [peer.refused for peer in seen.peers if peer.refused is not None]
        return seen, replace(state, contact=max([state.contact or 0.0, *refused])) if refused else state


@planted
class FiniteTimeout(Mutant):
    """A commit waits for its acknowledgement for a second only."""

    plan = CUT_OFF

    def flushed(self, database: Database, end: int) -> None:
        def give_up(life: int) -> None:
            if database.life == life and database.committed < end and database.running and database.semi_sync:
                database.semi_sync = False
                database.try_commit()

        database.clock.after(1.0, give_up, database.life)


@planted
class RelayLogRecovered(Mutant):
    """relay_log_recovery=ON: what was received and not applied is thrown away at a start."""

    relay_log_recovery = True
    plan = Plan((
        When(1, 2, "applier_slow", STANDBY, (1, 1), 0.1), When(0.5, 0.9, "power_off", WRITER, (12, 12)),
        When(0.0, 0.05, "mysqld_crash", STANDBY, (0.1, 0.1))))


@planted
class ChannelLeftRunning(Mutant):
    """dual_source: the new writer goes on receiving from the old one."""

    plan = Plan((SLOW, When(0.5, 1, "mysqld_crash", WRITER, (1, 1))), NO_READER)

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return (channels_as(seen, receiver="No") if seen.vip_here else seen), state

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        return [decision for decision in decisions if not isinstance(decision, StopReceiver)]


@planted
class TrackFileFirst(Mutant):
    """keepalived is told before writes are closed."""

    plan = Plan((When(1, 2, "hold", WRITER, (3, 5)),))

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        if any(isinstance(decision, Demote) for decision in decisions) and seen.track == "0":
            return [SetTrack("too early", "1"), *decisions]
        return decisions


@planted
class LeftBehindToldUnsaved(Mutant):
    """A standby tells that it was left behind before that is on its disk, and does not see that the writer is alone."""

    plan = Plan((
        When(1, 2, "mysqld_stays_down", STANDBY, (0.5, 0.5)), When(0.4, 0.6, "total_outage", WRITER, (1, 2)),
        When(0, 0, "mysqld_stays_down", WRITER, (40, 40))), NO_READER)

    def shown(self, saved: Durable, state: State) -> Durable:
        return replace(saved, left_behind=state.durable.left_behind)  # type: ignore[no-any-return]

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return peers_as(seen, alone=False), state

    def save_takes(self, database: Database, durable: Durable) -> float:
        return 4.0 if durable.left_behind else 0.01


@planted
class GenerationIgnored(Mutant):
    """Nobody looks at the number of the others' promotions."""

    plan = Plan((
        When(1, 2, "isolated", WRITER, (1.6, 2.4)), When(0, 1, "vrrp_blocked", WRITER, (14, 14))),
        Setup(advert_interval=0.2))

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return peers_as(seen, generation=0, led=0), state


@planted
class AloneUnsaved(Mutant):
    """The writer goes on alone before it is on its disk that it is alone."""

    plan = COMES_BACK_FIRST

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return replace(seen, saved=replace(seen.saved, alone=state.durable.alone)), state

    def save_takes(self, database: Database, durable: Durable) -> float:
        return 6.0 if durable.alone else 0.01


@planted
class LeaseFromTheWrongEnd(Mutant):
    """After a pause a standby counts its lease from the pause's end."""

    plan = Plan((When(1, 2, "pause", STANDBY, (5, 5)), When(4.7, 5.1, "power_off", WRITER, (12, 12))))

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        if state.last_tick is not None and now - state.last_tick > 0.5 and state.contact is not None:
            state = replace(state, contact=now)
        return seen, state


@planted
class MemoryLost(Mutant):
    """An agent that starts knows nothing of before."""

    plan = COMES_BACK_FIRST

    def remembered(self, stored: Durable) -> Durable:
        return Durable()


@planted
class WitnessIgnored(Mutant):
    """Whether anybody outside answers does not matter."""

    plan = CUT_OFF

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return replace(seen, witnesses=tuple(
            replace(witness, asked=now, answered=now) for witness in seen.witnesses)), state



@planted
class SemiSyncOffFirst(Mutant):
    """A demotion switches semi-sync off while clients still wait for their OK."""

    demotes_semi_sync_first = True
    plan = CUT_OFF


@planted
class NoReplicaNoWait(Mutant):
    """wait_no_replica=OFF: without a connected replica commits do not wait."""

    plan = Plan((When(1, 2, "receiver_drop", STANDBY, (1, 1)), When(0.1, 0.4, "power_off", WRITER, (9, 9))))

    def flushed(self, database: Database, end: int) -> None:
        if database.semi_sync and not database.clients():
            database.semi_sync = False


@planted
class ReadersAcknowledge(Mutant):
    """Any replica's acknowledgement will do."""

    plan = NoReplicaNoWait.plan

    def acknowledges(self, database: Database) -> bool:
        return True


@planted
class NoDemotion(Mutant):
    """Who lost the VIP stays open."""

    plan = Plan((When(1, 2, "keepalived_stopped", WRITER, (3, 5)),), together=False)

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        return [decision for decision in decisions if not isinstance(decision, (Demote, Kill))]


@planted
class ErrantIgnored(Mutant):
    """An instance with transactions of its own may lead."""

    plan = Plan((
        SLOW, When(0.5, 1, "mysqld_crash", WRITER, (1, 1)), When(9, 12, "hold", STANDBY, (5, 5))), NO_READER)

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return durable_as(seen, replace(state, errant_since=None), errant="")



@planted
class SilenceIsConsent(Mutant):
    """A standby that has not been heard for a moment is taken for left behind."""

    plan = Plan((When(1, 2, "isolated", STANDBY, (1.3, 1.5)), When(1.6, 1.8, "power_off", WRITER, (9, 9))))

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        def consents(peer: Peer) -> Peer:
            if peer.answered is None or now - peer.answered < 0.7 or state.phase != "writer":
                return peer
            return replace(  # type: ignore[no-any-return]
                peer, asked=now, answered=now, left_behind=True, receiving=False, generation=state.durable.generation)

        return replace(seen, peers=tuple(map(consents, seen.peers))), state


@planted
class PromotionUnsaved(Mutant):
    """Writes are opened before the promotion's number is on disk."""

    plan = Plan((
        When(1, 2, "mysqld_stays_down", WRITER, (3, 3)), When(1.5, 2.0, "total_outage", WRITER, (2, 3)),
        When(0, 0, "mysqld_stays_down", STANDBY, (40, 40))), NO_READER)

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return (replace(seen, saved=state.durable) if state.phase == "promoting" else seen), state

    def may_still_open(self, may: bool) -> bool:
        return True

    def save_takes(self, database: Database, durable: Durable) -> float:
        return 5.0 if durable.led and database.world.ledger.openings else 0.01


@planted
class WaitsIgnored(Mutant):
    """A standby forgets that it was left behind although the writer does not wait for it yet."""

    plan = BACK_AND_ALONE

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return peers_as(seen, waits=True, alone=False), state


