# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hazards of the checks that VIPs depend on: what they track, what they look at, and whether they can move a VIP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ._audit import SLOWEST_DETECTION, Cluster, Evidence, Rules
from ._audit_priorities import Member, members
from ._audit_rules_keepalived import configurations
from ._audit_rules_vrrp import instances, place
from ._command_checks import ANSWER, PORT, PROCESS, looks_at, shell_words

RULES = Rules()
rule = RULES.rule
Facts = dict[str, Any]
_VRRP = ("vrrp",)
SLOWEST_CHECK = 5.0  # seconds from one look to the next
_TRACKS = {"scripts": "track_scripts", "track_files": "track_files", "track_processes": "track_processes"}


def _used_checks(configuration: Facts) -> Iterator[tuple[Facts, Facts]]:
    """Instance and each check that it tracks."""
    scripts = {script["name"]: script for script in configuration["scripts"]}
    for instance in configuration["instances"]:
        for tracked in instance["track_scripts"]:
            script = scripts.get(tracked["name"])
            if script and tracked.get("defined", True):
                yield instance, script


def detection(script: Facts) -> float:
    """Seconds until a server that hangs has failed the check: the looks that it takes, and the last one's timeout."""
    interval = script["interval"] or 1
    return float(interval * (script["fall"] or 1) + (script["timeout"] or interval))


@rule(
    "MHA-V013", "warning", "A check runs seldom",
    why="A server that hangs keeps the VIP for the interval times the failures that it takes, and a timeout.",
    mend="An interval below five seconds with a check that is cheap enough for it; fewer failures, a shorter timeout.",
    needs=_VRRP,
)  # fmt: skip
def slow_check(cluster: Cluster) -> Iterator[Evidence]:
    for host, configuration, _vrrp in configurations(cluster):
        for script in {script["name"]: script for _instance, script in _used_checks(configuration)}.values():
            seconds = detection(script)
            if (script["interval"] or 0) > SLOWEST_CHECK or seconds > SLOWEST_DETECTION:
                fails = f"{script['fall'] or 1} failures count: up to {seconds:g} s"
                text = f"{script['name']} runs every {script['interval'] or 1} s, and {fails}"
                yield Evidence(host, text, script["interval"], place(script, "interval"))


@rule(
    "MHA-V014", "critical", "A weighted check together with nopreempt",
    why="A failed check only lowers the priority, and with nopreempt a host does not take over from a living master.",
    mend="No weight (a failed check is FAULT then) for the check that decides.", needs=_VRRP,
)  # fmt: skip
def weighted_nopreempt(cluster: Cluster) -> Iterator[Evidence]:
    for group in members(cluster):
        for leader in group:
            others = [other for other in group if other.host != leader.host]
            for entry in leader.weighted():
                bid = leader.after(entry)
                over = [other for other in others if other.priority() > bid]
                keep = over or ([] if others else [leader])  # alone in the inventory: the others are taken to be alike
                if keep and all(each.instance["nopreempt"] for each in keep):
                    whom = "nopreempt is set" if keep == [leader] else f"{keep[0].host} has nopreempt"
                    text = f"{leader.instance['name']} tracks {entry['name']} with weight {entry['weight']}, and {whom}"
                    yield Evidence(leader.host, text, entry["weight"], leader.place(entry))


@rule(
    "MHA-V032", "critical", "A failed check cannot move the VIP",
    why="The priority that is left is still the highest: the VIP stays in front of a server that failed its check.",
    mend="No weight (a failed check is FAULT then), or one that is greater than the distance of the priorities.",
    needs=_VRRP,
)  # fmt: skip
def weight_too_small(cluster: Cluster) -> Iterator[Evidence]:
    for group in members(cluster):
        if len({each.host for each in group}) < 2:
            continue
        leader = max(group, key=Member.priority)
        others = [other for other in group if other.host != leader.host]
        best = max(others, key=Member.priority)
        for entry in leader.weighted():
            bid = leader.after(entry)
            if best.priority() <= bid:
                text = (
                    f"{leader.instance['name']}: when {entry['name']} fails, {leader.priority()} becomes {bid}"
                    f" (weight {entry['weight']}), and {best.host} has {best.priority()}"
                )
                yield Evidence(leader.host, text, entry["weight"], leader.place(entry))


@rule(
    "MHA-V022", "serious", "A VIP does not depend on the service behind it",
    why="It stays on a host whose mysqld or HAProxy is dead or hangs, or whose mysqld is read-only.",
    mend="Track a check of the role.", variable="keepalived_advert_interval", needs=_VRRP,
)  # fmt: skip
def untracked_vip(cluster: Cluster) -> Iterator[Evidence]:
    for host, vrrp in cluster.having("vrrp"):
        if not {"mysql", "haproxy"} & set(cluster.hosts[host]):
            continue
        grouped = _tracked_by_groups(vrrp)
        for _host, instance, configured in instances(Cluster("", {host: {"vrrp": vrrp}})):
            checks = any(entry["kind"] != "interface" for entry in instance["tracked"])
            # The health check of a virtual server may stop keepalived: bad, but another hazard (MHA-V015).
            if instance["vips"] and not checks and instance["name"] not in grouped and not instance["untracked"]:
                yield Evidence(host, f"{instance['name']} tracks nothing", None, configured.get("at"))


def _tracked_by_groups(vrrp: Facts) -> set[str]:
    """Instances of a sync group go to FAULT together: what the group or one of them tracks counts for all."""
    checked = {
        entry["name"] for entry in vrrp["instances"] if any(each["kind"] != "interface" for each in entry["tracked"])
    }
    found: set[str] = set()
    for group in (vrrp.get("configuration") or {}).get("sync_groups", []):
        own = any(each.get("defined", True) for key in _TRACKS.values() for each in group.get(key, []))
        if own or checked & set(group["members"]):
            found.update(group["members"])
    return found


@rule(
    "MHA-V023", "critical", "keepalived does not track what it is told to track",
    why="What is defined after the instance, is missing, or is refused as insecure is ignored with a line in the log.",
    mend="Define it before the instance, create its file before keepalived starts, make its path safe.", needs=_VRRP,
)  # fmt: skip
def ignored_check(cluster: Cluster) -> Iterator[Evidence]:
    for host, instance, configured in instances(cluster):
        for entry in instance["untracked"]:
            text = f"{instance['name']}: {entry['kind']} {entry['name']} is configured, but not tracked"
            yield Evidence(host, text, entry["name"], place(configured, f"track_{entry['kind']}"))


@rule(
    "MHA-V033", "warning", "A check is defined and not tracked",
    why="keepalived runs it for no instance: it looks like a safeguard and is none.",
    mend="Name it in track_script (track_file, track_process) of the instance, or take it out.", needs=_VRRP,
)  # fmt: skip
def unused_check(cluster: Cluster) -> Iterator[Evidence]:
    for host, configuration, _vrrp in configurations(cluster):
        owners = [*configuration["instances"], *configuration["sync_groups"]]
        for where, key in _TRACKS.items():
            used = {each["name"] for owner in owners for each in owner.get(key, [])}
            for entry in configuration[where]:
                if owners and entry["name"] not in used:
                    yield Evidence(host, f"{entry['name']} is tracked by no instance", entry["name"], entry["at"])


@rule(
    "MHA-V034", "serious", "A command needs a shell and runs without one",
    why="keepalived runs programs itself: pipes, redirections and && are arguments to it. Most such checks always fail "
    "or always succeed.",
    mend="Put the line into a script, or behind /bin/sh -c.", needs=_VRRP,
)  # fmt: skip
def shell_operators(cluster: Cluster) -> Iterator[Evidence]:
    for host, vrrp in cluster.having("vrrp"):
        for entry in vrrp.get("programs", []):
            words = shell_words(entry["command"])
            if words:
                text = f"{entry['kind']} of {entry['of']}: {' '.join(words)[:100]} in {entry['command'][:200]}"
                yield Evidence(host, text, words, entry["at"])


_ONLY = {
    PROCESS: "looks only for a process", PORT: "looks only for a port",
    ANSWER: "asks only whether the server answers",
}  # fmt: skip


@rule(
    "MHA-V035", "serious", "The check of a VIP does not ask for the role",
    why="A server that is read-only, hangs, has run out of connections or no longer replicates passes it.",
    mend="A check that asks the server for its role, like read_only.", variable="agent_takeover", needs=_VRRP,
)  # fmt: skip
def shallow_check(cluster: Cluster) -> Iterator[Evidence]:
    for host, configuration, vrrp in configurations(cluster):
        if "mysql" not in cluster.hosts[host]:
            continue  # of a proxy the process is what matters
        scripts = {entry["of"]: entry for entry in vrrp.get("programs", []) if entry["kind"] == "check"}
        processes = {entry["name"] for entry in configuration["track_processes"]}
        for instance in configuration["instances"]:
            tracked = [
                *(("script", each) for each in instance["track_scripts"] if each["name"] in scripts),
                *(("process", each) for each in instance["track_processes"] if each["name"] in processes),
            ]
            kinds = {each["name"]: _kind(kind, scripts.get(each["name"])) for kind, each in tracked}
            if kinds and None not in kinds.values() and not instance["track_files"]:
                shown = "; ".join(f"{name} {_ONLY[kind]}" for name, kind in kinds.items() if kind)
                yield Evidence(host, f"{instance['name']}: {shown}", None, place(instance, f"track_{tracked[0][0]}"))


def _kind(kind: str, entry: Facts | None) -> str | None:
    if kind == "process" or entry is None:
        return PROCESS
    return entry.get("looks_at") or looks_at(entry["command"])


@rule(
    "MHA-V036", "serious", "A check asks for its own VIP",
    why="Only the host that has the VIP passes it: one that lost it, or never had it, is in FAULT and never gets it.",
    mend="Ask at 127.0.0.1, or by the socket.", needs=_VRRP,
)  # fmt: skip
def asks_for_the_vip(cluster: Cluster) -> Iterator[Evidence]:
    for host, configuration, vrrp in configurations(cluster):
        programs = {entry["of"]: entry for entry in vrrp.get("programs", []) if entry["kind"] == "check"}
        for instance, script in _used_checks(configuration):
            entry = programs.get(script["name"]) or {}
            words = {*re.split(r"[^\w.:]+|:(?=\d+$)", script["command"]), *entry.get("addresses", [])}
            named = [vip["address"] for vip in instance["vips"] if vip["address"] in words]
            if named:
                text = f"{script['name']} of {instance['name']} names {', '.join(named)}"
                yield Evidence(host, text, named, place(script, "script"))
