# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state file's file system is full, and mysqld's is not: that is told before a fault shows it."""

from __future__ import annotations

import pytest

from mysql_ha_agent.telling import not_redundant
from mysql_ha_agent.view import View
from simulation.host import Host
from simulation.world import Setup, World


@pytest.fixture
def world() -> World:
    world = World(Setup(readers=0, topology="source_replica"), 1)
    world.get_well(60)
    return world


def roles(world: World) -> tuple[Host, Host]:
    """The writer and its standby."""
    writer = world.writer()
    assert writer is not None
    return writer, next(host for host in world.candidates if host is not writer)


def told(writer: Host) -> str:
    agent = writer.agent
    assert agent.told is not None
    return not_redundant(View(agent.config, agent.told[0], writer.local()), agent.told[1])


def silence(world: World) -> float:
    return world.clock.now - world.ledger.last_acknowledged


def test_a_standby_that_cannot_save_is_no_successor_and_the_writer_says_so(world: World) -> None:
    writer, standby = roles(world)
    standby.state_full = True
    world.run(20)
    assert "cannot write its state file" in told(writer)
    assert any("No space left" in reason for reason in standby.agent.state.reasons)
    standby.state_full = False
    world.run(10)
    assert (told(writer), standby.agent.state.reasons) == ("", ())


def test_a_writer_that_cannot_save_goes_on_and_says_what_it_cannot(world: World) -> None:
    writer, standby = roles(world)
    writer.state_full = True
    world.run(20)
    assert "can neither go on without its standby" in told(writer)
    assert world.writer() is writer
    assert silence(world) < 1
    world.exempt_from_bound = True
    standby.power_off()
    world.run(20)
    assert silence(world) > 10  # it may not acknowledge what nobody would know of
    writer.state_full = False
    world.run(5)
    assert silence(world) < 1


@pytest.mark.parametrize("how", ["power_off", "mysqld"])
def test_the_writer_goes_on_alone_when_a_standby_that_cannot_save_fails(world: World, how: str) -> None:
    _writer, standby = roles(world)
    standby.state_full = True
    world.run(20)
    if how == "power_off":
        standby.power_off()
    else:
        standby.keep_down = 1
        standby.database.die()
    world.run(20)
    assert silence(world) < 1
