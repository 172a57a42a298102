# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of all hosts -> the result document of docs/audit-result.schema.json. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from ._audit import SEVERITIES, Cluster, Judgement, Suppression, judge
from ._audit_clusters import clusters
from ._audit_drawing import balancers, channels, instances, vips
from ._audit_facts import Asked, machines
from ._audit_rules import RULES

Facts = dict[str, Any]
NEVER = "never"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def audit(
    answers: Mapping[str, Mapping[str, Any]], groups: Mapping[str, list[str]], suppressions: Iterable[Facts],
    fail_on: str, now: str, version: str,
) -> Facts:  # fmt: skip
    """`answers`: by host and family, what the task that ran the family's module registered. `now`: ISO 8601, UTC."""
    asked = {name: Asked(name, answers[name]) for name in sorted(answers)}
    machines(asked)
    decided = [_suppression(entry) for entry in suppressions]
    today = now[:10]
    judged = []
    place: dict[str, str] = {}
    for cluster in clusters({name: host.facts for name, host in asked.items()}, dict(groups)):
        if not any(map(_belongs, cluster.hosts.values())):
            continue  # a client, or a monitor: it is among the hosts, and no cluster of its own
        judgement = judge(cluster, RULES, decided, today)
        judged.append(_cluster(cluster, judgement, asked))
        place.update(dict.fromkeys(cluster.hosts, cluster.name))
    judged.sort(key=lambda each: (_rank(each["severity"]), each["name"]))
    worst = judged[0]["severity"] if judged else None
    return {
        "schema": 1,
        "collection_version": version,
        "generated_at": now,
        "fail_on": fail_on,
        "failed": fail_on != NEVER and _rank(worst) <= _rank(fail_on),
        "severity": worst,
        "summary": _summary(judged, asked),
        "clusters": judged,
        "hosts": [_host(host, place.get(name, "")) for name, host in asked.items()],
        "suppressions": [_used(entry, judged, today) for entry in decided],
    }


def _rank(severity: str | None) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _suppression(entry: Facts) -> Suppression:
    given = {name: str(entry.get(name) or "").strip() for name in Suppression._fields}
    # A day that is no day would count for ever, or never: it counts never, and is said.
    return Suppression(**given) if _is_day(given["expires"]) else Suppression(**{**given, "expires": ""})


def _is_day(text: str) -> bool:
    """Not by the second alone: later versions of Python know more forms, which would not sort."""
    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _used(entry: Suppression, judged: list[Facts], today: str) -> Facts:
    used = any(
        entry._asdict() in finding["suppressions"] for cluster in judged for finding in cluster["suppressed"]
    )
    state, text = ("used", "") if used else ("unused", "there is nothing to suppress any more")
    if entry.rule not in {rule.id for rule in RULES}:
        state, text = "invalid", f"there is no rule {entry.rule}"
    elif not entry.reason:
        state, text = "invalid", "it has no reason, so it counts for nothing"
    elif not entry.expires:
        state, text = "invalid", "it has no day (expires: YYYY-MM-DD), so it counts for nothing"
    elif entry.expires < today:
        state, text = "expired", f"it ended on {entry.expires}"
    return {**entry._asdict(), "state": state, "text": text}


def _cluster(cluster: Cluster, judgement: Judgement, asked: Mapping[str, Asked]) -> Facts:
    return {
        "name": cluster.name,
        "severity": judgement.findings[0]["severity"] if judgement.findings else None,
        "hosts": sorted(cluster.hosts),
        "instances": instances(cluster),
        "channels": channels(cluster),
        "vips": vips(cluster),
        "balancers": balancers(cluster),
        "findings": judgement.findings,
        "suppressed": judgement.suppressed,
        "unjudged": judgement.unjudged,
        "problems": judgement.problems,
    }


def _summary(judged: list[Facts], asked: Mapping[str, Asked]) -> Facts:
    found = [finding["severity"] for cluster in judged for finding in cluster["findings"]]
    return {
        "hosts": len(asked),
        "not_asked": sum(1 for host in asked.values() if host.reason),
        "clusters": len(judged),
        **{severity: found.count(severity) for severity in SEVERITIES},
        "suppressed": sum(len(cluster["suppressed"]) for cluster in judged),
        "unjudged": sum(len(cluster["unjudged"]) for cluster in judged),
    }


def _host(host: Asked, cluster: str) -> Facts:
    system = host.facts.get("os") or {}
    return {
        "name": host.name,
        "cluster": cluster,
        "asked": not host.reason,
        "reason": host.reason,
        "roles": _roles(host.facts),
        "addresses": list(system.get("addresses") or []),
        "system": system.get("system") or "",
        "took_seconds": host.took_seconds,
        "problems": host.problems,
    }


def _belongs(facts: Facts) -> bool:
    """Whether a host has a part in a cluster, or may have one, because something of it could not be read."""
    return None in facts.values() or not {"mysql", "vrrp", "haproxy"}.isdisjoint(facts) or bool(_roles(facts))


def _roles(facts: Facts) -> list[str]:
    vrrp, lvs = facts.get("vrrp") or {}, facts.get("lvs") or {}
    proxies = ((facts.get("haproxy") or {}).get("configuration") or {}).get("proxies") or []
    roles = {
        "mysql": facts.get("mysql"),
        "keepalived": vrrp,
        "realserver": lvs.get("lo"),
        "director": lvs.get("services") or (vrrp.get("configuration") or {}).get("virtual_servers"),
        "proxy": any(proxy["servers"] for proxy in proxies),
    }
    return [role for role, seen in roles.items() if seen]
