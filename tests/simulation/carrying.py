# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How each decision of the core is carried out, step by step, with the time that it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mysql_ha_agent.decisions import (
    AnnounceVip,
    AnyDecision,
    Demote,
    Fence,
    Nudge,
    Open,
    ProbeVip,
    Rejoin,
    RemoveVip,
    Save,
    StartApplier,
    StartReceiver,
    StopReceiver,
    SwitchAcknowledging,
    SwitchSemiSync,
    SyncRelayLog,
)
from mysql_ha_agent.model import VipProbe

from .channels import STUCK, Channel
from .database import Database

if TYPE_CHECKING:
    from .agent import Agent

GRACE = 0.1  # seconds: mysql_ha_agent.demotion.GRACE
Done = Callable[[str], None]  # told the error, or nothing
# What runs on which of the sessions that are kept open: mysql_ha_agent.mysqld.SESSIONS.
SESSIONS: dict[type[AnyDecision], tuple[str, ...]] = {
    Open: ("gate",), Demote: ("gate", "second", "third"), StopReceiver: ("receiver",), StartReceiver: ("receiver",),
    StartApplier: ("applier",), SyncRelayLog: ("applier",), SwitchSemiSync: ("semi_sync",),
}


class Demotion:
    """What mysql_ha_agent.demotion does, statement by statement."""

    def __init__(self, database: Database, done: Done) -> None:
        self.database, self.done = database, done
        self.clock = database.clock
        self.life = database.life
        self.since = self.clock.now
        self._next(0.001, self._close)

    def _next(self, delay: float, step: Callable[[], None]) -> None:
        self.clock.after(delay + self.database.latency, self._run, step)

    def _run(self, step: Callable[[], None]) -> None:
        if self.database.life != self.life or not self.database.alive:
            self.done("mysqld has ended")
        elif not self.database.running:
            self.clock.after(STUCK, self._run, step)
        else:
            step()

    def _close(self) -> None:
        self.database.super_read_only = True
        self.since = self.clock.now
        self._grace()

    def _grace(self) -> None:
        if not self.database.commits_wait:
            self._closed()
        elif self.clock.now - self.since < GRACE:
            self._next(0.01, self._grace)
        else:
            self._next(self.clock.between(0.001, 0.017), self._cut_off)

    def _cut_off(self) -> None:
        if not self.database.world.variant.demotes_semi_sync_first:
            self.database.cut_clients()
        if self.database.commits_wait and self.database.semi_sync:
            slow = self.clock.rng.random() < 0.3
            self._next(self.clock.between(0.1, 1.0) if slow else 0.009, self._semi_sync_off)
        else:
            self._wait()

    def _semi_sync_off(self) -> None:
        self.database.semi_sync = False
        self.database.try_commit()
        self._wait()

    def _wait(self) -> None:
        if self.database.commits_wait:
            self._next(0.01, self._wait)
        else:
            self._closed()

    def _closed(self) -> None:
        database = self.database
        database.read_only = database.super_read_only = True
        database.offline = False
        database.world.ledger.closed(database)
        self.done("")


class Carrier:
    """One decision in its lane."""

    def __init__(self, agent: Agent, decision: AnyDecision, done: Done) -> None:
        self.agent, self.decision, self.done = agent, decision, done
        self.host, self.clock = agent.host, agent.clock
        self.database = agent.host.database
        self.life = self.database.life
        self._start()

    def _start(self) -> None:
        decision, between = self.decision, self.clock.between
        lost = self.agent.watching.lost_sessions.intersection(SESSIONS.get(type(decision), ()))
        if lost and self.database.alive:
            self._wait(0.001, lambda: self.done(f"the session {min(lost)} was killed"))
        elif isinstance(decision, Save):
            self._wait(self.agent.world.variant.save_takes(self.database, decision.durable), self._save)
        elif isinstance(decision, Open):
            self._open(decision)
        elif isinstance(decision, Demote):
            if self.database.alive:
                Demotion(self.database, self.done)
            else:
                self._wait(0.001, lambda: self.done("no connection"))
        elif isinstance(decision, StopReceiver):
            channel = self._channel(decision.channel)
            connecting = channel.receiver == "Connecting"
            if connecting and self.database.running:  # it takes 2 s, but connects no more
                channel.attempt += 1
            self._statement(2.0 if connecting else 0.012, self._stop_receiver)
        elif isinstance(decision, StartReceiver):
            self._statement(0.002, self._start_receiver)
        elif isinstance(decision, StartApplier):
            self._statement(0.002, self._start_applier)
        elif isinstance(decision, SyncRelayLog):
            self._statement(0.002, lambda: self._sync_relay_log(decision.on))
        elif isinstance(decision, SwitchAcknowledging):
            self._statement(0.03, lambda: self._switch_acknowledging(decision.on, decision.reconnects))
        elif isinstance(decision, Nudge):
            self._statement(0.001, self._nudge)
        elif isinstance(decision, SwitchSemiSync):
            self._statement(self._switch_takes(decision.on), lambda: self._switched(decision.on))
        elif isinstance(decision, ProbeVip):
            asked = self.host.local()
            self._wait(0.1, lambda: self._probed(asked))
        elif isinstance(decision, AnnounceVip):
            self._wait(0.005, self._announce)
        elif isinstance(decision, RemoveVip):
            self._wait(0.005, self._remove_vip)
        elif isinstance(decision, Fence):
            self._wait(between(0.5, 2.0), self._fence)
        elif isinstance(decision, Rejoin):
            self._wait(1.0, self._rejoin)
        else:
            self._wait(0.002, lambda: self.done(""))

    def _wait(self, delay: float, then: Callable[[], None]) -> None:
        """A step of the agent's own."""
        self.clock.after(delay, self._unless_stopped, then, self.agent.life)

    def _unless_stopped(self, then: Callable[[], None], life: int) -> None:
        if life != self.agent.life:
            return
        if self.agent.stopped:
            self.clock.after(STUCK, self._unless_stopped, then, life)
        else:
            then()

    def _statement(self, delay: float, then: Callable[[], None]) -> None:
        """A statement that was sent runs even if the agent dies meanwhile."""
        self.clock.after(delay + self.database.latency, self._run, then)

    def _run(self, then: Callable[[], None]) -> None:
        if not self.database.alive or self.database.life != self.life:
            self.done("mysqld has ended")
        elif not self.database.running:
            self.clock.after(STUCK, self._run, then)
        else:
            then()

    # ---- files and addresses -----------------------------------------------------------------------------------------

    def _save(self) -> None:
        if self.host.disk_stalled:
            self._wait(STUCK, self._save)
            return
        assert isinstance(self.decision, Save)
        if self.host.state_full:
            self.done("[Errno 28] No space left on device")
            return
        self.host.save(self.decision.durable)
        self.agent.saved = self.decision.durable
        self.done("")

    def _probed(self, asked: float) -> None:
        network = self.agent.network
        answered = [
            other.name for other in self.agent.world.hosts.values()
            if other is not self.host and other.vip and other.powered and not other.paused
            and network.both_ways(self.host.name, other.name)
        ]
        self.agent.vip_probe = VipProbe(asked, "".join(answered[:1]))
        self.done("")

    def _announce(self) -> None:
        if self.host.vip:
            self.agent.network.announce(self.host.name)
        self.done("")

    def _remove_vip(self) -> None:
        self.host.set_vip(False)
        self.host.keepalived.address_lost()
        self.done("")

    def _fence(self) -> None:
        assert isinstance(self.decision, Fence)
        victim = self.agent.world.hosts[self.decision.peer]
        if victim.powered:
            victim.power_off()
            self.clock.after(self.clock.between(5, 15), victim.power_on, 1.0, 1.0, self.clock.between(0, 3))
        self.agent.fenced[victim.name] = self.host.local()
        self.done("")

    def _rejoin(self) -> None:
        self.agent.world.operator.clone(self.host)
        self.done("")

    # ---- mysqld ------------------------------------------------------------------------------------------------------

    def _channel(self, name: str) -> Channel:
        return next(channel for channel in self.database.channels if self.agent.channel_name(channel) == name)

    def _stop_receiver(self) -> None:
        assert isinstance(self.decision, StopReceiver)
        self.database.stop_receiver(self._channel(self.decision.channel))
        self.done("")

    def _start_receiver(self) -> None:
        assert isinstance(self.decision, StartReceiver)
        self.database.start_receiver(self._channel(self.decision.channel))
        self.done("")

    def _start_applier(self) -> None:
        assert isinstance(self.decision, StartApplier)
        self.database.start_applier(self._channel(self.decision.channel))
        self.done("")

    def _sync_relay_log(self, on: bool) -> None:
        self.database.relay_synced = on
        self.done("")

    def _switch_acknowledging(self, on: bool, reconnects: bool) -> None:
        """It takes effect with a new connection."""
        self.database.acknowledges = on
        for channel in self.database.channels:
            if reconnects and channel.receiver != "No":
                self.database.stop_receiver(channel)
                self.database.start_receiver(channel)
        self.done("")

    def _nudge(self) -> None:
        if self.database.writable:
            self.database.world.transactions += 1
            self.database.commit_own(self.database.world.transactions)
        self.done("")

    def _switch_takes(self, on: bool) -> float:
        slow = not on and self.database.semi_sync and self.database.clients()
        return self.clock.between(0.05, 1.0) if slow else 0.003

    def _switched(self, on: bool) -> None:
        if on != self.database.semi_sync:
            self.agent.world.ledger.semi_sync_changed(self.host)
        self.database.semi_sync = on
        self.database.try_commit()
        self.done("")

    def _open(self, decision: Open) -> None:
        if decision.semi_sync is None or decision.semi_sync == self.database.semi_sync:
            self._statement(0.002, self._look_again)
        else:
            self._statement(self._switch_takes(decision.semi_sync), self._set_semi_sync)

    def _set_semi_sync(self) -> None:
        assert isinstance(self.decision, Open)
        self.database.semi_sync = bool(self.decision.semi_sync)
        self.database.try_commit()
        self._look_again()

    def _look_again(self) -> None:
        self.database.offline = False
        self._wait(0.0005, self._guarded)

    def _guarded(self) -> None:
        assert isinstance(self.decision, Open)
        if self.agent.may_still_open(self.decision.generation):
            self._statement(0.0005, self._opened)
        else:
            self.done("the VIP left, or a hold came, before writes were opened")

    def _opened(self) -> None:
        database = self.database
        database.read_only = database.super_read_only = False
        database.world.ledger.opened(database)
        self.done("")
