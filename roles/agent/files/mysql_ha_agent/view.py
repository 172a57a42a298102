# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the observations mean: who is live, who is silent, who writes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .config import Config
from .decisions import StopReceiver
from .model import WRITER_SET, Channel, Comparison, Peer, Seen, Server, State
from .timing import ANSWERS_WITHIN, BUSY, CALM, FRESH, PEER_ANSWERS_WITHIN, PEER_SILENT


@dataclass(frozen=True)
class View:
    config: Config
    seen: Seen
    now: float

    # ---- this instance -----------------------------------------------------------------------------------------------

    @property
    def server(self) -> Server | None:
        """What mysqld said, if that process still lives."""
        return self.seen.mysqld.server if self.seen.mysqld.alive else None

    @property
    def receives_nothing(self) -> bool:
        """No receiver is connected, and none will be before this agent decides so. One that was told to stop while it
        was connecting needs seconds to end, and connects no more."""
        if not self.seen.mysqld.alive or self.server is None:
            return not self.seen.mysqld.alive
        stopping = {decision.channel for decision in self.seen.running if isinstance(decision, StopReceiver)}
        return all(
            channel.receiver == "No" or (channel.receiver == "Connecting" and channel.name in stopping)
            for channel in self.server.channels)

    @property
    def leading(self) -> bool:
        return self.seen.vip_here and self.seen.keepalived

    def silence(self, state: State) -> float:
        """For how long mysqld has answered on no connection."""
        return self.now - max(self.seen.mysqld.answered or 0.0, state.awake_since)

    def hung(self, state: State) -> bool:
        return self.seen.mysqld.alive and self.silence(state) >= self.config.hang_timeout

    def towards_vip(self, channel: Channel) -> bool:
        return channel.source_host == str(self.config.vip.ip)

    def next_look(self, state: State) -> float:
        """Seconds until the next step, if nothing happens before: news of any kind comes at once. Silence is no news,
        so it is looked for more often as soon as somebody might have fallen silent."""
        answered = self.seen.mysqld.answered
        calm = (
            state.phase in ("standby", "writer") and not self.seen.running
            and answered is not None and self.now - answered < ANSWERS_WITHIN
            and all(peer.answered is not None and self.now - peer.answered < PEER_ANSWERS_WITHIN
                    for peer in self.seen.peers))
        return CALM if calm else BUSY

    # ---- peers -------------------------------------------------------------------------------------------------------

    def is_candidate(self, peer: Peer) -> bool:
        return any(member.name == peer.name and member.role == "candidate" for member in self.config.members)

    @property
    def others(self) -> tuple[Peer, ...]:
        """The other candidates."""
        return tuple(peer for peer in self.seen.peers if self.is_candidate(peer))

    def fresh(self, peer: Peer) -> bool:
        return peer.answered is not None and peer.answered == peer.asked and self.now - peer.answered <= FRESH

    def live(self, peer: Peer) -> bool:
        return peer.answered is not None and self.now - peer.answered <= PEER_SILENT

    def live_writer(self) -> Peer | None:
        """Of two the one that was promoted last."""
        writers = [peer for peer in self.seen.peers if self.live(peer) and peer.phase == "writer"]
        return max(writers, key=lambda peer: peer.led, default=None)

    def is_live_writer(self, name: str) -> bool:
        """By our own hearing, or by that of a live peer."""
        writer = self.live_writer()
        return (writer is not None and writer.name == name) or any(
            self.live(peer) and (name, "writer") in {
                (member, phase) for member, phase, age in peer.hears
                if self.now - (peer.answered or 0.0) + age <= PEER_SILENT}
            for peer in self.seen.peers)

    def silent_for(self, peer: Peer, state: State) -> float:
        """Since when nothing went through in either direction, as far as this agent could have seen it."""
        heard = (peer.answered, peer.knocked, state.awake_since, state.opened_at)
        return self.now - max(at for at in heard if at is not None)

    def heard_since(self, peer: Peer, began: float) -> bool:
        """It answered a question that was sent after that."""
        return peer.answered is not None and peer.answered >= began

    def gave_up(self, peer: Peer, since: float) -> int | None:
        """The promotion since which it is left behind, by a question of its own that came after that."""
        return peer.gives_up if peer.knocked is not None and peer.knocked >= since else None

    def is_outdated(self, peer: Peer, state: State) -> bool:
        """By a recent question of its own it was left behind, so it has not led since."""
        since = self.gave_up(peer, self.now - PEER_SILENT)
        return since is not None and since <= state.durable.generation

    def witnessed(self, within: float) -> bool | None:
        """Whether anybody but a candidate answered. None: nobody is there to be asked. One that never answered counts
        as silent: else a gateway that answers no ping would switch the guard against isolation off without a word."""
        readers = [peer.answered for peer in self.seen.peers if not self.is_candidate(peer)]
        if not (self.config.witnesses or self.seen.witnesses or readers):
            return None
        answers = [witness.answered for witness in self.seen.witnesses] + readers
        return any(at is not None and self.now - at <= within for at in answers)

    # ---- data --------------------------------------------------------------------------------------------------------

    def comparison(self, peer: Peer) -> Comparison | None:
        """With what the peer says now; an older one proves nothing."""
        return self._compared(peer.name, peer.held)

    def writer_set(self, state: State) -> Comparison | None:
        return self._compared(WRITER_SET, state.writer_set)

    def _compared(self, name: str, with_set: str) -> Comparison | None:
        comparison = self.server.comparison(name) if self.server else None
        return comparison if comparison is not None and comparison.of_set == with_set else None
