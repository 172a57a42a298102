# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""replication_info's reading of servers of all ages, played from rows as they return them."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _info_replication, _replication_status
from ansible_collections.opendba.mysql_ha.plugins.module_utils._connection import MysqlError
from ansible_collections.opendba.mysql_ha.plugins.module_utils._dialect import parse_version
from ansible_collections.opendba.mysql_ha.plugins.module_utils._replication_facts import own_variables, read_instance
from ansible_collections.opendba.mysql_ha.plugins.module_utils._replication_words import modern, statement
from ansible_collections.opendba.mysql_ha.plugins.module_utils._server_sockets import parse as parse_sockets


class Server:
    """Answers statements by their beginning; what it does not know is a syntax error, as with a real one."""

    def __init__(self, version: str, comment: str, **answers: list[dict[str, Any]]) -> None:
        self.answers = {"SELECT VERSION()": [{"version": version, "comment": comment}], "SELECT 1 FROM": []}
        self.answers.update({key if " " in key else key.replace("_", " "): rows for key, rows in answers.items()})
        self.asked: list[str] = []

    def run(self, sql: str, _args: Any = None) -> list[dict[str, Any]]:
        self.asked.append(sql)
        for beginning, rows in self.answers.items():
            if sql.startswith(beginning):
                return rows
        raise MysqlError("You have an error in your SQL syntax", 1064)

    def row(self, sql: str, args: Any = None) -> dict[str, Any]:
        return next(iter(self.run(sql, args)), {})

    def value(self, sql: str, args: Any = None) -> Any:
        return next(iter(self.row(sql, args).values()), None)


def variables(**values: str) -> list[dict[str, str]]:
    return [{"variable_name": name, "value": value} for name, value in values.items()]


# Field notes, F. Columns of MySQL 5.1.73, from its manual.
STATUS_51 = {
    "slave_io_state": "Waiting for master to send event", "master_host": "192.0.2.52", "master_user": "repl",
    "master_port": 3306, "connect_retry": 60, "master_log_file": "mysql-bin.000007", "read_master_log_pos": 106,
    "relay_log_file": "relay.000002", "relay_log_pos": 251, "relay_master_log_file": "mysql-bin.000007",
    "slave_io_running": "Yes", "slave_sql_running": "No", "replicate_do_db": "", "replicate_ignore_db": "mysql,test",
    "last_errno": 1062, "last_error": "Duplicate\nentry", "exec_master_log_pos": 100, "master_ssl_allowed": "No",
    "seconds_behind_master": None, "last_io_errno": 0, "last_io_error": "", "last_sql_errno": 1062,
    "last_sql_error": "Duplicate\nentry",
}  # fmt: skip


def server_51(**status: Any) -> Server:
    return Server(
        "5.1.73-log", "Source distribution",
        SHOW_GLOBAL_VARIABLES=variables(
            server_id="1", port="3306", read_only="OFF", datadir="/d/", log_bin="ON", sync_binlog="0",
            slave_skip_errors="all", expire_logs_days="10", binlog_format="MIXED",
        ),
        SHOW_GLOBAL_STATUS=[], SHOW_SLAVE_STATUS=[{**STATUS_51, **status}],
        SHOW_SLAVE_HOSTS=[{"server_id": 2, "host": "", "port": 3306, "rpl_recovery_rank": 0, "master_id": 1}],
        SHOW_MASTER_STATUS=[{"file": "b.7", "position": 106, "binlog_do_db": "", "binlog_ignore_db": "mysql,test"}],
        SHOW_BINARY_LOGS=[{"log_name": "b.6", "file_size": 100}, {"log_name": "b.7", "file_size": 106}],
        XA_RECOVER=[],
        **{"SELECT * FROM mysql.user": [
            {"host": "%", "user": "root", "password": "*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9", "super_priv": "Y",
             "repl_slave_priv": "Y", "select_priv": "Y", "grant_priv": "N", "ssl_type": ""},
            {"host": "localhost", "user": "", "password": "", "super_priv": "N"},
        ]},
    )  # fmt: skip


def test_mysql_51() -> None:
    found = read_instance(server_51(), details=True)  # type: ignore[arg-type]
    assert found["problems"] == []
    assert (found["flavour"], found["version_number"], found["gtid_mode"]) == ("mysql", [5, 1, 73], None)
    assert (found["server_uuid"], found["super_read_only"], found["gtid_executed"]) == (None, None, "")
    assert found["persisted_variables"] == {}
    channel = found["channels"][0]
    assert (channel["source_host"], channel["auto_position"], channel["source_ssl"]) == ("192.0.2.52", False, False)
    assert (channel["io_running"], channel["sql_running"], channel["lag_seconds"]) == ("Yes", "No", None)
    assert channel["sql_error"] == {"number": 1062, "message": "Duplicate entry"}
    assert (channel["retry_count"], channel["delay"], channel["received_is_applied"]) == (None, None, False)
    assert found["filters"] == {"replicate_ignore_db": "mysql,test", "binlog_ignore_db": "mysql,test"}
    assert found["binary_logs"] == {"files": 2, "bytes": 206, "oldest": "b.6"}
    assert found["replicas"] == [{"server_id": 2, "host": "", "port": 3306, "server_uuid": None}]
    assert found["variables"]["replica_skip_errors"] == "all"
    assert found["variables"]["binlog_expire_logs_seconds"] == "864000"
    root, anonymous = found["accounts"]
    assert root == {
        "user": "root", "host": "%", "plugin": "", "privileges": ["REPLICATION SLAVE", "SELECT", "SUPER"],
        "locked": False, "tls": False, "password": "well_known",
    }  # fmt: skip
    assert anonymous["password"] == "empty"


def test_a_statement_that_failed_stays_on_the_server() -> None:
    said = "Error 'x' on query. Default database: ''. Query: 'CREATE USER a IDENTIFIED BY 'geheim''"
    channel = read_instance(server_51(last_sql_errno=1396, last_sql_error=said))["channels"][0]  # type: ignore[arg-type]
    assert channel["sql_error"]["message"].endswith("Query: VALUE_HIDDEN")


def test_mariadb() -> None:
    status = {
        "connection_name": "dc2", "master_host": "192.0.2.52", "master_port": 3306, "master_user": "repl",
        "slave_io_running": "Preparing", "slave_sql_running": "Yes", "using_gtid": "Slave_Pos", "sql_delay": 0,
        "gtid_io_pos": "0-1-7", "seconds_behind_master": 4, "master_ssl_allowed": "Yes", "master_log_file": "b.1",
        "master_ssl_verify_server_cert": "No", "replicate_do_domain_ids": "", "connect_retry": 10,
        "read_master_log_pos": 5, "relay_master_log_file": "b.1", "exec_master_log_pos": 5,
        "replicate_wild_ignore_table": "a.%",
    }  # fmt: skip
    server = Server(
        "11.8.3-MariaDB-0+deb13u1-log", "Debian n/a",
        SHOW_GLOBAL_VARIABLES=variables(
            server_id="1", read_only="OFF", gtid_current_pos="0-1-7", log_bin="OFF", gtid_strict_mode="ON",
            replicate_do_db="shop", binlog_expire_logs_seconds="864000", expire_logs_days="10.000000",
        ),
        SHOW_GLOBAL_STATUS=[], SHOW_ALL_SLAVES_STATUS=[status], SHOW_MASTER_STATUS=[], SHOW_SLAVE_HOSTS=[],
        XA_RECOVER=[{"formatid": 1}],
        **{
            "SELECT user, host FROM mysql.global_priv": [{"user": "app", "host": "%"}],
            "SELECT * FROM mysql.user": [
                {"host": "%", "user": "app", "password": "*0", "authentication_string": "*0", "is_role": "N",
                 "plugin": "mysql_native_password", "ssl_type": "ANY"},
                {"host": "", "user": "dba", "is_role": "Y", "plugin": ""},
                {"host": "localhost", "user": "root", "plugin": "unix_socket", "authentication_string": ""},
            ],
            "SELECT grantee, privilege_type": [
                {"grantee": "'app'@'%'", "priv": "READ_ONLY ADMIN"}, {"grantee": "'app'@'%'", "priv": "USAGE"},
            ],
        },
    )  # fmt: skip
    found = read_instance(server, details=True)  # type: ignore[arg-type]
    assert found["problems"] == []
    assert (found["flavour"], found["gtid_executed"], found["gtid_mode"]) == ("mariadb", "0-1-7", None)
    channel = found["channels"][0]
    assert (channel["name"], channel["auto_position"], channel["io_running"]) == ("dc2", True, "Connecting")
    assert (channel["lag_seconds"], channel["lag_means"]) == (4.0, "seconds_behind_source")
    assert (channel["source_ssl"], channel["source_ssl_verify"]) == (True, False)
    assert found["filters"] == {
        "replicate_do_db": "shop", "replicate_wild_ignore_table of channel 'dc2'": "a.%",
    }  # fmt: skip
    assert found["xa_prepared"] == 1
    app, root = found["accounts"]
    assert (app["privileges"], app["password"], app["tls"], app["locked"]) == (["READ_ONLY ADMIN"], "set", True, True)
    assert root["locked"] is False
    assert root["password"] is None


def test_mysql_57_without_commit_timestamps() -> None:
    server = Server(
        "5.7.44-log", "MySQL Community Server (GPL)",
        SHOW_GLOBAL_VARIABLES=variables(server_id="1", read_only="ON", super_read_only="OFF", gtid_mode="ON"),
        SHOW_GLOBAL_STATUS=[], SHOW_SLAVE_STATUS=[{**STATUS_51, "seconds_behind_master": 12, "channel_name": ""}],
        **{
            "SELECT * FROM performance_schema.replication_connection_configuration": [
                {"channel_name": "", "host": "192.0.2.52", "port": 3306, "user": "r", "ssl_allowed": "NO",
                 "auto_position": "1", "connection_retry_interval": 60, "connection_retry_count": 86400},
            ],
            "SELECT *, UTC_TIMESTAMP(6)": [
                {"channel_name": "", "service_state": "ON", "now": datetime(2026, 11, 21), "applied": 1},
            ],
            "SELECT * FROM performance_schema": [],
        },
    )  # fmt: skip
    found = read_instance(server)  # type: ignore[arg-type]
    assert found["problems"] == []
    channel = found["channels"][0]
    assert (channel["lag_seconds"], channel["lag_means"]) == (12.0, "seconds_behind_source")
    assert channel["retry_count"] == 86400
    assert "accounts" not in found
    assert not any("mysql.user" in sql for sql in server.asked)


CONNECTION = {
    "channel_name": "", "host": "192.0.2.52", "port": 3306, "user": "r", "ssl_allowed": "NO", "auto_position": "0",
    "connection_retry_interval": 60, "connection_retry_count": 86400,
}  # fmt: skip


def server_9(gtid_mode: str, *channels: str, **answers: Any) -> Server:
    """Its source writes without GTIDs: what was received is never told, and so always applied."""
    server = Server(
        "9.7.4", "MySQL Community Server - GPL",
        SHOW_GLOBAL_VARIABLES=variables(server_id="1", gtid_mode=gtid_mode), SHOW_GLOBAL_STATUS=[], **answers,
    )  # fmt: skip
    now = {"service_state": "ON", "received_transaction_set": "", "now": datetime(2026, 11, 21), "applied": 1}
    rows = "SELECT * FROM performance_schema.replication_"
    server.answers.update({
        f"{rows}connection_configuration": [{**CONNECTION, "channel_name": name} for name in channels],
        "SELECT *, UTC_TIMESTAMP(6)": [{**now, "channel_name": name} for name in channels],
        f"{rows}applier_status ": [{"channel_name": name, "service_state": "ON"} for name in channels],
        f"{rows}applier_status": [{"channel_name": name, "service_state": "ON"} for name in channels],
        "SELECT * FROM performance_schema": [], "SELECT variable_name": [],
    })  # fmt: skip
    return server


def test_lag_without_gtids_is_what_the_server_says() -> None:
    late = [{"replica_io_running": "Yes", "channel_name": "", "seconds_behind_source": 3600}]
    channel = read_instance(server_9("OFF", "", SHOW_REPLICA_STATUS=late))["channels"][0]  # type: ignore[arg-type]
    assert (channel["lag_seconds"], channel["lag_means"]) == (3600.0, "seconds_behind_source")
    found = read_instance(server_9("OFF", ""))  # type: ignore[arg-type]
    assert found["channels"][0]["lag_seconds"] is None  # it may not ask
    assert [problem for problem in found["problems"] if problem.startswith("lag: ")]
    server = server_9("ON", "", SHOW_REPLICA_STATUS=late)
    assert read_instance(server)["channels"][0]["lag_seconds"] == 0.0  # type: ignore[arg-type]


def test_channels_of_a_group_are_its_own() -> None:
    server = server_9("ON", "group_replication_applier", "group_replication_recovery", "dc2")
    server.answers["SHOW GLOBAL VARIABLES"] += variables(group_replication_group_name="aaaa")
    found = read_instance(server)  # type: ignore[arg-type]
    assert (found["group"], [channel["name"] for channel in found["channels"]]) == ("group_replication", ["dc2"])


@pytest.mark.parametrize(
    ("raw", "group"),
    [
        ({"wsrep_on": "ON", "wsrep_provider": "/usr/lib/galera/libgalera_smm.so"}, "galera"),
        ({"wsrep_on": "OFF", "wsrep_provider": "/usr/lib/galera/libgalera_smm.so"}, None),
        ({"wsrep_on": "ON", "wsrep_provider": "none"}, None),
        ({"group_replication_group_name": ""}, None),
        ({}, None),
    ],
)
def test_groups(raw: dict[str, str], group: str | None) -> None:
    assert own_variables(raw)["group"] == group


def test_binary_logs_are_not_made_up_where_nothing_could_be_read() -> None:
    server = Server("8.4.6", "MySQL Community Server - GPL")
    assert "binary_logs" not in read_instance(server, details=True)  # type: ignore[arg-type]


def test_what_is_refused_is_a_problem_and_nothing_is_made_up() -> None:
    server = Server("8.4.6", "MySQL Community Server - GPL", SHOW_GLOBAL_VARIABLES=variables(read_only="ON"))
    found = read_instance(server, details=True)  # type: ignore[arg-type]
    assert {problem.partition(":")[0] for problem in found["problems"]} == {
        "channels", "semi_sync", "persisted_variables", "sources", "filters", "replicas", "xa_prepared", "accounts",
    }  # fmt: skip
    assert not {"channels", "filters", "accounts", "xa_prepared"} & set(found)


@pytest.mark.parametrize("version", ["5.1.73", "5.6.51", "5.7.44", "8.0.42", "8.4.6", "9.7.4", "11.8.3-MariaDB"])
def test_no_statement_writes(version: str) -> None:
    dialect = parse_version(version)
    for word in (
        "status", "replicas", "binary_log", "persisted", "global_filters", "more_privileges", "locked_accounts",
    ):  # fmt: skip
        text = statement(dialect, word)
        assert text is None or text.startswith(("SHOW ", "SELECT "))


@pytest.mark.parametrize(
    ("version", "word", "said"),
    [
        ("8.0.21", "status", "SHOW SLAVE STATUS"),
        ("8.0.22", "status", "SHOW REPLICA STATUS"),
        ("8.0.42", "binary_log", "SHOW MASTER STATUS"),
        ("8.4.0", "binary_log", "SHOW BINARY LOG STATUS"),
        ("5.5.68-MariaDB", "status", "SHOW SLAVE STATUS"),
        ("10.11.6-MariaDB", "status", "SHOW ALL SLAVES STATUS"),
    ],
)
def test_each_server_is_asked_in_its_words(version: str, word: str, said: str) -> None:
    assert statement(parse_version(version), word) == said


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ({"expire_logs_days": "0", "binlog_expire_logs_seconds": "2592000"}, "2592000"),
        ({"expire_logs_days": "3", "binlog_expire_logs_seconds": "0"}, "259200"),
        ({"expire_logs_days": "0.5", "binlog_expire_logs_seconds": "0"}, "43200"),
        ({"binlog_expire_logs_seconds": "60", "binlog_expire_logs_auto_purge": "OFF"}, "0"),
        ({"expire_logs_days": "0"}, "0"),
    ],
)
def test_how_long_binary_logs_are_kept(raw: dict[str, str], seconds: str) -> None:
    assert modern(raw) == {"binlog_expire_logs_seconds": seconds}


def test_read_only_of_mariadb_12() -> None:
    assert own_variables({"read_only": "NO_LOCK"})["read_only"] is True


@given(st.dictionaries(st.text(max_size=20), st.one_of(st.none(), st.text(max_size=20), st.integers(), st.floats())))
def test_odd_rows(row: dict[str, Any]) -> None:
    assert _replication_status.channel(row)["name"] is not None
    _replication_status.filters([row], {}, row, [])


def test_sockets_of_servers() -> None:
    text = """Num       RefCount Protocol Flags    Type St Inode Path
ffff: 00000002 00000000 00010000 0001 01 23513 /run/mysqld/mysqld.sock
ffff: 00000002 00000000 00010000 0001 01 23514 /run/mysqld/mysqlx.sock
ffff: 00000003 00000000 00000000 0001 03 23515 /run/mysqld/mysqld.sock
ffff: 00000002 00000000 00010000 0001 01 23516 /var/lib/mysql/mysql.sock
ffff: 00000002 00000000 00010000 0001 01 23517 @/mysql.sock
ffff: 00000002 00000000 00010000 0001 01 23518 /run/mysql-ha-haproxy/admin.sock
ffff: 00000002 00000000 00010000 0001 01 23519 /srv/db.socket
ffff: 00000003 00000000 00000000 0001 03 23520 /srv/gone.socket
"""
    named = ["/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock"]
    assert parse_sockets(text) == parse_sockets(text, "/srv/gone.socket") == named
    assert parse_sockets(text, "/srv/db.socket") == [*named[:1], "/srv/db.socket", *named[1:]]


@pytest.mark.parametrize("sockets", [[], ["/run/mysqld/mysqld.sock"]])
def test_a_server_that_listens_but_cannot_be_read(monkeypatch: pytest.MonkeyPatch, sockets: list[str]) -> None:
    def refused(*_given: Any, **_named: Any) -> None:
        raise MysqlError("Too many connections", 1040)

    monkeypatch.setattr(_info_replication, "log_in", refused)
    monkeypatch.setattr(_info_replication, "server_sockets", lambda _wanted: sockets)
    params = {"find_socket": True, "login_host": None, "login_unix_socket": "/run/mysqld/mysqld.sock"}
    module: Any = SimpleNamespace(params=params, get_bin_path=lambda *_given, **_named: None)
    assert _info_replication.gather(module)["instance"] == {
        "reachable": False, "reason": "Too many connections", "present": bool(sockets), "listening": bool(sockets),
    }  # fmt: skip
