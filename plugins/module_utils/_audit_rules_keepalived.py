# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hazards of one host's keepalived: its instances, checks, scripts and unit. Predicates on the facts of vrrp_info."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ._audit import Cluster, Evidence, Rules
from ._audit_rules_vrrp import by_vip, instances, place
from ._keepalived_model import AUTH_COUNTS

RULES = Rules()
rule = RULES.rule
Facts = dict[str, Any]
_VRRP = ("vrrp",)


def configurations(cluster: Cluster) -> Iterator[tuple[str, Facts, Facts]]:
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
    least = _least(cluster)
    for host, instance, configured in instances(cluster):
        # A director or proxy that returns lacks nothing.
        holds_data = bool(cluster.hosts[host].get("mysql"))
        if holds_data and instance["nopreempt"] is False and instance["vips"] and _outbids(instance, least):
            text = f"{instance['name']}: priority {instance['priority']} without nopreempt"
            yield Evidence(host, text, False, configured.get("at"))


def _outbids(instance: Facts, least: dict[str, int]) -> bool:
    """Only a host that outbids another one preempts it."""
    return any((instance["priority"] or 0) > least.get(vip["address"], 256) for vip in instance["vips"])


def _least(cluster: Cluster) -> dict[str, int]:
    """The lowest priority of each VIP."""
    known = {
        address: [instance["priority"] for _host, instance, _configured in members if instance["priority"] is not None]
        for address, members in by_vip(cluster).items()
    }
    return {address: min(priorities) for address, priorities in known.items() if priorities}


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
    for host, configuration, vrrp in configurations(cluster):
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


# What other rules name (MHA-V006, V009, V016, V017, V019, V023, V025, V030, S006), and what changes nothing.
_NAMED_ELSEWHERE = re.compile(
    r"SECURITY VIOLATION|script_security|default user '|Unable to (?:access|set) |Truncating auth_pass"
    r"|Config files missing|not found, ignoring|will not work with initial state MASTER|already (?:defined|specified)"
    r"|Disabling .* script|Unsafe permissions|Cannot find script|Couldn't find script|is not executable"
    r"|Non-existent interface|interface .* doesn't exist|Unexpected '[{]'|Extra '[}]'|Unknown keyword '[{}\\]+'"
    r"|There are \d+ missing|number '.*' outside range|Priority not valid"
)
_HARMLESS = re.compile(
    r"setting default|Using default|since own interface|_(?:garp|gna)_interval '0' is invalid|deprecated|is obsolete"
    r"|resolved by path search|has only 1 virtual router|at least one is sensible|must be an integer. rounding"
    r"|does not support authentication. Ignoring|is duplicated - removing|Opening file|^WARNING - default"
    r"|Configuration file .* not a regular non-executable|Missing '[{]' at beginning"
)
_PLACE = re.compile(r"\((?:([^():]+): )?Line (\d+)\)\s*")
_UNKNOWN = re.compile(r"Unknown keyword '(.*)'")


@rule(
    "MHA-V024", "serious", "keepalived's configuration has errors",
    why="The next restart may not start, or starts without what it could not read.",
    mend="Read the messages, mend the file.", needs=_VRRP,
)  # fmt: skip
def bad_configuration(cluster: Cluster) -> Iterator[Evidence]:
    for host, vrrp in cluster.having("vrrp"):
        check = vrrp.get("config_check") or {"status": 0, "messages": []}
        # The status tells little: 2.1 ends with 0 whatever it finds, 2.3 with 5 or 6 for a hint already.
        if check["status"] or any("Unknown keyword" in message for message in check["messages"]):
            for message in _errors(vrrp, check["messages"])[:10]:
                yield Evidence(host, _PLACE.sub("", message), check["status"], _where(message, vrrp))


def _errors(vrrp: Facts, messages: list[str]) -> list[str]:
    """Messages that mean something, each once: both processes of keepalived say the same."""
    ignored = (vrrp.get("configuration") or {}).get("ignored") or []
    named = " ".join(entry["text"] for entry in ignored if entry["kind"] == "keyword").split()
    signs = any(entry["kind"] == "sign" for entry in ignored)
    found: dict[str, str] = {}
    for message in messages:
        unknown = _UNKNOWN.search(message)
        known = unknown and (unknown[1] in named or (signs and not unknown[1].isascii()))
        if not (known or _NAMED_ELSEWHERE.search(message) or _HARMLESS.search(message)):
            found.setdefault(_PLACE.sub("", message), message)
    return list(found.values())


def _where(message: str, vrrp: Facts) -> str | None:
    found = _PLACE.search(message)
    files = (vrrp.get("configuration") or {}).get("files") or []
    path = found[1] or (files[0] if files else None) if found else None
    return f"{path}:{found[2]}" if found and path else None


@rule(
    "MHA-V030", "serious", "keepalived ignores part of its configuration",
    why="What keepalived does not know, or has already, is dropped with a line in the log: a VIP, a check, a password.",
    mend="Write the place that is named anew, with ASCII blanks and quotes, known keywords and names of their own.",
    needs=_VRRP,
)  # fmt: skip
def ignored_words(cluster: Cluster) -> Iterator[Evidence]:
    for host, configuration, vrrp in configurations(cluster):
        check = vrrp.get("config_check")
        unknown = {found[1] for message in (check or {}).get("messages", []) for found in _UNKNOWN.finditer(message)}
        for entry in configuration.get("ignored") or []:
            # keepalived's own test knows the words of its version best.
            if entry["kind"] != "keyword" or not check or unknown & set(entry["text"].split()):
                yield Evidence(host, entry["text"], None, entry["at"])
        for entry in vrrp.get("programs", []):
            if entry.get("dropped"):
                what = f"{entry['kind']} of {entry['of']}"
                text = f"{what}: without quotes only the first word runs: {entry['command'][:200]}"
                yield Evidence(host, text, None, entry["at"])


@rule(
    "MHA-V031", "critical", "keepalived drops packets to its own VIP",
    why="vrrp_strict, strict_mode and no_accept let only the owner of an address (priority 255) answer at it: the VIP "
    "is up, and neither ping nor MySQL answers. Strict mode also forbids unicast peers and passwords.",
    mend="Take vrrp_strict (strict_mode, no_accept) out.", needs=_VRRP,
)  # fmt: skip
def strict(cluster: Cluster) -> Iterator[Evidence]:
    settings = {host: configuration["global"] for host, configuration, _vrrp in configurations(cluster)}
    for host, instance, configured in instances(cluster):
        own = configured.get("strict_mode")
        everywhere = settings.get(host, {}).get("vrrp_strict")
        is_strict = everywhere if own is None else own
        accepts = configured.get("accept")
        drops = accepts is False or (is_strict and not (accepts and instance["version"] == 3))
        if drops and instance["vips"] and instance["priority"] != 255:
            word = "no_accept" if accepts is False else "strict_mode" if own else "vrrp_strict"
            at = configured["places"].get(word) or (settings[host].get("places") or {}).get(word) or configured["at"]
            addresses = ", ".join(vip["address"] for vip in instance["vips"])
            yield Evidence(host, f"{instance['name']}: {word}, for {addresses}", word, at)


@rule(
    "MHA-S006", "warning", "keepalived reads its configuration otherwise than it was written",
    why="A block that does not end swallows what follows, a file that is not there is left out without a word.",
    mend="Mend the place that is named.", needs=_VRRP,
)  # fmt: skip
def misread(cluster: Cluster) -> Iterator[Evidence]:
    for host, configuration, _vrrp in configurations(cluster):
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
                where = entry.get("open_at")
                through = f", by {where}" if where and where != entry["path"] else ""
                text = f"{entry['path']} ({entry['kind']} of {entry['of']}){through}"
                yield Evidence(host, text, entry["path"], entry["at"])


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
    for host, configuration, vrrp in configurations(cluster):
        if vrrp.get("running") is False and configuration["instances"]:
            names = ", ".join(instance["name"] for instance in configuration["instances"])
            yield Evidence(host, f"{names}: no keepalived runs", False, configuration["instances"][0]["at"])
