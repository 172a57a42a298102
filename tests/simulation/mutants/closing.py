# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writers that do not close, or not in order."""

from __future__ import annotations

from mysql_ha_agent.decisions import AnyDecision, Demote, Kill, RemoveVip, SetTrack
from mysql_ha_agent.model import Seen, State

from ..fast import replace
from .mutant import Mutant, planted, without


@planted
class TrackFileFirst(Mutant):
    """keepalived is told before writes are closed."""

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        if any(isinstance(decision, Demote) for decision in decisions) and seen.track == "0":
            return [SetTrack("too early", "1"), *decisions]
        return decisions


@planted
class SemiSyncOffFirst(Mutant):
    """A demotion switches semi-sync off while clients still wait for their OK."""

    demotes_semi_sync_first = True


@planted
class NoDemotion(Mutant):
    """Who lost the VIP stays open."""

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        return [decision for decision in decisions if not isinstance(decision, (Demote, Kill))]


@planted
class NeverKills(Mutant):
    """A mysqld that cannot be closed lives on."""

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        return without(decisions, Kill)


@planted
class KeepsTheVip(Mutant):
    """keepalived never hears that this instance may not lead."""

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        return [one for one in decisions if not isinstance(one, SetTrack) or one.value == "0"]


@planted
class StaleVipKept(Mutant):
    """A VIP that keepalived left behind stays."""

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        return without(decisions, RemoveVip)


@planted
class KeepalivedIgnored(Mutant):
    """Whether keepalived runs does not matter."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return replace(seen, keepalived=True), state


@planted
class HangIgnored(Mutant):
    """A mysqld that answers nobody counts as well."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        alive = seen.mysqld.alive and seen.mysqld.answered is not None
        return (replace(seen, mysqld=replace(seen.mysqld, answered=now)) if alive else seen), state


@planted
class DiskIgnored(Mutant):
    """A disk that takes no writes does not matter."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return replace(seen, disk_stalled=0.0), state


@planted
class CutOffGoesOn(Mutant):
    """A writer that hears nobody at all does not close itself."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        server = seen.mysqld.server
        if server is None or not server.writable:
            return seen, state
        return replace(seen, witnesses=tuple(
            replace(witness, asked=now, answered=now) for witness in seen.witnesses)), state


@planted
class WitnessIgnored(Mutant):
    """Whether anybody outside answers does not matter."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return replace(seen, witnesses=tuple(
            replace(witness, asked=now, answered=now) for witness in seen.witnesses)), state


@planted
class OwnPauseIgnored(Mutant):
    """After a pause of its own an agent takes everybody else's silence for theirs."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return seen, replace(state, awake_since=0.0, last_tick=now)
