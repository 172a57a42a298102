# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""LVS directors and proxies as the roles' variables would describe them, and what they say of the clusters. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ._discover_host import Facts, Host, Seen, vrrp_of
from ._discover_text import Entry

FIRST_PRIORITY = 230
# What the role lvs_director has in defaults/main.yml; a test holds them together.
DIRECTOR_DEFAULTS: dict[str, Any] = {
    "lvs_director_advert_interval": 0.3, "lvs_director_scheduler": "wlc", "lvs_director_persistence_timeout": 0,
    "lvs_director_timeouts": {}, "lvs_director_max_lag": 10, "lvs_director_check_interval": 0.5,
    "lvs_director_sorry_server": "", "lvs_director_quorum": 1, "lvs_director_sync": True,
}  # fmt: skip
OWN_INSTANCE = "lvs_director"
MAX_LAG = re.compile(r"[?&]max_lag=([0-9.]{1,12})")


@dataclass
class Reads:
    """How a cluster's reads are balanced, as directors and proxies say it."""

    vips: list[str] = field(default_factory=list)
    at: str = ""
    servers: dict[str, Any] = field(default_factory=dict)  # weight by the host's new name
    weights: dict[str, Any] = field(default_factory=dict)  # of the proxies
    writer_too: bool = False
    ports: dict[str, int] = field(default_factory=dict)  # of the proxies: writer, reader


@dataclass
class Group:
    """A group of balancers: its variables, and those of each of its hosts."""

    entries: list[Entry] = field(default_factory=list)
    hosts: dict[str, list[Entry]] = field(default_factory=dict)
    choices: list[str] = field(default_factory=list)


def home(address: str | None, port: Any, members: Iterable[Host]) -> Host | None:
    """The instance that an address and a port of a balancer's server mean."""
    for member in members:
        own = (address or "").lower() in (*member.addresses, member.was.lower(), member.name.lower())
        if own and (not port or member.mysql.get("port") in (None, port)):
            return member
    return None


def services(host: Host) -> list[Facts]:
    return (host.vrrp.get("configuration") or {}).get("virtual_servers") or []


def is_director(host: Host, members: list[Host]) -> bool:
    """A host without MySQL that sends to members."""
    if "mysql" in host.facts:
        return False
    servers = (server for service in services(host) for server in service["servers"])
    return any(home(each["address"], each["port"], members) for each in servers)


def reads_of(directors: list[Host], members: list[Host]) -> Reads:
    """What the directors say of one cluster."""
    reads = Reads()
    for director in directors:
        for service in services(director):
            found = {
                each.name: server["weight"]
                for server in service["servers"]
                if (each := home(server["address"], server["port"], members))
            }
            if not found or not service["address"]:
                continue
            reads.at = reads.at or f"{director.was}, {service['at']}"
            if service["address"] not in reads.vips:
                reads.vips.append(service["address"])
            for name, weight in found.items():
                reads.servers.setdefault(name, weight)
            reads.writer_too |= any("writer=1" in path for path in _paths(service))
    return reads


def _paths(service: Facts) -> Iterator[str]:
    for server in service["servers"]:
        for check in server["checks"]:
            yield from (path for path in [*(check["paths"] or []), check["command"]] if path)


def directors_group(directors: list[Host], writer_vips: set[str]) -> Group:
    """Variables of the group lvs_director."""
    group = Group(hosts={director.name: [] for director in directors})
    seen: dict[str, list[tuple[str, Seen]]] = {}
    for director in directors:
        for name, value in _director(director, len(directors), writer_vips).items():
            seen.setdefault(name, []).append((director.was, value))
    for name, values in seen.items():
        _agree(group, name, values)
    _priorities(group, directors)
    return group


def _agree(group: Group, name: str, values: list[tuple[str, Seen]]) -> None:
    """One value for the group: what most of them have."""
    texts = Counter(repr(each.value) for _host, each in values)
    chosen = next(each for _host, each in values if repr(each.value) == texts.most_common(1)[0][0])
    comments = [f"{chosen.at}" if chosen.at else ""]
    if len(texts) > 1:
        listed = "; ".join(f"{each.value} on {host}" for host, each in values)
        comments.append(f"CHOOSE: {name} differs ({listed})")
        group.choices.append(f"{name} differs between the directors ({listed})")
    if name in DIRECTOR_DEFAULTS and len(texts) == 1 and _same(chosen.value, DIRECTOR_DEFAULTS[name]):
        return
    group.entries.append(Entry(name, chosen.value, tuple(filter(None, comments))))


def _same(value: Any, default: Any) -> bool:
    if isinstance(value, (int, float)) and isinstance(default, (int, float)):
        return float(value) == float(default)
    return bool(value == default)


def _director(director: Host, count: int, writer_vips: set[str]) -> dict[str, Seen]:
    own = services(director)
    vrrp = _leading(director)
    built = vrrp is not None and vrrp["name"] == OWN_INSTANCE
    settings = (director.vrrp.get("configuration") or {}).get("global") or {}
    at = f"{director.was}, {own[0]['at']}" if own else director.was
    found: dict[str, Seen] = {}
    if vrrp is not None:
        found["lvs_director_virtual_router_id"] = Seen(vrrp.get("virtual_router_id"), at)
        found["lvs_director_advert_interval"] = Seen(vrrp.get("advert_int"), at)
    for name, key, default in (
        ("lvs_director_scheduler", "scheduler", "wlc"), ("lvs_director_persistence_timeout", "persistence_timeout", 0),
        ("lvs_director_quorum", "quorum", 1),
    ):  # fmt: skip
        found[name] = Seen(next((each[key] for each in own if each[key] is not None), default), at)
    lags = [number(lag[1]) for each in own for path in _paths(each) if (lag := MAX_LAG.search(path))]
    found["lvs_director_max_lag"] = Seen(lags[0] if lags else 10, at)
    if built:
        found["lvs_director_check_interval"] = Seen(next((each["delay_loop"] for each in own), 0.5), at)
    sorry = next((each["sorry_server"] for each in own if each["sorry_server"]), None)
    if sorry:
        found["lvs_director_sorry_server"] = Seen("writer" if sorry[0] in writer_vips else ":".join(sorry[:2]), at)
    daemon = settings.get("lvs_sync_daemon")
    if count > 1:
        found["lvs_director_sync"] = Seen(daemon is not None, at)
        identity = _after(daemon or [], "id")
        if identity is not None and vrrp is not None and identity != str(vrrp.get("virtual_router_id")):
            found["lvs_director_sync_id"] = Seen(int(identity) if identity.isdigit() else identity, at)
    found["lvs_director_timeouts"] = Seen(_timeouts(settings.get("lvs_timeouts"), found), at)
    return found


def _leading(director: Host) -> Facts | None:
    """The VRRP instance that holds the addresses of its services."""
    return next((vrrp for each in services(director) if (vrrp := vrrp_of(director, each["address"]))), None)


def number(text: str) -> int | float:
    number = float(text) if text.count(".") <= 1 and text.strip(".") else 10.0
    return int(number) if number.is_integer() else number


def _after(words: list[str], name: str) -> str | None:
    return next((value for key, value in zip(words, words[1:]) if key == name), None)


def _timeouts(told: Mapping[str, Any] | None, found: Mapping[str, Seen]) -> dict[str, Any]:
    """Those that differ from what the role would derive."""
    persistence = found["lvs_director_persistence_timeout"].value or 0
    derived = {"tcp": 7500, "tcp_fin": max(1, int(persistence) // 3) if persistence else 120, "udp": 300}
    given = {"tcp": (told or {}).get("tcp"), "tcp_fin": (told or {}).get("tcpfin"), "udp": (told or {}).get("udp")}
    return {name: value for name, value in given.items() if value is not None and value != derived[name]}


def _priorities(group: Group, directors: list[Host]) -> None:
    """Directors in the order of their priorities; those that differ from what the order gives."""
    priority: dict[str, int] = {}
    for director in directors:
        vrrp = _leading(director)
        if vrrp is not None and isinstance(vrrp.get("priority"), int):
            priority[director.name] = vrrp["priority"]
    order = sorted(group.hosts, key=lambda name: -priority.get(name, 0))
    group.hosts = {name: [] for name in order}
    for rank, name in enumerate(order):
        if name in priority and priority[name] != FIRST_PRIORITY - rank:
            group.hosts[name].append(Entry("lvs_director_priority", priority[name]))
    if len(set(priority.values())) < len(priority):
        for entries in group.hosts.values():
            entries.clear()
        group.choices.append("lvs_director_priority: the directors have equal ones; they are written in order instead")


def strange_services(directors: list[Host], members: list[Host]) -> list[str]:
    """Services for servers that are no members of any cluster: for a person to write down."""
    return [
        f"{director.was}: {service['address'] or service['group'] or service['mark']}:{service['port']}"
        f" ({service['at']}) balances servers that are no members: write it into lvs_director_services"
        for director in directors
        for service in services(director)
        if not any(home(each["address"], each["port"], members) for each in service["servers"])
    ]
