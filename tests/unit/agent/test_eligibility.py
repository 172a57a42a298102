# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may hold the VIP, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mysql_ha_agent.config import Config
from mysql_ha_agent.eligibility import certificate_problem, reasons_against
from mysql_ha_agent.model import Mysqld, Seen, State, Witness
from mysql_ha_agent.view import View
from unit.agent.world import (
    ARRIVED,
    B_WRITES,
    CHANNEL,
    CLOSED,
    CONFIG,
    DOWN,
    DURABLE,
    HUNG,
    KNOWN,
    LED,
    NOW,
    OPENED,
    SILENT,
    STANDBY,
    WRITER,
    B,
    R,
    config,
    up,
)


def reasons(seen: Seen, state: State = KNOWN, of: Config = CONFIG) -> str:
    return " ".join(reasons_against(View(of, seen, NOW), state))


def with_channel(seen: Seen, **changes: object) -> Seen:
    server = replace(CLOSED if seen.mysqld.server is not OPENED else OPENED, channels=(replace(CHANNEL, **changes),))  # type: ignore[arg-type]
    return replace(seen, mysqld=up(server))


ERRANT = replace(KNOWN, durable=replace(DURABLE, errant="u:10"))


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        pytest.param(STANDBY, KNOWN, id="a standby stays eligible while the writer lives"),
        pytest.param(WRITER, LED, id="the writer"),
        pytest.param(with_channel(STANDBY, receiver="Connecting", receiver_error=2003), KNOWN, id="source unreachable"),
        pytest.param(with_channel(STANDBY, receiver="No", receiver_error=13117), KNOWN, id="the VIP was here"),
        pytest.param(
            with_channel(replace(STANDBY, peers=(B, R)), receiver="No", receiver_error=13114), KNOWN,
            id="its source has less than this one, and does not write"),
        pytest.param(with_channel(WRITER, applier_error=1062), LED, id="a broken channel does not end a writer"),
        pytest.param(STANDBY, replace(KNOWN, broken_at=NOW - 3), id="a channel mended for a while"),
        pytest.param(replace(WRITER, mysqld=HUNG, peers=(replace(B, eligible=False),)),
                     LED, id="a hung writer whom nobody can succeed"),
        pytest.param(replace(WRITER, mysqld=HUNG), replace(LED, awake_since=NOW - 1), id="the host itself was paused"),
        pytest.param(replace(STANDBY, mysqld=up(replace(CLOSED, gtid_executed="")),
                             peers=(replace(B, gtid_executed=""),)), KNOWN, id="everybody is empty"),
        pytest.param(replace(STANDBY, peers=(SILENT, R)), KNOWN, id="the writer fell silent a moment ago"),
        pytest.param(replace(STANDBY, disk_stalled=9.9), KNOWN, id="a slow disk"),
        pytest.param(replace(WRITER, disk_stalled=99.0, peers=(replace(B, eligible=False), R)), LED,
                     id="a stalled disk of a writer whom nobody can succeed"),
        pytest.param(replace(STANDBY, peers=(SILENT,)), KNOWN, id="there is no witness"),
    ],
)
def test_may_lead(seen: Seen, state: State) -> None:
    assert reasons(seen, state) == ""


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (replace(STANDBY, hold="maintenance"), KNOWN, "held: maintenance"),
        (replace(STANDBY, mysqld=DOWN), KNOWN, "nobody listens"),
        (replace(STANDBY, mysqld=Mysqld(alive=True, answered=NOW)), KNOWN, "not been looked at"),
        (replace(STANDBY, mysqld=replace(HUNG, server=CLOSED)), KNOWN, "on no connection for 1.5 s"),
        (replace(WRITER, mysqld=HUNG), LED, "on no connection for 1.5 s"),
        (replace(STANDBY, vip_here=True, keepalived=False), KNOWN, "keepalived does not run"),
        (with_channel(STANDBY, applier_error=1062, applier_message="Twice"), KNOWN, "1062 while applying: Twice"),
        (with_channel(STANDBY, applier_error=13121, applier_message="Relay log read failure"), KNOWN,
         "missing: STOP REPLICA; RESET REPLICA; START REPLICA."),
        (with_channel(STANDBY, name="x", applier_error=1594), KNOWN, "RESET REPLICA FOR CHANNEL 'x'; START"),
        (with_channel(STANDBY, receiver="No", receiver_error=13114), KNOWN, "13114 while receiving"),
        (STANDBY, replace(KNOWN, broken_at=NOW - 2.9), "broken by an error within the last 3 s"),
        (replace(STANDBY, mysqld=up(replace(CLOSED, gtid_executed=""))), KNOWN, "empty, while b has transactions"),
        (STANDBY, ERRANT, "does not have: u:10"),
        (STANDBY, replace(KNOWN, refused="b"), "b is a live writer"),
        (STANDBY, replace(KNOWN, killed=True), "was killed"),
        (replace(STANDBY, keepalived=False), KNOWN, "keepalived does not run"),
        (replace(STANDBY, disk_stalled=10.0), KNOWN, "not taken a write for 10 s"),
        (replace(WRITER, disk_stalled=10.0), LED, "not taken a write for 10 s"),
        (replace(STANDBY, paused=True), KNOWN, "paused"),
        (STANDBY, replace(KNOWN, durable=replace(DURABLE, left_behind=True)), "left behind: b may have"),
        (STANDBY, replace(KNOWN, durable=replace(DURABLE, left_behind=True), memory_lost="no such file"),
         "not here. Its memory was lost: no such file."),
        (replace(STANDBY, peers=(SILENT,), witnesses=(Witness("gateway", NOW, NOW - 3),)), KNOWN, "nor any witness"),
        (replace(STANDBY, peers=(SILENT,), witnesses=(Witness("gateway", asked=NOW),)), KNOWN, "nor any witness"),
        (replace(STANDBY, peers=(SILENT, R)), replace(KNOWN, contact=NOW - 3), "waits for b"),
        (STANDBY, replace(KNOWN, outdone=("c", NOW)), "c has transactions that are not here"),
        (replace(STANDBY, mysqld=up(replace(CLOSED, semi_sync=None))), KNOWN, "no semi-synchronous replication"),
    ],
)
def test_may_not_lead(seen: Seen, state: State, words: str) -> None:
    assert words in reasons(seen, state)


def test_a_reader_never_leads() -> None:
    members = config().members
    reader = config(instance="r", role="reader", address="10.0.0.3")
    assert reader.members == members
    assert reasons(ARRIVED, of=reader) == "It is a reader, and a reader never leads."


def test_of_two_writers_the_second_in_the_list_yields() -> None:
    both = replace(WRITER, peers=(B_WRITES,))
    second = config(instance="b", address="10.0.0.2")
    seen = replace(both, peers=(replace(B_WRITES, name="a"),))
    assert reasons(both, LED) == ""
    assert "goes first" in reasons(seen, LED, second)


REFUSED = (
    "Error connecting to source 'mha_repl@10.0.0.2:3306'. This was attempt 4/0, with a delay of 1 seconds between."
    " Message: SSL connection error: error:0A000086:SSL routines::certificate verify failed")


def test_a_certificate_that_tls_refuses_is_named_and_breaks_no_channel() -> None:
    refused = replace(CHANNEL, receiver="Connecting", receiver_error=2026, receiver_message=REFUSED)
    assert certificate_problem(refused).startswith(
        "TLS with 10.0.0.2 fails: error:0A000086:SSL routines::certificate verify failed. Compare the source's")
    assert reasons(replace(STANDBY, mysqld=up(replace(CLOSED, channels=(refused,)))), KNOWN) == ""
    assert certificate_problem(replace(refused, receiver="Yes")) == ""
    assert certificate_problem(replace(refused, receiver_error=2003)) == ""
