# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The person beside the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .channels import MORE_THAN_SOURCE
from .database import Database
from .receiving import is_own

if TYPE_CHECKING:
    from .host import Host
    from .world import World


class Operator:
    """The person who does what the agent leaves to a person: a new copy for a quarantined instance, an approval."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._busy: set[str] = set()
        self.clones = True  # a person is there who makes copies anew; while nobody is, all that writes must go on

    def look(self) -> None:
        clock = self.world.clock
        for host in self.world.hosts.values():
            agent = host.agent
            if host.name in self._busy or host.paused or not agent.alive or not host.database.running:
                continue
            if self.clones and not host.database.writable and self._needs_copy(host):
                self._busy.add(host.name)
                clock.after(clock.between(1, 4), self.clone, host)
            elif agent.state.waiting.startswith("a person"):
                self._busy.add(host.name)
                clock.after(clock.between(1, 4), self._approve, host)

    def _needs_copy(self, host: Host) -> bool:
        diverged = any(channel.receiver_error == MORE_THAN_SOURCE for channel in host.database.channels)
        writer = self.world.writer()
        never_comes = writer is not None and any(
            number > host.database.flushed.get(uuid, 0)
            for uuid, number in writer.database.flushed.items()
            if uuid in writer.database.purged or is_own(host.database, uuid))
        return bool(host.agent.saved.errant or host.agent.state.lost) or diverged or never_comes

    def _approve(self, host: Host) -> None:
        if host.powered:
            host.say("a person runs: mysql-ha promote")
            host.files.request = "promote"
            self.world.clock.after(10.0, self._withdraw, host)
        else:
            self._busy.discard(host.name)

    def _withdraw(self, host: Host) -> None:
        host.files.request = None
        self._busy.discard(host.name)

    def clone(self, host: Host) -> None:
        """Under a hold, from the writer; mysqld restarts itself at the end."""
        self._busy.add(host.name)
        writer = self.world.writer()
        ready = (
            writer is not None and writer is not host and host.powered and not host.paused and host.database.running
            and not host.database.writable and host.files.hold is None and not host.disk_stalled
            and writer.database.running and self.world.network.both_ways(host.name, writer.name))
        if not ready:
            self._busy.discard(host.name)
            return
        host.say("is cloned from the writer")
        host.files.hold = "clone"
        host.keep_down += 1
        self.world.clock.after(0.5, self._copy, host, host.boots)

    def _copy(self, host: Host, boots: int) -> None:
        writer = self.world.writer()
        if writer is not None and writer is not host and host.powered and not host.database.writable \
                and writer.database.running:
            host.database.die()
            _copy_data(writer.database, host.database)
            if self.world.variant.renews_uuid:
                host.database.renew_uuid()
        host.keep_down -= 1
        self.world.clock.after(1.0, self._cloned, host, boots)

    def _cloned(self, host: Host, boots: int) -> None:
        host.start_mysqld()
        if host.files.hold == "clone":
            host.files.hold = None
        self._busy.discard(host.name)
        host.agent.wake()


def _copy_data(donor: Database, to: Database) -> None:
    """CLONE: the donor's committed state, and an empty relay log."""
    to.binlog = list(donor.binlog[:donor.committed])
    to.flushed = dict(donor.executed)
    to.purged = dict(donor.purged)
    to.executed = dict(donor.purged)
    to.committed = 0
    for channel in to.channels:
        channel.relay.clear()
        channel.retrieved.clear()
        channel.applied = channel.unsynced = 0
    to.recount_received()
