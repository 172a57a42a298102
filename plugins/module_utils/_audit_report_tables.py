# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster's drawing shows, and more, as tables: for those who do not see it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from ._audit_report_html import Child, Markup, tag
from ._audit_report_text import Result, line, seconds


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Child]]) -> Markup:
    """With a title of its own; nothing, where there is nothing to show."""
    if not rows:
        return Markup("")
    lines = [tag("tr", [tag("td", cell) for cell in row]) for row in rows]
    return Markup(tag("h4", title) + grid(title, heads, lines))


def grid(title: str, heads: Sequence[str], rows: Sequence[Markup]) -> Markup:
    """A table that can be moved sideways where it is wider than the screen, by the keyboard too."""
    head = tag("thead", tag("tr", [tag("th", each, scope="col") for each in heads]))
    content = tag("table", head, tag("tbody", rows))
    return tag("div", content, class_="scroll", tabindex=0, role="region", aria_label=title)


def tables(cluster: Result) -> list[Markup]:
    return [
        table(
            "Database servers",
            ("host", "role", "address", "version", "read-only", "GTID", "semi-sync", "server_id", "server_uuid"),
            [list(_server(each)) for each in cluster["instances"]],
        ),
        table(
            "Channels",
            ("replica", "channel", "source", "state", "lag", "wanted", "position", "TLS", "last error"),
            [list(_channel(each)) for each in cluster["channels"]],
        ),
        table(
            "VIPs",
            ("address", "kind", "on", "on lo of", "stale on", "answer ARP"),
            [list(_vip(each)) for each in cluster["vips"]],
        ),
        table(
            "VRRP",
            ("VIP", "host", "instance", "state", "priority", "router id", "interface", "version", "interval",
             "nopreempt", "since"),
            [list(_vrrp(vip, each)) for vip in cluster["vips"] for each in vip["instances"]],
        ),
        table(
            "Balanced services",
            ("service", "on", "listens on", "scheduler", "server", "address", "weight", "check", "state", "file"),
            [list(_server_of(each, server)) for each in cluster["balancers"] for server in each["servers"]],
        ),
    ]  # fmt: skip


def _server(instance: Result) -> Iterator[Child]:
    yield instance["host"]
    yield instance["role"] if instance["reachable"] else f"not reachable: {line(instance['reason'])}"
    yield _place(instance["address"], instance["port"])
    yield f"{instance['flavour'] or ''} {line(instance['version'])}"
    if instance["super_read_only"]:
        yield "super"
    else:
        yield yes(instance["read_only"])
    yield instance["gtid_mode"]
    yield (instance["semi_sync"] or "").replace("_", " ")
    yield instance["server_id"]
    yield tag("code", instance["server_uuid"])


def _channel(channel: Result) -> Iterator[Child]:
    yield channel["host"]
    yield channel["name"] or "default"
    through = f" (VIP {channel['vip']})" if channel["vip"] else ""
    yield (
        channel["source"] or "not in the inventory"
    ) + f", {_place(channel['source_host'], channel['source_port'])}{through}"
    yield channel["state"]
    yield "?" if channel["lag_seconds"] is None else seconds(channel["lag_seconds"])
    yield f"{channel['delay']} s" if channel["delay"] else ""
    yield {True: "GTID", False: "file", None: "?"}[channel["auto_position"]]
    yield yes(channel["tls"])
    yield channel["error"]


def _vip(vip: Result) -> Iterator[Child]:
    yield line(vip["address"]) + (f"/{vip['prefix']}" if vip["prefix"] is not None else "")
    yield {"vrrp": "VRRP", "lvs": "LVS", "vrrp_and_lvs": "VRRP and LVS"}.get(vip["kind"], "only seen")
    yield ", ".join(vip["holders"]) or ("no host" if vip["instances"] else "?")
    yield ", ".join(vip["on_lo"])
    yield ", ".join(vip["stale"])
    yield "?" if vip["answering"] is None else vip["answering"]


def _vrrp(vip: Result, instance: Result) -> Iterator[Child]:
    yield vip["address"]
    yield instance["host"]
    yield instance["name"]
    yield instance["state"] or "?"
    configured, effective = instance["priority"], instance["effective_priority"]
    yield effective if configured == effective else f"{_known(effective)} (configured {_known(configured)})"
    yield instance["virtual_router_id"]
    yield instance["interface"]
    yield instance["version"]
    yield "" if instance["advert_int"] is None else f"{instance['advert_int']:g} s"
    yield yes(instance["nopreempt"])
    yield _time(instance["last_transition"])


def _server_of(balancer: Result, server: Result) -> Iterator[Child]:
    kind = "LVS" if balancer["kind"] == "lvs" else "HAProxy"
    yield f"{kind} {line(balancer['name'])}"
    yield balancer["host"]
    yield ", ".join(balancer["listen"])
    yield balancer["scheduler"]
    yield server["host"] or server["name"]
    yield _place(server["address"], server["port"])
    yield server["weight"]
    yield server["check"] or "none"
    yield server["state"]
    yield tag("code", balancer["at"])


def yes(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "?"}[value]


def _known(value: Any) -> str:
    return "?" if value is None else line(value)


def _place(address: str | None, port: int | None) -> str:
    host = f"[{address}]" if address and ":" in address and port else address or ""
    return line(host) + (f":{port}" if port else "")


def _time(stamp: float | None) -> str:
    try:
        return "" if stamp is None else datetime.fromtimestamp(stamp, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return "?"
