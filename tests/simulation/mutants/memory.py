# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is remembered, and on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mysql_ha_agent.model import Durable, Peer, Seen, State

from ..fast import replace
from .mutant import Mutant, durable_as, peers_as, planted

if TYPE_CHECKING:
    from ..database import Database


@planted
class StaleStandbyPromotes(Mutant):
    """A standby that was left behind does not know it, nor that the writer was alone."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return durable_as(peers_as(seen, alone=False), state, left_behind=False)


@planted
class LeftBehindToldUnsaved(Mutant):
    """A standby tells that it was left behind before that is on its disk, and does not see that the writer is alone."""

    def shown(self, saved: Durable, state: State) -> Durable:
        return replace(saved, left_behind=state.durable.left_behind)  # type: ignore[no-any-return]

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return peers_as(seen, alone=False), state

    def save_takes(self, database: Database, durable: Durable) -> float:
        return 4.0 if durable.left_behind else 0.01


@planted
class AloneUnsaved(Mutant):
    """The writer goes on alone before it is on its disk that it is alone."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return replace(seen, saved=replace(seen.saved, alone=state.durable.alone)), state

    def save_takes(self, database: Database, durable: Durable) -> float:
        return 6.0 if durable.alone else 0.01


@planted
class MemoryLost(Mutant):
    """An agent that starts knows nothing of before."""

    def remembered(self, stored: Durable) -> Durable:
        return Durable()


@planted
class StandbyForgets(Mutant):
    """An agent that starts does not know that its instance was left behind."""

    def remembered(self, stored: Durable) -> Durable:
        return replace(stored, left_behind=False)  # type: ignore[no-any-return]


@planted
class WriterForgets(Mutant):
    """An agent that starts does not know that its instance was alone."""

    def remembered(self, stored: Durable) -> Durable:
        return replace(stored, alone=False)  # type: ignore[no-any-return]


@planted
class PromotionForgotten(Mutant):
    """An agent that starts does not know that its instance has led."""

    def remembered(self, stored: Durable) -> Durable:
        return replace(stored, led=0, alone=False)  # type: ignore[no-any-return]


@planted
class ErrantIgnored(Mutant):
    """An instance with transactions of its own may lead."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return durable_as(seen, replace(state, errant_since=None), errant="")


@planted
class QuarantineForgotten(Mutant):
    """Nobody hears that an instance has transactions of its own."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return seen, replace(state, errant_since=None)


@planted
class RefusalIsContact(Mutant):
    """A standby takes every refused connection for the word of a host without an agent."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        refused = [peer.refused for peer in seen.peers if peer.refused is not None]
        return seen, replace(state, contact=max([state.contact or 0.0, *refused])) if refused else state


@planted
class LeaseFromTheWrongEnd(Mutant):
    """After a pause a standby counts its lease from the pause's end."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        if state.last_tick is not None and now - state.last_tick > 0.5 and state.contact is not None:
            state = replace(state, contact=now)
        return seen, state


@planted
class LeaseFromTheAnswer(Mutant):
    """A standby counts its lease from the answer that it hears, not from its question."""

    def answered_at(self, sent: float, heard: float) -> float:
        return heard


@planted
class SilenceIsConsent(Mutant):
    """A standby that has not been heard for a moment is taken for left behind."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        def consents(peer: Peer) -> Peer:
            if peer.answered is None or now - peer.answered < 0.7 or state.phase != "writer":
                return peer
            return replace(  # type: ignore[no-any-return]
                peer, asked=now, answered=now, left_behind=True, receiving=False, generation=state.durable.generation)

        return replace(seen, peers=tuple(map(consents, seen.peers))), state


@planted
class WaitsIgnored(Mutant):
    """A standby forgets that it was left behind although the writer does not wait for it yet."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return peers_as(seen, waits=True, alone=False), state
