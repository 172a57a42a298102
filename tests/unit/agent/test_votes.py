# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Three candidates: votes, the quorum of two, what everybody holds, and who acknowledges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mysql_ha_agent.decisions import AnyDecision, StopReceiver, SwitchAcknowledging
from mysql_ha_agent.model import Durable, Peer, Seen, SemiSync, State, VipProbe
from unit.agent.world import (
    ARRIVED,
    B_WRITES,
    CHANNEL,
    CLOSED,
    DOWN,
    DURABLE,
    KEYS,
    KNOWN,
    LED,
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

THIRD = {"name": "c", "address": "10.0.0.4", "port": 3306, "agent_port": 8308, "role": "candidate"}
TRIO = config(topology="source_replica", members=[*KEYS["members"][:2], THIRD, KEYS["members"][2]])
STOPPED = replace(CHANNEL, receiver="No")
MORE = replace(SAME, peer_extra="v:10-12")
C = replace(B, name="c", uuid="x", receiving=False)
VOTED = replace(C, vote=4, voted_for="a")
DEAD = replace(B, phase="down", mysqld_up=False, eligible=False)
DEAD_VOTED = replace(DEAD, vote=4, voted_for="a")
OWN_VOTE = replace(DURABLE, vote=4, voted_for="a")
VOTES = replace(
    KNOWN, phase="promoting", promoting_since=NOW - 0.01, promised=True, claimed=True, durable=OWN_VOTE, writer="b")
ASKS = replace(C, phase="promoting", vip_here=True, eligible=True, vote=4, voted_for="c")


def compared(**of: Any) -> tuple[tuple[str, Any], ...]:
    return tuple({"": SAME, "b": SAME, "c": SAME, **of}.items())


def trio(seen: Seen, state: State, now: float = NOW, **changes: object) -> tuple[list[AnyDecision], State]:
    return run(replace(seen, **changes), state, now, of=TRIO)  # type: ignore[arg-type]


def promoting(peers: tuple[Peer, ...], saved: Durable = OWN_VOTE, **of: Any) -> Seen:
    server = replace(CLOSED, channels=(STOPPED,), comparisons=compared(**of))
    return replace(ARRIVED, mysqld=up(server), peers=peers, saved=saved, lead="8")


class TestPromotion:
    def test_it_votes_for_itself_with_a_number_that_is_higher_than_all(self) -> None:
        voted_before = replace(C, vote=7, voted_for="c")
        _, after = trio(promoting((DEAD, voted_before, R), DURABLE), replace(VOTES, claimed=False, durable=DURABLE))
        assert (after.durable.vote, after.durable.voted_for, after.durable.led) == (8, "a", 0)

    def test_its_own_vote_is_on_disk_before_others_are_waited_for(self) -> None:
        assert trio(promoting((DEAD, VOTED, R), DURABLE), VOTES)[1].waiting == "the state file"

    def test_without_the_vote_of_the_third_nothing_is_opened(self) -> None:
        for third in (C, replace(VOTED, vote=3), replace(VOTED, voted_for="c")):
            decisions, after = trio(promoting((DEAD, third, R)), VOTES)
            assert not after.durable.led
            assert "Open" not in kinds(decisions)

    def test_with_it_the_promotion_is_completed_saved_and_opened(self) -> None:
        seen = promoting((DEAD_VOTED, VOTED, R))
        _, completed = trio(seen, VOTES)
        assert completed.durable == Durable(generation=4, led=4, vote=4, source_proven=False)
        decisions, _ = trio(seen, completed)
        assert kinds(decisions) == ["Save"]
        decisions, _ = trio(replace(seen, saved=completed.durable), completed)
        assert kinds(decisions) == ["Open"]

    def test_one_of_them_may_be_silent(self) -> None:
        decisions, after = trio(promoting((SILENT, VOTED, R)), VOTES)
        assert after.durable.led == 4, decisions

    def test_what_the_third_has_only_received_counts(self) -> None:
        received = replace(VOTED, pending="v:10-12")
        more = replace(MORE, of_set=received.held)
        decisions, after = trio(promoting((DEAD_VOTED, received, R), c=more), VOTES)
        assert after.waiting == "c, which has more"
        assert after.outdone == ("c", NOW)
        assert "Open" not in kinds(decisions)

    def test_a_quarantined_one_that_has_more_cannot_lead_instead(self) -> None:
        errant = replace(VOTED, errant="x:1")
        _, after = trio(promoting((DEAD_VOTED, errant, R), c=MORE), VOTES)
        assert after.waiting == "c, which is quarantined and has v:10-12"
        assert after.outdone is None

    def test_nor_can_one_that_was_left_behind(self) -> None:
        """It may have acknowledged before its contact ended. Whoever completed the newest promotion knows better."""
        behind = replace(VOTED, left_behind=True)
        seen = promoting((DEAD_VOTED, behind, R), c=MORE)
        assert trio(seen, VOTES)[1].waiting == "c, which was left behind and has v:10-12"
        led = replace(OWN_VOTE, led=3)
        assert trio(replace(seen, saved=led), replace(VOTES, durable=led, writer=""))[1].durable.led == 4

    def test_the_old_writers_tail_counts_only_where_another_is_silent(self) -> None:
        """What it has and none of all others was never acknowledged. The silent one may have acknowledged it."""
        old = replace(C, name="b", vote=4, voted_for="a")
        assert trio(promoting((old, VOTED, R), b=MORE), VOTES)[1].durable.led == 4
        alone = trio(promoting((old, replace(SILENT, name="c"), R), b=MORE), VOTES)[1]
        assert alone.outdone == ("b", NOW)

    def test_nothing_outdoes_a_completed_promotion(self) -> None:
        completed = replace(VOTES, durable=Durable(generation=4, led=4, vote=4, source_proven=False))
        decisions, _ = trio(promoting((DEAD, VOTED, R), completed.durable, c=MORE), completed)
        assert kinds(decisions) == ["Open"]

    def test_a_person_who_accepts_a_loss_needs_no_votes(self) -> None:
        silent = replace(SILENT, name="c")
        seen = replace(promoting((SILENT, silent, R), DURABLE), request="accept-data-loss")
        assert trio(seen, replace(VOTES, claimed=False, durable=DURABLE))[1].durable.led == 4


class TestVoter:
    def test_it_receives_nothing_while_another_is_promoted(self) -> None:
        for seen in (STANDBY, replace(STANDBY, hold="by hand")):
            decisions, after = trio(seen, KNOWN, peers=(DEAD, ASKS, R))
            assert [d.channel for d in decisions if isinstance(d, StopReceiver)] == [""]
            assert after.durable.vote == 0  # not before it has stopped

    def test_then_it_votes_once_for_each_number(self) -> None:
        stopped = replace(STANDBY, mysqld=up(replace(CLOSED, channels=(STOPPED,))), peers=(DEAD, ASKS, R))
        after = trio(stopped, KNOWN)[1]
        assert (after.durable.vote, after.durable.voted_for) == (4, "c")
        elsewhere = replace(KNOWN, durable=replace(DURABLE, vote=4, voted_for="b"))
        assert trio(stopped, elsewhere)[1].durable.voted_for != "c"

    def test_not_while_a_writer_lives(self) -> None:
        stopped = replace(STANDBY, mysqld=up(replace(CLOSED, channels=(STOPPED,))), peers=(B_WRITES, ASKS, R))
        assert trio(stopped, KNOWN)[1].durable.vote == 0

    def test_a_voter_without_mysqld_votes(self) -> None:
        assert trio(STANDBY, KNOWN, mysqld=DOWN, peers=(DEAD, ASKS, R))[1].durable.voted_for == "c"

    PROMISED = replace(KNOWN, durable=replace(DURABLE, vote=4, voted_for="c"), fed_by=3)

    @pytest.mark.parametrize(
        ("third", "receives"),
        [
            (replace(SILENT, name="c"), False),  # it may have been promoted
            (ASKS, False),
            (replace(C, phase="standby"), True),  # it has given up
        ],
    )
    def test_after_a_vote_nothing_comes_from_an_older_writer(self, third: Peer, receives: bool) -> None:
        seen = replace(STANDBY, mysqld=up(replace(CLOSED, channels=(STOPPED,))), peers=(B_WRITES, third, R))
        assert ("StartReceiver" in kinds(trio(seen, self.PROMISED)[0])) is receives

    def test_a_voter_is_not_left_behind_by_what_it_does_not_receive(self) -> None:
        unfed = replace(self.PROMISED, unfed_since=NOW - 5)
        seen = replace(STANDBY, mysqld=up(replace(CLOSED, channels=(STOPPED,))), peers=(B_WRITES, ASKS, R))
        assert not trio(seen, unfed)[1].durable.left_behind

    def test_one_that_has_voted_for_a_newer_promotion_has_not_given_up(self) -> None:
        """The older writer, thawed, does not go on alone because of it."""
        behind = replace(C, left_behind=True, vote=4, voted_for="b", mysqld_up=True)
        for vote, alone in ((4, False), (3, True)):
            peers = (replace(SILENT, answered=NOW - 60), replace(behind, vote=vote), R)
            seen = replace(WRITER, peers=peers, witnesses=(), vip_probe=VipProbe(NOW - 0.1))
            after = trio(seen, replace(LED, alone_since=NOW - 9, opened_at=NOW - 60))[1]
            assert after.durable.alone is alone

    def test_an_unknown_outcome_is_a_reason_against_leading(self) -> None:
        silent = replace(SILENT, name="c", phase="promoting")
        both = trio(STANDBY, self.PROMISED, peers=(SILENT, silent, R))[1].reasons
        assert any("voted for c" in reason for reason in both)
        # All others answer, and none has heard of that promotion: nothing of it was acknowledged.
        heard = trio(STANDBY, self.PROMISED, peers=(replace(B, generation=3), silent, R))[1].reasons
        assert not any("voted for c" in reason for reason in heard)

    def test_the_outcome_is_known_when_its_promotion_is_heard_of(self) -> None:
        leads = replace(C, phase="writer", led=4, generation=4, vip_here=True)
        after = trio(STANDBY, self.PROMISED, peers=(DEAD, leads, R))[1]
        assert (after.durable.generation, after.durable.voted_for, after.durable.left_behind) == (4, "", True)


class TestNewWriter:
    def test_it_waits_for_one_that_has_voted_and_is_about_to_connect(self) -> None:
        """The promotion itself has left it behind."""
        led = Durable(generation=4, led=4, vote=4)
        voter = replace(C, generation=4, left_behind=True, vote=4)
        gone = replace(DEAD, generation=4, left_behind=True)
        server = replace(OPENED, semi_sync=SemiSync(source_enabled=True, clients=0), comparisons=compared())
        seen = replace(WRITER, mysqld=up(server), peers=(gone, voter, R), saved=led)
        for since, alone in ((1.0, False), (2.0, True)):
            state = replace(LED, durable=led, opened_at=NOW - since, alone_since=NOW - since)
            assert trio(seen, state)[1].durable.alone is alone

    def test_a_receiver_that_was_stopped_for_a_vote_starts_again_at_once(self) -> None:
        frozen = trio(STANDBY, KNOWN, peers=(DEAD, ASKS, R))[1]
        leads = replace(C, phase="writer", led=4, generation=4, vip_here=True)
        stopped = replace(STANDBY, mysqld=up(replace(CLOSED, channels=(STOPPED,))), peers=(DEAD, leads, R))
        assert "StartReceiver" in kinds(trio(stopped, replace(frozen, fed_by=4), NOW + 0.1)[0])


class TestAppliers:
    BLOCKED = replace(C, eligible=True, led=3, generation=3, applier_stands=True)

    def test_nobody_defers_to_one_whose_applier_stands(self) -> None:
        seen = replace(STANDBY, peers=(DEAD, self.BLOCKED, R))
        assert not any("was the last writer" in reason for reason in trio(seen, KNOWN)[1].reasons)
        free = replace(seen, peers=(DEAD, replace(self.BLOCKED, applier_stands=False), R))
        assert any("c was the last writer" in reason for reason in trio(free, KNOWN)[1].reasons)

    def test_it_gives_way_to_one_whose_applier_advances_whether_it_has_applied_everything_or_not(self) -> None:
        server = replace(CLOSED, channels=(replace(CHANNEL, drained=False, blocked="connection 7 of root"),))
        state = replace(KNOWN, applying_since=("u:1-9", NOW - 2))
        busy = replace(C, eligible=True)
        reasons = trio(replace(STANDBY, mysqld=up(server), peers=(B_WRITES, busy, R)), state)[1].reasons
        assert any("connection 7 of root" in reason for reason in reasons)


class TestQuorum:
    BOOTED = replace(KNOWN, contact=None, writer="", writer_set="")

    @pytest.mark.parametrize(
        ("durable", "other", "may"),
        [
            pytest.param(DURABLE, C, True, id="both complete: the silent one was never alone"),
            pytest.param(DURABLE, replace(C, left_behind=True), False, id="it may have gone on alone"),
            pytest.param(DURABLE, replace(C, generation=2), False, id="one knows less"),
            pytest.param(Durable(generation=3, led=3), replace(C, left_behind=True), True, id="it led last itself"),
        ],
    )
    def test_of_three_after_an_outage_two_lead(self, durable: Durable, other: Peer, may: bool) -> None:
        seen = replace(STANDBY, peers=(SILENT, other, R), saved=durable)
        after = trio(seen, replace(self.BOOTED, durable=durable))[1]
        assert (not any("waits for" in reason for reason in after.reasons)) is may

    def test_one_of_three_does_not(self) -> None:
        alone = trio(STANDBY, self.BOOTED, peers=(SILENT, replace(SILENT, name="c"), R))[1]
        assert any("waits for b and c" in reason for reason in alone.reasons)

    def test_two_of_two_is_no_quorum_of_one(self) -> None:
        booted = run(replace(STANDBY, peers=(SILENT, R)), self.BOOTED)[1]
        assert any("waits for b" in reason for reason in booted.reasons)

    def test_while_another_standby_is_complete_silence_leaves_nobody_behind(self) -> None:
        """The writer goes on alone only when all others have given up, and but one of them said so."""
        gone = replace(KNOWN, contact=NOW - 9)
        assert not trio(STANDBY, gone, peers=(SILENT, C, R))[1].durable.left_behind
        assert not trio(STANDBY, gone, peers=(SILENT, replace(C, phase="promoting"), R))[1].durable.left_behind
        assert trio(STANDBY, gone, peers=(SILENT, replace(C, left_behind=True), R))[1].durable.left_behind


class TestAcknowledging:
    @pytest.mark.parametrize(
        ("durable", "other", "acknowledges"),
        [
            (DURABLE, C, True),
            (replace(DURABLE, left_behind=True), replace(C, receiving=True), False),
            (replace(DURABLE, errant="u:9"), replace(C, receiving=True), False),
            (replace(DURABLE, left_behind=True), replace(C, receiving=True, left_behind=True), True),
            (replace(DURABLE, left_behind=True), SILENT, True),
        ],
    )
    def test_a_complete_standby_makes_that_of_others_needless(
        self, durable: Durable, other: Peer, acknowledges: bool
    ) -> None:
        peers = (B_WRITES, replace(other, name="c"), R)
        for now_on in (True, False):
            seen = replace(STANDBY, mysqld=up(replace(CLOSED, acknowledges=now_on)), peers=peers, saved=durable)
            decisions, _ = trio(seen, replace(KNOWN, durable=durable, behind_until=NOW))
            switched = [d.on for d in decisions if isinstance(d, SwitchAcknowledging)]
            assert switched == ([] if now_on is acknowledges else [acknowledges])
