# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Is the cluster well, does anybody write, and if not: what of the documentation says that nobody need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .channels import MORE_THAN_SOURCE

if TYPE_CHECKING:
    from .host import Host
    from .world import World


def ailments(world: World) -> list[str]:
    """Why the cluster is not well yet; empty: it is."""
    writer = world.writer()
    if writer is None:
        return ["nobody is the writer"]
    others = [host for host in world.candidates if host is not writer]
    found = [f"{host.name} is writable too" for host in others if host.database.writable]
    found += [f"{host.name} has the VIP" for host in world.candidates if host.vip != (host is writer)]
    if world.clock.now - world.ledger.last_acknowledged > 1.0:
        found.append("nothing has been acknowledged for a second")
    if len(world.candidates) > 1 and (not writer.database.semi_sync or writer.agent.saved.alone):
        found.append(f"{writer.name} does not wait for a second copy")
    for host in world.hosts.values():
        found += [f"{host.name}: {what}" for what in _ails(host, writer)]
    return found


def _ails(host: Host, writer: Host) -> list[str]:
    agent = host.agent
    if not agent.alive or agent.told is None:
        return ["no agent"]
    state = agent.state
    if host is writer:
        return [] if state.phase == "writer" else [f"phase {state.phase}"]
    found = []
    if state.phase != "standby":
        found.append(f"phase {state.phase}")
    if host.is_candidate and state.reasons:
        found.append(" ".join(state.reasons))
    if all(channel.receiver != "Yes" for channel in host.database.channels):
        found.append("receives nothing")
    if host.database.received != writer.database.flushed and host.database.binlog \
            and any(host.database.received.get(uuid, 0) > writer.database.flushed.get(uuid, 0)
                    for uuid in host.database.received):
        found.append("has what the writer has not")
    if not all(channel.drained for channel in host.database.channels):
        found.append("is behind")
    return found


def excuse(world: World) -> str:
    """Why nobody writes although every fault has ended: the whole list of what is allowed."""
    whole = [host for host in world.candidates if host is not world.burdened and _usable(host)]
    if world.setup.durability == "strict" and len(whole) < 2:
        return "strict acknowledges nothing without a second copy"
    writer = world.writer()
    if writer is not None and writer is world.burdened and writer.database.read_locks:
        return "a person's read lock on the writer keeps every commit waiting"
    if writer is not None and writer is world.burdened and writer.database.full:
        return "as many clients as the writer takes are connected to it"
    if not whole:
        return "no candidate is whole"
    return ""


def _usable(host: Host) -> bool:
    """As a person would see it: it runs, and is no copy that has to be made anew."""
    diverged = any(channel.receiver_error == MORE_THAN_SOURCE for channel in host.database.channels)
    return host.powered and host.database.running and host.agent.alive and not host.agent.saved.errant and not diverged


def standing(world: World) -> str:
    """One line for a report."""
    return "; ".join(
        f"{host.name} {host.agent.state.phase}{' with the VIP' if host.vip else ''}"
        f"{' waits for ' + host.agent.state.waiting if host.agent.state.waiting else ''}"
        f" {' '.join(host.agent.state.reasons)}" for host in world.candidates)
