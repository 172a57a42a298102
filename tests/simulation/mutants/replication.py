# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Semi-sync, receivers and appliers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mysql_ha_agent.decisions import AnyDecision, StartApplier, StartReceiver, StopReceiver, SwitchSemiSync
from mysql_ha_agent.model import Seen, State

from ..fast import replace
from .mutant import Mutant, channels_as, planted, server_as, without

if TYPE_CHECKING:
    from ..database import Database


@planted
class FiniteTimeout(Mutant):
    """A commit waits for its acknowledgement for a second only."""

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


@planted
class RelayLogUnsynced(Mutant):
    """sync_relay_log=10000: what was acknowledged may be in memory only."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return server_as(seen, relay_synced=True), state

    def booted(self, database: Database) -> None:
        database.relay_synced = False


@planted
class NoReplicaNoWait(Mutant):
    """wait_no_replica=OFF: without a connected replica commits do not wait."""

    def flushed(self, database: Database, end: int) -> None:
        if database.semi_sync and not database.clients():
            database.semi_sync = False


@planted
class ReadersAcknowledge(Mutant):
    """Any replica's acknowledgement will do."""

    def acknowledges(self, database: Database) -> bool:
        return True


@planted
class ChannelLeftRunning(Mutant):
    """dual_source: the new writer goes on receiving from the old one."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        return (channels_as(seen, receiver="No") if seen.vip_here else seen), state

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        return [decision for decision in decisions if not isinstance(decision, StopReceiver)]


@planted
class OldReceiverKept(Mutant):
    """A standby goes on receiving from a writer that has been succeeded."""

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        return decisions if seen.vip_here else without(decisions, StopReceiver)


@planted
class ReceiverLeftStopped(Mutant):
    """A receiver that was stopped stays so."""

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        return without(decisions, StartReceiver)


@planted
class ApplierLeftStopped(Mutant):
    """An applier that was stopped stays so."""

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        return without(decisions, StartApplier)


@planted
class GoesOnAtOnce(Mutant):
    """A writer without a connected standby goes on alone, and asks nobody."""

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        server = seen.mysqld.server
        waits = server is not None and server.writable and server.semi_sync is not None \
            and server.semi_sync.source_enabled and not server.semi_sync.clients and not seen.busy("semi_sync")
        return [*decisions, SwitchSemiSync("nobody is connected", False)] if waits else decisions


@planted
class NeverGoesOn(Mutant):
    """A writer waits for its standby for ever."""

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        server = seen.mysqld.server
        leads = server is not None and server.writable
        return without(decisions, SwitchSemiSync) if leads else decisions


@planted
class NeverWaitsAgain(Mutant):
    """A writer that went on alone stays so."""

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        return [one for one in decisions if not isinstance(one, SwitchSemiSync) or not one.on]


@planted
class SemiSyncLeftOn(Mutant):
    """A standby's own applier waits for acknowledgements that nobody gives."""

    def act(self, seen: Seen, decisions: list[AnyDecision]) -> list[AnyDecision]:
        server = seen.mysqld.server
        stands_by = server is not None and server.read_only and not seen.vip_here
        return without(decisions, SwitchSemiSync) if stands_by else decisions


@planted
class LostAcknowledgementIgnored(Mutant):
    """A commit whose acknowledgement was lost with its connection waits for ever."""

    def blind(self, seen: Seen, state: State, now: float) -> tuple[Seen, State]:
        server = seen.mysqld.server
        if server is None or server.semi_sync is None:
            return seen, state
        return server_as(seen, semi_sync=replace(server.semi_sync, waiting=0)), state
