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


def proxies(cluster: Cluster) -> Iterator[tuple[str, Facts]]:
    """Sections that work; one that is disabled takes nobody."""
    for host, haproxy in cluster.having("haproxy"):
        for proxy in (haproxy.get("configuration") or {}).get("proxies", []):
            if not proxy.get("disabled"):
                yield host, proxy


def databases(cluster: Cluster, host: str, proxy: Facts) -> Iterator[tuple[Facts, str, Facts]]:
    """The proxy's servers that are members: as configured, the host, and its mysql."""
    known = dict(cluster.having("mysql"))
    for server in proxy["servers"]:
        home = cluster.home(server["address"], server["port"], seen_from=host)
        if home in known:
            yield server, str(home), known[str(home)]


def serves_mysql(cluster: Cluster, host: str, proxy: Facts) -> bool:
    """Whether MySQL is behind it. Where none of its servers was asked, the configuration tells."""
    if any(True for _each in databases(cluster, host, proxy)):
        return True
    if proxy["mode"] != "tcp" or not proxy["servers"]:
        return False
    return (
        (proxy["check"] or "").startswith("mysql-check") or bool(_NAME.search(proxy["name"]))
        or any(server["port"] in _PORTS for server in proxy["servers"])
    )  # fmt: skip


def pools(cluster: Cluster) -> Iterator[tuple[str, Facts, list[Facts]]]:
    """Proxies in front of MySQL, with the servers that they may use."""
    for host, proxy in proxies(cluster):
        servers = [server for server in proxy["servers"] if not server.get("disabled")]
        if servers and serves_mysql(cluster, host, proxy):
            yield host, proxy, servers


def several(servers: list[Facts]) -> bool:
    return len(servers) > 1 or any(server.get("template") not in (None, "1") for server in servers)


def fronts(cluster: Cluster, host: str, behind: Facts) -> list[Facts]:
    """Where the clients of a proxy's servers come in."""
    here = [proxy for at, proxy in proxies(cluster) if at == host]
    return [
        proxy for proxy in here
        if proxy["binds"] and (proxy is behind or behind["name"] in (proxy["default_backend"], *proxy["use_backends"]))
    ]  # fmt: skip


def asks_for_writer(proxy: Facts) -> bool:
    """Whether its check asks for the writer, as agents answer it."""
    return "/writer" in (proxy["check"] or "") or "/primary" in (proxy["check"] or "")


def for_writer(cluster: Cluster, host: str, proxy: Facts) -> bool:
    """Whether clients come here to write: by the check, by what stands by, or by the name."""
    check = (proxy["check"] or "").partition(" ")[2]
    if asks_for_readers(check) or (_FOR_READERS.search(check) and not _FOR_WRITER.search(check)):
        return False
    names = " ".join([proxy["name"], *(front["name"] for front in fronts(cluster, host, proxy))])
    return bool(_FOR_WRITER.search(check)) or stands_by(proxy) or bool(
        _FOR_WRITER.search(names) and not _FOR_READERS.search(names)
    )  # fmt: skip


def stands_by(proxy: Facts) -> bool:
    """One server works and the others are for when it fails."""
    active = [server for server in proxy["servers"] if not server["backup"]]
    return len(active) == 1 and len(proxy["servers"]) > 1


def is_checked(server: Facts) -> bool:
    return bool(server["check"] or server.get("agent") or server.get("track"))


def knows_roles(cluster: Cluster, host: str, proxy: Facts, depth: int = 0) -> bool:
    """Whether the checks of its servers can tell a writer from a replica, as far as can be seen."""
    check, servers = proxy["check"] or "", [server for server in proxy["servers"] if is_checked(server)]
    if check.startswith(("httpchk", "external-check")) or (servers and all(server.get("agent") for server in servers)):
        return True
    if check.startswith("tcp-check") and proxy.get("check_expects"):
        # Of the server itself only its greeting is seen, unless something is asked; another port is another program.
        asked = [server.get("check_port") or proxy.get("check_port") for server in servers]
        elsewhere = any(port and port != server["port"] for port, server in zip(asked, servers))
        return bool(proxy.get("check_sends")) or elsewhere
    tracked = {(server.get("track") or "").partition("/")[0] for server in servers}
    followed = [each for at, each in proxies(cluster) if at == host and each["name"] in tracked - {""}]
    return bool(followed) and depth < 5 and all(knows_roles(cluster, host, each, depth + 1) for each in followed)
