# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results of audits to make reports of, in the form of docs/audit-result.schema.json."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCHEMA = HERE.parents[2] / "docs/audit-result.schema.json"
SEVERITIES = ("critical", "serious", "warning", "info")
# What a host that somebody else controls may answer.
HOSTILE = (
    "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    "'\"&amp;]]>--></svg></style></title>\x00\x1b[31m\u202egnp.exe\ud800\uffff\n\t{{ 7*7 }}[here](http://192.0.2.66/){0}"
    "{{0}}\u200b\u00ad\U000e0041"
)


def sample() -> dict[str, Any]:
    return json.loads((HERE / "sample_result.json").read_text())  # type: ignore[no-any-return]


def finding(
    cluster: str, severity: str, rule: str, hosts: Iterable[str], text: str = "sync_binlog = 0"
) -> dict[str, Any]:
    return {
        "rule": rule, "severity": severity, "title": f"A hazard called {rule}", "cluster": cluster,
        "why": "A power cut loses what was acknowledged.", "mend": "Set sync_binlog = 1 in the option file.",
        "variable": "mysql_settings",
        "evidence": [{"host": host, "text": text, "value": 0, "at": "/etc/mysql/my.cnf:31"} for host in hosts],
    }  # fmt: skip


def instance(host: str, role: str = "replica", **values: Any) -> dict[str, Any]:
    number = sum(map(ord, host)) % 250
    return {
        "host": host, "reachable": True, "reason": "", "role": role, "address": f"192.0.2.{number}", "port": 3306,
        "flavour": "mysql", "version": "8.4.6", "server_id": number,
        "server_uuid": f"00000000-0000-0000-0000-{number:012d}", "read_only": role != "writer",
        "super_read_only": role != "writer", "gtid_mode": "ON", "gtid_executed": "", "semi_sync": "off", **values,
    }  # fmt: skip


def channel(host: str, source: str | None, **values: Any) -> dict[str, Any]:
    return {
        "host": host, "name": "", "source": source, "vip": None, "source_host": "192.0.2.99", "source_port": 3306,
        "state": "running", "lag_seconds": 0.04, "delay": 0, "auto_position": True, "tls": True, "error": "", **values,
    }  # fmt: skip


def vip(address: str, holders: list[str], others: list[str], **values: Any) -> dict[str, Any]:
    instances = [
        {"host": host, "name": "VI_1", "state": "MASTER" if host in holders else "BACKUP", "priority": 100,
         "effective_priority": 100, "virtual_router_id": 51, "interface": "eth0", "version": 3, "advert_int": 1.0,
         "nopreempt": True, "last_transition": 1795260000.0}
        for host in [*holders, *others]
    ]  # fmt: skip
    return {"address": address, "prefix": 24, "kind": "vrrp", "instances": instances, "holders": holders, "on_lo": [],
            "stale": [], "answering": 1, **values}  # fmt: skip


def balancer(kind: str, host: str, name: str, servers: Iterable[str], listen: str) -> dict[str, Any]:
    return {
        "kind": kind, "host": host, "name": name, "listen": [listen], "scheduler": "roundrobin",
        "at": "/etc/haproxy/haproxy.cfg:20",
        "servers": [
            {"name": server, "address": f"192.0.2.{sum(map(ord, server)) % 250}", "port": 3306, "host": server,
             "weight": 1, "check": "httpchk GET /reader", "state": "down" if number == 2 else "up"}
            for number, server in enumerate(servers)
        ],
    }  # fmt: skip


def cluster(name: str, hosts: list[str], **parts: Any) -> dict[str, Any]:
    found = parts.get("findings", [])
    worst = min((SEVERITIES.index(each["severity"]) for each in found), default=None)
    empty: dict[str, Any] = {
        key: []
        for key in ("instances", "channels", "vips", "balancers", "findings", "suppressed", "unjudged", "problems")
    }
    return {"name": name, "severity": None if worst is None else SEVERITIES[worst], "hosts": hosts, **empty, **parts}


def result(clusters: list[dict[str, Any]], fail_on: str = "critical", **values: Any) -> dict[str, Any]:
    every = [each for entry in clusters for each in entry["findings"]]
    counts = {severity: sum(each["severity"] == severity for each in every) for severity in SEVERITIES}
    hosts = [
        {"name": host, "cluster": entry["name"], "asked": True, "reason": "", "roles": ["mysql"],
         "addresses": ["192.0.2.1"], "system": "Debian 13", "took_seconds": 1.2, "problems": []}
        for entry in clusters
        for host in entry["hosts"]
    ]  # fmt: skip
    worst = next((severity for severity in SEVERITIES if counts[severity]), None)
    suppressed = sum(len(entry["suppressed"]) for entry in clusters)
    unjudged = sum(len(entry["unjudged"]) for entry in clusters)
    limits = SEVERITIES[: SEVERITIES.index(fail_on) + 1] if fail_on != "never" else ()
    return {
        "schema": 1, "collection_version": "1.0.0", "generated_at": "2026-11-21T18:40:00Z", "fail_on": fail_on,
        "failed": any(counts[severity] for severity in limits), "severity": worst, "clusters": clusters, "hosts": hosts,
        "summary": {"hosts": len(hosts), "not_asked": 0, "clusters": len(clusters), **counts, "suppressed": suppressed,
                    "unjudged": unjudged},
        "suppressions": [], **values,
    }  # fmt: skip


def many_replicas(number: int = 20, name: str = "shop") -> dict[str, Any]:
    """One writer, replicas of it, some of them sources themselves; proxies in front, a VIP on each layer."""
    hosts = [f"{name}-{position:02d}.db.example.com" for position in range(number)]
    writer, rest = hosts[0], hosts[1:]
    channels = [channel(host, hosts[1] if position >= 14 else writer) for position, host in enumerate(rest, 1)]
    for position, odd in (
        (2, {"state": "stopped", "lag_seconds": None, "error": "1236: purged"}), (5, {"lag_seconds": 7200.0}),
        (7, {"state": "connecting", "lag_seconds": None}),
    ):  # fmt: skip
        if position < len(channels):
            channels[position].update(odd)
    proxies = [f"{name}-proxy1", f"{name}-proxy2"]
    findings = [
        finding(name, "critical", "MHA-R008", hosts[:2], "read_only = OFF"),
        finding(name, "serious", "MHA-R009", [rest[min(2, len(rest) - 1)]], "applier: No, 1236: purged"),
        finding(name, "warning", "MHA-R010", hosts[-1:], "lag 7200 s"),
        finding(name, "info", "MHA-S002", hosts, "no packet filter rule is loaded"),
    ]
    return cluster(
        name, [*hosts, *proxies],
        instances=[instance(writer, "writer"), *(instance(host) for host in rest)],
        channels=channels,
        vips=[vip("192.0.2.200", proxies[:1], proxies[1:]), vip("192.0.2.201", [writer], rest[:1])],
        balancers=[
            balancer(kind, host, pool, servers, listen)
            for host in proxies
            for kind, pool, servers, listen in (
                ("haproxy", "writes", hosts[:2], "192.0.2.200:3306"), ("haproxy", "reads", rest, "192.0.2.200:3307"),
            )
        ],
        findings=findings,
    )  # fmt: skip


def dual_source(name: str = "old") -> dict[str, Any]:
    hosts = [f"{name}1", f"{name}2"]
    return cluster(
        name, hosts, instances=[instance(hosts[0], "writer"), instance(hosts[1])],
        channels=[channel(hosts[0], hosts[1]), channel(hosts[1], hosts[0], lag_seconds=3.5)],
        vips=[vip("2001:db8:ffff:ffff:ffff:ffff:ffff:100", hosts[:1], hosts[1:])],
        findings=[finding(name, "serious", "MHA-R001", hosts)],
    )  # fmt: skip


def chain(name: str = "chain", number: int = 5) -> dict[str, Any]:
    hosts = [f"{name}{position}" for position in range(1, number + 1)]
    return cluster(
        name, hosts,
        instances=[instance(host, "replica" if position else "writer") for position, host in enumerate(hosts)],
        channels=[channel(host, source) for source, host in itertools.pairwise(hosts)],
        vips=[vip("192.0.2.77", [], hosts[:2])],
    )  # fmt: skip


def ring(name: str = "ring", number: int = 3) -> dict[str, Any]:
    """Each the source of the next one, and one replica that reads from two of them."""
    hosts = [f"{name}{position}" for position in range(1, number + 1)]
    channels = [channel(host, hosts[position - 1]) for position, host in enumerate(hosts)]
    channels += [
        channel("both", hosts[0], name="a"),
        channel("both", hosts[1], name="b"),
        channel("both", "both", name="self"),
    ]
    return cluster(
        name, [*hosts, "both"], channels=channels,
        instances=[*(instance(host, "writer") for host in hosts), instance("both")],
    )  # fmt: skip


def hostile() -> dict[str, Any]:
    """Every text of the sample with an attack appended; keys, choices and file names of the form stay."""
    fixed = {"severity", "role", "state", "kind", "fail_on", "generated_at", "semi_sync", "flavour", "expires", "roles"}

    def spoil(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: spoil(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [spoil(each, key) for each in value]
        return f"{value}{HOSTILE}" if isinstance(value, str) and key not in fixed else value

    return spoil(sample())  # type: ignore[no-any-return]


def large(clusters: int = 40, members: int = 5, findings: int = 25) -> dict[str, Any]:
    """200 hosts with 1,000 findings by default."""
    made = []
    for number in range(clusters):
        name = f"cluster{number:02d}"
        hosts = [f"{name}-db{position}" for position in range(1, members + 1)]
        made.append(
            cluster(
                name, hosts,
                instances=[instance(host, "replica" if position else "writer") for position, host in enumerate(hosts)],
                channels=[channel(host, hosts[0]) for host in hosts[1:]],
                vips=[vip(f"198.51.100.{number}", hosts[:1], hosts[1:2])],
                balancers=[balancer("lvs", hosts[0], "reads", hosts[1:], f"203.0.113.{number}:3306")],
                findings=[
                    finding(name, SEVERITIES[min(3, position // 6)], f"MHA-R{position:03d}", hosts)
                    for position in range(findings)
                ],
                unjudged=[{"rule": f"MHA-L{position:03d}", "host": host, "missing": ["lvs"]}
                          for position in range(12) for host in hosts],
            )
        )  # fmt: skip
    return result(made)
