# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What planted mistakes have in common: from the first fault on they blind the core, or act in its place."""

from __future__ import annotations

from dataclasses import replace as slow_replace
from typing import TYPE_CHECKING, Any

from mysql_ha_agent.core import decide
from mysql_ha_agent.decisions import AnyDecision, Decision
from mysql_ha_agent.model import Channel, Seen, State

from ..fast import replace
from ..variant import Variant

if TYPE_CHECKING:
    from ..agent import Agent


class Mutant(Variant):
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


def server_as(seen: Seen, **changes: Any) -> Seen:
    server = seen.mysqld.server
    if server is None:
        return seen
    return slow_replace(seen, mysqld=replace(seen.mysqld, server=replace(server, **changes)))


def channels_as(seen: Seen, **changes: Any) -> Seen:
    server = seen.mysqld.server
    if server is None:
        return seen
    channels: tuple[Channel, ...] = tuple(replace(channel, **changes) for channel in server.channels)
    return server_as(seen, channels=channels)


def durable_as(seen: Seen, state: State, **changes: Any) -> tuple[Seen, State]:
    return replace(seen, saved=replace(seen.saved, **changes)), replace(
        state, durable=replace(state.durable, **changes))


def without(decisions: list[AnyDecision], *kinds: type[Decision]) -> list[AnyDecision]:
    return [decision for decision in decisions if not isinstance(decision, kinds)]
