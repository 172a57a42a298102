# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A machine: power, pauses, its clock, its files, its disk, and what runs on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

from mysql_ha_agent.clock import LostTime
from mysql_ha_agent.model import Durable

from .agent import Agent
from .carrying import Demotion
from .channels import Channel
from .database import Database
from .keepalived import Keepalived
from .receiving import watch_streams

if TYPE_CHECKING:
    from .world import World

INOTIFY = 0.001
GUARD_EVERY = 1.0
GUARD_KILLS = 1.0


@dataclass
class Files:
    """In /run: gone with the machine's power. The track file is made, with 1, before keepalived starts."""

    track: str = "1"
    lead: str = "0"
    hold: str | None = None
    paused: bool = False
    request: str | None = None


class Host:
    def __init__(self, world: World, name: str, rank: int, channels: list[Channel], is_candidate: bool) -> None:
        self.world, self.clock, self.name = world, world.clock, name
        self.is_candidate = is_candidate
        self.powered = self.paused = False
        self.vip = False
        self.disk_stalled = False
        self.stalled_since = 0.0
        self.state_full = 0  # the state file's file system takes nothing
        self.stored = Durable()  # the agent's state file
        self.saves: list[tuple[float, Durable]] = []
        self.files = Files()
        self.boots = 0
        self.vip_since = 0.0
        self.keep_down = 0  # so many faults keep mysqld down
        self._resume: list[Callable[[], None]] = []
        self.wall_ahead = 0.0  # seconds: CLOCK_REALTIME, which NTP no longer sets
        self._rate = 1 + world.clock.between(-1, 1) * 1e-4
        self._origin = world.clock.between(100, 10000)
        self.has_rtc = True  # it goes on while the hypervisor keeps the guest paused
        self._lost = LostTime()
        self.database = Database(world, self, channels, is_candidate)
        self.keepalived = Keepalived(world, self, rank)
        self.agent = Agent(world, self, world.setup.config(name))
        self.agent_died: float | None = None

    def local(self) -> float:
        """CLOCK_BOOTTIME of this machine."""
        return self._origin + self.clock.now * self._rate

    def drift(self, rate: float) -> None:
        """From now on its clock goes so much faster than the others'."""
        self._origin += self.clock.now * (self._rate - 1 - rate)
        self._rate = 1 + rate

    def lose_time(self, seconds: float) -> None:
        """The hypervisor stopped its clock for so long: CLOCK_BOOTTIME of a paused guest stands (kvm-clock)."""
        self._origin -= seconds * self._rate

    def look_at_rtc(self, at_once: bool) -> None:
        """What the agent's clock.look does."""
        boottime = self.local() - self._lost.seconds
        if self.has_rtc and (at_once or self._lost.due(boottime)):
            self._origin += self._lost.look(boottime, floor(self.clock.now))

    def say(self, what: str) -> None:
        self.clock.say(self.name, what)

    # ---- power and pauses --------------------------------------------------------------------------------------------

    def power_on(self, agent: float, keepalived: float, mysqld: float) -> None:
        """The arguments are the seconds after which each is started."""
        if self.powered:
            return
        self.powered, self.paused = True, False
        self.boots += 1
        boots = self.boots
        self._lost = LostTime()
        self._origin = 10.0 - self.clock.now * self._rate  # the clock starts anew
        self.files = Files()
        self.say("power on")
        for delay, start in (
            (agent, self.agent.start), (mysqld, self.start_mysqld),
            (max(agent + 0.1, keepalived), self.keepalived.start if self.is_candidate else lambda: None),
        ):
            self.clock.after(delay, self._if_boot, boots, start)
        self.clock.after(1.0, self._heartbeats, boots)

    def _if_boot(self, boots: int, call: Callable[[], None]) -> None:
        if boots == self.boots and self.powered:
            call()

    def power_off(self) -> None:
        if not self.powered:
            return
        self.say("power off")
        self.powered, self.paused = False, False
        self.boots += 1
        self._resume.clear()
        self.agent.die(power=True)
        self.keepalived.power_off()
        self.database.die(power=True)
        self.disk_stalled = False

    def rewind(self, seconds: float, state_too: bool) -> None:
        """Its disks are as they were so long ago; of the state file's that need not be true."""
        to = self.clock.now - seconds
        self.database.rewind(to)
        if state_too:
            self.stored = next((durable for at, durable in reversed(self.saves) if at <= to), Durable())

    def save(self, durable: Durable) -> None:
        self.stored = durable
        self.saves.append((self.clock.now, durable))

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        if self.paused:
            self.paused = False
            waiting, self._resume = self._resume, []
            self.clock.rng.shuffle(waiting)
            for call in waiting:
                call()
            self.agent.wake()

    def on_resume(self, call: Callable[[], None]) -> None:
        self._resume.append(call)

    def _heartbeats(self, boots: int) -> None:
        if boots == self.boots:
            watch_streams(self.database)
            self._guard()
            self.clock.after(GUARD_EVERY, self._heartbeats, boots)

    # ---- mysqld's unit -----------------------------------------------------------------------------------------------

    def start_mysqld(self) -> None:
        if self.powered and not self.keep_down and not self.disk_stalled:
            self.database.boot()
        elif self.powered and self.disk_stalled:
            self.restart_mysqld()

    def restart_mysqld(self) -> None:
        """systemd starts it again after a crash."""
        self.clock.after(self.clock.between(0.4, 3.0), self._if_boot, self.boots, self.start_mysqld)

    def kill_mysqld(self) -> None:
        self.database.die()
        if not self.database.zombie:
            self.restart_mysqld()

    # ---- disk, VIP, files --------------------------------------------------------------------------------------------

    def stall_disk(self) -> None:
        self.disk_stalled, self.stalled_since = True, self.clock.now

    def unstall_disk(self) -> None:
        self.disk_stalled = False
        if self.database.zombie:
            self.database.zombie = False
            self.database.hung = False
            self.kill_mysqld()

    def set_vip(self, here: bool) -> None:
        if self.vip != here:
            self.vip = here
            self.say("has the VIP" if here else "lost the VIP")
            self.world.ledger.vip_changed(self)
            self.agent.wake()

    def set_track(self, value: str) -> None:
        if self.files.track != value:
            self.files.track = value
            self.clock.after(INOTIFY, self.keepalived.track_changed)

    def _guard(self) -> None:
        """It demotes for an agent that has been dead for down_timeout."""
        if self.paused or self.agent.alive:
            self.agent_died = None
            return
        if self.agent_died is None:
            self.agent_died = self.clock.now
        if self.clock.now - self.agent_died < self.agent.config.down_timeout or self.files.track != "0":
            return
        self.say("guard: demotes for the agent")
        Demotion(self.database, self._guard_done)
        self.clock.after(GUARD_KILLS, self._guard_kills, self.database.life)

    def _guard_done(self, error: str) -> None:
        if not self.agent.alive and (not error or not self.database.alive):
            self.set_track("1")

    def _guard_kills(self, life: int) -> None:
        if not self.agent.alive and self.database.life == life and self.database.alive and not self.database.read_only:
            self.kill_mysqld()
            self.set_track("1")
