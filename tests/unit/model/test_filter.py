# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter between Ansible's hostvars and the model."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.filter.cluster_model import FilterModule
from unit.model.inventories import ORDERS

cluster_model = FilterModule().filters()["cluster_model"]
GROUPS = {"all": ["db1", "db2", "client1"], "mysql": ["db1", "db2"], "orders": ["db1", "db2"]}


class Text(str):
    """As Ansible's tagged strings: a str with more in it."""

    __slots__ = ("origin",)


class HostVars(Mapping[str, Any]):
    """As Ansible's: templates are resolved at access, and may fail then."""

    def __init__(self, values: dict[str, Any], accessed: set[str] | None = None) -> None:
        self.values_ = values
        self.accessed = set() if accessed is None else accessed

    def __getitem__(self, name: str) -> Any:
        self.accessed.add(name)
        value = self.values_[name]
        if isinstance(value, Exception):
            raise value
        return value

    def __contains__(self, name: object) -> bool:
        return name in self.values_

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def facts(last: int) -> dict[str, Any]:
    """As the setup module gives them: a bridge that holds a VIP, an alias, IPv6, an interface without address."""
    return {
        "interfaces": ["lo", "br-lan", "br-lan:1", "eth1", "tun0"],
        "lo": {"device": "lo", "type": "loopback", "ipv4": {"address": "127.0.0.1", "prefix": "8"}},
        "br_lan": {
            "device": "br-lan",
            "type": "bridge",
            "ipv4": {"address": f"10.0.0.{last}", "prefix": "24"},
            "ipv4_secondaries": [{"address": "10.0.0.99", "prefix": "24"}, {"address": "10.0.0.100", "prefix": "24"}],
            "ipv6": [{"address": "fe80::1", "prefix": "64", "scope": "link"}],
        },
        "br_lan_1": {"ipv4": {"address": "10.0.0.99", "prefix": "24"}},
        "eth1": {"device": "eth1", "type": "ether"},
        "distribution": "Debian",
    }


def hostvars(**db2: Any) -> dict[str, HostVars]:
    return {
        "db1": HostVars({**ORDERS, "ansible_facts": facts(11), "unrelated": ValueError("not to be read")}),
        "db2": HostVars({**ORDERS, "ansible_facts": facts(12), **db2}),
        "client1": HostVars({}),
    }


def errors(hosts: dict[str, HostVars], play: list[str] | None = None) -> list[str]:
    found: list[str] = cluster_model(hosts, GROUPS, ["db1", "db2"] if play is None else play)["errors"]
    return found


def test_facts_become_interfaces() -> None:
    result = cluster_model(hostvars(), GROUPS, ["db1", "db2"])
    assert result["errors"] == []
    assert result["models"]["db2"]["interface"] == "br-lan"
    assert result["models"]["db2"]["address"] == "10.0.0.12"


def test_failing_template_is_reported_with_host_and_variable() -> None:
    hosts = hostvars(mysql_port=ValueError("lookup 'file'\n failed"), cluster_role=KeyError(), cluster_topology="x")
    assert errors(hosts) == [
        "db2: cluster_topology 'x' is unknown; write dual_source or source_replica",
        "db2: cluster_role cannot be read (KeyError); define what it refers to",
        "db2: mysql_port cannot be read (lookup 'file' failed); define what it refers to",
    ]


def test_no_facts() -> None:
    for missing in ({}, {"distribution": "Debian"}):
        (line,) = errors(hostvars(ansible_facts=missing))
        assert line.startswith("db2: the network interfaces are unknown (ansible_facts.interfaces); ")


class Vaulted(Sequence[str]):
    """As the inline vault strings of ansible-core before 2.19: no str, but it becomes one."""

    __ENCRYPTED__ = True

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def __str__(self) -> str:
        return "strict"


@pytest.mark.parametrize("value", [True, [1, 2], {"a": [None]}, 1.5])
def test_wrong_types_stay_what_they_are(value: object) -> None:
    assert errors(hostvars(mysql_port=value)) == [
        f"db2: mysql_port {value!r} is not an integer; write an integer from 1 to 65535"
    ]


def test_date_becomes_text() -> None:
    """YAML reads 2026-01-01 as a date."""
    assert errors(hostvars(cluster_topology=datetime.date(2026, 1, 1))) == [
        "db2: cluster_topology '2026-01-01' is unknown; write dual_source or source_replica"
    ]


def test_null_is_not_given() -> None:
    assert errors(hostvars(mysql_datadir=None, cluster_role=None)) == []


def test_vaulted_value_is_read() -> None:
    assert errors(hostvars(mysql_durability=Vaulted())) == [
        "db1, db2: mysql_durability differs within cluster 'orders' (available on db1; strict on db2); "
        "set it once, in the group's vars"
    ]


def test_tags_do_not_travel_on() -> None:
    hosts = hostvars(cluster_topology=Text("source_replica"), ansible_host=Text("10.0.0.12"))
    hosts["db1"].values_["cluster_topology"] = "source_replica"
    groups = {Text(group): [Text(name) for name in names] for group, names in GROUPS.items()}
    models = cluster_model(hosts, groups, [Text("db1"), Text("db2")])["models"]
    model = models["db2"]
    for text in (*models, model["topology"], model["machine"]["key"], model["name"], model["self"]["name"]):
        assert type(text) is str


def test_secrets_outside_the_play_are_not_read() -> None:
    hosts = hostvars()
    errors(hosts, ["db1"])
    assert "replication_password" in hosts["db1"].accessed
    assert "replication_password" not in hosts["db2"].accessed
    assert "cluster_virtual_router_id" in hosts["db2"].accessed
    assert "unrelated" not in hosts["db1"].accessed
