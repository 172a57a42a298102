# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the agent sees and what it remembers. All times are seconds of CLOCK_BOOTTIME."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .decisions import Decision

# ---- observations ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Channel:
    name: str
    source_host: str
    source_port: int
    receiver: str  # Yes, No or Connecting
    applier: bool
    receiver_error: int = 0
    receiver_message: str = ""
    applier_error: int = 0
    applier_message: str = ""
    drained: bool = True  # everything received is executed
    lag: float | None = 0.0  # seconds, by the clocks of two machines; None: not known
    place: str = ""  # how far the receiver has read in the source's binary log; moves within a transaction too
    delay: int = 0  # seconds for which the applier waits on purpose (SOURCE_DELAY)
    blocked: str = ""  # what the applier waits for, and who holds it; empty: for nothing that is known


WRITER_SET = ""  # the name under which a server is compared with the set that the last writer told


@dataclass(frozen=True)
class SemiSync:
    source_enabled: bool
    clients: int  # semi-sync replicas connected now
    waiting: int = 0  # sessions that wait for an acknowledgement
    acked: int = 0  # commits that got theirs, since mysqld started


@dataclass(frozen=True)
class Comparison:
    """One peer's executed set against ours, worked out by mysqld."""

    of_set: str  # the peer's set that was compared
    peer_extra: str  # what the peer has and we have not executed; while we are open, without those of our server_uuid
    own_extra: str  # what we have and the peer has not, without transactions that bear the peer's server_uuid
    lacks: bool  # the peer does not have all that we have executed
    unreceived: bool = False  # the peer has what we have not even received
    has_waiting: bool = False  # the peer has a transaction whose commit still waits here


@dataclass(frozen=True)
class Server:
    """One answer of mysqld."""

    taken: float
    read_only: bool
    super_read_only: bool
    offline_mode: bool = False
    detailed: float = 0.0  # when the fields below were taken
    uuid: str = ""
    version: str = ""
    gtid_executed: str = ""
    channels: tuple[Channel, ...] = ()
    semi_sync: SemiSync | None = None  # None: the plugins are not loaded
    relay_synced: bool = True  # every received event is put on the disk at once
    pending: str = ""  # GTID set: received, and not executed yet
    acknowledges: bool = True  # as a replica it acknowledges what it receives
    flushes: bool = True  # a commit is on the disk before it returns (sync_binlog, innodb_flush_log_at_trx_commit)
    comparisons: tuple[tuple[str, Comparison], ...] = ()  # by peer; WRITER_SET: with what the last writer had
    events_wait: bool = False  # there are replica-side-disabled events of other servers
    event_scheduler: bool | None = None  # None: it is DISABLED, or there is none
    events_disabled: tuple[str, ...] = ()  # those that people have disabled here, as `schema`.`event`
    locked_by: str = ""  # whose FLUSH TABLES WITH READ LOCK keeps all writes waiting; empty: nobody's
    locked_since: float | None = None  # when that was first seen

    @property
    def closed(self) -> bool:
        """While SET super_read_only=ON waits for a commit, super_read_only already reads 1 and read_only still 0."""
        return self.read_only

    @property
    def writable(self) -> bool:
        return not self.read_only and not self.super_read_only

    def comparison(self, peer: str) -> Comparison | None:
        return dict(self.comparisons).get(peer)


@dataclass(frozen=True)
class Mysqld:
    """The process behind the socket."""

    alive: bool  # it was connected to, and has not ended since
    answered: float | None = None  # when the last answer came, on any connection
    server: Server | None = None  # the last answer of the process that lives now
    error: str = ""
    trouble: str = ""  # why the agent cannot open the sessions with it that it needs; empty: it has them
    trouble_since: float | None = None


@dataclass(frozen=True)
class Peer:
    """What another agent said last. `asked` belongs to the newest question that has ended, `answered` to the newest
    that was answered; both are the times at which the question was sent."""

    name: str
    asked: float | None = None
    answered: float | None = None
    refused: float | None = None  # the newest question that its host refused: no agent ran there then
    knocked: float | None = None  # when it last asked us
    gives_up: int | None = None  # it said then that it is left behind, since this promotion
    leaves: bool = False  # its mysqld is about to be stopped
    phase: str = ""
    vip_here: bool = False
    mysqld_up: bool = False
    closed: bool = False  # its mysqld answers and is read-only
    eligible: bool = False
    generation: int = 0
    led: int = 0
    alone: bool = False
    left_behind: bool = False
    errant: str = ""  # its errant transactions; it is quarantined
    vote: int = 0  # the newest promotion that it has voted for
    voted_for: str = ""
    disk_stalled: float = 0.0
    lead: int = 0  # what it adds to its priority in VRRP
    stuck: bool = False  # a writer whose commits wait, and none is acknowledged, although a standby is connected
    waits: bool = False  # a writer whose commits wait for a standby, for a while already
    commits_wait: bool = False  # a writer of which a commit waits right now
    hears: tuple[tuple[str, str, float], ...] = ()  # (member, phase, seconds since that was heard), when it answered
    uuid: str = ""
    gtid_executed: str = ""
    pending: str = ""  # received, and not executed yet
    receiving: bool = False  # its channel is connected
    applier_stands: bool = False  # not everything received is executed, and its applier does not advance
    flushes: bool = True
    has_channel: bool = True  # without one it has never replicated, and acknowledges nothing
    lag: float | None = None  # seconds by which its applier is behind, by the clocks of two machines
    behind: float | None = None  # seconds since the writer had no more than what is received there
    events_disabled: tuple[str, ...] = ()
    witnessed: bool = True  # a witness answers it, or there is none
    unsaved: float = 0.0  # seconds for which its state file has taken no write
    error: str = ""

    @property
    def held(self) -> str:
        """What it has executed or only received: all that it may have acknowledged."""
        return f"{self.gtid_executed},{self.pending}" if self.pending else self.gtid_executed


@dataclass(frozen=True)
class Durable:
    """What must survive a restart of the agent and of the machine."""

    generation: int = 0  # the newest promotion in the cluster that is known here
    led: int = 0  # the newest promotion of this instance
    alone: bool = False  # as writer it has acknowledged, or may have, what nobody else has
    left_behind: bool = False  # a writer may have acknowledged what is not here
    source_proven: bool = True  # dual_source: the peer is known to have nothing that must not come here
    errant: str = ""  # transactions that only this instance has
    vote: int = 0  # the newest promotion that this instance has voted for; of three candidates or more
    voted_for: str = ""  # whose that was; empty: it is decided


@dataclass(frozen=True)
class Witness:
    """An address whose answer shows that this host is not cut off. Times as in `Peer`."""

    name: str
    asked: float | None = None
    answered: float | None = None


@dataclass(frozen=True)
class VipProbe:
    """Does anybody else answer for the VIP? `asked` belongs to the newest probe that has ended."""

    asked: float | None = None
    answered_by: str = ""  # a hardware address; empty: nobody else


@dataclass(frozen=True)
class StateFile:
    """What becomes of the attempts to save."""

    tried: float | None = None  # when the newest one began; None: none is due
    unsaved: float = 0.0  # seconds since the first one began that has not succeeded; 0: the newest one did
    error: str = ""  # of the newest one that has ended


@dataclass(frozen=True)
class Seen:
    vip_here: bool
    keepalived: bool
    hold: str | None  # the text of the hold file; None: there is none
    track: str | None  # the content of the track file; None: unreadable
    mysqld: Mysqld
    peers: tuple[Peer, ...] = ()
    saved: Durable = Durable()
    state_file: StateFile = StateFile()
    witnesses: tuple[Witness, ...] = ()
    vip_probe: VipProbe = VipProbe()
    adverts: tuple[tuple[str, float], ...] = ()  # members that announce the VIP, and when each was last heard
    disk_stalled: float = 0.0  # seconds for which a small write to mysqld's disks has been waiting
    lead: str | None = None  # the content of the lead file, which raises the priority in VRRP; None: unreadable
    paused: bool = False
    fenced: tuple[tuple[str, float], ...] = ()  # peers, and when the fence command last succeeded for them
    request: str | None = None  # what a person asks for: one of trackfile.REQUESTS
    running: tuple[Decision, ...] = ()  # the decisions that are being carried out

    def busy(self, lane: str) -> bool:
        return any(decision.lane == lane for decision in self.running)


# ---- memory ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    durable: Durable = Durable()
    memory_lost: str = ""  # why what was on disk could not be used; until it has caught up
    phase: str = "starting"  # starting, standby, promoting, writer, demoting, held, down, paused
    reasons: tuple[str, ...] = ()  # why this instance may not lead; empty: it may
    waiting: str = ""  # what the promotion waits for
    led: bool = False  # this agent opened writes or saw them open under the VIP, and not closed since
    last_tick: float | None = None
    awake_since: float = 0.0  # silence of mysqld before this does not count: the agent itself did not run
    promoting_since: float | None = None
    demoting_since: float | None = None
    may_be_open: bool = False  # it has not answered this agent yet, and may have led under an earlier one
    killed: bool = False  # the process that lives has been sent SIGKILL
    half_open_since: float | None = None  # read_only without super_read_only, which is meant to be brief
    caught_up_since: float | None = None  # a standby has been connected and close behind since
    alone_since: float | None = None  # the writer has had no semi-sync replica since
    broken_at: float | None = None  # when a channel was last seen broken by an error
    refused: str | None = None  # the live writer because of which a promotion was given up
    outdone: tuple[str, float] | None = None  # a candidate that had more when the VIP was here, and when that was seen
    lost: str = ""  # its own transactions that a live writer has, and this server no more
    suspects: tuple[str, float] | None = None  # transactions that a live writer did not have, and since when
    started: float | None = None  # the first step
    heard: float | None = None  # the newest question that anybody answered
    reconnected: float | None = None  # when somebody answered again, after nobody had for a while
    elder: tuple[str, float] | None = None  # a live peer that led after this one, and since when it is known
    contact: float | None = None  # the last question that the last writer answered, or its host refused
    writer: str = ""  # the last live writer that was heard
    writer_set: str = ""  # what it had executed when it was last heard as writer
    writer_disabled: tuple[str, ...] = ()  # the events that its people had disabled
    promised: bool = False  # a promotion began within the lease after the last contact
    down_since: float | None = None  # when mysqld was first seen not to answer
    fed_by: int | None = None  # the promotion whose writer the receivers were started for
    behind_until: float | None = None  # when there was last a cause to be left behind
    received_of: float | None = None  # when the writer, then asked, had no more than what is received here
    applying_since: tuple[str, float] | None = None  # what was executed when that last grew, while more is received
    halted_since: tuple[str, float] | None = None  # where the receiver stood, and since when, while the writer has more
    unfed_since: float | None = None  # the writer lives and no receiver is connected
    fed_since: float | None = None  # a receiver has been connected
    waits_since: float | None = None  # as writer: semi-sync is on and nobody is recorded as left behind
    stuck_since: float | None = None  # as writer: commits wait although a standby is connected, and none goes on
    unacked_since: float | None = None  # as writer: commits wait, and none has got its acknowledgement since
    acked: int = 0  # when that was last looked at
    opened_at: float | None = None
    claimed: bool = False  # this promotion has its generation
    accepted: bool = False  # a person accepts that what is missing here is lost
    vip_lost: float | None = None  # the VIP left this writer, and no peer was seen to have it since
    contested: bool = False  # a peer had the VIP too
    stale_since: float | None = None  # the VIP is here although keepalived was told that it may not
    retries: tuple[tuple[str, float], ...] = ()  # kind of decision -> not before

    def retry_at(self, kind: str) -> float:
        return dict(self.retries).get(kind, 0.0)


def changed(state: State, **changes: Any) -> State:
    """The same object when nothing differs, which is the rule: a copy costs as much as a decision."""
    if all(getattr(state, name) == value for name, value in changes.items()):
        return state
    return replace(state, **changes)


def with_retry(retries: tuple[tuple[str, float], ...], kind: str, at: float) -> tuple[tuple[str, float], ...]:
    known: dict[str, float] = dict(retries)
    known[kind] = at
    return tuple(sorted(known.items()))
