# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The places at which a planted mistake can take hold. This one is the product: it changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mysql_ha_agent.core import decide
from mysql_ha_agent.decisions import AnyDecision
from mysql_ha_agent.model import Durable, Seen, State

if TYPE_CHECKING:
    from .agent import Agent
    from .database import Database


class Variant:
    relay_log_recovery = False
    demotes_semi_sync_first = False
    reopens_sessions = True  # each of the agent's sessions that was killed, not only the watching one
    admin_interface = True  # the agent comes in although max_connections is reached
    renews_uuid = True  # a re-seeded instance gets a new server_uuid, so that no GTID is used twice

    def decide(
        self, agent: Agent, seen: Seen, state: State, now: float,
    ) -> tuple[list[AnyDecision], State]:
        return decide(agent.config, seen, state, now)

    def remembered(self, stored: Durable) -> Durable:
        """What an agent knows when it starts."""
        return stored

    def shown(self, saved: Durable, state: State) -> Durable:
        """What /status says of the memory."""
        return saved

    def answered_at(self, sent: float, heard: float) -> float:
        """The time that is noted for a peer's answer."""
        return sent

    def may_still_open(self, may: bool) -> bool:
        return may

    def save_takes(self, database: Database, durable: Durable) -> float:
        """Seconds until the agent's memory is on disk."""
        return database.clock.between(0.001, 0.015)

    def booted(self, database: Database) -> None:
        """mysqld has just started."""

    def flushed(self, database: Database, end: int) -> None:
        """A commit was written to the binary log, which has so many transactions now."""

    def acknowledges(self, database: Database) -> bool:
        """Does this replica acknowledge what it has received?"""
        return database.acknowledges
