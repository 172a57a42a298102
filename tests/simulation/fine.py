# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A writer's agent says that all is fine. Then one fault more may come, and somebody leads in time, without loss.

The fault comes in a copy of the world: a fork of this process, whose original goes on as if nothing had been asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mysql_ha_agent.telling import not_redundant
from mysql_ha_agent.view import View

from .clockwork import Violation
from .faults import Fault, inject
from .forking import in_a_fork
from .wellness import standing

if TYPE_CHECKING:
    from .host import Host
    from .world import World

SETTLED = 8.0  # seconds after a change in which its agents' word may not be true yet
LEADS_WITHIN = 30.0
LASTS = 60.0
KINDS = ("power_off", "mysqld_stays_down", "isolated", "pause", "mysqld_hang", "disk_stall")


def says_fine(writer: Host) -> bool:
    """Of what its agent tells: one fault more would neither stop the cluster nor cost data."""
    agent = writer.agent
    if not agent.alive or agent.told is None:
        return False
    seen, state = agent.told
    return state.phase == "writer" and not not_redundant(View(agent.config, seen, writer.local()), state)


def ask(world: World) -> None:
    """Now, or as soon as nothing changes any more. Raises Violation."""
    writer = world.writer()
    if writer is None or world.armed or world.clock.now - world.settled < SETTLED:
        world.clock.after(1.0, ask, world)
    elif says_fine(writer) and world.setup.takeover == "promote":
        kind = world.clock.rng.choice(KINDS)
        found = in_a_fork(lambda: _one_more(world, writer, kind))
        if found:
            raise Violation(found)


def _one_more(world: World, writer: Host, kind: str) -> str:
    """What went wrong, or nothing."""
    world.exempt_from_bound, world.one_at_a_time, world.operator.clones = True, False, False
    opening = world.ledger.openings
    fault = Fault(kind, writer.name, LASTS)
    world.roles[writer.name] = writer
    began = world.clock.now
    said = f"all was fine at {began:.1f} s, said {writer.name}, and after {fault}"
    try:
        inject(world, fault)
        while world.ledger.openings == opening or world.writer() is None:
            if world.clock.now - began >= LEADS_WITHIN:
                return f"I3: {said} nobody led within {LEADS_WITHIN:g} s: {standing(world)}"
            world.run(0.5)
    except Violation as violation:
        return f"{said}: {violation}"
    return ""
