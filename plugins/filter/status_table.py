# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of one cluster as lines of text, from what the hosts of a play reported."""

from __future__ import annotations

from typing import Any

DOCUMENTATION = r"""
name: status_table
author: opendba authors (@opendba)
version_added: 1.0.0
short_description: The status of one cluster as a table
description:
  - Turns what C(replication_info) and the gathered addresses said of every member into lines that a person can read.
  - A member that could not be asked has a line that says so.
positional: _cluster
options:
  _input:
    description: The play's C(hostvars). Read are C(cluster_model), C(mysql_state) and C(ansible_facts).
    type: dict
    required: true
  _cluster:
    description: Name of the cluster.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Print the status of the cluster orders
  ansible.builtin.debug:
    msg: "{{ hostvars | opendba.mysql_ha.status_table('orders') }}"
"""

RETURN = r"""
_value:
  description: The lines of the table, the cluster's summary first.
  type: list
  elements: str
"""

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


def _row(name: str, member: dict[str, Any], facts: dict[str, Any]) -> tuple[str, ...]:
    instance = (facts.get("mysql_state") or {}).get("instance") or {}
    if not instance.get("reachable"):
        reason = instance.get("reason") or "the host does not answer"
        return (name, f"DOWN: {reason}", *[""] * (len(COLUMNS) - 2))
    addresses = facts.get("ansible_facts") or {}
    vip = facts["cluster_model"]["writer_vip"]["address"]
    here = vip in list(addresses.get("all_ipv4_addresses", [])) + list(addresses.get("all_ipv6_addresses", []))
    role = "writer" if not instance["read_only"] else "standby" if member["role"] == "candidate" else "reader"
    channel = next(iter(instance["channels"]), None)
    lag = channel and channel["lag_seconds"]
    return (
        name,
        role,
        vip if here else "",
        "super" if instance["super_read_only"] else "ON" if instance["read_only"] else "OFF",
        f"{channel['source_host']}:{channel['source_port']}" if channel else "none",
        _threads(channel) if channel else "",
        _tls(channel) if channel else "",
        "" if lag is None else f"{lag:.1f}",
        _gtid_difference(instance),
    )


def _summary(model: dict[str, Any], rows: list[tuple[str, ...]]) -> str:
    writers = [row[0] for row in rows if row[1] == "writer"]
    holders = [row[0] for row in rows if row[2]]
    said = f"{model['name']}: {model['topology']}, "
    if len(writers) != 1:
        return said + (f"TWO WRITERS: {', '.join(writers)}" if writers else "NO WRITER")
    if holders != writers:
        return said + f"writer {writers[0]}, but the VIP is on {', '.join(holders) or 'no member'}"
    return said + f"writer {writers[0]}, VIP {model['writer_vip']['cidr']} on it"


def status_table(hostvars: dict[str, Any], cluster: str) -> list[str]:
    """Every line of the table of one cluster."""
    model = next(
        hostvars[name]["cluster_model"]
        for name in hostvars
        if hostvars[name].get("cluster_model", {}).get("name") == cluster
    )
    rows = [_row(member["name"], member, hostvars[member["name"]]) for member in model["members"]]
    widths = [
        max(len(row[column]) for row in [COLUMNS, *rows] if not row[1].startswith("DOWN") or column == 0)
        for column in range(len(COLUMNS))
    ]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [COLUMNS, *rows]]
    return [_summary(model, rows), *lines]


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"status_table": status_table}
