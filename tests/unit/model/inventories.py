# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories as the model takes them, in as few words as a test needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.opendba.mysql_ha.plugins.module_utils._model import Result, derive

ORDERS: dict[str, Any] = {
    "cluster_vip": "10.0.0.100/24",
    "cluster_virtual_router_id": 51,
    "replication_password": "not-a-known-one",
}
BILLING: dict[str, Any] = {
    "cluster_vip": "10.0.0.200/24",
    "cluster_virtual_router_id": 52,
    "replication_password": "not-a-known-two",
}
MISSING = object()  # as the value of a variable: not given


def interface(address: str, name: str = "eth0", primary: bool = True) -> dict[str, Any]:
    ip, prefix = address.split("/")
    return {"name": name, "address": ip, "prefix": int(prefix), "primary": primary}


@dataclass
class Inventory:
    """Hosts get eth0 with 10.0.0.11/24, 10.0.0.12/24 and so on, in the order in which they are added."""

    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=lambda: {"all": [], "ungrouped": [], "mysql": []})

    def cluster(self, group: str, *names: str, **variables: Any) -> Inventory:
        for name in names:
            self.hosts[name] = {
                "variables": dict(variables),
                "interfaces": [interface(f"10.0.0.{11 + len(self.hosts)}/24")],
                "unreadable": {},
            }
        for known_by in ("all", "mysql", group):
            self.groups.setdefault(known_by, []).extend(names)
        return self

    def directors(self, *names: str, **variables: Any) -> Inventory:
        """Hosts of the group lvs_director."""
        self.cluster("lvs_director", *names, **{"lvs_director_virtual_router_id": 81, **variables})
        self.groups["mysql"] = [name for name in self.groups["mysql"] if name not in names]
        return self

    def proxies(self, *names: str, **variables: Any) -> Inventory:
        """Hosts of the group haproxy; those that are members stay members."""
        new = [name for name in names if name not in self.hosts]
        self.cluster("haproxy", *new, **variables)
        self.groups["mysql"] = [name for name in self.groups["mysql"] if name not in new]
        for name in names:
            self.hosts[name]["variables"].update(variables)
        self.groups["haproxy"] = list(dict.fromkeys([*self.groups["haproxy"], *names]))
        return self

    def set(self, name: str, **variables: Any) -> Inventory:
        self.hosts[name]["variables"].update(variables)
        return self

    def interfaces(self, name: str, *interfaces: dict[str, Any]) -> Inventory:
        self.hosts[name]["interfaces"] = list(interfaces)
        return self

    def derive(self, play: Sequence[str] | None = None) -> Result:
        for host in self.hosts.values():
            variables = host["variables"]
            host["variables"] = {name: value for name, value in variables.items() if value is not MISSING}
        groups = ("mysql", "lvs_director", "haproxy")
        everybody = list(dict.fromkeys(name for group in groups for name in self.groups.get(group, [])))
        return derive(self.hosts, self.groups, everybody if play is None else play)

    def errors(self, play: Sequence[str] | None = None) -> list[str]:
        return self.derive(play).problems.lines()

    def models(self, play: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
        result = self.derive(play)
        assert result.problems.lines() == []
        return result.models


def pair(**variables: Any) -> Inventory:
    """The least a user writes: db1 and db2 in the group `orders`."""
    return Inventory().cluster("orders", "db1", "db2", **{**ORDERS, **variables})


def trio(**variables: Any) -> Inventory:
    """Two candidates and the reader db3."""
    return (
        Inventory().cluster("orders", "db1", "db2", "db3", **{**ORDERS, **variables}).set("db3", cluster_role="reader")
    )


def balanced(**variables: Any) -> Inventory:
    """The trio behind a reader VIP, with the directors lvs1 (10.0.0.14) and lvs2 (10.0.0.15)."""
    return trio(**{"cluster_reader_vips": ["10.0.0.200"], **variables}).directors("lvs1", "lvs2")


def proxied(**variables: Any) -> Inventory:
    """The trio behind the proxies p1 (10.0.0.14) and p2 (10.0.0.15), which share a VIP; `variables` are theirs."""
    return trio().proxies("p1", "p2", **{"haproxy_vip": "10.0.0.210", "haproxy_virtual_router_id": 91, **variables})


def two_clusters(**variables: Any) -> Inventory:
    """The pair, and db3 and db4 in the group `billing`; `variables` are billing's."""
    return pair().cluster("billing", "db3", "db4", **{**BILLING, **variables})
