# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster consists of, as reports draw it: instances, channels, VIPs, balancers. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._audit import Cluster

Facts = dict[str, Any]
_SAME = (
    "port", "flavour", "version", "server_id", "server_uuid", "read_only", "super_read_only", "gtid_mode",
    "gtid_executed",
)  # fmt: skip
_VRRP = (
    "name", "state", "priority", "effective_priority", "virtual_router_id", "interface", "version", "advert_int",
    "nopreempt", "last_transition",
)  # fmt: skip


def instances(cluster: Cluster) -> list[Facts]:
    moving = {address for address, _kind in _addresses(cluster)}
    found = []
    for host, facts in sorted(cluster.hosts.items()):
        mysql = facts.get("mysql")
        if mysql is None:
            continue
        addresses = [each for each in (facts.get("os") or {}).get("addresses", []) if each not in moving]
        found.append(
            {
                "host": host,
                "reachable": bool(mysql.get("reachable", True)),
                "reason": mysql.get("reason") or "",
                "role": _role(mysql),
                "address": addresses[0] if addresses else None,
                **{name: mysql.get(name) for name in _SAME},
                "semi_sync": _semi_sync(mysql),
            }
        )
    return found


def _role(mysql: Facts) -> str:
    if not mysql.get("reachable", True) or mysql.get("read_only") is None:
        return "unknown"
    if mysql["read_only"] is False:
        return "writer"
    return "replica" if mysql.get("channels") else "standalone"


def _semi_sync(mysql: Facts) -> str | None:
    state = mysql.get("semi_sync")
    if not state:
        return None
    if mysql.get("read_only") is False and state.get("source_enabled"):
        return "waits" if state.get("source_active") else "fallen_back"
    return "acknowledges" if state.get("replica_active") else "off"


def channels(cluster: Cluster) -> list[Facts]:
    moving = {address for address, _kind in _addresses(cluster)}
    found = []
    for host, mysql in sorted(cluster.having("mysql")):
        for channel in mysql.get("channels") or []:
            source = channel.get("source_host") or ""
            error = next((channel[key] for key in ("io_error", "sql_error") if _number(channel.get(key))), None)
            found.append(
                {
                    "host": host,
                    "name": channel.get("name") or "",
                    "source": cluster.source(channel),
                    "vip": source if source in moving else None,
                    "source_host": source,
                    "source_port": channel.get("source_port"),
                    "state": _state(channel),
                    "lag_seconds": channel.get("lag_seconds"),
                    "delay": channel.get("delay"),
                    "auto_position": channel.get("auto_position"),
                    "tls": channel.get("source_ssl"),
                    "error": f"{error['number']}: {error['message']}" if error else "",
                }
            )
    return found


def _number(error: Any) -> int:
    return int((error or {}).get("number") or 0)


def _state(channel: Facts) -> str:
    threads = {channel.get("io_running"), channel.get("sql_running")}
    if None in threads:
        return "unknown"
    if "No" in threads:
        return "stopped"
    return "connecting" if "Connecting" in threads else "running"


def _addresses(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Addresses that are meant to move or to be shared, and what makes them so."""
    for _host, vrrp in cluster.having("vrrp"):
        for instance in vrrp.get("instances") or []:
            yield from ((vip["address"], "vrrp") for vip in [*instance["vips"], *instance["excluded_vips"]])
        for service in (vrrp.get("configuration") or {}).get("virtual_servers") or []:
            if service["address"]:
                yield service["address"], "lvs"
    for _host, lvs in cluster.having("lvs"):
        yield from ((service["address"], "lvs") for service in lvs.get("services") or [] if service["address"])
        yield from ((entry["address"], "lo") for entry in lvs.get("lo") or [])


def vips(cluster: Cluster) -> list[Facts]:
    kinds: dict[str, set[str]] = {}
    for address, kind in _addresses(cluster):
        kinds.setdefault(address, set()).add(kind)
    seen: dict[str, dict[str, Facts]] = {}
    for host, found in cluster.having("vips"):
        for vip in found:
            seen.setdefault(vip["address"], {})[host] = vip
    return [_vip(cluster, address, kinds[address], seen.get(address, {})) for address in sorted(kinds)]


def _vip(cluster: Cluster, address: str, kinds: set[str], seen: dict[str, Facts]) -> Facts:
    members = [
        (host, instance, vip)
        for host, vrrp in sorted(cluster.having("vrrp"))
        for instance in vrrp.get("instances") or []
        for vip in [*instance["vips"], *instance["excluded_vips"]]
        if vip["address"] == address
    ]
    places = [place["prefix"] for vip in seen.values() for place in vip["places"]]
    prefixes = [vip["prefix"] for _host, _instance, vip in members if vip["prefix"] is not None]
    on_lo = [
        host
        for host, lvs in sorted(cluster.having("lvs"))
        if address in {entry["address"] for entry in lvs.get("lo") or []}
    ]
    answering = [vip["holders"] for vip in seen.values() if vip["holders"] is not None]
    return {
        "address": address,
        "prefix": next(iter([*places, *prefixes]), None),
        "kind": "_and_".join(kind for kind in ("vrrp", "lvs") if kind in kinds) or "other",
        "instances": [
            {"host": host, **{name: instance.get(name) for name in _VRRP}} for host, instance, _vip in members
        ],
        "holders": sorted(host for host, vip in seen.items() if vip["here"]),
        "on_lo": on_lo,
        "stale": sorted(host for host, vip in seen.items() if vip["stale"]),
        "answering": max(answering) if answering else None,
    }


def balancers(cluster: Cluster) -> list[Facts]:
    return [*_directors(cluster), *_proxies(cluster)]


def _directors(cluster: Cluster) -> Iterator[Facts]:
    tables = dict(cluster.having("lvs"))
    for host, vrrp in sorted(cluster.having("vrrp")):
        table = tables.get(host, {})
        services = {(each["address"], each["port"]): each for each in table.get("services") or []}
        for service in (vrrp.get("configuration") or {}).get("virtual_servers") or []:
            live = services.get((service["address"], service["port"]))
            weights = {(each["address"], each["port"]): each["weight"] for each in (live or {}).get("servers") or []}
            name = _service_name(service)
            yield {
                "kind": "lvs",
                "host": host,
                "name": name,
                "listen": [name],
                "scheduler": service["scheduler"],
                "at": service["at"],
                "servers": [
                    {
                        "name": f"{server['address']}:{server['port']}",
                        "address": server["address"] or "",
                        "port": server["port"],
                        "host": cluster.home(server["address"] or "", server["port"]),
                        "weight": server["weight"],
                        "check": ", ".join(sorted({check["type"] for check in server["checks"]})),
                        "state": _in_table(live, weights.get((server["address"], server["port"]))),
                    }
                    for server in service["servers"]
                ],
            }


def _service_name(service: Facts) -> str:
    if service["address"]:
        return f"{service['address']}:{service['port']}"
    return f"group:{service['group']}" if service["group"] else f"mark:{service['mark']}"


def _in_table(live: Facts | None, weight: int | None) -> str:
    """A backup director's table is empty, or filled: only a service that is there tells something."""
    if live is None:
        return "unknown"
    if weight is None:
        return "down"
    return "up" if weight else "drained"


def _proxies(cluster: Cluster) -> Iterator[Facts]:
    for host, haproxy in sorted(cluster.having("haproxy")):
        live = {
            (proxy["name"], server["name"]): server
            for proxy in haproxy.get("proxies") or []
            for server in proxy.get("servers") or []
        }
        configured = (haproxy.get("configuration") or {}).get("proxies") or []
        listening = [proxy for proxy in configured if proxy["binds"]]
        backends = {proxy["name"]: proxy for proxy in configured if proxy["type"] != "frontend"}
        for proxy in listening:
            behind = backends.get(proxy["default_backend"] or "", proxy)
            if behind["servers"]:
                yield {
                    "kind": "haproxy",
                    "host": host,
                    "name": proxy["name"],
                    "listen": [bind["address"] for bind in proxy["binds"]],
                    "scheduler": behind.get("balance"),
                    "at": proxy["at"],
                    "servers": [
                        {
                            "name": server["name"],
                            "address": server["address"],
                            "port": server["port"],
                            "host": cluster.home(server["address"], server["port"], seen_from=host),
                            "weight": server["weight"],
                            "check": (behind["check"] or "connect") if server["check"] else "",
                            "state": _of_proxy(live.get((behind["name"], server["name"]))),
                        }
                        for server in behind["servers"]
                    ],
                }


def _of_proxy(server: Facts | None) -> str:
    if server is None:
        return "unknown"
    if server.get("takes_sessions"):
        return "up"
    return "drained" if server.get("up") else "down"
