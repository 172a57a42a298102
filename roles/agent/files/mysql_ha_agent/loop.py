# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The loop: see, decide, carry out. Nothing in it waits for mysqld, a peer or a disk."""

from __future__ import annotations

import logging
import signal
import threading
from dataclasses import replace

from . import applying, clock, fence, semisync, statefile, threads, trackfile, vip
from .addresses import Addresses
from .adverts import Adverts
from .clock import now
from .config import Config
from .core import decide
from .decisions import (
    AnnounceVip,
    AnyDecision,
    AskPeers,
    Decision,
    Demote,
    EnableEvents,
    Fence,
    Kill,
    Nudge,
    Open,
    ProbeVip,
    Rejoin,
    RemoveVip,
    Save,
    SendAway,
    SetLead,
    SetTrack,
    StartApplier,
    StartReceiver,
    StopEvents,
    StopReceiver,
    SwitchAcknowledging,
    SwitchSemiSync,
    SyncRelayLog,
    Unblock,
)
from .departure import Departure
from .endpoints import Board, serve
from .journal import Journal
from .lanes import Lanes
from .lib._connection import MysqlError
from .model import WRITER_SET, Durable, Peer, Seen, State, VipProbe
from .mysqld import Instance
from .peers import Peers
from .rejoin import Rejoining
from .systemd import Systemd
from .telling import gives_up
from .view import View
from .watch import Holding, Watch
from .witnesses import Witnesses

RESUME_EVERY = 10.0
TELL_EVERY = 0.5  # systemd and the guard are told that the agent runs
AT_ONCE = (SendAway, SetTrack, SetLead, AskPeers, Kill)  # they wait for nothing


class Agent:
    def __init__(self, config: Config, journal: Journal) -> None:
        self.config = config
        self.journal = journal
        self._wakeup = threading.Event()
        self._stop = False
        wake = self._wakeup.set
        self.addresses = Addresses(config.vip.ip, config.interface, self._on_address)
        self.departure = Departure(config, self.addresses.here)
        self.adverts = Adverts(config)
        self.keepalived = trackfile.KeepalivedWatch(config.keepalived_pid_file)
        self.peers = Peers(config, wake)
        self.witnesses = Witnesses(config, wake)
        self.watch = Watch(config, wake, self._sets)
        self.rejoining = Rejoining(config, self._live_writer, journal.say)
        self.lanes = Lanes(self._carry_out, self._done)
        remembered = self._remember()
        on_disk = Durable() if self.memory_lost else remembered  # what is not on disk yet is saved at the first step
        self.saving = statefile.Saving(on_disk, now())
        self.vip_probe = VipProbe()
        self.fenced: dict[str, float] = {}
        self.state = State(durable=remembered, memory_lost=self.memory_lost)
        self.board = Board(config, self._see(), self.state)

    def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises OSError when the kernel does not tell its addresses."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        systemd = Systemd()
        self.addresses.start()
        threads.start(self.departure.follow, "departure")
        self.adverts.start()
        self.peers.start()
        self.witnesses.start()
        self.watch.start()
        serve(self.board, self.peers, lambda text: self.journal.say(text, logging.WARNING))
        systemd.tell("READY=1")
        told_at = resumed_at = 0.0
        while not self._stop:
            self.step()
            if now() - told_at >= TELL_EVERY:
                told_at = now()
                systemd.tell("WATCHDOG=1")
                systemd.status(f"{self.state.phase}: {'; '.join(self.state.reasons) or 'may lead'}")
                self._say_alive()
            if now() - resumed_at >= RESUME_EVERY:
                resumed_at = now()
                self._resume_rejoin()
            seen, state = self.board.seen, self.state
            self._wakeup.wait(View(self.config, seen, now()).next_look(state))
            self._wakeup.clear()
        systemd.tell("STOPPING=1")

    def step(self) -> None:
        lost = clock.look(at_once=self.state.phase == "promoting")
        if lost:
            self.journal.say(f"the clock stood for up to {lost:.0f} s, says the RTC: this machine was paused,"
                             " or its RTC was set", logging.WARNING)
        seen = self._see()
        before = self.state
        decisions, self.state = decide(self.config, seen, before, now())
        self.board.publish(seen, self.state)
        self.peers.gives_up = gives_up(View(self.config, seen, now()), self.state)
        self.journal.changes(before, self.state)
        for decision in decisions:
            if isinstance(decision, AT_ONCE):
                self._at_once(decision)
            else:
                self.lanes.submit(decision)
        if self.state.phase == "promoting" or seen.hold == trackfile.MYSQLD_STOPS:
            self.watch.look()

    def _see(self) -> Seen:
        config = self.config
        # In this order: what is being carried out is asked for before what it changes.
        running = self.lanes.running()
        state_file = self.saving.seen(now())
        saved, fenced, vip_probe = self.saving.saved, tuple(self.fenced.items()), self.vip_probe
        return Seen(
            vip_here=self.addresses.here(),
            adverts=self.adverts.heard(),
            keepalived=self.keepalived.runs(),
            hold=trackfile.read_hold(config.hold_file),
            track=trackfile.read_track(config.track_file),
            lead=trackfile.read_lead(config.lead_file),
            paused=trackfile.paused(config.pause_file),
            request=trackfile.read_request(config.request_file),
            disk_stalled=trackfile.read_disk(config.disk_file),
            mysqld=self.watch.seen(),
            peers=self.peers.seen(),
            witnesses=self.witnesses.seen(),
            vip_probe=vip_probe,
            fenced=fenced,
            saved=saved,
            state_file=state_file,
            running=running,
        )

    def _sets(self) -> dict[str, Holding]:
        """What this server is compared with: what every peer holds, and what the last writer had executed."""
        sets = self.peers.sets()
        if self.state.writer_set:
            sets[WRITER_SET] = Holding(self.state.writer_set)
        return sets

    def _live_writer(self) -> Peer | None:
        view = View(self.config, self.board.seen, now())
        writer = view.live_writer()
        return writer if writer is not None and view.fresh(writer) else None

    def _resume_rejoin(self) -> None:
        """One that was interrupted keeps its own hold, under which the core touches nothing."""
        if any(isinstance(decision, Rejoin) for decision in self.lanes.running()):
            return
        errant = self.rejoining.pending()
        if errant is not None:
            self.lanes.submit(Rejoin("it was interrupted", errant))

    def _say_alive(self) -> None:
        try:
            trackfile.touch_alive(self.config.alive_file)
        except OSError as error:
            self.journal.say(f"the guard cannot be told that the agent runs: {error}", logging.WARNING)

    # ---- what is decided ---------------------------------------------------------------------------------------------

    def _at_once(self, decision: AnyDecision) -> None:
        began = now()
        error: Exception | None = None
        try:
            if isinstance(decision, SendAway):
                self.departure.send_away(self.watch.listeners_of_the_dead())
            elif isinstance(decision, SetTrack):
                if decision.value == "1" and self.addresses.here():  # it leaves, and clients do not know it yet
                    self.departure.begin()
                trackfile.write_track(self.config.track_file, decision.value)
            elif isinstance(decision, SetLead):
                trackfile.write_lead(self.config.lead_file, decision.value)
            elif isinstance(decision, AskPeers):
                self.peers.ask()
                self.witnesses.ask()
            elif isinstance(decision, Kill):
                self._kill()
        except (OSError, MysqlError) as raised:
            error = raised
            if isinstance(decision, Kill):
                self.state = replace(self.state, killed=False)
        self.journal.decision(decision, now() - began, error)

    def _kill(self) -> None:
        process = self.watch.process()
        if process is None:
            raise MysqlError("there is no process behind the socket")
        process.kill()

    def _carry_out(self, decision: AnyDecision) -> None:
        if isinstance(decision, (Save, ProbeVip, AnnounceVip, RemoveVip, Fence)):
            self._on_host(decision)
        elif isinstance(decision, Rejoin):  # it has sessions of its own: mysqld restarts meanwhile
            self.rejoining.run(decision.errant)
        else:
            self._on_mysqld(decision, self._instance())

    def _on_host(self, decision: Save | ProbeVip | AnnounceVip | RemoveVip | Fence) -> None:
        config = self.config
        if isinstance(decision, Save):
            self._save(decision.durable)
        elif isinstance(decision, ProbeVip):
            began = now()
            self.vip_probe = VipProbe(began, vip.probe(config.vip, config.interface))
        elif isinstance(decision, AnnounceVip):
            vip.announce(config.vip, config.interface)
        elif isinstance(decision, RemoveVip):
            self.departure.begin()
            vip.remove(config.vip, config.interface)
        else:
            fence.run(config, decision.peer)
            self.fenced = {**self.fenced, decision.peer: now()}

    def _save(self, durable: Durable) -> None:
        self.saving.begins(now())
        try:
            statefile.save(self.config.state_file, durable)
        except OSError as error:
            self.saving.failed(error.strerror or str(error))
            raise
        self.saving.succeeded(durable)

    def _on_mysqld(self, decision: AnyDecision, instance: Instance) -> None:
        if isinstance(decision, StopReceiver):
            instance.stop_receiver(decision.channel)
        elif isinstance(decision, StartReceiver):
            instance.start_receiver(decision.channel)
        elif isinstance(decision, StartApplier):
            instance.start_applier(decision.channel)
        elif isinstance(decision, SyncRelayLog):
            instance.sync_relay_log(decision.on)
        elif isinstance(decision, SwitchAcknowledging):
            instance.switch_acknowledging(decision.on, decision.reconnects)
        elif isinstance(decision, Nudge):
            semisync.nudge(instance.sessions["applier"])
        elif isinstance(decision, Unblock):
            applying.unblock(instance.sessions["second"], decision.channel)
        elif isinstance(decision, SwitchSemiSync):
            instance.switch_semi_sync(decision.on)
        elif isinstance(decision, EnableEvents):
            instance.enable_events(decision.disabled)
        elif isinstance(decision, StopEvents):
            instance.stop_events()
        elif isinstance(decision, Demote):
            instance.demote()
        elif isinstance(decision, Open):
            generation = decision.generation
            instance.open(decision.semi_sync, lambda: self._may_still_open(generation))
        if isinstance(decision, (Open, Demote)):
            self.watch.read(instance, instance.sessions["gate"])

    def _may_still_open(self, generation: int) -> bool:
        seen, state = self.board.shown[:2]
        writer = any(peer.phase == "writer" and peer.led >= generation for peer in self.peers.seen())
        return (
            self.addresses.here()
            and trackfile.read_hold(self.config.hold_file) is None
            and not writer
            and state.phase == "promoting"
            and (state.durable.generation, state.durable.led) == (generation, generation)
            and seen.saved.led == generation
            and not state.reasons
        )

    def _instance(self) -> Instance:
        if self.watch.instance is None:
            raise MysqlError("there is no connection to mysqld")
        return self.watch.instance

    def _done(self, decision: Decision, took: float, error: Exception | None) -> None:
        self.journal.decision(decision, took, error)
        if not (isinstance(decision, Save) and decision.probe):  # that changes nothing in mysqld
            self.watch.look()
        self._wakeup.set()

    def _remember(self) -> Durable:
        durable, self.memory_lost = statefile.remember(self.config.state_file)
        if not self.memory_lost:
            return durable
        self.journal.say(f"the memory is lost: {self.memory_lost}", logging.ERROR)
        rivals = self.config.is_candidate and any(member.role == "candidate" for member in self.config.peers)
        return durable if rivals else Durable()  # nobody else can have led

    def _on_address(self) -> None:
        self.departure.news.set()
        self._wakeup.set()

    def _on_signal(self, number: int, frame: object) -> None:
        self._stop = True
        self._wakeup.set()
