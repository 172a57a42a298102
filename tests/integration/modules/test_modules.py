# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The MySQL modules against real servers. The tests build on each other, from top to bottom."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from . import servers
from .servers import ADDRESS, module, predicted, shell, sql

PASSWORD = 'it\'s a "pass\\word"'
DONOR = {"donor_host": ADDRESS["mod1"], "donor_user": "mha_repl", "donor_password": PASSWORD}
SOURCE = {
    "source_host": ADDRESS["mod1"],
    "source_user": "mha_repl",
    "source_password": PASSWORD,
    "source_ssl": True,
    "source_ssl_verify": False,
    "auto_position": True,
    "connect_retry": 1,
    "retry_count": 0,
    "heartbeat_period": 1.5,
}


@pytest.fixture(scope="module", autouse=True)
def hosts() -> Iterator[None]:
    servers.make()
    yield
    servers.lab("down")


def instance(host: str, **arguments: Any) -> dict[str, Any]:
    found: dict[str, Any] = module(host, "replication_info", **arguments)["instance"]
    return found


def channel(host: str) -> dict[str, Any]:
    (found,) = instance(host)["channels"]
    assert isinstance(found, dict)
    return found


def wait_for(what: str, host: str, statement: str, value: str) -> None:
    deadline = time.monotonic() + 15
    while sql(host, statement) != value:
        assert time.monotonic() < deadline, f"{what}: {statement} is {sql(host, statement)!r}, not {value!r}"
        time.sleep(0.2)


# --- replication_info


def test_a_new_instance() -> None:
    new = instance("mod2")
    assert (new["reachable"], new["read_only"], new["super_read_only"]) == (True, True, True)
    assert (new["has_user_data"], new["gtid_executed"], new["channels"], new["problems"]) == (False, "", [], [])
    assert new["version_number"][0] >= 8


def test_a_hung_server_is_unreachable_soon() -> None:
    shell("mod1", "kill -STOP $(pidof mysqld)")
    try:
        begun = time.monotonic()
        found = instance("mod1", connect_timeout=1)
    finally:
        shell("mod1", "kill -CONT $(pidof mysqld)")
    assert found["reachable"] is False
    assert "no answer in time" in found["reason"]
    assert time.monotonic() - begun < 8


def test_gtid_sets_are_compared_by_the_server() -> None:
    uuid = "00000000-0000-0000-0000-000000000001"
    found = instance("mod2", compare_gtid=f"{uuid}:1-2:3-5:tag:1")
    assert (found["gtid_missing"], found["gtid_extra"]) == (f"{uuid}:1-5:tag:1", "")
    assert "Malformed GTID set" in module("mod2", "replication_info", compare_gtid="nonsense")["msg"]


# --- instance_account

ACCOUNT: dict[str, Any] = {"name": "mysql-ha", "privileges": ["process", "SELECT ON performance_schema.*"]}


def test_account_on_a_read_only_instance() -> None:
    assert predicted("mod2", "instance_account", **ACCOUNT)["changed"] is True
    assert module("mod2", "instance_account", **ACCOUNT)["changed"] is False
    assert sql("mod2", "SELECT @@super_read_only, @@read_only, @@gtid_executed") == "1\t1"
    login = "runuser -u mysql-ha -- mysql -N -u mysql-ha -e 'SELECT CURRENT_USER()'"
    assert shell("mod2", login) == "mysql-ha@localhost"


def test_account_gets_exactly_its_privileges() -> None:
    result = predicted("mod2", "instance_account", name="mysql-ha", privileges=["PROCESS", "CONNECTION_ADMIN"])
    assert result["statements"] == [
        "GRANT CONNECTION_ADMIN ON *.* TO 'mysql-ha'@'localhost'",
        "REVOKE SELECT ON `performance_schema`.* FROM 'mysql-ha'@'localhost'",
    ]


def test_account_that_can_not_be() -> None:
    failed = module("mod2", "instance_account", name="mysql-ha", privileges=["SELEKT"])
    assert failed["msg"] == "privileges: this server knows no privilege SELEKT; see SHOW PRIVILEGES"
    assert sql("mod2", "SELECT @@super_read_only") == "1"


def test_account_is_removed() -> None:
    assert predicted("mod2", "instance_account", name="mysql-ha", state="absent")["changed"] is True
    assert module("mod2", "instance_account", name="mysql-ha", state="absent")["changed"] is False
    assert sql("mod2", "SELECT @@super_read_only, @@gtid_executed") == "1"


# --- instance_settings


SETTINGS = """[mysqld]
max-connections = 300
max_allowed_packet = 64000001  # becomes a multiple of 1024
long_query_time = 0.5
innodb_buffer_pool_size = 200M
super_read_only = OFF
skip-name-resolve
plugin_load_add = semisync_source.so
table_open_cache = 4001
"""


def test_settings_are_applied_or_pending() -> None:
    sql("mod1", "SET PERSIST super_read_only = ON; SET PERSIST table_open_cache = 777")
    result = predicted("mod1", "instance_settings", content=SETTINGS)
    assert [(item["name"], item["after"]) for item in result["applied"]] == [
        ("max_connections", "300"),
        ("max_allowed_packet", "64000000"),
        ("long_query_time", "0.500000"),
        ("innodb_buffer_pool_size", "268435456"),
        ("table_open_cache", "4001"),
    ]
    assert [item["name"] for item in result["pending_restart"]] == ["skip_name_resolve", "plugin_load_add"]
    assert result["persisted_removed"] == ["super_read_only"]
    assert [item["name"] for item in result["persisted_conflicts"]] == ["table_open_cache"]
    assert sql("mod1", "SELECT @@super_read_only") == "1"
    again = predicted("mod1", "instance_settings", content=SETTINGS)
    assert (again["changed"], again["applied"]) == (False, [])


def test_what_the_role_forbids_to_persist_is_removed() -> None:
    """The list is the role's; none of it may win over the option file at the next boot."""
    variables = yaml.safe_load((servers.ROOT / "roles/mysql/vars/main.yml").read_text(encoding="utf-8"))
    sql(
        "mod1",
        "SET GLOBAL super_read_only = OFF; INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so';"
        " SET PERSIST rpl_semi_sync_source_timeout = 5; SET PERSIST read_only = ON; SET PERSIST super_read_only = ON;"
        " SET PERSIST offline_mode = OFF; SET PERSIST_ONLY skip_replica_start = OFF;"
        " SET PERSIST_ONLY relay_log_recovery = ON",
    )
    forbidden = variables["__mysql_forbid_persisted"]
    arguments = {"content": "[mysqld]\nmax_connections = 300", "forbid_persisted": forbidden}
    removed = set(predicted("mod1", "instance_settings", **arguments)["persisted_removed"])
    assert removed - {"skip_slave_start"} == {  # persisted along with its newer name
        "offline_mode", "read_only", "relay_log_recovery", "rpl_semi_sync_source_timeout", "skip_replica_start",
        "super_read_only",
    }  # fmt: skip
    left = sql("mod1", "SELECT variable_name FROM performance_schema.persisted_variables").split()
    assert left == ["table_open_cache"]


def test_check_mode_of_settings_writes_nothing() -> None:
    state = (
        "SELECT * FROM performance_schema.global_variables WHERE variable_name <> 'timestamp';"
        " SELECT variable_name, variable_source FROM performance_schema.variables_info"  # DYNAMIC, once it was set
    )
    before = sql("mod1", state)
    content = "[mysqld]\nmax_connections = 55\nsql_mode = ANSI\nslow_query_log = 1\nserver_id = 77"
    assert module("mod1", "instance_settings", check=True, content=content)["changed"] is True
    assert sql("mod1", state) == before


def test_a_value_that_the_server_refuses_stops_before_anything_is_set() -> None:
    content = "[mysqld]\nmax_connections = 99\nbinlog_format = NONE"
    for check in (True, False):
        failed = module("mod1", "instance_settings", check=check, content=content)
        assert failed["msg"].startswith("content: binlog_format = NONE: mysqld: Variable 'binlog_format' can't be set")
    assert sql("mod1", "SELECT @@max_connections") == "300"


# --- instance_clone


def test_clone_refuses_and_leaves_the_instance_closed() -> None:
    sql(
        "mod1",
        "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF; CREATE DATABASE d; CREATE TABLE d.t (id INT"
        f" PRIMARY KEY); INSERT INTO d.t VALUES (1); CREATE USER mha_repl@'%' IDENTIFIED BY {quoted(PASSWORD)} REQUIRE"
        " SSL; GRANT REPLICATION SLAVE, BACKUP_ADMIN ON *.* TO mha_repl@'%'; CHANGE REPLICATION SOURCE TO"
        " SOURCE_HOST = '10.77.0.212', SOURCE_USER = 'x', SOURCE_PASSWORD = 'y', SOURCE_AUTO_POSITION = 1",
    )
    for host, arguments, message in (
        ("mod1", {}, "this instance holds schemas"),
        ("mod2", {"donor_host": "fd00::1"}, "donor_host: CLONE takes no IPv6 address"),
        ("mod2", {"donor_password": "wrong"}, "Access denied for user 'mha_repl'"),
        ("mod2", {"donor_ssl_ca": "/var/lib/mysql/ca.pem"}, "SSL connection error"),  # another server's CA
    ):
        assert message in module(host, "instance_clone", **{**DONOR, **arguments})["msg"]
    assert sql("mod2", "SELECT @@super_read_only, @@clone_valid_donor_list IS NULL, @@clone_ssl_ca") == "1\t1"


def test_clone_copies_without_the_donors_channel() -> None:
    ca = shell("mod1", "cat /var/lib/mysql/ca.pem")
    shell("mod2", "cat > /etc/mysql/donor-ca.pem", stdin=ca)
    result = predicted("mod2", "instance_clone", **DONOR, donor_ssl_ca="/etc/mysql/donor-ca.pem")
    assert result["channels_removed"] == [""]
    assert result["gtid_executed"] == sql("mod1", "SELECT @@gtid_executed")
    copy = instance("mod2")
    assert (copy["super_read_only"], copy["channels"], copy["has_user_data"]) == (True, [], True)
    assert copy["server_uuid"] != instance("mod1")["server_uuid"]


# --- replication_channel


def test_a_new_channel() -> None:
    missing = module("mod2", "replication_channel")
    assert missing["msg"] == "source_host: there is no channel '' yet, so its source must be given"
    result = predicted("mod2", "replication_channel", **SOURCE)
    assert len(result["statements"]) == 1
    assert PASSWORD not in str(result)
    assert predicted("mod2", "replication_channel", **SOURCE)["changed"] is False
    assert (channel("mod2")["io_running"], channel("mod2")["sql_running"]) == ("No", "No")


def test_threads_are_managed_only_when_asked() -> None:
    assert len(predicted("mod2", "replication_channel", state="started")["statements"]) == 2
    sql("mod1", "INSERT INTO d.t VALUES (2)")
    wait_for("replication", "mod2", "SELECT COUNT(*) FROM d.t", "2")
    live = channel("mod2")
    assert (live["io_running"], live["sql_running"], live["lag_seconds"]) == ("Yes", "Yes", 0.0)
    assert (live["heartbeat_period"], live["retry_count"], live["source_ssl"]) == (1.5, 0, True)


@pytest.mark.parametrize(
    ("options", "stopped"),
    [
        ({"connect_retry": 2}, ["IO_THREAD"]),
        ({"delay": 1}, ["SQL_THREAD"]),
        ({"delay": 0, "connect_retry": 3}, ["IO_THREAD", "SQL_THREAD"]),
        ({"auto_position": False}, ["IO_THREAD", "SQL_THREAD"]),
        ({"auto_position": True}, ["IO_THREAD", "SQL_THREAD"]),
        ({"gtid_only": True, "require_row_format": True}, ["IO_THREAD", "SQL_THREAD"]),
        ({"gtid_only": False, "require_row_format": False}, ["IO_THREAD", "SQL_THREAD"]),
    ],
)
def test_a_running_channel_is_changed(options: dict[str, Any], stopped: list[str]) -> None:
    statements = predicted("mod2", "replication_channel", **options)["statements"]
    assert [sql_.split()[2] for sql_ in statements if sql_.startswith("STOP")] == stopped
    assert [sql_.split()[2] for sql_ in statements if sql_.startswith("START")] == stopped
    assert predicted("mod2", "replication_channel", **options)["changed"] is False
    live = channel("mod2")
    assert (live["io_running"] != "No", live["sql_running"]) == (True, "Yes")


def test_a_wrong_password_does_not_replace_a_right_one() -> None:
    wrong = {"source_password": "wrong"}
    assert "refuses the account mha_repl" in module("mod2", "replication_channel", **wrong)["msg"]
    assert module("mod2", "replication_channel", **wrong, force_password=True)["changed"] is True
    receiver = "SELECT last_error_number FROM performance_schema.replication_connection_status"
    wait_for("the refusal", "mod2", receiver, "1045")
    assert predicted("mod2", "replication_channel", source_password=PASSWORD)["changed"] is True
    state = "SELECT service_state FROM performance_schema.replication_connection_status"
    wait_for("the receiver", "mod2", state, "ON")


def test_what_is_received_is_never_thrown_away() -> None:
    received = (
        "SELECT GTID_SUBTRACT(received_transaction_set, @@gtid_executed) <> ''"
        " FROM performance_schema.replication_connection_status"
    )
    sql("mod2", "STOP REPLICA SQL_THREAD")
    sql("mod1", "INSERT INTO d.t VALUES (3)")
    wait_for("the relay log", "mod2", received, "1")
    sql("mod2", "STOP REPLICA")
    for arguments in ({"connect_retry": 9}, {"source_password": "x", "force_password": True}, {"state": "absent"}):
        for check in (True, False):
            failed = module("mod2", "replication_channel", check=check, **arguments)
            assert "holds transactions that are not applied" in failed["msg"]
    sql("mod2", "START REPLICA SQL_THREAD")
    assert predicted("mod2", "replication_channel", connect_retry=9)["changed"] is True
    wait_for("the received row", "mod2", "SELECT COUNT(*) FROM d.t", "3")


def test_a_channel_is_removed() -> None:
    assert predicted("mod2", "replication_channel", state="absent")["changed"] is True
    assert predicted("mod2", "replication_channel", state="absent")["changed"] is False
    assert instance("mod2")["channels"] == []


def test_a_named_channel() -> None:
    assert module("mod2", "replication_channel", name="e'u", state="started", **SOURCE)["changed"] is True
    assert channel("mod2")["name"] == "e'u"
    assert predicted("mod2", "replication_channel", name="e'u", state="absent")["changed"] is True
    own = sql("mod2", "SELECT GTID_SUBTRACT(@@gtid_executed, '{}')".format(sql("mod1", "SELECT @@gtid_executed")))
    assert own == ""  # none of all this left a transaction of its own


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
