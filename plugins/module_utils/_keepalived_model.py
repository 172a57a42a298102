# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a keepalived configuration means: instances, scripts, virtual servers, each value with its place. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from ._command_secrets import hidden, hidden_among, hidden_command
from ._keepalived_conf import Statement

Facts = dict[str, Any]
# Of the tutorials that everybody copies from.
WELL_KNOWN = frozenset(
    {"1111", "1234", "12345", "123456", "12345678", "password", "passwd", "secret", "keepalived", "root"}
)
AUTH_COUNTS = 8  # characters of auth_pass that VRRP carries
_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?")
_MOST_OF_GROUP, _MOST_SERVICES = 256, 1000
CHECKS = (
    "TCP_CHECK", "HTTP_GET", "SSL_GET", "MISC_CHECK", "SMTP_CHECK", "DNS_CHECK", "BFD_CHECK", "UDP_CHECK", "PING_CHECK",
    "FILE_CHECK",
)  # fmt: skip


def describe(statements: list[Statement]) -> Facts:
    """The configuration as data. Whatever is in no known place is passed over."""
    facts: Facts = {
        "global": {"at": None}, "instances": [], "scripts": [], "track_files": [], "track_processes": [],
        "sync_groups": [], "virtual_servers": [],
    }  # fmt: skip
    groups: dict[str, list[Facts]] = {}  # of virtual servers
    for statement in statements:
        words, block = statement["words"], statement["block"]
        if block is None:
            continue
        name = words[1] if len(words) > 1 else ""
        if words[0] == "global_defs":
            # Several blocks add up: what a later one does not speak of stays.
            said = {key: value for key, value in _global(block).items() if value not in (None, False)}
            facts["global"] = {**_global(block), **facts["global"], **said, "at": statement["at"]}
        elif words[0] == "vrrp_instance":
            facts["instances"].append({"name": name, **_place(statement), **_instance(block)})
        elif words[0] == "vrrp_sync_group":
            facts["sync_groups"].append({"name": name, **_place(statement), **_group(block)})
        elif words[0] == "vrrp_script":
            facts["scripts"].append({"name": name, **_place(statement), **_script(block)})
        elif words[0] in ("track_file", "vrrp_track_file"):
            facts["track_files"].append({"name": name, **_place(statement), **_track_file(block)})
        elif words[0] in ("vrrp_track_process", "track_process"):
            facts["track_processes"].append(
                {
                    "name": name,
                    **_place(statement),
                    "process": _one(block, "process"),
                    "weight": number(_one(block, "weight")),
                }
            )
        elif words[0] == "virtual_server_group":
            groups[name] = [service for each in block for service in _of_group(each["words"], name)][:_MOST_OF_GROUP]
        elif words[0] == "virtual_server":
            facts["virtual_servers"].append({**_place(statement), **_service(words[1:]), **_virtual_server(block)})
    # A group may stand behind the servers that name it. It is a service for each of its addresses.
    facts["virtual_servers"] = [
        {**service, **own}
        for service in facts["virtual_servers"][:_MOST_SERVICES]
        for own in groups.get(service["group"]) or [{}]
    ]
    return facts


# ---- small readers ---------------------------------------------------------------------------------------------------


def _place(statement: Statement) -> Facts:
    return {"at": statement["at"], "condition": statement["condition"]}


def _last(block: list[Statement], name: str) -> Statement | None:
    found = [statement for statement in block if statement["words"][0] == name]
    return found[-1] if found else None


def _one(block: list[Statement], name: str) -> str | None:
    """The first argument; "" where there is none; None where the keyword is absent."""
    found = _last(block, name)
    return None if found is None else (found["words"][1] if len(found["words"]) > 1 else "")


def _has(block: list[Statement], name: str) -> bool:
    """A flag: there, and not switched off."""
    return _one(block, name) is not None and (_one(block, name) or "").lower() not in ("false", "off", "no")


def number(text: str | None) -> int | float | None:
    """A number as people write it; None where it is none."""
    if text is None or not _NUMBER.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def _whole(block: list[Statement], name: str) -> int | None:
    value = number(_one(block, name))
    return int(value) if value is not None else None


def _places(block: list[Statement], *names: str) -> dict[str, str]:
    return {name: found["at"] for name in names for found in [_last(block, name)] if found}


def _inside(block: list[Statement], *names: str) -> list[Statement]:
    """What stands in all blocks of these names."""
    return [
        inner
        for statement in block
        if statement["words"][0] in names and statement["block"] is not None
        for inner in statement["block"]
    ]


def _after(words: list[str], name: str) -> str | None:
    return next((value for key, value in zip(words, words[1:]) if key == name), None)


def _command(words: list[str]) -> str:
    """A command as it stands, quoted or in several words, without passwords."""
    return hidden_command(" ".join(hidden_among(words)))


# ---- blocks ----------------------------------------------------------------------------------------------------------


def _global(block: list[Statement]) -> Facts:
    timeouts, sync = _last(block, "lvs_timeouts"), _last(block, "lvs_sync_daemon")
    return {
        "router_id": _one(block, "router_id"),
        "script_security": _has(block, "enable_script_security"),
        "script_user": _one(block, "script_user"),
        "vrrp_version": _whole(block, "vrrp_version"),
        "vrrp_strict": _has(block, "vrrp_strict"),
        "lvs_timeouts": None if timeouts is None else {
            name: number(_after(timeouts["words"], name)) for name in ("tcp", "tcpfin", "udp")
        },
        "lvs_sync_daemon": None if sync is None else sync["words"][1:],
        "state_dump_file": _one(block, "state_dump_file"),
        "json_dump_file": _one(block, "json_dump_file"),
    }  # fmt: skip


def _instance(block: list[Statement]) -> Facts:
    password = _one(_inside(block, "authentication"), "auth_pass")
    addresses = _inside(block, "virtual_ipaddress")
    return {
        "state": _one(block, "state"),
        "interface": _one(block, "interface"),
        "virtual_router_id": _whole(block, "virtual_router_id"),
        "priority": _whole(block, "priority"),
        "version": _whole(block, "version"),
        "advert_int": number(_one(block, "advert_int")),
        "nopreempt": _has(block, "nopreempt"),
        "preempt_delay": number(_one(block, "preempt_delay")),
        "use_vmac": _has(block, "use_vmac"),
        "auth_type": _one(_inside(block, "authentication"), "auth_type"),
        "auth_pass_length": None if password is None else len(password),
        "auth_pass_well_known": None if password is None else password.lower() in WELL_KNOWN,
        "unicast_src_ip": _address(_one(block, "unicast_src_ip") or "") or None,
        "unicast_peers": [_address(statement["words"][0]) for statement in _inside(block, "unicast_peer")],
        "vips": [vip for vip in map(_vip, addresses) if vip],
        "excluded_vips": [vip for vip in map(_vip, _inside(block, "virtual_ipaddress_excluded")) if vip],
        **_tracks(block),
        "notify": _notify(block, ("notify", "notify_master", "notify_backup", "notify_fault", "notify_stop")),
        "places": {**_places(block, *_PLACES), **_places(_inside(block, "authentication"), "auth_pass")},
    }


_PLACES = (
    "state", "interface", "virtual_router_id", "priority", "advert_int", "nopreempt", "unicast_src_ip", "unicast_peer",
    "virtual_ipaddress", "track_script", "track_file", "track_process", "version",
)  # fmt: skip


def _vip(statement: Statement) -> Facts | None:
    words = statement["words"]
    text, _slash, prefix = words[0].partition("/")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return {
        "address": str(address),
        # keepalived takes an address without a prefix for a host's.
        "prefix": int(prefix) if re.fullmatch("[0-9]{1,3}", prefix) else address.max_prefixlen,
        "interface": _after(words, "dev"),
        "label": _after(words, "label"),
        "at": statement["at"],
    }


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def _tracks(block: list[Statement]) -> Facts:
    kinds = {"track_scripts": "track_script", "track_interfaces": "track_interface", "track_files": "track_file",
             "track_processes": "track_process"}  # fmt: skip
    return {key: [_tracked(statement) for statement in _inside(block, name)] for key, name in kinds.items()}


def _tracked(statement: Statement) -> Facts:
    words = statement["words"]
    return {"name": words[0], "weight": number(_after(words, "weight")), "at": statement["at"]}


def _notify(block: list[Statement], names: tuple[str, ...]) -> list[Facts]:
    return [
        {"event": statement["words"][0], "command": _command(statement["words"][1:]), "at": statement["at"]}
        for statement in block
        if statement["words"][0] in names and len(statement["words"]) > 1
    ]


def _group(block: list[Statement]) -> Facts:
    members = [word for statement in _inside(block, "group") for word in statement["words"]]
    events = ("notify", "notify_master", "notify_backup", "notify_fault", "notify_stop")
    return {"members": members, **_tracks(block), "notify": _notify(block, events)}


def _script(block: list[Statement]) -> Facts:
    found = _last(block, "script")
    command = _command(found["words"][1:]) if found else ""
    return {
        "command": command,
        "interval": number(_one(block, "interval")),
        "timeout": number(_one(block, "timeout")),
        "weight": number(_one(block, "weight")),
        "rise": number(_one(block, "rise")),
        "fall": number(_one(block, "fall")),
        "user": _one(block, "user"),
        "places": _places(block, "script", "interval", "weight"),
    }


def _track_file(block: list[Statement]) -> Facts:
    return {"file": _one(block, "file"), "weight": number(_one(block, "weight"))}


def _service(words: list[str]) -> Facts:
    service: Facts = {"address": None, "port": None, "mark": None, "group": None}
    if words[:1] == ["fwmark"]:
        service["mark"] = number(words[1]) if len(words) > 1 else None
    elif words[:1] == ["group"]:
        service["group"] = words[1] if len(words) > 1 else None
    elif words:
        service["address"] = _address(words[0])
        service["port"] = number(words[1]) if len(words) > 1 else None
    return service


def _of_group(words: list[str], name: str) -> list[Facts]:
    """The services of a line of a group: an address, a range of them (192.0.2.1-9) or a firewall mark."""
    first, dash, last = words[0].rpartition("-")
    if not dash:
        return [{**_service(words), "group": name}]
    head, separator, start = re.fullmatch(r"(.*?)([.:]?)([0-9a-fA-F]*)", first).groups()  # type: ignore[union-attr]
    base = 16 if separator == ":" else 10
    try:
        numbers = range(int(start, base), int(last, base) + 1)[:_MOST_OF_GROUP]
    except ValueError:
        return []
    addresses = [f"{head}{separator}{number:{'x' if base == 16 else 'd'}}" for number in numbers]
    return [{**_service([address, *words[1:]]), "group": name} for address in addresses]


def _virtual_server(block: list[Statement]) -> Facts:
    sorry = _last(block, "sorry_server")
    return {
        "scheduler": _one(block, "lb_algo") or _one(block, "lvs_sched"),
        "forward": _one(block, "lb_kind") or _one(block, "lvs_method"),
        "protocol": _one(block, "protocol"),
        "persistence_timeout": number(_one(block, "persistence_timeout")),
        "delay_loop": number(_one(block, "delay_loop")),
        "quorum": number(_one(block, "quorum")),
        "sorry_server": None if sorry is None else sorry["words"][1:],
        "notify": _notify(block, ("quorum_up", "quorum_down")),
        "places": _places(block, "lb_kind", "persistence_timeout"),
        "servers": [
            {**_place(statement), **_server(statement["words"], statement["block"] or [])}
            for statement in block
            if statement["words"][0] == "real_server"
        ],
    }


def _server(words: list[str], block: list[Statement]) -> Facts:
    return {
        "address": _address(words[1]) if len(words) > 1 else None,
        "port": number(words[2]) if len(words) > 2 else None,
        "weight": number(_one(block, "weight")),
        "inhibit_on_failure": _has(block, "inhibit_on_failure"),
        "notify": _notify(block, ("notify_up", "notify_down")),
        "checks": [_check(statement) for statement in block if statement["words"][0] in CHECKS],
    }


def _check(statement: Statement) -> Facts:
    block = statement["block"] or []
    path = _last(block, "misc_path")
    return {
        "type": statement["words"][0],
        "at": statement["at"],
        "command": _command(path["words"][1:]) if path else None,
        "paths": [_path(url["block"]) for url in block if url["words"][0] == "url" and url["block"]],
        "connect_timeout": number(_one(block, "connect_timeout")),
    }


def _path(block: list[Statement]) -> str | None:
    path = _one(block, "path")
    return None if path is None else hidden(path)


def user_of(command: Facts, facts: Facts | None) -> str | None:
    """As whom one of `commands` runs."""
    scripts = {script["name"]: script["user"] for script in (facts or {}).get("scripts", [])}
    own = scripts.get(command["of"]) if command["kind"] == "check" else None
    return own or ((facts or {}).get("global") or {}).get("script_user")


# ---- what it runs ----------------------------------------------------------------------------------------------------


def commands(facts: Facts) -> list[Facts]:
    """Everything that keepalived runs: {"kind", "of", "command", "at"}."""
    found: dict[tuple[str, ...], Facts] = {}

    def add(kind: str, of: str, command: str | None, at: str) -> None:
        if command and not command.startswith("$"):
            found.setdefault((kind, of, command, at), {"kind": kind, "of": of, "command": command, "at": at})

    for script in facts["scripts"]:
        add("check", script["name"], script["command"], script["places"].get("script", script["at"]))
    for owner in [*facts["instances"], *facts["sync_groups"]]:
        for notify in owner["notify"]:
            add("notify", owner["name"], notify["command"], notify["at"])
    for service in facts["virtual_servers"]:
        name = f"{service['group'] or service['address'] or service['mark']}"
        for notify in service["notify"]:
            add("notify", name, notify["command"], notify["at"])
        for server in service["servers"]:
            for notify in server["notify"]:
                add("notify", name, notify["command"], notify["at"])
            for check in server["checks"]:
                add("misc_check", name, check["command"], check["at"])
    return list(found.values())
