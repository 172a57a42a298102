# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture of each VRRP instance out of dumps, configuration, addresses and journal, with sources. Pure."""

from __future__ import annotations

from typing import Any

Facts = dict[str, Any]
RUNTIME = ("state", "effective_priority", "last_transition", "master_address", "master_priority", "counters")
CONFIGURED = (
    "interface", "virtual_router_id", "priority", "version", "advert_int", "nopreempt", "auth_type", "source_address",
    "vips", "excluded_vips", "peers",
)  # fmt: skip
_EMPTY: tuple[Any, ...] = (None, [], {}, "")


def combine(
    described: Facts | None,
    dumps: dict[str, list[Facts]],
    journal: dict[str, Facts],
    addresses: list[Facts],
    running: bool,
) -> list[Facts]:
    """`dumps` by source ("json", "text"), the better source first. Instances as the daemon has them, then others."""
    configured = {instance["name"]: instance for instance in (described or {}).get("instances", [])}
    told: dict[str, dict[str, Facts]] = {}
    for source, instances in dumps.items():
        for instance in instances:
            told.setdefault(instance["name"], {})[source] = instance
    names = list(dict.fromkeys([*told, *configured]))
    return [
        _instance(
            name, configured.get(name), told.get(name, {}), bool(dumps), journal.get(name, {}), described, addresses,
            running,
        )
        for name in names
    ]


def _instance(
    name: str, configured: Facts | None, told: dict[str, Facts], asked: bool, journal: Facts, described: Facts | None,
    addresses: list[Facts], running: bool,
) -> Facts:  # fmt: skip
    candidates = dict(told)
    if configured:
        candidates["configuration"] = _as_configured(configured, described or {})
    result: Facts = {"name": name}
    sources: dict[str, str] = {}
    for field in (*RUNTIME, *CONFIGURED):
        result[field], source = _first(field, candidates)
        if source:
            sources[field] = source
    # A dump without any tracked object says something too: what the configuration names is not tracked.
    source = next((source for source in ("text", "json", "configuration") if source in candidates), "")
    result["tracked"] = candidates[source]["tracked"] if source else []
    if result["tracked"]:
        sources["tracked"] = source
    result["untracked"] = _untracked(candidates) if told else []
    if running and not asked:
        _guess_state(result, sources, journal, addresses)
    if result["last_transition"] is None and journal.get("last_transition") is not None:
        result["last_transition"], sources["last_transition"] = journal["last_transition"], "journal"
    result["counters"] = result["counters"] or {}
    for field in ("vips", "excluded_vips", "peers"):
        result[field] = result[field] or []
    result["loaded"] = bool(told) if asked or not running else None
    result["sources"] = sources
    return result


def _first(field: str, candidates: dict[str, Facts]) -> tuple[Any, str]:
    for source, facts in candidates.items():
        if facts.get(field) not in _EMPTY:
            return facts[field], source
    return None, ""


def _as_configured(instance: Facts, described: Facts) -> Facts:
    weighted = any(tracked["weight"] != 0 for tracked in _configured_tracked(instance, described))
    return {
        "interface": instance["interface"],
        "virtual_router_id": instance["virtual_router_id"],
        "priority": instance["priority"],
        # With weights it depends on what the checks say.
        "effective_priority": None if weighted else instance["priority"],
        "version": instance["version"] or described["global"].get("vrrp_version") or 2,
        "advert_int": instance["advert_int"],
        "nopreempt": instance["nopreempt"],
        "auth_type": instance["auth_type"],
        "source_address": instance["unicast_src_ip"],
        "vips": [_plain(vip) for vip in instance["vips"]],
        "excluded_vips": [_plain(vip) for vip in instance["excluded_vips"]],
        "peers": instance["unicast_peers"],
        "tracked": _configured_tracked(instance, described),
    }


def _plain(vip: Facts) -> Facts:
    return {key: vip[key] for key in ("address", "prefix", "interface", "label")}


def _configured_tracked(instance: Facts, described: Facts) -> list[Facts]:
    found = []
    own = {"script": "scripts", "file": "track_files", "interface": "", "process": "track_processes"}
    for kind, where in own.items():
        # The weight of a script and of a file is zero where nothing else is said, for a file since 2.1.
        defined = {entry["name"]: entry.get("weight") for entry in described.get(where, [])}
        for tracked in instance[f"track_{kind}s" if kind != "process" else "track_processes"]:
            weight = tracked["weight"] if tracked["weight"] is not None else defined.get(tracked["name"])
            if weight is None:
                weight = 1 if kind == "file" else 0
            found.append({"kind": kind, "name": tracked["name"], "state": None, "weight": weight})
    return found


def _untracked(candidates: dict[str, Facts]) -> list[Facts]:
    """Of the configuration, but not tracked by the daemon: defined too late, missing, or refused as insecure."""
    if "text" not in candidates or "configuration" not in candidates:
        return []
    tracked = {(entry["kind"], entry["name"]) for entry in candidates["text"]["tracked"]}
    return [
        {"kind": entry["kind"], "name": entry["name"]}
        for entry in candidates["configuration"]["tracked"]
        # Interfaces: keepalived watches the instance's own anyway and drops it from the list.
        if (entry["kind"], entry["name"]) not in tracked and entry["kind"] != "interface"
    ]


def _guess_state(result: Facts, sources: dict[str, str], journal: Facts, addresses: list[Facts]) -> None:
    if journal.get("state"):
        result["state"], sources["state"] = journal["state"], "journal"
        return
    here = {entry["address"] for entry in addresses if entry["interface"] != "lo"}
    if result["vips"] and all(vip["address"] in here for vip in result["vips"]):
        result["state"], sources["state"] = "MASTER", "addresses"


def vip_states(instances: list[Facts]) -> dict[str, str | None]:
    """Address -> state of the instance that has it."""
    return {vip["address"]: entry["state"] for entry in instances for vip in [*entry["vips"], *entry["excluded_vips"]]}
