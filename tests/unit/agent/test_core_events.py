# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When scheduled events are enabled and stopped, and what a standby remembers of the writer's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mysql_ha_agent.decisions import EnableEvents
from mysql_ha_agent.model import Peer
from unit.agent.world import B_WRITES, CLOSED, KNOWN, LED, NOW, OPENED, STANDBY, WRITER, R, config, kinds, run, up

OLD = ("`shop`.`old`",)


def with_writer(peer: Peer) -> tuple[str, ...]:
    return run(replace(STANDBY, peers=(peer, R)))[1].writer_disabled


def test_a_standby_remembers_what_the_writers_people_have_disabled() -> None:
    assert with_writer(replace(B_WRITES, events_disabled=OLD)) == OLD


@pytest.mark.parametrize("peer", [
    replace(B_WRITES, mysqld_up=False, gtid_executed=""),  # its mysqld has just died
    replace(B_WRITES, phase="down", mysqld_up=False, gtid_executed=""),
    replace(B_WRITES, answered=NOW - 60),
])  # fmt: skip
def test_the_writers_fall_does_not_make_it_forget(peer: Peer) -> None:
    state = replace(KNOWN, writer_disabled=OLD)
    after = run(replace(STANDBY, peers=(peer, R)), state)[1]
    assert (after.writer_disabled, after.writer_set) == (OLD, "u:1-9")


def test_another_writer_counts_with_what_it_says() -> None:
    state = replace(KNOWN, writer="c", writer_disabled=OLD)
    assert run(replace(STANDBY, peers=(B_WRITES, R)), state)[1].writer_disabled == ()


@pytest.mark.parametrize("changes", [{"events_wait": True, "event_scheduler": True}, {"event_scheduler": False}])
def test_the_writer_enables_events_but_those(changes: dict[str, bool]) -> None:
    seen = replace(WRITER, mysqld=up(replace(OPENED, **changes)))
    decisions, _ = run(seen, replace(LED, writer_disabled=OLD))
    assert [one.disabled for one in decisions if isinstance(one, EnableEvents)] == [OLD]


@pytest.mark.parametrize("scheduler", [True, None])
def test_there_may_be_nothing_to_do(scheduler: bool | None) -> None:
    seen = replace(WRITER, mysqld=up(replace(OPENED, event_scheduler=scheduler)))
    assert "EnableEvents" not in kinds(run(seen, LED)[0])


def test_a_standby_stops_its_scheduler() -> None:
    assert "StopEvents" in kinds(run(replace(STANDBY, mysqld=up(replace(CLOSED, event_scheduler=True))))[0])


def test_where_the_agent_is_not_to_care_it_does_not() -> None:
    without = config(events=False)
    seen = replace(WRITER, mysqld=up(replace(OPENED, events_wait=True, event_scheduler=False)))
    assert "EnableEvents" not in kinds(run(seen, LED, of=without)[0])
