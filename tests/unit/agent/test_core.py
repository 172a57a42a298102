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
    Fence,
    Open,
    Peer,
    RemoveVip,
    Save,
    Seen,
    SemiSync,
    Server,
    SetLead,
    SetTrack,
    StartReceiver,
    State,
    StopReceiver,
    SwitchSemiSync,
    VipProbe,
    Witness,
)
from unit.agent.world import (
    ARRIVED,
    B_WRITES,
    CHANNEL,
    CLOSED,
    DOWN,
    DURABLE,
    HUNG,
    KEYS,
    KNOWN,
    LED,
    LED_LAST,
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
PROMOTING = replace(KNOWN, phase="promoting", promoting_since=NOW - 0.01, promised=True, claimed=True,
                    durable=Durable(generation=4, led=4, source_proven=False))
READY = replace(ARRIVED, mysqld=up(replace(CLOSED, channels=(STOPPED,))), saved=PROMOTING.durable, lead="8")
UNCLAIMED = replace(PROMOTING, claimed=False, durable=DURABLE)


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
        decisions, after = run(WRITER, State(durable=LED_LAST))
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
    def test_it_begins_with_a_question(self) -> None:
        decisions, after = run(ARRIVED)
        assert kinds(decisions) == ["AskPeers"]
        assert (after.phase, after.promised, after.durable) == ("promoting", True, DURABLE)

    def test_the_generation_is_claimed_last_and_saved_before_writes_are_opened(self) -> None:
        decisions, after = run(replace(READY, saved=DURABLE, lead="0"), UNCLAIMED)
        assert decisions == [SetLead("this instance is promoted", "8"), Save("the memory changed", PROMOTING.durable)]
        assert after.waiting == "the state file"

    def test_without_anybody_to_acknowledge_it_is_alone_on_disk_first(self) -> None:
        seen = ready(peers=(replace(SILENT, asked=NOW - 0.005), R), saved=DURABLE)
        decisions, after = run(seen, UNCLAIMED)
        assert after.durable.alone
        decisions, _ = run(replace(seen, saved=after.durable), after)
        assert [d.semi_sync for d in decisions if isinstance(d, Open)] == [False]

    def test_over_a_silent_writer_the_priority_is_higher_than_that_one_s(self) -> None:
        seen = ready(peers=(replace(SILENT, asked=NOW - 0.005, lead=8), R), saved=DURABLE, lead="0")
        assert [d.value for d in run(seen, UNCLAIMED)[0] if isinstance(d, SetLead)] == ["16"]

    def test_an_answer_from_before_the_cut_is_no_witness(self) -> None:
        before = NOW - 0.5
        cut = (replace(SILENT, asked=NOW - 0.005, answered=before), replace(R, asked=NOW - 0.005, answered=before))
        seen = ready(peers=cut, saved=DURABLE, witnesses=(Witness("gateway", before, before),))
        assert run(seen, UNCLAIMED)[1].waiting == "a witness"
        assert run(replace(seen, witnesses=(Witness("gateway", NOW, NOW),)), UNCLAIMED)[1].claimed

    def test_silent_is_who_has_not_answered_since_the_vip_came(self) -> None:
        waiting = replace(SILENT, asked=NOW - 0.6, answered=NOW - 0.6, lead=8)  # its long poll has not ended
        seen = ready(peers=(waiting, R), saved=DURABLE, lead="0")
        later = replace(UNCLAIMED, promoting_since=NOW - 0.2)
        assert [d.value for d in run(seen, later)[0] if isinstance(d, SetLead)] == ["16"]

    def test_a_third_candidate_must_have_heard_before_writes_are_opened(self) -> None:
        third = {"name": "c", "address": "10.0.0.4", "port": 3306, "agent_port": 8308, "role": "candidate"}
        of = config(topology="source_replica", members=[*KEYS["members"][:2], third, KEYS["members"][2]])
        old = replace(B, mysqld_up=False)
        c = replace(B, name="c", receiving=True, generation=3)
        server = replace(CLOSED, channels=(STOPPED,), comparisons=(("", SAME), ("c", SAME)))
        seen = ready(server, peers=(old, c, R))
        decisions, after = run(seen, PROMOTING, of=of)
        assert kinds(decisions) == ["AskPeers"]
        assert after.waiting == "c to hear of the promotion"
        heard = replace(c, generation=4, receiving=False, left_behind=True)
        assert "Open" in kinds(run(replace(seen, peers=(old, heard, R)), PROMOTING, of=of)[0])

    def test_what_the_writer_had_must_be_here(self) -> None:
        lacks = replace(SAME, peer_extra="v:8")
        seen = ready(replace(CLOSED, channels=(STOPPED,), comparisons=(("", lacks), ("b", SAME))), saved=DURABLE)
        decisions, after = run(seen, UNCLAIMED)
        assert after.durable.left_behind
        assert "Open" not in kinds(decisions)

    def test_a_reader_that_hears_the_writer_after_the_vip_came_forbids_it(self) -> None:
        hears = replace(R, hears=(("b", "writer", 0.001),))
        seen = ready(peers=(replace(SILENT, asked=NOW - 0.005), hears), saved=DURABLE)
        assert "b, which r hears write" in run(seen, UNCLAIMED)[1].waiting
        before = replace(R, hears=(("b", "writer", 0.7),))
        assert run(replace(seen, peers=(seen.peers[0], before)), UNCLAIMED)[1].claimed

    def test_the_fence_command_comes_before_writes_when_the_old_writer_is_silent(self) -> None:
        of = config(fence_command=["/usr/local/sbin/fence"])
        seen = ready(peers=(replace(SILENT, asked=NOW - 0.005), R))
        alone = replace(PROMOTING, durable=replace(PROMOTING.durable, alone=True))
        seen = replace(seen, saved=alone.durable)
        decisions, after = run(seen, alone, of=of)
        assert [d.peer for d in decisions if isinstance(d, Fence)] == ["b"]
        assert "Open" not in kinds(decisions)
        assert "Open" in kinds(run(replace(seen, fenced=NOW), after, of=of)[0])

    def test_a_person_decides_with_read_only(self) -> None:
        of = config(takeover="read_only")
        assert "a person" in run(ready(saved=DURABLE), UNCLAIMED, of=of)[1].waiting
        assert run(ready(saved=DURABLE, request="promote"), UNCLAIMED, of=of)[1].claimed
        led_last = replace(UNCLAIMED, durable=LED_LAST)
        assert run(ready(saved=LED_LAST), led_last, of=of)[1].claimed

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

    def test_what_the_writer_had_is_compared_first(self) -> None:
        seen = ready(replace(CLOSED, channels=(STOPPED,), comparisons=()), saved=DURABLE)
        assert "comparison" in run(seen, UNCLAIMED)[1].waiting

    def test_a_receiver_that_only_connects_is_not_waited_for_once_it_was_told_to_stop(self) -> None:
        seen = ready(replace(CLOSED, channels=(replace(CHANNEL, receiver="Connecting"),)),
                     running=(StopReceiver("", ""),))
        assert kinds(run(seen, PROMOTING)[0]) == ["Open"]

    def test_a_silent_peer_is_waited_for_briefly(self) -> None:
        silent = replace(SILENT, asked=NOW - 1)
        seen = ready(peers=(silent, R), saved=replace(PROMOTING.durable, alone=True))
        assert run(seen, PROMOTING)[1].waiting.startswith("b to say")
        later = replace(PROMOTING, promoting_since=NOW - 0.2, durable=replace(PROMOTING.durable, alone=True))
        assert kinds(run(replace(seen, peers=(silent, R)), later)[0]) == ["Open"]

    def test_the_vip_is_given_back_to_a_writer_that_stays(self) -> None:
        seen = ready(peers=(B_WRITES, R))
        _, after = run(seen, replace(PROMOTING, promoting_since=NOW - 0.5))
        decisions, after = run(seen, after, NOW + 0.05)
        assert [d for d in decisions if isinstance(d, SetTrack)] == [
            SetTrack("b is a live writer although the VIP came here.", "1")]
        assert run(replace(STANDBY, peers=(B, R)), after, NOW + 1)[1].refused is None

    def test_refused_it_takes_part_again_when_the_holder_is_heard_in_vrrp(self) -> None:
        refused = replace(KNOWN, refused="b")
        assert run(STANDBY, refused)[1].reasons
        assert run(replace(STANDBY, advert=NOW - 0.5), refused)[1].reasons == ()
        assert run(replace(STANDBY, advert=NOW - 5), refused)[1].reasons

    def test_of_two_that_promote_the_first_in_the_list_goes_on(self) -> None:
        also = replace(B, phase="promoting", vip_here=True)
        assert kinds(run(ready(peers=(also, R)), PROMOTING)[0]) == ["Open"]
        second = config(instance="b", address="10.0.0.2")
        seen = ready(peers=(replace(also, name="a"), R))
        assert "a, which is promoting" in run(seen, PROMOTING, of=second)[1].waiting

    def test_semi_sync_starts_off_when_every_standby_is_known_to_be_down(self) -> None:
        alone = replace(PROMOTING, durable=replace(PROMOTING.durable, alone=True))
        seen = ready(peers=(replace(B, mysqld_up=False, closed=False), R), saved=alone.durable)
        assert run(seen, alone)[0] == [Open("the VIP is here and everything received is applied", 4, False)]

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
            pytest.param(replace(WRITER, vip_here=False, mysqld=up(replace(OPENED, super_read_only=True))),
                         id="a SET that waits reads 1 already"),
        ],
    )
    def test_writes_are_closed_and_the_track_file_waits(self, seen: Seen) -> None:
        decisions, after = run(seen, LED)
        assert kinds(decisions) == ["Demote"]
        assert after.phase == "demoting"

    def test_writable_without_the_vip_at_first_contact(self) -> None:
        assert kinds(run(replace(WRITER, vip_here=False), State(durable=LED_LAST))[0]) == ["Demote"]

    def test_a_hung_writer_is_killed_at_once_because_nothing_can_close_it(self) -> None:
        decisions, after = run(replace(WRITER, mysqld=HUNG), LED)
        assert kinds(decisions) == ["AskPeers", "Kill", "SetTrack"]
        assert after.killed

    def test_a_deposed_writer_is_closed(self) -> None:
        decisions, after = run(replace(WRITER, peers=(replace(B_WRITES, led=4, generation=4), R)), LED)
        assert kinds(decisions) == ["Demote", "Save"]
        assert after.durable.left_behind

    def test_a_stalled_disk_leaves_no_time_to_be_gentle(self) -> None:
        late = replace(LED, phase="demoting", demoting_since=NOW - 0.31)
        assert "Kill" in kinds(run(replace(WRITER, disk_stalled=10.0), late)[0])

    def test_the_track_file_follows_when_it_is_closed(self) -> None:
        closed = replace(WRITER, hold="mysqld stops", mysqld=up(CLOSED))
        decisions, after = run(closed, replace(LED, phase="demoting", demoting_since=NOW - 0.1))
        assert decisions == [SetLead("this is not the writer", "0"), SetTrack("It is held: mysqld stops.", "1")]
        assert (after.phase, after.led, after.demoting_since) == ("held", False, None)

    def test_past_the_bound_mysqld_is_killed_and_then_the_track_file_follows(self) -> None:
        late = replace(LED, phase="demoting", demoting_since=NOW - 0.31)
        decisions, after = run(replace(WRITER, vip_here=False, running=(Demote(""),)), late)
        assert kinds(decisions) == ["Kill"]
        assert after.killed
        assert kinds(run(replace(WRITER, vip_here=False), after, NOW + 0.05)[0]) == ["SetLead", "SetTrack"]

    def test_there_is_more_time_while_the_vip_is_here(self) -> None:
        late = replace(LED, phase="demoting", demoting_since=NOW - 1.4)
        assert "Kill" not in kinds(run(replace(WRITER, hold="x"), late)[0])
        late = replace(late, demoting_since=NOW - 1.5)
        assert "Kill" in kinds(run(replace(WRITER, hold="x"), late)[0])

    def test_a_dead_writer_needs_no_demotion(self) -> None:
        assert kinds(run(replace(WRITER, mysqld=DOWN), LED)[0]) == ["AskPeers", "SetLead", "SetTrack"]

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
        assert kinds(run(older, KNOWN)[0]) == ["StopReceiver"]

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


GIVEN_UP = replace(B, mysqld_up=False, closed=False, left_behind=True, receiving=False)


class TestSemiSync:
    ALONE = replace(WRITER, mysqld=up(replace(OPENED, semi_sync=SemiSync(True, 0))))

    @pytest.mark.parametrize(
        ("alone_for", "peers", "durability", "off"),
        [
            (9.0, (replace(SILENT, answered=NOW - 3.1), R), "available", False),
            (9.0, (replace(SILENT, knocked=NOW - 3.1), R), "available", False),
            (0.1, (SILENT, R), "available", True),
            (9.0, (SILENT, R), "strict", False),
            (0.1, (GIVEN_UP, R), "available", True),
            (0.1, (replace(GIVEN_UP, mysqld_up=True), R), "available", True),
            (0.1, (replace(GIVEN_UP, mysqld_up=True, receiving=True), R), "available", False),
            (3.0, (replace(GIVEN_UP, mysqld_up=True, receiving=True), R), "available", True),
            (9.0, (replace(GIVEN_UP, left_behind=False), R), "available", False),
            (9.0, (replace(GIVEN_UP, generation=2), R), "available", False),
            (9.0, (replace(GIVEN_UP, answered=NOW - 1), R), "available", False),
            (0.1, (GIVEN_UP, R), "strict", False),
            (0.1, (replace(B, has_channel=False, left_behind=True), R), "available", True),
            (0.1, (replace(B, has_channel=False), R), "available", False),
            (0.1, (replace(B, has_channel=False), R), "strict", False),
            (0.1, (replace(B, has_channel=False, gtid_executed=""), R), "strict", True),
            (0.1, (replace(B, gtid_executed=""), R), "strict", False),
            (0.1, (replace(B, has_channel=False, answered=NOW - 2), R), "available", False),
        ],
    )
    def test_a_lone_writer_goes_on_after_the_lease(
        self, alone_for: float, peers: tuple[Peer, ...], durability: str, off: bool
    ) -> None:
        seen = replace(self.ALONE, peers=peers, vip_probe=VipProbe(asked=NOW - 0.5))
        decisions, after = run(seen, replace(LED, alone_since=NOW - alone_for), of=config(durability=durability))
        assert not any(isinstance(d, SwitchSemiSync) for d in decisions)
        assert after.durable.alone is off
        decisions, after = run(replace(seen, saved=after.durable), after, of=config(durability=durability))
        assert ([d.on for d in decisions if isinstance(d, SwitchSemiSync)] == [False]) is off

    @pytest.mark.parametrize(
        ("changes", "decided", "alone"),
        [
            ({}, ["ProbeVip"], False),
            ({"vip_probe": VipProbe(asked=NOW - 2)}, ["ProbeVip"], False),
            ({"vip_probe": VipProbe(asked=NOW, answered_by="02:42:00:00:00:01")}, [], False),
            ({"vip_probe": VipProbe(asked=NOW), "peers": (SILENT, replace(R, answered=NOW - 3))}, [], False),
            ({"vip_probe": VipProbe(asked=NOW), "peers": (SILENT,),
              "witnesses": (Witness("gateway", NOW, NOW),)}, ["Save"], True),
            ({"vip_probe": VipProbe(asked=NOW), "peers": (SILENT,)}, ["Save"], True),
        ],
    )
    def test_over_a_silent_standby_it_goes_on_only_after_a_fresh_check(
        self, changes: dict[str, object], decided: list[str], alone: bool
    ) -> None:
        seen = replace(self.ALONE, peers=(SILENT, R))
        decisions, after = run(replace(seen, **changes), replace(LED, alone_since=NOW - 9))  # type: ignore[arg-type]
        assert kinds(decisions) == decided
        assert after.durable.alone is alone

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

    def test_a_standby_counts_again_only_when_semi_sync_is_on_and_that_is_on_disk(self) -> None:
        alone = replace(LED, durable=replace(LED_LAST, alone=True), waits_since=None)
        seen = replace(WRITER, saved=alone.durable)
        _, after = run(seen, alone)
        assert (after.durable.alone, after.waits_since) == (False, None)
        _, after = run(replace(seen, saved=after.durable), after)
        assert after.waits_since == NOW


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
    decisions, after = run(replace(WRITER, track="1", lead="0"), replace(LED, killed=True))
    assert decisions == []
    assert after.phase == "down"  # peers wait for one that is demoting


class TestLeftBehind:
    """A standby must know that it may lack something before the writer acknowledges without it."""

    def test_after_the_lease_without_contact(self) -> None:
        silent = replace(STANDBY, peers=(SILENT, R))
        assert not run(silent, replace(KNOWN, contact=NOW - 2.9))[1].durable.left_behind
        decisions, after = run(silent, replace(KNOWN, contact=NOW - 3))
        assert after.durable.left_behind
        assert "Save" in kinds(decisions)
        assert "left behind" in " ".join(after.reasons)

    def test_a_refused_connection_is_contact(self) -> None:
        refused = replace(SILENT, refused=NOW - 1)
        assert not run(replace(STANDBY, peers=(refused, R)), replace(KNOWN, contact=NOW - 9))[1].durable.left_behind

    def test_a_promotion_that_began_in_time_is_not_given_up(self) -> None:
        began = replace(UNCLAIMED, contact=NOW - 9, promoting_since=NOW - 7)
        seen = replace(ARRIVED, peers=(replace(SILENT, asked=NOW - 6), R))
        assert not run(seen, began)[1].durable.left_behind
        assert run(seen, replace(began, promised=False))[1].durable.left_behind

    def test_a_thawed_standby_does_not_promote(self) -> None:
        """The VIP and the end of its pause came together."""
        seen = replace(ARRIVED, peers=(replace(SILENT, asked=NOW - 9), R))
        decisions, after = run(seen, replace(KNOWN, last_tick=NOW - 8, contact=NOW - 8))
        assert after.durable.left_behind
        assert (after.phase, "Open" in kinds(decisions)) == ("standby", False)

    def test_when_its_mysqld_dies_while_the_writer_lives(self) -> None:
        before = replace(B_WRITES, asked=NOW - 0.2, answered=NOW - 0.2)
        decisions, after = run(replace(STANDBY, mysqld=DOWN, peers=(before, R)), replace(KNOWN, down_since=None))
        assert "AskPeers" in kinds(decisions)  # is the writer down too?
        assert not after.durable.left_behind
        assert run(replace(STANDBY, mysqld=DOWN), after)[1].durable.left_behind

    def test_when_nothing_feeds_it_while_the_writer_lives(self) -> None:
        unfed = replace(STANDBY, mysqld=up(replace(CLOSED, channels=(replace(CHANNEL, receiver="Connecting"),))))
        assert not run(unfed, replace(KNOWN, unfed_since=NOW - 0.9))[1].durable.left_behind
        assert run(unfed, replace(KNOWN, unfed_since=NOW - 1))[1].durable.left_behind

    def test_when_the_writer_says_that_it_goes_on_alone(self) -> None:
        alone = replace(STANDBY, peers=(replace(B_WRITES, alone=True, waits=False), R))
        assert run(alone)[1].durable.left_behind

    def test_when_a_writer_that_was_alone_is_down_but_its_agent_says_so(self) -> None:
        down = replace(B, phase="down", mysqld_up=False, eligible=False, led=3, alone=True)
        assert run(replace(STANDBY, peers=(down, R)), replace(KNOWN, contact=None))[1].durable.left_behind

    def test_by_a_promotion_elsewhere(self) -> None:
        promoted = replace(STANDBY, peers=(replace(B_WRITES, led=4, generation=4, waits=False), R))
        after = run(promoted, KNOWN)[1]
        assert (after.durable.generation, after.durable.left_behind) == (4, True)

    def test_strict_never_leaves_anybody_behind_by_silence(self) -> None:
        silent = replace(STANDBY, peers=(SILENT, R))
        after = run(silent, replace(KNOWN, contact=NOW - 9), of=config(durability="strict"))[1]
        assert not after.durable.left_behind

    BEHIND = replace(KNOWN, durable=replace(DURABLE, left_behind=True))

    @pytest.mark.parametrize(
        ("writer", "server", "state", "forgotten"),
        [
            pytest.param(B_WRITES, CLOSED, BEHIND, True, id="the writer waits, and all that it has is here"),
            pytest.param(replace(B_WRITES, waits=False), CLOSED, BEHIND, False, id="it goes on alone"),
            pytest.param(replace(B_WRITES, led=2), CLOSED, BEHIND, False, id="not the last promotion"),
            pytest.param(replace(B_WRITES, gtid_executed="u:1-10"), CLOSED, BEHIND, False, id="the comparison is old"),
            pytest.param(B_WRITES, replace(CLOSED, comparisons=(("b", replace(SAME, unreceived=True)),)), BEHIND, False,
                         id="not all is received"),
            pytest.param(B_WRITES, replace(CLOSED, channels=(STOPPED,)), BEHIND, False, id="not connected"),
            pytest.param(B_WRITES, CLOSED, replace(BEHIND, durable=replace(BEHIND.durable, errant="u:10"),
                                                   errant_since=NOW), False, id="errant until now"),
        ],
    )
    def test_until_it_has_caught_up(self, writer: Peer, server: Server, state: State, forgotten: bool) -> None:
        after = run(replace(STANDBY, mysqld=up(server), peers=(writer, R)), state)[1]
        assert after.durable.left_behind is not forgotten

    def test_accepting_the_loss_makes_it_the_last_that_led(self) -> None:
        seen = replace(STANDBY, request="accept-data-loss", peers=(SILENT, R))
        after = run(seen, replace(self.BEHIND, contact=None))[1]
        assert after.durable == Durable(generation=4, led=4, alone=True, source_proven=False)
        assert run(seen, after)[1].durable == after.durable  # once for a request


class TestColdStart:
    """Nothing is known from before but what is on disk."""

    BOOTED = State(durable=DURABLE, started=NOW - 9, awake_since=NOW - 9, last_tick=NOW - 0.05)
    GONE = Peer("b", asked=NOW, error="timed out")

    def test_a_standby_waits_for_the_other_candidate_and_says_so(self) -> None:
        reasons = run(replace(STANDBY, peers=(self.GONE, R)), self.BOOTED)[1].reasons
        assert reasons == ("It waits for b, which may have led since, and does not answer.",)

    def test_so_does_the_last_writer_whose_standby_had_everything(self) -> None:
        assert run(replace(STANDBY, peers=(self.GONE, R)), replace(self.BOOTED, durable=LED_LAST))[1].reasons

    def test_the_last_writer_that_was_alone_leads_at_once(self) -> None:
        alone = replace(self.BOOTED, durable=replace(LED_LAST, alone=True))
        assert run(replace(STANDBY, peers=(self.GONE, R)), alone)[1].reasons == ()

    @pytest.mark.parametrize(
        ("peer", "known_since", "defers"),
        [
            (replace(B, led=3), NOW - 9, True),
            (replace(B, led=3, eligible=False), NOW - 9, False),
            (replace(B, led=3, eligible=False, phase="down", mysqld_up=False), NOW - 4, True),
            (replace(B, led=3, eligible=False, phase="down", mysqld_up=False), NOW - 5, False),
            (replace(B, led=2), NOW - 9, True),
            (replace(B, led=0), NOW - 9, False),
            (replace(B, led=3, left_behind=True), NOW - 9, False),
        ],
    )
    def test_who_did_not_lead_last_defers(self, peer: Peer, known_since: float, defers: bool) -> None:
        after = run(replace(STANDBY, peers=(peer, R)), replace(self.BOOTED, elder=("b", known_since)))[1]
        assert ("last writer" in " ".join(after.reasons)) is defers


class TestHost:
    @pytest.mark.parametrize("server", [CLOSED, None])
    def test_a_vip_that_a_dead_keepalived_left_is_removed(self, server: Server | None) -> None:
        seen = replace(STANDBY, vip_here=True, keepalived=False, mysqld=up(server) if server else DOWN)
        assert "RemoveVip" in kinds(run(seen)[0])

    def test_writes_are_closed_before(self) -> None:
        assert "RemoveVip" not in kinds(run(replace(WRITER, keepalived=False), LED)[0])

    def test_a_vip_that_stays_although_keepalived_was_told_is_removed(self) -> None:
        seen = replace(STANDBY, vip_here=True, hold="x", track="1")
        assert not any(isinstance(d, RemoveVip) for d in run(seen, replace(KNOWN, stale_since=NOW - 1.9))[0])
        assert any(isinstance(d, RemoveVip) for d in run(seen, replace(KNOWN, stale_since=NOW - 2))[0])

    def test_a_vip_that_vanished_is_given_up_when_nobody_takes_it(self) -> None:
        lost = replace(KNOWN, vip_lost=NOW - 1)
        seen = replace(STANDBY, peers=(B, R))
        assert "The VIP left this host" in " ".join(run(seen, lost)[1].reasons)
        assert run(replace(seen, peers=(replace(B, vip_here=True), R)), lost)[1].reasons == ()

    def test_after_a_contest_the_writer_announces_itself(self) -> None:
        _, after = run(replace(WRITER, peers=(replace(B, vip_here=True), R)), LED)
        assert kinds(run(WRITER, after)[0]) == ["AnnounceVip"]

    def test_a_writer_that_nobody_answers_is_cut_off(self) -> None:
        gone = (SILENT, replace(R, asked=NOW, answered=NOW - 4))
        state = replace(LED, opened_at=NOW - 50)
        assert "cut off" in " ".join(run(replace(WRITER, peers=gone), state)[1].reasons)
        alone = replace(state, durable=replace(LED_LAST, alone=True))
        assert run(replace(WRITER, peers=gone), alone)[1].reasons == ()
        witnessed = replace(WRITER, peers=gone, witnesses=(Witness("gateway", NOW, NOW - 1),))
        assert run(witnessed, state)[1].reasons == ()


class TestPaused:
    def test_a_paused_writer_is_left_as_it_is(self) -> None:
        seen = replace(WRITER, paused=True)
        for changes in ({"mysqld": HUNG}, {"mysqld": DOWN}, {"hold": "x"}, {"disk_stalled": 99.0}):
            decisions, _ = run(replace(seen, **changes), LED)
            assert not {"Demote", "Kill", "SetTrack"} & set(kinds(decisions))

    def test_another_one_may_not_lead(self) -> None:
        assert run(replace(STANDBY, paused=True))[1].reasons == ("It is paused.",)
