# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Live rows -> channel, wanted options -> the statement that is missing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils._channel import (
    Facts,
    change_statement,
    error_text,
    missing,
    read_channels,
)
from ansible_collections.opendba.mysql_ha.plugins.module_utils._dialect import UnknownWord, parse_version

NOW = datetime(2026, 1, 2, 3, 4, 5)
NEVER = "0000-00-00 00:00:00.000000"  # how PyMySQL gives a zero timestamp


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


CONFIGURATION = {
    "channel_name": "",
    "host": "10.0.0.100",
    "port": 3306,
    "user": "mha_repl",
    "auto_position": "1",
    "ssl_allowed": "YES",
    "ssl_ca_file": "/ca.crt",
    "ssl_verify_server_certificate": "NO",
    "connection_retry_interval": 1,
    "connection_retry_count": 0,
    "heartbeat_interval": 1.5,
    "tls_ciphersuites": None,
    "get_public_key": "YES",
}
RECEIVER = {
    "channel_name": "",
    "service_state": "ON",
    "last_error_number": 0,
    "last_error_message": "",
    "source_uuid": "u",
    "received_transaction_set": "a:1-3,\nb:1",
    "queueing_transaction_original_commit_timestamp": NEVER,
    "last_queued_transaction_original_commit_timestamp": ago(9),
    "now": NOW,
    "applied": 1,
}
APPLIER = {"channel_name": "", "service_state": "ON"}


def channel(receiver: Facts | None = None, applier: Facts | None = None, **more: Any) -> Facts:
    rows: dict[str, list[Facts]] = {"coordinators": [], "workers": [], **more}
    (found,) = read_channels(
        [CONFIGURATION],
        [{**RECEIVER, **(receiver or {})}],
        [{"channel_name": "", "desired_delay": 0, "require_row_format": "NO"}],
        [{**APPLIER, **(applier or {})}],
        **rows,
    )
    return found


def test_values_have_types() -> None:
    facts = channel()
    assert {key: facts[key] for key in ("name", "source_host", "source_port", "auto_position", "source_ssl")} == {
        "name": "",
        "source_host": "10.0.0.100",
        "source_port": 3306,
        "auto_position": True,
        "source_ssl": True,
    }
    assert (facts["source_ssl_verify"], facts["heartbeat_period"], facts["delay"]) == (False, 1.5, 0)
    assert facts["source_tls_ciphersuites"] == ""
    assert facts["received_gtid"] == "a:1-3,b:1"
    assert "gtid_only" not in facts  # a column that the server does not have


@pytest.mark.parametrize(("state", "shown"), [("ON", "Yes"), ("OFF", "No"), ("CONNECTING", "Connecting")])
def test_receiver_states(state: str, shown: str) -> None:
    assert channel({"service_state": state})["io_running"] == shown


def test_a_configured_channel_without_status_does_not_run() -> None:
    (facts,) = read_channels([CONFIGURATION], [], [], [], [], [])
    assert (facts["io_running"], facts["sql_running"], facts["lag_seconds"]) == ("No", "No", None)


def test_rows_of_other_channels_do_not_count() -> None:
    other = {"channel_name": "eu", "last_error_number": 1, "last_error_message": "x"}
    assert channel(workers=[other], coordinators=[other])["sql_error"]["number"] == 0


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (None, ""),
        ("Duplicate\n  entry '7' for key 'PRIMARY'", "Duplicate entry '7' for key 'PRIMARY'"),
        (
            "Error 'Operation CREATE USER failed for 'a'@'%'' on query. Default database: ''. Query: 'CREATE USER "
            "'a'@'%' IDENTIFIED WITH 'mysql_native_password' AS '*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9''",
            "Error 'Operation CREATE USER failed for 'a'@'%'' on query. Default database: ''. Query: VALUE_HIDDEN",
        ),
        ("near 'identified by 'geheim'' at line 1", "near 'identified by VALUE_HIDDEN' at line 1"),
        ("near 'IDENTIFIED WITH x AS 'geh", "near 'IDENTIFIED WITH x AS VALUE_HIDDEN"),
        ("near '*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9'", "near 'VALUE_HIDDEN'"),
        ("SET PASSWORD = 'x' y", "SET PASSWORDVALUE_HIDDEN y"),
        ("near '$A$005$ab.c$d' x", "near 'VALUE_HIDDEN' x"),
        ("AS 0x244124303035241ABC x", "AS VALUE_HIDDEN x"),
        ("Access denied for 'a'@'b' (using password: YES)", "Access denied for 'a'@'b' (using password: YES)"),
    ],
)
def test_errors_hold_no_password(said: str | None, shown: str) -> None:
    assert error_text(said) == shown


def test_the_workers_error_is_the_cause() -> None:
    coordinator = {"channel_name": "", "last_error_number": 1756, "last_error_message": "stopped because of workers"}
    worker = {"channel_name": "", "last_error_number": 1062, "last_error_message": "Duplicate\n  entry"}
    idle = {"channel_name": "", "last_error_number": 0, "last_error_message": ""}
    facts = channel(coordinators=[coordinator], workers=[idle, worker])
    assert facts["sql_error"] == {"number": 1062, "message": "Duplicate entry"}


def worker(seconds: float | None) -> Facts:
    stamp = NEVER if seconds is None else ago(seconds)
    return {"channel_name": "", "applying_transaction_original_commit_timestamp": stamp}


@pytest.mark.parametrize(
    ("receiver", "applier", "workers", "lag"),
    [
        ({}, {}, [], 0.0),
        ({"applied": 0}, {}, [worker(None), worker(4), worker(2.5)], 4.0),
        ({"applied": 0}, {}, [worker(None)], 9.0),  # between two transactions: the last one received
        ({"applied": 0, "last_queued_transaction_original_commit_timestamp": NEVER}, {}, [], None),
        ({"queueing_transaction_original_commit_timestamp": ago(3)}, {}, [], 3.0),  # a long one is on its way
        ({"applied": 0}, {}, [worker(-5)], 0.0),  # the source's clock is ahead
        ({"service_state": "CONNECTING"}, {}, [], None),
        ({}, {"service_state": "OFF"}, [], None),
        ({"now": None}, {}, [], None),
    ],
)
def test_lag(receiver: Facts, applier: Facts, workers: list[Facts], lag: float | None) -> None:
    assert channel(receiver, applier, workers=workers)["lag_seconds"] == lag


def test_the_coordinator_counts_while_no_worker_has_begun() -> None:
    coordinator = {"channel_name": "", "processing_transaction_original_commit_timestamp": ago(6)}
    assert channel({"applied": 0}, coordinators=[coordinator])["lag_seconds"] == 6.0


STOPPED = channel({"service_state": "OFF"}, {"service_state": "OFF"})


@pytest.mark.parametrize(
    ("wanted", "options"),
    [
        ({"source_host": "10.0.0.100", "source_port": 3306, "auto_position": True, "source_ssl_verify": False}, None),
        ({"source_host": None, "source_port": None}, None),
        ({"heartbeat_period": 1.5004}, None),
        ({"heartbeat_period": 2.0}, {"heartbeat_period": 2.0}),
        ({"source_tls_ciphersuites": ""}, None),
        ({"source_ssl": False}, {"source_ssl": False}),
        # A new source resets the heartbeat period, so it goes along.
        ({"source_port": 3307, "heartbeat_period": 1.5}, {"source_port": 3307, "heartbeat_period": 1.5}),
        ({"gtid_only": True}, {"gtid_only": True}),
    ],
)
def test_missing_options(wanted: Facts, options: Facts | None) -> None:
    change = missing(wanted, STOPPED, send_password=False)
    assert (change and change.options) == options


def test_host_names_have_no_case() -> None:
    assert missing({"source_host": "DB1"}, {**STOPPED, "source_host": "db1"}, send_password=False) is None


def test_a_new_channel_gets_everything_that_is_given() -> None:
    change = missing({"source_host": "h", "source_port": None, "source_password": "p"}, None, send_password=True)
    assert change is not None
    assert change.options == {"source_host": "h", "source_password": "p"}
    assert not change.stop_receiver
    assert not change.discards_relay_log(None)


@pytest.mark.parametrize(
    ("wanted", "receiver", "applier", "stops", "discards"),
    [
        ({"connect_retry": 9}, "ON", "ON", (True, False), False),
        ({"connect_retry": 9}, "CONNECTING", "ON", (True, False), False),
        ({"connect_retry": 9}, "ON", "OFF", (True, False), True),
        ({"connect_retry": 9}, "OFF", "OFF", (False, False), True),
        ({"connect_retry": 9}, "OFF", "ON", (False, False), False),
        ({"delay": 9}, "ON", "ON", (False, True), False),
        ({"delay": 9}, "OFF", "ON", (False, True), True),
        ({"delay": 9, "connect_retry": 9}, "ON", "ON", (True, True), True),
        ({"auto_position": False}, "ON", "ON", (True, True), True),
    ],
)
def test_threads_in_the_way(
    wanted: Facts, receiver: str, applier: str, stops: tuple[bool, bool], discards: bool
) -> None:
    live = channel({"service_state": receiver}, {"service_state": applier})
    change = missing(wanted, live, send_password=False)
    assert change is not None
    assert (change.stop_receiver, change.stop_applier) == stops
    assert change.discards_relay_log(live) is discards


@pytest.mark.parametrize(
    ("version", "options", "statement", "values"),
    [
        (
            "9.7.4",
            {"source_host": "h", "source_ssl": True, "source_password": "p"},
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = %s, SOURCE_SSL = %s, SOURCE_PASSWORD = %s FOR CHANNEL %s",
            ["h", 1, "p", "eu"],
        ),
        (
            "8.0.23",
            {"get_public_key": True, "source_tls_ciphersuites": ""},
            "CHANGE REPLICATION SOURCE TO GET_SOURCE_PUBLIC_KEY = %s, SOURCE_TLS_CIPHERSUITES = %s FOR CHANNEL %s",
            [1, None, "eu"],
        ),
        (
            "5.7.44",
            {"source_host": "h", "source_password": "p", "auto_position": False, "source_ssl_verify": True},
            "CHANGE MASTER TO MASTER_HOST = %s, MASTER_PASSWORD = %s, MASTER_AUTO_POSITION = %s,"
            " MASTER_SSL_VERIFY_SERVER_CERT = %s FOR CHANNEL %s",
            ["h", "p", 0, 1, "eu"],
        ),
    ],
)
def test_statement(version: str, options: Facts, statement: str, values: list[object]) -> None:
    assert change_statement(parse_version(version), "eu", options) == (statement, values)


@pytest.mark.parametrize(
    ("version", "option", "message"),
    [
        ("5.7.44", "get_public_key", "get_public_key needs MySQL 8.0.4 or later, this server is 5.7.44"),
        ("8.0.26", "gtid_only", "gtid_only needs MySQL 8.0.27 or later, this server is 8.0.26"),
    ],
)
def test_an_option_that_the_server_lacks(version: str, option: str, message: str) -> None:
    with pytest.raises(UnknownWord) as caught:
        change_statement(parse_version(version), "", {option: True})
    assert str(caught.value) == message


CELLS = st.one_of(st.none(), st.text(), st.integers(), st.datetimes(), st.sampled_from(["ON", "OFF", NEVER]))


@given(st.dictionaries(st.sampled_from(sorted(RECEIVER)), CELLS), st.dictionaries(st.text(), CELLS))
def test_hostile_rows(receiver: Facts, other: Facts) -> None:
    row = {**RECEIVER, **receiver, "channel_name": "", "last_error_number": 1}
    (facts,) = read_channels([CONFIGURATION], [row], [], [APPLIER], [{**other, "channel_name": ""}], [])
    assert facts["io_running"] in ("Yes", "No", "Connecting")
    assert facts["lag_seconds"] is None or facts["lag_seconds"] >= 0
