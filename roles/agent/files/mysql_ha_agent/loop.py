# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The loop: see, decide, carry out. Nothing in it waits for mysqld, a peer or a disk."""

from __future__ import annotations

import logging
import signal
import threading
import time
from dataclasses import replace
from typing import Any

from . import statefile, trackfile
from .addresses import Addresses
from .config import Config
from .core import decide
from .endpoints import serve, status
from .journal import Journal
from .lanes import Lanes
from .lib._connection import MysqlError
from .model import (
    AnyDecision,
    AskPeers,
    Decision,
    Demote,
    Durable,
    Kill,
    Open,
    Save,
    Seen,
    SetTrack,
    StartApplier,
    StartReceiver,
    State,
    StopReceiver,
    SwitchSemiSync,
)
from .mysqld import Instance
from .peers import Peers
from .systemd import Systemd
from .watch import Watch

IDLE = 0.1  # seconds between two steps when nothing happens; news of any kind wakes the loop at once
TELL_SYSTEMD_EVERY = 1.0


class Agent:
    def __init__(self, config: Config, journal: Journal) -> None:
        self.config = config
        self.journal = journal
        self._wakeup = threading.Event()
        self._stop = False
        wake = self._wakeup.set
        self.addresses = Addresses(config.vip.ip, config.interface, wake)
        self.peers = Peers(config.peers, wake)
        self.watch = Watch(config, wake, self.peers.sets)
        self.lanes = Lanes(self._carry_out, self._done)
        self.saved = self._remember()
        self.state = State(durable=self.saved)
        self._told = (self._see(), self.state)

    def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises OSError when the kernel does not tell its addresses."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        systemd = Systemd()
        self.addresses.start()
        self.peers.start()
        self.watch.start()
        serve(self.config, self.told, lambda text: self.journal.say(text, logging.WARNING))
        systemd.tell("READY=1")
        told_at = time.monotonic()
        while not self._stop:
            self.step()
            if time.monotonic() - told_at >= TELL_SYSTEMD_EVERY:
                told_at = time.monotonic()
                systemd.tell(f"WATCHDOG=1\nSTATUS={self.state.phase}: {'; '.join(self.state.reasons) or 'may lead'}")
            self._wakeup.wait(IDLE)
            self._wakeup.clear()
        systemd.tell("STOPPING=1")

    def step(self) -> None:
        seen = self._see()
        before = self.state
        decisions, self.state = decide(self.config, seen, before, time.monotonic())
        self._told = (seen, self.state)
        self.journal.changes(before, self.state)
        for decision in decisions:
            if isinstance(decision, (SetTrack, AskPeers, Kill)):
                self._at_once(decision)
            else:
                self.lanes.submit(decision)
        if self.state.phase == "promoting":
            self.watch.look()

    def told(self) -> dict[str, Any]:
        """What /status answers."""
        seen, state = self._told
        return status(self.config, seen, state, time.monotonic())

    def _see(self) -> Seen:
        config = self.config
        # In this order: what is being carried out is asked for before what it changes.
        running = self.lanes.running()
        saved = self.saved
        return Seen(
            vip_here=self.addresses.here(),
            keepalived=trackfile.keepalived_runs(config.keepalived_pid_file),
            hold=trackfile.read_hold(config.hold_file),
            track=trackfile.read_track(config.track_file),
            mysqld=self.watch.seen(),
            peers=self.peers.seen(),
            saved=saved,
            running=running,
        )

    def _at_once(self, decision: AnyDecision) -> None:
        began = time.monotonic()
        error: Exception | None = None
        try:
            if isinstance(decision, SetTrack):
                trackfile.write_track(self.config.track_file, decision.value)
            elif isinstance(decision, AskPeers):
                self.peers.ask()
            elif isinstance(decision, Kill):
                self._instance().process.kill()
        except (OSError, MysqlError) as raised:
            error = raised
            if isinstance(decision, Kill):
                self.state = replace(self.state, killed=False)
        self.journal.decision(decision, time.monotonic() - began, error)

    def _carry_out(self, decision: AnyDecision) -> None:
        if isinstance(decision, Save):
            statefile.save(self.config.state_file, decision.durable)
            self.saved = decision.durable
            return
        instance = self._instance()
        if isinstance(decision, StopReceiver):
            instance.stop_receiver(decision.channel)
        elif isinstance(decision, StartReceiver):
            instance.start_receiver(decision.channel)
        elif isinstance(decision, StartApplier):
            instance.start_applier(decision.channel)
        elif isinstance(decision, SwitchSemiSync):
            instance.switch_semi_sync(decision.on)
        elif isinstance(decision, Open):
            generation = decision.generation
            instance.open(decision.semi_sync, lambda: self._may_still_open(generation))
        elif isinstance(decision, Demote):
            instance.demote()
        if isinstance(decision, (Open, Demote)):
            self.watch.read(instance, instance.sessions["gate"])

    def _may_still_open(self, generation: int) -> bool:
        state = self._told[1]
        return (
            self.addresses.here()
            and trackfile.read_hold(self.config.hold_file) is None
            and state.phase == "promoting"
            and state.durable.generation == generation
            and not state.reasons
        )

    def _instance(self) -> Instance:
        if self.watch.instance is None:
            raise MysqlError("there is no connection to mysqld")
        return self.watch.instance

    def _done(self, decision: Decision, took: float, error: Exception | None) -> None:
        self.journal.decision(decision, took, error)
        self.watch.look()
        self._wakeup.set()

    def _remember(self) -> Durable:
        try:
            return statefile.load(self.config.state_file)
        except (OSError, ValueError) as error:
            self.journal.say(f"the memory is lost: {error}", logging.ERROR)
            return Durable()

    def _on_signal(self, number: int, frame: object) -> None:
        self._stop = True
        self._wakeup.set()
