# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients that insert rows through the VIP and remember what was acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .database import Database
    from .world import World

LOOK = 0.25  # how often a client that waits looks whether its connection is still there


class Session:
    """One client's connection with one mysqld, by way of the VIP."""

    def __init__(self, client: Client, database: Database) -> None:
        self.client, self.database = client, database
        self.life = database.life
        self.alive = True  # as mysqld sees it
        database.sessions.append(self)

    def end(self, told: bool) -> None:
        self.alive = False
        network, client, host = self.database.network, self.client, self.database.host.name
        if told and network.connected(host, client.node):
            client.clock.after(network.delay(host, client.node), client.cut_off, self)

    def acknowledge(self, transaction: int) -> None:
        """The OK: it leaves only while the VIP is here, and again and again until it arrives."""
        self._send(transaction, self.database.life)

    def _send(self, transaction: int, life: int) -> None:
        database, client = self.database, self.client
        if self.client.session is not self or (database.alive and database.life != life) or not database.host.powered:
            return
        network = database.network
        if database.host.vip and not database.host.paused and network.arrives(database.host.name, client.node):
            client.clock.after(
                network.delay(database.host.name, client.node), client.hear_ok, self, transaction)
        else:
            client.clock.after(0.2, self._send, transaction, life)


class Client:
    def __init__(self, world: World, name: str, node: str, pause: float, timeout: float) -> None:
        """`node`: where it runs. `timeout`: seconds that it waits for an answer."""
        self.world, self.clock, self.network = world, world.clock, world.network
        self.name, self.node, self.pause, self.timeout = name, node, pause, timeout
        self.session: Session | None = None
        self.waits_for = 0
        self.asked = 0.0
        self.failing_since: float | None = None
        self.clock.after(self.clock.between(0, pause), self.go)

    def _here(self) -> bool:
        host = self.world.hosts.get(self.node)
        return host is None or (host.powered and not host.paused)

    def go(self) -> None:
        """Connect if need be, then insert."""
        if not self._here():
            self.session = None
            self.clock.after(LOOK, self.go)
            return
        if self.session is None and not self._connect():
            self.clock.after(0.05 + 0.1 * self.clock.rng.random(), self.go)
            return
        session = self.session
        assert session is not None
        self.world.transactions += 1
        self.waits_for, self.asked = self.world.transactions, self.clock.now
        if self.world.next_size:
            self.world.sizes[self.waits_for], self.world.next_size = self.world.next_size, 0.0
        host = session.database.host
        if self.network.arrives(self.node, host.name):
            self.clock.after(self.network.delay(self.node, host.name), self._arrive, session, self.waits_for)
        self.clock.after(min(self.timeout, LOOK), self._look, session, self.waits_for)

    def _connect(self) -> bool:
        target = self.network.vip_holder(self.node)
        host = self.world.hosts.get(target)
        if (
            host is None or not host.vip or not host.database.accepts or not self.network.both_ways(self.node, target)
        ):
            now = self.clock.now
            if self.failing_since is None:
                self.failing_since = now
            elif now - self.failing_since > 1.0:
                self.network.ask_again(self.node)
                self.failing_since = now
            return False
        self.failing_since = None
        self.session = Session(self, host.database)
        return True

    def _arrive(self, session: Session, transaction: int) -> None:
        database = session.database
        if not session.alive or not database.host.vip:
            if database.host.powered and not database.host.paused:
                self.clock.after(0.0005, self.cut_off, session)  # a reset
            return
        if database.life != session.life or not database.alive:
            self.cut_off(session)
            return
        if not database.running:
            self.clock.after(LOOK, self._arrive_later, session, transaction)
            return
        if database.insert(session, transaction):
            self.clock.after(0.001, self.refused, session)

    def _arrive_later(self, session: Session, transaction: int) -> None:
        """A hung or stunned server reads what has arrived when it runs again."""
        if session.database.life == session.life and session.alive:
            self._arrive(session, transaction)

    def refused(self, session: Session) -> None:
        self._again(session, 0.05)

    def cut_off(self, session: Session) -> None:
        self._again(session, 0.02)

    def _again(self, session: Session, pause: float) -> None:
        if self.session is session:
            self._leave(session)
            if self.waits_for:  # else it pauses, and goes on by itself
                self.waits_for = 0
                self.clock.after(pause, self.go)

    def _leave(self, session: Session) -> None:
        """mysqld learns of it only when the wires are whole, and goes on with a commit all the same."""
        self.session = None
        database = session.database
        if session in database.sessions:
            database.sessions.remove(session)

    def _look(self, session: Session, transaction: int) -> None:
        if self.session is not session or self.waits_for != transaction:
            return
        moved = self.network.vip_holder(self.node) != session.database.host.name
        if self.clock.now - self.asked >= self.timeout or moved or not self._here():
            self._again(session, 0.01)
        else:
            self.clock.after(LOOK, self._look, session, transaction)

    def hear_ok(self, session: Session, transaction: int) -> None:
        if self.session is not session or self.waits_for != transaction:
            return
        if not self._here():
            self.clock.after(LOOK / 2, self.hear_ok, session, transaction)
            return
        self.waits_for = 0
        self.world.ledger.acknowledged(transaction, session.database, self.name)
        self.clock.after(self.pause / self.world.haste * (0.5 + self.clock.rng.random()), self.go)
