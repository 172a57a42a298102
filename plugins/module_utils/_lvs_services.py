# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that LVS directors offer: derived from the clusters' models, and judged however they came about.

Pure: plain values in, plain values and one sentence for each mistake out.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

SCHEDULERS = ("rr", "wrr", "lc", "wlc", "sh", "mh")
CHECKS = ("agent", "query")
DEFAULTS: dict[str, Any] = {
    "scheduler": "wlc", "persistence_timeout": 0, "max_lag": 10, "sorry_server": "", "quorum": 1,
}  # fmt: skip
KEYS = ("name", "vips", "port", "servers", "check", "writer", *DEFAULTS)
SERVER_KEYS = ("name", "address", "port", "weight", "agent_port")


class Mistakes(Exception):
    """The list cannot be used; `lines` has one sentence for each mistake."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def services_of(clusters: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One service per cluster, as `cluster_director_model.clusters` describes it. Raises Mistakes."""
    chosen = {**DEFAULTS, **options}
    services, mistakes = [], []
    for cluster in clusters:
        sorry = chosen["sorry_server"]
        if sorry == "writer":
            # Whoever holds the writer VIP has the reader VIPs on lo too, if candidates are realservers.
            sorry = cluster["writer_vip"]
            if cluster["readers"] == "readers":
                mistakes.append(
                    f"lvs_director_sorry_server 'writer': the candidates of cluster '{cluster['name']}' do not have its"
                    " reader VIPs; set cluster_readers: standby, or leave the sorry server out"
                )
            elif cluster["candidates_without_vips"]:
                mistakes.append(
                    f"lvs_director_sorry_server 'writer': {', '.join(cluster['candidates_without_vips'])} of cluster"
                    f" '{cluster['name']}' may become the writer and does not have the reader VIPs; write"
                    " lvs_realserver_weight: 0 instead of lvs_realserver_state: absent, or leave the sorry server out"
                )
        services.append(
            {
                "name": cluster["name"],
                "vips": list(cluster["vips"]),
                "port": cluster["port"],
                "servers": [dict(server) for server in cluster["servers"]],
                "check": "agent",
                "writer": cluster["readers"] == "all",
                **chosen,
                "sorry_server": sorry,
            }
        )
    if mistakes:
        raise Mistakes(mistakes)
    return services


def checked(services: Any, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same list, complete and typed. Raises Mistakes."""
    if not isinstance(services, (list, tuple)):
        raise Mistakes(["lvs_director_services is not a list; write a list of services, or leave it out"])
    mistakes: list[str] = []
    done = []
    for position, service in enumerate(services):
        where = f"lvs_director_services[{position}]"
        if not isinstance(service, Mapping):
            mistakes.append(f"{where} is not a dictionary; write name, vips, port and servers")
            continue
        where = f"{where} ({service.get('name', '')})"
        found = Service(service, {**DEFAULTS, **options})
        mistakes += [f"{where}: {line}" for line in found.mistakes]
        done.append(found.values)
    if not mistakes:
        mistakes += _twice(done)
    if mistakes:
        raise Mistakes(mistakes)
    return done


class Service:
    """Reads one service; goes on after a mistake, so that all are told at once."""

    def __init__(self, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self.mistakes: list[str] = []
        unknown = [str(key) for key in given if key not in KEYS]
        if unknown:
            self._refuse(f"does not know {', '.join(sorted(unknown))}; there are {', '.join(KEYS)}")
        content = {**defaults, "check": "agent", "writer": False, **given}
        port = self._integer(content, "port", 1, 65535)
        self.values: dict[str, Any] = {
            "name": self._name(content.get("name")),
            "vips": [str(vip) for vip in self._vips(content.get("vips"))],
            "port": port,
            "check": self._one_of(content, "check", CHECKS),
            "writer": self._switch(content, "writer"),
            "scheduler": self._one_of(content, "scheduler", SCHEDULERS),
            "persistence_timeout": self._integer(content, "persistence_timeout", 0, 86400 * 31),
            "max_lag": self._seconds(content, "max_lag"),
            "quorum": self._integer(content, "quorum", 1, 2**31 - 1),
        }
        self._family = {ipaddress.ip_address(vip).version for vip in self.values["vips"]}
        if len(self._family) > 1:
            self._refuse("vips are of IPv4 and of IPv6; make two services of it")
        self.values["sorry_server"] = self._sorry_server(content["sorry_server"], port)
        self.values["servers"] = list(self._servers(content.get("servers"), port))
        self._check_quorum()

    def _refuse(self, text: str) -> None:
        self.mistakes.append(text)

    def _check_quorum(self) -> None:
        """keepalived refuses the whole configuration then, after the members have been changed already."""
        if self.mistakes:
            return
        weights = sum(server["weight"] for server in self.values["servers"])
        if not weights:
            self._refuse("all servers have weight 0, so nobody would serve; leave one its weight")
        elif weights < self.values["quorum"]:
            self._refuse(f"quorum {self.values['quorum']} is more than all weights together ({weights}); lower it")

    def _name(self, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,31}", value):
            self._refuse(f"name {value!r} cannot be used in file names; write a letter, then letters, digits, _ or -")
        return str(value)

    def _integer(self, content: Mapping[str, Any], key: str, low: int, high: int) -> int:
        value = content.get(key)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self._refuse(f"{key} {value!r} is no integer from {low} to {high}")
            return low
        return value

    def _seconds(self, content: Mapping[str, Any], key: str) -> float | None:
        value = content.get(key)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value):
            value = float(value)
        if value is None and content.get("check") == "query":
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 10**9:
            self._refuse(f"{key} {value!r} is no number of seconds")
            return None
        return float(value)

    def _switch(self, content: Mapping[str, Any], key: str) -> bool:
        value = content.get(key)
        if not isinstance(value, bool):
            self._refuse(f"{key} {value!r} is neither true nor false")
        return bool(value)

    def _one_of(self, content: Mapping[str, Any], key: str, words: Sequence[str]) -> str:
        value = content.get(key)
        if value not in words:
            self._refuse(f"{key} {value!r} is unknown; write {' or '.join(words)}")
        return str(value)

    def _address(self, value: Any, what: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        try:
            ip = ipaddress.ip_address(str(value))
        except ValueError:
            self._refuse(f"{what} {value!r} is no IP address")
            return None
        return ip

    def _vips(self, value: Any) -> Iterator[Any]:
        if not isinstance(value, (list, tuple)) or not value:
            self._refuse("vips is no list of addresses; write e.g. [10.0.0.200]")
            return
        for text in dict.fromkeys(map(str, value)):
            ip = self._address(text, "vips:")
            if ip is not None:
                yield ip

    def _near(self, value: Any, what: str) -> str:
        """An address of the VIPs' family that is none of them."""
        ip = self._address(value, what)
        if ip is None:
            return ""
        if self._family and ip.version not in self._family:
            self._refuse(f"{what} {ip} is not of the VIPs' family; direct routing keeps the packet as it is")
        if str(ip) in self.values["vips"]:
            self._refuse(f"{what} {ip} is a VIP of the service")
        return str(ip)

    def _port(self, given: Any, port: int, what: str) -> None:
        if str(given) != str(port):
            self._refuse(f"{what} has port {given}, the service {port}; direct routing keeps the port, give both one")

    def _sorry_server(self, value: Any, port: int) -> str:
        if value in (None, ""):
            return ""
        parts = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\]:([0-9]+)|([0-9.]+):([0-9]+)", str(value))
        if parts:
            self._port(parts[2] or parts[4], port, "sorry_server")
            value = parts[1] or parts[3]
        return self._near(value, "sorry_server")

    def _servers(self, value: Any, port: int) -> Iterator[dict[str, Any]]:
        if not isinstance(value, (list, tuple)) or not value:
            self._refuse("servers is no list of servers; write e.g. [{address: 10.0.0.11}]")
            return
        addresses: set[str] = set()
        for position, server in enumerate(value):
            if not isinstance(server, Mapping) or set(map(str, server)) - set(SERVER_KEYS):
                self._refuse(f"servers[{position}] is no dictionary of {', '.join(SERVER_KEYS)}")
                continue
            address = self._near(server.get("address"), f"servers[{position}]")
            if address in addresses:
                self._refuse(f"servers has {address} twice")
            addresses.add(address)
            self._port(server.get("port", port), port, f"servers[{position}]")
            agent_port = None
            if self.values["check"] == "agent":
                agent_port = self._integer({"agent_port": 8308, **server}, "agent_port", 1, 65535)
            yield {
                "name": str(server.get("name") or address),
                "address": address,
                "port": port,
                "weight": self._integer({"weight": 1, **server}, "weight", 0, 65535),
                "agent_port": agent_port,
            }


def _twice(services: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names: set[str] = set()
    offered: dict[tuple[str, int], str] = {}
    for service in services:
        if service["name"] in names:
            yield f"lvs_director_services has the name '{service['name']}' twice; give each service its own"
        names.add(service["name"])
        for vip in service["vips"]:
            other = offered.setdefault((vip, service["port"]), service["name"])
            if other != service["name"]:
                yield (
                    f"lvs_director_services: {vip} port {service['port']} is offered by '{other}' and"
                    f" '{service['name']}'; give one of them another address"
                )
