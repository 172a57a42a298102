# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an agent says of itself, and the judgements of health checks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mysql_ha_agent import peers
from mysql_ha_agent.model import Durable, Peer, Seen, SemiSync, State, VipProbe, Witness
from mysql_ha_agent.telling import not_redundant, reader, status, writer
from mysql_ha_agent.view import View
from unit.agent.world import CHANNEL, CONFIG, KNOWN, LED, NOW, OPENED, SILENT, STANDBY, WRITER, B, R, config, run, up

DOCUMENT = Path(__file__).parents[3] / "docs" / "status.md"
ERRANT = replace(STANDBY, saved=Durable(generation=3, errant="u:10"))



def keys(told: Any, path: str = "") -> Iterator[str]:
    """Every field by its path, as docs/status.md names it: `mysqld.channels[].lag`."""
    if isinstance(told, dict):
        for key, value in told.items():
            yield f"{path}{key}"
            yield from keys(value, f"{path}{key}.")
    elif isinstance(told, list):
        for item in told:
            yield from keys(item, f"{path[:-1]}[].")


class TestStatus:
    def test_what_an_agent_says_its_peers_understand(self) -> None:
        told = status(config(instance="b", address="10.0.0.2"), WRITER, LED, NOW, "s-1")
        peer = peers.parse("b", json.dumps(told).encode()).peer
        assert (peer.phase, peer.mysqld_up, peer.closed, peer.eligible) == ("writer", True, False, True)
        assert (peer.gtid_executed, peer.uuid, peer.receiving, peer.generation, peer.led) == ("u:1-9", "u", True, 3, 3)
        assert (peer.vip_here, peer.waits, peer.lead, peer.alone, peer.left_behind) == (True, True, 8, False, False)
        assert peer.hears == (("b", "standby", 0.0), ("r", "standby", 0.0))

    def test_every_field_of_a_peer_that_it_can_tell_is_told(self) -> None:
        seen = replace(STANDBY, saved=Durable(7, 5, alone=True, left_behind=True, errant="u:1"), lead="24")
        peer = peers.parse("a", json.dumps(status(CONFIG, seen, KNOWN, NOW, "s-1")).encode()).peer
        assert (peer.generation, peer.led, peer.alone, peer.left_behind, peer.errant) == (7, 5, True, True, "u:1")
        assert (peer.lead, peer.has_channel, peer.lag) == (24, True, 0.0)

    def test_only_what_is_on_disk_is_shown(self) -> None:
        state = replace(KNOWN, durable=Durable(generation=9, led=9, left_behind=True))
        told = status(CONFIG, STANDBY, state, NOW)
        assert (told["generation"], told["led"], told["left_behind"]) == (3, 0, False)

    def test_the_document_names_every_field_and_no_other(self) -> None:
        seen = replace(WRITER, witnesses=(Witness("10.0.0.254", NOW, NOW),), vip_probe=VipProbe(NOW, "02::01"))
        table = DOCUMENT.read_text(encoding="utf-8").partition("\n## /status\n")[2]
        documented = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
        assert sorted(documented) == sorted(set(keys(status(CONFIG, seen, LED, NOW))))

    @pytest.mark.parametrize("content", [None, "", "x", "-1"])
    def test_a_lead_file_that_says_nothing_adds_nothing(self, content: str | None) -> None:
        assert status(CONFIG, replace(STANDBY, lead=content), KNOWN, NOW)["lead"] == 0


class TestNotRedundant:
    @pytest.mark.parametrize(
        ("seen", "state", "said"),
        [
            (WRITER, LED, ""),
            (STANDBY, KNOWN, ""),
            (replace(WRITER, saved=Durable(3, 3, alone=True)), LED,
             "Its commits are acknowledged without a second copy: b may lead."),
            (replace(WRITER, peers=(SILENT, R)), LED, "No other candidate may lead: b does not answer."),
            (replace(WRITER, peers=(replace(B, eligible=False, errant="u:10"), R)), LED,
             "No other candidate may lead: b is quarantined."),
            (replace(WRITER, peers=(replace(B, eligible=False, left_behind=True), R)), LED,
             "No other candidate may lead: b was left behind."),
            (replace(WRITER, peers=(replace(B, eligible=False, mysqld_up=False), R)), LED,
             "No other candidate may lead: b is down."),
            (replace(WRITER, peers=(replace(B, eligible=False, left_behind=True), R),
                     mysqld=up(replace(OPENED, semi_sync=SemiSync(False, 0)))), LED,
             "No other candidate may lead: b receives, but acknowledges nothing (rpl_semi_sync_replica_enabled)."),
            (replace(WRITER, peers=(replace(B, flushes=False), R)), LED,
             "No other candidate may lead: b would lose commits with its power"
             " (sync_binlog or innodb_flush_log_at_trx_commit is not 1)."),
            (replace(WRITER, peers=(B,), witnesses=(Witness("gateway", NOW),)), LED,
             "No witness answers: without its standby this writer would close, because it may be cut off."),
            (replace(WRITER, peers=(replace(B, witnessed=False), R)), LED,
             "No other candidate may lead: b hears no witness, so it would not lead over a silent writer."),
        ],
    )
    def test_it_says_why(self, seen: Seen, state: State, said: str) -> None:
        assert not_redundant(View(CONFIG, seen, NOW), state) == said


class TestHealthChecks:
    def test_the_writer_answers_as_writer_only(self) -> None:
        assert (writer(CONFIG, WRITER, LED, NOW)[0], reader(CONFIG, WRITER, LED, NOW, 10)[0]) == (200, 503)

    def test_a_writer_that_hangs_is_no_writer(self) -> None:
        assert writer(CONFIG, WRITER, LED, NOW + 2)[0] == 503

    @pytest.mark.parametrize(
        ("since", "told", "said"), [(1.4, 200, ""), (1.5, 503, "connection 7 of backup@localhost")])
    def test_a_writer_whose_tables_are_locked_is_one_after_a_moment_no_more(
        self, since: float, told: int, said: str
    ) -> None:
        server = replace(OPENED, locked_by="connection 7 of backup@localhost", locked_since=NOW - since)
        seen = replace(WRITER, mysqld=up(server))
        assert writer(CONFIG, seen, LED, NOW)[0] == told
        assert status(CONFIG, seen, LED, NOW)["mysqld"]["locked_by"] == said
        assert run(seen, LED)[1].reasons == ()  # it moves no VIP

    @pytest.mark.parametrize(
        ("seen", "fit"),
        [
            (STANDBY, 200),
            (replace(STANDBY, mysqld=up(replace(OPENED, read_only=True, channels=(replace(CHANNEL, lag=10.0),)))), 200),
            (replace(STANDBY, mysqld=up(replace(OPENED, read_only=True, channels=(replace(CHANNEL, lag=11.0),)))), 503),
            (replace(STANDBY, mysqld=up(replace(OPENED, read_only=True, channels=(replace(CHANNEL, lag=None),)))), 503),
            (replace(STANDBY, mysqld=up(replace(OPENED, read_only=True, channels=()))), 503),
            (replace(STANDBY, mysqld=up(replace(OPENED, read_only=True, offline_mode=True))), 503),
            (replace(STANDBY, mysqld=up(replace(OPENED, read_only=True, channels=(
                replace(CHANNEL, applier=False, applier_error=1062),)))), 503),
            (replace(STANDBY, hold="clone"), 503),
            (ERRANT, 503),
        ],
    )
    def test_who_serves_reads(self, seen: Seen, fit: int) -> None:
        assert writer(CONFIG, seen, KNOWN, NOW)[0] == 503
        assert reader(CONFIG, seen, KNOWN, NOW, 10)[0] == fit

    def test_the_writer_serves_reads_where_it_is_asked_to(self) -> None:
        assert reader(CONFIG, WRITER, LED, NOW, 10, writer_too=True) == (200, {"reader": True, "lag": 0.0})
        assert reader(CONFIG, STANDBY, KNOWN, NOW, 10, writer_too=True)[0] == 200

    @pytest.mark.parametrize(
        ("seen", "state"),
        [
            (replace(WRITER, hold="clone"), LED),
            (replace(WRITER, mysqld=up(replace(OPENED, offline_mode=True))), LED),
            (replace(WRITER, mysqld=replace(up(OPENED), alive=False)), LED),
            (WRITER, replace(LED, phase="demoting")),
        ],
    )
    def test_a_writer_that_serves_no_reads(self, seen: Seen, state: State) -> None:
        assert reader(CONFIG, seen, state, NOW, 10, writer_too=True)[0] == 503

    @pytest.mark.parametrize(("hang_timeout", "silent", "fit"), [
        (1.5, 0.9, 200), (1.5, 1.0, 503), (0.6, 0.5, 200), (0.6, 0.7, 503), (5, 0.9, 200), (5, 1.1, 503),
    ])
    def test_who_has_become_silent_serves_no_reads(self, hang_timeout: float, silent: float, fit: int) -> None:
        """A balancer that asks every half second has it out within two, whatever counts as a hang."""
        assert reader(config(hang_timeout=hang_timeout), STANDBY, KNOWN, NOW + silent, 10)[0] == fit
        asked = config(hang_timeout=hang_timeout), WRITER, LED, NOW + silent, 10, True
        assert reader(*asked)[0] == fit

    def test_what_is_found_errant_serves_no_reads_before_that_is_on_disk(self) -> None:
        assert reader(CONFIG, STANDBY, replace(KNOWN, durable=Durable(errant="u:1")), NOW, 10)[0] == 503


def test_peers_of_another_kind_do_not_enter_the_status() -> None:
    """A peer that never answered has no phase, and is not among those that are heard."""
    told = status(CONFIG, replace(STANDBY, peers=(Peer("b"), R)), KNOWN, NOW)
    assert [heard["name"] for heard in told["hears"]] == ["r"]
    assert told["peers"][0]["age"] is None
