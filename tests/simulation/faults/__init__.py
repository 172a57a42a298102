# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The faults of the fault model: each is done to one host (or, where its name says so, to the cluster) and undone."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import machine, mysqld, people, processes, wires
from .fault import Fault, Undo

if TYPE_CHECKING:
    from ..host import Host
    from ..world import World

__all__ = ["CONDITIONS", "KINDS", "TARGETS", "Fault", "Swarm", "Undo", "do", "inject", "pick"]

KINDS: dict[str, Callable[[World, Host, Fault], Undo]] = {
    function.__name__: function
    for function in (
        mysqld.mysqld_crash, mysqld.mysqld_stays_down, mysqld.mysqld_hang, mysqld.mysqld_slow, mysqld.applier_slow,
        mysqld.mysqld_clean_restart, mysqld.receiver_drop, mysqld.receiver_stopped, mysqld.large_transaction,
        mysqld.applier_locked, mysqld.read_lock, mysqld.connections_full, mysqld.sql_delay, mysqld.session_killed,
        machine.disk_stall, machine.pause, machine.power_off, machine.total_outage, machine.state_full,
        machine.lying_disk, machine.old_snapshot, machine.pause_without_clock, machine.clock_rate, machine.wall_clock,
        wires.isolated, wires.deaf, wires.rejecting, wires.mute, wires.lossy, wires.slow_wires, wires.vrrp_blocked,
        wires.vrrp_blocked_one_way, wires.lost_messages, wires.witness_down, wires.large_lost,
        processes.agent_crash, processes.agent_frozen, processes.keepalived_killed, processes.keepalived_stopped,
        processes.vip_removed, processes.old_agent,
        people.hold, people.operator_pause, people.foreign_gtids, people.local_transaction, people.semi_sync_off,
    )
}
PERSONAL = frozenset((  # what concerns one host, and nothing between the others
    "mysqld_crash", "mysqld_stays_down", "mysqld_hang", "mysqld_clean_restart", "receiver_drop", "receiver_stopped",
    "disk_stall", "pause", "power_off", "isolated", "deaf", "rejecting", "mute", "agent_crash", "agent_frozen", "hold",
    "applier_locked", "connections_full", "sql_delay", "session_killed", "state_full", "lying_disk", "old_snapshot",
    "pause_without_clock", "clock_rate", "wall_clock", "old_agent", "local_transaction",
))
# Data is gone or foreign: the loss of one more copy, at the same time, may cost what was acknowledged.
SINGLE = frozenset(("lying_disk", "old_snapshot", "foreign_gtids", "semi_sync_off"))
# What the product does not survive yet, and why; random schedules leave these out, alone or as what lasts.
OPEN: dict[str, str] = {}
OPEN_CONDITIONS: dict[str, str] = {**OPEN}
# What may be wrong with one instance for long, while all others are whole.
CONDITIONS = (
    "applier_locked", "applier_slow", "sql_delay", "read_lock", "connections_full", "session_killed", "state_full",
    "wall_clock", "clock_rate", "old_agent", "local_transaction", "power_off", "mysqld_stays_down", "receiver_stopped",
    "foreign_gtids", "semi_sync_off", "large_lost", "witness_down", "hold",
)
WEIGHTS = {"power_off": 3, "mysqld_crash": 2, "pause": 3, "isolated": 3, "total_outage": 2, "mysqld_hang": 2}
ARMED_FOR = 12.0  # seconds
SOON = (0.002, 0.02, 0.2)  # seconds after a decision
TARGETS = ("writer", "writer", "writer", "standby", "standby", "any")
DURATIONS = ((0.05, 0.6), (0.5, 2.5), (2.0, 4.5), (3.0, 12.0), (5.0, 25.0))


def pick(world: World, target: str, decider: Host | None = None) -> Host:
    """`first writer` and `first standby` are who they were when the first fault came."""
    if not world.roles:
        writer = world.writer() or world.candidates[0]
        world.roles["first writer"] = writer
        world.roles["first standby"] = next((host for host in world.candidates if host is not writer), writer)
    if target == "decider" and decider is not None:
        return decider
    if target in world.roles:
        return world.roles[target]
    hosts = list(world.hosts.values())
    readers = [host for host in hosts if not host.is_candidate]
    if target == "writer":
        return world.writer() or world.candidates[0]
    if target == "standby":
        return world.standby()
    if target == "reader" and readers:
        return world.clock.rng.choice(readers)
    return world.clock.rng.choice(hosts)


def inject(world: World, fault: Fault) -> None:
    """Does it, now or with a decision, and has it undone when it has lasted."""
    world.began()
    if fault.on:
        Waiting(world, fault)
    else:
        do(world, fault, pick(world, fault.target))


class Waiting:
    """For a decision; when none comes, the fault comes all the same."""

    def __init__(self, world: World, fault: Fault) -> None:
        self.world, self.fault, self.on = world, fault, fault.on
        pick(world, "")  # so that the first roles are those of before
        world.armed.append(self)
        world.clock.after(ARMED_FOR, self._give_up)

    def fire(self, decider: Host | None) -> None:
        clock = self.world.clock
        host = pick(self.world, self.fault.target, decider)
        clock.after(clock.rng.choice(SOON) * clock.rng.random(), do, self.world, self.fault, host)

    def _give_up(self) -> None:
        if self in self.world.armed:
            self.world.armed.remove(self)
            self.fire(None)


def do(world: World, fault: Fault, host: Host) -> Undo:
    """Returns what ends it before its time."""
    world.clock.say(host.name, f"---- FAULT {fault}")
    world.settled = world.clock.now  # one that waited for a decision comes later than it was announced
    world.only_standby_fails = world.one_at_a_time and fault.kind in PERSONAL and host is not world.writer()
    undo = KINDS[fault.kind](world, host, fault)
    ended = [False]

    def heal() -> None:
        if not ended[0]:
            ended[0] = True
            world.clock.say(host.name, f"---- healed: {fault.kind}")
            world.only_standby_fails = False
            undo()
            world.ended()

    world.clock.after(fault.lasts, heal)
    return heal


class Swarm:
    """The kinds of one schedule: few at a time find what all together hide."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        known = [kind for kind in KINDS if kind not in OPEN]
        share = rng.choice((0.1, 0.3, 1.0))
        self.kinds = [kind for kind in known if rng.random() < share] or known

    def condition(self) -> Fault:
        known = [kind for kind in CONDITIONS if kind not in OPEN_CONDITIONS]
        return Fault(self.rng.choice(known), self.rng.choice(("standby", "standby", "writer")), 1e9, self.rng.random())

    def fault(self, single: bool) -> Fault:
        """`single`: it may concern data of which there is one copy less then."""
        rng = self.rng
        kinds = [kind for kind in self.kinds if single or kind not in SINGLE] or ["power_off", "mysqld_crash"]
        kind = rng.choices(kinds, [WEIGHTS.get(kind, 1) for kind in kinds])[0]
        low, high = rng.choice(DURATIONS)
        return Fault(kind, rng.choice(TARGETS), rng.uniform(low, high), rng.random())
