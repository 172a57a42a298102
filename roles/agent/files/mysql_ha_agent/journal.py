# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One journal line for each decision and each change of view. A stalled journal holds up nothing: lines are dropped."""

from __future__ import annotations

import logging
import queue
import sys
from dataclasses import dataclass, fields
from logging.handlers import QueueHandler, QueueListener

from .clock import now
from .decisions import (
    AnnounceVip,
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
from .model import Durable, State

_LINES = 1000
SAY_AGAIN = 60.0  # seconds, after which an error that goes on is said again


def words(decision: Decision) -> str:
    """What is done, in words."""
    if isinstance(decision, SetTrack):
        return f"track file set to {decision.value}"
    if isinstance(decision, SetLead):
        return f"priority in VRRP raised by {decision.value}"
    if isinstance(decision, Fence):
        return f"fence command run for {decision.peer}"
    if isinstance(decision, SyncRelayLog):
        return f"sync_relay_log {'1' if decision.on else 'raised'}"
    if isinstance(decision, SwitchAcknowledging):
        return f"acknowledging switched {'on' if decision.on else 'off'}"
    if isinstance(decision, SwitchSemiSync):
        return f"semi-sync switched {'on' if decision.on else 'off'}"
    if isinstance(decision, Open):
        waiting = {None: "", True: ", semi-sync on", False: ", semi-sync off"}[decision.semi_sync]
        return f"writes opened, generation {decision.generation}{waiting}"
    if isinstance(decision, (StopReceiver, StartReceiver, StartApplier)):
        done = {StopReceiver: "receiver stopped", StartReceiver: "receiver started", StartApplier: "applier started"}
        return f"channel '{decision.channel}': {done[type(decision)]}"
    return {
        AskPeers: "peers asked", Save: "memory saved", Demote: "writes closed", Kill: "mysqld killed",
        ProbeVip: "VIP probed", AnnounceVip: "VIP announced", RemoveVip: "VIP removed",
        SendAway: "clients sent away", Rejoin: "rejoined by CLONE",
        EnableEvents: "events enabled", StopEvents: "events stopped", Nudge: "a transaction without content committed",
        Unblock: "the clients that hold up the applier disconnected",
    }[type(decision)]


def standing(before: Durable, after: Durable) -> str:
    """What changed in what must survive a reboot."""
    changed = [
        f"{field.name} {getattr(before, field.name)} -> {getattr(after, field.name)}"
        for field in fields(Durable) if getattr(before, field.name) != getattr(after, field.name)
    ]
    return "standing: " + ", ".join(changed)


class Journal:
    def __init__(self) -> None:
        lines: queue.Queue[logging.LogRecord] = queue.Queue(_LINES)
        self._log = logging.getLogger("mysql-ha")
        self._log.setLevel(logging.INFO)
        self._log.propagate = False
        self._log.handlers = [_Dropping(lines)]
        out = logging.StreamHandler(sys.stderr)
        out.setFormatter(_SyslogPrefix("%(message)s"))
        self._failures: dict[str, _Failure] = {}  # by lane
        self._listener = QueueListener(lines, out)
        self._listener.start()

    def stop(self) -> None:
        self._listener.stop()

    def say(self, text: str, level: int = logging.INFO) -> None:
        self._log.log(level, "%s", text)

    def decision(self, decision: Decision, took: float, error: Exception | None) -> None:
        done = f"{words(decision)}: {decision.why}"
        if error is not None:
            self._failed(decision.lane, done, took, str(error))
            return
        failed = self._failures.pop(decision.lane, None)
        looks = isinstance(decision, AskPeers) or (isinstance(decision, Save) and decision.probe)
        if not looks or failed:  # a look comes often
            self.say(f"{done} ({took * 1000:.0f} ms)")

    def _failed(self, lane: str, done: str, took: float, error: str) -> None:
        """The same failure again and again is said once in a while."""
        known, at = self._failures.get(lane), now()
        if known is None or (known.done, known.error) != (done, error):
            known = self._failures[lane] = _Failure(done, error)
        known.times += 1
        if known.said is None or at - known.said >= SAY_AGAIN:
            again = f" ({known.times} times now)" if known.times > 1 else ""
            known.said = at
            self.say(f"FAILED, {done} ({took * 1000:.0f} ms): {error}{again}", logging.ERROR)

    def changes(self, before: State, after: State) -> None:
        if before.durable != after.durable:
            self.say(standing(before.durable, after.durable))
        if before.phase != after.phase:
            self.say(f"{before.phase} -> {after.phase}")
        if before.reasons != after.reasons:
            self.say("may not lead: " + " ".join(after.reasons) if after.reasons else "may lead")
        if before.waiting != after.waiting and after.waiting:
            self.say(f"the promotion waits for {after.waiting}")


@dataclass
class _Failure:
    done: str
    error: str
    times: int = 0
    said: float | None = None  # when


class _Dropping(QueueHandler):
    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            return


class _SyslogPrefix(logging.Formatter):
    """systemd reads the level from <N>."""

    def format(self, record: logging.LogRecord) -> str:
        level = {logging.WARNING: 4, logging.ERROR: 3}.get(record.levelno, 6)
        return f"<{level}>{super().format(record)}"
