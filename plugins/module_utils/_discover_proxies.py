# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies (HAProxy) as the roles' variables would describe them, and what they say of the clusters. Pure.

Of one that somebody else built, only the address, the ports, the check and the weights are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ._discover_balancers import FIRST_PRIORITY, MAX_LAG, Group, Reads, home, number
from ._discover_host import Facts, Host
from ._discover_text import Entry, Template

# What the role haproxy has in defaults/main.yml; a test holds them together.
PROXY_DEFAULTS: dict[str, Any] = {
    "haproxy_advert_interval": 0.3, "haproxy_bind": [], "haproxy_balance": "leastconn", "haproxy_max_lag": 10,
    "haproxy_reader_fallback": True, "haproxy_check_interval": 0.2, "haproxy_check_timeout": 0.7,
    "haproxy_idle_timeout": 0, "haproxy_connect_timeout": 2, "haproxy_maxconn": 4000, "haproxy_send_proxy": False,
    "haproxy_accept_proxy": False, "haproxy_log": "journal", "haproxy_log_facility": "local0",
    "haproxy_log_sessions": False, "haproxy_view_port": 8407, "haproxy_stats": False,
    "haproxy_stats_address": "127.0.0.1", "haproxy_stats_port": 8404,
}  # fmt: skip
OWN_INSTANCE = "haproxy_vip"
MARGIN = 60  # seconds between the server's wait_timeout and the proxy's
WAIT_TIMEOUT = 28800
_OWN = re.compile(r"mysql_[A-Za-z][A-Za-z0-9_-]{0,31}_(writes|reads)")


def proxies(host: Host) -> list[Facts]:
    return ((host.facts.get("haproxy") or {}).get("configuration") or {}).get("proxies") or []


def is_proxy(host: Host, members: list[Host]) -> bool:
    servers = (server for proxy in proxies(host) for server in proxy["servers"])
    return any(home(each["address"], each["port"], members) for each in servers)


def _fronts(host: Host) -> Iterator[tuple[Facts, Facts, str]]:
    """What is listened at, the pool behind it, and whether it is for the writer or for readers."""
    backends = {each["name"]: each for each in proxies(host) if each["type"] != "frontend"}
    for front in proxies(host):
        back = backends.get(front.get("default_backend") or "", front)
        if not (front["binds"] and back["servers"]):
            continue
        check, own = back["check"] or "", _OWN.fullmatch(front["name"])
        writes = own[1] == "writes" if own else "/writer" in check or "/primary" in check
        yield front, back, "writer" if writes else "reader"


def add_proxies(reads: Reads, hosts: list[Host], members: list[Host]) -> None:
    """What the proxies say of one cluster: its ports, and the weights of its members."""
    for host in hosts:
        for front, back, kind in _fronts(host):
            found = {
                each.name: server["weight"] for server in back["servers"]
                if (each := home(server["address"], server["port"], members))
            }  # fmt: skip
            port = front["binds"][0]["address"].rpartition(":")[2]
            if found and port.isdigit():
                reads.ports.setdefault(kind, int(port))
            if kind == "reader" and "/writer" not in (back["check"] or ""):
                reads.weights.update({name: weight for name, weight in found.items() if weight is not None})
                reads.writer_too |= "writer=1" in (back["check"] or "")


def proxies_group(hosts: list[Host], writer_vips: set[str], members: list[Host]) -> Group:
    """Variables of the group haproxy."""
    group = Group(hosts={host.name: [] for host in hosts})
    if not hosts:
        return group
    found: dict[str, tuple[Any, str]] = {}
    built = all(any(_OWN.fullmatch(proxy["name"]) for proxy in proxies(host)) for host in hosts)
    for host in hosts:
        for name, value, at in [*_place(host, writer_vips), *_checks(host), *(_own(host) if built else [])]:
            known = found.setdefault(name, (value, f"{host.was}, {at}" if at else ""))
            if known[0] != value:
                group.choices.append(f"{name} differs between the proxies ({known[0]}; {value} on {host.was})")
    if built:
        found.update(_by_members(members))
    for name, (value, at) in found.items():
        if name not in PROXY_DEFAULTS or value != PROXY_DEFAULTS[name]:
            group.entries.append(Entry(name, value, (at,) if at else ()))
    if not built:
        group.choices.append(
            "haproxy: intervals, timeouts, limits and the statistics' login of the proxies are not read; compare them"
            " by site.yml --check --diff"
        )
    _priorities(group, hosts)
    return group


def _vrrp(host: Host, writer_vips: set[str]) -> Facts | None:
    """The VRRP instance of the proxies' VIP: on members there are others too."""
    found = [
        each for each in host.vrrp.get("instances") or []
        if each["vips"] and not {vip["address"] for vip in each["vips"]} & writer_vips
    ]  # fmt: skip
    return next((each for each in found if each["name"] == OWN_INSTANCE), found[0] if found else None)


def _place(host: Host, writer_vips: set[str]) -> Iterator[tuple[str, Any, str]]:
    vrrp = _vrrp(host, writer_vips)
    if vrrp is not None:
        at = f"VRRP instance {vrrp['name']}"
        yield "haproxy_vip", vrrp["vips"][0]["address"], at
        yield "haproxy_virtual_router_id", vrrp.get("virtual_router_id"), at
        if vrrp.get("advert_int") is not None:
            yield "haproxy_advert_interval", vrrp["advert_int"], at


def _checks(host: Host) -> Iterator[tuple[str, Any, str]]:
    for _front, back, kind in _fronts(host):
        lag = MAX_LAG.search(back["check"] or "")
        if kind == "reader" and lag:
            yield "haproxy_max_lag", number(lag[1]), back["check_at"] or ""
            if back.get("balance"):
                yield "haproxy_balance", back["balance"], back["at"]


def _own(host: Host) -> Iterator[tuple[str, Any, str]]:
    """What only a proxy that this collection built says in so many words."""
    for front, back, kind in _fronts(host):
        binds = [each["address"].rpartition(":")[0].strip("[]") for each in front["binds"]]
        yield "haproxy_maxconn", front["maxconn"], front["at"]
        yield "haproxy_accept_proxy", front["accept_proxy"], front["at"]
        yield "haproxy_send_proxy", back["send_proxy"], back["at"]
        if binds not in ([""], ["*"]):
            yield "haproxy_bind", binds, front["at"]
        for name, key in (("haproxy_connect_timeout", "connect"), ("haproxy_check_timeout", "check")):
            given = (back["timeouts"].get(key) or {}).get("ms")
            if given is not None:
                yield name, _seconds(given), back["timeouts"][key]["at"]
        idle = (back["timeouts"].get("client") or {}).get("ms")
        if idle is not None and idle != (WAIT_TIMEOUT + MARGIN) * 1000:
            yield "haproxy_idle_timeout", _seconds(idle), back["timeouts"]["client"]["at"]
        interval = next((each["interval_ms"] for each in back["servers"] if each["interval_ms"]), None)
        if interval is not None:
            yield "haproxy_check_interval", _seconds(interval), back["at"]
        yield "haproxy_log_sessions", front["logs_sessions"], front["at"]
        if front["log"] and front["log"][0] != "stdout":
            yield "haproxy_log", front["log"][0], front["at"]
            yield "haproxy_log_facility", front["log"][1], front["at"]
        if kind == "reader" and not (back["name"].endswith("_writer") or front["use_backends"]):
            yield "haproxy_reader_fallback", False, front["at"]
    for proxy in proxies(host):
        if proxy["name"] == "mysql_stats" and proxy["binds"]:
            address, _colon, port = proxy["binds"][0]["address"].rpartition(":")
            yield "haproxy_stats", True, proxy["at"]
            yield "haproxy_stats_address", address.strip("[]"), proxy["at"]
            yield "haproxy_stats_port", int(port) if port.isdigit() else port, proxy["at"]
            yield "haproxy_stats_user", Template("{{ vault_haproxy_stats_user }}"), proxy["at"]
            yield "haproxy_stats_password", Template("{{ vault_haproxy_stats_password }}"), proxy["at"]


def _seconds(milliseconds: int) -> int | float:
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000


def _by_members(members: list[Host]) -> dict[str, tuple[Any, str]]:
    """What the members' agents and certificates say of the proxies."""
    found: dict[str, tuple[Any, str]] = {}
    agents = [host.agent for host in members if host.agent and "proxies" in host.agent]
    ports = {view.get("port") for agent in agents for view in agent["proxies"] or [] if isinstance(view, dict)}
    if agents:
        found["haproxy_view_port"] = (next(iter(sorted(map(number_of, ports))), 0), str(agents[0]["at"]))
    names = {member.name for member in members}
    shown = [each for member in members for each in (member.settings.get("certificate") or {}).get("names") or []]
    own = list(dict.fromkeys(each for each in shown if each not in names))
    if own:
        found["haproxy_names"] = (own, "names in the members' certificates that no member has")
    return found


def number_of(port: Any) -> int:
    return int(port) if str(port).isdigit() else 0


def _priorities(group: Group, hosts: list[Host]) -> None:
    found = {
        host.name: vrrp["priority"] for host in hosts
        if (vrrp := _vrrp(host, set())) and isinstance(vrrp.get("priority"), int) and vrrp["name"] == OWN_INSTANCE
    }  # fmt: skip
    order = sorted(group.hosts, key=lambda name: -found.get(name, 0))
    group.hosts = {name: [] for name in order}
    for rank, name in enumerate(order):
        if name in found and found[name] != FIRST_PRIORITY - rank:
            group.hosts[name].append(Entry("haproxy_priority", found[name]))
