# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a candidate does after a start, when nothing is known from before but what is on disk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mysql_ha_agent.model import (
    Durable,
    Peer,
    State,
)
from unit.agent.world import (
    ARRIVED,
    B_WRITES,
    CHANNEL,
    CLOSED,
    DURABLE,
    KNOWN,
    LED_LAST,
    NOW,
    STANDBY,
    B,
    R,
    run,
    up,
)

STOPPED = replace(CHANNEL, receiver="No")
PROMOTING = replace(KNOWN, phase="promoting", promoting_since=NOW - 0.01, promised=True, claimed=True,
                    durable=Durable(generation=4, led=4, source_proven=False))
READY = replace(ARRIVED, mysqld=up(replace(CLOSED, channels=(STOPPED,))), saved=PROMOTING.durable, lead="8")
UNCLAIMED = replace(PROMOTING, claimed=False, durable=DURABLE)


class TestColdStart:
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

    def test_one_that_it_has_heard_write_is_not_starting_but_fallen(self) -> None:
        """However young this agent is: a writer that dies just after a restart of the agents is succeeded at once."""
        fallen = replace(B_WRITES, phase="down", mysqld_up=False, eligible=False)
        young = replace(KNOWN, elder=("b", NOW - 1))
        assert run(replace(STANDBY, peers=(fallen, R)), young)[1].reasons == ()
        never_heard = replace(young, writer="", writer_set="")
        assert "last writer" in " ".join(run(replace(STANDBY, peers=(fallen, R)), never_heard)[1].reasons)
