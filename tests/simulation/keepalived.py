# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""keepalived: one VRRP instance with nopreempt, a track file with weight 0 and a lead file with weight 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .host import Host
    from .world import World

STUCK = 0.02
GARP_AGAIN = 5.0


class Keepalived:
    def __init__(self, world: World, host: Host, rank: int) -> None:
        self.world, self.host, self.rank = world, host, rank
        self.clock, self.network = world.clock, world.network
        self.base = 230 - rank
        self.interval = world.setup.advert_interval
        self.alive = False
        self.state = "stopped"  # backup, master, fault
        self._timer = 0  # the number of the timer in force
        self._life = 0

    def priority(self) -> int:
        lead = self.host.files.lead
        return min(254, self.base + (int(lead) if lead and lead.isdigit() else 0))

    def _skew(self) -> float:
        return (256 - self.priority()) / 256 * self.interval

    # ---- the process -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """A VIP that a killed one left behind is taken off the interface."""
        if self.alive or not self.host.powered:
            return
        self.alive = True
        self._life += 1
        self.host.set_vip(False)
        self.state = "stopped"
        self.track_changed()
        self.clock.say(self.host.name, f"keepalived runs, {self.state}")
        self.host.agent.wake()

    def stop(self) -> None:
        if self.alive:
            self._leave("stopped")
            self.alive = False
            self._life += 1
            self.host.agent.wake()

    def kill(self) -> None:
        self.alive = False
        self._life += 1
        self._timer += 1
        self.state = "stopped"
        self.host.agent.wake()

    def power_off(self) -> None:
        self.kill()
        self.host.vip = False

    # ---- states ------------------------------------------------------------------------------------------------------

    def track_changed(self) -> None:
        if not self.alive:
            return
        if self.host.paused:
            self.clock.after(STUCK, self.track_changed)
            return
        may_hold = self.host.files.track == "0"
        if not may_hold and self.state != "fault":
            self._leave("fault")
        elif may_hold and self.state not in ("backup", "master"):
            self.state = "backup"
            self._wait(3 * self.interval + self._skew())

    def address_lost(self) -> None:
        """Somebody else took the VIP off the interface."""
        if self.alive and self.state == "master":
            self.state = "backup"
            self._wait(3 * self.interval + self._skew())

    def _leave(self, state: str) -> None:
        was_master = self.state == "master"
        self.state = state
        self._timer += 1
        if was_master:
            self._advertise(0)
        self.host.set_vip(False)

    def _wait(self, seconds: float) -> None:
        self._timer += 1
        self.clock.after(seconds, self._timeout, self._timer, self._life)

    def _timeout(self, timer: int, life: int) -> None:
        if timer != self._timer or life != self._life or self.state != "backup":
            return
        if self.host.paused:
            # On resume the expired timer may be served before the adverts that have arrived meanwhile.
            self.host.on_resume(lambda: self.clock.after(self.clock.between(0, 0.002), self._timeout, timer, life))
            return
        self.state = "master"
        self.clock.say(self.host.name, "keepalived: MASTER")
        self.host.set_vip(True)
        self.network.announce(self.host.name)
        self.clock.after(GARP_AGAIN, self._announce_again, life)
        self._tick(life)

    def _announce_again(self, life: int) -> None:
        if life == self._life and self.state == "master" and not self.host.paused:
            self.network.announce(self.host.name)

    def _tick(self, life: int) -> None:
        if life != self._life or self.state != "master":
            return
        if self.host.paused:
            self.host.on_resume(lambda: self.clock.after(self.clock.between(0, 0.002), self._tick, life))
            return
        self._timer += 1
        self._advertise(self.priority())
        self.clock.after(self.interval, self._tick_if, self._timer, life)

    def _tick_if(self, timer: int, life: int) -> None:
        if timer == self._timer:
            self._tick(life)

    def _advertise(self, priority: int) -> None:
        for other in self.world.candidates:
            link = self.host.name, other.name
            if other is not self.host and link not in self.network.vrrp_blocked:
                self.network.datagram(*link, other.keepalived.hear, priority, self.rank)

    def hear(self, priority: int, rank: int) -> None:
        if not self.host.powered:
            return
        if self.host.paused:
            self.host.on_resume(lambda: self.clock.after(self.clock.between(0, 0.003), self.hear, priority, rank))
            return
        if priority:
            self.host.agent.adverts[self.world.candidates[rank].name] = self.host.local()
        if self.state == "backup":
            self._wait(self._skew() if priority == 0 else 3 * self.interval + self._skew())
        elif self.state == "master":
            if priority == 0:
                self._advertise(self.priority())
            elif (priority, rank) > (self.priority(), self.rank):  # of equal priorities the higher address wins
                self.clock.say(self.host.name, "keepalived: BACKUP, a higher priority was heard")
                self.state = "backup"
                self.host.set_vip(False)
                self._wait(3 * self.interval + self._skew())
            else:
                self._advertise(self.priority())
                self.network.announce(self.host.name)
