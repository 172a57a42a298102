# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Promotions that come too early, or never."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mysql_ha_agent.decisions import AnyDecision, SetTrack
from mysql_ha_agent.model import Durable, Seen, State, VipProbe

from ..fast import replace
from .mutant import Mutant, channels_as, durable_as, peers_as, planted

if TYPE_CHECKING:
    from ..database import Database


@planted
class NoPeerCheck(Mutant):
    """Whoever has the VIP is promoted, whatever the others say."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return (peers_as(seen, phase="standby", vip_here=False, hears=()) if seen.vip_here else seen), state

    def may_still_open(self, may: bool) -> bool:
        return True


@planted
class NoLastLook(Mutant):
    """Whether the VIP is still here is not asked again directly before writes are opened."""

    def may_still_open(self, may: bool) -> bool:
        return True


@planted
class NoDrain(Mutant):
    """What was received and not applied is left."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        seen = channels_as(seen, drained=True)
        server = seen.mysqld.server
        if server is not None:
            comparisons = tuple((name, replace(one, peer_extra="")) for name, one in server.comparisons)
            seen = replace(seen, mysqld=replace(seen.mysqld, server=replace(server, comparisons=comparisons)))
        return seen, state


@planted
class GenerationIgnored(Mutant):
    """Nobody looks at the number of the others' promotions."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return peers_as(seen, generation=0, led=0), state


@planted
class SourceTakenForProven(Mutant):
    """dual_source: the old writer is taken for free of transactions that must not come here."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return durable_as(seen, state, source_proven=True)


@planted
class FollowingIgnored(Mutant):
    """A promotion does not wait until the third candidate has heard of it."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        if state.phase != "promoting":
            return seen, state
        return peers_as(seen, receiving=False, generation=state.durable.generation), state


@planted
class NeverLeadsAgain(Mutant):
    """keepalived never hears that this instance may lead again."""

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        return [one for one in decisions if not isinstance(one, SetTrack) or one.value == "1"]


@planted
class NobodyElseHasTheVip(Mutant):
    """A writer does not look whether somebody else answers for the VIP."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return replace(seen, vip_probe=VipProbe(now, "")), state


@planted
class PromotionUnsaved(Mutant):
    """Writes are opened before the promotion's number is on disk."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return (replace(seen, saved=state.durable) if state.phase == "promoting" else seen), state

    def may_still_open(self, may: bool) -> bool:
        return True

    def save_takes(self, database: Database, durable: Durable) -> float:
        return 5.0 if durable.led and database.world.ledger.openings else 0.01
