# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.filter.status_table import status_table

CHANNEL = {
    "name": "",
    "source_host": "10.0.0.2",
    "source_port": 3306,
    "source_ssl": True,
    "source_ssl_verify": True,
    "io_running": "Yes",
    "sql_running": "Yes",
    "io_error": {"number": 0, "message": ""},
    "sql_error": {"number": 0, "message": ""},
    "lag_seconds": 0.04,
}
GROUPS = {"mysql": ["a", "b", "c"], "orders": ["a", "b", "c"], "all": ["a", "b", "c"]}


def host(read_only: bool = True, addresses: tuple[str, ...] = (), **instance: Any) -> dict[str, Any]:
    return {
        "cluster_topology": "dual_source",
        "cluster_vip": "10.0.0.100/24",
        "ansible_facts": {"all_ipv4_addresses": list(addresses), "all_ipv6_addresses": []},
        "mysql_state": {
            "instance": {
                "reachable": True,
                "read_only": read_only,
                "super_read_only": read_only,
                "channels": [copy.deepcopy(CHANNEL)],
                "gtid_missing": "",
                "gtid_extra": "",
                **instance,
            }
        },
    }


@pytest.fixture
def hosts() -> dict[str, Any]:
    return {
        "a": host(read_only=False, addresses=("10.0.0.1", "10.0.0.100")),
        "b": host(),
        "c": {**host(), "cluster_role": "reader"},
    }


def line_of(name: str, lines: list[str]) -> str:
    return next(line for line in lines[2:] if line.startswith(name))


def test_a_healthy_cluster(hosts: dict[str, Any]) -> None:
    lines = status_table(hosts, GROUPS)
    assert lines[0] == "orders: dual_source, writer a, VIP 10.0.0.100/24 on it"
    assert line_of("a", lines).split() == [
        "a",
        "writer",
        "here",
        "OFF",
        "10.0.0.2:3306",
        "Yes/Yes",
        "verified",
        "0.0",
        "none",
    ]
    assert line_of("b", lines).split()[:3] == ["b", "standby", "super"]
    assert line_of("c", lines).split()[:3] == ["c", "reader", "super"]


@pytest.mark.parametrize(
    ("change", "summary"),
    [
        ({"b": host(read_only=False)}, "TWO WRITERS: a, b"),
        ({"a": host(addresses=("10.0.0.100",))}, "NO WRITER"),
        ({"a": host(read_only=False), "b": host(addresses=("10.0.0.100",))}, "writer a, but the VIP is on b"),
        ({"a": host(read_only=False)}, "writer a, but the VIP is on no member"),
    ],
)
def test_what_is_wrong_stands_in_the_first_line(hosts: dict[str, Any], change: dict[str, Any], summary: str) -> None:
    assert status_table({**hosts, **change}, GROUPS)[0].endswith(summary)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"instance": {"reachable": False, "reason": "mysqld does not run"}}, "DOWN: mysqld does not run"),
        ({}, "DOWN: the host does not answer"),
    ],
)
def test_a_member_that_does_not_answer_has_a_line(hosts: dict[str, Any], state: dict[str, Any], said: str) -> None:
    hosts["c"]["mysql_state"] = state
    assert said in line_of("c", status_table(hosts, GROUPS))


@pytest.mark.parametrize(
    ("instance", "said"),
    [
        ({"gtid_missing": "u:5-9"}, "lacks u:5-9"),
        ({"gtid_extra": "v:1"}, "ahead by v:1"),
        ({"gtid_missing": None, "gtid_extra": None}, "unknown"),
        ({"channels": []}, "none"),
        (
            {"channels": [{**CHANNEL, "io_running": "No", "io_error": {"number": 13117, "message": ""}}]},
            "No/Yes (13117)",
        ),
        ({"channels": [{**CHANNEL, "source_ssl_verify": False}]}, "unverified"),
        ({"channels": [{**CHANNEL, "lag_seconds": None}]}, "verified"),
    ],
)
def test_what_a_row_says(hosts: dict[str, Any], instance: dict[str, Any], said: str) -> None:
    hosts["b"] = host(**instance)
    assert said in line_of("b", status_table(hosts, GROUPS))


def test_every_cluster_has_its_table(hosts: dict[str, Any]) -> None:
    hosts["x"] = {**host(), "cluster_vip": "10.0.0.101/24"}
    groups = {**GROUPS, "mysql": [*GROUPS["mysql"], "x"], "billing": ["x"]}
    summaries = [line for line in status_table(hosts, groups) if ": dual_source, " in line]
    assert [summary.partition(":")[0] for summary in summaries] == ["orders", "billing"]


def agents(**of_c: Any) -> dict[str, Any]:
    """What `mysql-ha status --json` printed, with something special about c."""
    quiet = {
        "role": "candidate", "not_redundant": "", "errant": "", "left_behind": False, "hold": None, "paused": False,
    }
    silent = {"instance": "b", "role": "candidate", "error": "timed out"}
    instances = [{**quiet, "instance": "a", "writer": True}, silent, {**quiet, "instance": "c", **of_c}]
    return {"rc": 0, "stdout": json.dumps({"instances": instances})}


@pytest.mark.parametrize(
    ("of_c", "said"),
    [
        ({}, []),
        ({"not_redundant": "No other candidate may lead."}, ["NOT REDUNDANT: No other candidate may lead."]),
        ({"errant": "u:9", "left_behind": True}, ["c is QUARANTINED: only it has u:9"]),
        ({"left_behind": True}, ["c was left behind: it may lack acknowledged writes"]),
        ({"left_behind": True, "role": "reader"}, []),
        ({"hold": "clone", "paused": True}, ["c is held: clone", "c is paused"]),
    ],
)
def test_what_the_agents_know(hosts: dict[str, Any], of_c: dict[str, Any], said: list[str]) -> None:
    hosts["b"]["mysql_agents"] = agents(**of_c)
    assert status_table(hosts, GROUPS)[5:] == said


@pytest.mark.parametrize("stdout", [None, "", "Traceback", "{}"])
def test_without_agents(hosts: dict[str, Any], stdout: str | None) -> None:
    hosts["a"]["mysql_agents"] = {"rc": 2, "stdout": stdout, "msg": "No such file or directory"}
    assert len(status_table(hosts, GROUPS)) == 5
