# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pools of the reader VIPs as lines of text, as the directors see them and as the agents judge."""

from __future__ import annotations

from typing import Any

DOCUMENTATION = r"""
name: lvs_table
author: opendba authors (@opendba)
version_added: 1.0.0
short_description: The pools of all reader VIPs as tables
description:
  - Sets what every director has in its table against what the members' agents say of themselves, and says where the two
    disagree.
  - Without clusters that have reader VIPs there are no lines.
positional: _groups
options:
  _input:
    description:
      - The play's C(hostvars). Read are C(lvs_state), the result of M(opendba.mysql_ha.lvs_info) on directors and
        members; C(reader_answer), what the module M(ansible.builtin.uri) registered for C(/reader) of a member's agent;
        the gathered addresses; and the inventory's variables.
    type: dict
    required: true
  _groups:
    description: Ansible's C(groups).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Print the pools
  ansible.builtin.debug:
    msg: "{{ hostvars | opendba.mysql_ha.lvs_table(groups) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.opendba.mysql_ha.plugins.module_utils._model import INSTANCES_GROUP, outline
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_director import DIRECTORS_GROUP

FROM_INVENTORY = (
    "cluster_name", "cluster_topology", "cluster_role", "cluster_vip", "cluster_reader_vips", "cluster_readers",
    "lvs_realserver_state",
)  # fmt: skip
ARP = {"arp_ignore": 1, "arp_announce": 2}


def _addresses(facts: Mapping[str, Any]) -> set[str]:
    known = facts.get("ansible_facts") or {}
    return {str(address) for key in ("all_ipv4_addresses", "all_ipv6_addresses") for address in known.get(key) or ()}


def _lvs(facts: Mapping[str, Any]) -> dict[str, Any]:
    return dict((facts.get("lvs_state") or {}).get("lvs") or {})


@dataclass
class Judgement:
    """What a member's agent says of reads. fit None: it does not answer."""

    fit: bool | None
    text: str


def _judgement(facts: Mapping[str, Any]) -> Judgement:
    answer = facts.get("reader_answer") or {}
    if answer.get("status") not in (200, 503):
        return Judgement(None, "does not answer")
    lag = (answer.get("json") or {}).get("lag")
    behind = "" if lag is None else f", {lag:.1f} s behind"
    return Judgement(answer["status"] == 200, f"{'fit' if answer['status'] == 200 else 'not fit'}{behind}")


@dataclass
class Pool:
    """One reader VIP: on each director its servers by address, or None where the director has no such service."""

    vip: str
    servers: dict[str, dict[str, dict[str, Any]] | None] = field(default_factory=dict)

    def cell(self, director: str, addresses: set[str]) -> str:
        servers = self.servers[director]
        if servers is None:
            return "no service"
        found = [server for address, server in servers.items() if address in addresses]
        if not found:
            return "out"
        return f"{found[0]['weight']} ({found[0]['active']}+{found[0]['inactive']})"


def _pool(vip: str, directors: Sequence[str], hostvars: Mapping[str, Any]) -> Pool:
    pool = Pool(vip)
    for director in directors:
        services = [each for each in _lvs(hostvars[director]).get("services") or () if each["address"] == vip]
        servers = [server for service in services for server in service["servers"]]
        pool.servers[director] = {server["address"]: server for server in servers} if services else None
    return pool


def _findings(
    cluster: Mapping[str, Any], pool: Pool, members: Mapping[str, set[str]], judged: Mapping[str, Judgement]
) -> list[str]:
    """Where directors and agents disagree, and servers that are nobody's."""
    lines = []
    for director, servers in pool.servers.items():
        if servers is None:
            lines.append(f"{director} has no service {pool.vip}")
            continue
        for name, addresses in members.items():
            taking = any(address in addresses and server["weight"] > 0 for address, server in servers.items())
            inside = bool(addresses & servers.keys())
            fit = judged[name].fit
            if taking and not fit:
                lines.append(f"DISAGREEMENT: {director} sends reads at {pool.vip} to {name}, "
                             f"but its agent {_says(judged[name])}")  # fmt: skip
            elif fit and not inside and name in cluster["serve_reads"]:
                lines.append(f"DISAGREEMENT: {director} leaves {name} out at {pool.vip}, but its agent says it is fit")
        known = set().union(*members.values()) | {(cluster["vip"] or "").partition("/")[0]}
        lines += [
            f"{director} sends reads at {pool.vip} to {address}, which is no member"
            for address in servers.keys() - known
        ]
    return lines


def _says(judgement: Judgement) -> str:
    return judgement.text if judgement.fit is None else f"says it is {judgement.text}"


def _holders(vip: str, directors: Sequence[str], hostvars: Mapping[str, Any]) -> str:
    holders = [director for director in directors if vip in _addresses(hostvars[director])]
    if len(holders) == 1:
        return f"{vip} on {holders[0]}"
    return f"{vip} ON {' AND '.join(holders)}" if holders else f"{vip} ON NO DIRECTOR"


def _realserver_findings(
    cluster: Mapping[str, Any], hostvars: Mapping[str, Any], pools: Sequence[Pool], members: Mapping[str, set[str]]
) -> list[str]:
    lines = []
    sent = {address for pool in pools for servers in pool.servers.values() for address in servers or ()}
    for name in members:
        if name not in cluster["serve_reads"] and not members[name] & sent:
            continue
        state = _lvs(hostvars[name])
        if not state:
            continue
        if state.get("lo") is None:
            lines.append(f"{name}: the addresses on lo could not be read")
        on_lo = {entry["address"]: entry["prefix"] for entry in state.get("lo") or ()}
        for vip in cluster["reader_vips"] if state.get("lo") is not None else ():
            if vip not in on_lo:
                lines.append(f"{name} has no {vip} on lo: connections that it gets are lost")
            elif on_lo[vip] != (128 if ":" in vip else 32):
                lines.append(f"{name} has {vip} on lo with the prefix {on_lo[vip]}, so that the subnet is local there")
        wrong = [
            f"{interface}.{key}={values.get(key)}"
            for interface, values in sorted((state.get("arp") or {}).items())
            for key, least in ARP.items()
            if values.get(key, 0) < least
        ]
        if wrong and any(":" not in vip for vip in cluster["reader_vips"]):
            lines.append(f"{name} may answer ARP for the reader VIPs: {', '.join(wrong)}")
    return lines


def _cluster_lines(cluster: Mapping[str, Any], directors: Sequence[str], hostvars: Mapping[str, Any]) -> list[str]:
    if not directors:
        return [f"{cluster['name']}: reads at {', '.join(cluster['reader_vips'])}, but no host is in {DIRECTORS_GROUP}"]
    names = [member["name"] for member in cluster["members"]]
    judged = {name: _judgement(hostvars[name]) for name in names}
    # VIPs on lo are on every realserver: they tell nobody apart. At the writer VIP is the last resort, fit or not.
    moving = {*cluster["reader_vips"], (cluster["vip"] or "").partition("/")[0]}
    members = {name: _addresses(hostvars[name]) - moving for name in names}
    pools = [_pool(vip, directors, hostvars) for vip in cluster["reader_vips"]]
    rows = [("READS AT", "INSTANCE", *directors, "AGENT")]
    for pool in pools:
        for name in names:
            cells = (pool.cell(director, members[name]) for director in directors)
            rows.append((pool.vip, name, *cells, judged[name].text))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    holders = ", ".join(_holders(vip, directors, hostvars) for vip in cluster["reader_vips"])
    silent = [
        f"{director}: {'; '.join(_lvs(hostvars[director]).get('problems') or ['it does not answer'])}"
        for director in directors
        if not _lvs(hostvars[director]).get("available") or _lvs(hostvars[director]).get("problems")
    ]
    told = [line for pool in pools for line in _findings(cluster, pool, members, judged)]
    told += _realserver_findings(cluster, hostvars, pools, members)
    return [f"{cluster['name']}: reads at {holders}", *lines, *silent, *told]


def lvs_table(hostvars: Mapping[str, Any], groups: Mapping[str, Any]) -> list[str]:
    """The lines of one table per cluster that has reader VIPs."""
    hosts = {
        name: {
            "variables": {key: hostvars[name].get(key) for key in FROM_INVENTORY},
            "unreadable": {},
            "interfaces": [],
        }
        for name in groups.get(INSTANCES_GROUP, [])
    }
    directors = [
        name for name in groups.get(DIRECTORS_GROUP, []) if hostvars[name].get("lvs_director_state") != "absent"
    ]
    return [
        line
        for cluster in outline(hosts, groups)
        if cluster["reader_vips"]
        for line in _cluster_lines(cluster, directors, hostvars)
    ]


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"lvs_table": lvs_table}
