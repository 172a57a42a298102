# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the agent does about its host: the VIP, keepalived, being cut off, being paused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mysql_ha_agent.decisions import RemoveVip
from mysql_ha_agent.model import Mysqld, Seen, Server, State, VipProbe, Witness
from mysql_ha_agent.view import View
from unit.agent.world import (
    B_WRITES,
    CLOSED,
    CONFIG,
    DOWN,
    HUNG,
    KNOWN,
    LED,
    LED_LAST,
    NOW,
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

    def test_a_deaf_writer_lets_go_while_its_standby_may_still_lead(self) -> None:
        """Both count the same silence. Its adverts arrive, so the VIP stays until then."""
        lease = CONFIG.lease
        for silent, lets_go in ((0.6 * lease, False), (0.75 * lease, True)):
            gone = (replace(B, asked=NOW, answered=NOW - silent), replace(R, asked=NOW, answered=NOW - silent))
            state = replace(LED, opened_at=NOW - 50)
            assert ("cut off" in " ".join(run(replace(WRITER, peers=gone), state)[1].reasons)) is lets_go
            led_by = replace(B_WRITES, answered=NOW - silent)
            waiting = replace(KNOWN, writer="b", contact=NOW - silent)
            assert not run(replace(STANDBY, peers=(led_by, R)), waiting)[1].durable.left_behind

    def test_a_writer_that_only_its_witnesses_do_not_answer_stays(self) -> None:
        asks = config(witnesses=["gateway"])
        seen = replace(WRITER, peers=(B, replace(R, answered=NOW - 60)), witnesses=(Witness("gateway", NOW, NOW - 60),))
        assert run(seen, replace(LED, opened_at=NOW - 50), of=asks)[1].reasons == ()

    def test_a_witness_that_has_never_answered_does_not_switch_that_off(self) -> None:
        """As after a restart of the agent on a host that is cut off, or where the gateway answers no ping."""
        asks = config(witnesses=["gateway"])
        gone = replace(WRITER, peers=(SILENT,), vip_probe=VipProbe(NOW), witnesses=(Witness("gateway", NOW),))
        for seen in (gone, replace(gone, witnesses=())):
            after = run(seen, LED, of=asks)[1]
            assert "cut off" in " ".join(after.reasons)
            assert not after.durable.alone
        without = replace(gone, witnesses=())
        assert run(without, LED)[1].durable.alone  # nobody is there to be asked


class TestPaused:
    def test_a_paused_writer_is_left_as_it_is(self) -> None:
        seen = replace(WRITER, paused=True)
        for changes in ({"mysqld": HUNG}, {"mysqld": DOWN}, {"disk_stalled": 99.0}):
            decisions, _ = run(replace(seen, **changes), LED)
            assert not {"Demote", "Kill", "SetTrack"} & set(kinds(decisions))

    def test_a_hold_closes_it_and_the_vip_stays(self) -> None:
        """As when mysqld is restarted by hand."""
        decisions, after = run(replace(WRITER, paused=True, hold="mysqld stops"), LED)
        assert kinds(decisions) == ["Demote"]
        closed = replace(WRITER, paused=True, hold="mysqld stops", mysqld=up(CLOSED))
        decisions, after = run(closed, after)
        assert (decisions, after.phase) == ([], "held")

    def test_another_one_may_not_lead(self) -> None:
        assert run(replace(STANDBY, paused=True))[1].reasons == ("It is paused.",)


class TestNextLook:
    @pytest.mark.parametrize(("seen", "state", "seconds"), [
        (STANDBY, KNOWN, 0.2),
        (WRITER, LED, 0.2),
        (replace(WRITER, peers=(replace(B, answered=NOW - 1.1), R)), LED, 0.2),
        (STANDBY, replace(KNOWN, phase="promoting"), 0.05),
        (replace(WRITER, mysqld=replace(up(CLOSED), answered=NOW - 0.5)), LED, 0.05),
        (replace(WRITER, peers=(replace(B, answered=NOW - 1.2), R)), LED, 0.05),
        (replace(WRITER, running=(RemoveVip("it is left"),)), LED, 0.05),
    ])  # fmt: skip
    def test_it_comes_sooner_when_somebody_might_have_fallen_silent(
        self, seen: Seen, state: State, seconds: float
    ) -> None:
        assert View(CONFIG, seen, NOW).next_look(state) == seconds


def test_a_mysqld_that_never_answered_a_new_agent_is_killed_where_it_may_be_open() -> None:
    """The new agent has set the track file to 1 by then."""
    hangs = replace(STANDBY, track="0", mysqld=Mysqld(alive=True, error="no answer in time"), peers=(B, R))
    state = State(durable=LED_LAST, started=NOW - 9, last_tick=NOW - 0.1, awake_since=NOW - 9)
    after = run(hangs, replace(state, awake_since=NOW - 0.5))[1]
    peers = tuple(replace(peer, asked=NOW + 9, answered=NOW + 9) for peer in hangs.peers)
    later = replace(hangs, track="1", peers=peers)
    assert "Kill" in kinds(run(later, replace(after, phase="down", last_tick=NOW + 8.9, awake_since=NOW), NOW + 9)[0])
    standby = run(replace(hangs, track="1"), state)[1]
    assert "Kill" not in kinds(run(later, replace(standby, phase="down", last_tick=NOW + 8.9), NOW + 9)[0])
