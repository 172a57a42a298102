# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a keepalived configuration means: instances, scripts, virtual servers, each value with its place. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import Callable

from ._keepalived_conf import Statement
from ._keepalived_services import MOST_OF_GROUP, of_group, service, virtual_server
from ._keepalived_values import (
    Facts,
    address,
    after,
    command,
    flag,
    inside,
    last,
    notify,
    number,
    one,
    place,
    places,
    ran,
    switch,
    whole,
)

# Of the tutorials that everybody copies from.
WELL_KNOWN = frozenset(
    {"1111", "1234", "12345", "123456", "12345678", "password", "passwd", "secret", "keepalived", "root"}
)
AUTH_COUNTS = 8  # characters of auth_pass that VRRP carries
PRIORITY, OWNER = 100, 255  # where none is set, or one that is not between 1 and 255; of a master
_MOST_SERVICES = 1000
_EVENTS = (
    "notify", "notify_master", "notify_backup", "notify_fault", "notify_stop", "notify_deleted",
    "notify_master_rx_lower_pri",
)  # fmt: skip
_TRACKS = {"track_scripts": "track_script", "track_interfaces": "track_interface", "track_files": "track_file",
           "track_processes": "track_process"}  # fmt: skip


def describe(statements: list[Statement]) -> Facts:
    """The configuration as data. Whatever is in no known place is passed over."""
    reader = _Reader()
    for statement in statements:
        if statement["block"] is not None:
            reader.read(statement)
    return reader.finish()


class _Reader:
    """Blocks in their order: of equal names keepalived keeps the first, and it tracks only what stands above."""

    def __init__(self) -> None:
        self._facts: Facts = {
            "global": {"at": None}, "instances": [], "scripts": [], "track_files": [], "track_processes": [],
            "sync_groups": [], "virtual_servers": [],
        }  # fmt: skip
        self._names: dict[str, set[str]] = {key: set() for key in self._facts}
        self._groups: dict[str, list[Facts]] = {}  # of virtual servers

    def read(self, statement: Statement) -> None:
        words, block = statement["words"], statement["block"]
        name = words[1] if len(words) > 1 else ""
        if words[0] == "global_defs":
            # Several blocks add up: what a later one does not speak of stays.
            said = {key: value for key, value in _global(block).items() if value not in (None, False)}
            known = self._facts["global"]
            self._facts["global"] = {**_global(block), **known, **said, "at": statement["at"]}
        elif words[0] in _NAMED:
            self._named(name, statement, *_NAMED[words[0]])
        elif words[0] == "virtual_server_group":
            found = [each for inner in block for each in of_group(inner["words"], name)][:MOST_OF_GROUP]
            self._groups.setdefault(name, found)
        elif words[0] == "virtual_server":
            self._facts["virtual_servers"].append({**place(statement), **service(words[1:]), **virtual_server(block)})

    def _named(self, name: str, statement: Statement, kind: str, read: Callable[[list[Statement]], Facts]) -> None:
        if name in self._names[kind]:
            return
        self._names[kind].add(name)
        found = {"name": name, **place(statement), **read(statement["block"])}
        for tracks, where in (("track_scripts", "scripts"), ("track_files", "track_files"),
                              ("track_processes", "track_processes")):  # fmt: skip
            for tracked in found.get(tracks, []):
                tracked["defined"] = tracked["name"] in self._names[where]
        self._facts[kind].append(found)

    def finish(self) -> Facts:
        # A group may stand behind the servers that name it. It is a service for each of its addresses.
        servers = self._facts["virtual_servers"][:_MOST_SERVICES]
        self._facts["virtual_servers"] = [
            {**each, **own} for each in servers for own in self._groups.get(each["group"]) or [{}]
        ]
        return self._facts


# ---- blocks ----------------------------------------------------------------------------------------------------------


def _global(block: list[Statement]) -> Facts:
    timeouts, sync = last(block, "lvs_timeouts"), last(block, "lvs_sync_daemon")
    return {
        "router_id": one(block, "router_id"),
        "script_security": flag(block, "enable_script_security"),
        "script_user": one(block, "script_user"),
        "vrrp_version": whole(block, "vrrp_version", 2, 3),
        "vrrp_strict": flag(block, "vrrp_strict"),
        "multicast4": address(one(block, "vrrp_mcast_group4") or "") or None,
        "multicast6": address(one(block, "vrrp_mcast_group6") or "") or None,
        "lvs_timeouts": None if timeouts is None else {
            name: number(after(timeouts["words"], name)) for name in ("tcp", "tcpfin", "udp")
        },
        "lvs_sync_daemon": None if sync is None else sync["words"][1:],
        "state_dump_file": one(block, "state_dump_file"),
        "json_dump_file": one(block, "json_dump_file"),
        "places": places(block, "vrrp_strict", "vrrp_mcast_group4", "vrrp_mcast_group6", "lvs_timeouts"),
    }  # fmt: skip


def _instance(block: list[Statement]) -> Facts:
    authentication = inside(block, "authentication")
    return {
        "state": one(block, "state"),
        "interface": one(block, "interface"),
        "virtual_router_id": whole(block, "virtual_router_id", 1, 255),
        "priority": _priority(block),
        "version": whole(block, "version", 2, 3),
        "advert_int": number(one(block, "advert_int")),
        "nopreempt": flag(block, "nopreempt"),
        "preempt_delay": number(one(block, "preempt_delay")),
        "use_vmac": flag(block, "use_vmac"),
        "strict_mode": switch(block, "strict_mode"),
        "accept": _accept(block),
        **_authentication(authentication),
        "unicast_src_ip": address(one(block, "unicast_src_ip") or "") or None,
        "unicast_peers": [address(statement["words"][0]) for statement in inside(block, "unicast_peer")],
        "vips": [vip for vip in map(_vip, inside(block, "virtual_ipaddress")) if vip],
        "excluded_vips": [vip for vip in map(_vip, inside(block, "virtual_ipaddress_excluded")) if vip],
        **_tracks(block),
        "notify": notify(block, _EVENTS),
        "places": {**places(block, *_PLACES), **places(authentication, "auth_pass", "auth_type")},
    }


def _priority(block: list[Statement]) -> int:
    """Where it is left out, an instance that starts as master owns its addresses."""
    if last(block, "priority") is None and (one(block, "state") or "").upper() == "MASTER":
        return OWNER
    priority = whole(block, "priority", 1, 255)
    return PRIORITY if priority is None else priority


_PLACES = (
    "state", "interface", "virtual_router_id", "priority", "advert_int", "nopreempt", "unicast_src_ip", "unicast_peer",
    "virtual_ipaddress", "track_script", "track_file", "track_process", "version", "strict_mode", "no_accept",
)  # fmt: skip


def _accept(block: list[Statement]) -> bool | None:
    """Whether packets to the VIP are accepted; None where nothing is said. The later word counts."""
    said = [statement["words"][0] for statement in block if statement["words"][0] in ("accept", "no_accept")]
    return said[-1] == "accept" if said else None


def _authentication(block: list[Statement]) -> Facts:
    password = one(block, "auth_pass")
    return {
        "auth_type": one(block, "auth_type"),
        "auth_pass_length": None if password is None else len(password),
        "auth_pass_well_known": None if password is None else password.lower() in WELL_KNOWN,
        # One byte of a digest: equal passwords have equal ones, and it gives none away.
        "auth_pass_mark": None
        if password is None
        else hashlib.sha256(password[:AUTH_COUNTS].encode("utf-8", "surrogatepass")).digest()[0],
    }


def _vip(statement: Statement) -> Facts | None:
    words = statement["words"]
    text, _slash, prefix = words[0].partition("/")
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return {
        "address": str(found),
        # keepalived takes an address without a prefix for a host's, and one with a prefix that is too long.
        "prefix": min(int(prefix), found.max_prefixlen) if re.fullmatch("[0-9]{1,3}", prefix) else found.max_prefixlen,
        "interface": after(words, "dev"),
        "label": after(words, "label"),
        "at": statement["at"],
    }


def _tracks(block: list[Statement]) -> Facts:
    return {key: [_tracked(statement) for statement in inside(block, name)] for key, name in _TRACKS.items()}


def _tracked(statement: Statement) -> Facts:
    words = statement["words"]
    return {"name": words[0], "weight": _weight(after(words, "weight")), "at": statement["at"]}


def _weight(text: str | None) -> int | float | None:
    value = number(text)
    return value if value is not None and abs(value) <= 254 else None


def _group(block: list[Statement]) -> Facts:
    members = [word for statement in inside(block, "group") for word in statement["words"]]
    return {"members": members, **_tracks(block), "notify": notify(block, _EVENTS)}


def _script(block: list[Statement]) -> Facts:
    return {
        **ran(last(block, "script")),
        "interval": number(one(block, "interval")),
        "timeout": number(one(block, "timeout")),
        "weight": _weight(one(block, "weight")),
        "rise": number(one(block, "rise")),
        "fall": number(one(block, "fall")),
        "user": one(block, "user"),
        "places": places(block, "script", "interval", "weight", "timeout", "fall"),
    }


def _track_file(block: list[Statement]) -> Facts:
    return {"file": one(block, "file"), "weight": _weight(one(block, "weight"))}


def _track_process(block: list[Statement]) -> Facts:
    found = last(block, "process")
    return {"process": command(found["words"][1:]) if found else None, "weight": _weight(one(block, "weight"))}


_NAMED: dict[str, tuple[str, Callable[[list[Statement]], Facts]]] = {
    "vrrp_instance": ("instances", _instance), "vrrp_sync_group": ("sync_groups", _group),
    "vrrp_script": ("scripts", _script), "track_file": ("track_files", _track_file),
    "vrrp_track_file": ("track_files", _track_file), "vrrp_track_process": ("track_processes", _track_process),
    "track_process": ("track_processes", _track_process),
}  # fmt: skip
