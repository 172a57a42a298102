# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hazards of one host's keepalived: its instances, checks, scripts and unit. Predicates on the facts of vrrp_info."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ._audit import Cluster, Evidence, Rules
from ._audit_rules_vrrp import instances, place
from ._keepalived_model import AUTH_COUNTS

RULES = Rules()
rule = RULES.rule
Facts = dict[str, Any]
_VRRP = ("vrrp",)
SLOWEST_CHECK = 5.0  # seconds


def _configurations(cluster: Cluster) -> Iterator[tuple[str, Facts, Facts]]:
    for host, vrrp in cluster.having("vrrp"):
        if vrrp.get("configuration"):
            yield host, vrrp["configuration"], vrrp


@rule(
    "MHA-V006", "warning", "state MASTER together with nopreempt",
    why="An instance that starts as master takes the VIP back at every start; keepalived ignores nopreempt then.",
    mend="state BACKUP on all hosts.", needs=_VRRP,
)  # fmt: skip
def master_nopreempt(cluster: Cluster) -> Iterator[Evidence]:
    for host, _instance, configured in instances(cluster):
        if (configured.get("state") or "").upper() == "MASTER" and configured.get("nopreempt"):
            yield Evidence(host, f"{configured['name']}: state MASTER, nopreempt", "MASTER", place(configured, "state"))


@rule(
    "MHA-V008", "warning", "A host that returns takes the VIP back",
    why="One fault moves the writer twice, the second time when a server has just come back and may lack data.",
    mend="nopreempt, with state BACKUP, on all hosts.", needs=_VRRP,
)  # fmt: skip
def preempts(cluster: Cluster) -> Iterator[Evidence]:
    for host, instance, configured in instances(cluster):
        # A director or proxy that returns lacks nothing.
        holds_data = bool(cluster.hosts[host].get("mysql"))
        if holds_data and instance["nopreempt"] is False and instance["vips"] and _is_highest(cluster, instance):
            text = f"{instance['name']}: priority {instance['priority']} without nopreempt"
            yield Evidence(host, text, False, configured.get("at"))


def _is_highest(cluster: Cluster, instance: Facts) -> bool:
    """Only a host that outbids another one preempts it."""
    addresses = {vip["address"] for vip in instance["vips"]}
    rivals = [
        theirs["priority"]
        for _host, theirs, _configured in instances(cluster)
        if theirs is not instance and addresses & {vip["address"] for vip in theirs["vips"]}
    ]
    mine = instance["priority"]
    return mine is not None and any(priority is not None and priority < mine for priority in rivals)


@rule(
    "MHA-V009", "info", "auth_pass is longer than eight characters",
    why="VRRP carries the first eight and drops the rest, here silently.",
    mend="Eight characters at most, the same on all hosts; or VRRP version 3, which has none.",
    variable="keepalived_auth_pass", needs=_VRRP,
)  # fmt: skip
def long_password(cluster: Cluster) -> Iterator[Evidence]:
    for host, _instance, configured in instances(cluster):
        length = configured.get("auth_pass_length") or 0
        if length > AUTH_COUNTS:
            yield Evidence(host, f"{configured['name']}: {length} characters", length, place(configured, "auth_pass"))


@rule(
    "MHA-V010", "warning", "auth_pass is one that everybody knows",
    why="It keeps out neither people nor the next cluster that was copied from the same tutorial.",
    mend="One of your own, or unicast peers behind a firewall.", variable="keepalived_auth_pass", needs=_VRRP,
)  # fmt: skip
def known_password(cluster: Cluster) -> Iterator[Evidence]:
    for host, _instance, configured in instances(cluster):
        if configured.get("auth_pass_well_known"):
            yield Evidence(host, f"{configured['name']}: from a tutorial", None, place(configured, "auth_pass"))


def _used_checks(configuration: Facts) -> Iterator[tuple[Facts, Facts, int]]:
    """Instance, check and the weight that counts."""
    scripts = {script["name"]: script for script in configuration["scripts"]}
    for instance in configuration["instances"]:
        for tracked in instance["track_scripts"]:
            script = scripts.get(tracked["name"])
            if script:
                weight = tracked["weight"] if tracked["weight"] is not None else script["weight"]
                yield instance, script, int(weight or 0)


@rule(
    "MHA-V013", "warning", "A check runs seldom",
    why="A dead server keeps the VIP for the interval times the failures that it takes.",
    mend="An interval below five seconds with a check that is cheap enough for it.", needs=_VRRP,
)  # fmt: skip
def slow_check(cluster: Cluster) -> Iterator[Evidence]:
    for host, configuration, _vrrp in _configurations(cluster):
        for _instance, script, _weight in _used_checks(configuration):
            if (script["interval"] or 0) > SLOWEST_CHECK:
                text = f"{script['name']} runs every {script['interval']} s, and {script['fall'] or 1} failures count"
                yield Evidence(host, text, script["interval"], place(script, "interval"))


@rule(
    "MHA-V014", "critical", "A weighted check together with nopreempt",
    why="A failed check only lowers the priority, and with nopreempt nobody takes over from a living master.",
    mend="No weight (a failed check is FAULT then) for the check that decides.", needs=_VRRP,
)  # fmt: skip
def weighted_nopreempt(cluster: Cluster) -> Iterator[Evidence]:
    keep = {
        vip["address"] for _host, instance, _configured in instances(cluster) if instance["nopreempt"]
        for vip in instance["vips"]
    }  # fmt: skip
    for host, instance, configured in instances(cluster):
        checks = [entry for entry in instance["tracked"] if entry["kind"] != "interface"]
        if any(entry["weight"] == 0 for entry in checks) or not keep & {vip["address"] for vip in instance["vips"]}:
            continue
        for entry in checks:
            if entry["weight"]:
                text = f"{instance['name']} tracks {entry['name']} with weight {entry['weight']}, and nopreempt is set"
                yield Evidence(host, text, entry["weight"], place(configured, f"track_{entry['kind']}"))


@rule(
    "MHA-V015", "serious", "A script stops keepalived",
    why="The VIP stays away after a hiccup until somebody starts keepalived by hand; other VIPs of the host go too.",
    mend="Let the check fail instead: keepalived gives the VIP up and takes part again by itself.", needs=_VRRP,
)  # fmt: skip
def suicidal(cluster: Cluster) -> Iterator[Evidence]:
    for host, vrrp in cluster.having("vrrp"):
        for entry in vrrp.get("programs", []):
            if entry["kills_keepalived"]:
                text = f"{entry['path']} ({entry['kind']} of {entry['of']})"
                yield Evidence(host, text, entry["kills_keepalived"], entry["at"])


@rule(
    "MHA-V016", "critical", "A script is missing or cannot be run",
    why="keepalived drops a check whose program it cannot run: the VIP, or the pool's server, stays whatever happens.",
    mend="Install the program, executable, or take the check out.", needs=_VRRP,
)  # fmt: skip
def missing_script(cluster: Cluster) -> Iterator[Evidence]:
    for host, vrrp in cluster.having("vrrp"):
        for entry in vrrp.get("programs", []):
            if entry["exists"] is False or entry["executable"] is False:
                what = "is missing" if entry["exists"] is False else "is not executable"
                text = f"{entry['path']} ({entry['kind']} of {entry['of']}) {what}"
                yield Evidence(host, text, entry["path"], entry["at"])


@rule(
    "MHA-V017", "warning", "Script security is off",
    why="A script that others than root can change runs as root.",
    mend="enable_script_security and script_user in global_defs.", needs=_VRRP,
)  # fmt: skip
def insecure_scripts(cluster: Cluster) -> Iterator[Evidence]:
    for host, configuration, vrrp in _configurations(cluster):
        if vrrp.get("programs") and not configuration["global"].get("script_security"):
            at = configuration["global"].get("at") or vrrp["programs"][0]["at"]
            yield Evidence(host, f"{len(vrrp['programs'])} scripts run without enable_script_security", False, at)


@rule(
    "MHA-V018", "serious", "systemd does not restart keepalived",
    why="When it dies its VIPs stay behind, and the next host takes them too.",
    mend="Restart=on-failure in a drop-in of the unit.", needs=_VRRP,
)  # fmt: skip
def no_restart(cluster: Cluster) -> Iterator[Evidence]:
    for host, vrrp in cluster.having("vrrp"):
        unit = vrrp.get("unit") or {}
        if unit.get("Restart") == "no" and vrrp.get("instances"):
            yield Evidence(host, "Restart=no", "no", unit.get("FragmentPath"))


@rule(
    "MHA-V019", "critical", "An interface does not exist",
    why="The instance is in FAULT, or the whole configuration is refused.",
    mend="Name an interface of this host.", needs=("vrrp", "os"),
)  # fmt: skip
def missing_interface(cluster: Cluster) -> Iterator[Evidence]:
    known = {host: os.get("interfaces") for host, os in cluster.having("os")}
    for host, instance, configured in instances(cluster):
        name = instance["interface"]
        if name and known.get(host) and name not in known[host] and not configured.get("use_vmac"):
            yield Evidence(host, f"{instance['name']}: no interface {name}", name, place(configured, "interface"))


@rule(
    "MHA-V022", "serious", "A VIP does not depend on the database",
    why="It stays on a host whose mysqld is dead, hung or read-only.",
    mend="Track a check of the role.", variable="keepalived_advert_interval", needs=_VRRP,
)  # fmt: skip
def untracked_vip(cluster: Cluster) -> Iterator[Evidence]:
    for host, instance, configured in instances(cluster):
        checks = [entry for entry in instance["tracked"] if entry["kind"] != "interface"]
        grouped = checks or _tracked_by_group(cluster.hosts[host]["vrrp"], instance["name"])
        # The health check of a virtual server may stop keepalived: bad, but another hazard (MHA-V015).
        if instance["vips"] and not grouped and not instance["untracked"] and "mysql" in cluster.hosts[host]:
            yield Evidence(host, f"{instance['name']} tracks nothing", None, configured.get("at"))


def _tracked_by_group(vrrp: Facts, name: str) -> bool:
    """Instances of a sync group go to FAULT together: what the group or one of them tracks counts for all."""
    for group in (vrrp.get("configuration") or {}).get("sync_groups", []):
        if name in group["members"]:
            if any(group.get(f"track_{kind}") for kind in ("scripts", "files", "processes")):
                return True
            others = [entry for entry in vrrp["instances"] if entry["name"] in group["members"]]
            return any(each["kind"] != "interface" for entry in others for each in entry["tracked"])
    return False


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


# What other rules name (MHA-V006, V009, V016, V017, V023, S006), and what is only a default.
_NAMED_ELSEWHERE = re.compile(
    r"SECURITY VIOLATION|script_security|default user '|Unable to (?:access|set) |Truncating auth_pass"
    r"|Config files missing|not found, ignoring|will not work with initial state MASTER|setting default "
)


@rule(
    "MHA-V024", "serious", "keepalived's configuration has errors",
    why="The next restart may not start, or starts without what it could not read.",
    mend="Read the messages, mend the file.", needs=_VRRP,
)  # fmt: skip
def bad_configuration(cluster: Cluster) -> Iterator[Evidence]:
    for host, vrrp in cluster.having("vrrp"):
        check = vrrp.get("config_check") or {"status": 0, "messages": []}
        said = [message for message in check["messages"] if not _NAMED_ELSEWHERE.search(message)]
        # The status tells little: 2.1 ends with 0 whatever it finds, 2.3 with 5 or 6 for a hint already.
        if said and (check["status"] or any("Unknown keyword" in message for message in said)):
            yield Evidence(host, f"the test ends with status {check['status']}: {said[0]}", check["status"])


@rule(
    "MHA-S006", "warning", "keepalived reads its configuration otherwise than it was written",
    why="A block that does not end swallows what follows, a file that is not there is left out without a word.",
    mend="Mend the place that is named.", needs=_VRRP,
)  # fmt: skip
def misread(cluster: Cluster) -> Iterator[Evidence]:
    for host, configuration, _vrrp in _configurations(cluster):
        for text in configuration.get("problems", []):
            # A directory of drop-ins may be empty.
            if not (": no file is " in text and set("*?[{") & set(text.rpartition(": no file is ")[2])):
                at = re.match(r"\S+:\d+(?=:)", text)
                yield Evidence(host, text, None, at[0] if at else None)


@rule(
    "MHA-V025", "serious", "A script of keepalived can be changed by others than root",
    why="keepalived runs it as root, or, with script security, not at all and without a word.",
    mend="Owner root, mode 0755, and the directories above it alike.", needs=_VRRP,
)  # fmt: skip
def open_script(cluster: Cluster) -> Iterator[Evidence]:
    for host, vrrp in cluster.having("vrrp"):
        for entry in vrrp.get("programs", []):
            if entry["writable_by_others"]:
                yield Evidence(host, f"{entry['path']} ({entry['kind']} of {entry['of']})", entry["path"], entry["at"])


@rule(
    "MHA-V026", "warning", "keepalived does not start at boot",
    why="After a reboot the host is no standby, and nobody notices.", mend="systemctl enable keepalived", needs=_VRRP,
)  # fmt: skip
def not_enabled(cluster: Cluster) -> Iterator[Evidence]:
    for host, vrrp in cluster.having("vrrp"):
        unit = vrrp.get("unit") or {}
        if vrrp.get("instances") and unit.get("UnitFileState") == "disabled":
            yield Evidence(host, "the unit is disabled", "disabled", unit.get("FragmentPath"))


@rule(
    "MHA-V029", "serious", "keepalived is configured and does not run",
    why="The VIP has one host less to go to.", mend="Start it, and find out why it ended.", needs=_VRRP,
)  # fmt: skip
def not_running(cluster: Cluster) -> Iterator[Evidence]:
    for host, configuration, vrrp in _configurations(cluster):
        if vrrp.get("running") is False and configuration["instances"]:
            names = ", ".join(instance["name"] for instance in configuration["instances"])
            yield Evidence(host, f"{names}: no keepalived runs", False, configuration["instances"][0]["at"])
