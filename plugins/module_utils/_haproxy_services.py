# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the proxies offer: derived from the clusters' models, and judged however it came about.

Pure: plain values in, plain values and one sentence for each mistake out.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

CHECKS = ("agent", "mysql", "tcp")
BALANCES = ("leastconn", "roundrobin")
LONGEST = 2147483  # seconds: HAProxy counts milliseconds in 31 bits
# No shorter, whatever the servers do: a statement that runs is silent too, and no wait_timeout ends it
SHORTEST = 7 * 86400
MARGIN = 60  # seconds by which the server is earlier than the proxy in ending a silent session
EVERYWHERE = ("*", "0.0.0.0", "::")  # noqa: S104 (compared with, not bound to)
NAME = r"[A-Za-z][A-Za-z0-9_-]{0,31}"
DEFAULTS: dict[str, Any] = {
    "bind": ["*"], "check": "agent", "max_lag": 10, "writer": False, "fallback": True, "balance": "leastconn",
    "idle_timeout": SHORTEST, "maxconn": 4000, "send_proxy": False, "accept_proxy": False,
    "check_user": "haproxy_check", "version": "",
}  # fmt: skip
KEYS = ("name", "writer_port", "reader_port", "servers", *DEFAULTS)
SERVER_KEYS = ("name", "address", "port", "weight", "agent_port", "candidate", "reader")
NO_HEADER = (
    "MySQL knows no PROXY protocol (Percona Server and MariaDB do) and would take the header for a broken login; leave"
    " haproxy_send_proxy out. LVS keeps the clients' own addresses"
)


class Mistakes(Exception):
    """The list cannot be used; `lines` has one sentence for each mistake."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def services_of(clusters: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One service per cluster, as `cluster_proxy_model.clusters` describes it. Raises Mistakes.

    An `idle_timeout` of 0 in the options is derived from the servers' wait_timeout.
    """
    chosen = {**DEFAULTS, **options}
    if str(chosen["idle_timeout"]) == "0":  # before ansible-core 2.19 a number becomes text
        chosen["idle_timeout"] = 0
    services, mistakes = [], []
    for cluster in clusters:
        if chosen["send_proxy"] and not cluster["takes_proxy_header"]:
            mistakes.append(
                f"haproxy_send_proxy: the servers of cluster '{cluster['name']}' have no proxy_protocol_networks in"
                f" mysql_settings. {NO_HEADER}"
            )
        services.append(
            {
                **chosen,
                "name": cluster["name"],
                "writer_port": cluster["writer_port"],
                "reader_port": cluster["reader_port"],
                "check": "agent",
                "writer": cluster["readers"] == "all",
                "idle_timeout": chosen["idle_timeout"] or min(max(cluster["idle_timeout"] + MARGIN, SHORTEST), LONGEST),
                "servers": [
                    {**server, "reader": cluster["readers"] != "readers" or not server["candidate"]}
                    for server in cluster["servers"]
                ],
            }
        )
    if mistakes:
        raise Mistakes(mistakes)
    return services


def refusal_of_mysql_check(version: str) -> str:
    """Why `option mysql-check` cannot work with this server; empty: it can.

    It logs in without a password by the protocol of 2004, which needs an account with mysql_native_password.
    """
    found = re.fullmatch(r"(mariadb|mysql|percona)[ -]?([0-9]{1,3})\.([0-9]{1,3})(?:[.-].{0,60})?", version.lower())
    if not found:
        return f"version {version!r} is none that is known; write e.g. 'mariadb 10.11' or 'mysql 5.7'"
    product, major = found[1], int(found[2])
    if product == "mariadb" or major < 8:
        return ""
    return (
        f"check mysql: {version} refuses it (error 1251: the check logs in by mysql_native_password, which is not the"
        " default from 8.0 on and gone in 9.0), so the server would be down for ever; install the agent, or use check"
        " tcp, which knows nothing of roles"
    )


def checked(services: Any, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same list, complete and typed. Raises Mistakes."""
    if not isinstance(services, (list, tuple)):
        raise Mistakes(["haproxy_services is not a list; write a list of services, or leave it out"])
    mistakes: list[str] = []
    done = []
    for position, service in enumerate(services):
        where = f"haproxy_services[{position}]"
        if not isinstance(service, Mapping):
            mistakes.append(f"{where} is not a dictionary; write name, writer_port, reader_port and servers")
            continue
        where = f"{where} ({service.get('name', '')})"
        given = {key: value for key, value in options.items() if not (key == "idle_timeout" and value in (0, "0"))}
        found = Service(service, {**DEFAULTS, **given})
        mistakes += [f"{where}: {line}" for line in found.mistakes]
        done.append(found.values)
    if not mistakes:
        mistakes += dict.fromkeys(_twice(done))
    if mistakes:
        raise Mistakes(mistakes)
    return done


class Service:
    """Reads one service; goes on after a mistake, so that all are told at once."""

    def __init__(self, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self.mistakes: list[str] = []
        unknown = sorted(str(key) for key in given if key not in KEYS)
        if unknown:
            self._refuse(f"does not know {', '.join(unknown)}; there are {', '.join(KEYS)}")
        content = {"writer_port": 0, "reader_port": 0, **defaults, **given}
        check = self._one_of(content, "check", CHECKS)
        self.values: dict[str, Any] = {
            "name": self._matching(content, "name", NAME, "a letter, then letters, digits, _ or -"),
            "writer_port": self._integer(content, "writer_port", 0, 65535),
            "reader_port": self._integer(content, "reader_port", 0, 65535),
            "bind": list(self._bind(content["bind"])),
            "check": check,
            "max_lag": self._seconds(content, "max_lag"),
            "writer": self._switch(content, "writer"),
            "fallback": self._switch(content, "fallback"),
            "balance": self._one_of(content, "balance", BALANCES),
            "idle_timeout": self._integer(content, "idle_timeout", 1, LONGEST),
            "maxconn": self._integer(content, "maxconn", 1, 1000000),
            "send_proxy": self._switch(content, "send_proxy"),
            "accept_proxy": self._switch(content, "accept_proxy"),
            "check_user": self._matching(content, "check_user", r"[A-Za-z0-9_.-]{1,32}", "letters, digits, _, . or -"),
            "version": str(content["version"] or ""),
        }  # fmt: skip
        if check == "mysql" and (reason := refusal_of_mysql_check(self.values["version"])):
            self._refuse(reason)
        if self.values["send_proxy"] and self.values["version"].lower().startswith("mysql"):
            self._refuse(f"send_proxy: {NO_HEADER}")
        self.values["servers"] = list(self._servers(content.get("servers"), check))
        if not self.mistakes:  # what was refused would be missed
            self._check_ports()

    def _refuse(self, text: str) -> None:
        self.mistakes.append(text)

    def _matching(self, content: Mapping[str, Any], key: str, pattern: str, mend: str) -> str:
        value = content.get(key)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            self._refuse(f"{key} {value!r} cannot be used; write {mend}")
        return str(value)

    def _integer(self, content: Mapping[str, Any], key: str, low: int, high: int) -> int:
        value = content.get(key)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self._refuse(f"{key} {value!r} is no integer from {low} to {high}")
            return low
        return value

    def _seconds(self, content: Mapping[str, Any], key: str) -> float:
        value = content.get(key)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 86400:
            self._refuse(f"{key} {value!r} is no number of seconds from 0 to 86400")
            return 0.0
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

    def _bind(self, value: Any) -> Iterator[str]:
        if not isinstance(value, (list, tuple)) or not value:
            self._refuse("bind is no list of addresses; write e.g. ['*'] or [10.0.0.110]")
            return
        for text in dict.fromkeys(map(str, value)):
            if text == "*":
                yield text
                continue
            try:
                yield str(ipaddress.ip_address(text))
            except ValueError:
                self._refuse(f"bind: {text!r} is no IP address and not '*'")

    def _servers(self, value: Any, check: str) -> Iterator[dict[str, Any]]:
        if not isinstance(value, (list, tuple)) or not value:
            self._refuse("servers is no list of servers; write e.g. [{address: 10.0.0.11}]")
            return
        names: set[str] = set()
        places: set[tuple[str, int]] = set()
        for position, server in enumerate(value):
            where = f"servers[{position}]"
            if not isinstance(server, Mapping) or set(map(str, server)) - set(SERVER_KEYS):
                self._refuse(f"{where} is no dictionary of {', '.join(SERVER_KEYS)}")
                continue
            try:
                address = str(ipaddress.ip_address(str(server.get("address"))))
            except ValueError:
                self._refuse(f"{where}: address {server.get('address')!r} is no IP address")
                continue
            agent = check == "agent"
            name = str(server.get("name") or address)
            port = self._integer({"port": 3306, **server}, "port", 1, 65535)
            if not re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", name):
                self._refuse(f"{where}: name {name!r} cannot be used; write letters, digits, _, . or -")
            if name in names or (address, port) in places:
                self._refuse(f"servers has {name} twice")
            names.add(name)
            places.add((address, port))
            yield {
                "name": name,
                "address": address,
                "port": port,
                "weight": self._integer({"weight": 1, **server}, "weight", 0, 256),
                "agent_port": self._integer({"agent_port": 8308, **server}, "agent_port", 1, 65535) if agent else None,
                "candidate": self._switch({"candidate": agent, **server}, "candidate"),
                "reader": self._switch({"reader": True, **server}, "reader"),
            }

    def _check_ports(self) -> None:
        values = self.values
        candidates = [server["name"] for server in values["servers"] if server["candidate"]]
        readers = [server["name"] for server in values["servers"] if server["reader"]]
        if not values["writer_port"] and not values["reader_port"]:
            self._refuse("has neither writer_port nor reader_port, so it offers nothing; give it one")
        if values["writer_port"] and values["writer_port"] == values["reader_port"]:
            self._refuse(f"writer_port and reader_port are both {values['writer_port']}; give each its own")
        if values["check"] == "agent":
            if values["writer_port"] and not candidates:
                self._refuse("writer_port: no server has candidate: true; give one")
        elif values["check"] in CHECKS and (len(candidates) > 1 or (values["writer_port"] and not candidates)):
            self._refuse(
                f"check {values['check']} cannot tell who the writer is; set candidate: true on one server, which takes"
                " all writes, or leave writer_port out"
            )
        if values["reader_port"] and not readers and not (values["fallback"] and candidates):
            self._refuse("reader_port: nobody serves reads; let a server have reader: true, or set fallback: true")


def _twice(services: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names: set[str] = set()
    offered: list[tuple[int, str, str]] = []
    for service in services:
        if service["name"] in names:
            yield f"haproxy_services has the name '{service['name']}' twice; give each service its own"
        names.add(service["name"])
        for port in filter(None, (service["writer_port"], service["reader_port"])):
            for address in service["bind"]:
                for other_port, other_address, other in offered:
                    met = address == other_address or address in EVERYWHERE or other_address in EVERYWHERE
                    if port == other_port and met and other != service["name"]:
                        yield (
                            f"haproxy_services: port {port} is offered by '{other}' and '{service['name']}';"
                            " give one of them another port, or another address in bind"
                        )
                offered.append((port, address, service["name"]))
