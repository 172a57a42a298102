# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture of each VRRP instance out of dumps, configuration, addresses and journal, with sources. Pure."""

from __future__ import annotations

from typing import Any

from ._keepalived_model import OWNER

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
    configured: dict[str, Facts] = {}
    for instance in (described or {}).get("instances", []):
        configured.setdefault(instance["name"], instance)  # of equal names keepalived keeps the first
    weights = _weights(described or {})
    settings = (described or {}).get("global") or {}
    written = {name: _as_configured(instance, settings, weights) for name, instance in configured.items()}
    told: dict[str, dict[str, Facts]] = {}
    for source, instances in dumps.items():
        for instance in instances:
            told.setdefault(instance["name"], {})[source] = instance
    here = {entry["address"] for entry in addresses if entry["interface"] != "lo"}
    names = list(dict.fromkeys([*told, *configured]))
    return [
        _instance(name, written.get(name), told.get(name, {}), bool(dumps), journal.get(name, {}), here, running)
        for name in names
    ]


def _instance(
    name: str, written: Facts | None, told: dict[str, Facts], asked: bool, journal: Facts, here: set[str],
    running: bool,
) -> Facts:  # fmt: skip
    candidates = dict(told)
    if written:
        candidates["configuration"] = written
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
    result["untracked"] = _untracked(candidates)
    if running and not asked:
        _guess_state(result, sources, journal, here)
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


def _as_configured(instance: Facts, settings: Facts, weights: dict[str, Facts]) -> Facts:
    """With what keepalived fills in, rounds and clears."""
    tracked = [entry for entry in _configured_tracked(instance, weights) if entry.pop("defined")]
    starts_as_master = (instance["state"] or "").upper() == "MASTER"
    version = instance["version"] or settings.get("vrrp_version") or (3 if _is_ipv6(instance) else 2)
    return {
        "interface": instance["interface"],
        "virtual_router_id": instance["virtual_router_id"],
        "priority": instance["priority"],
        # With weights it depends on what the checks say.
        "effective_priority": None if any(entry["weight"] for entry in tracked) else instance["priority"],
        "version": version,
        "advert_int": _advertisement(instance["advert_int"], version),
        "nopreempt": instance["nopreempt"] and not (starts_as_master or instance["priority"] == OWNER),
        "auth_type": instance["auth_type"] if version == 2 else None,
        "source_address": instance["unicast_src_ip"],
        "vips": [_plain(vip) for vip in instance["vips"]],
        "excluded_vips": [_plain(vip) for vip in instance["excluded_vips"]],
        "peers": instance["unicast_peers"],
        "tracked": tracked,
        "named": _configured_tracked(instance, weights),
    }


def _is_ipv6(instance: Facts) -> bool:
    return any(":" in vip["address"] for vip in [*instance["vips"], *instance["excluded_vips"]][:1])


def _advertisement(seconds: float | None, version: int) -> float:
    if seconds is None or not 0.01 <= seconds <= 255:
        return 1
    return max(1, int(seconds + 0.5)) if version == 2 else seconds


def _plain(vip: Facts) -> Facts:
    return {key: vip[key] for key in ("address", "prefix", "interface", "label")}


_TRACKED = {"script": "track_scripts", "file": "track_files", "interface": "track_interfaces",
            "process": "track_processes"}  # fmt: skip


def _weights(described: Facts) -> dict[str, Facts]:
    """By kind and name. The weight of a script is zero where nothing else is said; of a file it is 1, since 2.1."""
    own = {"script": "scripts", "file": "track_files", "process": "track_processes"}
    return {
        kind: {entry["name"]: entry.get("weight") for entry in described.get(where, [])} for kind, where in own.items()
    }


def _configured_tracked(instance: Facts, weights: dict[str, Facts]) -> list[Facts]:
    found = []
    for kind, key in _TRACKED.items():
        for tracked in instance[key]:
            weight = tracked["weight"] if tracked["weight"] is not None else weights.get(kind, {}).get(tracked["name"])
            if weight is None:
                weight = 1 if kind == "file" else 0
            defined = tracked.get("defined", True)
            found.append({"kind": kind, "name": tracked["name"], "state": None, "weight": weight, "defined": defined})
    return found


def _untracked(candidates: dict[str, Facts]) -> list[Facts]:
    """Of the configuration, but not tracked by the daemon: defined too late, missing, or refused as insecure."""
    named = candidates.get("configuration", {}).get("named", [])
    dumped = candidates["text"]["tracked"] if "text" in candidates else None
    known = {(entry["kind"], entry["name"]) for entry in dumped or []}
    return [
        {"kind": entry["kind"], "name": entry["name"]}
        for entry in named
        # Interfaces: keepalived watches the instance's own anyway and drops it from the list.
        if entry["kind"] != "interface"
        and (not entry["defined"] if dumped is None else (entry["kind"], entry["name"]) not in known)
    ]


def _guess_state(result: Facts, sources: dict[str, str], journal: Facts, here: set[str]) -> None:
    if journal.get("state"):
        result["state"], sources["state"] = journal["state"], "journal"
        return
    if result["vips"] and all(vip["address"] in here for vip in result["vips"]):
        result["state"], sources["state"] = "MASTER", "addresses"


def vip_states(instances: list[Facts]) -> dict[str, str | None]:
    """Address -> state of the instance that has it."""
    return {vip["address"]: entry["state"] for entry in instances for vip in [*entry["vips"], *entry["excluded_vips"]]}
