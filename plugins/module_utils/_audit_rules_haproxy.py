# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hazards of HAProxy. Predicates on its configuration (`haproxy.configuration`, of _haproxy_conf) and on `mysql`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Optional

from ._audit import Cluster, Evidence, Rules
from ._audit_fitness import Fitness, asks_for_readers, fitness
from ._audit_proxies import Proxies, asks_for_writer, stands_by
from ._haproxy_address import address as read_address

RULES = Rules()
rule = RULES.rule
Facts = dict[str, Any]


@rule(
    "MHA-H003", "serious", "The proxy's statistics are open to the network",
    why="They tell everybody what stands behind the proxy, and with admin rights let them switch servers off.",
    mend="An address of its own network, and a password of its own.", needs=("haproxy",),
)  # fmt: skip
def open_statistics(cluster: Cluster) -> Iterator[Evidence]:
    view = Proxies(cluster)
    seen: set[tuple[str, str]] = set()
    for host, proxy in view.all:
        stats = proxy["stats"]
        # HAProxy answers with statistics by HTTP only, and passes over the words in another mode.
        if not stats or proxy["mode"] != "http" or (stats["auth"] and not stats["well_known"]) or proxy.get("guarded"):
            continue
        for front in view.fronts(host, proxy):
            public = _public(front)
            if public and not front.get("guarded") and (host, stats["at"]) not in seen:
                seen.add((host, stats["at"]))
                how = "with a password that everybody knows" if stats["auth"] else "without a password"
                admin = ", and lets them change servers" if stats.get("admin") else ""
                yield Evidence(host, f"{front['name']} on {', '.join(public)} {how}{admin}", public, stats["at"])
    for host, socket in _sockets(cluster):
        if socket["public"] and socket["level"] != "admin":
            text = f"stats socket {socket['address']} level {socket['level']}, without a password"
            yield Evidence(host, text, socket["address"], socket["at"])


def _public(front: Facts) -> list[str]:
    """Binds that can be reached from elsewhere without a certificate."""
    return [
        bind["address"] for bind in front["binds"]
        if not bind.get("client_certificates")
        and any(read_address(each).public() for each in bind["address"].split(","))
    ]  # fmt: skip


def _sockets(cluster: Cluster) -> Iterator[tuple[str, Facts]]:
    for host, haproxy in cluster.having("haproxy"):
        for socket in (haproxy.get("configuration") or {}).get("sockets") or []:
            yield host, socket


@rule(
    "MHA-H010", "critical", "The proxy takes commands from the network",
    why="It knows no password: everybody who reaches it may switch servers off or send clients to another address.",
    mend="stats socket at a path, with mode 600; from elsewhere by ssh.", needs=("haproxy",),
)  # fmt: skip
def open_commands(cluster: Cluster) -> Iterator[Evidence]:
    for host, socket in _sockets(cluster):
        if socket["public"] and socket["level"] == "admin":
            yield Evidence(host, f"stats socket {socket['address']} level admin", socket["address"], socket["at"])


@rule(
    "MHA-H011", "warning", "All accounts of the host may give the proxy commands",
    why="A socket that everybody may write to lets any process of the host switch servers off.",
    mend="mode 600, or 660 with a group of operators.", needs=("haproxy",),
)  # fmt: skip
def commands_for_all(cluster: Cluster) -> Iterator[Evidence]:
    for host, socket in _sockets(cluster):
        if socket["open_to_all"] and socket["level"] == "admin":
            text = f"stats socket {socket['path']} level admin may be written by everybody"
            yield Evidence(host, text, socket["path"], socket["at"])


Place = tuple[str, Optional[int]]
Offer = tuple[Facts, list[Place], list[Place]]  # the pool, its servers, those of them that get sessions


def _services(cluster: Cluster) -> dict[str, dict[str, Offer]]:
    """What proxies offer in front of MySQL, by port and host."""
    view = Proxies(cluster)
    found: dict[str, dict[str, Offer]] = {}
    for host, proxy, servers in view.pools():
        places = [(view.home(host, each) or each["address"], each["port"]) for each in servers]
        active = [place for place, each in zip(places, servers) if not each["backup"] and each["weight"] != 0]
        if proxy["balance"] == "first":  # one after another, in this order
            active = active[:1]
        for front in view.fronts(host, proxy):
            if proxy is front or proxy["name"] == front["default_backend"]:
                ports = [read_address(each).port for bind in front["binds"] for each in bind["address"].split(",")]
                for key in {str(port or front["name"]) for port in ports}:
                    found.setdefault(key, {})[host] = (proxy, sorted(places, key=str), active)
    return found


@rule(
    "MHA-H012", "warning", "Proxies offer different servers",
    why="When the other proxy takes over, clients meet other servers than before, or none.",
    mend="The same servers on all proxies.", needs=("haproxy",),
)  # fmt: skip
def different_servers(cluster: Cluster) -> Iterator[Evidence]:
    for offered in _services(cluster).values():
        for host, (proxy, servers, _active) in offered.items():
            other = next((each for each in offered if offered[each][1] != servers), None)
            if other is not None:
                text = f"{proxy['name']} has {_shown(servers)}, but {_shown(offered[other][1])} on {other}"
                yield Evidence(host, text, _shown(servers), proxy["at"])


@rule(
    "MHA-H013", "serious", "Proxies send sessions to different servers",
    why="The check does not ask for the writer: clients of one proxy write here and those of the other there.",
    mend="The same first server and the same backups on all proxies, and a check that asks for the writer.",
    needs=("haproxy",),
)  # fmt: skip
def different_writers(cluster: Cluster) -> Iterator[Evidence]:
    view = Proxies(cluster)
    for offered in _services(cluster).values():
        single = {
            host: (proxy, active) for host, (proxy, servers, active) in offered.items()
            if len(active) == 1 and not asks_for_writer(proxy) and not asks_for_readers(proxy["check"] or "")
            and (stands_by(proxy) or len(servers) > 1 or not view.knows_roles(host, proxy))
        }  # fmt: skip
        for host, (proxy, active) in single.items():
            other = next((each for each in single if single[each][1] != active), None)
            if other is not None:
                text = f"{proxy['name']} sends all to {_shown(active)}, but to {_shown(single[other][1])} on {other}"
                yield Evidence(host, text, _shown(active), proxy["at"])


def _shown(places: list[Place]) -> str:
    return ", ".join(f"{host}:{port}" if port else str(host) for host, port in places) or "none"


def _wanted(proxy: Facts, mysql: Facts) -> Fitness:
    """Whether the server should be in this pool. Not known for a check that is none of an agent's."""
    if asks_for_writer(proxy):
        read_only = mysql.get("read_only")
        return Fitness(None if read_only is None else not read_only, f"read_only = {'ON' if read_only else 'OFF'}")
    check = proxy["check"] or ""
    return fitness(mysql, check) if asks_for_readers(check) else Fitness(None, "")


@rule(
    "MHA-H006", "warning", "Proxy and servers disagree",
    why="Clients get connections to a server that the check should have taken out, or none to one that is fine.",
    mend="Ask the check by hand, from the proxy.", needs=("haproxy", "mysql", "os"),
)  # fmt: skip
def disagreement(cluster: Cluster) -> Iterator[Evidence]:
    view = Proxies(cluster)
    for host, haproxy in cluster.having("haproxy"):
        live = {
            (proxy["name"], server["name"]): server
            for proxy in haproxy.get("proxies") or []
            for server in proxy.get("servers") or []
        }
        for proxy in (haproxy.get("configuration") or {}).get("proxies", []):
            members = list(view.databases(host, proxy))
            wanted = [_wanted(proxy, mysql) for _server, _home, mysql in members]
            last_resort = not any(each.fit for each in wanted)
            for (server, _home, _mysql), should in zip(members, wanted):
                told = live.get((proxy["name"], server["name"]))
                if told is None or server["backup"]:
                    continue
                name, status = f"{proxy['name']}/{server['name']}", told["status"]
                if told["takes_sessions"] and should.fit is False and not (last_resort and not asks_for_writer(proxy)):
                    kind = "writers" if asks_for_writer(proxy) else "readers"
                    yield Evidence(host, f"{name} gets {kind}, but {should.reason}", status, server["at"])
                if status.startswith("DOWN") and should.fit:
                    yield Evidence(host, f"{name} is {status}, but {should.reason}", status, server["at"])


@rule(
    "MHA-H007", "info", "Accounts are bound to addresses that a proxy hides",
    why="MySQL sees the proxy's address: such accounts work through the proxy for everybody or for nobody.",
    mend="Accounts for the proxies' addresses, or the PROXY protocol where the server has it.",
    needs=("haproxy", "mysql", "os"),
)  # fmt: skip
def hidden_addresses(cluster: Cluster) -> Iterator[Evidence]:
    view = Proxies(cluster)
    servers = {
        home for host, proxy in view.all if not proxy.get("send_proxy")
        for _server, home, _mysql in view.databases(host, proxy)
    }  # fmt: skip
    own = {address for _host, os in cluster.having("os") for address in os.get("addresses", [])}
    for home, mysql in cluster.having("mysql"):
        if home not in servers:
            continue
        for account in mysql.get("accounts") or []:
            # One for a proxy or another member is meant so.
            if _is_address(account["host"]) and account["host"] not in own and not account.get("locked"):
                name = f"'{account['user']}'@'{account['host']}'"
                yield Evidence(home, f"{name} is behind a proxy", name)


def _is_address(text: str) -> bool:
    return bool(re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}|[0-9a-f]{0,4}(:[0-9a-f]{0,4}){2,7}", text)) and text not in (
        "127.0.0.1", "::1",
    )  # fmt: skip


@rule(
    "MHA-H005", "warning", "One proxy alone",
    why="When it dies all its clients stop.", mend="A second proxy, and a VIP in front of both.", needs=("haproxy",),
)  # fmt: skip
def single_proxy(cluster: Cluster) -> Iterator[Evidence]:
    view = Proxies(cluster)
    if len(dict(cluster.having("haproxy"))) < sum(1 for facts in cluster.hosts.values() if "haproxy" in facts):
        return  # the other one may be among those that did not answer
    serving = {host: proxy for host, proxy in view.all if list(view.databases(host, proxy))}
    for host, proxy in view.all:
        if list(serving) == [host] and len(list(view.databases(host, proxy))) > 1:
            yield Evidence(host, f"{proxy['name']} is here only", proxy["name"], proxy["at"])
            return
