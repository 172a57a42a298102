# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The working copy of one step of the core, which its parts share. Pure."""

from __future__ import annotations

from dataclasses import replace

from .config import Config
from .decisions import AnyDecision, Decision, StartApplier, StartReceiver, StopReceiver
from .model import Channel, Seen, Server, State, changed, with_retry
from .timing import RETRY_THREADS
from .view import View


class Step:
    def __init__(self, config: Config, seen: Seen, state: State, now: float) -> None:
        self.config = config
        self.seen = seen
        self.now = now
        self.state = state
        self.view = View(config, seen, now)
        self.server: Server | None = self.view.server
        self.decisions: list[AnyDecision] = []

    def set(self, **changes: object) -> None:
        self.state = changed(self.state, **changes)

    def set_durable(self, **changes: object) -> None:
        durable = self.state.durable
        if any(getattr(durable, name) != value for name, value in changes.items()):
            self.set(durable=replace(durable, **changes))  # type: ignore[arg-type]

    def phase(self, phase: str) -> None:
        if phase != "promoting":
            self.set(promoting_since=None, waiting="", claimed=False)
        if phase not in ("promoting", "writer"):
            self.set(promised=False)
        if phase != "writer":
            self.set(alone_since=None, waits_since=None, stuck_since=None, unacked_since=None, opened_at=None)
        self.set(phase=phase)

    def do(self, decision: AnyDecision, not_again_for: float = 0.0) -> None:
        kind = type(decision).__name__  # what starts a thread does not wait because another decision has stopped it
        if self.seen.busy(decision.lane) or self.now < self.state.retry_at(kind):
            return
        if not_again_for:
            self.set(retries=with_retry(self.state.retries, kind, self.now + not_again_for))
        self.decisions.append(decision)

    def runs(self, kind: type[Decision]) -> bool:
        return any(isinstance(decision, kind) for decision in self.seen.running)

    @property
    def saved(self) -> bool:
        """What is remembered is on disk."""
        return self.seen.saved == self.state.durable

    # ---- channels ----------------------------------------------------------------------------------------------------

    def stop_receiver(self, channel: Channel, why: str) -> None:
        if channel.receiver != "No":
            self.do(StopReceiver(why, channel.name), RETRY_THREADS)

    def run_threads(self, channel: Channel) -> None:
        if not channel.applier and not channel.applier_error:
            self.do(StartApplier("it was stopped", channel.name), RETRY_THREADS)
        if channel.receiver == "No":
            self.do(StartReceiver("it was stopped", channel.name), RETRY_THREADS)
