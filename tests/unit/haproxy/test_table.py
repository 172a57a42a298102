# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the proxies think, next to what the members say of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.filter.haproxy_table import haproxy_table

VIP = "10.0.0.210"
GROUPS = {
    "all": ["a", "b", "c", "p1", "p2"], "mysql": ["a", "b", "c"], "orders": ["a", "b", "c"], "haproxy": ["p1", "p2"],
}  # fmt: skip


def member(read_only: bool, status: int = 200, lag: float | None = 0.0) -> dict[str, Any]:
    return {
        "cluster_vip": "10.0.0.100/24",
        "mysql_state": {"instance": {"reachable": True, "read_only": read_only}},
        "reader_answer": {"status": status, "json": {"reader": status == 200, "lag": lag}},
    }


def server(name: str, status: str = "UP", sessions: int = 0, weight: int = 1) -> dict[str, Any]:
    up = status.startswith(("UP", "DRAIN"))
    check = "L7OK" if up else "L7STS"
    return {"name": name, "status": status, "up": up, "takes_sessions": status.startswith("UP"), "sessions": sessions,
            "weight": weight, "check": check}  # fmt: skip


def proxy(holds: bool, writers: list[Any] | None = None, readers: list[Any] | None = None) -> dict[str, Any]:
    writers = [server("a", sessions=3), server("b", "DOWN")] if writers is None else writers
    readers = [server("a", "DOWN"), server("b"), server("c", sessions=2)] if readers is None else readers
    proxies = [
        {"name": f"mysql_orders_{kind}", "frontend": {}, "backend": {"status": "UP"}, "servers": servers}
        for kind, servers in (("writer", writers), ("reader", readers))
        if servers
    ]
    return {
        "haproxy_vip": VIP,
        "ansible_facts": {"all_ipv4_addresses": ["10.0.0.14", *([VIP] if holds else [])]},
        "haproxy_seen": {"haproxy": {"available": True, "problems": [], "proxies": proxies}},
    }


@pytest.fixture
def hosts() -> dict[str, Any]:
    return {
        "a": member(False, 503, None),
        "b": member(True),
        "c": {**member(True, 200, 1.26), "cluster_role": "reader"},
        "p1": proxy(True),
        "p2": proxy(False),
    }


def test_all_is_well(hosts: dict[str, Any]) -> None:
    assert haproxy_table(hosts, GROUPS) == [
        "orders: behind the proxies p1, p2",
        "PORT         INSTANCE  p1        p2        INSTANCE SAYS",
        "6446 writer  a         UP (3)    UP (3)    open for writes",
        "6446 writer  b         DOWN (0)  DOWN (0)  read-only",
        "6447 reader  a         DOWN (0)  DOWN (0)  not fit for reads",
        "6447 reader  b         UP (0)    UP (0)    fit for reads, 0.0 s behind",
        "6447 reader  c         UP (2)    UP (2)    fit for reads, 1.3 s behind",
        "proxy VIP 10.0.0.210 on p1",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"p2": proxy(False, writers=[server("a"), server("b")])},
         ["DISAGREEMENT: p2 sends writes to b, but b says it is read-only"]),
        ({"p2": proxy(False, writers=[server("a", "DOWN"), server("b", "DOWN")])},
         ["DISAGREEMENT: p2 sends no writes to a (L7STS), but a says it is open for writes"]),
        ({"p2": proxy(False, writers=[server("a", "MAINT"), server("b", "DOWN")])}, []),
        ({"p2": proxy(False, readers=[server("b"), server("c", "DRAIN", weight=0)])}, []),
        ({"b": {"cluster_vip": "10.0.0.100/24"}},
         ["DISAGREEMENT: p1 sends reads to b, but b does not answer",
          "DISAGREEMENT: p2 sends reads to b, but b does not answer"]),
        ({"p1": proxy(True, writers=[server("a"), server("x")])}, ["p1 sends writes to x, which is no member"]),
        ({"p2": proxy(False, writers=[])}, ["p2 offers no writer port for orders"]),
        ({"p2": {"haproxy_vip": VIP}}, ["p2: it does not answer"]),
        ({"p2": {"haproxy_vip": VIP, "haproxy_seen": {"haproxy": {"available": False, "problems": ["no socket"]}}}},
         ["p2: no socket"]),
    ],
)  # fmt: skip
def test_findings(hosts: dict[str, Any], change: dict[str, Any], said: list[str]) -> None:
    lines = haproxy_table({**hosts, **change}, GROUPS)
    told = [line for line in lines[2:] if not line.startswith(("6446 ", "6447 ", "proxy VIP "))]
    assert told == said


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"p1": proxy(False)}, "proxy VIP 10.0.0.210 ON NO PROXY"),
        ({"p2": proxy(True)}, "proxy VIP 10.0.0.210 ON p1 AND p2"),
    ],
)
def test_who_holds_the_vip(hosts: dict[str, Any], change: dict[str, Any], line: str) -> None:
    assert haproxy_table({**hosts, **change}, GROUPS)[-1] == line


def test_one_proxy(hosts: dict[str, Any]) -> None:
    lines = haproxy_table(hosts, {**GROUPS, "haproxy": ["p1"]})
    assert lines[-1] == "p1 is the only proxy: a single point of failure"


def test_a_cluster_without_ports_and_no_proxies(hosts: dict[str, Any]) -> None:
    for name in ("a", "b", "c"):
        hosts[name].update(cluster_proxy_writer_port=0, cluster_proxy_reader_port=0)
    assert haproxy_table(hosts, GROUPS) == ["proxy VIP 10.0.0.210 on p1"]
    assert haproxy_table(hosts, {"mysql": ["a"]}) == []


def test_hosts_that_do_not_answer() -> None:
    silent = {name: {"cluster_vip": "10.0.0.100/24"} for name in ("a", "b", "c")}
    lines = haproxy_table({**silent, "p1": {}, "p2": {}}, GROUPS)
    assert lines[0] == "orders: behind the proxies p1, p2"
    assert lines[-2:] == ["p1: it does not answer", "p2: it does not answer"]
