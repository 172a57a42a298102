# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""mysqld, its appliers and connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import receiving
from .fault import Fault, Undo

if TYPE_CHECKING:
    from ..host import Host
    from ..world import World


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
            receiving.reconnect(host.database, channel)
    return lambda: None


def receiver_stopped(world: World, host: Host, fault: Fault) -> Undo:
    """By hand: STOP REPLICA IO_THREAD."""
    for channel in host.database.channels:
        host.database.stop_receiver(channel)
    return lambda: None


def large_transaction(world: World, host: Host, fault: Fault) -> Undo:
    """A client's next one takes so long on the wire, and in the applier; whoever sends it does nothing else."""
    world.next_size = min(fault.lasts, 8.0)
    return lambda: setattr(world, "next_size", 0.0)


def applier_locked(world: World, host: Host, fault: Fault) -> Undo:
    """A metadata lock of an idle reader, LOCK INSTANCE FOR BACKUP, or a DDL statement that takes its time."""
    return _counted(host, "applier_locks")


def read_lock(world: World, host: Host, fault: Fault) -> Undo:
    """FLUSH TABLES WITH READ LOCK, by a backup."""
    return _counted(host, "read_locks")


def connections_full(world: World, host: Host, fault: Fault) -> Undo:
    """max_connections is reached; now and then the agent is restarted just then."""
    undo = _counted(host, "full")
    if fault.strength > 0.5:
        host.agent.die()
        host.agent.start()
    return undo


def _counted(host: Host, what: str) -> Undo:
    """Several faults of the kind may overlap; all of them end with the process."""
    database, life = host.database, host.database.life
    setattr(database, what, getattr(database, what) + 1)
    return lambda: setattr(database, what, getattr(database, what) - 1) if database.life == life else None


def sql_delay(world: World, host: Host, fault: Fault) -> Undo:
    """CHANGE REPLICATION SOURCE TO SOURCE_DELAY: it outlives mysqld."""
    host.database.sql_delay = 1 + fault.strength * 20
    return lambda: setattr(host.database, "sql_delay", 0.0)


def session_killed(world: World, host: Host, fault: Fault) -> Undo:
    """One idle session of the agent, by a person or by a proxy's cleanup."""
    lost = host.agent.watching.lost_sessions
    lost.add(world.clock.rng.choice(("gate", "second", "third", "receiver", "applier", "semi_sync")))
    return lambda: None
