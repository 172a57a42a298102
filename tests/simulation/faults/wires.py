# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The wires between the hosts."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from .fault import Fault, Undo

if TYPE_CHECKING:
    from ..host import Host
    from ..world import World


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


def large_lost(world: World, host: Host, fault: Fault) -> Undo:
    """Between it and one other large packets are lost, as where no ICMP message tells the path's MTU."""
    other = world.clock.rng.choice([one for one in world.candidates if one is not host] or [host])
    links = {(host.name, other.name), (other.name, host.name)}
    world.network.small_only |= links
    return lambda: world.network.small_only.difference_update(links)
