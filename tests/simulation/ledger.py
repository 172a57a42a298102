# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that was accepted and acknowledged, and the invariants of design.md that follow from it.

An *opening* is one moment at which some instance's writes are opened; they are numbered. What was accepted before an
opening and is not there then is *dead*: it was never acknowledged, and must never come back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clockwork import Violation

if TYPE_CHECKING:
    from .channels import Entry
    from .database import Database
    from .host import Host
    from .world import World

FLAPS, FLAPS_WITHIN = 6, 20.0  # more changes of semi-sync than this, in seconds, come from no single fault


class Ledger:
    def __init__(self, world: World) -> None:
        self.world = world
        self.openings = 0
        self.newest: Database | None = None
        self.moves = 0  # of the writer, since the last fault
        self.arrivals: list[str] = []  # of the VIP where clients reach it, since the last fault
        self.accepts: dict[int, tuple[int, str]] = {}  # transaction -> opening, host
        self.accepted_at: dict[int, float] = {}
        self.since_opening: list[int] = []
        self.acknowledgements: dict[int, tuple[float, str]] = {}
        self.last_acknowledged = -1.0
        self.dead: set[int] = set()
        self.semi_sync_changes: list[float] = []

    # ---- openings ----------------------------------------------------------------------------------------------------

    def opened(self, database: Database) -> None:
        name = database.host.name
        previous = self.newest
        self.openings += 1
        database.opened, self.newest = self.openings, database
        semi_sync = "on" if database.semi_sync else "off"
        database.host.say(f"WRITES ARE OPEN (opening {self.openings}, semi-sync {semi_sync})")
        if previous is not None and previous is not database:
            self.moves += 1
        rival = self.world.live_rival(database.host)
        if rival is not None:
            raise Violation(f"I4: {name} opened its writes although {rival.name} writes, and could be asked")
        here = {transaction for _, _, transaction in database.binlog}
        lost = [transaction for transaction in self.acknowledgements if transaction not in here]
        if lost:
            at, by = self.acknowledgements[lost[0]]
            raise Violation(
                f"I2: {name} opened its writes without {len(lost)} acknowledged transactions, among them {lost[0]},"
                f" acknowledged by {by} at {at:.3f}")
        returned = sorted(here & self.dead)
        if returned:
            raise Violation(
                f"I4: {name} opened its writes with {len(returned)} errant transactions, among them {returned[0]}"
                f" of {self.accepts[returned[0]][1]}")
        for channel in database.channels:
            if not channel.drained:
                raise Violation(f"I5: {name} opened its writes before all that it had received was applied")
        self.dead.update(transaction for transaction in self.since_opening if transaction not in here)
        self.since_opening.clear()

    def closed(self, database: Database) -> None:
        database.opened = 0

    # ---- transactions ------------------------------------------------------------------------------------------------

    def accepted(self, transaction: int, database: Database) -> None:
        self.accepts[transaction] = database.opened, database.host.name
        self.accepted_at[transaction] = self.world.clock.now
        if database.opened == self.openings:
            self.since_opening.append(transaction)
        else:
            self.dead.add(transaction)

    def acknowledged(self, transaction: int, database: Database, client: str) -> None:
        now, name = self.world.clock.now, database.host.name
        opening = self.accepts[transaction][0]
        if transaction in self.dead:
            assert self.newest is not None
            newer = self.newest.host.name
            what = "I1: two writers acknowledge" if opening < self.openings and self._after(transaction) else "I2"
            raise Violation(
                f"{what}: {name} acknowledged transaction {transaction} (accepted under opening {opening}) to {client},"
                f" but {newer} was opened (opening {self.openings}) without it")
        self.acknowledgements[transaction] = now, name
        self.last_acknowledged = now

    def _after(self, transaction: int) -> bool:
        return transaction not in self.since_opening

    def applied_by_writer(self, database: Database, entry: Entry) -> None:
        if entry[2] in self.dead:
            uuid, number, transaction = entry
            raise Violation(
                f"I4: the writer {database.host.name} took in the errant transaction {transaction} ({uuid}:{number})")

    # ---- the VIP -----------------------------------------------------------------------------------------------------

    def track_set(self, host: Host, value: str) -> None:
        database = host.database
        if value == "1" and host.vip and database.writable and not database.zombie:
            raise Violation(f"I1: the track file of {host.name} turned before its writes were closed")

    def semi_sync_changed(self, host: Host) -> None:
        now = self.world.clock.now
        self.semi_sync_changes = [at for at in self.semi_sync_changes if now - at < FLAPS_WITHIN] + [now]
        if len(self.semi_sync_changes) > FLAPS and self.world.one_at_a_time:
            raise Violation(f"semi-sync of {host.name} changed {FLAPS + 1} times within {FLAPS_WITHIN:g} s")

    def vip_changed(self, host: Host) -> None:
        host.vip_since = self.world.clock.now
        if host.vip and self.world.network.both_ways("patient", host.name):
            self.arrivals.append(host.name)

    # ---- at the end --------------------------------------------------------------------------------------------------

    def check_copies(self) -> None:
        """The cluster is well: everybody has what was acknowledged, and the same as the writer."""
        assert self.newest is not None
        writer = self.newest
        committed = {entry[:2]: entry[2] for entry in writer.binlog}
        here = set(committed.values())
        for transaction, (at, by) in self.acknowledgements.items():
            if transaction not in here:
                raise Violation(f"I2: transaction {transaction}, acknowledged by {by} at {at:.3f}, is lost")
        for host in self.world.hosts.values():
            for uuid, number, transaction in host.database.binlog:
                if committed.get((uuid, number)) != transaction:
                    raise Violation(
                        f"I4: {host.name} has another transaction as {uuid}:{number} than the writer"
                        f" {writer.host.name}, and nobody says so")
