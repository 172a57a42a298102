# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What `mysql-ha status`, `explain` and `promote` print."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mysql_ha_agent import rejoin, table
from mysql_ha_agent.config import Config
from mysql_ha_agent.model import Comparison, Durable, Seen, State, VipProbe, Witness
from mysql_ha_agent.telling import status
from unit.agent.world import (
    CHANNEL,
    CLOSED,
    CONFIG,
    DOWN,
    KNOWN,
    LED,
    NOW,
    OPENED,
    SILENT,
    STANDBY,
    WRITER,
    R,
    config,
    up,
)

SILENCE = {"instance": "b", "role": "candidate", "error": "timed out"}


def told(seen: Seen = STANDBY, state: State = KNOWN, of: Config = CONFIG) -> dict[str, Any]:
    return status(of, seen, state, NOW)


B_SAYS = told(of=config(instance="b", address="10.0.0.2"))
A_WRITES = told(WRITER, LED)


def lines(*answers: dict[str, Any]) -> list[str]:
    return table.status(CONFIG, list(answers)).splitlines()


class TestTable:
    def test_a_quiet_day_has_no_warning(self) -> None:
        reader = told(of=config(instance="r", address="10.0.0.3", role="reader"))
        assert lines(A_WRITES, B_SAYS, reader) == [
            "cluster orders, dual_source, VIP 10.0.0.100/24",
            "INSTANCE  ROLE       PHASE    VIP   READ_ONLY  CHANNEL  LAG  SEMI-SYNC    MAY LEAD",
            "a         candidate  writer   here  no         running  0 s  1 connected  yes",
            "b         candidate  standby  -     yes        running  0 s  -            yes",
            "r         reader     standby  -     yes        running  0 s  -            yes",
        ]

    def test_one_that_does_not_answer(self) -> None:
        row = lines(A_WRITES, SILENCE)[3]
        assert " ".join(row.split()) == "b candidate no answer ? ? ? ? ? timed out"

    @pytest.mark.parametrize(
        ("channels", "cell"),
        [
            ((), "-"),
            ((replace(CHANNEL, receiver="No"),), "stopped"),
            ((replace(CHANNEL, receiver="Connecting"),), "connecting"),
            ((replace(CHANNEL, applier=False),), "applier stopped"),
            ((replace(CHANNEL, applier_error=1062),), "broken"),
        ],
    )
    def test_a_channel(self, channels: Any, cell: str) -> None:
        row = lines(told(replace(STANDBY, mysqld=up(replace(CLOSED, channels=channels)))))[2]
        assert f"  {cell}  " in row

    def test_mysqld_is_down(self) -> None:
        state = replace(KNOWN, phase="down", reasons=("mysqld does not accept connections: nobody listens.",))
        row = lines(told(replace(STANDBY, mysqld=DOWN), state))[2]
        assert "down" in row
        assert "nobody listens" in row

    @pytest.mark.parametrize(
        ("answers", "warning"),
        [
            ([B_SAYS], "NO WRITER among the instances that answer."),
            ([SILENCE], "NO WRITER among the instances that answer."),
            ([A_WRITES, {**B_SAYS, "writer": True}], "TWO WRITERS: a, b."),
            ([told(replace(WRITER, saved=Durable(3, 3, alone=True), peers=(SILENT, R)), LED), SILENCE],
             "NOT REDUNDANT: Its commits are acknowledged without a second copy: b does not answer."),
            ([A_WRITES, {**B_SAYS, "errant": "u:5-9"}], "b is QUARANTINED: only it has the transactions u:5-9."),
            ([A_WRITES, {**B_SAYS, "left_behind": True}], "b was left behind: it may lack acknowledged writes."),
            ([{**B_SAYS, "phase": "promoting", "waiting": "a person"}],
             "b has the VIP, read-only: its promotion waits for a person."),
            ([A_WRITES, {**B_SAYS, "hold": "clone"}],
             "b is held (clone). To end that: mysql-ha release. A reboot ends it too."),
            ([A_WRITES, {**B_SAYS, "hold": rejoin.HOLD}],
             "b is held: the agent provisions this instance anew by CLONE, and lets go of it when that is done."),
            ([A_WRITES, {**B_SAYS, "paused": True}], "b is paused: its agent leaves it as it is."),
            ([told(replace(WRITER, vip_probe=VipProbe(NOW, "02::01")), LED)], "a hears another host, 02::01, answer"),
        ],
    )
    def test_what_somebody_has_to_look_at(self, answers: list[dict[str, Any]], warning: str) -> None:
        assert [line for line in lines(*answers) if line.startswith(warning)], lines(*answers)

    def test_the_error_of_a_channel_is_told(self) -> None:
        broken = replace(CHANNEL, applier=False, applier_error=1062, applier_message="Duplicate entry")
        said = lines(A_WRITES, told(replace(STANDBY, mysqld=up(replace(CLOSED, channels=(broken,))))))
        assert said[-1].endswith("error 1062 while applying: Duplicate entry.")


def explained(seen: Seen = STANDBY, state: State = KNOWN, of: Config = CONFIG) -> str:
    return table.explanation(of, told(seen, state, of))


class TestExplanation:
    def test_a_standby(self) -> None:
        assert explained().splitlines() == [
            "a, a candidate, is standby; the VIP is not here.",
            "It may hold the writer VIP.",
            "The newest promotion that it knows of is number 3; it never led.",
            "b answered 0.0 s ago: writer, may lead.",
            "r answered 0.0 s ago: standby, may not lead.",
            "If the writer failed now, this instance could take over, once everything that it has received is applied.",
        ]

    def test_the_writer(self) -> None:
        said = explained(replace(WRITER, witnesses=(Witness("10.0.0.254", NOW, NOW - 9),)), LED)
        assert "The newest promotion that it knows of is number 3, its own.\n" in said
        assert "Witness 10.0.0.254 has not answered for 9.0 s.\n" in said
        assert said.endswith("If it failed now, b would take over.")

    def test_a_writer_without_a_standby(self) -> None:
        said = explained(replace(WRITER, peers=(SILENT, R)), LED)
        assert "b has not answered for 60.0 s; its last words: writer, may not lead.\n" in said
        assert said.endswith("nobody could take over without loss: No other candidate may lead: b does not answer.")

    @pytest.mark.parametrize(
        ("seen", "state", "part"),
        [
            (STANDBY, replace(KNOWN, reasons=("It is held: clone.", "It is paused.")),
             "It may not hold the writer VIP:\n  It is held: clone.\n  It is paused.\n"),
            (STANDBY, replace(KNOWN, reasons=("It is paused.",)), "this instance would not take over."),
            (STANDBY, replace(KNOWN, phase="starting"), "Whether it may hold the writer VIP is not known yet.\n"),
            (STANDBY, replace(KNOWN, phase="promoting", waiting="a thing"),
             "a has the VIP, read-only: its promotion waits for a thing.\n"),
            (replace(STANDBY, saved=Durable(3, errant="u:9")), KNOWN, "a is QUARANTINED"),
            (replace(STANDBY, saved=Durable(3, 2)), KNOWN, "number 3; its own last one was number 2."),
            (replace(STANDBY, saved=Durable()), KNOWN, "It knows of no promotion in this cluster."),
            (replace(STANDBY, keepalived=False), KNOWN, "keepalived does not run, so the VIP cannot come here."),
            (replace(STANDBY, disk_stalled=4.2), KNOWN, "A write to its disks has been waiting for 4.2 s."),
            (replace(STANDBY, peers=(replace(SILENT, answered=None),)), KNOWN,
             "b has not answered since the agent started (timed out)."),
        ],
    )
    def test_what_is_special(self, seen: Seen, state: State, part: str) -> None:
        assert part in explained(seen, state)

    def test_what_a_takeover_would_wait_for(self) -> None:
        assert explained(of=config(takeover="read_only")).endswith("read-only until somebody runs mysql-ha promote.")


class TestLosses:
    def test_what_the_last_writer_had(self) -> None:
        more = Comparison(of_set="u:1-12", peer_extra="u:10-12", own_extra="", lacks=False)
        seen = replace(STANDBY, mysqld=up(replace(CLOSED, comparisons=(("", more), ("b", more)))))
        assert table.losses(told(seen), [B_SAYS]) == [
            "b, the last writer, had u:10-12, which is not here and would be lost.",
            "b has u:10-12, which is not here.",
        ]

    def test_everything_is_here_as_far_as_is_known(self) -> None:
        first, silent = table.losses(told(), [SILENCE])
        assert first.startswith("Everything that b, the last writer, was heard to have is here")
        assert silent == "b does not answer (timed out): what only it has is not known and would be lost."

    def test_own_transactions_would_become_the_clusters(self) -> None:
        said = table.losses(told(replace(STANDBY, saved=Durable(3, errant="u:9"))), [])
        assert said[-1].startswith("The transactions u:9, which only this instance has, would become the cluster's;")

    def test_nothing_is_known(self) -> None:
        assert table.losses(told(state=State(phase="standby")), []) == ["Nothing is known to be lost."]


def test_the_writers_own_look_is_not_spoilt_by_a_server_without_semi_sync() -> None:
    row = lines(told(replace(WRITER, mysqld=up(replace(OPENED, semi_sync=None))), LED))[2]
    assert row.split()[-2:] == ["-", "yes"]
