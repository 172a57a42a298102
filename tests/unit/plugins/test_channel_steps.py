# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order of statements, and that no received transaction is thrown away."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _channel_steps
from ansible_collections.opendba.mysql_ha.plugins.module_utils._channel import Change, Facts
from ansible_collections.opendba.mysql_ha.plugins.module_utils._channel_steps import (
    ChannelSteps,
    password_is_due,
    refuse_wrong_password,
    stored_password,
)
from ansible_collections.opendba.mysql_ha.plugins.module_utils._connection import MysqlError
from ansible_collections.opendba.mysql_ha.plugins.module_utils._dialect import UnknownWord, parse_version

from .fakes import FakeSession, in_turn

MYSQL_9 = parse_version("9.7.4")
UNAPPLIED = "GTID_SUBTRACT"


def live(receiver: str = "Yes", applier: str = "Yes", auto_position: bool = True) -> Facts:
    return {"io_running": receiver, "sql_running": applier, "auto_position": auto_position}


def steps(session: FakeSession, facts: Facts | None, check: bool = False, version: str = "9.7.4") -> ChannelSteps:
    return ChannelSteps(session, parse_version(version), "", facts, check)


def verbs(changer: ChannelSteps) -> list[str]:
    return [" ".join(sql.split()[:3]) for sql in changer.statements]


RETRY = Change({"connect_retry": 1}, stop_receiver=True, stop_applier=False)
AUTO = Change({"auto_position": True}, stop_receiver=True, stop_applier=True)


def test_what_ran_runs_again() -> None:
    changer = steps(FakeSession(), live())
    changer.change(RETRY, discard_unapplied=False, drain_timeout=1)
    assert changer.statements == [
        "STOP REPLICA IO_THREAD FOR CHANNEL ''",
        "CHANGE REPLICATION SOURCE TO SOURCE_CONNECT_RETRY = 1 FOR CHANNEL ''",
        "START REPLICA IO_THREAD FOR CHANNEL ''",
    ]


def test_the_relay_log_is_drained_between_the_two_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_channel_steps, "_DRAIN_POLL_SECONDS", 0)
    session = FakeSession(**{UNAPPLIED: in_turn("u:7", "u:7", "")})
    changer = steps(session, live())
    changer.change(AUTO, discard_unapplied=False, drain_timeout=9)
    assert verbs(changer) == [
        "STOP REPLICA IO_THREAD",
        "STOP REPLICA SQL_THREAD",
        "CHANGE REPLICATION SOURCE",
        "START REPLICA IO_THREAD",
        "START REPLICA SQL_THREAD",
    ]
    assert [sql.split()[0] for sql in session.asked[:5]] == ["STOP", "SELECT", "SELECT", "SELECT", "STOP"]


def test_an_undrained_relay_log_forbids_the_change_and_the_receiver_runs_again() -> None:
    changer = steps(FakeSession(**{UNAPPLIED: "u:7"}), live())
    with pytest.raises(MysqlError, match=r"not applied \(u:7\).*discard_unapplied"):
        changer.change(AUTO, discard_unapplied=False, drain_timeout=0)
    assert verbs(changer) == ["STOP REPLICA IO_THREAD", "START REPLICA IO_THREAD"]


def test_a_channel_at_rest_is_not_waited_for() -> None:
    changer = steps(FakeSession(**{UNAPPLIED: in_turn("u:7")}), live("No", "No"))
    with pytest.raises(MysqlError, match="not applied"):
        changer.change(RETRY, discard_unapplied=False, drain_timeout=600)
    assert changer.statements == []


def test_discarding_can_be_allowed() -> None:
    session = FakeSession(**{UNAPPLIED: "u:7"})
    changer = steps(session, live("No", "No"))
    changer.change(RETRY, discard_unapplied=True, drain_timeout=0)
    assert verbs(changer) == ["CHANGE REPLICATION SOURCE"]


@pytest.mark.parametrize(("position", "refused"), [(900, False), (800, True)])
@pytest.mark.parametrize(("version", "word"), [("9.7.4", "source"), ("5.7.44", "master")])
def test_without_gtids_positions_decide(position: int, refused: bool, version: str, word: str) -> None:
    row = {
        f"{word}_log_file": "b.1",
        f"read_{word}_log_pos": 900,
        f"relay_{word}_log_file": "b.1",
        f"exec_{word}_log_pos": position,
    }
    changer = steps(FakeSession(STATUS=[row]), live("No", "No", auto_position=False), version=version)
    if refused:
        with pytest.raises(MysqlError, match=r"received up to b\.1:900, applied up to b\.1:800"):
            changer.change(RETRY, discard_unapplied=False, drain_timeout=0)
    else:
        changer.change(RETRY, discard_unapplied=False, drain_timeout=0)
        assert len(changer.statements) == 1


def test_a_failing_change_leaves_the_threads_as_they_were() -> None:
    changer = steps(FakeSession(CHANGE=MysqlError("wrong", 1)), live())
    with pytest.raises(MysqlError, match="wrong"):
        changer.change(RETRY, discard_unapplied=False, drain_timeout=0)
    assert verbs(changer)[-1] == "START REPLICA IO_THREAD"


def test_an_unknown_word_is_found_before_anything_stops() -> None:
    changer = steps(FakeSession(), live(), version="5.7.44")
    with pytest.raises(UnknownWord, match="gtid_only needs"):
        changer.change(Change({"gtid_only": True}, True, True), discard_unapplied=False, drain_timeout=0)
    assert changer.statements == []


def test_check_mode_says_the_same_and_runs_nothing() -> None:
    session, checked = FakeSession(), FakeSession()
    real, check = steps(session, live()), steps(checked, live(), check=True)
    for changer in (real, check):
        changer.change(AUTO, discard_unapplied=False, drain_timeout=1)
        changer.threads(receiver=False, applier=False)
    assert check.statements == real.statements
    assert checked.asked == []


def test_the_password_is_masked_but_sent() -> None:
    session = FakeSession()
    changer = steps(session, None)
    changer.change(Change({"source_host": "h", "source_password": "s3cret"}, False, False), False, 0)
    assert changer.statements == [
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'h', SOURCE_PASSWORD = '********' FOR CHANNEL ''"
    ]
    assert "s3cret" in session.asked[0]


def test_removal() -> None:
    changer = steps(FakeSession(**{UNAPPLIED: ""}), live())
    changer.remove(discard_unapplied=False, drain_timeout=1)
    assert verbs(changer) == ["STOP REPLICA IO_THREAD", "STOP REPLICA SQL_THREAD", "RESET REPLICA ALL"]


def test_a_refused_removal_lets_the_receiver_run_again() -> None:
    changer = steps(FakeSession(**{UNAPPLIED: "u:7"}), live())
    with pytest.raises(MysqlError, match="not applied"):
        changer.remove(discard_unapplied=False, drain_timeout=0)
    assert verbs(changer) == ["STOP REPLICA IO_THREAD", "START REPLICA IO_THREAD"]


CHANNEL = {"source_user": "repl", "io_error": {"number": 0}}
REFUSED = {"source_user": "repl", "io_error": {"number": 1045}}


@pytest.mark.parametrize(
    ("given", "facts", "stored", "due"),
    [
        ({}, None, None, True),
        ({"source_password": None}, None, None, False),
        ({}, CHANNEL, "new", False),
        ({}, CHANNEL, "old", True),
        ({}, REFUSED, "new", False),  # what is stored is what is wanted: the account is wrong, not the channel
        ({"force_password": True}, CHANNEL, "new", True),
        ({}, CHANNEL, None, False),
        ({}, REFUSED, None, True),
        ({"source_user": "other"}, CHANNEL, None, True),
        ({"source_user": "repl"}, CHANNEL, None, False),
        ({"source_password": ""}, CHANNEL, "", False),
    ],
)
def test_when_the_password_is_sent(given: dict[str, Any], facts: Facts | None, stored: str | None, due: bool) -> None:
    options = {"source_password": "new", "source_user": None, "force_password": False, **given}
    assert password_is_due(options, facts, stored) is due


def test_a_table_that_may_not_be_read_stores_nothing_known() -> None:
    assert stored_password(FakeSession(slave_master_info=MysqlError("denied", 1142)), "") is None
    assert stored_password(FakeSession(slave_master_info=[]), "") is None
    assert stored_password(FakeSession(slave_master_info="pw"), "") == "pw"


SOURCE = {
    "source_host": "h",
    "source_port": 3306,
    "source_user": "repl",
    "source_ssl": True,
    "source_ssl_ca": "/ca.crt",
    "source_ssl_verify": True,
}


@pytest.mark.parametrize(
    ("number", "message"),
    [(1045, "source_password: h port 3306 refuses the account repl with it"), (2003, None), (None, None)],
)
def test_only_a_refusal_by_the_source_forbids_a_password(
    monkeypatch: pytest.MonkeyPatch, number: int | None, message: str | None
) -> None:
    def connect(**_: object) -> None:
        raise MysqlError("some reason", number)

    monkeypatch.setattr(_channel_steps, "connect", connect)
    if message is None:
        refuse_wrong_password(SOURCE, "pw")
    else:
        with pytest.raises(MysqlError, match=message):
            refuse_wrong_password(SOURCE, "pw")


@pytest.mark.parametrize(("verify", "ssl_ca"), [(True, "/ca.crt"), (False, None)])
def test_the_trial_login_is_as_strict_as_the_channel(
    monkeypatch: pytest.MonkeyPatch, verify: bool, ssl_ca: str | None
) -> None:
    seen: dict[str, object] = {}

    def connect(**options: object) -> FakeSession:
        seen.update(options)
        return FakeSession()

    monkeypatch.setattr(_channel_steps, "connect", connect)
    refuse_wrong_password({**SOURCE, "source_ssl_verify": verify}, "pw")
    assert (seen["ssl_ca"], seen["tls"], seen["password"]) == (ssl_ca, True, "pw")
