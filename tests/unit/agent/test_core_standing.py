# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may have what: left behind, alone, and who leads after everything was down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mysql_ha_agent import standing
from mysql_ha_agent.decisions import Nudge, SwitchAcknowledging, SwitchSemiSync, SyncRelayLog
from mysql_ha_agent.model import Comparison, Durable, Peer, Seen, SemiSync, Server, State, VipProbe, Witness
from mysql_ha_agent.trackfile import MYSQLD_STOPS
from mysql_ha_agent.view import View
from unit.agent.world import (
    ARRIVED,
    B_WRITES,
    CHANNEL,
    CLOSED,
    CONFIG,
    DOWN,
    DURABLE,
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


HAS_THEM = (("", SAME), ("b", replace(SAME, has_waiting=True)))
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
            (0.1, (replace(GIVEN_UP, mysqld_up=True, receiving=True, disk_stalled=3.0), R), "available", True),
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
            # Cut off, as far as it can tell
            ({"vip_probe": VipProbe(asked=NOW), "peers": (SILENT, replace(R, answered=NOW - 3))}, ["Demote"], False),
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
            (replace(B, behind=2.0), replace(SAME, lacks=True), NOW - 2, True),
            (replace(B, behind=30.0), replace(SAME, lacks=True), NOW - 2, False),
            (replace(B, receiving=False), SAME, NOW - 2, False),
            (replace(B, mysqld_up=False), SAME, NOW - 2, False),
            (replace(B, disk_stalled=0.5), SAME, NOW - 2, False),
            (replace(B, leaves=True), SAME, NOW - 2, False),
        ],
    )
    def test_on_again_when_a_standby_is_nearly_caught_up(
        self, peer: Peer, comparison: Comparison, since: float | None, on: bool
    ) -> None:
        server = replace(OPENED, semi_sync=SemiSync(False, 1), comparisons=(("b", comparison),))
        decisions, _ = run(replace(WRITER, mysqld=up(server), peers=(peer, R)), replace(LED, caught_up_since=since))
        assert ([d.on for d in decisions if isinstance(d, SwitchSemiSync)] == [True]) is on

    @pytest.mark.parametrize("left_behind", [False, True])
    def test_a_standby_that_leaves_is_let_go_once_it_knows_that_it_must_not_lead(self, left_behind: bool) -> None:
        leaving = replace(B, leaves=True, eligible=False, left_behind=left_behind)
        after = run(replace(WRITER, peers=(leaving, R)), LED)[1]
        assert after.durable.alone is left_behind

    def test_a_standby_whose_mysqld_is_about_to_stop_is_left_behind_before_it_stops(self) -> None:
        silent = replace(STANDBY, mysqld=up(replace(CLOSED, acknowledges=False)))
        for hold, left_behind in (("by hand", False), (MYSQLD_STOPS, True)):
            assert run(replace(silent, hold=hold), KNOWN)[1].durable.left_behind is left_behind
        leaving = replace(STANDBY, hold=MYSQLD_STOPS)
        decisions, after = run(leaving, KNOWN)
        silenced = SwitchAcknowledging("mysqld is about to stop", False, reconnects=False)
        assert silenced in decisions, "connected again, it would be waited for again"
        assert not after.durable.left_behind
        assert "SwitchAcknowledging" not in kinds(run(replace(leaving, hold="by hand"), KNOWN)[0])
        nobody_writes = replace(silent, hold=MYSQLD_STOPS, peers=(B, R))
        assert not run(nobody_writes, KNOWN)[1].durable.left_behind

    def test_a_large_transaction_is_no_lost_acknowledgement(self) -> None:
        """It takes its time on the wire: the standby does not have it."""
        semi_sync = SemiSync(True, 1, waiting=3, acked=7)
        seen = replace(WRITER, mysqld=up(replace(OPENED, semi_sync=semi_sync)))
        decisions, after = run(seen, replace(LED, stuck_since=NOW - 9, acked=7))
        assert (after.stuck_since, kinds(decisions)) == (None, [])

    def test_a_newer_transaction_frees_commits_whose_acknowledgement_was_lost(self) -> None:
        semi_sync = SemiSync(True, 1, waiting=3, acked=7)
        seen = replace(WRITER, mysqld=up(replace(OPENED, semi_sync=semi_sync, comparisons=HAS_THEM)))
        for since, nudged in ((NOW - 0.4, []), (NOW - 0.5, ["Nudge"])):
            assert kinds(run(seen, replace(LED, stuck_since=since, acked=7))[0]) == nudged

    def test_while_that_transaction_is_on_its_way_the_standby_is_busy_and_not_deaf(self) -> None:
        semi_sync = SemiSync(True, 1, waiting=3, acked=7)
        seen = replace(WRITER, mysqld=up(replace(OPENED, semi_sync=semi_sync, comparisons=HAS_THEM)))
        for running, stuck in (((), True), ((Nudge("x"),), False)):
            state = replace(LED, stuck_since=NOW - 2, acked=7)
            assert standing.stuck(View(CONFIG, replace(seen, running=running), NOW), state) is stuck

    def test_a_lost_acknowledgement_is_noticed_and_the_standby_left_behind_once(self) -> None:
        def waiting(acked: int) -> Seen:
            semi_sync = SemiSync(True, 1, waiting=3, acked=acked)
            return replace(WRITER, mysqld=up(replace(OPENED, semi_sync=semi_sync, comparisons=HAS_THEM)))

        state = run(waiting(7), LED)[1]
        assert state.stuck_since == NOW
        assert run(waiting(8), replace(state, stuck_since=NOW - 1))[1].stuck_since == NOW  # one went on
        assert run(WRITER, state, NOW + 0.5)[1].stuck_since is None
        gave_up = replace(waiting(7), peers=(replace(GIVEN_UP, mysqld_up=True, receiving=True), R))
        for since, alone in ((NOW - 1.4, False), (NOW - 1.5, True)):
            after = run(gave_up, replace(LED, stuck_since=since, acked=7, alone_since=NOW))[1]
            assert after.durable.alone is alone
        paused = replace(LED, stuck_since=NOW - 5, acked=7, alone_since=NOW, awake_since=NOW - 1)
        assert not run(gave_up, paused)[1].durable.alone
        hangs = replace(LED, stuck_since=NOW - 1, acked=7, alone_since=NOW)  # mysqld has not been seen since
        assert not run(gave_up, replace(hangs, last_tick=NOW + 0.9), NOW + 1)[1].durable.alone

    @pytest.mark.parametrize(
        ("durability", "since", "standby", "closes"),
        [
            ("strict", 1.5, B, True),
            ("strict", 1.4, B, False),
            ("available", 1.5, B, False),
            ("strict", 1.5, replace(B, eligible=False), False),
            ("strict", 1.5, replace(B, receiving=False), False),
            ("strict", 1.5, replace(B, disk_stalled=0.5), False),  # it only writes slowly
            ("strict", 1.5, SILENT, False),
        ],
    )
    def test_a_strict_writer_whose_acknowledgement_was_lost_closes(
        self, durability: str, since: float, standby: Peer, closes: bool
    ) -> None:
        server = replace(OPENED, semi_sync=SemiSync(True, 1, waiting=3, acked=7), comparisons=HAS_THEM)
        seen = replace(WRITER, mysqld=up(server), peers=(standby, R))
        decisions, _ = run(seen, replace(LED, stuck_since=NOW - since, acked=7), of=config(durability=durability))
        assert ("Demote" in kinds(decisions)) is closes

    def test_so_is_a_standby_that_receives_and_acknowledges_nothing(self) -> None:
        """rpl_semi_sync_replica_enabled=OFF there: nobody is connected with semi-sync, and commits wait."""
        asynchronous = SemiSync(True, 0, waiting=3, acked=7)
        seen = replace(WRITER, mysqld=up(replace(OPENED, semi_sync=asynchronous, comparisons=HAS_THEM)))
        state = run(seen, replace(LED, acked=7))[1]
        assert state.stuck_since == NOW
        gave_up = replace(seen, peers=(replace(GIVEN_UP, mysqld_up=True, receiving=True), R))
        assert run(gave_up, replace(state, stuck_since=NOW - 1.5, alone_since=NOW))[1].durable.alone

    @pytest.mark.parametrize("durability", ["available", "strict"])
    def test_a_writer_that_loses_the_plugin(self, durability: str) -> None:
        seen = replace(WRITER, mysqld=up(replace(OPENED, semi_sync=None)))
        decisions, after = run(seen, LED, of=config(durability=durability))
        if durability == "strict":
            assert "Demote" in kinds(decisions)
        else:  # its standby learns that it has been left behind
            assert (after.durable.alone, after.waits_since) == (True, None)

    def test_a_standby_counts_again_only_when_semi_sync_is_on_and_that_is_on_disk(self) -> None:
        alone = replace(LED, durable=replace(LED_LAST, alone=True), waits_since=None)
        seen = replace(WRITER, saved=alone.durable)
        _, after = run(seen, alone)
        assert (after.durable.alone, after.waits_since) == (False, None)
        _, after = run(replace(seen, saved=after.durable), after)
        assert after.waits_since == NOW


class TestLeftBehind:
    """A standby must know that it may lack something before the writer acknowledges without it."""

    def test_after_the_lease_without_contact(self) -> None:
        silent = replace(STANDBY, peers=(SILENT, R))
        assert not run(silent, replace(KNOWN, contact=NOW - 2.9))[1].durable.left_behind
        decisions, after = run(silent, replace(KNOWN, contact=NOW - 3))
        assert after.durable.left_behind
        assert "Save" in kinds(decisions)
        assert "left behind" in " ".join(after.reasons)

    @pytest.mark.parametrize(
        ("answered", "knocked", "contact", "left_behind"),
        [
            (4.9, None, 2.9, False),  # its agent has ended, so nobody goes on without us
            (6.1, None, 2.9, True),  # by now its guard has closed it: whoever refuses for longer is a firewall
            (4.9, 1.5, 3.1, True),  # it asks us, so its agent runs
            (4.9, 2.5, 2.9, False),  # it asked us before it ended
            (4.9, None, 5.0, True),  # in between there was no contact for the lease
            (None, None, 9.0, True),
        ],
    )
    def test_a_refused_connection_is_contact_as_long_as_its_guard_lets_it_write(
        self, answered: float | None, knocked: float | None, contact: float, left_behind: bool
    ) -> None:
        """Seconds before now; the refusal was 1 s ago, and the clock goes on for 2.5 s."""
        refused = replace(
            SILENT, refused=NOW - 1, answered=None if answered is None else NOW - answered,
            knocked=None if knocked is None else NOW - knocked)
        seen = replace(STANDBY, peers=(refused, R))
        state = run(seen, replace(KNOWN, contact=NOW - contact))[1]
        later = run(seen, state, NOW + 1.9)[1]
        assert later.durable.left_behind is left_behind

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
        old_look = replace(unfed, mysqld=up(replace(unfed.mysqld.server, detailed=NOW - 0.5)))  # type: ignore[type-var]
        assert not run(old_look, replace(KNOWN, unfed_since=NOW - 1))[1].durable.left_behind

    def test_when_the_writer_says_that_its_commits_are_stuck(self) -> None:
        stuck = replace(STANDBY, peers=(replace(B_WRITES, stuck=True), R))
        assert run(stuck)[1].durable.left_behind

    def test_when_its_disk_takes_nothing_more(self) -> None:
        assert not run(replace(STANDBY, disk_stalled=2.9))[1].durable.left_behind
        assert run(replace(STANDBY, disk_stalled=3.0))[1].durable.left_behind

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

    BEHIND = replace(KNOWN, durable=replace(DURABLE, left_behind=True), behind_until=NOW - 2)

    @pytest.mark.parametrize(
        ("writer", "server", "state", "forgotten"),
        [
            pytest.param(B_WRITES, CLOSED, BEHIND, True, id="the writer waits, and all that it has is here"),
            pytest.param(replace(B_WRITES, waits=False), CLOSED, BEHIND, False, id="it goes on alone"),
            pytest.param(replace(B_WRITES, led=2), CLOSED, BEHIND, False, id="not the last promotion"),
            pytest.param(replace(B_WRITES, gtid_executed="u:1-10"), CLOSED, BEHIND, False, id="the comparison is old"),
            pytest.param(B_WRITES, replace(CLOSED, comparisons=(("b", replace(SAME, peer_extra="u:9")),)), BEHIND,
                         False, id="not all is applied"),
            pytest.param(B_WRITES, replace(CLOSED, relay_synced=False), BEHIND, False,
                         id="what is received may be lost"),
            pytest.param(B_WRITES, replace(CLOSED, channels=(STOPPED,)), BEHIND, False, id="not connected"),
            pytest.param(B_WRITES, CLOSED, replace(BEHIND, durable=replace(BEHIND.durable, errant="u:10"),
                                                   suspects=("u:10", NOW)), False, id="errant until now"),
        ],
    )
    def test_until_it_has_caught_up(self, writer: Peer, server: Server, state: State, forgotten: bool) -> None:
        after = run(replace(STANDBY, mysqld=up(server), peers=(writer, R)), state)[1]
        assert after.durable.left_behind is not forgotten

    @pytest.mark.parametrize(
        ("behind", "synced", "state", "told", "decided"),
        [
            (7.0, True, BEHIND, {}, [False]),
            (5.0, True, BEHIND, {}, []),
            (3.0, False, BEHIND, {}, []),
            (2.0, False, BEHIND, {}, [True]),
            (7.0, True, KNOWN, {}, []),  # what it acknowledges counts
            (7.0, False, KNOWN, {}, [True]),
            (7.0, True, BEHIND, {"relay_sync": False}, []),  # another operator's setting
            (7.0, False, BEHIND, {"relay_sync": False}, []),
        ],
    )
    def test_one_that_is_far_behind_and_not_waited_for_hurries(
        self, behind: float, synced: bool, state: State, told: dict[str, bool], decided: list[bool]
    ) -> None:
        more = (("b", replace(SAME, unreceived=True)),)
        server = replace(CLOSED, channels=(CHANNEL,), relay_synced=synced, comparisons=more)
        seen = replace(STANDBY, mysqld=up(server), peers=(replace(B_WRITES, waits=False), R), saved=state.durable)
        decisions, after = run(seen, replace(state, received_of=NOW - behind), of=config(**told))
        assert [d.on for d in decisions if isinstance(d, SyncRelayLog)] == decided
        if not synced and state.durable.left_behind:
            assert after.behind_until == NOW  # an acknowledgement from before is worth nothing

    def test_nobody_hurries_before_its_being_left_behind_is_on_disk(self) -> None:
        server = replace(CLOSED, comparisons=(("b", replace(SAME, unreceived=True)),))
        decisions, _ = run(replace(STANDBY, mysqld=up(server), peers=(replace(B_WRITES, waits=False), R)), self.BEHIND)
        assert "SyncRelayLog" not in kinds(decisions)

    def test_not_by_an_answer_to_a_question_from_before_the_writer_had_heard(self) -> None:
        """It may have gone on alone since, on our word."""
        for until, forgotten in ((NOW - 1.9, False), (NOW - 2, True)):
            after = run(STANDBY, replace(self.BEHIND, behind_until=until))[1]
            assert after.durable.left_behind is not forgotten
        stalled = replace(STANDBY, disk_stalled=3.0)
        after = run(stalled, self.BEHIND)[1]
        assert (after.durable.left_behind, after.behind_until) == (True, NOW)

    def test_accepting_the_loss_lets_it_lead_and_makes_nothing_true_before_it_does(self) -> None:
        errant = replace(self.BEHIND.durable, errant="w:1")
        behind = replace(self.BEHIND, contact=None, durable=errant)
        seen = replace(STANDBY, request="accept-data-loss", peers=(SILENT, R), saved=errant, track="1")
        decisions, after = run(seen, behind)
        assert (after.reasons, after.durable) == ((), errant)
        assert "SetTrack" in kinds(decisions)
        assert run(replace(seen, request=None), after)[1].reasons  # it was not followed, so nothing has changed
        stopped = replace(CLOSED, channels=(replace(CHANNEL, receiver="No"),))
        arrived = replace(seen, vip_here=True, track="0", mysqld=up(stopped))
        promoting = replace(after, phase="promoting", promoting_since=NOW - 1)
        claimed = run(arrived, promoting)[1]
        assert claimed.durable == Durable(generation=4, led=4, alone=True, source_proven=False)
