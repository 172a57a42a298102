# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What running daemons wrote about themselves.

Recorded from keepalived 2.2.7 and 2.3.4, with one configuration: the files of `recorded/` (sections that are not read
were left out, and the password of a check was changed). All else was written from the source of
the version that it names.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _keepalived_dump
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_conf import Unreadable
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_dump import (
    parse_journal,
    parse_json,
    parse_text,
)

RECORDED = Path(__file__).parent / "recorded"
JSON = (RECORDED / "keepalived-2.3.4.json").read_bytes()
TEXT = (RECORDED / "keepalived-2.3.4.data").read_bytes()

# Written from vrrp_print.c of 1.2 and vrrp_data.c of 2.0.
TEXT_1_2 = b"""\
------< VRRP Topology >------
 VRRP Instance = VI_1
 VRRP Version = 2
   State = BACKUP
   Master router = 192.0.2.12
   Master priority = 90
   Last transition = 1400000000 (Tue May 13 16:53:20 2014)
   Listening device = eth0
   Using src_ip = 192.0.2.11
   Gratuitous ARP refresh = 0
   Virtual Router ID = 51
   Priority = 100
   Advert interval = 1 sec
   Accept = disabled
   Preempt = disabled
   Authentication type = SIMPLE_PASSWORD
   Password = 1111
   Tracked interfaces = 1
------< NIC >------
 Name = eth1
 index = 3
 is UP
 MTU = 1500
   Tracked scripts = 1
 VRRP Script = chk_mysql
   Command = /etc/keepalived/check.sh
   Interval = 60 sec
   Weight = -20
   Rise = 1
   Full = 1
   Status = BAD
   Interface weight 0
   Virtual IP = 1
     192.0.2.100/24 dev eth0 scope global
"""
TEXT_2_0 = b"""\
------< Global definitions >------
 Router ID = meta1
------< VRRP Topology >------
 VRRP Instance = VI_META
   VRRP Version = 3
   State = BACKUP
   Master router = 192.0.2.32
   Master priority = 110
   Master advert int = 0.50 sec
   Wantstate = BACKUP
   Last transition = 1580000000.123456 (Sun Jan 26 00:53:20.123456 2020)
   Interface = ens3
   Using src_ip = 192.0.2.31 (from configuration)
   Virtual Router ID = 80
   Priority = 150
   Effective priority = 130
   Advert interval = 500 milli-sec
   Preempt = enabled
   Virtual IP = 2
     192.0.2.180/24 dev ens3 scope global
     fd00::180/64 dev ens3
   Unicast Peer = 1
     192.0.2.32
   Tracked scripts = 1
     check_meta weight -20
   Tracked files = 1
     lead: weight 0
------< VRRP Scripts >------
 VRRP Script = check_meta
   Command = '/etc/keepalived/scripts/check.sh'
   Weight = -20
   Status = BAD
------< VRRP Track files >------
 VRRP Track file = lead
   File = /run/lead
   Status = 0
   Weight = 0
"""


VERSIONS = ["2.2.7", "2.3.4"]


def recorded(version: str, ending: str) -> bytes:
    return (RECORDED / f"keepalived-{version}.{ending}").read_bytes()


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_json(version: str) -> None:
    orders, broken = parse_json(recorded(version, "json"))
    assert (orders["name"], orders["state"], orders["priority"], orders["effective_priority"]) == (
        "orders", "MASTER", 100, 80,
    )  # fmt: skip
    assert (orders["interface"], orders["virtual_router_id"], orders["version"]) == ("veth0", 51, 2)
    assert (orders["nopreempt"], orders["auth_type"], orders["advert_int"]) == (True, "PASS", 1.0)
    assert orders["vips"] == [
        {"address": "192.0.2.100", "prefix": 24, "interface": "veth0", "label": "veth0:1"},
        {"address": "192.0.2.101", "prefix": 32, "interface": "veth0", "label": None},
    ]
    assert orders["excluded_vips"][0]["address"] == "192.0.2.102"
    assert 1795280000 < orders["last_transition"] < 1795290000
    assert orders["counters"]["advert_sent"] > 0
    assert (broken["state"], broken["advert_int"], broken["effective_priority"]) == ("FAULT", 0.2, 201)


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_text(version: str) -> None:
    orders, broken = parse_text(recorded(version, "data"))
    assert (orders["state"], orders["priority"], orders["effective_priority"]) == ("MASTER", 100, 80)
    assert orders["peers"] == ["192.0.2.12", "192.0.2.13"]
    assert orders["source_address"] == "192.0.2.11"
    assert orders["tracked"] == [
        {"kind": "script", "name": "chk_mysql", "state": "BAD", "weight": -20},
        {"kind": "file", "name": "may_lead", "state": "0", "weight": 0},
    ]
    assert broken["tracked"] == [
        {"kind": "script", "name": "bad", "state": "BAD", "weight": 0},
        {"kind": "file", "name": "faulty", "state": "1", "weight": 1},
    ]
    assert (broken["state"], broken["version"], broken["advert_int"]) == ("FAULT", 3, 0.2)


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_dumps_agree(version: str) -> None:
    only_one = {"source_address", "master_priority", "peers", "tracked", "counters"}
    told = zip(parse_json(recorded(version, "json")), parse_text(recorded(version, "data")), strict=True)
    for one, other in told:
        for field in one.keys() - only_one:
            assert one[field] == other[field], field


def test_no_password_comes_out() -> None:
    assert b"1111" in JSON
    assert b"1111" in TEXT
    assert "1111" not in str(parse_json(JSON) + parse_text(TEXT) + parse_text(TEXT_1_2))


def test_text_of_1_2() -> None:
    found = parse_text(TEXT_1_2)[0]
    assert (found["state"], found["master_address"], found["master_priority"]) == ("BACKUP", "192.0.2.12", 90)
    assert (found["interface"], found["virtual_router_id"], found["priority"]) == ("eth0", 51, 100)
    assert (found["nopreempt"], found["advert_int"], found["last_transition"]) == (True, 1.0, 1400000000.0)
    assert found["effective_priority"] is None, "1.2 does not tell it"
    assert [vip["address"] for vip in found["vips"]] == ["192.0.2.100"]
    assert found["tracked"] == [{"kind": "script", "name": "chk_mysql", "state": "BAD", "weight": -20}]


def test_text_of_2_0() -> None:
    found = parse_text(TEXT_2_0)[0]
    assert (found["state"], found["effective_priority"], found["advert_int"]) == ("BACKUP", 130, 0.5)
    assert [vip["address"] for vip in found["vips"]] == ["192.0.2.180", "fd00::180"]
    assert found["peers"] == ["192.0.2.32"]
    assert [(entry["name"], entry["state"], entry["weight"]) for entry in found["tracked"]] == [
        ("check_meta", "BAD", -20), ("lead", "0", 0),
    ]  # fmt: skip


def test_json_version_2() -> None:
    """Written from vrrp_json.c: an object around the same list."""
    assert parse_json(b'{"vrrp":' + JSON + b',"track_process":[]}') == parse_json(JSON)


@pytest.mark.parametrize(
    "data",
    [b"", b"[", b"{}", b"null", b'"x"', b"[1]", b'[{"data":{}}]', b'[{"data":{"iname":1}}]', b"\xff",
     JSON.rstrip()[:-1], b"[" * 100000],
)
def test_no_json(data: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_json(data)


@pytest.mark.parametrize("data", [b"", b"\0", b"no sections\n", b"\xff" * 100])
def test_no_text(data: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_text(data)


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_keepalived_dump, "LARGEST", 100)
    for parse in (parse_json, parse_text):
        with pytest.raises(Unreadable, match="larger than"):
            parse(TEXT)


JOURNAL = """\
1795280037.100000 db1 Keepalived_vrrp[15]: (orders) Entering BACKUP STATE (init)
1795280040.965653 db1 Keepalived_vrrp[15]: (orders) Entering MASTER STATE
1795280041.000000 db1 Keepalived_vrrp[15]: (broken) Entering FAULT STATE
1700000000.5 db1 Keepalived_vrrp[7]: VRRP_Instance(VI_1) Transition to MASTER STATE
1700000001.5 db1 Keepalived_vrrp[7]: VRRP_Instance(VI_1) Entering MASTER STATE
1700000002 db1 Keepalived_vrrp[7]: VRRP_Instance(VI_1) sending 0 priority
-- Reboot --
1795280050.1 db1 Keepalived[1]: Stopping
"""


def test_journal() -> None:
    assert parse_journal(JOURNAL) == {
        "orders": {"state": "MASTER", "last_transition": 1795280040.965653},
        "broken": {"state": "FAULT", "last_transition": 1795280041.0},
        "VI_1": {"state": "MASTER", "last_transition": 1700000001.5},
    }


# ---- hostile input ---------------------------------------------------------------------------------------------------


def read(parse: Any, data: bytes) -> None:
    try:
        found = parse(data)
    except Unreadable as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        json.dumps(found, allow_nan=False)
        assert all({"name", "state", "vips", "tracked"} <= instance.keys() for instance in found)


@given(st.binary())
def test_anything(data: bytes) -> None:
    read(parse_json, data)
    read(parse_text, data)
    read(parse_text, b"------< VRRP Topology >------\n VRRP Instance = x\n" + data)


@given(st.sampled_from([TEXT, TEXT_1_2, TEXT_2_0]), st.integers(0, 6500), st.integers(0, 6500), st.binary(max_size=4))
def test_a_text_with_a_piece_missing_or_changed(text: bytes, start: int, end: int, instead: bytes) -> None:
    read(parse_text, text[:start] + instead + text[end:])


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3))
KEYS = [*sorted(json.loads(JSON)[0]["data"]), "track_ifp", "track_process"]


@given(st.dictionaries(st.sampled_from(KEYS), VALUES), VALUES)
def test_json_with_values_of_any_type(values: dict[str, Any], stats: Any) -> None:
    read(parse_json, json.dumps([{"data": {"iname": "x", **values}, "stats": stats}]).encode())
    read(parse_json, json.dumps([{"data": values, "stats": {"advert_rcvd": stats}}]).encode())


@given(st.text())
def test_any_journal(text: str) -> None:
    parse_journal(text)
    parse_journal("1.0 h k[1]: (x) Entering MASTER STATE" + text)


def test_huge_ones_end_in_time() -> None:
    started = time.monotonic()
    for line in (b"     x\n", b" VRRP Instance = x\n", b"   A = b\n", b"   Tracked scripts = 1\n", b" " * 99 + b"\n"):
        read(parse_text, b"------< VRRP Topology >------\n VRRP Instance = x\n   Virtual IP = 1\n" + line * 40000)
    read(parse_text, b"------< A >------\n" + b"   A" * 1_000_000)
    parse_journal("1.0 h k: (x) Entering " * 200_000)
    assert time.monotonic() - started < 20
