# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Channels and everything else that a read-only instance does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mysql_ha_agent.decisions import Save, SetTrack, StartReceiver
from mysql_ha_agent.model import Comparison, Durable, Peer, SemiSync
from unit.agent.world import (
    B_WRITES,
    CHANNEL,
    CLOSED,
    DURABLE,
    KNOWN,
    LED,
    LED_LAST,
    NOW,
    ONE_WAY,
    OPENED,
    SAME,
    STANDBY,
    TO_VIP,
    WRITER,
    B,
    R,
    kinds,
    run,
    up,
)

STOPPED = replace(CHANNEL, receiver="No")


class TestChannels:
    def test_stopped_threads_are_started(self) -> None:
        seen = replace(STANDBY, mysqld=up(replace(CLOSED, channels=(replace(STOPPED, applier=False),))))
        assert kinds(run(seen)[0]) == ["StartApplier", "StartReceiver"]

    def test_a_receiver_that_may_lead_to_an_older_writer_is_stopped_and_then_started_anew(self) -> None:
        """The VIP was on the older one when it connected."""
        server = replace(CLOSED, channels=(TO_VIP,))
        newer = replace(B_WRITES, led=4, generation=4, waits=False)
        seen = replace(STANDBY, mysqld=up(server), peers=(newer, R))
        decisions, after = run(seen, replace(KNOWN, fed_by=3), of=ONE_WAY)
        assert kinds(decisions) == ["StopReceiver", "SetTrack", "Save"]
        stopped = replace(seen, mysqld=up(replace(server, channels=(replace(TO_VIP, receiver="No"),))))
        seen = replace(stopped, track="1", saved=after.durable)
        decisions, after = run(seen, after, NOW + 1, of=ONE_WAY)
        assert (kinds(decisions), after.fed_by) == (["StartReceiver"], 4)

    def test_a_direct_channel_from_the_newest_writer_goes_on(self) -> None:
        newer = replace(B_WRITES, led=4, generation=4, waits=False)
        assert kinds(run(replace(STANDBY, peers=(newer, R)), replace(KNOWN, fed_by=3))[0]) == [
            "SetTrack", "Save"]

    def test_while_only_an_older_writer_is_heard_nothing_is_received(self) -> None:
        older = replace(STANDBY, peers=(replace(B_WRITES, led=2), R))
        assert kinds(run(older, replace(KNOWN, fed_by=2))[0]) == ["StopReceiver"]

    def test_a_new_agent_leaves_the_receivers_until_it_has_heard_a_writer(self) -> None:
        starting = replace(STANDBY, peers=(replace(B, phase="starting", eligible=False), R))
        assert not {"StopReceiver", "StartReceiver"} & set(kinds(run(starting, KNOWN)[0]))

    def test_in_a_new_cluster_what_was_connected_before_the_first_promotion_is_stopped(self) -> None:
        """With three candidates the first promotion waits until the third receives no more."""
        first = replace(B, phase="promoting", generation=1, led=1, vip_here=True)
        early = replace(KNOWN, durable=Durable(), fed_by=0, writer="", writer_set="", contact=None)
        decisions, _ = run(replace(STANDBY, peers=(first, R), saved=Durable(generation=1, left_behind=True)), early)
        assert "StopReceiver" in kinds(decisions)

    def test_an_applier_that_failed_is_left_alone(self) -> None:
        seen = replace(STANDBY, track="1",
                       mysqld=up(replace(CLOSED, channels=(replace(CHANNEL, applier=False, applier_error=1062),))))
        assert run(seen)[0] == []

    def test_own_vip_channel_is_healed_when_the_vip_has_left(self) -> None:
        stopped = replace(TO_VIP, receiver="No", receiver_error=13117)
        seen = replace(STANDBY, mysqld=up(replace(CLOSED, channels=(stopped,))))
        assert run(seen, of=ONE_WAY)[0] == [StartReceiver("it was stopped", "")]

    def test_the_writer_of_source_replica_does_not_replicate(self) -> None:
        seen = replace(WRITER, mysqld=up(replace(OPENED, channels=(TO_VIP,))))
        assert kinds(run(seen, LED, of=ONE_WAY)[0]) == ["StopReceiver"]

    def test_before_the_applier_runs_semi_sync_is_off(self) -> None:
        booted = replace(CLOSED, channels=(replace(STOPPED, applier=False),), semi_sync=SemiSync(True, 0))
        assert kinds(run(replace(STANDBY, mysqld=up(booted)))[0]) == ["SwitchSemiSync"]

    UNPROVEN = replace(LED, durable=replace(LED_LAST, source_proven=False))

    @pytest.mark.parametrize(
        ("peer", "comparison", "starts"),
        [
            pytest.param(B, SAME, True, id="read-only and nothing of its own"),
            pytest.param(B, replace(SAME, peer_extra="v:7"), False, id="an errant tail"),
            pytest.param(replace(B, gtid_executed="u:1-9,v:7"), SAME, False, id="the comparison is old"),
            pytest.param(replace(B, mysqld_up=False), SAME, False, id="mysqld down"),
            pytest.param(replace(B, asked=NOW, answered=NOW - 1), SAME, False, id="silent"),
            pytest.param(replace(B, closed=False), SAME, False, id="not read-only"),
        ],
    )
    def test_the_old_writer_is_pulled_from_only_when_it_is_proven(
        self, peer: Peer, comparison: Comparison, starts: bool
    ) -> None:
        server = replace(OPENED, channels=(STOPPED,), comparisons=(("b", comparison),))
        decisions, after = run(replace(WRITER, mysqld=up(server), peers=(peer, R)), self.UNPROVEN)
        assert ("StartReceiver" in kinds(decisions)) is starts
        assert after.durable.source_proven is starts

    def test_a_demoted_writer_does_not_pull_from_an_unproven_peer_either(self) -> None:
        seen = replace(STANDBY, mysqld=up(replace(CLOSED, comparisons=())), peers=(B, R))
        assert kinds(run(seen, replace(self.UNPROVEN, led=False))[0]) == ["StopReceiver", "Save"]

    def test_whoever_became_writer_after_us_is_followed(self) -> None:
        ahead = replace(SAME, peer_extra="v:1-5")
        server = replace(CLOSED, channels=(STOPPED,), comparisons=(("b", ahead),))
        seen = replace(STANDBY, mysqld=up(server))
        assert "StartReceiver" in kinds(run(seen, replace(self.UNPROVEN, led=False))[0])


class TestErrant:
    SEEN = replace(STANDBY, mysqld=up(replace(CLOSED, comparisons=(("b", replace(SAME, own_extra="u:10")),))))

    def test_known_after_it_was_seen_for_a_while_and_kept(self) -> None:
        state = run(self.SEEN)[1]
        assert state.durable.errant == ""
        state = replace(state, suspects=("u:10", NOW - 2))
        decisions, state = run(self.SEEN, state)
        assert state.durable.errant == "u:10"
        assert any(isinstance(decision, Save) for decision in decisions)
        assert "u:10" in run(self.SEEN, state)[1].reasons[0]

    def test_forgotten_when_the_writer_has_it(self) -> None:
        state = replace(KNOWN, durable=replace(DURABLE, errant="u:10"))
        assert run(STANDBY, state)[1].durable.errant == ""


def test_a_channel_that_breaks_again_and_again_does_not_move_the_track_file_each_time() -> None:
    """Its receiver is restarted every second, and has no error until the source answers."""
    broken = replace(STANDBY, track="1", mysqld=up(replace(CLOSED, channels=(replace(CHANNEL, receiver_error=13114),))))
    _, state = run(broken, KNOWN)
    mended = replace(STANDBY, track="1")
    decisions, state = run(mended, state)
    assert not any(isinstance(decision, SetTrack) for decision in decisions)
    decisions, _ = run(mended, replace(state, broken_at=NOW - 3))
    assert [d.value for d in decisions if isinstance(d, SetTrack)] == ["0"]


class TestHalfOpen:
    def test_super_read_only_may_be_off_for_a_moment(self) -> None:
        half = replace(STANDBY, mysqld=up(replace(CLOSED, super_read_only=False)))
        decisions, state = run(half)
        assert decisions == []
        assert state.half_open_since == NOW

    def test_but_not_for_long(self) -> None:
        half = replace(STANDBY, mysqld=up(replace(CLOSED, super_read_only=False)))
        assert "Demote" in kinds(run(half, replace(KNOWN, half_open_since=NOW - 60))[0])

    def test_offline_mode_is_not_left_on(self) -> None:
        assert "Demote" in kinds(run(replace(STANDBY, mysqld=up(replace(CLOSED, offline_mode=True))))[0])
