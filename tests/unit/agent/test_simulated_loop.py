# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The loop on a pretended host: faults at random, decisions that take their time. It must stay safe and get well."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest

from mysql_ha_agent.core import decide
from mysql_ha_agent.model import (
    AnyDecision,
    Demote,
    Durable,
    Kill,
    Mysqld,
    Open,
    Save,
    Seen,
    SemiSync,
    Server,
    SetTrack,
    StartApplier,
    StartReceiver,
    State,
    StopReceiver,
    SwitchSemiSync,
)
from unit.agent.world import B_WRITES, CHANNEL, CLOSED, CONFIG, B

STEP = 0.05


@dataclass
class Host:
    """mysqld, keepalived, the kernel and the other node, as one agent sees them."""

    rng: random.Random
    now: float = 1000.0
    vip: bool = False
    keepalived: bool = True
    hold: str | None = None
    track: str = "1"
    alive: bool = True
    hung: bool = False
    read_only: bool = True
    receiver: str = "No"
    applier: bool = False
    pending: int = 0
    semi_sync: bool = False
    answered: float = 1000.0
    peer_writes: bool = True
    saved: Durable = field(default_factory=Durable)
    state: State = field(default_factory=State)
    running: list[tuple[float, AnyDecision]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def seen(self) -> Seen:
        if self.alive and not self.hung:
            self.answered = self.now
        server = Server(
            taken=self.answered, detailed=self.answered, read_only=self.read_only, super_read_only=self.read_only,
            uuid="u", gtid_executed="u:1-9", semi_sync=SemiSync(self.semi_sync, 0),
            channels=(replace(CHANNEL, receiver=self.receiver, applier=self.applier, drained=not self.pending),),
            comparisons=CLOSED.comparisons,
        )
        peer = replace(B_WRITES if self.peer_writes else B, asked=self.now, answered=self.now)
        return Seen(
            vip_here=self.vip, keepalived=self.keepalived, hold=self.hold, track=self.track,
            mysqld=Mysqld(self.alive, self.answered, server if self.alive else None, "" if self.alive else "dead"),
            peers=(peer,), saved=self.saved, running=tuple(decision for _, decision in self.running),
        )

    def step(self) -> None:
        self.now += STEP
        if self.applier and self.pending:
            self.pending -= 1
        for item in [item for item in self.running if item[0] <= self.now]:
            self.running.remove(item)
            self.carry_out(item[1])
        decisions, self.state = decide(CONFIG, self.seen(), self.state, self.now)
        for decision in decisions:
            self.log.append(f"{self.now:.2f} {decision}")
            if isinstance(decision, (SetTrack, Kill)):
                self.carry_out(decision)
            else:
                self.running.append((self.now + self.rng.choice([0, 0.01, 0.1]), decision))

    def carry_out(self, decision: AnyDecision) -> None:
        if isinstance(decision, SetTrack):
            if decision.value == "1" and self.track == "0":
                assert self.read_only or not self.alive, "the track file turned before writes were closed"
            self.track = decision.value
        elif isinstance(decision, Kill):
            self.die()
        elif isinstance(decision, Save):
            self.saved = decision.durable
        elif self.alive and not self.hung:
            self.on_mysqld(decision)

    def on_mysqld(self, decision: AnyDecision) -> None:
        if isinstance(decision, Open):
            if self.vip and self.hold is None and self.state.phase == "promoting":  # what the guard asks
                assert not self.pending, "opened before everything received was applied"
                assert self.receiver == "No", "opened while still receiving"
                self.read_only, self.semi_sync = False, bool(decision.semi_sync)
        elif isinstance(decision, Demote):
            self.read_only = True
        elif isinstance(decision, StopReceiver):
            self.receiver = "No"
        elif isinstance(decision, StartReceiver):
            self.receiver = "Yes"
        elif isinstance(decision, StartApplier):
            self.applier = True
        elif isinstance(decision, SwitchSemiSync):
            self.semi_sync = decision.on

    def die(self) -> None:
        self.alive, self.hung, self.read_only, self.receiver, self.applier = False, False, True, "No", False
        self.semi_sync = False

    def disturb(self) -> None:
        """One of the things that happen to a host. keepalived takes the VIP only while the track file is 0."""
        what = self.rng.choice(["vip", "no vip", "die", "boot", "hang", "thaw", "hold", "release", "keepalived", "data",
                                "peer", "pause"])
        self.log.append(f"{self.now:.2f} -- {what}")
        if what == "vip" and self.track == "0" and self.keepalived:
            self.vip, self.peer_writes = True, self.rng.random() < 0.2
        elif what == "no vip":
            self.vip = False
        elif what == "die":
            self.die()
        elif what == "boot":
            self.alive = True
        elif what in ("hang", "thaw"):
            self.hung = what == "hang" and self.alive
        elif what in ("hold", "release"):
            self.hold = "x" if what == "hold" else None
        elif what == "keepalived":
            self.keepalived = not self.keepalived
        elif what == "data" and self.receiver == "Yes":
            self.pending += self.rng.randrange(5)
        elif what == "peer":
            self.peer_writes = not self.vip and self.rng.random() < 0.5
        elif what == "pause":
            self.now += self.rng.choice([0.3, 1, 5])

    def heal(self) -> None:
        self.alive, self.keepalived = True, True
        self.hung, self.vip, self.peer_writes, self.hold = False, False, False, None


@pytest.mark.parametrize("seed", range(40))
def test_faults_at_random(seed: int) -> None:
    host = Host(random.Random(seed))  # noqa: S311  faults, not secrets
    try:
        for _ in range(400):
            if host.rng.random() < 0.1:
                host.disturb()
            host.step()
        host.heal()
        for _ in range(100):
            host.step()
        assert (host.track, host.read_only, host.receiver, host.applier) == ("0", True, "Yes", True)
        host.vip = True
        for _ in range(100):
            host.step()
        assert (host.state.phase, host.read_only, host.track) == ("writer", False, "0")
        assert host.state.durable == host.saved
    except AssertionError as error:
        error.add_note("\n".join(host.log[-60:]))
        raise


def test_a_closed_instance_stays_closed_without_the_vip() -> None:
    host = Host(random.Random(1))  # noqa: S311
    for _ in range(200):
        host.step()
        assert host.read_only
