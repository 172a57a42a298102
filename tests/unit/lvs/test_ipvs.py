# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel and ipvsadm say of IPVS."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _ipvs
from ansible_collections.opendba.mysql_ha.plugins.module_utils._ipvs import (
    Unreadable,
    parse_daemon,
    parse_saved,
    parse_table,
    parse_timeouts,
)

HEAD = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
"""
TABLE = HEAD + """\
TCP  0A4D00A1:0CEA wlc persistent 3750 FFFFFFFF
  -> 0A4D003E:0CEA      Route   1      2          7         
  -> 0A4D003F:0CEA      Route   300    0          0         
TCP  [fd00:0000:0000:0000:0000:0000:0000:00c8]:0CEA mh  
  -> [fd00:0000:0000:0000:0000:0000:0000:0001]:0CEA      Route   0      0          0         
UDP  0A4D00A1:0035 rr ops 
FWM  0000002A wrr  
  -> 7F000001:0000      Local   -1     1          0         
"""  # noqa: W291 - as the kernel writes it
KEYS = ("address", "port", "forward", "weight", "active", "inactive")


def service(address: str | None, scheduler: str, *servers: tuple[object, ...], **values: object) -> dict[str, object]:
    return {
        "protocol": "tcp", "address": address, "port": 3306, "mark": None, "scheduler": scheduler, "persistent": False,
        "persistence_timeout": 0, "servers": [dict(zip(KEYS, server, strict=True)) for server in servers], **values,
    }  # fmt: skip


def test_table() -> None:
    assert parse_table(TABLE.encode()) == {
        "version": "1.2.1",
        "size": 4096,
        "services": [
            service(
                "10.77.0.161", "wlc", ("10.77.0.62", 3306, "route", 1, 2, 7), ("10.77.0.63", 3306, "route", 300, 0, 0),
                persistent=True, persistence_timeout=None,
            ),
            service("fd00::c8", "mh", ("fd00::1", 3306, "route", 0, 0, 0)),
            service("10.77.0.161", "rr", protocol="udp", port=53),
            service(None, "wrr", ("127.0.0.1", 0, "local", -1, 1, 0), protocol=None, port=None, mark=42),
        ],
    }  # fmt: skip


def test_empty_table() -> None:
    assert parse_table(HEAD.encode())["services"] == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "ends in the middle of a line"),
        (TABLE.encode()[:-20], "ends in the middle of a line"),
        (b"\n", "has not the headings"),
        (HEAD.replace("size=4096", "size=many").encode(), "has not the headings"),
        (b"\xff\n", "is not text"),
        (HEAD.encode() + b"  -> 0A4D003E:0CEA Route 1 2 7\n", "line 4 of the IPVS table is neither"),
        (HEAD.encode() + b"TCP  0A4D00A1:0CEA\n", "line 4 of the IPVS table is neither"),
        (HEAD.encode() + b"TCP  [fd00:::]:0CEA rr\n", "line 4 of the IPVS table has no address"),
        (TABLE.encode() + b"\n", "line 12 of the IPVS table is neither"),
    ],
)
def test_unreadable(data: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        parse_table(data)


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ipvs, "LARGEST", len(TABLE) - 1)
    with pytest.raises(Unreadable, match="is larger than"):
        parse_table(TABLE.encode())


def read(data: bytes) -> None:
    try:
        found = parse_table(data)
    except Unreadable as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert {"version", "size", "services"} == found.keys()


@given(st.binary())
def test_anything(data: bytes) -> None:
    read(data)


@given(st.binary(max_size=60))
def test_anything_below_the_headings(data: bytes) -> None:
    read(HEAD.encode() + data + b"\n")


@given(st.integers(0, len(TABLE)), st.integers(0, len(TABLE)), st.binary(max_size=4))
def test_a_table_with_a_piece_missing_or_changed(start: int, end: int, instead: bytes) -> None:
    data = TABLE.encode()
    read(data[:start] + instead + data[end:])


def test_a_large_table_is_read_in_time() -> None:
    line = b"  -> 0A4D003E:0CEA      Route   1      2          7         \n"
    data = HEAD.encode() + b"TCP  0A4D00A1:0CEA rr \n" + line * 20000
    assert len(parse_table(data)["services"][0]["servers"]) == 20000
    read(HEAD.encode() + b"TCP  0A4D00A1:0CEA rr" + b" x" * 100000 + b"\n")


def test_timeouts() -> None:
    assert parse_timeouts("Timeout (tcp tcpfin udp): 7500 5 300\n") == {"tcp": 7500, "tcp_fin": 5, "udp": 300}


@pytest.mark.parametrize(
    ("text", "daemons"),
    [
        ("", []),
        ("master sync daemon (mcast=eth0, syncid=81)\n", [("master", "eth0", 81)]),
        (
            "master sync daemon (mcast=eth0, syncid=81, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n"
            "backup sync daemon (mcast=br-lan.7, syncid=0)\n",
            [("master", "eth0", 81), ("backup", "br-lan.7", 0)],
        ),
    ],
)
def test_daemon(text: str, daemons: list[tuple[str, str, int]]) -> None:
    assert [tuple(daemon.values()) for daemon in parse_daemon(text)] == daemons


def test_saved() -> None:
    text = "-A -t 10.0.0.1:3306 -s wlc -p 15\n-a -t 10.0.0.1:3306 -r 10.0.0.2:3306 -g -w 1\n"
    text += "-A -t [fd00::1]:3306 -s rr\n"
    assert parse_saved(text + "-A -f 42 -s rr\n") == {("tcp", "10.0.0.1", 3306): 15, ("tcp", "fd00::1", 3306): 0}


@given(st.text(alphabet="-AtupM 0123456789.:[]'\"\nx\\") | st.text())
def test_whatever_ipvsadm_says(text: str) -> None:
    for parse in (parse_timeouts, parse_daemon, parse_saved):
        try:
            parse(text)
        except Unreadable as error:
            assert "as expected" in str(error)  # noqa: PT017
