# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pools as the directors see them, next to what the agents say."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.filter.lvs_table import lvs_table

VIP = "10.0.0.200"
GROUPS = {
    "all": ["a", "b", "c", "l1", "l2"], "mysql": ["a", "b", "c"], "orders": ["a", "b", "c"],
    "lvs_director": ["l1", "l2"],
}  # fmt: skip
GOOD_ARP = {"arp_ignore": 1, "arp_announce": 2}


def member(number: int, status: int = 200, lag: float | None = 0.0, **lvs: Any) -> dict[str, Any]:
    found = {"lo": [{"address": VIP, "prefix": 32, "label": "lo:0"}], "arp": {"all": GOOD_ARP, "lo": GOOD_ARP}, **lvs}
    return {
        "cluster_vip": "10.0.0.100/24",
        "cluster_reader_vips": [VIP],
        "ansible_facts": {"all_ipv4_addresses": [f"10.0.0.{number}", VIP]},
        "reader_answer": {"status": status, "json": {"reader": status == 200, "lag": lag}},
        "lvs_state": {"lvs": found},
    }


def director(holds: bool, **weights: int) -> dict[str, Any]:
    """Weights by server: n11 is 10.0.0.11."""
    servers = [
        {"address": f"10.0.0.{name[1:]}", "port": 3306, "weight": weight, "active": 2, "inactive": 5}
        for name, weight in weights.items()
    ]
    service = {"address": VIP, "port": 3306, "servers": servers}
    return {
        "ansible_facts": {"all_ipv4_addresses": ["10.0.0.14", *([VIP] if holds else [])]},
        "lvs_state": {"lvs": {"available": True, "problems": [], "services": [service]}},
    }


@pytest.fixture
def hosts() -> dict[str, Any]:
    return {
        "a": member(11, 503, None),
        "b": member(12),
        "c": {**member(13, 200, 1.26), "cluster_role": "reader"},
        "l1": director(True, n12=1, n13=3),
        "l2": director(False, n12=1, n13=3),
    }


def test_a_healthy_pool(hosts: dict[str, Any]) -> None:
    assert lvs_table(hosts, GROUPS) == [
        "orders: reads at 10.0.0.200 on l1",
        "READS AT    INSTANCE  l1       l2       AGENT",
        "10.0.0.200  a         out      out      not fit",
        "10.0.0.200  b         1 (2+5)  1 (2+5)  fit, 0.0 s behind",
        "10.0.0.200  c         3 (2+5)  3 (2+5)  fit, 1.3 s behind",
    ]


def told(hosts: dict[str, Any]) -> list[str]:
    return lvs_table(hosts, GROUPS)[5:]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"b": member(12, 503, 34.24)},
            ["DISAGREEMENT: l1 sends reads at 10.0.0.200 to b, but its agent says it is not fit, 34.2 s behind",
             "DISAGREEMENT: l2 sends reads at 10.0.0.200 to b, but its agent says it is not fit, 34.2 s behind"],
        ),
        (
            {"l2": director(False, n13=1)},
            ["DISAGREEMENT: l2 leaves b out at 10.0.0.200, but its agent says it is fit"],
        ),
        (
            {"c": {**member(13), "reader_answer": {"status": -1, "msg": "refused"}}, "l2": director(False, n12=1)},
            ["DISAGREEMENT: l1 sends reads at 10.0.0.200 to c, but its agent does not answer"],
        ),
        ({"l1": director(True, n12=0, n13=3)}, []),
        ({"b": {**member(12, 503), "lvs_state": {}}, "l1": director(True, n12=0, n13=1), "l2": director(False, n13=1)},
         []),
        ({"l1": director(True, n12=1, n13=3, n99=1)},
         ["l1 sends reads at 10.0.0.200 to 10.0.0.99, which is no member"]),
        ({"l1": director(True, n12=1, n13=3, n100=1)}, []),
        ({"l2": {"lvs_state": {"lvs": {"available": False, "problems": []}}}},
         ["l2: it does not answer", "l2 has no service 10.0.0.200"]),
        ({"b": member(12, lo=[])}, ["b has no 10.0.0.200 on lo: connections that it gets are lost"]),
        ({"b": member(12, lo=None)}, ["b: the addresses on lo could not be read"]),
        ({"b": member(12, lo=[{"address": VIP, "prefix": 24, "label": ""}])},
         ["b has 10.0.0.200 on lo with the prefix 24, so that the subnet is local there"]),
        ({"b": member(12, arp={"all": {"arp_ignore": 0, "arp_announce": 2}, "lo": GOOD_ARP})},
         ["b may answer ARP for the reader VIPs: all.arp_ignore=0"]),
    ],
)  # fmt: skip
def test_findings(hosts: dict[str, Any], change: dict[str, Any], said: list[str]) -> None:
    assert told({**hosts, **change}) == said


def test_the_last_resort_is_no_disagreement(hosts: dict[str, Any]) -> None:
    """The writer has the writer VIP among its addresses, and it is not fit for reads."""
    hosts["a"]["ansible_facts"]["all_ipv4_addresses"].append("10.0.0.100")
    change = {"b": member(12, 503), "c": member(13, 503), "l1": director(True, n100=1), "l2": director(False, n100=1)}
    assert told({**hosts, **change}) == []


def test_a_server_that_was_taken_out_without_the_directors(hosts: dict[str, Any]) -> None:
    """Its agent says it is fit, and the directors were left out of the run (--limit)."""
    hosts["c"] = {**member(13, lo=[]), "cluster_role": "reader", "lvs_realserver_state": "absent"}
    assert told(hosts) == ["c has no 10.0.0.200 on lo: connections that it gets are lost"]
    assert told({**hosts, "l1": director(True, n12=1), "l2": director(False, n12=1)}) == []


def test_a_director_that_is_none_any_more(hosts: dict[str, Any]) -> None:
    hosts["l2"] = {"lvs_director_state": "absent", "lvs_state": {"lvs": {"available": False, "problems": []}}}
    assert "l2" not in "".join(lvs_table(hosts, GROUPS))


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ({"l1": director(False, n12=1, n13=3)}, "10.0.0.200 ON NO DIRECTOR"),
        ({"l2": director(True, n12=1, n13=3)}, "10.0.0.200 ON l1 AND l2"),
    ],
)
def test_who_holds_the_vip(hosts: dict[str, Any], change: dict[str, Any], title: str) -> None:
    assert lvs_table({**hosts, **change}, GROUPS)[0] == f"orders: reads at {title}"


def test_readers_only(hosts: dict[str, Any]) -> None:
    """A fit standby that shall not serve is rightly out."""
    for name in ("a", "b", "c"):
        hosts[name]["cluster_readers"] = "readers"
    assert told({**hosts, "l1": director(True, n13=1), "l2": director(False, n13=1)}) == []


def test_without_directors(hosts: dict[str, Any]) -> None:
    groups = {key: names for key, names in GROUPS.items() if key != "lvs_director"}
    assert lvs_table(hosts, groups) == ["orders: reads at 10.0.0.200, but no host is in lvs_director"]


def test_without_reader_vips(hosts: dict[str, Any]) -> None:
    for name in ("a", "b", "c"):
        del hosts[name]["cluster_reader_vips"]
    assert lvs_table(hosts, GROUPS) == []


def test_hosts_that_do_not_answer() -> None:
    silent = {name: {"cluster_vip": "10.0.0.100/24", "cluster_reader_vips": [VIP]} for name in ("a", "b", "c")}
    lines = lvs_table({**silent, "l1": {}, "l2": {}}, GROUPS)
    assert lines[0] == "orders: reads at 10.0.0.200 ON NO DIRECTOR"
    assert lines[5:] == [
        *("l1: it does not answer", "l2: it does not answer"),
        *("l1 has no service 10.0.0.200", "l2 has no service 10.0.0.200"),
    ]
