# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the pretended mysqld does with what attacks patched into it before."""

from __future__ import annotations

import pytest

from simulation.channels import MORE_THAN_SOURCE
from simulation.clockwork import Violation
from simulation.faults import Fault, do
from simulation.host import Host
from simulation.world import Setup, World


@pytest.fixture
def world() -> World:
    world = World(Setup(readers=0, topology="source_replica"), 1)
    world.get_well(60)
    world.run(3)
    world.exempt_from_bound = True
    world.operator.clones = False
    return world


def pair(world: World) -> tuple[Host, Host]:
    writer = world.writer()
    assert writer is not None
    return writer, next(host for host in world.candidates if host is not writer)


def hurt(world: World, host: Host, kind: str, lasts: float, strength: float = 0.5) -> None:
    world.began()
    do(world, Fault(kind, host.name, lasts, strength), host)


def test_a_large_transaction_keeps_what_comes_after_it_waiting(world: World) -> None:
    writer, standby = pair(world)
    hurt(world, writer, "large_transaction", 1.0)
    world.run(0.5)
    large = next(iter(world.sizes))
    assert any(entry[2] == large for entry in writer.database.binlog)
    received = standby.database.channels[0].relay
    assert all(entry[2] < large for entry in received)
    world.run(1.5)
    assert any(entry[2] > large for entry in received)


def test_what_is_received_and_not_executed_is_told(world: World) -> None:
    _, standby = pair(world)
    hurt(world, standby, "applier_locked", 5.0)
    world.run(1.0)
    executed, received = standby.database.executed_text, standby.database.received_set()
    assert executed != received
    assert int(received.rpartition("-")[2]) > int(executed.rpartition("-")[2])
    assert all(channel.applied < len(channel.relay) for channel in standby.database.channels)
    world.run(6.0)
    assert standby.database.executed_text != executed


def test_a_delayed_applier_lags_by_its_delay(world: World) -> None:
    _, standby = pair(world)
    hurt(world, standby, "sql_delay", 8.0, strength=0.05)  # 2 s
    world.run(5.0)
    server = standby.agent.watching.seen().server
    assert server is not None
    assert server.channels[0].lag == pytest.approx(2.0, abs=1.0)


def test_a_receiver_skips_what_bears_its_own_server_id(world: World) -> None:
    writer, standby = pair(world)
    before = standby.database.flushed[writer.database.uuid]
    writer.power_off()
    world.run(5)
    assert standby.database.writable
    writer.database.rewind(world.clock.now - 6)
    kept = writer.database.flushed[writer.database.uuid]
    assert kept < before
    writer.power_on(0.1, 0.1, 0.1)
    world.run(10)
    assert writer.database.channels[0].receiver == "Yes"
    assert writer.database.flushed[standby.database.uuid] > 0
    assert writer.database.flushed[writer.database.uuid] == kept


def test_an_instance_that_was_seeded_again_gives_no_gtid_twice(world: World) -> None:
    writer, standby = pair(world)
    before = standby.database.uuid
    world.operator.clone(standby)
    world.run(10)
    server = standby.agent.watching.seen().server
    assert server is not None
    assert server.uuid == standby.database.uuid != before
    writer.power_off()
    world.run(10)
    assert standby.database.writable
    assert standby.database.flushed.get(before, 0) == writer.database.flushed.get(before, 0)
    assert standby.database.flushed[standby.database.uuid] > 0


def test_a_disk_that_loses_data_applies_again_what_the_relay_log_has(world: World) -> None:
    _, standby = pair(world)
    database = standby.database
    executed = dict(database.executed)
    standby.power_off()
    database.rewind(world.clock.now - 1)
    assert database.flushed != executed
    assert not any(entry[2] in {one[2] for one in database.binlog}
                   for channel in database.channels for entry in channel.relay[channel.applied:])


def test_gtids_in_nobodys_log_break_the_next_connection(world: World) -> None:
    writer, standby = pair(world)
    hurt(world, writer, "foreign_gtids", 1.0)
    assert "ux:1-100" in writer.database.executed_text
    world.run(1)
    assert standby.database.channels[0].receiver == "Yes"
    standby.kill_mysqld()
    world.run(8)
    broken = f"broken by error {MORE_THAN_SOURCE} while receiving"
    assert any(broken in reason for _, _, reason in world.clock.trace)
    assert standby.name not in writer.database.streams


def test_a_full_state_file_system_fails_each_save(world: World) -> None:
    _, standby = pair(world)
    hurt(world, standby, "state_full", 2.0)
    standby.database.stop_receiver(standby.database.channels[0])
    hurt(world, standby, "mysqld_stays_down", 1.5)
    world.run(1.5)
    assert not standby.stored.left_behind
    world.run(2.0)
    assert standby.stored.left_behind


def test_without_free_connections_nobody_new_comes_in(world: World) -> None:
    writer, standby = pair(world)
    hurt(world, writer, "connections_full", 3.0, strength=0.0)
    standby.kill_mysqld()
    world.run(2.9)
    assert standby.name not in writer.database.streams
    assert writer.database.sessions, "who was connected stays"
    world.run(8)
    assert standby.name in writer.database.streams


def test_a_pause_without_clock_is_not_seen_by_the_guest(world: World) -> None:
    _, standby = pair(world)
    standby.has_rtc = False
    before, now = standby.local(), world.clock.now
    hurt(world, standby, "pause_without_clock", 5.0)
    world.run(5.0)
    assert standby.local() - before == pytest.approx(world.clock.now - now - 5.0, abs=0.01)


@pytest.mark.parametrize("has_rtc", [True, False])
def test_after_a_pause_without_clock_the_rtc_keeps_a_standby_from_leading_without_what_was_acknowledged(
    world: World, has_rtc: bool,
) -> None:
    writer, standby = pair(world)
    standby.has_rtc = has_rtc
    hurt(world, standby, "pause_without_clock", 6.0)
    world.run(5.8)
    assert writer.agent.state.durable.alone
    writer.power_off()
    if has_rtc:
        world.run(20)
        assert not standby.database.writable
    else:
        with pytest.raises(Violation, match="I2"):
            world.run(20)


def test_a_clock_changes_its_rate_and_not_its_time(world: World) -> None:
    _, standby = pair(world)
    before = standby.local()
    standby.drift(0.02)
    assert standby.local() == pytest.approx(before)
    world.run(10)
    assert standby.local() - before == pytest.approx(10.2)


def test_of_large_packets_none_arrives(world: World) -> None:
    writer, standby = pair(world)
    hurt(world, writer, "large_lost", 3.0)
    received = dict(standby.database.received)
    world.run(2.0)
    assert standby.database.received == received
    known = standby.agent.peering.peers[writer.name]
    assert known.knocked is not None
    assert known.answered is not None
    assert standby.local() - known.knocked < 1.5 < standby.local() - known.answered


def test_a_killed_session_fails_what_runs_on_it(world: World) -> None:
    writer, _ = pair(world)
    writer.agent.watching.lost_sessions.add("second")
    writer.files.hold = "a person"
    writer.agent.wake()
    world.run(0.1)
    assert any("Demote failed: the session second was killed" in what for _, _, what in world.clock.trace)
