# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HAProxy says of itself at its runtime socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _haproxy_stats
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_stats import (
    Unreadable,
    parse_info,
    parse_stat,
    parse_version,
)

STAT = """\
# pxname,svname,scur,smax,slim,stot,status,weight,check_status,check_code,lastchg,type,addr,mode,last_chk,
mysql_orders_writer,FRONTEND,3,9,4000,120,OPEN,,,,,0,,tcp,,
mysql_orders_writer,db1,3,4,,60,UP,1,L7OK,200,17,2,10.0.0.11:3306,tcp,"HTTP status check returned code 200, ok",
mysql_orders_writer,db2,0,0,,0,DOWN,1,L7STS,503,17,2,10.0.0.12:3306,tcp,"said ""no"" to it",
mysql_orders_writer,db3,0,0,,0,UP 1/2,0,* L4OK,,17,2,[fd00::1]:3306,tcp,,
mysql_orders_writer,BACKEND,3,9,800,120,UP,1,,,17,1,,tcp,,
unix,sock-1,0,0,,0,OPEN,,,,,3,,,,

"""
INFO = """\
Name: HAProxy
Version: 3.2.26-1
Release_date: 2026/10/01
Nbthread: 2
Pid: 123
Uptime_sec: 17
Maxconn: 8100
Ulimit-n: 17200
CurrConns: 3
CumConns: 120
Stopping: 0
node: p1

"""


def test_stat() -> None:
    orders, unix = parse_stat(STAT.encode())
    assert unix == {"name": "unix", "frontend": None, "backend": None, "servers": []}
    assert orders["frontend"] == {
        "status": "OPEN", "sessions": 3, "most_sessions": 9, "limit": 4000, "total_sessions": 120, "mode": "tcp",
    }  # fmt: skip
    assert orders["backend"]["limit"] == 800
    assert orders["servers"][0] == {
        "name": "db1", "address": "10.0.0.11:3306", "status": "UP", "up": True, "takes_sessions": True, "weight": 1,
        "sessions": 3, "total_sessions": 60, "check": "L7OK", "check_code": 200,
        "check_text": "HTTP status check returned code 200, ok", "seconds_in_status": 17,
    }  # fmt: skip
    assert [(each["up"], each["takes_sessions"]) for each in orders["servers"]] == [
        (True, True), (False, False), (True, False),
    ]  # fmt: skip
    assert orders["servers"][1]["check_text"] == 'said "no" to it'
    assert orders["servers"][2]["check_code"] is None


def test_info() -> None:
    assert parse_info(INFO.encode()) == {
        "name": "HAProxy", "version": "3.2.26-1", "node": "p1", "pid": 123, "uptime": 17, "threads": 2, "maxconn": 8100,
        "ulimit": 17200, "sessions": 3, "total_sessions": 120, "stopping": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("HAProxy version 3.2.26-1 2026/10/01 - https://haproxy.org/\n", "3.2.26-1"),
        ("HAProxy version 2.6.12-1+deb12u4 2025/01/01", "2.6.12-1+deb12u4"),
        ("HA-Proxy version 2.0.13-2 2019/12/13", "2.0.13-2"),
        ("", None),
    ],
)
def test_version(text: str, version: str | None) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "does not begin with its headings"),
        (b"Permission denied\n", "does not begin with its headings"),
        (b"# pxname,svname\n", "has no scur, status, type"),
        (STAT.encode() + b"a,b\n", "line 9 of the answer to `show stat` has not the columns"),
        (STAT.encode() + b"\0", "is not text"),
    ],
)
def test_what_is_no_stat(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        parse_stat(data)


def test_what_is_no_info() -> None:
    with pytest.raises(Unreadable, match="names no version"):
        parse_info(b"Unknown command\n")


def test_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_haproxy_stats, "LARGEST", 10)
    for parse in (parse_stat, parse_info):
        with pytest.raises(Unreadable, match="is larger than 10 bytes"):
            parse(STAT.encode())


BITS = st.sampled_from(
    [b"# ", b"pxname,svname,scur,status,type", b"\n", b",", b'"', b"a", b"1", b"-", b"\xff", b"\r", b":"]
)


@given(st.binary() | st.lists(BITS).map(b"".join) | st.lists(BITS).map(lambda bits: STAT.encode() + b"".join(bits)))
def test_whatever_it_is(data: bytes) -> None:
    """Values of the right types, or `Unreadable` with one line."""
    try:
        proxies, said = parse_stat(data), ""
    except Unreadable as error:
        proxies, said = [], str(error)
    assert "\n" not in said
    for proxy in proxies:
        for server in proxy["servers"]:
            assert isinstance(server["up"], bool)
            assert server["weight"] is None or isinstance(server["weight"], int)


@given(st.binary() | st.lists(BITS | st.just(b"Version: ")).map(b"".join))
def test_whatever_the_info_is(data: bytes) -> None:
    try:
        info = parse_info(data)
    except Unreadable:
        return
    assert info["version"]


@given(st.text())
def test_whatever_the_version_is(text: str) -> None:
    parse_version(text)


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@given(st.lists(CELLS.filter(lambda name: name.strip() == name != ""), min_size=1, max_size=5, unique=True), CELLS)
def test_names_and_texts_come_through(names: list[str], text: str) -> None:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    rows = [f"{quoted('px')},{quoted(name)},1,UP,2,{quoted(text)}," for name in names]
    stat = "\n".join(["# pxname,svname,scur,status,type,last_chk,", *rows, ""])
    (proxy,) = parse_stat(stat.encode())
    assert [server["name"] for server in proxy["servers"]] == names
    assert {server["check_text"] for server in proxy["servers"]} == {text or None}
