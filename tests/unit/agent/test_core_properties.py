# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What holds for every observation and every memory, however unlikely."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mysql_ha_agent.decisions import Demote, Kill, Open, SetTrack, StartReceiver, StopReceiver, SwitchSemiSync
from mysql_ha_agent.model import Comparison, Durable, Mysqld, Peer, Seen, SemiSync, Server, State, VipProbe, Witness
from mysql_ha_agent.standing import in_contact
from mysql_ha_agent.view import View
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
    uuid=st.just("v"), gtid_executed=sets, receiving=st.booleans(), pending=sets,
    behind=st.none() | st.floats(0, 99), applier_stands=st.booleans(),
    vote=st.integers(0, 5), voted_for=st.sampled_from(["", "a", "b"]), commits_wait=st.booleans(),
    refused=maybe_times, knocked=maybe_times, vip_here=st.booleans(), generation=st.integers(0, 3),
    led=st.integers(0, 3), alone=st.booleans(), left_behind=st.booleans(), errant=sets, waits=st.booleans(),
    lead=st.sampled_from([0, 8, 16]), has_channel=st.booleans(),
)
durables = st.builds(
    Durable, st.integers(0, 3), st.integers(0, 3), st.booleans(), st.booleans(), st.booleans(),
    st.sampled_from(["", "u:9"]),
).map(lambda durable: replace(durable, generation=max(durable.generation, durable.led)))
running = st.sampled_from([
    Open("", 1, True), Demote(""), StopReceiver("", ""), StartReceiver("", ""), SwitchSemiSync("", True)])
seens = st.builds(
    Seen, vip_here=st.booleans(), keepalived=st.booleans(), hold=st.none() | st.just("x"),
    track=st.none() | st.sampled_from(["0", "1", ""]), mysqld=mysqlds, peers=peers.map(lambda peer: (peer,)),
    saved=durables, paused=st.booleans(), request=st.sampled_from([None, None, "promote", "accept-data-loss"]),
    disk_stalled=st.sampled_from([0.0, 0.0, 99.0]), lead=st.sampled_from(["0", "8", None]),
    vip_probe=st.builds(VipProbe, maybe_times, st.sampled_from(["", "", "02:42:00:00:00:01"])),
    witnesses=st.lists(st.builds(Witness, st.just("gateway"), maybe_times, maybe_times), max_size=1).map(tuple),
    running=st.lists(running, max_size=2, unique_by=lambda decision: decision.lane).map(tuple),
)
states = st.builds(
    State, durable=durables, phase=st.sampled_from(["starting", "standby", "promoting", "writer", "demoting", "held"]),
    led=st.booleans(), last_tick=maybe_times, awake_since=times, promoting_since=maybe_times,
    demoting_since=maybe_times, killed=st.booleans(), alone_since=maybe_times, refused=st.none() | st.just("b"),
    suspects=st.none() | st.tuples(sets, times), received_of=maybe_times, fed_since=maybe_times,
    applying_since=st.none() | st.tuples(sets, times), caught_up_since=maybe_times, started=times, contact=maybe_times,
    writer=st.sampled_from(["", "b"]), writer_set=sets, promised=st.booleans(), down_since=maybe_times,
    unfed_since=maybe_times, waits_since=maybe_times, opened_at=maybe_times, claimed=st.booleans(),
    vip_lost=maybe_times, stale_since=maybe_times,
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
            assert not after.durable.left_behind
            assert decision.semi_sync is None or decision.semi_sync or after.durable.alone
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
            assert not writing or after.killed or (seen.paused and server is None)
            closing = any(isinstance(other, (Demote, Kill)) for other in decisions)
            assert not closing or after.killed or (server is not None and server.closed)


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
                assert server.semi_sync is not None
                assert server.semi_sync.source_enabled
                assert seen.saved == after.durable
                assert seen.saved.alone
            else:
                assert server.read_only


@every
@given(configs, seens, states)
def test_nobody_leads_who_may_lack_something(of, seen, state) -> None:  # type: ignore[no-untyped-def]
    decisions, after = run(seen, state, of=of)
    view = View(of, seen, NOW)
    if any(isinstance(decision, SetTrack) and decision.value == "0" for decision in decisions) and not after.led:
        if after.accepted:  # a person takes the loss upon himself
            assert seen.request == "accept-data-loss"
            return
        assert not after.durable.left_behind
        assert not after.durable.errant
        unheard = [peer for peer in view.others if not view.live(peer)]
        alone = after.durable.alone and after.durable.led == after.durable.generation
        assert not unheard or alone or after.promised or in_contact(view, after)


@every
@given(configs, seens, states)
def test_a_generation_is_never_forgotten_and_claimed_only_under_the_vip(of, seen, state) -> None:  # type: ignore[no-untyped-def]
    _, after = run(seen, state, of=of)
    assert after.durable.generation >= state.durable.generation
    assert after.durable.led >= state.durable.led
    if after.durable.led > state.durable.led:
        assert seen.vip_here
        assert after.claimed


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
