# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One picture of each VRRP instance and VIP out of several sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _vip
from ansible_collections.opendba.mysql_ha.plugins.module_utils._ip_addresses import parse_addresses
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_conf import parse
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_dump import parse_json, parse_text
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_model import describe
from ansible_collections.opendba.mysql_ha.plugins.module_utils._vrrp import combine, vip_states
from unit.vrrp.practitioners import DIRECTOR, LOCAL_CHECK, UNICAST

RECORDED = Path(__file__).parent / "recorded"
JSON = parse_json((RECORDED / "keepalived-2.3.4.json").read_bytes())
TEXT = parse_text((RECORDED / "keepalived-2.3.4.data").read_bytes())
# Recorded (iproute2 6.16), and lines in the manner of other versions.
ADDRESSES = r"""
1: lo    inet 127.0.0.1/8 scope host lo\       valid_lft forever preferred_lft forever
1: lo    inet 192.0.2.200/32 scope global lo:0\       valid_lft forever preferred_lft forever
1: lo    inet6 ::1/128 scope host \       valid_lft forever preferred_lft forever
3: veth0    inet 192.0.2.11/24 scope global veth0\       valid_lft forever preferred_lft forever
3: veth0    inet 192.0.2.100/24 scope global secondary veth0:1\       valid_lft forever preferred_lft forever
3: veth0    inet6 fe80::aa:74ff:fecc:2507/64 scope link \       valid_lft forever preferred_lft forever
4: eth1@if7    inet 198.51.100.5/24 brd 198.51.100.255 scope global dynamic eth1\       valid_lft 85sec
5: tun0    inet 10.8.0.2 peer 10.8.0.1/32 scope global tun0\       valid_lft forever preferred_lft forever
6: eth2    inet6 fd00::5/64 scope global tentative dadfailed \       valid_lft forever preferred_lft forever
7: eth3    inet 203.0.113.1/24 brd 203.0.113.255 scope global eth3
"""
HERE = parse_addresses(ADDRESSES)


def meaning(text: str) -> dict[str, Any]:
    return describe(parse(text.encode(), "k.conf")[0])


def test_addresses() -> None:
    found = {entry["address"]: entry for entry in HERE}
    assert len(found) == 10
    assert found["192.0.2.100"] == {
        "address": "192.0.2.100", "prefix": 24, "interface": "veth0", "label": "veth0:1", "scope": "global",
        "secondary": True, "usable": True,
    }  # fmt: skip
    assert found["192.0.2.200"]["label"] == "lo:0"
    assert (found["198.51.100.5"]["interface"], found["198.51.100.5"]["label"]) == ("eth1", "eth1")
    assert found["10.8.0.2"]["prefix"] == 32
    assert found["fd00::5"]["usable"] is False
    assert (found["fd00::5"]["label"], found["fe80::aa:74ff:fecc:2507"]["scope"]) == ("", "link")
    assert found["203.0.113.1"]["label"] == "eth3"


@given(st.text() | st.text(alphabet="1: ethinp6/.\\\n"))
def test_any_addresses(text: str) -> None:
    parse_addresses(text)
    parse_addresses("1: lo    inet " + text)
    parse_addresses("1: lo    inet 192.0.2.1/" + text)


def instance(name: str, **sources: Any) -> dict[str, Any]:
    found = combine(
        sources.get("described"), sources.get("dumps", {}), sources.get("journal", {}), sources.get("addresses", []),
        sources.get("running", True),
    )  # fmt: skip
    return next(entry for entry in found if entry["name"] == name)


def test_the_daemon_is_believed_first() -> None:
    found = instance("orders", dumps={"json": JSON, "text": TEXT}, journal={"orders": {"state": "BACKUP"}})
    assert (found["state"], found["sources"]["state"]) == ("MASTER", "json")
    assert (found["peers"], found["sources"]["peers"]) == (["192.0.2.12", "192.0.2.13"], "text")
    assert found["sources"]["tracked"] == "text"
    assert found["loaded"] is True


def test_without_the_daemon_the_journal_is_believed() -> None:
    journal = {"VI_META": {"state": "FAULT", "last_transition": 7.0}}
    found = instance("VI_META", described=meaning(UNICAST), journal=journal)
    assert (found["state"], found["last_transition"]) == ("FAULT", 7.0)
    assert {found["sources"][name] for name in ("state", "last_transition")} == {"journal"}
    assert (found["priority"], found["sources"]["priority"]) == (150, "configuration")
    assert found["effective_priority"] is None, "it depends on what the weighted check says"
    assert found["loaded"] is None


def test_without_journal_the_addresses_tell_who_leads() -> None:
    described = meaning(LOCAL_CHECK)
    found = instance("VI_1", described=described, addresses=HERE)
    assert (found["state"], found["sources"]["state"]) == ("MASTER", "addresses")
    assert found["effective_priority"] == 100
    assert instance("VI_1", described=described)["state"] is None
    assert instance("VI_1", described=described, addresses=HERE, running=False)["state"] is None


def test_a_vip_on_lo_is_no_proof_of_leading() -> None:
    assert instance("reads", described=meaning(DIRECTOR), addresses=HERE)["state"] is None


RECORDED_CONFIGURATION = """
vrrp_script chk_mysql { script "/usr/bin/test -e /tmp/may"
 weight -20 }
vrrp_script late { script "/x" }
track_file may_lead { file /tmp/may_lead }
vrrp_instance orders {
 track_script { chk_mysql
 late }
 track_interface { veth0 }
 track_file { may_lead weight 0 }
}
vrrp_instance unknown { priority 9 }
"""


def test_what_is_configured_and_not_tracked() -> None:
    described = meaning(RECORDED_CONFIGURATION)
    dumps = {"json": JSON, "text": TEXT}
    assert instance("orders", described=described, dumps=dumps)["untracked"] == [{"kind": "script", "name": "late"}]
    assert instance("orders", described=described, dumps={"json": JSON})["untracked"] == [], "JSON has no names"
    assert instance("orders", described=described)["untracked"] == []


def test_what_is_tracked_and_defined_below_or_nowhere() -> None:
    """keepalived -t of 2.2.7 says of each "not found, ignoring"."""
    text = (
        "vrrp_script above { script /x\n}\nvrrp_instance orders {\ntrack_script {\nabove\nbelow\nnowhere\n}\n"
        "track_process {\nmysqld\n}\ntrack_interface {\neth0\n}\n}\nvrrp_script below { script /x\n}\n"
    )
    found = instance("orders", described=meaning(text))
    assert [entry["name"] for entry in found["tracked"]] == ["above", "eth0"]
    assert [(entry["kind"], entry["name"]) for entry in found["untracked"]] == [
        ("script", "below"), ("script", "nowhere"), ("process", "mysqld"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("state MASTER\nnopreempt", "nopreempt", False), ("state BACKUP\nnopreempt off", "nopreempt", True),
        ("priority 300", "priority", 100), ("priority 0", "priority", 100), ("", "priority", 100),
        ("", "advert_int", 1),
        ("advert_int 0.2", "advert_int", 1), ("advert_int 1.5", "advert_int", 2), ("advert_int 300", "advert_int", 1),
        ("advert_int 0.2\nversion 3", "advert_int", 0.2), ("virtual_ipaddress {\nfd00::1\n}", "version", 3),
        ("", "version", 2), ("version 3\nauthentication {\nauth_type PASS\n}", "auth_type", None),
        ("unicast_peer {\n192.0.2.12/24 min_ttl 1\n}", "peers", ["192.0.2.12"]),
        ("unicast_src_ip 192.0.2.11/24", "source_address", "192.0.2.11"),
        ("virtual_router_id 300", "virtual_router_id", None),
    ],
)  # fmt: skip
def test_what_keepalived_fills_in_rounds_and_clears(text: str, field: str, value: Any) -> None:
    assert instance("orders", described=meaning(f"vrrp_instance orders {{\n{text}\n}}\n"))[field] == value


def test_the_first_of_two_instances_counts() -> None:
    text = "vrrp_instance orders {\npriority 150\n}\nvrrp_instance orders {\npriority 90\n}\n"
    found = combine(meaning(text), {}, {}, [], False)
    assert [(each["name"], each["priority"]) for each in found] == [("orders", 150)]


def test_what_is_configured_and_not_loaded() -> None:
    described = meaning(RECORDED_CONFIGURATION)
    found = instance("unknown", described=described, dumps={"json": JSON})
    assert (found["loaded"], found["state"], found["priority"]) == (False, None, 9)


def test_states_by_address() -> None:
    assert vip_states(combine(None, {"json": JSON}, {}, [], True)) == {
        "192.0.2.100": "MASTER", "192.0.2.101": "MASTER", "192.0.2.102": "MASTER", "192.0.2.110": "FAULT",
    }  # fmt: skip


# ---- VIPs ------------------------------------------------------------------------------------------------------------


def vip(address: str, state: str | None = None, running: bool | None = True, text: str = LOCAL_CHECK) -> dict[str, Any]:
    known = _vip.discover(meaning(text), HERE, {})
    return _vip.describe(address, known[address], HERE, state, running)


def test_discovery() -> None:
    known = _vip.discover(meaning(LOCAL_CHECK), HERE, {"2001:db8::1": None})
    assert {address: entry["sources"] for address, entry in known.items()} == {
        "192.0.2.100": ["virtual_server", "vrrp"], "192.0.2.200": ["lo"], "2001:db8::1": ["states"],
    }  # fmt: skip
    assert known["192.0.2.100"]["at"] == "k.conf:24"
    assert known["192.0.2.100"]["interface"] == "eth0"
    assert list(_vip.discover(None, HERE, {})) == ["192.0.2.200"]


@pytest.mark.parametrize(
    ("state", "running", "stale", "missing"),
    [("MASTER", True, False, False), ("BACKUP", True, True, False), ("FAULT", True, True, False),
     (None, True, None, None), (None, None, None, None), (None, False, True, False)],
)  # fmt: skip
def test_stale(state: str | None, running: bool | None, stale: bool | None, missing: bool | None) -> None:
    found = vip("192.0.2.100", state, running)
    assert (found["stale"], found["missing"]) == (stale, missing)
    assert bool(found["reason"]) is bool(stale)
    assert found["places"][0]["interface"] == "veth0"


def test_a_vip_that_only_the_dump_tells_is_stale_too() -> None:
    known = _vip.discover(None, HERE, {"192.0.2.100": None})
    assert _vip.describe("192.0.2.100", known["192.0.2.100"], HERE, None, False)["stale"] is True


def test_missing() -> None:
    assert vip("192.0.2.180", "MASTER", text=UNICAST)["missing"] is True
    assert vip("192.0.2.180", "BACKUP", text=UNICAST)["stale"] is False


def test_a_vip_on_lo() -> None:
    found = vip("192.0.2.200")
    assert (found["here"], found["on_lo"], found["stale"]) == (False, True, False)
    assert found["wire"] == "veth0"
    assert _vip.answered(found, ["02:00:00:00:00:01"])["conflict"] is False


def test_where_to_ask() -> None:
    assert vip("192.0.2.100")["wire"] == "veth0", "where it is"
    assert vip("192.0.2.180", text=UNICAST)["wire"] == "ens3", "where it belongs"
    assert _vip.wire("198.51.100.7", [], None, HERE) == "eth1"
    assert _vip.wire("10.9.9.9", [], None, HERE) is None
    assert _vip.wire("fd00::7", [], None, HERE) == "eth2"


@pytest.mark.parametrize(
    ("others", "holders", "conflict"), [([], 1, False), (["a"], 2, True), (["a", "b"], 3, True)]
)
def test_conflicts(others: list[str], holders: int, conflict: bool) -> None:
    found = _vip.answered(vip("192.0.2.100"), others)
    assert (found["holders"], found["conflict"]) == (holders, conflict)


def test_addresses_are_spelled_in_one_way() -> None:
    assert _vip.parse_vip(" 192.0.2.1/24 ") == "192.0.2.1"
    assert _vip.parse_vip("FD00:0::1/64") == "fd00::1"
    with pytest.raises(ValueError, match="does not appear"):
        _vip.parse_vip("db1")
