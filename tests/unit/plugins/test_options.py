# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Option files: what is read from them, and when it equals what a server runs with."""

from __future__ import annotations

import contextlib
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils._options import (
    BadOptionFile,
    compare,
    parse_number,
    parse_option_file,
    same_value,
)


def parsed(text: str) -> list[tuple[str, str | None]]:
    return [(setting.name, setting.value) for setting in parse_option_file(text, "9.7")]


@pytest.mark.parametrize(
    ("line", "setting"),
    [
        ("port = 3306", ("port", "3306")),
        ("  max-connections=10   # ten", ("max_connections", "10")),
        ("skip-name-resolve", ("skip_name_resolve", None)),
        ("skip_name_resolve # yes", ("skip_name_resolve", None)),
        ("tmpdir =", ("tmpdir", "")),
        ("loose-rpl_semi_sync_source_timeout = 5", ("rpl_semi_sync_source_timeout", "5")),
        ("init_connect = 'SET NAMES utf8mb4 # not a comment'", ("init_connect", "SET NAMES utf8mb4 # not a comment")),
        ('init_connect = "a\\"#b" # comment', ("init_connect", 'a"#b')),
        ("a = x\\ty\\sz\\\\", ("a", "x\ty z\\")),
        ("a = b = c", ("a", "b = c")),
        ("validate_password.length = 9", ("validate_password.length", "9")),
        ("Port = 1", ("port", "1")),
    ],
)
def test_line(line: str, setting: tuple[str, str | None]) -> None:
    assert parsed(f"[mysqld]\n{line}\n") == [setting]


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", []),
        ("# only\n; comments\n\n", []),
        ("[client]\nport = 1\n[mysqld]\nport = 2\n[mysqldump]\nport = 3", [("port", "2")]),
        ("[server]\na = 1\n[mysqld-9.7]\nb = 2\n[mysqld-8.4]\nc = 3", [("a", "1"), ("b", "2")]),
        ("[mysqld]\na = 1\na = 2", [("a", "2")]),
        (
            "[mysqld]\nplugin_load_add = x.so\nplugin-load-add = y.so",
            [("plugin_load_add", "x.so"), ("plugin_load_add", "y.so")],
        ),
        ("[mysqld]\r\na = 1\r\nb = 2", [("a", "1"), ("b", "2")]),
    ],
)
def test_file(text: str, settings: list[tuple[str, str | None]]) -> None:
    assert parsed(text) == settings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port = 1", "line 1: an option before any [group]"),
        ("[mysqld\nport = 1", "line 1: the group has no closing bracket"),
        ("[mysqld]\n\n!includedir /etc/x", "line 3: !includedir is not followed; give the content of one file"),
        ("[mysqld]\n= 5", "line 2: it does not begin with the name of an option"),
        ("[mysqld]\nthis is prose", "line 2: it does not begin with the name of an option"),
    ],
)
def test_bad_file(text: str, message: str) -> None:
    with pytest.raises(BadOptionFile) as caught:
        parsed(text)
    assert str(caught.value) == message


VARIABLES = {
    "binlog_format": "ROW",
    "datadir": "/var/lib/mysql/",
    "innodb_buffer_pool_chunk_size": "134217728",
    "innodb_buffer_pool_instances": "2",
    "innodb_buffer_pool_size": "536870912",
    "log_bin": "ON",
    "log_bin_basename": "/var/lib/mysql/binlog",
    "log_error": "/var/log/mysql/error.log",
    "long_query_time": "0.500000",
    "max_allowed_packet": "64000000",
    "max_connections": "151",
    "optimizer_switch": "mrr=on,skip_scan=off",
    "pid_file": "/var/lib/mysql/db1.pid",
    "skip_name_resolve": "ON",
    "slow_query_log": "OFF",
    "sql_mode": "NO_ZERO_DATE,STRICT_TRANS_TABLES",
    "tmpdir": "",
}


@pytest.mark.parametrize(
    ("name", "configured", "same"),
    [
        ("slow_query_log", "0", True),
        ("slow_query_log", "false", True),
        ("slow_query_log", "1", False),
        ("skip_name_resolve", "TRUE", True),
        ("max_connections", "151", True),
        ("max_connections", "0151", True),
        ("max_connections", "152", False),
        ("max_connections", "1K", False),
        ("long_query_time", ".5", False),  # mysqld wants a digit first
        ("long_query_time", "0.5", True),
        ("max_allowed_packet", "64000001", True),  # a multiple of 1024 is what it becomes
        ("max_allowed_packet", "64001024", False),
        ("innodb_buffer_pool_size", "512M", True),
        ("innodb_buffer_pool_size", "300M", True),  # two instances of two chunks each
        ("innodb_buffer_pool_size", "256M", False),
        ("binlog_format", "row", True),
        ("binlog_format", "MIXED", False),
        ("sql_mode", "strict_trans_tables,NO_ZERO_DATE", True),
        ("sql_mode", "NO_ZERO_DATE", False),
        ("optimizer_switch", "mrr=on", True),
        ("optimizer_switch", "mrr=off", False),
        ("datadir", "/var/lib/mysql", True),
        ("datadir", "/VAR/lib/mysql", False),
        ("pid_file", "db1.pid", True),
        ("pid_file", "./db1.pid", True),
        ("log_error", "error.log", False),
        ("log_bin", "binlog", True),
        ("log_bin", "/var/lib/mysql/binlog", True),
        ("log_bin", "mysql-bin", False),
        ("log_bin", "ON", True),
        ("tmpdir", "", True),
        ("tmpdir", "/tmp", False),
    ],
)
def test_same_value(name: str, configured: str, same: bool) -> None:
    assert same_value(name, configured, VARIABLES) is same


@pytest.mark.parametrize(
    ("text", "number"),
    [("1G", 1073741824), ("1g", 1073741824), ("-1", -1), ("0.5", 0.5), ("16k", 16384), ("K", None), ("1 G", None)],
)
def test_number(text: str, number: object) -> None:
    assert parse_number(text) == number


def compared(text: str, **options: object) -> dict[str, object]:
    arguments: dict[str, object] = {"plugins": [("clone", "mysql_clone.so")], "ignored": ["super_read_only"], **options}
    found = compare(parse_option_file(f"[mysqld]\n{text}", "9.7"), {**VARIABLES, "super_read_only": "OFF"}, **arguments)  # type: ignore[arg-type]
    return {
        "differences": [(d.name, d.running, d.literal) for d in found.differences],
        "plugins": list(found.missing_plugins),
        "rest": list(found.not_compared),
    }


@pytest.mark.parametrize(
    ("text", "differences", "plugins", "rest"),
    [
        ("max-connections = 151", [], [], []),
        ("max-connections = 2K", [("max_connections", "151", 2048)], [], []),
        ("long_query_time = 1.5", [("long_query_time", "0.500000", Decimal("1.5"))], [], []),
        ("slow_query_log", [("slow_query_log", "OFF", "ON")], [], []),
        ("skip-log-bin", [("log_bin", "/var/lib/mysql/binlog", "OFF")], [], []),
        ("skip_slow_query_log", [], [], []),
        ("slow_query_log = 1\nskip_slow_query_log", [], [], []),
        ("disable_slow_query_log = 0", [("slow_query_log", "OFF", "ON")], [], []),
        ("binlog_format = mixed", [("binlog_format", "ROW", "mixed")], [], []),
        ("super_read_only = ON", [], [], []),
        ("loose_nosuch = 1\nuser = mysql", [], [], ["nosuch", "user"]),
        ("innodb_buffer_pool_instances = 8", [], [], ["innodb_buffer_pool_instances"]),
        ("plugin_load_add = mysql_clone.so", [], [], []),
        ("plugin_load_add = mysql_clone", [], [], []),
        ("plugin_load_add = clone=mysql_clone.so", [], [], []),
        ("plugin_load = CLONE=mysql_clone.so;x=y.so", [], ["x=y.so"], []),
        ("plugin_load_add = semisync_source.so", [], ["semisync_source.so"], []),
    ],
)
def test_compare(text: str, differences: object, plugins: object, rest: object) -> None:
    assert compared(text) == {"differences": differences, "plugins": plugins, "rest": rest}


WORDS = st.sampled_from(
    [
        "[mysqld]",
        "[",
        "]",
        "=",
        "#",
        '"',
        "'",
        "\\",
        "\n",
        "\r",
        "!include",
        "loose_",
        "skip-",
        "port",
        "1G",
        "ON",
        "\0",
        " ",
    ]
)


@given(st.one_of(st.text(), st.lists(WORDS).map("".join)))
def test_hostile_files(text: str) -> None:
    with contextlib.suppress(BadOptionFile):  # any other exception fails the test
        compare(parse_option_file(text, "9.7"), VARIABLES, [("clone", "mysql_clone.so"), ("x", "")], [])


@given(st.sampled_from(sorted(VARIABLES)), st.text())
def test_hostile_values(name: str, value: str) -> None:
    assert same_value(name, value, VARIABLES) in (True, False)


@given(st.integers(min_value=0, max_value=2**63), st.sampled_from("KMGTPE"))
def test_suffixes_are_powers_of_1024(number: int, suffix: str) -> None:
    assert parse_number(f"{number}{suffix}") == number * 1024 ** ("KMGTPE".index(suffix) + 1)


@pytest.mark.parametrize("text", ["'" * 20000, '"\\' * 20000, "a=" + "#'" * 20000])
def test_long_lines_take_no_long_time(text: str) -> None:
    begun = time.monotonic()
    with contextlib.suppress(BadOptionFile):
        parse_option_file(f"[mysqld]\n{text}", "9.7")
    assert time.monotonic() - begun < 1
