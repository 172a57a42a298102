# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules, what they are judged on, and what comes of it: docs/audit-design.md. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Callable, NamedTuple

Facts = dict[str, Any]
SEVERITIES = ("critical", "serious", "warning", "info")  # worst first
SLOWEST_DETECTION = 30.0  # seconds until a server that hangs is noticed, by keepalived, IPVS and HAProxy alike
FAMILIES = ("mysql", "vrrp", "vips", "lvs", "haproxy", "os")


_OWN = re.compile(r"127\.[0-9.]+|localhost|::1|/.+")


def is_own(address: str) -> bool:
    """Whether it leads to the host itself, whichever that is."""
    return bool(_OWN.fullmatch(address))


def serves_at(mysql: Facts, place: str, port: int | None) -> bool:
    """Whether a server of the host is the one that a loopback address or a socket's path leads to."""
    if not mysql:
        return False
    if place.startswith("/"):
        return bool(mysql.get("socket")) and str(mysql["socket"]).rpartition("/")[2] == place.rpartition("/")[2]
    return mysql.get("port") is None or port in (None, mysql["port"])


class Evidence(NamedTuple):
    """One place where it is so. There is no finding without one."""

    host: str
    text: str  # one sentence, with the value
    value: Any = None
    at: str | None = None  # file:line


class Cluster(NamedTuple):
    """Hosts that belong together, with what the modules said of each, by family; a family that is missing is absent."""

    name: str
    hosts: dict[str, Facts]
    around: dict[str, Facts] | None = None  # hosts of other clusters, which may be in the same network

    def having(self, family: str) -> Iterator[tuple[str, Any]]:
        """Hosts whose facts of this family are known."""
        for host, facts in self.hosts.items():
            known = facts.get(family)
            if known is not None and not (family == "mysql" and not known.get("reachable", True)):
                yield host, known

    def writers(self) -> list[str]:
        return [host for host, mysql in self.having("mysql") if mysql.get("read_only") is False]

    def home(self, address: str, port: int | None = None, seen_from: str = "") -> str | None:
        """The host that has an address or a name; where several instances share it, the one with the port.

        A loopback address, or a socket's path, is of the host that it is `seen_from`.
        """
        port = port or None  # a director's 0: all ports
        name = (address or "").lower()
        if seen_from and is_own(name):
            return self._own_server(seen_from, name, port)
        places = {host: os.get("addresses", []) for host, os in self.having("os")}
        found = [host for host, addresses in places.items() if name and name in (host.lower(), *addresses)]
        if name and not found:
            found = [host for host, os in self.having("os") if name in os.get("names", [])]
            if any(places[host] != places[found[0]] for host in found):
                return None  # a copied machine often has its model's name
        if len(found) > 1 and port is not None:
            exact = [host for host in found if ((self.hosts[host].get("mysql") or {}).get("port")) == port]
            found = exact or found
        return found[0] if found else None

    def _own_server(self, host: str, place: str, port: int | None) -> str | None:
        """Of the instances on a host's machine, the one at a port or a socket."""
        names = [host, *((self.hosts[host].get("os") or {}).get("shared_with") or [])]
        servers = {each: self.hosts[each].get("mysql") or {} for each in names if each in self.hosts}
        exact = [each for each, mysql in servers.items() if serves_at(mysql, place, port)]
        return exact[0] if exact else None

    def source(self, channel: Facts) -> str | None:
        """The member that a channel follows: by its address, else by its UUID, unless that is of several."""
        home = self.home(channel.get("source_host") or "", channel.get("source_port"))
        uuid = channel.get("source_uuid")
        if home or not uuid:
            return home
        found = [host for host, mysql in self.having("mysql") if mysql.get("server_uuid") == uuid]
        return found[0] if len(found) == 1 else None

    def follows_outsiders(self) -> bool:
        """Whether some member's source is none that was asked, nor an address that moves: the writer may be there."""
        moving = {vip["address"] for _host, vips in self.having("vips") for vip in vips}
        moving |= {
            vip["address"] for _host, vrrp in self.having("vrrp")
            for instance in vrrp.get("instances") or [] for vip in instance["vips"]
        }  # fmt: skip
        return any(
            self.source(channel) is None and channel.get("source_host") not in moving
            for _host, mysql in self.having("mysql") for channel in mysql.get("channels") or []
        )  # fmt: skip


Predicate = Callable[[Cluster], Iterable[Evidence]]


class Rule(NamedTuple):
    id: str
    severity: str
    title: str
    why: str
    mend: str
    variable: str  # of this collection, that would do it; "" for none
    needs: tuple[str, ...]  # families of facts
    find: Predicate


class Suppression(NamedTuple):
    """A finding that somebody has decided to live with, until a day."""

    rule: str
    host: str  # "" for all
    reason: str
    expires: str  # YYYY-MM-DD


class Judgement(NamedTuple):
    findings: list[Facts]
    suppressed: list[Facts]
    unjudged: list[Facts]
    problems: list[str]


class Rules:
    """Collects rules: predicates are written below their data."""

    def __init__(self) -> None:
        self.all: list[Rule] = []

    def rule(
        self, identity: str, severity: str, title: str, *, why: str, mend: str, needs: tuple[str, ...],
        variable: str = "",
    ) -> Callable[[Predicate], Predicate]:  # fmt: skip
        def decorate(find: Predicate) -> Predicate:
            self.all.append(Rule(identity, severity, title, why, mend, variable, needs, find))
            return find

        return decorate


def judge(cluster: Cluster, rules: Iterable[Rule], suppressions: Iterable[Suppression], today: str) -> Judgement:
    """All rules on one cluster, worst first. A rule that fails over odd facts is a problem, no more."""
    result = Judgement([], [], [], [])
    valid = [entry for entry in suppressions if entry.reason and today <= entry.expires]
    for rule in rules:
        missing = {host: _missing(facts, rule.needs) for host, facts in cluster.hosts.items()}
        for host, families in missing.items():
            if families:
                result.unjudged.append({"rule": rule.id, "host": host, "missing": families})
        try:
            evidence = list(rule.find(cluster))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            result.problems.append(f"{rule.id} on {cluster.name}: {type(error).__name__}: {error}")
            continue
        excused = [each for each in evidence if _excuse(rule, each, valid)]
        _note(result.findings, cluster, rule, [each for each in evidence if each not in excused])
        _note(result.suppressed, cluster, rule, excused, [_excuse(rule, each, valid) for each in excused])
    order = {severity: place for place, severity in enumerate(SEVERITIES)}
    result.findings.sort(key=lambda finding: (order[finding["severity"]], finding["rule"]))
    return result


def _missing(facts: Facts, needs: tuple[str, ...]) -> list[str]:
    """Families that could not be read. One that is absent is not there: nothing is left to be judged."""
    return [
        family
        for family in needs
        if family in facts
        and (facts[family] is None or (family == "mysql" and not facts[family].get("reachable", True)))
    ]


def _excuse(rule: Rule, evidence: Evidence, suppressions: list[Suppression]) -> Suppression | None:
    return next((entry for entry in suppressions if entry.rule == rule.id and entry.host in ("", evidence.host)), None)


def _note(
    where: list[Facts], cluster: Cluster, rule: Rule, evidence: list[Evidence],
    excuses: list[Suppression | None] | None = None,
) -> None:  # fmt: skip
    if evidence:
        where.append(
            {
                "rule": rule.id, "severity": rule.severity, "title": rule.title, "cluster": cluster.name,
                "why": rule.why, "mend": rule.mend, "variable": rule.variable,
                "evidence": [each._asdict() for each in evidence],
                **({"suppressions": [each._asdict() for each in dict.fromkeys(excuses) if each]} if excuses else {}),
            }
        )  # fmt: skip
