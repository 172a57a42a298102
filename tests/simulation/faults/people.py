# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..channels import text_of
from .fault import Fault, Undo

if TYPE_CHECKING:
    from ..host import Host
    from ..world import World


def hold(world: World, host: Host, fault: Fault) -> Undo:
    if host.files.hold is not None:
        return lambda: None
    host.files.hold = "switchover"
    host.agent.wake()

    def release() -> None:
        if host.files.hold == "switchover":
            host.files.hold = None
            host.agent.wake()

    return release


def operator_pause(world: World, host: Host, fault: Fault) -> Undo:
    hosts = list(world.hosts.values()) if fault.strength < 0.5 else [host]
    for one in hosts:
        one.files.paused = True

    def undo() -> None:
        for one in hosts:
            one.files.paused = False

    return undo


def foreign_gtids(world: World, host: Host, fault: Fault) -> Undo:
    """SET GLOBAL gtid_purged = '+X:1-100', as mysqldump writes it: executed here, and in nobody's log."""
    database = host.database
    for counts in (database.purged, database.executed, database.flushed, database.received):
        counts["ux"] = 100
    database.executed_text = text_of(database.executed)
    return lambda: None


def local_transaction(world: World, host: Host, fault: Fault) -> Undo:
    """FLUSH PRIVILEGES on a read-only server: harmless, and in its binary log."""
    database = host.database
    if database.running and not database.writable:
        world.transactions += 1
        world.ledger.accepts[world.transactions] = 0, host.name
        database.commit_own(world.transactions)
    return lambda: None


def semi_sync_off(world: World, host: Host, fault: Fault) -> Undo:
    """SET GLOBAL rpl_semi_sync_source_enabled = OFF."""
    host.database.semi_sync = False
    host.database.try_commit()
    return lambda: None
