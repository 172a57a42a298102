# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The faults of the fault model: each is done to one host (or, where its name says so, to the cluster) and undone."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .host import Host
    from .world import World

Undo = Callable[[], None]


@dataclass(frozen=True)
class Fault:
    kind: str
    target: str  # writer, standby, reader, any; of a fault of the whole cluster without meaning
    lasts: float  # seconds
    strength: float = 0.5  # 0 to 1: how much of it, for faults that have a measure

    def __str__(self) -> str:
        return f"{self.kind} ({self.target}, {self.lasts:.2f} s, strength {self.strength:.2f})"


PERSONAL = frozenset((  # what concerns one host, and nothing between the others
    "mysqld_crash", "mysqld_stays_down", "mysqld_hang", "mysqld_clean_restart", "receiver_drop", "receiver_stopped",
    "disk_stall", "pause", "power_off", "isolated", "deaf", "rejecting", "mute", "agent_crash", "agent_frozen", "hold",
))


def pick(world: World, target: str) -> Host:
    """`first writer` and `first standby` are who they were when the first fault came."""
    if not world.roles:
        writer = world.writer() or world.candidates[0]
        world.roles["first writer"] = writer
        world.roles["first standby"] = next((host for host in world.candidates if host is not writer), writer)
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
    """Does it now, and has it undone when it has lasted."""
    host = pick(world, fault.target)
    world.clock.say(host.name, f"---- FAULT {fault}")
    world.only_standby_fails = world.one_at_a_time and fault.kind in PERSONAL and host is not world.writer()
    undo = KINDS[fault.kind](world, host, fault)

    def heal() -> None:
        world.clock.say(host.name, f"---- healed: {fault.kind}")
        world.only_standby_fails = False
        undo()

    world.clock.after(fault.lasts, heal)


# ---- mysqld ----------------------------------------------------------------------------------------------------------


def mysqld_crash(world: World, host: Host, fault: Fault) -> Undo:
    host.kill_mysqld()
    return lambda: None


def mysqld_stays_down(world: World, host: Host, fault: Fault) -> Undo:
    host.keep_down += 1
    host.database.die()
    return lambda: _may_start(host)


def _may_start(host: Host) -> None:
    host.keep_down -= 1
    host.start_mysqld()


def mysqld_hang(world: World, host: Host, fault: Fault) -> Undo:
    database, life = host.database, host.database.life
    database.hung = True

    def thaw() -> None:
        if database.life == life:
            database.hung = False
            database.try_commit()

    return thaw


def mysqld_slow(world: World, host: Host, fault: Fault) -> Undo:
    host.database.latency = 0.02 + fault.strength ** 2 * 1.2
    return lambda: setattr(host.database, "latency", 0.0)


def applier_slow(world: World, host: Host, fault: Fault) -> Undo:
    host.database.apply_latency = 0.02 + fault.strength * 0.3
    return lambda: setattr(host.database, "apply_latency", 0.0)


def mysqld_clean_restart(world: World, host: Host, fault: Fault) -> Undo:
    """The unit demotes with a hold before the stop, and removes the hold after the start."""
    text = "mysqld stops"
    if host.files.hold is not None or not host.powered:
        return lambda: None
    host.files.hold = text
    host.agent.wake()
    waited = [0]

    def stop() -> None:
        waited[0] += 1
        if host.database.alive and not host.database.read_only and waited[0] < 100:
            world.clock.after(0.1, stop)
            return
        host.keep_down += 1
        if host.database.running:
            host.database.die()

    def undo() -> None:
        waited[0] = 1000
        if host.keep_down:
            host.keep_down -= 1
        host.start_mysqld()
        if host.files.hold == text:
            host.files.hold = None
            host.agent.wake()

    world.clock.after(0.02, stop)
    return undo


def receiver_drop(world: World, host: Host, fault: Fault) -> Undo:
    for channel in host.database.channels:
        if channel.receiver == "Yes":
            host.database.reconnect(channel)
    return lambda: None


def receiver_stopped(world: World, host: Host, fault: Fault) -> Undo:
    """By hand: STOP REPLICA IO_THREAD."""
    for channel in host.database.channels:
        host.database.stop_receiver(channel)
    return lambda: None


def disk_stall(world: World, host: Host, fault: Fault) -> Undo:
    boots = host.boots
    if not host.powered:
        return lambda: None
    host.stall_disk()
    return lambda: host.unstall_disk() if host.boots == boots else None


# ---- the machine -----------------------------------------------------------------------------------------------------


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


# ---- wires -----------------------------------------------------------------------------------------------------------


def _links(world: World, host: Host, out: bool, into: bool) -> list[tuple[str, str]]:
    nodes = [*world.network.believed, *world.setup.witnesses]
    others = [node for node in nodes if node != host.name]
    return [(host.name, other) for other in others if out] + [(other, host.name) for other in others if into]


def _cut(world: World, links: list[tuple[str, str]]) -> Undo:
    network = world.network
    network.change(network.cut, links, 1)
    return lambda: network.change(network.cut, links, -1)


def isolated(world: World, host: Host, fault: Fault) -> Undo:
    return _cut(world, _links(world, host, True, True))


def deaf(world: World, host: Host, fault: Fault) -> Undo:
    return _cut(world, _links(world, host, False, True))


def rejecting(world: World, host: Host, fault: Fault) -> Undo:
    """A firewall between its agent and those of the other candidates: who asks it is told that nobody listens, and its
    own questions are lost. Everything else goes through."""
    world.network.rejecting.add(host.name)
    return lambda: world.network.rejecting.discard(host.name)


def mute(world: World, host: Host, fault: Fault) -> Undo:
    return _cut(world, _links(world, host, True, False))


def lossy(world: World, host: Host, fault: Fault) -> Undo:
    world.network.loss[host.name] = 0.02 + 0.5 * fault.strength
    return lambda: _forget(world.network.loss, host)


def slow_wires(world: World, host: Host, fault: Fault) -> Undo:
    world.network.slow[host.name] = 0.005 + 0.25 * fault.strength ** 2
    return lambda: _forget(world.network.slow, host)


def _forget(table: dict[str, float], host: Host) -> None:
    table.pop(host.name, None)


def vrrp_blocked(world: World, host: Host, fault: Fault) -> Undo:
    names = [one.name for one in world.candidates]
    return _block(world, list(itertools.permutations(names, 2)))


def vrrp_blocked_one_way(world: World, host: Host, fault: Fault) -> Undo:
    return _block(world, [(host.name, other.name) for other in world.candidates if other is not host])


def _block(world: World, links: list[tuple[str, str]]) -> Undo:
    network = world.network
    network.change(network.vrrp_blocked, links, 1)
    return lambda: network.change(network.vrrp_blocked, links, -1)


def lost_messages(world: World, host: Host, fault: Fault) -> Undo:
    world.network.drop_next += 1 + int(fault.strength * 4)
    return lambda: setattr(world.network, "drop_next", 0)


def witness_down(world: World, host: Host, fault: Fault) -> Undo:
    before = set(world.silent_witnesses)
    world.silent_witnesses.update(world.setup.witnesses)
    return lambda: world.silent_witnesses.intersection_update(before)


# ---- our processes and files -----------------------------------------------------------------------------------------


def agent_crash(world: World, host: Host, fault: Fault) -> Undo:
    boots = host.boots
    host.agent.die()
    return lambda: host.agent.start() if host.boots == boots else None


def agent_frozen(world: World, host: Host, fault: Fault) -> Undo:
    agent, life = host.agent, host.agent.life
    agent.frozen = True
    return lambda: setattr(agent, "frozen", False) if agent.life == life else None


def keepalived_killed(world: World, host: Host, fault: Fault) -> Undo:
    boots = host.boots
    if not host.is_candidate:
        return lambda: None
    host.keepalived.kill()
    return lambda: host.keepalived.start() if host.boots == boots else None


def keepalived_stopped(world: World, host: Host, fault: Fault) -> Undo:
    boots = host.boots
    if not host.is_candidate:
        return lambda: None
    host.keepalived.stop()
    return lambda: host.keepalived.start() if host.boots == boots else None


def vip_removed(world: World, host: Host, fault: Fault) -> Undo:
    if host.vip:
        host.set_vip(False)
        host.keepalived.address_lost()
    return lambda: None


def hold(world: World, host: Host, fault: Fault) -> Undo:
    if host.files.hold is not None:
        return lambda: None
    host.files.hold = "switchover"
    host.agent.wake()

    def release() -> None:
        if host.files.hold == "switchover":
            host.files.hold = None
            host.agent.wake()

    return release


def operator_pause(world: World, host: Host, fault: Fault) -> Undo:
    hosts = list(world.hosts.values()) if fault.strength < 0.5 else [host]
    for one in hosts:
        one.files.paused = True

    def undo() -> None:
        for one in hosts:
            one.files.paused = False

    return undo


KINDS: dict[str, Callable[[World, Host, Fault], Undo]] = {
    function.__name__: function
    for function in (
        mysqld_crash, mysqld_stays_down, mysqld_hang, mysqld_slow, applier_slow, mysqld_clean_restart,
        receiver_drop, receiver_stopped, disk_stall, pause, power_off, total_outage, isolated, deaf, rejecting,
        mute, lossy, slow_wires, vrrp_blocked, vrrp_blocked_one_way, lost_messages, witness_down, agent_crash,
        agent_frozen, keepalived_killed, keepalived_stopped, vip_removed, hold, operator_pause,
    )
}
WEIGHTS = {"power_off": 3, "mysqld_crash": 2, "pause": 3, "isolated": 3, "total_outage": 2, "mysqld_hang": 2}
TARGETS = ("writer", "writer", "writer", "standby", "standby", "any")
DURATIONS = ((0.05, 0.6), (0.5, 2.5), (2.0, 4.5), (3.0, 12.0), (5.0, 25.0))


def random_fault(rng: random.Random) -> Fault:
    kinds = list(KINDS)
    kind = rng.choices(kinds, [WEIGHTS.get(kind, 1) for kind in kinds])[0]
    low, high = rng.choice(DURATIONS)
    return Fault(kind, rng.choice(TARGETS), rng.uniform(low, high), rng.random())
