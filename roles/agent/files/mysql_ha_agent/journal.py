# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One journal line for each decision and each change of view. A stalled journal holds up nothing: lines are dropped."""

from __future__ import annotations

import logging
import queue
import sys
from dataclasses import fields
from logging.handlers import QueueHandler, QueueListener

from .model import (
    AnnounceVip,
    AskPeers,
    Decision,
    Demote,
    Durable,
    EnableEvents,
    Fence,
    Kill,
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
    State,
    StopAcknowledging,
    StopEvents,
    StopReceiver,
    SwitchSemiSync,
    SyncRelayLog,
)

_LINES = 1000


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
        StopAcknowledging: "no acknowledgements after the next connection",
        EnableEvents: "events enabled", StopEvents: "events stopped",
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
        self._listener = QueueListener(lines, out)
        self._listener.start()

    def stop(self) -> None:
        self._listener.stop()

    def say(self, text: str, level: int = logging.INFO) -> None:
        self._log.log(level, "%s", text)

    def decision(self, decision: Decision, took: float, error: Exception | None) -> None:
        if isinstance(decision, AskPeers) and error is None:
            return  # a look, and often
        text = f"{words(decision)}: {decision.why} ({took * 1000:.0f} ms)"
        if error is None:
            self.say(text)
        else:
            self.say(f"FAILED, {text}: {error}", logging.ERROR)

    def changes(self, before: State, after: State) -> None:
        if before.durable != after.durable:
            self.say(standing(before.durable, after.durable))
        if before.phase != after.phase:
            self.say(f"{before.phase} -> {after.phase}")
        if before.reasons != after.reasons:
            self.say("may not lead: " + " ".join(after.reasons) if after.reasons else "may lead")
        if before.waiting != after.waiting and after.waiting:
            self.say(f"the promotion waits for {after.waiting}")


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
