# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies of a cluster as rules look at them: what is behind each, who comes in where, and for what. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ._audit import Cluster
from ._audit_fitness import asks_for_readers

Facts = dict[str, Any]
_PORTS = (3306, 3307, 3308, 4006, 6033)
_NAME = re.compile(r"mysql|maria|galera|percona|pxc|innodb|aurora", re.IGNORECASE)
_FOR_WRITER = re.compile(r"writ|primary|master|(?:^|[_-])rw(?:[_-]|$)", re.IGNORECASE)
_FOR_READERS = re.compile(r"read|replica|slave|(?:^|[_-])ro(?:[_-]|$)", re.IGNORECASE)


class Proxies:
    """The proxies of a cluster, found by host and name."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._mysql = dict(cluster.having("mysql"))
        self._homes: dict[tuple[str, str, int | None], str | None] = {}
        self._named: dict[tuple[str, str], list[Facts]] = {}
        self._fronts: dict[tuple[str, str], list[Facts]] = {}
        self.all: list[tuple[str, Facts]] = []  # one that is disabled takes nobody
        for host, haproxy in cluster.having("haproxy"):
            for proxy in (haproxy.get("configuration") or {}).get("proxies", []):
                if not proxy.get("disabled"):
                    self.all.append((host, proxy))
                    self._named.setdefault((host, proxy["name"]), []).append(proxy)
                    behind = {proxy["default_backend"], *proxy["use_backends"]} if proxy["binds"] else set()
                    for name in behind - {None, proxy["name"]}:
                        self._fronts.setdefault((host, name), []).append(proxy)

    def home(self, host: str, server: Facts) -> str | None:
        """Where a server of a proxy on `host` is."""
        key = host, server["address"], server["port"]
        if key not in self._homes:
            self._homes[key] = self._cluster.home(server["address"], server["port"], seen_from=host)
        return self._homes[key]

    def databases(self, host: str, proxy: Facts) -> Iterator[tuple[Facts, str, Facts]]:
        """The proxy's servers that are members: as configured, the host, and its mysql."""
        for server in proxy["servers"]:
            home = self.home(host, server)
            if home in self._mysql:
                yield server, str(home), self._mysql[str(home)]

    def serves_mysql(self, host: str, proxy: Facts) -> bool:
        """Whether MySQL is behind it. Where none of its servers was asked, the configuration tells."""
        if any(True for _each in self.databases(host, proxy)):
            return True
        if proxy["mode"] != "tcp" or not proxy["servers"]:
            return False
        return (
            (proxy["check"] or "").startswith("mysql-check") or bool(_NAME.search(proxy["name"]))
            or any(server["port"] in _PORTS for server in proxy["servers"])
        )  # fmt: skip

    def pools(self) -> Iterator[tuple[str, Facts, list[Facts]]]:
        """Proxies in front of MySQL, with the servers that they may use."""
        for host, proxy in self.all:
            servers = [server for server in proxy["servers"] if not server.get("disabled")]
            if servers and self.serves_mysql(host, proxy):
                yield host, proxy, servers

    def fronts(self, host: str, behind: Facts) -> list[Facts]:
        """Where the clients of a proxy's servers come in."""
        return [*([behind] if behind["binds"] else []), *self._fronts.get((host, behind["name"]), [])]

    def for_writer(self, host: str, proxy: Facts) -> bool:
        """Whether clients come here to write: by the check, by what stands by, or by the name."""
        check = (proxy["check"] or "").partition(" ")[2]
        if asks_for_readers(check) or (_FOR_READERS.search(check) and not _FOR_WRITER.search(check)):
            return False
        names = " ".join([proxy["name"], *(front["name"] for front in self.fronts(host, proxy)[:20])])
        return bool(_FOR_WRITER.search(check)) or stands_by(proxy) or bool(
            _FOR_WRITER.search(names) and not _FOR_READERS.search(names)
        )  # fmt: skip

    def knows_roles(self, host: str, proxy: Facts, depth: int = 0) -> bool:
        """Whether the checks of its servers can tell a writer from a replica, as far as can be seen."""
        check, servers = proxy["check"] or "", [server for server in proxy["servers"] if is_checked(server)]
        agents = bool(servers) and all(server.get("agent") for server in servers)
        if check.startswith(("httpchk", "external-check")) or agents:
            return True
        if check.startswith("tcp-check") and proxy.get("check_expects"):
            # Of the server itself only its greeting is seen, unless something is asked; at another port is a program.
            asked = [server.get("check_port") or proxy.get("check_port") for server in servers]
            elsewhere = any(port and port != server["port"] for port, server in zip(asked, servers))
            return bool(proxy.get("check_sends")) or elsewhere
        tracked = {(server.get("track") or "").partition("/")[0] for server in servers} - {""}
        followed = [each for name in sorted(tracked)[:20] for each in self._named.get((host, name), [])]
        return bool(followed) and depth < 3 and all(self.knows_roles(host, each, depth + 1) for each in followed)


def several(servers: list[Facts]) -> bool:
    return len(servers) > 1 or any(server.get("template") not in (None, "1") for server in servers)


def asks_for_writer(proxy: Facts) -> bool:
    """Whether its check asks for the writer, as agents answer it."""
    return "/writer" in (proxy["check"] or "") or "/primary" in (proxy["check"] or "")


def stands_by(proxy: Facts) -> bool:
    """One server works and the others are for when it fails."""
    active = [server for server in proxy["servers"] if not server["backup"]]
    return len(active) == 1 and len(proxy["servers"]) > 1


def is_checked(server: Facts) -> bool:
    return bool(server["check"] or server.get("agent") or server.get("track"))
