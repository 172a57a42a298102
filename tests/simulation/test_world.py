# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pretended world behaves as was measured on real servers, and tells what the real agent tells."""

from __future__ import annotations

import dataclasses
import json

import pytest

from mysql_ha_agent.model import State
from mysql_ha_agent.peers import parse
from mysql_ha_agent.telling import status
from simulation.carrying import Demotion
from simulation.fast import replace
from simulation.peering import content
from simulation.world import Setup, World


@pytest.fixture
def world() -> World:
    world = World(Setup(), 1)
    world.get_well(60)
    return world


def test_the_fast_replace_is_the_same() -> None:
    old = State(phase="standby", reasons=("x",))
    assert replace(old, phase="writer", led=True) == dataclasses.replace(old, phase="writer", led=True)
    assert old.phase == "standby"


def test_what_an_agent_tells_is_what_the_real_one_would_tell(world: World) -> None:
    for host in world.hosts.values():
        agent = host.agent
        assert agent.told is not None
        now = host.local()
        said = json.dumps(status(agent.config, *agent.told, now, serial="s-1")).encode()
        real, own = parse(host.name, said).peer, content(agent, *agent.told, now)
        assert dataclasses.replace(real, hears=()) == dataclasses.replace(own, hears=())
        assert [heard[:2] for heard in real.hears] == [heard[:2] for heard in own.hears]


def test_a_commit_waits_for_its_acknowledgement_and_a_crash_leaves_it_as_a_tail(world: World) -> None:
    writer = world.writer()
    assert writer is not None
    for host in world.candidates:
        if host is not writer:
            host.pause()
    world.run(0.3)
    database = writer.database
    waiting = len(database.binlog) - database.committed
    assert waiting > 0
    acknowledged = len(world.ledger.acknowledgements)
    world.run(1.0)
    assert len(world.ledger.acknowledgements) == acknowledged
    writer.keep_down = 1
    database.die()
    writer.keep_down = 0
    database.boot()
    assert database.committed == len(database.binlog)
    assert len(world.ledger.acknowledgements) == acknowledged
    assert database.read_only


def test_semi_sync_switched_off_tells_ok_to_those_who_are_still_connected(world: World) -> None:
    writer = world.writer()
    assert writer is not None
    for host in world.candidates:
        if host is not writer:
            host.pause()
    world.run(0.3)
    before = len(world.ledger.acknowledgements)
    writer.database.semi_sync = False
    writer.database.try_commit()
    world.run(0.005)
    assert len(world.ledger.acknowledgements) > before


def test_a_demotion_cuts_the_clients_off_first(world: World) -> None:
    writer = world.writer()
    assert writer is not None
    for host in world.candidates:
        if host is not writer:
            host.pause()
    world.run(0.3)
    before = len(world.ledger.acknowledgements)
    ended: list[str] = []
    writer.agent.frozen = True
    Demotion(writer.database, ended.append)
    world.run(1.5)
    assert ended == [""]
    assert writer.database.read_only
    assert not writer.database.commits_wait
    assert len(world.ledger.acknowledgements) == before


def test_a_higher_priority_takes_the_vip_back_only_from_a_master(world: World) -> None:
    """nopreempt: who comes later does not take it, whatever its priority; of two holders the higher one stays."""
    writer = world.writer()
    assert writer is not None
    other = next(host for host in world.candidates if host is not writer)
    other.agent.frozen = True  # it would put its lead back, and refuse the VIP
    other.files.lead = "99"
    world.run(5)
    assert (writer.vip, other.vip) == (True, False)
    links = [(writer.name, other.name), (other.name, writer.name)]
    world.network.change(world.network.vrrp_blocked, links, 1)
    world.run(1.8)
    assert (writer.vip, other.vip) == (True, True)
    world.network.change(world.network.vrrp_blocked, links, -1)
    world.run(0.6)
    assert writer.vip is False
