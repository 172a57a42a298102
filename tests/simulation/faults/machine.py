# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The machine: power, pauses, disks, clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .fault import Fault, Undo

if TYPE_CHECKING:
    from ..host import Host
    from ..world import World


def disk_stall(world: World, host: Host, fault: Fault) -> Undo:
    boots = host.boots
    if not host.powered:
        return lambda: None
    host.stall_disk()
    return lambda: host.unstall_disk() if host.boots == boots else None


def pause(world: World, host: Host, fault: Fault) -> Undo:
    host.pause()
    return host.resume


def power_off(world: World, host: Host, fault: Fault) -> Undo:
    host.power_off()
    return lambda: _power_on(world, host)


def _power_on(world: World, host: Host) -> None:
    between = world.clock.between
    host.power_on(between(0, 3), between(0, 3), between(0, 3))


def total_outage(world: World, host: Host, fault: Fault) -> Undo:
    """The power goes at once or one after another; it comes back in any order, some of it late."""
    clock, rng = world.clock, world.clock.rng
    hosts = list(world.hosts.values())
    rng.shuffle(hosts)
    gap = rng.choice((0.0, 0.0, 1.0, 6.0))
    for number, one in enumerate(hosts):
        clock.after(number * gap * rng.random(), one.power_off)
    rng.shuffle(hosts)
    last = len(hosts) * gap + fault.lasts
    for number, one in enumerate(hosts):
        clock.after(last + number * rng.choice((0.0, 0.5, 10.0, 40.0)), _power_on, world, one)
    return lambda: None


def state_full(world: World, host: Host, fault: Fault) -> Undo:
    """The file system of the agent's state file takes nothing; the datadir's is another one."""
    host.state_full += 1
    return lambda: setattr(host, "state_full", host.state_full - 1)


def lying_disk(world: World, host: Host, fault: Fault) -> Undo:
    """Its cache has no battery: with the power goes what was flushed within the last moment."""
    host.power_off()
    host.rewind(0.01 + 0.5 * fault.strength ** 2, state_too=False)
    return lambda: _power_on(world, host)


def old_snapshot(world: World, host: Host, fault: Fault) -> Undo:
    """A person puts the machine back to an earlier state; the agent's state file may be on another disk."""
    host.power_off()
    host.rewind(1 + 15 * fault.strength, state_too=world.clock.rng.random() < 0.5)
    return lambda: _power_on(world, host)


def pause_without_clock(world: World, host: Host, fault: Fault) -> Undo:
    """A hypervisor that stops the guest's clock along with the guest."""
    host.pause()
    since, boots = world.clock.now, host.boots

    def undo() -> None:
        if host.boots == boots and host.paused:
            host.lose_time(world.clock.now - since)
        host.resume()

    return undo


def clock_rate(world: World, host: Host, fault: Fault) -> Undo:
    """Its clock is fast or slow, by two per cent at most."""
    host.drift(0.04 * (fault.strength - 0.5))
    return lambda: host.drift(0.0)


def wall_clock(world: World, host: Host, fault: Fault) -> Undo:
    """NTP has failed: the time of day is some seconds off. Lag is measured between two of these."""
    host.wall_ahead = 10 * (fault.strength - 0.5)
    return lambda: setattr(host, "wall_ahead", 0.0)
