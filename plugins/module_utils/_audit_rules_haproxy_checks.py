# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hazards of how HAProxy looks at servers and how it ends sessions. Predicates on `haproxy.configuration`, `mysql`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ._audit import SLOWEST_DETECTION, Cluster, Evidence, Rules
from ._audit_proxies import Proxies, is_checked, several, stands_by

RULES = Rules()
rule = RULES.rule
Facts = dict[str, Any]
_ALL = ("haproxy", "mysql", "os")
IDLE = 600  # seconds; what connection pools keep by default, where no server's wait_timeout is known
ENOUGH_ERRORS = 100000  # max_connect_errors that a check does not reach between two clients
_KNOWS_SHA2 = (3, 4)  # HAProxy, whose check speaks the protocol of MySQL 8
_ADDRESS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}")
_NATIVE = ("", "mysql_native_password", "mysql_old_password")


@rule(
    "MHA-H001", "critical", "The proxy checks with a login that the server refuses",
    why="The check logs in without TLS and password, by mysql_native_password: each refusal counts as a dead server.",
    mend="A check of the role by HTTP (option httpchk).", needs=_ALL,
)  # fmt: skip
def refused_check(cluster: Cluster) -> Iterator[Evidence]:
    view = Proxies(cluster)
    for host, proxy in view.all:
        if not (proxy["check"] or "").startswith("mysql-check"):
            continue
        known = {server["name"]: mysql for server, _home, mysql in view.databases(host, proxy)}
        for server in proxy["servers"]:
            if server["check"]:
                why = _refusal(cluster, host, proxy, server, known.get(server["name"]) or {})
                if why:
                    yield Evidence(host, f"{proxy['name']}/{server['name']}: {why}", proxy["check"], proxy["check_at"])


def _refusal(cluster: Cluster, host: str, proxy: Facts, server: Facts, mysql: Facts) -> str:
    asked = server.get("check_port") or proxy.get("check_port")
    own = mysql.get("port") or server["port"]
    variables = mysql.get("variables") or {}
    more = [str(variables.get(name)) for name in ("admin_port", "extra_port")]
    if asked and own and asked != own and str(asked) not in more:
        return f"mysql-check of port {asked}, but MySQL is at {own}"
    user = proxy.get("check_user")
    if not (user and mysql):
        return ""
    if str(variables.get("require_secure_transport", "OFF")).upper() in ("ON", "1"):
        return "mysql-check user has no TLS, and require_secure_transport = ON"
    modern = _version(cluster, host) >= _KNOWS_SHA2
    if (mysql.get("version_number") or [0])[0] >= 9 and mysql.get("flavour") != "mariadb" and not modern:
        return f"mysql-check user against {mysql['version']}"
    own_accounts = [each for each in mysql.get("accounts") or [] if each["user"] == user]
    refused = [_account_refuses(each, modern) for each in own_accounts]
    if refused and all(refused):
        return refused[0]
    addresses = (cluster.hosts[host].get("os") or {}).get("addresses") or []
    elsewhere = [each["host"] for each in own_accounts if _ADDRESS.fullmatch(each["host"])]
    if addresses and own_accounts and len(elsewhere) == len(own_accounts) and not set(elsewhere) & set(addresses):
        return f"mysql-check user comes from {addresses[0]}, and '{user}' is only for {', '.join(elsewhere)}"
    return ""


def _account_refuses(account: Facts, modern: bool) -> str:
    name, plugin = f"'{account['user']}'@'{account['host']}'", account.get("plugin") or ""
    if account.get("locked"):
        return f"{name} is locked"
    if account.get("tls"):
        return f"mysql-check user has no TLS, and {name} needs it"
    if plugin not in _NATIVE and not (modern and plugin == "caching_sha2_password"):
        return f"mysql-check user speaks mysql_native_password, and {name} has {plugin}"
    return f"mysql-check user sends no password, and {name} has one" if account.get("password") == "set" else ""


def _version(cluster: Cluster, host: str) -> tuple[int, ...]:
    haproxy = cluster.hosts[host]["haproxy"]
    text = str((haproxy.get("info") or {}).get("version") or haproxy.get("installed") or "")
    return tuple(int(part) for part in re.findall(r"[0-9]{1,4}", text)[:2])


@rule(
    "MHA-H002", "serious", "The proxy cuts idle sessions",
    why="Connection pools keep sessions open: the next statement after a pause meets a closed connection.",
    mend="timeout client and timeout server (or timeout tunnel) no shorter than the servers' wait_timeout.",
    needs=_ALL,
)  # fmt: skip
def short_timeouts(cluster: Cluster) -> Iterator[Evidence]:
    view = Proxies(cluster)
    for host, proxy in view.all:
        if not view.serves_mysql(host, proxy):
            continue
        waits = [
            int(mysql.get("variables", {}).get("wait_timeout", 0))
            for _server, _home, mysql in view.databases(host, proxy)
        ]
        known = max(waits, default=0)
        than = f"wait_timeout {known} s" if waits else f"its servers were not asked, and pools keep sessions {IDLE} s"
        for name, owner in _idle_bounds(view, host, proxy):
            given = owner["timeouts"][name]
            if given["ms"] and given["ms"] < (known if waits else IDLE) * 1000:  # 0: never
                text = f"{owner['name']}: timeout {name} {given['ms'] / 1000:g} s, {than}"
                yield Evidence(host, text, given["ms"], given["at"])


def _idle_bounds(view: Proxies, host: str, proxy: Facts) -> list[tuple[str, Facts]]:
    """Which timeouts end a silent session, and whose they are.

    `tunnel` replaces both others once both sides are connected. Clients meet the frontend's timeout.
    """
    if "tunnel" in proxy["timeouts"]:
        return [("tunnel", proxy)]
    found = [*(("client", front) for front in view.fronts(host, proxy)), ("server", proxy)]
    return [(name, owner) for name, owner in found if name in owner["timeouts"]]


@rule(
    "MHA-H004", "serious", "The proxy does not know roles",
    why="A check of the port or of the login passes on read-only, lagging and broken replicas alike.",
    mend="A check of the role by HTTP (option httpchk).", needs=_ALL,
)  # fmt: skip
def blind(cluster: Cluster) -> Iterator[Evidence]:
    view = Proxies(cluster)
    for host, proxy, servers in view.pools():
        checked = [server for server in servers if is_checked(server)]
        if several(servers) and checked and not view.knows_roles(host, proxy):
            text = f"{proxy['name']}: {proxy['check'] or 'connects only'}"
            yield Evidence(host, text, proxy["check"], proxy["check_at"] or proxy["at"])


@rule(
    "MHA-H008", "serious", "Servers of a proxy are not checked",
    why="Without the word `check` HAProxy never looks at a server: one that is dead or read-only gets sessions.",
    mend="check on every server, and option httpchk of the role.", needs=("haproxy",),
)  # fmt: skip
def unchecked(cluster: Cluster) -> Iterator[Evidence]:
    view = Proxies(cluster)
    for host, proxy, servers in view.pools():
        missing = [server for server in servers if not is_checked(server)]
        if several(servers) and missing:
            names = ", ".join(server["name"] for server in missing)
            useless = f"; its {proxy['check'].split()[0]} does nothing" if proxy["check"] and missing == servers else ""
            yield Evidence(host, f"{proxy['name']}: no check of {names}{useless}", names, missing[0]["at"])


@rule(
    "MHA-H009", "serious", "Sessions stay with the old writer",
    why="A server that is marked down keeps its sessions: after a failover they write where they must not, or fail.",
    mend="on-marked-down shutdown-sessions on the servers; with `backup`, on-marked-up shutdown-backup-sessions too.",
    needs=("haproxy",),
)  # fmt: skip
def kept_sessions(cluster: Cluster) -> Iterator[Evidence]:
    view = Proxies(cluster)
    for host, proxy, servers in view.pools():
        if not (several(servers) and view.for_writer(host, proxy)):
            continue
        kept = [server for server in servers if is_checked(server) and not server["ends_sessions"]]
        if kept:
            names = ", ".join(server["name"] for server in kept)
            text = f"{proxy['name']}: no on-marked-down shutdown-sessions for {names}"
            yield Evidence(host, text, names, kept[0]["at"])
        back = [server for server in servers if not (server["backup"] or server["ends_backup_sessions"])]
        if stands_by(proxy) and back:
            name = back[0]["name"]
            text = f"{proxy['name']}: no on-marked-up shutdown-backup-sessions for {name}: when it returns, two write"
            yield Evidence(host, text, name, back[0]["at"])


@rule(
    "MHA-H014", "warning", "The proxy notices a hung server late",
    why="A server that hangs takes connections: its clients wait until enough checks have failed.",
    mend="inter of 1 s or less, fall 2, and timeout check of 1 s or less.", needs=("haproxy",),
)  # fmt: skip
def slow_checks(cluster: Cluster) -> Iterator[Evidence]:
    view = Proxies(cluster)
    for host, proxy, servers in view.pools():
        slow = [(seconds(proxy, server), server) for server in servers if server["check"] and several(servers)]
        worst, server = max(slow, key=lambda each: each[0], default=(0.0, {}))
        if worst > SLOWEST_DETECTION:
            interval, fall = (server["interval_ms"] or 2000) / 1000, server["fall"]
            text = f"{proxy['name']}: up to {worst:g} s (inter {interval:g} s, fall {fall}) until a hung server is out"
            yield Evidence(host, text, worst, server["at"])


def seconds(proxy: Facts, server: Facts) -> float:
    """From the moment at which a server hangs until it is marked down, at worst.

    The next check is due within `inter`, and then as many as `fall` must run into their timeout, `fastinter` apart.
    """
    timeouts: dict[str, int] = {name: given["ms"] for name, given in proxy["timeouts"].items() if given["ms"]}
    interval = int(server["interval_ms"] or 2000)
    one = interval
    if "check" in timeouts:  # for the answer; else `inter` bounds all of it
        one = min(timeouts.get("connect", interval), interval) + timeouts["check"]
    return float(interval + one + (server["fall"] - 1) * max(one, server["fast_ms"])) / 1000


@rule(
    "MHA-H015", "warning", "Checks may lock the proxy out",
    why="MySQL counts a connection that ends in the login as an error, and refuses a host with max_connect_errors.",
    mend="A check by HTTP (option httpchk), or skip_name_resolve = ON.", needs=_ALL,
)  # fmt: skip
def lockout(cluster: Cluster) -> Iterator[Evidence]:
    view = Proxies(cluster)
    for host, proxy in view.all:
        check = proxy["check"] or ""
        if check not in ("", "mysql-check") and not (check.startswith("tcp-check") and not proxy.get("check_sends")):
            continue
        for server, home, mysql in view.databases(host, proxy):
            asked = server.get("check_port") or proxy.get("check_port") or server["port"]
            allowed = _errors_allowed(mysql.get("variables") or {})
            if server["check"] and home != host and asked == server["port"] and allowed < ENOUGH_ERRORS:
                text = f"{proxy['name']}/{server['name']}: {check or 'connects only'}, max_connect_errors = {allowed}"
                yield Evidence(host, text, allowed, server["at"])


def _errors_allowed(variables: Facts) -> int:
    """ENOUGH_ERRORS where the server does not count them, or it is not known."""
    counted = str(variables.get("skip_name_resolve", "ON")).upper() in ("OFF", "0")
    text = str(variables.get("max_connect_errors", ""))
    if not counted or str(variables.get("host_cache_size", "1")) == "0" or not text.isdigit():
        return ENOUGH_ERRORS
    return int(text)
