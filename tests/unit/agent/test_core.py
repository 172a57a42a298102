# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is decided, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mysql_ha_agent.model import (
    Comparison,
    Demote,
    Durable,
    Open,
    Peer,
    Save,
    Seen,
    SemiSync,
    Server,
    SetTrack,
    StartReceiver,
    State,
    StopReceiver,
    SwitchSemiSync,
)
from unit.agent.world import (
    ARRIVED,
    B_WRITES,
    CHANNEL,
    CLOSED,
    DOWN,
    DURABLE,
    HUNG,
    KNOWN,
    LED,
    NOW,
    ONE_WAY,
    OPENED,
    SAME,
    SILENT,
    STANDBY,
    TO_VIP,
    WRITER,
    B,
    R,
    config,
    kinds,
    run,
    up,
)

STOPPED = replace(CHANNEL, receiver="No")
PROMOTING = replace(KNOWN, phase="promoting", promoting_since=NOW - 0.01,
                    durable=Durable(generation=4, source_proven=False))
READY = replace(ARRIVED, mysqld=up(replace(CLOSED, channels=(STOPPED,))), saved=PROMOTING.durable)


def ready(server: Server | None = None, **changes: object) -> Seen:
    seen = replace(READY, **changes)  # type: ignore[arg-type]
    return seen if server is None else replace(seen, mysqld=up(server))


class TestQuiet:
    @pytest.mark.parametrize(("seen", "state"), [(STANDBY, KNOWN), (WRITER, LED)])
    def test_nothing_is_done(self, seen: Seen, state: State) -> None:
        decisions, after = run(seen, state)
        assert decisions == []
        assert after.phase == state.phase

    def test_a_restarted_agent_adopts_a_writer(self) -> None:
        decisions, after = run(WRITER, State(durable=DURABLE))
        assert decisions == []
        assert (after.phase, after.led) == ("writer", True)

    @pytest.mark.parametrize("track", ["0", "1"])
    def test_before_all_were_asked_the_track_file_stays(self, track: str) -> None:
        seen = replace(STANDBY, track=track, peers=(Peer("b"), R))
        assert run(seen, State())[0] == []

    def test_mysqld_that_never_answers_is_not_waited_for(self) -> None:
        seen = replace(STANDBY, mysqld=replace(DOWN, error=""))
        state = replace(State(durable=DURABLE), last_tick=NOW - 0.1, awake_since=NOW - 1.5)
        assert kinds(run(seen, state)[0]) == ["SetTrack"]


class TestPromotion:
    def test_it_begins_with_a_new_generation_and_a_question(self) -> None:
        decisions, after = run(ARRIVED)
        assert kinds(decisions) == ["AskPeers", "Save"]
        assert after.durable == Durable(generation=4, source_proven=False)
        assert after.phase == "promoting"

    def test_all_steps_done(self) -> None:
        assert run(READY, PROMOTING)[0] == [Open("the VIP is here and everything received is applied", 4, True)]

    @pytest.mark.parametrize(
        ("seen", "decided", "waiting"),
        [
            (ready(replace(CLOSED, detailed=NOW - 1)), [], "fresh look"),
            (ready(CLOSED), ["StopReceiver"], "receiver"),
            (ready(replace(CLOSED, channels=(replace(CHANNEL, receiver="Connecting"),))), ["StopReceiver"], "receiver"),
            (ready(CLOSED, running=(StopReceiver("", ""),)), [], "receiver"),
            (ready(replace(CLOSED, channels=(replace(STOPPED, drained=False),))), [], "applied"),
            (ready(replace(CLOSED, channels=(replace(STOPPED, drained=False, applier=False),))), ["StartApplier"],
             "applied"),
            (ready(peers=(B_WRITES, R)), ["AskPeers"], "b, which is writer"),
            (ready(peers=(replace(B, phase="demoting"), R)), ["AskPeers"], "b, which is demoting"),
            (ready(peers=(replace(B, asked=NOW - 1, answered=NOW - 1), R)), [], "b to say"),
            (ready(saved=DURABLE), ["Save"], "state file"),
            (ready(running=(SwitchSemiSync("", False),)), [], "semi-sync"),
        ],
    )
    def test_each_step_is_waited_for(self, seen: Seen, decided: list[str], waiting: str) -> None:
        decisions, after = run(seen, PROMOTING)
        assert kinds(decisions) == decided
        assert waiting in after.waiting

    def test_a_receiver_that_only_connects_is_not_waited_for_once_it_was_told_to_stop(self) -> None:
        seen = ready(replace(CLOSED, channels=(replace(CHANNEL, receiver="Connecting"),)),
                     running=(StopReceiver("", ""),))
        assert kinds(run(seen, PROMOTING)[0]) == ["Open"]

    def test_a_silent_peer_is_waited_for_briefly(self) -> None:
        silent = replace(SILENT, asked=NOW - 1)
        seen = ready(peers=(silent, R))
        assert run(seen, PROMOTING)[1].waiting.startswith("b to say")
        later = replace(PROMOTING, promoting_since=NOW - 0.2)
        assert kinds(run(replace(seen, peers=(silent, R)), later)[0]) == ["Open"]

    def test_the_vip_is_given_back_to_a_writer_that_stays(self) -> None:
        seen = ready(peers=(B_WRITES, R))
        _, after = run(seen, replace(PROMOTING, promoting_since=NOW - 2))
        decisions, after = run(seen, after, NOW + 0.05)
        assert [d for d in decisions if isinstance(d, SetTrack)] == [
            SetTrack("b is a live writer although the VIP came here.", "1")]
        assert run(replace(STANDBY, peers=(B, R)), after, NOW + 1)[1].refused is None

    def test_of_two_that_promote_the_first_in_the_list_goes_on(self) -> None:
        assert kinds(run(ready(peers=(replace(B, phase="promoting"), R)), PROMOTING)[0]) == ["Open"]
        second = config(instance="b", address="10.0.0.2")
        seen = ready(peers=(replace(B, name="a", phase="promoting"), R))
        assert "a, which is promoting" in run(seen, PROMOTING, of=second)[1].waiting

    def test_semi_sync_starts_off_when_every_standby_is_known_to_be_down(self) -> None:
        seen = ready(peers=(replace(B, mysqld_up=False, closed=False), R))
        assert run(seen, PROMOTING)[0] == [Open("the VIP is here and everything received is applied", 4, False)]

    def test_the_vip_leaves_half_way(self) -> None:
        decisions, after = run(replace(READY, vip_here=False), PROMOTING)
        assert (after.phase, after.promoting_since) == ("standby", None)
        assert "Open" not in kinds(decisions)


class TestDemotion:
    @pytest.mark.parametrize(
        "seen",
        [
            pytest.param(replace(WRITER, vip_here=False), id="the VIP left"),
            pytest.param(replace(WRITER, keepalived=False), id="keepalived is gone"),
            pytest.param(replace(WRITER, hold="mysqld stops"), id="held"),
            pytest.param(replace(WRITER, mysqld=HUNG), id="hung, and b can succeed"),
            pytest.param(replace(WRITER, vip_here=False, mysqld=up(replace(OPENED, super_read_only=True))),
                         id="a SET that waits reads 1 already"),
        ],
    )
    def test_writes_are_closed_and_the_track_file_waits(self, seen: Seen) -> None:
        decisions, after = run(seen, LED)
        assert kinds(decisions) == ["Demote"]
        assert after.phase == "demoting"

    def test_writable_without_the_vip_at_first_contact(self) -> None:
        assert kinds(run(replace(WRITER, vip_here=False), State(durable=DURABLE))[0]) == ["Demote"]

    def test_the_track_file_follows_when_it_is_closed(self) -> None:
        closed = replace(WRITER, hold="mysqld stops", mysqld=up(CLOSED))
        decisions, after = run(closed, replace(LED, phase="demoting", demoting_since=NOW - 0.1))
        assert decisions == [SetTrack("It is held: mysqld stops.", "1")]
        assert (after.phase, after.led, after.demoting_since) == ("held", False, None)

    def test_past_the_bound_mysqld_is_killed_and_then_the_track_file_follows(self) -> None:
        late = replace(LED, phase="demoting", demoting_since=NOW - 0.31)
        decisions, after = run(replace(WRITER, vip_here=False, running=(Demote(""),)), late)
        assert kinds(decisions) == ["Kill"]
        assert after.killed
        assert kinds(run(replace(WRITER, vip_here=False), after, NOW + 0.05)[0]) == ["SetTrack"]

    def test_there_is_more_time_while_the_vip_is_here(self) -> None:
        late = replace(LED, phase="demoting", demoting_since=NOW - 1.4)
        assert "Kill" not in kinds(run(replace(WRITER, hold="x"), late)[0])
        late = replace(late, demoting_since=NOW - 1.5)
        assert "Kill" in kinds(run(replace(WRITER, hold="x"), late)[0])

    def test_a_hung_writer_gets_no_more_time_although_the_vip_is_here(self) -> None:
        late = replace(LED, phase="demoting", demoting_since=NOW - 0.31)
        assert "Kill" in kinds(run(replace(WRITER, mysqld=HUNG), late)[0])

    def test_a_dead_writer_needs_no_demotion(self) -> None:
        assert kinds(run(replace(WRITER, mysqld=DOWN), LED)[0]) == ["SetTrack"]

    def test_while_writes_are_being_opened_it_is_not_closed(self) -> None:
        opening = replace(READY, vip_here=False, running=(Open("", 4, True),))
        decisions, after = run(opening, PROMOTING)
        assert after.phase == "demoting"
        assert "SetTrack" not in kinds(decisions)


class TestHold:
    def test_the_agent_touches_nothing(self) -> None:
        cloning = replace(STANDBY, hold="clone", track="1",
                          mysqld=up(replace(OPENED, channels=(STOPPED,), semi_sync=SemiSync(True, 0))))
        decisions, after = run(cloning)
        assert decisions == []
        assert after.phase == "held"

    def test_afterwards_it_looks_after_the_instance_again(self) -> None:
        held = replace(KNOWN, phase="held")
        seen = replace(STANDBY, mysqld=up(replace(CLOSED, channels=(STOPPED,))))
        assert kinds(run(seen, held)[0]) == ["StartReceiver"]


class TestChannels:
    def test_stopped_threads_are_started(self) -> None:
        seen = replace(STANDBY, mysqld=up(replace(CLOSED, channels=(replace(STOPPED, applier=False),))))
        assert kinds(run(seen)[0]) == ["StartApplier", "StartReceiver"]

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

    UNPROVEN = replace(LED, durable=replace(DURABLE, source_proven=False))

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
        state = replace(state, errant_since=NOW - 2)
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


class TestSemiSync:
    ALONE = replace(WRITER, mysqld=up(replace(OPENED, semi_sync=SemiSync(True, 0))))

    @pytest.mark.parametrize(
        ("alone_for", "peers", "durability", "off"),
        [
            (2.9, (SILENT, R), "available", False),
            (3.0, (SILENT, R), "available", True),
            (3.0, (SILENT, R), "strict", False),
            (9.0, (B_WRITES, R), "available", False),
            (0.1, (replace(B, mysqld_up=False), R), "available", True),
            (0.1, (replace(B, mysqld_up=False), R), "strict", False),
            (0.1, (replace(B, has_channel=False), R), "available", True),
            (0.1, (replace(B, has_channel=False), R), "strict", False),
            (0.1, (replace(B, has_channel=False, gtid_executed=""), R), "strict", True),
            (0.1, (replace(B, gtid_executed=""), R), "strict", False),
            (0.1, (replace(B, has_channel=False, answered=NOW - 2), R), "available", False),
        ],
    )
    def test_a_lone_writer_goes_on_after_the_lease(
        self, alone_for: float, peers: tuple[Peer, ...], durability: str, off: bool
    ) -> None:
        decisions, _ = run(replace(self.ALONE, peers=peers), replace(LED, alone_since=NOW - alone_for),
                           of=config(durability=durability))
        assert ([d.on for d in decisions if isinstance(d, SwitchSemiSync)] == [False]) is off

    @pytest.mark.parametrize(
        ("peer", "comparison", "since", "on"),
        [
            (B, SAME, None, True),
            (B, replace(SAME, lacks=True), None, False),
            (B, replace(SAME, lacks=True), NOW - 2, True),
            (replace(B, lag=30.0), replace(SAME, lacks=True), NOW - 2, False),
            (replace(B, receiving=False), SAME, NOW - 2, False),
        ],
    )
    def test_on_again_when_a_standby_is_nearly_caught_up(
        self, peer: Peer, comparison: Comparison, since: float | None, on: bool
    ) -> None:
        server = replace(OPENED, semi_sync=SemiSync(False, 1), comparisons=(("b", comparison),))
        decisions, _ = run(replace(WRITER, mysqld=up(server), peers=(peer, R)), replace(LED, caught_up_since=since))
        assert ([d.on for d in decisions if isinstance(d, SwitchSemiSync)] == [True]) is on


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


def test_a_killed_process_that_lingers_is_not_looked_after() -> None:
    decisions, after = run(replace(WRITER, track="1"), replace(LED, killed=True))
    assert decisions == []
    assert after.phase == "down"  # peers wait for one that is demoting
