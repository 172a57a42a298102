# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hazards of accounts, of the host and of old software. Predicates on `mysql`, `vrrp` and `os`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ._audit import Cluster, Evidence, Rules
from ._command_secrets import ARGUMENT, HIDDEN

RULES = Rules()
rule = RULES.rule
Facts = dict[str, Any]
ANYWHERE = ("", "%", "0.0.0.0/0", "%.%.%.%")
OWN = ("mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys")
APART = 0.5  # seconds
# Last month with public fixes; a series that is not here is taken for supported.
MYSQL_ENDED = {
    (5, 0): "2012-01", (5, 1): "2013-12", (5, 5): "2018-12", (5, 6): "2021-02", (5, 7): "2023-10", (8, 0): "2026-04",
    # Innovation releases end with the next one; 8.4 and 9.7 are supported for years.
    (8, 1): "2023-10", (8, 2): "2024-01", (8, 3): "2024-04", (9, 0): "2024-10", (9, 1): "2025-01", (9, 2): "2025-04",
    (9, 3): "2025-07", (9, 4): "2025-10", (9, 5): "2026-01", (9, 6): "2026-04",
}  # fmt: skip
MARIADB_ENDED = {
    (5, 1): "2015-02", (5, 2): "2015-11", (5, 3): "2017-03",
    (5, 5): "2020-04", (10, 0): "2019-03", (10, 1): "2020-10", (10, 2): "2022-05", (10, 3): "2023-05",
    (10, 4): "2024-06", (10, 5): "2025-06", (10, 6): "2026-07",
    (10, 7): "2023-02", (10, 8): "2023-05", (10, 9): "2023-08", (10, 10): "2023-11",
    (11, 0): "2024-06", (11, 1): "2024-08", (11, 2): "2024-11", (11, 3): "2024-05", (11, 5): "2024-11",
    (11, 6): "2025-02", (11, 7): "2025-05",
}  # fmt: skip
KEEPALIVED_SINCE = (2, 2)


def _accounts(cluster: Cluster) -> Iterator[tuple[str, Facts, str]]:
    for host, mysql in cluster.having("mysql"):
        for account in mysql.get("accounts") or []:
            if account["user"] not in OWN and not account.get("locked"):
                yield host, account, f"'{account['user']}'@'{account['host']}'"


@rule(
    "MHA-A001", "critical", "An all-powerful account may log in from anywhere",
    why="One password stands between everybody and all data.", mend="Only from localhost, by socket.", needs=("mysql",),
)  # fmt: skip
def open_root(cluster: Cluster) -> Iterator[Evidence]:
    for host, account, name in _accounts(cluster):
        if account["host"] in ANYWHERE and "SUPER" in account["privileges"]:
            yield Evidence(host, f"{name} has SUPER and {len(account['privileges']) - 1} other privileges", name)


@rule(
    "MHA-A002", "warning", "The replication account may log in from anywhere",
    why="Whoever has its password reads every change of all data.", mend="One account for each replica's address.",
    needs=("mysql",),
)  # fmt: skip
def open_replication(cluster: Cluster) -> Iterator[Evidence]:
    for host, account, name in _accounts(cluster):
        if _replicates_from_anywhere(account) and not account.get("tls"):
            yield Evidence(host, f"{name} has REPLICATION SLAVE, and need not use TLS", name)


@rule(
    "MHA-A007", "info", "The replication account is bound to no address",
    why="Whoever has its password reads every change of all data, from wherever the server can be reached.",
    mend="A firewall that lets in members only, or one account for each replica's address.", needs=("mysql",),
)  # fmt: skip
def unbound_replication(cluster: Cluster) -> Iterator[Evidence]:
    for host, account, name in _accounts(cluster):
        if _replicates_from_anywhere(account) and account.get("tls"):
            yield Evidence(host, f"{name} has REPLICATION SLAVE, over TLS only", name)


def _replicates_from_anywhere(account: Facts) -> bool:
    powers = set(account["privileges"])
    return account["host"] in ANYWHERE and "REPLICATION SLAVE" in powers and "SUPER" not in powers


@rule(
    "MHA-A003", "critical", "An account has no password",
    why="Everybody who reaches the server is this account.", mend="A password, or a plugin that asks for more.",
    needs=("mysql",),
)  # fmt: skip
def empty_password(cluster: Cluster) -> Iterator[Evidence]:
    checks = {
        proxy.get("check_user") for _host, haproxy in cluster.having("haproxy")
        for proxy in (haproxy.get("configuration") or {}).get("proxies", [])
    }  # fmt: skip
    for host, account, name in _accounts(cluster):
        if account.get("password") == "empty" and not _only_for_checks(account, checks):
            yield Evidence(host, f"{name} has an empty password", name)


def _only_for_checks(account: Facts, users: set[str | None]) -> bool:
    """HAProxy's mysql-check sends no password: such an account may do nothing, and comes from few addresses."""
    return account["user"] in users and not account["privileges"] and not set("%_") & set(account["host"] or "%")


@rule(
    "MHA-A004", "critical", "An account has a password that everybody knows",
    why="It is the first that is tried.", mend="A password of its own.", needs=("mysql",),
)  # fmt: skip
def known_password(cluster: Cluster) -> Iterator[Evidence]:
    for host, account, name in _accounts(cluster):
        if account.get("password") == "well_known":
            yield Evidence(host, f"{name} has a password from a tutorial", name)


@rule(
    "MHA-A005", "serious", "An application may write to read-only servers",
    why="CONNECTION_ADMIN and SUPER (of MariaDB READ_ONLY ADMIN) pass read_only: the fence has a hole.",
    mend="Revoke them; read_only is then what it says.", needs=("mysql",),
)  # fmt: skip
def unfenced(cluster: Cluster) -> Iterator[Evidence]:
    for host, account, name in _accounts(cluster):
        powers = _passes_read_only(cluster.hosts[host]["mysql"]) & set(account["privileges"])
        if powers and account["host"] not in ("localhost", "127.0.0.1", "::1"):
            yield Evidence(host, f"{name} has {' and '.join(sorted(powers))}", name)


def _passes_read_only(mysql: Facts) -> set[str]:
    if mysql.get("flavour") != "mariadb":
        return {"SUPER", "CONNECTION_ADMIN"}
    number = tuple(mysql.get("version_number") or ())
    # 10.5 took privileges out of SUPER, and 10.11 took them away from it.
    return {"READ_ONLY ADMIN", "READ ONLY ADMIN"} | ({"SUPER"} if number < (10, 11, 0) else set())


@rule(
    "MHA-A006", "warning", "A check has its password on the command line",
    why="Everybody on the host sees it in the list of processes.", mend="A file of options, or auth_socket.",
    needs=("vrrp",),
)  # fmt: skip
def password_on_command_line(cluster: Cluster) -> Iterator[Evidence]:
    names = {account["user"] for _host, mysql in cluster.having("mysql") for account in mysql.get("accounts") or []}
    for host, vrrp in cluster.having("vrrp"):
        for entry in vrrp.get("programs", []):
            if HIDDEN in entry["command"] or _behind_a_name(entry["command"], names):
                yield Evidence(host, f"{entry['kind']} of {entry['of']}: {entry['command'][:200]}", None, entry["at"])
    for host, haproxy in cluster.having("haproxy"):
        for secret in (haproxy.get("configuration") or {}).get("secrets") or []:
            if secret["kind"] == "command":
                yield Evidence(host, "a command in HAProxy's section program", None, secret["at"])


@rule(
    "MHA-A008", "warning", "All accounts of the host may read a file with passwords",
    why="Any process of the host that is taken over has them too.", mend="chmod o-r, and passwords of their own.",
    needs=("haproxy", "mysql"),
)  # fmt: skip
def readable_passwords(cluster: Cluster) -> Iterator[Evidence]:
    for host, haproxy in cluster.having("haproxy"):
        configuration = haproxy.get("configuration") or {}
        for path in configuration.get("files_for_all") or []:
            held = [each for each in configuration["secrets"] if each["at"].rpartition(":")[0] == path]
            if held:
                kinds = ", ".join(dict.fromkeys(each["kind"] for each in held))
                yield Evidence(host, f"{path} may be read by everybody and has {kinds}", path, held[0]["at"])
    for host, mysql in cluster.having("mysql"):
        for each in (mysql.get("option_files") or {}).get("open_secrets") or []:
            path = each["at"].rpartition(":")[0]
            text = f"{path} may be read by everybody and has {each['name']} of [{each['group']}]"
            yield Evidence(host, text, path, each["at"])


# What people call an account that checks.
_ACCOUNT = re.compile(r"(?i).*(?:user|monit|repl|root|admin|nagios|zabbix|check|health|cluster)\w*|mon")


def _behind_a_name(command: str, names: set[str]) -> bool:
    """Whether an argument that was hidden stands behind the name of an account."""
    words = re.findall(r"[^\s'\"]+", command)
    pairs = zip(words, words[1:])
    return any(word == ARGUMENT and (before in names or _ACCOUNT.fullmatch(before)) for before, word in pairs)


@rule(
    "MHA-S001", "warning", "SELinux is switched off",
    why="A fault in one service is then a fault of the whole host.",
    mend="SELINUX=enforcing, with the distribution's policy.",
    needs=("os",),
)  # fmt: skip
def selinux_off(cluster: Cluster) -> Iterator[Evidence]:
    for host, os in cluster.having("os"):
        # None: the system does not have it.
        if os.get("selinux") in ("disabled", "permissive"):
            yield Evidence(host, f"SELinux is {os['selinux']}", os["selinux"])


@rule(
    "MHA-S002", "info", "No firewall on the host",
    why="Whatever it serves is open to the whole network.",
    mend="Let in clients, members and VRRP only.", needs=("os",),
)  # fmt: skip
def no_firewall(cluster: Cluster) -> Iterator[Evidence]:
    for host, os in cluster.having("os"):
        facts = cluster.hosts[host]
        balances = (facts.get("lvs") or {}).get("services")
        serves = balances or any(facts.get(family) for family in ("mysql", "vrrp", "haproxy"))
        if os.get("firewall_rules") == 0 and serves:
            yield Evidence(host, "no packet filter rule is loaded", 0)


@rule(
    "MHA-S003", "warning", "Clocks are apart",
    why="Lag is computed from commit times of another host, and nobody can order what the logs say.",
    mend="chrony or systemd-timesyncd on all hosts.", needs=("os",),
)  # fmt: skip
def clocks_apart(cluster: Cluster) -> Iterator[Evidence]:
    # Against one clock, that of the host which gathers; `clock_bound` is how long asking took.
    offsets = {host: os for host, os in cluster.having("os") if os.get("clock_offset") is not None}
    if len(offsets) < 2:
        return
    middle = sorted(os["clock_offset"] for os in offsets.values())[len(offsets) // 2]
    for host, os in offsets.items():
        apart = os["clock_offset"] - middle
        if abs(apart) > APART + os.get("clock_bound", 0.0):
            yield Evidence(host, f"{apart:+.1f} s from the others", apart)


@rule(
    "MHA-S004", "warning", "MySQL is out of support",
    why="Known holes stay open.", mend="Upgrade the replicas first, then switch over.", variable="mysql_version",
    needs=("mysql",),
)  # fmt: skip
def old_mysql(cluster: Cluster) -> Iterator[Evidence]:
    for host, mysql in cluster.having("mysql"):
        number = [*(mysql.get("version_number") or []), 0, 0]
        ended = (MARIADB_ENDED if mysql.get("flavour") == "mariadb" else MYSQL_ENDED).get((number[0], number[1]))
        if ended:
            yield Evidence(host, f"{mysql['version']}, whose makers ended it in {ended}", mysql["version"])


@rule(
    "MHA-S005", "info", "keepalived is old",
    why="Old versions ignore mistakes of the configuration that newer ones name, and drop checks silently.",
    mend="The distribution's version.", needs=("vrrp",),
)  # fmt: skip
def old_keepalived(cluster: Cluster) -> Iterator[Evidence]:
    for host, vrrp in cluster.having("vrrp"):
        number = tuple(int(part) for part in (vrrp.get("version") or "").split(".") if part.isdigit())
        if number and number[:2] < KEEPALIVED_SINCE:
            yield Evidence(host, f"keepalived {vrrp['version']}", vrrp["version"])
