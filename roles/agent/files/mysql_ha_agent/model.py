# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the agent sees, what it may decide, and what it remembers. All times are monotonic seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

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
    lag: float | None = 0.0  # seconds; None: not known


@dataclass(frozen=True)
class SemiSync:
    source_enabled: bool
    clients: int  # semi-sync replicas connected now


@dataclass(frozen=True)
class Comparison:
    """One peer's executed set against ours, worked out by mysqld."""

    of_set: str  # the peer's set that was compared
    peer_extra: str  # what the peer has and we have not, without transactions that bear our server_uuid
    own_extra: str  # what we have and the peer has not, without transactions that bear the peer's server_uuid
    lacks: bool  # the peer has not executed all that we have


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
    comparisons: tuple[tuple[str, Comparison], ...] = ()

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


@dataclass(frozen=True)
class Peer:
    """What another agent said last. `asked` belongs to the newest question that has ended, `answered` to the newest
    that was answered; both are the times at which the question was sent."""

    name: str
    asked: float | None = None
    answered: float | None = None
    phase: str = ""
    mysqld_up: bool = False
    closed: bool = False  # its mysqld answers and is read-only
    eligible: bool = False
    generation: int = 0
    uuid: str = ""
    gtid_executed: str = ""
    receiving: bool = False  # its channel is connected
    has_channel: bool = True  # without one it has never replicated, and acknowledges nothing
    lag: float | None = None  # of its channel, in seconds
    error: str = ""


@dataclass(frozen=True)
class Durable:
    """What must survive a restart of the agent and of the machine."""

    generation: int = 0  # counts this instance's promotions
    source_proven: bool = True  # dual_source: the peer is known to have nothing that must not come here
    errant: str = ""  # transactions that only this instance has


@dataclass(frozen=True)
class Seen:
    vip_here: bool
    keepalived: bool
    hold: str | None  # the text of the hold file; None: there is none
    track: str | None  # the content of the track file; None: unreadable
    mysqld: Mysqld
    peers: tuple[Peer, ...] = ()
    saved: Durable = Durable()
    running: tuple[Decision, ...] = ()  # the decisions that are being carried out

    def busy(self, lane: str) -> bool:
        return any(decision.lane == lane for decision in self.running)


# ---- decisions -------------------------------------------------------------------------------------------------------
# Two decisions with one lane are never carried out at the same time.


@dataclass(frozen=True)
class Decision:
    why: str
    lane = "none"


@dataclass(frozen=True)
class SetTrack(Decision):
    value: str
    lane = "track"


@dataclass(frozen=True)
class AskPeers(Decision):
    lane = "ask"


@dataclass(frozen=True)
class Save(Decision):
    durable: Durable
    lane = "save"


@dataclass(frozen=True)
class StopReceiver(Decision):
    channel: str
    lane = "receiver"


@dataclass(frozen=True)
class StartReceiver(Decision):
    channel: str
    lane = "receiver"


@dataclass(frozen=True)
class StartApplier(Decision):
    channel: str
    lane = "applier"


@dataclass(frozen=True)
class SwitchSemiSync(Decision):
    on: bool
    lane = "semi_sync"


@dataclass(frozen=True)
class Open(Decision):
    generation: int
    semi_sync: bool | None  # to be set before the writes are opened; None: there is no semi-sync
    lane = "gate"


@dataclass(frozen=True)
class Demote(Decision):
    lane = "gate"


@dataclass(frozen=True)
class Kill(Decision):
    lane = "kill"


AnyDecision = Union[
    SetTrack, AskPeers, Save, StopReceiver, StartReceiver, StartApplier, SwitchSemiSync, Open, Demote, Kill
]

# ---- memory ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    durable: Durable = Durable()
    phase: str = "starting"  # starting, standby, promoting, writer, demoting, held, down
    reasons: tuple[str, ...] = ()  # why this instance may not lead; empty: it may
    waiting: str = ""  # what the promotion waits for
    led: bool = False  # this agent opened writes or saw them open under the VIP, and not closed since
    last_tick: float | None = None
    awake_since: float = 0.0  # silence of mysqld before this does not count: the agent itself did not run
    promoting_since: float | None = None
    demoting_since: float | None = None
    killed: bool = False  # the process that lives has been sent SIGKILL
    half_open_since: float | None = None  # read_only without super_read_only, which is meant to be brief
    caught_up_since: float | None = None  # a standby has been connected and close behind since
    alone_since: float | None = None  # the writer has had no semi-sync replica since
    broken_at: float | None = None  # when a channel was last seen broken by an error
    refused: str | None = None  # the live writer because of which a promotion was given up
    errant_since: float | None = None
    retries: tuple[tuple[str, float], ...] = ()  # lane -> not before

    def retry_at(self, lane: str) -> float:
        return dict(self.retries).get(lane, 0.0)


def with_retry(retries: tuple[tuple[str, float], ...], lane: str, at: float) -> tuple[tuple[str, float], ...]:
    known: dict[str, float] = dict(retries)
    known[lane] = at
    return tuple(sorted(known.items()))
