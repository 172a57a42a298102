# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .fault import Fault, Undo

if TYPE_CHECKING:
    from ..host import Host
    from ..world import World


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


def old_agent(world: World, host: Host, fault: Fault) -> Undo:
    """It is of the version before, in the middle of an upgrade: it does not tell what is new."""
    host.agent.old = True
    return lambda: setattr(host.agent, "old", False)
