# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pure core: what is seen and remembered in, decisions out. No input or output, no clock.

It is level-triggered: every call compares what is with what ought to be, so a lost message, a restart of the agent or
a step that failed needs no handling of its own. `leading` holds promotion and the writer, `standing` the memory of
who may have what, `eligibility` the reasons against leading, `view` the meaning of the observations.
"""

from __future__ import annotations

from . import standing, votes
from .config import Config
from .decisions import (
    AnyDecision,
    AskPeers,
    Demote,
    Kill,
    Open,
    Rejoin,
    RemoveVip,
    Save,
    SendAway,
    SetLead,
    SetTrack,
    StopEvents,
    SwitchAcknowledging,
    SwitchSemiSync,
    SyncRelayLog,
)
from .eligibility import keeps_from_leading, note_pause, reasons_against
from .leading import be_writer, promote
from .lib import _gtid as gtid
from .model import Channel, Seen, Server, State
from .step import Step
from .timing import (
    ADVERTS_LAST,
    CUT,
    FRESH_WRITER,
    HALF_OPEN,
    OUTDONE,
    RETRY_EVENTS,
    RETRY_REJOIN,
    RETRY_SEMI_SYNC,
    RETRY_THREADS,
    SAVE_EVERY,
    STALE,
    STEADY,
    VIP_GONE,
)
from .trackfile import MYSQLD_STOPS


def decide(config: Config, seen: Seen, state: State, now: float) -> tuple[list[AnyDecision], State]:
    """One step. Without side effects; the caller carries the decisions out and calls again."""
    return _Core(config, seen, note_pause(state, now), now).run()


class _Core(Step):
    def run(self) -> tuple[list[AnyDecision], State]:
        if not self._acquainted():
            return [], self.state
        self._notice()
        reasons = reasons_against(self.view, self.state)
        self.set(reasons=reasons)
        if self._is_paused_writer():
            self._leave_as_it_is()
        else:
            closed = self._lead_or_close(not reasons)
            if not reasons:
                self._track("0", "this instance may lead")
            elif closed:
                self._track("1", reasons[0])
        self._save()
        return self.decisions, self.state

    def _save(self) -> None:
        """Once in a while although nothing changed, so that a file which takes no write is known before it has to."""
        file, durable = self.seen.state_file, self.state.durable
        again = RETRY_THREADS if file.error else 0.0
        if not self.saved:
            self.do(Save("the memory changed", durable), again)
        elif file.tried is not None and self.now - file.tried >= SAVE_EVERY:
            self.do(Save("can the state file be written?", durable, probe=True), again)

    # ---- what is remembered ------------------------------------------------------------------------------------------

    def _acquainted(self) -> bool:
        """Until mysqld and every peer have answered once, or are silent for a while, everything stays as it is: agents
        are restarted one after another."""
        heard = self.state.phase != "starting" or all(peer.answered is not None for peer in self.seen.peers)
        silent = self.now - self.state.awake_since >= self.config.hang_timeout
        return (heard and (self.server is not None or bool(self.seen.mysqld.error))) or silent

    def _notice(self) -> None:
        self._notice_leading()
        self._notice_isolation()
        was_down = self.state.down_since
        self.state = standing.note_feeding(self.view, self.state)
        if was_down is None and self.state.down_since is not None:
            self.do(AskPeers("mysqld does not answer"))
        self.state = standing.note(self.view, standing.note_applying(self.view, self.state))
        refused = self.state.refused
        if refused and (not self.view.is_live_writer(refused) or self._adverts_arrive(refused)):
            self.set(refused=None)
        outdone = self.state.outdone
        there = outdone and any(peer.name == outdone[0] and self.view.live(peer) for peer in self.view.others)
        if outdone and (not there or self.now - outdone[1] >= OUTDONE):
            self.set(outdone=None)
        if self.server is not None and any(
                keeps_from_leading(self.view, channel) for channel in self.server.channels):
            self.set(broken_at=self.now)
        self._notice_elder()
        self._notice_errant()
        self._notice_proof()
        self._notice_request()

    def _adverts_arrive(self, writer: str) -> bool:
        """keepalived hears the writer again, so it would not take the VIP. Another holder may lose it any moment."""
        heard = dict(self.seen.adverts).get(writer)
        return heard is not None and self.now - heard <= ADVERTS_LAST and not self.seen.vip_here

    def _notice_leading(self) -> None:
        seen, server, led = self.seen, self.server, self.state.led
        if self._is_paused_writer():
            return
        if not seen.mysqld.alive:
            if led:  # before the track file lets the VIP go: without it nothing reaches them any more
                self.do(SendAway("mysqld has died, and the kernel takes its time to tell its clients"))
            self.set(killed=False, led=False)
        elif server is not None and server.closed and not self.runs(Open):
            self.set(led=False)
        elif server is not None and server.writable and self.view.leading:
            self.set(led=True)
        if server is not None or not seen.mysqld.alive:
            self.set(may_be_open=False)
        unasked = seen.keepalived and seen.track == "0"  # keepalived had no reason to let it go
        if led and unasked and not seen.vip_here and self.state.vip_lost is None:
            self.set(vip_lost=self.now)
        taken = any(self.view.live(peer) and peer.vip_here for peer in seen.peers)
        lost = self.state.vip_lost
        if lost is not None and (seen.vip_here or taken or self.now - lost >= VIP_GONE + STEADY):
            self.set(vip_lost=None)

    def _notice_isolation(self) -> None:
        answers = [peer.answered for peer in self.seen.peers] + [witness.answered for witness in self.seen.witnesses]
        heard = max((at for at in answers if at is not None), default=None)
        if heard is not None and self.state.heard is not None and heard - self.state.heard > CUT:
            self.set(reconnected=self.now)
        self.set(heard=heard)

    def _notice_elder(self) -> None:
        led = self.state.durable.led
        elder = max((peer for peer in self.view.others if self.view.live(peer) and peer.led > led),
                    key=lambda peer: peer.led, default=None)
        known = self.state.elder
        if elder is None or known is None or known[0] != elder.name:
            self.set(elder=None if elder is None else (elder.name, self.now))

    def _notice_errant(self) -> None:
        """Transactions that a live writer does not have, and did not make, are errant; seen for a while, so that a
        writer's answer from just before its promotion cannot accuse us."""
        writer = self.view.live_writer()
        comparison = self.view.comparison(writer) if writer else None
        if comparison is None or self.state.led or self.server is None:
            return
        # The writer has what this closed server once made and has no more: its disk lost it, or it was restored from a
        # backup. A receiver leaves out what bears its own server_id.
        lost = [part for part in comparison.peer_extra.split(",") if part.startswith(self.server.uuid)]
        self.set(lost=",".join(lost) if self.server.closed else "")
        known = self.state.durable.errant
        # That the cluster has such numbers by now proves nothing: those of a lost tail are given again, to other data.
        # Either the data here is another, or a person has looked.
        looked = known and (self.seen.request == "forget-errant" or not gtid.common(known, self.server.gtid_executed))
        if looked and not comparison.own_extra:
            self.set_durable(errant="")
        suspects = self.state.suspects
        same = "" if suspects is None else gtid.common(suspects[0], comparison.own_extra)
        if suspects is None or not same:
            self.set(suspects=(comparison.own_extra, self.now) if comparison.own_extra else None)
        else:
            self.set(suspects=(same, suspects[1]))
            if self.now - suspects[1] >= FRESH_WRITER:
                self.set_durable(errant=gtid.union(known, same))

    def _notice_proof(self) -> None:
        """dual_source: after a promotion the channel from the old writer stays stopped until that one answers as
        read-only and without transactions that we lack; whoever became writer after us is followed."""
        if self.state.durable.source_proven or self.config.topology != "dual_source":
            return
        for peer in self.view.others:
            comparison = self.view.comparison(peer)
            if comparison is None or not peer.mysqld_up or not self.view.fresh(peer) or self.state.phase == "promoting":
                continue
            follows = peer.closed and not peer.errant and not comparison.peer_extra
            succeeded = peer.phase == "writer" and not self.state.led and not comparison.own_extra
            if follows or succeeded:
                self.set_durable(source_proven=True)

    def _notice_request(self) -> None:
        """Nothing is made true by asking: the claim follows when the VIP is here and writes are about to be opened."""
        began = self.state.accepted and self.state.phase == "promoting"  # what is received may take long to apply
        self.set(accepted=(began or self.seen.request == "accept-data-loss") and not self.state.led)

    # ---- open or closed ----------------------------------------------------------------------------------------------

    def _leave_as_it_is(self) -> None:
        """A paused writer is not given up, and closed only by a hold; its commits still need somebody to wait for."""
        held = self.seen.hold is not None
        if self.server is not None and held and not self.server.closed:
            self._close()
        elif self.server is not None and self.server.writable:
            be_writer(self, self.server)
        else:
            self.set(demoting_since=None)
            self.phase("held" if held else "paused")

    def _is_paused_writer(self) -> bool:
        return self.seen.paused and self.state.led and self.view.leading and not self.state.refused

    def _lead_or_close(self, may_lead: bool) -> bool:
        """Returns whether this instance is closed for writes."""
        held = self.seen.hold is not None
        if not self.seen.mysqld.alive or self.state.killed:
            self.phase("held" if held else "down")
            self._tend_host(held)
            return True
        if self.view.leading and may_lead:
            self.set(demoting_since=None)
            if self.server is not None and self.server.writable:
                be_writer(self, self.server)
            elif self.server is not None:
                promote(self, self.server)
            return self.server is not None and self.server.closed
        if held and not self.state.led and not self.runs(Open):
            self.set(demoting_since=None)
            self.phase("held")
            self._take_leave()
            self._freeze_held()
            self._tend_host(held)
            return True
        if self.server is None and not self.state.led:
            return self._close_unseen()
        if self.server is None or not self.server.closed or self.runs(Open):
            self._close()
            return self.state.killed
        self.set(demoting_since=None)
        self.phase("held" if held else "standby")
        if held:
            self._freeze_held()
        else:
            self._stand_by(self.server)
        self._tend_host(held)
        return True

    def _take_leave(self) -> None:
        """Before the writer lets this standby go: a receiver that came back at once would be waited for again."""
        leaves = self.seen.hold == MYSQLD_STOPS and self.view.live_writer() is not None
        if leaves and self.server is not None and self.server.semi_sync is not None and self.server.acknowledges:
            self.do(SwitchAcknowledging("mysqld is about to stop", False, reconnects=False), RETRY_THREADS)

    def _freeze_held(self) -> None:
        """The one thing in mysqld that a hold does not keep: what a held instance went on to acknowledge would be lost
        by the promotion of another."""
        if self.server is not None and votes.freezes(self.view, self.state):
            for channel in self.server.channels:
                self.stop_receiver(channel, "another instance is promoted")

    def _close(self) -> None:
        since = self.now if self.state.demoting_since is None else self.state.demoting_since
        self.set(demoting_since=since)
        self.phase("demoting")
        if self.now - since >= self._demote_bound():
            self._kill(f"not read-only within {self._demote_bound():g} s; it will boot read-only")
        elif not self.seen.busy("gate"):
            self.do(Demote(self._why_closed()))

    def _close_unseen(self) -> bool:
        """A mysqld that has not answered this agent yet. Where it may have led, under an agent that is gone, it may be
        open for writes, and if it goes on answering nobody there is but one way to close it."""
        self.phase("down")
        if self.seen.track == "0" or self.seen.vip_here:  # soon it is neither, and mysqld may be open all the same
            self.set(may_be_open=True)
        if not self.state.may_be_open:
            return True
        succeeded = any(self.view.live(peer) and peer.eligible for peer in self.seen.peers)
        if self.view.hung(self.state) and (succeeded or not self.seen.vip_here):
            self._kill("it may be open for writes, and answers on no connection; it will boot read-only")
        return self.state.killed

    def _kill(self, why: str) -> None:
        """One that accepts nobody cannot even be found; it is looked for again."""
        if self.now >= self.state.retry_at(Kill.__name__):
            self.set(killed=True)
            self.do(Kill(why), RETRY_THREADS)

    def _demote_bound(self) -> float:
        """While the VIP is here and all is well nobody else can lead, so there is time to be gentle. A mysqld that
        answers on no connection cannot be closed at all."""
        if self.view.hung(self.state) and self.state.led:
            return 0.0
        patient = self.view.leading and self.seen.disk_stalled < self.config.disk_timeout
        return self.config.hang_timeout if patient else self.config.demote_timeout

    def _why_closed(self) -> str:
        return self.state.reasons[0] if self.state.reasons else "the VIP is not on this host"

    def _track(self, value: str, why: str) -> None:
        if self.seen.track != value:
            self.do(SetTrack(why, value))

    def _tend_host(self, held: bool) -> None:
        """What keepalived left behind, and what is the writer's alone."""
        if self.seen.lead not in (None, "0"):
            self.do(SetLead("this is not the writer", "0"))
        told_off = self.seen.vip_here and self.seen.track == "1"
        self.set(stale_since=None if not told_off else self.state.stale_since or self.now)
        if self.seen.vip_here and not self.seen.keepalived:
            self.do(RemoveVip("keepalived does not run and left it"), RETRY_THREADS)
        elif self.state.stale_since is not None and self.now - self.state.stale_since >= STALE:
            self.do(RemoveVip(f"keepalived left it for {STALE:g} s although this instance may not lead"), RETRY_THREADS)

    # ---- everyone else -----------------------------------------------------------------------------------------------

    def _stand_by(self, server: Server) -> None:
        left = self._is_left_half_open(server)
        if left:
            self.do(Demote(left), RETRY_THREADS)
        if self.config.events and server.event_scheduler:
            self.do(StopEvents("only the writer runs events"), RETRY_EVENTS)
        if server.semi_sync is not None and server.semi_sync.source_enabled:
            # On a standby its own applier would wait for an acknowledgement that nobody gives.
            self.do(SwitchSemiSync("only a writer waits for acknowledgements", False), RETRY_SEMI_SYNC)
            if not self.seen.busy("semi_sync"):
                return
        if self._rejoins():
            return
        acknowledges = standing.acknowledges(self.view, self.state)
        if self.config.is_candidate and server.semi_sync is not None and server.acknowledges is not acknowledges:
            why = "it is complete" if acknowledges else "another standby is complete, and this one is not"
            self.do(SwitchAcknowledging(why, acknowledges), RETRY_THREADS)
        hurries = standing.hurries(self.view, self.state, server)
        if self.config.relay_sync and hurries is server.relay_synced:
            why = "it is far behind, and nobody waits for it" if hurries else "what is acknowledged must be on the disk"
            self.do(SyncRelayLog(why, not hurries), RETRY_THREADS)
        unproven = self.config.topology == "dual_source" and self.config.is_candidate \
            and not self.state.durable.source_proven
        for channel in server.channels:
            if self.seen.vip_here and self.view.towards_vip(channel):
                self.stop_receiver(channel, "its source is this instance itself")
            elif unproven:
                self.stop_receiver(channel, "the old writer is not proven free of errant transactions")
            elif self._feeds(channel):
                self.run_threads(channel)
            else:
                self.stop_receiver(channel, "it may lead to a writer that has been succeeded")

    def _feeds(self, channel: Channel) -> bool:
        """Only the writer of the newest promotion is received from: what an older one still does must not be
        acknowledged, nor come here. A receiver that was connected before may still lead to the older one."""
        if votes.freezes(self.view, self.state):
            return False
        writer, newest = self.view.live_writer(), self.state.durable.generation
        if self.state.fed_by is None:  # a new agent leaves the receivers as they are
            self.set(fed_by=self.seen.saved.generation)
        if writer is not None and writer.led >= newest:
            direct = any(member.name == writer.name and str(member.address) == channel.source_host
                         for member in self.config.members)
            if direct or channel.receiver == "No":
                self.set(fed_by=newest)
        return self.state.fed_by == newest

    def _rejoins(self) -> bool:
        errant = self.state.durable.errant
        if self.runs(Rejoin):
            return True
        if self.config.rejoin == "clone" and errant and self.view.live_writer() is not None and self.saved:
            self.do(Rejoin("it has transactions that the cluster does not have", errant), RETRY_REJOIN)
        return False

    def _is_left_half_open(self, server: Server) -> str:
        if server.offline_mode:
            return "offline_mode was left on"
        if server.super_read_only:
            self.set(half_open_since=None)
        elif self.state.half_open_since is None:
            self.set(half_open_since=self.now)
        since = self.state.half_open_since
        return "super_read_only was left off" if since is not None and self.now - since >= HALF_OPEN else ""
