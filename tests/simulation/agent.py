# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The loop around the real core: what it sees, when it steps, what it tells. As mysql_ha_agent.loop does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mysql_ha_agent.config import Config
from mysql_ha_agent.decisions import AnyDecision, AskPeers, Decision, Demote, Kill, Open, Save, SetLead, SetTrack
from mysql_ha_agent.model import Durable, Seen, State, VipProbe, Witness
from mysql_ha_agent.statefile import Saving
from mysql_ha_agent.view import View

from .carrying import Carrier
from .channels import VIP, Channel
from .clockwork import Violation
from .peering import Peering
from .watching import Watching

if TYPE_CHECKING:
    from .host import Host
    from .world import World

WITNESS_EVERY = 0.5
WITNESS_TAKES = 0.001
STUCK = 0.02


class Agent:
    def __init__(self, world: World, host: Host, config: Config) -> None:
        self.world, self.host, self.config = world, host, config
        self.clock, self.network = world.clock, world.network
        self.alive = self.frozen = False
        self.old = False  # of the version before: it does not tell what is new
        self.life = 0
        self.steps = 0
        self.watching = Watching(self)
        self.peering = Peering(self)
        self._forget()

    def _forget(self) -> None:
        self.saving = Saving(self.world.variant.remembered(self.host.stored), self.host.local())
        self.state = State(durable=self.saved)
        self.told: tuple[Seen, State] | None = None
        self.lanes: dict[str, AnyDecision] = {}
        self.vip_probe = VipProbe()
        self.fenced: dict[str, float] = {}
        self.adverts: dict[str, float] = {}
        self.witnesses = tuple(Witness(name) for name in self.world.setup.witnesses)
        self._scheduled = False
        self._tick = 0

    @property
    def stopped(self) -> bool:
        return self.frozen or self.host.paused

    # ---- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        if self.alive or not self.host.powered:
            return
        self.alive, self.frozen = True, False
        self.life += 1
        self._forget()
        self.watching.start()
        self.peering.start()
        self._ask_witnesses(self.life)
        self.host.say("agent starts")
        self.wake()

    def die(self, power: bool = False) -> None:
        if not self.alive:
            return
        self.alive = False
        self.life += 1
        self.lanes = {}
        self.peering.stop(power)

    # ---- steps -------------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        if self.alive and not self._scheduled:
            self._scheduled = True
            self.clock.after(0.0002 + 0.0006 * self.clock.rng.random(), self._soon, self.life)

    def _soon(self, life: int) -> None:
        if life != self.life:
            return
        if self.stopped:
            self.clock.after(STUCK, self._soon, life)
            return
        self._scheduled = False
        self.step()

    def _idle(self, tick: int, life: int) -> None:
        if tick == self._tick and life == self.life and not self._scheduled:
            if self.stopped:
                self._scheduled = True
                self._soon(life)
            else:
                self.step()

    def step(self) -> None:
        self.steps += 1
        self.world.steps += 1
        self.host.look_at_rtc(at_once=self.state.phase == "promoting")
        seen, now, before = self.see(), self.host.local(), self.state
        try:
            decisions, state = self.world.variant.decide(self, seen, before, now)
        except Exception as error:
            raise Violation(f"the core of {self.host.name} raised {error!r}") from error
        self.state = state
        self.told = seen, state
        if state.phase != before.phase or state.reasons != before.reasons or state.waiting != before.waiting:
            self._say_state(state)
        for decision in decisions:
            self._carry_out(decision)
        self.peering.told_anew()
        if state.phase == "promoting":
            self.watching.look()
        self._tick += 1
        self.clock.after(View(self.config, seen, now).next_look(state), self._idle, self._tick, self.life)

    def _say_state(self, state: State) -> None:
        text = state.phase
        if state.waiting:
            text += f", waits for {state.waiting}"
        if state.reasons:
            text += ": " + " ".join(state.reasons)
        self.host.say(text)

    def see(self) -> Seen:
        host, files = self.host, self.host.files
        running: tuple[Decision, ...] = tuple(self.lanes.values())
        return Seen(
            vip_here=host.vip, keepalived=host.keepalived.alive, hold=files.hold, track=files.track,
            mysqld=self.watching.seen(), peers=self.peering.seen(), saved=self.saved, witnesses=self.witnesses,
            state_file=self.saving.seen(host.local()),
            vip_probe=self.vip_probe, disk_stalled=self.clock.now - host.stalled_since if host.disk_stalled else 0.0,
            lead=files.lead, paused=files.paused, request=files.request,
            fenced=tuple(self.fenced.items()), running=running,
            adverts=tuple(self.adverts.items()),
        )

    def _carry_out(self, decision: AnyDecision) -> None:
        if isinstance(decision, SetTrack):
            self.world.decided(self.host, decision)
            self.host.say(f"SetTrack {decision.value}: {decision.why}")
            self.world.ledger.track_set(self.host, decision.value)
            self.host.set_track(decision.value)
            return
        self.world.decided(self.host, decision)
        if not isinstance(decision, AskPeers) and not getattr(decision, "probe", False):
            self.host.say(str(decision))
        if isinstance(decision, SetLead):
            self.host.files.lead = decision.value
        elif isinstance(decision, AskPeers):
            self.peering.ask()
            self._ask_witnesses_now()
        elif isinstance(decision, Kill):
            self.host.kill_mysqld()
        elif decision.lane not in self.lanes:
            self.lanes[decision.lane] = decision
            if isinstance(decision, Save):
                self.saving.begins(self.host.local())
            life = self.life
            Carrier(self, decision, lambda error: self._done(decision, error, life))

    def _done(self, decision: AnyDecision, error: str, life: int) -> None:
        if life != self.life or self.lanes.get(decision.lane) is not decision:
            return
        del self.lanes[decision.lane]
        if error:
            self.host.say(f"{type(decision).__name__} failed: {error}")
        if isinstance(decision, Save):
            self._saved(decision, error)
        if isinstance(decision, (Open, Demote)):
            self.watching.read_now()
        if not (isinstance(decision, Save) and decision.probe):
            self.watching.look()
        self.wake()

    @property
    def saved(self) -> Durable:
        """What is on disk."""
        return self.saving.saved

    @saved.setter
    def saved(self, durable: Durable) -> None:
        self.saving.saved = durable

    def _saved(self, decision: Save, error: str) -> None:
        if error:
            self.saving.failed(error)
        else:
            self.saving.succeeded(decision.durable)

    def may_still_open(self, generation: int) -> bool:
        """As mysql_ha_agent.loop asks directly before it opens writes."""
        if self.told is None:
            return False
        seen, state = self.told
        writer = any(peer.phase == "writer" and peer.led >= generation for peer in self.peering.seen())
        return self.world.variant.may_still_open(
            self.host.vip and self.host.files.hold is None and not writer and state.phase == "promoting"
            and (state.durable.generation, state.durable.led) == (generation, generation)
            and seen.saved.led == generation and not state.reasons)

    def mysqld_changed(self) -> None:
        self.watching.mysqld_changed()
        self.wake()

    def channel_name(self, channel: Channel) -> str:
        return "" if len(self.host.database.channels) == 1 else channel.source

    def source_address(self, channel: Channel) -> str:
        setup = self.world.setup
        return setup.vip if channel.source == VIP else setup.address(channel.source)

    # ---- witnesses ---------------------------------------------------------------------------------------------------

    def _ask_witnesses(self, life: int) -> None:
        if life == self.life:
            self._ask_witnesses_now()
            self.clock.after(WITNESS_EVERY, self._ask_witnesses, life)

    def _ask_witnesses_now(self) -> None:
        if not self.stopped:
            answered = tuple(map(self._answers, self.witnesses))
            self.clock.after(WITNESS_TAKES, self._hear_witnesses, self.host.local(), answered, self.life)

    def _answers(self, witness: Witness) -> bool:
        network, name = self.network, self.host.name
        return (
            witness.name not in self.world.silent_witnesses and network.both_ways(name, witness.name)
            and network.arrives(name, witness.name))

    def _hear_witnesses(self, asked: float, answered: tuple[bool, ...], life: int) -> None:
        if life == self.life:
            self.witnesses = tuple(
                Witness(known.name, asked, asked if there else known.answered)
                for known, there in zip(self.witnesses, answered, strict=True))
            self.wake()
