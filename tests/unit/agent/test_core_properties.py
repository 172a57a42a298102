# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What holds for every observation and every memory, however unlikely."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mysql_ha_agent.eligibility import is_live_writer
from mysql_ha_agent.model import (
    Comparison,
    Demote,
    Durable,
    Kill,
    Mysqld,
    Open,
    Peer,
    Seen,
    SemiSync,
    Server,
    SetTrack,
    StartReceiver,
    State,
    StopReceiver,
    SwitchSemiSync,
)
from unit.agent.world import CHANNEL, NOW, ONE_WAY, TO_VIP, config, run

times = st.sampled_from([NOW - 60, NOW - 2.5, NOW - 1, NOW - 0.2, NOW])
maybe_times = st.none() | times
sets = st.sampled_from(["", "u:1-9", "u:1-9,v:1"])
channels = st.builds(
    lambda towards, **changes: replace(towards, **changes),
    st.sampled_from([CHANNEL, TO_VIP]),
    receiver=st.sampled_from(["Yes", "No", "Connecting"]), applier=st.booleans(), drained=st.booleans(),
    receiver_error=st.sampled_from([0, 2003, 13114, 13117]), applier_error=st.sampled_from([0, 0, 1062]),
)
servers = st.builds(
    Server, taken=times, detailed=times, read_only=st.booleans(), super_read_only=st.booleans(),
    offline_mode=st.booleans(), gtid_executed=sets, uuid=st.just("u"),
    channels=st.lists(channels, max_size=1).map(tuple),
    semi_sync=st.none() | st.builds(SemiSync, st.booleans(), st.integers(0, 1)),
    comparisons=st.lists(
        st.tuples(st.just("b"), st.builds(Comparison, sets, sets, sets, st.booleans())), max_size=1).map(tuple),
)
mysqlds = st.builds(Mysqld, alive=st.booleans(), answered=maybe_times, server=st.none() | servers, error=st.just("x"))
peers = st.builds(
    Peer, name=st.just("b"), asked=maybe_times, answered=maybe_times, mysqld_up=st.booleans(), closed=st.booleans(),
    phase=st.sampled_from(["", "standby", "promoting", "writer", "demoting", "down"]), eligible=st.booleans(),
    uuid=st.just("v"), gtid_executed=sets, receiving=st.booleans(), lag=st.none() | st.floats(0, 99),
)
durables = st.builds(Durable, st.integers(0, 3), st.booleans(), st.sampled_from(["", "u:9"]))
running = st.sampled_from([
    Open("", 1, True), Demote(""), StopReceiver("", ""), StartReceiver("", ""), SwitchSemiSync("", True)])
seens = st.builds(
    Seen, vip_here=st.booleans(), keepalived=st.booleans(), hold=st.none() | st.just("x"),
    track=st.none() | st.sampled_from(["0", "1", ""]), mysqld=mysqlds, peers=peers.map(lambda peer: (peer,)),
    saved=durables, running=st.lists(running, max_size=2, unique_by=lambda decision: decision.lane).map(tuple),
)
states = st.builds(
    State, durable=durables, phase=st.sampled_from(["starting", "standby", "promoting", "writer", "demoting", "held"]),
    led=st.booleans(), last_tick=maybe_times, awake_since=times, promoting_since=maybe_times,
    demoting_since=maybe_times, killed=st.booleans(), alone_since=maybe_times, refused=st.none() | st.just("b"),
    errant_since=maybe_times, caught_up_since=maybe_times,
)
configs = st.sampled_from([
    config(), ONE_WAY, config(durability="strict"), config(instance="r", role="reader", address="10.0.0.3")])
every = settings(max_examples=300, deadline=None)


@every
@given(configs, seens, states)
def test_writes_are_opened_only_under_the_vip_drained_saved_and_without_a_live_writer(of, seen, state) -> None:  # type: ignore[no-untyped-def]
    decisions, after = run(seen, state, of=of)
    for decision in decisions:
        if isinstance(decision, Open):
            server = seen.mysqld.server
            assert (seen.vip_here, seen.keepalived, seen.hold, of.is_candidate) == (True, True, None, True)
            assert seen.mysqld.alive
            assert server is not None
            assert all(channel.drained and channel.receiver != "Yes" for channel in server.channels)
            assert not any(channel.applier_error for channel in server.channels) or after.led
            assert after.promoting_since is not None
            assert not any(
                peer.phase in ("writer", "demoting") and peer.answered is not None
                and peer.answered >= after.promoting_since
                for peer in seen.peers)
            assert seen.saved == after.durable
            assert decision.generation == after.durable.generation
            assert not after.reasons


@every
@given(configs, seens, states)
def test_the_track_file_is_0_only_without_a_reason_and_1_only_when_closed(of, seen, state) -> None:  # type: ignore[no-untyped-def]
    decisions, after = run(seen, state, of=of)
    server = seen.mysqld.server if seen.mysqld.alive else None
    for decision in decisions:
        if isinstance(decision, SetTrack) and decision.value == "0":
            assert (after.reasons, seen.hold, of.is_candidate) == ((), None, True)
            assert server is not None
        if isinstance(decision, SetTrack) and decision.value == "1":
            assert after.reasons
            writing = after.led and server is not None and not server.read_only
            assert not writing or after.killed
            assert not any(isinstance(other, (Demote, Kill)) for other in decisions) or after.killed


@every
@given(configs, seens, states)
def test_under_a_hold_only_what_this_agent_opened_is_closed_and_nothing_else_is_touched(of, seen, state) -> None:  # type: ignore[no-untyped-def]
    decisions, _ = run(replace(seen, hold="hands off"), state, of=of)
    touching = [d for d in decisions if isinstance(d, (Open, StopReceiver, StartReceiver, SwitchSemiSync))]
    assert touching == []


@every
@given(configs, seens, states)
def test_semi_sync_is_given_up_only_by_a_lone_writer_under_the_vip(of, seen, state) -> None:  # type: ignore[no-untyped-def]
    decisions, after = run(seen, state, of=of)
    for decision in decisions:
        if isinstance(decision, SwitchSemiSync) and not decision.on:
            server = seen.mysqld.server
            assert server is not None
            if server.writable:
                assert (after.phase, of.durability, seen.vip_here) == ("writer", "available", True)
                assert server.semi_sync == SemiSync(True, 0)
                assert not any(is_live_writer(peer, NOW) for peer in seen.peers)
            else:
                assert server.read_only


@every
@given(seens, states)
def test_an_unproven_source_is_never_pulled_from(seen, state) -> None:  # type: ignore[no-untyped-def]
    decisions, after = run(seen, state)
    if not after.durable.source_proven:
        assert not any(isinstance(decision, StartReceiver) for decision in decisions)


@every
@given(configs, seens, states)
def test_one_decision_for_each_idle_lane(of, seen, state) -> None:  # type: ignore[no-untyped-def]
    lanes = [decision.lane for decision in run(seen, state, of=of)[0]]
    assert len(lanes) == len(set(lanes))
    assert not set(lanes) & {decision.lane for decision in seen.running}


@pytest.mark.parametrize("paused", [0.6, 5.0, 60.0])
def test_a_pause_of_the_host_is_no_hang(paused: float) -> None:
    from unit.agent.world import HUNG, LED, WRITER

    decisions, after = run(replace(WRITER, mysqld=HUNG), LED, NOW + paused)
    assert decisions == []
    assert after.phase == "writer"
