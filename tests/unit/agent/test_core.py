# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is decided, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mysql_ha_agent.decisions import Demote, Fence, Open, Save, SetLead, SetTrack, StopReceiver, SwitchSemiSync
from mysql_ha_agent.model import Durable, Mysqld, Peer, Seen, SemiSync, Server, State, Witness
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
    LED_LAST,
    NOW,
    OPENED,
    SAME,
    SILENT,
    STANDBY,
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

    def test_a_silent_candidate_may_have_led_since_unless_contact_was_kept(self) -> None:
        """It answered a moment ago, which says nothing about now."""
        seen = ready(peers=(replace(SILENT, asked=NOW - 0.005, answered=NOW - 1), R), saved=DURABLE)
        assert run(seen, UNCLAIMED)[1].claimed
        assert "b, which may have led since" in run(seen, replace(UNCLAIMED, promised=False, contact=None,
                                                                  writer=""))[1].waiting

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

    def test_after_it_was_cut_off_itself_silence_says_nothing_yet(self) -> None:
        gateway = replace(READY, witnesses=(Witness("gateway", NOW, NOW),), peers=(replace(SILENT, asked=NOW), R))
        cut = replace(UNCLAIMED, heard=NOW - 1.6)
        for peers, waits in (((replace(SILENT, asked=NOW),), True), ((replace(SILENT, asked=NOW), R), True)):
            after = run(replace(gateway, peers=peers, saved=DURABLE), cut)[1]
            assert (after.reconnected == NOW, after.waiting == "b to say whether it is the writer") == (waits, waits)
        later = run(replace(gateway, saved=DURABLE), replace(cut, heard=NOW, reconnected=NOW - 1.1))[1]
        assert later.claimed

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
        assert "Open" in kinds(run(replace(seen, fenced=(("b", NOW),)), after, of=of)[0])

    def test_where_nobody_knows_who_led_every_silent_candidate_is_fenced(self) -> None:
        """After `promote --accept-data-loss` on a host that has just booted. Its priority rises over them too."""
        of = config(fence_command=["/usr/local/sbin/fence"])
        silent = replace(SILENT, asked=NOW - 0.005, lead=8)
        booted = replace(PROMOTING, durable=DURABLE, writer="", writer_set="", contact=None, promised=False)
        seen = ready(peers=(silent, R), saved=DURABLE, request="accept-data-loss")
        claiming, after = run(seen, booted, of=of)
        assert [d.value for d in claiming if isinstance(d, SetLead)] == ["16"]
        decisions, after = run(replace(seen, saved=after.durable, lead="16"), after, of=of)
        assert [d.peer for d in decisions if isinstance(d, Fence)] == ["b"]
        assert "Open" not in kinds(decisions)

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
        assert run(replace(STANDBY, adverts=(("b", NOW - 0.5),)), refused)[1].reasons == ()
        assert run(replace(STANDBY, adverts=(("b", NOW - 5), ("c", NOW))), refused)[1].reasons

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

    def test_a_mysqld_that_has_never_answered_and_may_be_open_is_killed(self) -> None:
        """The agent is new, and mysqld hangs since before."""
        unseen = replace(WRITER, mysqld=Mysqld(alive=True, error="no answer"))
        decisions, after = run(unseen, State(durable=LED_LAST, awake_since=NOW - 1.4, last_tick=NOW - 0.1, started=NOW))
        assert not {"Kill", "SetTrack"} & set(kinds(decisions))
        decisions, after = run(unseen, replace(after, awake_since=NOW - 1.5))
        assert {"Kill", "SetTrack"} <= set(kinds(decisions))
        full = replace(unseen, mysqld=replace(unseen.mysqld, answered=NOW))
        assert "Kill" not in kinds(run(full, replace(after, killed=False, awake_since=NOW - 9))[0])

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
        decisions, after = run(replace(WRITER, hold="x"), late)
        assert "Kill" in kinds(decisions)
        failed = replace(after, killed=False)  # there was nobody to be killed
        assert "Kill" not in kinds(run(replace(WRITER, hold="x"), failed, NOW + 0.9)[0])
        assert "Kill" in kinds(run(replace(WRITER, hold="x"), failed, NOW + 1)[0])

    def test_a_dead_writer_needs_no_demotion(self) -> None:
        assert kinds(run(replace(WRITER, mysqld=DOWN), LED)[0]) == ["SendAway", "AskPeers", "SetLead", "SetTrack"]

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


def test_a_killed_process_that_lingers_is_not_looked_after() -> None:
    decisions, after = run(replace(WRITER, track="1", lead="0"), replace(LED, killed=True))
    assert decisions == []
    assert after.phase == "down"  # peers wait for one that is demoting
