# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of one cluster as lines of text, from what the hosts of a play reported."""

from __future__ import annotations

from typing import Any

DOCUMENTATION = r"""
name: status_table
author: opendba authors (@opendba)
version_added: 1.0.0
short_description: The status of all clusters as tables
description:
  - Turns what C(replication_info) and the gathered addresses said of every member into lines that a person can read.
  - A member that could not be asked has a line that says so.
positional: _groups
options:
  _input:
    description:
      - The play's C(hostvars). Read are C(mysql_state), which is the result of M(opendba.mysql_ha.replication_info),
        C(ansible_facts), the inventory's C(cluster_*) variables, and C(mysql_agents), which is the registered result of
        C(mysql-ha status --json); without it nothing is said of redundancy.
    type: dict
    required: true
  _groups:
    description: Ansible's C(groups).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Print the status of every cluster
  ansible.builtin.debug:
    msg: "{{ hostvars | opendba.mysql_ha.status_table(groups) }}"
"""

RETURN = r"""
_value:
  description: The lines of the tables, each with a summary before it.
  type: list
  elements: str
"""

import json
from collections.abc import Mapping

from ansible_collections.opendba.mysql_ha.plugins.module_utils._model import INSTANCES_GROUP, outline

FROM_INVENTORY = ("cluster_name", "cluster_topology", "cluster_role", "cluster_vip")
COLUMNS = ("INSTANCE", "ROLE", "VIP", "READ_ONLY", "CHANNEL FROM", "IO/SQL", "TLS", "LAG s", "GTID DIFFERENCE")


def _threads(channel: dict[str, Any]) -> str:
    error = channel["io_error"]["number"] or channel["sql_error"]["number"]
    return f"{channel['io_running']}/{channel['sql_running']}" + (f" ({error})" if error else "")


def _tls(channel: dict[str, Any]) -> str:
    if not channel["source_ssl"]:
        return "no"
    return "verified" if channel["source_ssl_verify"] else "unverified"


def _gtid_difference(state: dict[str, Any]) -> str:
    """What the member lacks of the writer's transactions, and what it has beyond them."""
    missing, extra = state.get("gtid_missing"), state.get("gtid_extra")
    if missing is None:
        return "unknown"
    parts = [f"lacks {missing}" if missing else "", f"ahead by {extra}" if extra else ""]
    return ", ".join(filter(None, parts)) or "none"


def _row(member: dict[str, Any], vip: str, facts: Mapping[str, Any]) -> tuple[str, ...]:
    name = member["name"]
    instance = (facts.get("mysql_state") or {}).get("instance") or {}
    if not instance.get("reachable"):
        reason = instance.get("reason") or "the host does not answer"
        return (name, f"DOWN: {reason}", *[""] * (len(COLUMNS) - 2))
    addresses = facts.get("ansible_facts") or {}
    here = vip in [*addresses.get("all_ipv4_addresses", []), *addresses.get("all_ipv6_addresses", [])]
    role = "writer" if not instance["read_only"] else "standby" if member["role"] == "candidate" else "reader"
    channel = next(iter(instance["channels"]), None)
    lag = channel and channel["lag_seconds"]
    return (
        name,
        role,
        "here" if here else "",
        "super" if instance["super_read_only"] else "ON" if instance["read_only"] else "OFF",
        f"{channel['source_host']}:{channel['source_port']}" if channel else "none",
        _threads(channel) if channel else "",
        _tls(channel) if channel else "",
        "" if lag is None else f"{lag:.1f}",
        _gtid_difference(instance),
    )


def _summary(outline: dict[str, Any], rows: list[tuple[str, ...]]) -> str:
    writers = [row[0] for row in rows if row[1] == "writer"]
    holders = [row[0] for row in rows if row[2]]
    said = f"{outline['name']}: {outline['topology']}, "
    if len(writers) != 1:
        return said + (f"TWO WRITERS: {', '.join(writers)}" if writers else "NO WRITER")
    if holders != writers:
        return said + f"writer {writers[0]}, but the VIP is on {', '.join(holders) or 'no member'}"
    return said + f"writer {writers[0]}, VIP {outline['vip']} on it"


def _table(outline: dict[str, Any], hostvars: Mapping[str, Any]) -> list[str]:
    vip = (outline["vip"] or "").partition("/")[0]
    rows = [_row(member, vip, hostvars[member["name"]]) for member in outline["members"]]
    up = [row for row in rows if not row[1].startswith("DOWN")]
    widths = [
        max(len(row[column]) for row in [COLUMNS, *(rows if column == 0 else up)]) for column in range(len(COLUMNS))
    ]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [COLUMNS, *rows]]
    return [_summary(outline, rows), *lines, *_warnings(_told_by_agents(outline, hostvars))]


def _told_by_agents(outline: dict[str, Any], hostvars: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the agents of all members say, as the first member that could ask them heard it."""
    for member in outline["members"]:
        asked = hostvars[member["name"]].get("mysql_agents") or {}
        try:
            told = json.loads(asked.get("stdout") or "{}")
        except ValueError:
            continue
        if told.get("instances"):
            return list(told["instances"])
    return []


def _warnings(told: list[dict[str, Any]]) -> list[str]:
    """What the agents know and a look at the servers does not show."""
    lines = [f"NOT REDUNDANT: {each['not_redundant']}" for each in told if each.get("not_redundant")]
    for each in told:
        if each.get("errant"):
            lines.append(f"{each['instance']} is QUARANTINED: only it has {each['errant']}")
        elif each.get("left_behind") and each["role"] == "candidate":
            lines.append(f"{each['instance']} was left behind: it may lack acknowledged writes")
        if each.get("hold") is not None:
            lines.append(f"{each['instance']} is held: {each['hold']}")
        if each.get("paused"):
            lines.append(f"{each['instance']} is paused")
    return lines


def status_table(hostvars: Mapping[str, Any], groups: Mapping[str, Any]) -> list[str]:
    """The lines of one table per cluster."""
    hosts = {
        name: {
            "variables": {key: hostvars[name].get(key) for key in FROM_INVENTORY},
            "unreadable": {},
            "interfaces": [],
        }
        for name in groups.get(INSTANCES_GROUP, [])
    }
    return [line for each in outline(hosts, groups) for line in _table(each, hostvars)]


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"status_table": status_table}
