# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hazards of HAProxy. Predicates on its configuration (`haproxy.configuration`, of _haproxy_conf) and on `mysql`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ._audit import Cluster, Evidence, Rules
from ._audit_fitness import Fitness, asks_for_readers, fitness

RULES = Rules()
rule = RULES.rule
Facts = dict[str, Any]
_LOOPBACK = re.compile(r"127\.[\d.]+|localhost|\[?::1\]?")
_NO_ADDRESS = re.compile(
    r"/|(?:unix|uxst|uxdg|abnsz?|fd|sockpair|rhttp|rev)@|.*\$"
)  # or one that the environment tells


def _proxies(cluster: Cluster) -> Iterator[tuple[str, Facts]]:
    for host, haproxy in cluster.having("haproxy"):
        for proxy in (haproxy.get("configuration") or {}).get("proxies", []):
            yield host, proxy


def _databases(cluster: Cluster, proxy: Facts) -> Iterator[tuple[Facts, str, Facts]]:
    """The proxy's servers that are members: as configured, the host, and its mysql."""
    known = dict(cluster.having("mysql"))
    for server in proxy["servers"]:
        host = cluster.home(server["address"], server["port"])
        if host in known:
            yield server, str(host), known[str(host)]


@rule(
    "MHA-H001", "critical", "The proxy checks with a login that the server refuses",
    why="The check speaks only mysql_native_password: against MySQL 9 every server counts as down, for ever.",
    mend="A check of the role by HTTP (option httpchk).", needs=("haproxy", "mysql", "os"),
)  # fmt: skip
def refused_check(cluster: Cluster) -> Iterator[Evidence]:
    for host, proxy in _proxies(cluster):
        if not (proxy["check"] or "").startswith("mysql-check user"):
            continue
        for server, _home, mysql in _databases(cluster, proxy):
            if (mysql.get("version_number") or [0])[0] == 9 and mysql.get("flavour") != "mariadb":
                text = f"{proxy['name']}/{server['name']}: mysql-check user against {mysql['version']}"
                yield Evidence(host, text, proxy["check"], proxy["check_at"])


@rule(
    "MHA-H002", "serious", "The proxy cuts idle sessions",
    why="Connection pools keep sessions open: the next statement after a pause meets a closed connection.",
    mend="timeout client and timeout server no shorter than the servers' wait_timeout.",
    needs=("haproxy", "mysql", "os"),
)  # fmt: skip
def short_timeouts(cluster: Cluster) -> Iterator[Evidence]:
    for host, proxy in _proxies(cluster):
        waits = [int(mysql.get("variables", {}).get("wait_timeout", 0)) for _s, _h, mysql in _databases(cluster, proxy)]
        if not waits:
            continue
        # Clients meet the frontend's timeout; that of a backend is for nobody.
        for name, owner in [*(("client", front) for front in _fronts(cluster, host, proxy)), ("server", proxy)]:
            given = owner["timeouts"].get(name) or {}
            if given.get("ms") and given["ms"] < max(waits) * 1000:  # 0: never
                text = f"{owner['name']}: timeout {name} {given['ms'] / 1000:g} s, wait_timeout {max(waits)} s"
                yield Evidence(host, text, given["ms"], given["at"])


def _fronts(cluster: Cluster, host: str, behind: Facts) -> list[Facts]:
    """Where the clients of a proxy's servers come in."""
    here = [proxy for at, proxy in _proxies(cluster) if at == host]
    return [
        proxy for proxy in here
        if proxy["binds"] and (proxy is behind or behind["name"] in (proxy["default_backend"], *proxy["use_backends"]))
    ]  # fmt: skip


@rule(
    "MHA-H003", "serious", "The proxy's statistics are open to the network",
    why="They tell everybody what stands behind the proxy, and with admin rights let them switch servers off.",
    mend="An address of its own network, and a password of its own.", needs=("haproxy",),
)  # fmt: skip
def open_statistics(cluster: Cluster) -> Iterator[Evidence]:
    for host, proxy in _proxies(cluster):
        stats = proxy["stats"]
        public = [bind["address"] for bind in proxy["binds"] if _is_public(bind["address"])]
        # HAProxy answers with statistics by HTTP only, and passes over the words in another mode.
        if stats and proxy["mode"] == "http" and public and (not stats["auth"] or stats["well_known"]):
            how = "with a password that everybody knows" if stats["auth"] else "without a password"
            yield Evidence(host, f"{proxy['name']} on {', '.join(public)} {how}", public, stats["at"])


@rule(
    "MHA-H004", "serious", "The proxy does not know roles",
    why="A check of the port or of the login passes on read-only, lagging and broken replicas alike.",
    mend="A check of the role by HTTP (option httpchk).", needs=("haproxy", "mysql", "os"),
)  # fmt: skip
def blind(cluster: Cluster) -> Iterator[Evidence]:
    for host, proxy in _proxies(cluster):
        members = [server for server, _home, _mysql in _databases(cluster, proxy)]
        if len(members) > 1 and not (proxy["check"] or "").startswith(("httpchk", "external-check")):
            text = f"{proxy['name']}: {proxy['check'] or 'connects only'}"
            yield Evidence(host, text, proxy["check"], proxy["check_at"] or proxy["at"])


def _is_public(address: str) -> bool:
    """Whether any of a bind's addresses can be reached from elsewhere."""
    return any(
        not _NO_ADDRESS.match(each) and not _LOOPBACK.fullmatch(re.sub(r"^\w+@", "", each).rpartition(":")[0])
        for each in address.split(",")
    )


def _writes(proxy: Facts) -> bool:
    """Whether its check asks for the writer, as agents answer it."""
    return "/writer" in (proxy["check"] or "") or "/primary" in (proxy["check"] or "")


def _wanted(proxy: Facts, mysql: Facts) -> Fitness:
    """Whether the server should be in this pool. Not known for a check that is none of an agent's."""
    if _writes(proxy):
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
    for host, haproxy in cluster.having("haproxy"):
        live = {
            (proxy["name"], server["name"]): server
            for proxy in haproxy.get("proxies") or []
            for server in proxy.get("servers") or []
        }
        for proxy in (haproxy.get("configuration") or {}).get("proxies", []):
            members = list(_databases(cluster, proxy))
            wanted = [_wanted(proxy, mysql) for _server, _home, mysql in members]
            last_resort = not any(each.fit for each in wanted)
            for (server, _home, _mysql), should in zip(members, wanted):
                told = live.get((proxy["name"], server["name"]))
                if told is None or server["backup"]:
                    continue
                name, status = f"{proxy['name']}/{server['name']}", told["status"]
                if told["takes_sessions"] and should.fit is False and not (last_resort and not _writes(proxy)):
                    kind = "writers" if _writes(proxy) else "readers"
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
    servers = {
        home for _host, proxy in _proxies(cluster) if not proxy.get("send_proxy")
        for _server, home, _mysql in _databases(cluster, proxy)
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
    if len(dict(cluster.having("haproxy"))) < sum(1 for facts in cluster.hosts.values() if "haproxy" in facts):
        return  # the other one may be among those that did not answer
    serving = {host: proxy for host, proxy in _proxies(cluster) if len(list(_databases(cluster, proxy))) > 1}
    if len(serving) == 1:
        for host, proxy in serving.items():
            yield Evidence(host, f"{proxy['name']} is here only", proxy["name"], proxy["at"])
