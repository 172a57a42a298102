# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the proxies think of the servers as lines of text, next to what servers and agents say of themselves."""

from __future__ import annotations

from typing import Any

DOCUMENTATION = r"""
name: haproxy_table
author: opendba authors (@opendba)
version_added: 1.0.0
short_description: What the proxies think of the servers, as tables
description:
  - Sets what every proxy thinks of its servers against who is open for writes and what the members' agents say of
    reads, and says where the two disagree.
  - Without hosts in the group C(haproxy) there are no lines.
positional: _groups
options:
  _input:
    description:
      - The play's C(hostvars). Read are C(haproxy_seen), the result of M(opendba.mysql_ha.haproxy_info) on the proxies;
        C(mysql_state), that of M(opendba.mysql_ha.replication_info) on the members; C(reader_answer), what the module
        M(ansible.builtin.uri) registered for C(/reader) of a member's agent; the gathered addresses; and the
        inventory's variables.
    type: dict
    required: true
  _groups:
    description: Ansible's C(groups).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Print what the proxies think
  ansible.builtin.debug:
    msg: "{{ hostvars | opendba.mysql_ha.haproxy_table(groups) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.opendba.mysql_ha.plugins.module_utils._model import INSTANCES_GROUP, outline
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_proxy import PROXIES_GROUP

FROM_INVENTORY = (
    "cluster_name", "cluster_topology", "cluster_role", "cluster_vip", "cluster_readers", "cluster_proxy_writer_port",
    "cluster_proxy_reader_port",
)  # fmt: skip
WRITES = "writer"
READS = "reader"


def _haproxy(facts: Mapping[str, Any]) -> dict[str, Any]:
    return dict((facts.get("haproxy_seen") or {}).get("haproxy") or {})


def _addresses(facts: Mapping[str, Any]) -> set[str]:
    known = facts.get("ansible_facts") or {}
    return {str(address) for key in ("all_ipv4_addresses", "all_ipv6_addresses") for address in known.get(key) or ()}


@dataclass
class Judgement:
    """What a member says of itself. fit None: it does not answer."""

    fit: bool | None
    text: str


def _judgement(kind: str, facts: Mapping[str, Any]) -> Judgement:
    if kind == WRITES:
        instance = (facts.get("mysql_state") or {}).get("instance") or {}
        if not instance.get("reachable"):
            return Judgement(None, "does not answer")
        return Judgement(not instance["read_only"], "read-only" if instance["read_only"] else "open for writes")
    answer = facts.get("reader_answer") or {}
    if answer.get("status") not in (200, 503):
        return Judgement(None, "does not answer")
    lag = (answer.get("json") or {}).get("lag")
    behind = "" if lag is None else f", {lag:.1f} s behind"
    return Judgement(answer["status"] == 200, f"{'fit' if answer['status'] == 200 else 'not fit'} for reads{behind}")


def _servers(facts: Mapping[str, Any], cluster: str, kind: str) -> dict[str, dict[str, Any]] | None:
    """By name; None where this proxy does not answer, or has no such backend."""
    name = f"mysql_{cluster}_{kind}"
    for proxy in _haproxy(facts).get("proxies") or ():
        if proxy["name"] == name and proxy["backend"]:
            return {server["name"]: server for server in proxy["servers"]}
    return None


def _cell(servers: Mapping[str, Mapping[str, Any]] | None, name: str) -> str:
    if servers is None:
        return "?"
    if name not in servers:
        return "-"
    server = servers[name]
    return f"{server['status']} ({server['sessions'] or 0})"


def _disagreements(
    proxy: str, kind: str, servers: Mapping[str, Mapping[str, Any]], judged: Mapping[str, Judgement]
) -> Iterator[str]:
    what = "writes" if kind == WRITES else "reads"
    for name, judgement in judged.items():
        server = servers.get(name)
        if server is None:
            continue
        says = judgement.text if judgement.fit is None else f"says it is {judgement.text}"
        if server["takes_sessions"] and not judgement.fit:
            yield f"DISAGREEMENT: {proxy} sends {what} to {name}, but {name} {says}"
        elif judgement.fit and not server["up"] and not server["status"].startswith("MAINT"):
            why = server["check"] or server["status"]
            yield f"DISAGREEMENT: {proxy} sends no {what} to {name} ({why}), but {name} {says}"
    for name in servers.keys() - judged.keys():
        yield f"{proxy} sends {what} to {name}, which is no member"


def _cluster_lines(cluster: Mapping[str, Any], proxies: Sequence[str], hostvars: Mapping[str, Any]) -> list[str]:
    names = [member["name"] for member in cluster["members"]]
    rows = [("PORT", "INSTANCE", *proxies, "INSTANCE SAYS")]
    told: list[str] = []
    for kind, port in ((WRITES, cluster["writer_port"]), (READS, cluster["reader_port"])):
        if not port:
            continue
        judged = {name: _judgement(kind, hostvars[name]) for name in names}
        seen = {proxy: _servers(hostvars[proxy], cluster["name"], kind) for proxy in proxies}
        listed = {name for servers in seen.values() for name in servers or ()}
        for name in names:
            if name in listed:
                cells = (_cell(seen[proxy], name) for proxy in proxies)
                rows.append((f"{port} {kind}", name, *cells, judged[name].text))
        for proxy, servers in seen.items():
            if servers is not None:
                told += _disagreements(proxy, kind, servers, judged)
            elif _haproxy(hostvars[proxy]).get("available"):
                told.append(f"{proxy} offers no {kind} port for {cluster['name']}")
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return [f"{cluster['name']}: behind the proxies {', '.join(proxies)}", *lines, *told]


def _proxy_lines(proxies: Sequence[str], hostvars: Mapping[str, Any]) -> Iterator[str]:
    """Who does not answer, who holds the VIP, and whether one is all there is."""
    for proxy in proxies:
        state = _haproxy(hostvars[proxy])
        if not state.get("available"):
            yield f"{proxy}: {'; '.join(state.get('problems') or ['it does not answer'])}"
    vips = {str(vip) for proxy in proxies if (vip := hostvars[proxy].get("haproxy_vip"))}
    for vip in sorted(vips):
        holders = [proxy for proxy in proxies if vip in _addresses(hostvars[proxy])]
        if len(holders) == 1:
            yield f"proxy VIP {vip} on {holders[0]}"
        else:
            yield f"proxy VIP {vip} ON {' AND '.join(holders)}" if holders else f"proxy VIP {vip} ON NO PROXY"
    if len(proxies) == 1:
        yield f"{proxies[0]} is the only proxy: a single point of failure"


def haproxy_table(hostvars: Mapping[str, Any], groups: Mapping[str, Any]) -> list[str]:
    """The lines of one table per cluster that has a port at the proxies, and a line for whatever is wrong."""
    proxies = list(groups.get(PROXIES_GROUP, []))
    if not proxies:
        return []
    hosts = {
        name: {
            "variables": {key: hostvars[name].get(key) for key in FROM_INVENTORY},
            "unreadable": {},
            "interfaces": [],
        }
        for name in groups.get(INSTANCES_GROUP, [])
    }
    lines = [
        line
        for cluster in outline(hosts, groups)
        if cluster["writer_port"] or cluster["reader_port"]
        for line in _cluster_lines(cluster, proxies, hostvars)
    ]
    return [*lines, *_proxy_lines(proxies, hostvars)]


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"haproxy_table": haproxy_table}
