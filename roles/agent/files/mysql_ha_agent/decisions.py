# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the agent may decide. Two decisions with one lane are never carried out at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from .model import Durable


@dataclass(frozen=True)
class Decision:
    why: str
    lane = "none"


@dataclass(frozen=True)
class SetTrack(Decision):
    value: str
    lane = "track"


@dataclass(frozen=True)
class SetLead(Decision):
    value: str
    lane = "lead"


@dataclass(frozen=True)
class ProbeVip(Decision):
    lane = "vip"


@dataclass(frozen=True)
class AnnounceVip(Decision):
    lane = "vip"


@dataclass(frozen=True)
class RemoveVip(Decision):
    lane = "vip"


@dataclass(frozen=True)
class SendAway(Decision):
    lane = "clients"


@dataclass(frozen=True)
class Fence(Decision):
    peer: str
    lane = "fence"


@dataclass(frozen=True)
class Rejoin(Decision):
    errant: str
    lane = "rejoin"


@dataclass(frozen=True)
class EnableEvents(Decision):
    disabled: tuple[str, ...]  # these stay so
    lane = "events"


@dataclass(frozen=True)
class StopEvents(Decision):
    lane = "events"


@dataclass(frozen=True)
class AskPeers(Decision):
    lane = "ask"


@dataclass(frozen=True)
class Save(Decision):
    durable: Durable
    probe: bool = False  # nothing changed: can the file still be written?
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
class SyncRelayLog(Decision):
    on: bool
    lane = "applier"


@dataclass(frozen=True)
class SwitchAcknowledging(Decision):
    on: bool
    reconnects: bool = True  # at once; else it takes effect when the receiver connects anew for another reason
    lane = "receiver"


@dataclass(frozen=True)
class Nudge(Decision):
    lane = "nudge"


@dataclass(frozen=True)
class Unblock(Decision):
    channel: str
    lane = "unblock"


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
    SetTrack, SetLead, AskPeers, ProbeVip, AnnounceVip, RemoveVip, SendAway, Fence, Rejoin, EnableEvents, StopEvents,
    Save, StopReceiver, StartReceiver, StartApplier, SyncRelayLog, SwitchAcknowledging, Nudge, Unblock, SwitchSemiSync,
    Open, Demote, Kill
]
