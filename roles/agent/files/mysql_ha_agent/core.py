# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pure core: what is seen and remembered in, decisions out. No input or output, no clock.

It is level-triggered: every call compares what is with what ought to be, so a lost message, a restart of the agent or
a step that failed needs no handling of its own.
"""

from __future__ import annotations

from dataclasses import replace

from .config import Config
from .eligibility import channel_broken, is_live_writer, pause_restarts_silence, reasons_against, silence
from .eligibility import server as up_server
from .model import (
    AnyDecision,
    AskPeers,
    Channel,
    Comparison,
    Demote,
    Kill,
    Open,
    Peer,
    Save,
    Seen,
    Server,
    SetTrack,
    StartApplier,
    StartReceiver,
    State,
    StopReceiver,
    SwitchSemiSync,
    with_retry,
)

ASK_BOUND = 0.15  # a peer that has not answered for so long since the VIP came is silent
REFUSE_AFTER = 2.0  # the VIP is given back when another live writer has not stepped down for so long
RETRY = 0.3
RETRY_THREADS = 1.0
FRESH = 1.0  # an answer of a peer that is not older than this speaks for the present
CLOSE_BEHIND = 1.0  # semi-sync is switched on for a standby whose lag is at most this
CLOSE_BEHIND_FOR = 2.0  # for so long
HALF_OPEN = 60.0  # super_read_only may be off on a read-only standby for so long: local accounts are written so


def decide(config: Config, seen: Seen, state: State, now: float) -> tuple[list[AnyDecision], State]:
    """One step. Without side effects; the caller carries the decisions out and calls again."""
    return _Step(config, seen, state, now).run()


class _Step:
    """The working copy of one call of `decide`."""

    def __init__(self, config: Config, seen: Seen, state: State, now: float) -> None:
        self.config = config
        self.seen = seen
        self.now = now
        self.state = pause_restarts_silence(state, now)
        self.server: Server | None = up_server(seen)
        self.decisions: list[AnyDecision] = []

    def run(self) -> tuple[list[AnyDecision], State]:
        if not self._acquainted():
            return [], self.state
        self._notice()
        reasons = reasons_against(self.config, self.seen, self.state, self.now)
        self._set(reasons=reasons)
        closed = self._lead_or_close(not reasons)
        if not reasons:
            self._track("0", "this instance may lead")
        elif closed:
            self._track("1", reasons[0])
        if self.seen.saved != self.state.durable and not self.seen.busy("save"):
            self._do(Save("the memory changed", self.state.durable))
        return self.decisions, self.state

    # ---- what is remembered ------------------------------------------------------------------------------------------

    def _acquainted(self) -> bool:
        """Until mysqld and every peer have been asked once, everything stays as it is."""
        asked = all(peer.asked is not None for peer in self.seen.peers)
        silent = self.now - self.state.awake_since >= self.config.hang_timeout
        return (asked and (self.server is not None or bool(self.seen.mysqld.error))) or silent

    def _notice(self) -> None:
        seen, server = self.seen, self.server
        if not seen.mysqld.alive:
            self._set(killed=False, led=False)
        elif server is not None and server.closed and not any(isinstance(d, Open) for d in seen.running):
            self._set(led=False)
        elif server is not None and server.writable and self._leading():
            self._set(led=True)
        refused = self.state.refused
        if refused and not any(peer.name == refused and is_live_writer(peer, self.now) for peer in seen.peers):
            self._set(refused=None)
        if server is not None and any(channel_broken(channel) for channel in server.channels):
            self._set(broken_at=self.now)
        self._notice_errant()
        self._notice_proof()

    def _notice_errant(self) -> None:
        """Transactions that a live writer does not have, and did not make, are errant; twice seen, so that a writer's
        answer from just before its promotion cannot accuse us."""
        writer = self._live_writer()
        comparison = self._comparison(writer) if writer else None
        if comparison is None or self.state.led:
            return
        if not comparison.own_extra:
            self._set(errant_since=None, durable=replace(self.state.durable, errant=""))
        elif self.state.errant_since is None:
            self._set(errant_since=self.now)
        elif self.now - self.state.errant_since >= 2 * FRESH:
            self._set(durable=replace(self.state.durable, errant=comparison.own_extra))

    def _notice_proof(self) -> None:
        """dual_source: after a promotion the channel from the old writer stays stopped until that one answers as
        read-only and without transactions that we lack; whoever became writer after us is followed."""
        for peer in self.seen.peers:
            comparison = self._comparison(peer)
            if self.state.durable.source_proven or comparison is None or not self._is_source(peer):
                continue
            if not peer.mysqld_up or not self._fresh(peer) or self.state.phase == "promoting":
                continue
            follows = peer.closed and not comparison.peer_extra
            succeeded = is_live_writer(peer, self.now) and not self.state.led and not comparison.own_extra
            if follows or succeeded:
                self._set(durable=replace(self.state.durable, source_proven=True))

    # ---- open or closed ----------------------------------------------------------------------------------------------

    def _leading(self) -> bool:
        return self.seen.vip_here and self.seen.keepalived

    def _lead_or_close(self, may_lead: bool) -> bool:
        """Returns whether this instance is closed for writes."""
        held = self.seen.hold is not None
        if not self.seen.mysqld.alive or self.state.killed:
            self._phase("held" if held else "down")
            return True
        if self._leading() and may_lead:
            self._set(demoting_since=None)
            if self.server is not None and self.server.writable:
                self._be_writer(self.server)
            elif self.server is not None:
                self._promote(self.server)
            return self.server is not None and self.server.closed
        if held and not self.state.led and not self._opening():
            self._set(demoting_since=None)
            self._phase("held")
            return True
        if self.server is None and not self.state.led:
            self._phase("down")
            return True
        if self.server is None or not self.server.closed or self._opening():
            self._close()
            return self.state.killed
        self._set(demoting_since=None)
        self._phase("held" if held else "standby")
        if not held:
            self._stand_by(self.server)
        return True

    def _is_left_half_open(self, server: Server) -> str:
        if server.offline_mode:
            return "offline_mode was left on"
        if server.super_read_only:
            self._set(half_open_since=None)
        elif self.state.half_open_since is None:
            self._set(half_open_since=self.now)
        since = self.state.half_open_since
        return "super_read_only was left off" if since is not None and self.now - since >= HALF_OPEN else ""

    def _opening(self) -> bool:
        return any(isinstance(decision, Open) for decision in self.seen.running)

    def _close(self) -> None:
        since = self.now if self.state.demoting_since is None else self.state.demoting_since
        self._set(demoting_since=since)
        self._phase("demoting")
        if self.now - since >= self._demote_bound():
            self._set(killed=True)
            self._do(Kill(f"not read-only within {self._demote_bound():g} s; it will boot read-only"))
        elif not self.seen.busy("gate"):
            self._do(Demote(self._why_closed()))

    def _demote_bound(self) -> float:
        """While the VIP is here and mysqld answers nobody else can lead, so there is time to be gentle."""
        answers = silence(self.seen, self.state, self.now) < self.config.hang_timeout
        patient = self._leading() and answers
        return self.config.hang_timeout if patient else self.config.demote_timeout

    def _why_closed(self) -> str:
        if self.state.reasons:
            return self.state.reasons[0]
        return "keepalived is not running" if self.seen.vip_here else "the VIP is not on this host"

    def _track(self, value: str, why: str) -> None:
        if self.seen.track != value:
            self._do(SetTrack(why, value))

    # ---- the writer --------------------------------------------------------------------------------------------------

    def _promote(self, server: Server) -> None:
        began = self.state.promoting_since
        if began is None:
            began = self.now
            durable = replace(self.state.durable, generation=self.state.durable.generation + 1, source_proven=False)
            self._set(promoting_since=began, durable=durable)
            self._do(AskPeers("the VIP arrived"))
        self._phase("promoting")
        waiting = self._waits_for(server, began)
        self._set(waiting=waiting)
        if not waiting:
            semi_sync = None if server.semi_sync is None else not self._certainly_alone()
            why = "the VIP is here and everything received is applied"
            self._do(Open(why, self.state.durable.generation, semi_sync), RETRY)

    def _waits_for(self, server: Server, began: float) -> str:
        """The next step of a promotion that is not done yet, in words; empty: writes may be opened."""
        if server.detailed <= began:
            return "a fresh look at mysqld"
        rival = self._rival(began)
        if rival:  # first of all: while the old writer closes, its last commits are still received and acknowledged
            return rival
        for channel in server.channels:
            if not self._receiver_gone(channel):
                return "the receiver to stop"
        for channel in server.channels:
            if not channel.drained:
                if not channel.applier:
                    self._do(StartApplier("everything received must be applied before the promotion", channel.name))
                return "everything received to be applied"
        if self.seen.busy("semi_sync"):
            return "semi-sync to be switched"
        if self.seen.saved != self.state.durable:
            return "the state file"
        return ""

    def _receiver_gone(self, channel: Channel) -> bool:
        """A receiver that is only connecting counts as gone once it has been told to stop: that takes 2 s."""
        if channel.receiver == "No":
            return True
        stopping = any(isinstance(decision, StopReceiver) for decision in self.seen.running)
        if not stopping:
            self._do(StopReceiver("the VIP is here", channel.name), RETRY)
        return stopping and channel.receiver == "Connecting"

    def _rival(self, began: float) -> str:
        for peer in self.seen.peers:
            heard = peer.answered is not None and peer.answered >= began
            if not heard:
                if (peer.asked is None or peer.asked < began) and self.now - began < ASK_BOUND:
                    return f"{peer.name} to say whether it is the writer"
                continue
            first = peer.phase == "promoting" and not self.config.precedes(peer.name)
            if peer.phase in ("writer", "demoting") or first:
                if peer.phase == "writer" and self.now - began >= REFUSE_AFTER:
                    self._set(refused=peer.name)
                self._do(AskPeers(f"{peer.name} is {peer.phase}"), RETRY)
                return f"{peer.name}, which is {peer.phase}, to step down"
        return ""

    def _be_writer(self, server: Server) -> None:
        self._phase("writer")
        for channel in server.channels:
            if self.config.topology == "source_replica" or not self.state.durable.source_proven:
                if channel.receiver != "No":
                    self._do(StopReceiver("the writer does not replicate from it", channel.name), RETRY_THREADS)
            else:
                self._run_threads(channel)
        self._tend_semi_sync(server)

    def _tend_semi_sync(self, server: Server) -> None:
        semi_sync = server.semi_sync
        if semi_sync is None:
            return
        if semi_sync.clients:
            self._set(alone_since=None)
        elif self.state.alone_since is None:
            self._set(alone_since=self.now)
            self._do(AskPeers("no semi-sync replica is connected"), RETRY)
        if semi_sync.source_enabled and self._may_go_on_alone():
            self._do(SwitchSemiSync("no standby is left; this writer goes on alone", False), RETRY)
        elif not semi_sync.source_enabled and semi_sync.clients and self._has_caught_up():
            self._do(SwitchSemiSync("a standby is connected and has caught up", True), RETRY)

    def _may_go_on_alone(self) -> bool:
        alone = self.state.alone_since
        if alone is None or self._live_writer() is not None:
            return False
        patient = self.config.durability == "available" and self.now - alone >= self.config.lease
        return patient or self._certainly_alone()

    def _certainly_alone(self) -> bool:
        """Every other candidate's agent says now that its mysqld is down or has no channel, so nobody can acknowledge.
        With `strict` that is enough only in a new cluster, where the accounts that replication needs are still made."""
        others = [peer for peer in self.seen.peers if self._is_candidate(peer)]
        if not others or not all(self._fresh(peer) for peer in others):
            return False
        if all(peer.mysqld_up and not peer.has_channel and not peer.gtid_executed for peer in others):
            return True
        return self.config.durability == "available" and not any(peer.mysqld_up and peer.has_channel for peer in others)

    def _has_caught_up(self) -> bool:
        """A standby has all that we have, or has been close behind for a while; one moment proves nothing, because a
        receiver that has only just connected has no lag yet."""
        receiving = [peer for peer in self.seen.peers
                     if self._is_candidate(peer) and self._fresh(peer) and peer.receiving]
        if any(self._has_everything(peer) for peer in receiving):
            return True
        if not any(peer.lag is not None and peer.lag <= CLOSE_BEHIND for peer in receiving):
            self._set(caught_up_since=None)
        elif self.state.caught_up_since is None:
            self._set(caught_up_since=self.now)
        since = self.state.caught_up_since
        return since is not None and self.now - since >= CLOSE_BEHIND_FOR

    def _has_everything(self, peer: Peer) -> bool:
        comparison = self._comparison(peer)
        return comparison is not None and not comparison.lacks

    # ---- everyone else -----------------------------------------------------------------------------------------------

    def _stand_by(self, server: Server) -> None:
        left = self._is_left_half_open(server)
        if left:
            self._do(Demote(left), RETRY_THREADS)
        if server.semi_sync is not None and server.semi_sync.source_enabled:
            # On a standby its own applier would wait for an acknowledgement that nobody gives.
            self._do(SwitchSemiSync("only a writer waits for acknowledgements", False), RETRY)
            return
        for channel in server.channels:
            if self.seen.vip_here and self._towards_vip(channel):
                if channel.receiver != "No":
                    self._do(StopReceiver("its source is this instance itself", channel.name), RETRY_THREADS)
            elif self.config.topology == "dual_source" and self.config.is_candidate \
                    and not self.state.durable.source_proven:
                if channel.receiver != "No":
                    self._do(StopReceiver("the old writer is not proven free of errant transactions", channel.name),
                             RETRY_THREADS)
            else:
                self._run_threads(channel)

    def _run_threads(self, channel: Channel) -> None:
        if not channel.applier and not channel.applier_error:
            self._do(StartApplier("it was stopped", channel.name), RETRY_THREADS)
        if channel.receiver == "No":
            self._do(StartReceiver("it was stopped", channel.name), RETRY_THREADS)

    # ---- words -------------------------------------------------------------------------------------------------------

    def _comparison(self, peer: Peer) -> Comparison | None:
        """With what the peer says now; an older one proves nothing."""
        comparison = self.server.comparison(peer.name) if self.server else None
        return comparison if comparison is not None and comparison.of_set == peer.gtid_executed else None

    def _live_writer(self) -> Peer | None:
        return next((peer for peer in self.seen.peers if is_live_writer(peer, self.now)), None)

    def _fresh(self, peer: Peer) -> bool:
        return peer.answered is not None and peer.answered == peer.asked and self.now - peer.answered <= FRESH

    def _is_candidate(self, peer: Peer) -> bool:
        return any(member.name == peer.name and member.role == "candidate" for member in self.config.members)

    def _is_source(self, peer: Peer) -> bool:
        return self.config.topology == "dual_source" and self._is_candidate(peer)

    def _towards_vip(self, channel: Channel) -> bool:
        return channel.source_host == str(self.config.vip.ip)

    def _phase(self, phase: str) -> None:
        if phase != "promoting":
            self._set(promoting_since=None, waiting="")
        if phase != "writer":
            self._set(alone_since=None)
        self._set(phase=phase)

    def _set(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]

    def _do(self, decision: AnyDecision, not_again_for: float = 0.0) -> None:
        if self.seen.busy(decision.lane) or self.now < self.state.retry_at(decision.lane):
            return
        if not_again_for:
            self._set(retries=with_retry(self.state.retries, decision.lane, self.now + not_again_for))
        self.decisions.append(decision)
