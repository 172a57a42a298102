# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who would lead a VIP when a check fails: priorities with the weights of checks, as keepalived adds them up. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from ._audit import Cluster
from ._audit_rules_vrrp import by_vip, place

Facts = dict[str, Any]
OWNER = 255  # a priority that no check changes


class Member(NamedTuple):
    """An instance that may lead a VIP."""

    host: str
    instance: Facts
    configured: Facts

    def checks(self) -> list[Facts]:
        return [entry for entry in self.instance["tracked"] if entry["kind"] != "interface"]

    def weighted(self) -> list[Facts]:
        """Checks that only change the priority; none where another one decides by FAULT."""
        checks = self.checks()
        return [] if any(not entry["weight"] for entry in checks) else checks

    def priority(self) -> int:
        """While every check passes: positive weights are added then."""
        return self._bounded(sum(max(entry["weight"] or 0, 0) for entry in self.checks()))

    def after(self, failed: Facts) -> int:
        """When one check fails: a positive weight is missing, a negative one is added."""
        passing = sum(max(entry["weight"] or 0, 0) for entry in self.checks() if entry is not failed)
        return self._bounded(passing + min(failed["weight"], 0))

    def place(self, entry: Facts) -> str | None:
        return place(self.configured, f"track_{entry['kind']}")

    def _bounded(self, change: int) -> int:
        base = int(self.instance["priority"])
        return base if base == OWNER else max(1, min(base + int(change), 254))


def members(cluster: Cluster) -> list[list[Member]]:
    """The instances of each VIP; of several VIPs of the same instances once. Those of a sync group have no weights."""
    found: dict[tuple[tuple[str, str], ...], list[Member]] = {}
    grouped = {
        (host, name)
        for host, vrrp in cluster.having("vrrp")
        for group in (vrrp.get("configuration") or {}).get("sync_groups", [])
        for name in group["members"]
    }
    for group in by_vip(cluster).values():
        if any(instance["priority"] is None or (host, instance["name"]) in grouped for host, instance, _c in group):
            continue
        key = tuple((host, instance["name"]) for host, instance, _configured in group)
        found.setdefault(key, [Member(*each) for each in group])
    return list(found.values())
