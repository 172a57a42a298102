# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running keepalived wrote about itself, as JSON or as text, and what it told the journal. Pure.

Both dumps hold the VRRP password in clear; no value that leaves this file has it.
"""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

from ._command_secrets import hidden
from ._keepalived_conf import Unreadable

Facts = dict[str, Any]
LARGEST = 16 * 2**20
STATES = {0: "INIT", 1: "BACKUP", 2: "MASTER", 3: "FAULT"}
_AUTH = {0: None, 1: "PASS", 2: "AH"}
_SECONDS = re.compile(r"-?\d{1,12}(?:\.\d{1,9})?")
_FIELDS = (
    "state", "wanted_state", "interface", "virtual_router_id", "priority", "effective_priority", "version",
    "advert_int", "nopreempt", "auth_type", "source_address", "master_address", "master_priority", "last_transition",
)  # fmt: skip
_LISTS = ("vips", "excluded_vips", "peers", "tracked")


def _blank(name: str) -> Facts:
    return {"name": name, **dict.fromkeys(_FIELDS), **{field: [] for field in _LISTS}, "counters": {}}


# ---- JSON ------------------------------------------------------------------------------------------------------------


def parse_json(data: bytes) -> list[Facts]:
    """keepalived.json of 1.3 to 2.3: a list of instances, or an object with such a list. Raises only Unreadable."""
    if len(data) > LARGEST:
        raise Unreadable(f"the JSON dump is larger than {LARGEST} bytes")
    try:
        found = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Unreadable("the JSON dump is no JSON, or not whole") from None
    entries = found.get("vrrp") if isinstance(found, dict) else found
    if not isinstance(entries, list):
        raise Unreadable("the JSON dump has no list of VRRP instances")
    return [_json_instance(entry, place) for place, entry in enumerate(entries, start=1)]


def _json_instance(entry: Any, place: int) -> Facts:
    data = entry.get("data") if isinstance(entry, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("iname"), str):
        raise Unreadable(f"instance {place} of the JSON dump has no name")
    stats = entry.get("stats")
    return {
        **_blank(data["iname"]),
        "state": _state(_whole(data.get("state"))),
        "wanted_state": _state(_whole(data.get("wantstate"))),
        "interface": _text(data.get("ifp_ifname")),
        "virtual_router_id": _whole(data.get("vrid")),
        "priority": _whole(data.get("base_priority")),
        "effective_priority": _whole(data.get("effective_priority")),
        "version": _whole(data.get("version")),
        "advert_int": _number(data.get("adver_int")),
        "nopreempt": bool(data["nopreempt"]) if isinstance(data.get("nopreempt"), (bool, int)) else None,
        "auth_type": _AUTH.get(_whole(data.get("auth_type")) or 0),
        "master_priority": _whole(data.get("master_priority")),
        "last_transition": _number(data.get("last_transition")),
        "vips": [vip for vip in map(_vip, _texts(data.get("vips"))) if vip],
        "excluded_vips": [vip for vip in map(_vip, _texts(data.get("evips"))) if vip],
        "tracked": [
            {"kind": kind, "name": hidden(name), "state": None, "weight": None}
            for kind, key in (("interface", "track_ifp"), ("script", "track_script"), ("process", "track_process"))
            for name in _texts(data.get(key))
        ],
        "counters": {
            key: value
            for key, value in (stats.items() if isinstance(stats, dict) else ())
            if _whole(value) is not None
        },
    }


def _state(number: int | None) -> str | None:
    return None if number is None else STATES.get(number)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= 2**53:
        return None
    return float(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _vip(text: str) -> Facts | None:
    """ADDRESS[/PREFIX] [brd …] [dev IFACE] [scope …] [label …], as both dumps write it."""
    words = text.split()
    if not words:
        return None
    try:
        address = ipaddress.ip_interface(words[0])
    except ValueError:
        return None
    named = dict(zip(words[1:], words[2:]))
    return {
        "address": str(address.ip),
        "prefix": address.network.prefixlen,
        "interface": named.get("dev"),
        "label": named.get("label"),
    }


# ---- text ------------------------------------------------------------------------------------------------------------

_INSTANCE = re.compile(r" {0,3}VRRP Instance = (.{1,512})")
_SECTION = re.compile(r"------< (.{1,80}) >------")
_PAIR = re.compile(r" {1,9}([A-Z][A-Za-z_ /]{1,60}?) = (.*)")
_LIST = re.compile(
    r" {1,4}(Virtual IP(?: Excluded)?|Unicast Peer|Tracked [a-zA-Z]{3,12})(?: = \d{1,9}| \(\d{1,9}\):| ?:)\s*$"
)
_OBJECT = re.compile(r" {1,4}(?:VRRP )?(Script|Track file|Track process|Track BFD) = (.{1,512})")
_OBJECTS = {"Script": "script", "Track file": "file", "Track process": "process", "Track BFD": "bfd"}
_ENTRY = re.compile(r" {4,}(\S.{0,1023})")
_TRACKED = re.compile(r"(\S{1,512}?)[,:]? weight (-?\d{1,9})")
_KINDS = {"Tracked interfaces": "interface", "Tracked scripts": "script", "Tracked files": "file",
          "Tracked processes": "process", "Tracked process": "process", "Tracked BFDs": "bfd"}  # fmt: skip


def parse_text(data: bytes) -> list[Facts]:
    """keepalived.data of 1.2 to 2.3. Raises Unreadable, and nothing else."""
    if len(data) > LARGEST:
        raise Unreadable(f"the text dump is larger than {LARGEST} bytes")
    if b"\0" in data:
        raise Unreadable("the text dump is not text")
    lines = data.decode("utf-8", "backslashreplace").split("\n")
    if not any(_SECTION.match(line) for line in lines[:2000]):
        raise Unreadable("the text dump has no sections")
    reader = _Text()
    for line in lines:
        reader.read(line.rstrip("\r"))
    return reader.finish()


class _Text:
    def __init__(self) -> None:
        self._instances: list[Facts] = []
        self._raw: dict[str, str] = {}  # of the instance or tracked object that is being read
        self._now = ""  # "instance", a kind of tracked object, or "" for what is of no interest
        self._list: str | None = None
        self._inline = False  # 1.2 tells tracked scripts in the middle of their instance
        self._objects: dict[tuple[str, str], dict[str, str]] = {}

    def read(self, line: str) -> None:
        section = _SECTION.match(line)
        if section:
            # In 1.2 a tracked interface is told in the middle of its instance too.
            self._inline = self._inline and section[1] == "NIC"
            self._now, self._list = "", None
            return
        instance = _INSTANCE.match(line)
        if instance:
            self._instances.append({**_blank(instance[1]), "raw": {}})
            self._now, self._list, self._raw = "instance", None, self._instances[-1]["raw"]
            self._inline = False
            return
        tracked = _OBJECT.match(line)
        if tracked:
            self._now, self._list = _OBJECTS[tracked[1]], None
            name = tracked[2].strip()
            self._raw = self._objects.setdefault((self._now, name), {})
            if self._inline:
                self._instances[-1]["tracked"].append({"kind": self._now, "name": name, "state": None, "weight": None})
            return
        self._inside(line)

    def _inside(self, line: str) -> None:
        listed = _LIST.match(line)
        if listed and self._instances:
            self._now, self._list = "instance", listed[1]
            self._inline = listed[1].startswith("Tracked")
            self._raw = self._instances[-1]["raw"]
            return
        if self._list and line.startswith("     "):
            entry = _ENTRY.match(line)
            if entry:
                self._entry(entry[1].strip())
            return
        pair = _PAIR.match(line)
        if pair and self._now:
            self._list = None
            self._raw.setdefault(pair[1].strip(), pair[2].strip())

    def _entry(self, text: str) -> None:
        instance = self._instances[-1]
        if self._list in ("Virtual IP", "Virtual IP Excluded"):
            vip = _vip(text)
            if vip:
                instance["vips" if self._list == "Virtual IP" else "excluded_vips"].append(vip)
        elif self._list == "Unicast Peer":
            peer = _peer(text)
            if peer:
                instance["peers"].append(peer)
        elif self._list in _KINDS:
            found = _TRACKED.match(text)
            name = found[1] if found else text.split()[0]
            weight = int(found[2]) if found else None
            instance["tracked"].append({"kind": _KINDS[self._list], "name": name, "state": None, "weight": weight})

    def finish(self) -> list[Facts]:
        for instance in self._instances:
            raw = instance.pop("raw")
            instance.update(_from_raw(raw))
            for tracked in instance["tracked"]:
                seen = self._objects.get((tracked["kind"], tracked["name"]), {})
                tracked["state"] = seen.get("Status")
                if tracked["weight"] is None:
                    tracked["weight"] = _leading(seen.get("Weight"))
        return self._instances


def _peer(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text.split()[0]))
    except ValueError:
        return None


def _leading(text: str | None) -> int | None:
    """The whole number at the beginning: values may be followed by units and words."""
    found = re.match(r"-?\d{1,9}(?![\d.])", text or "")
    return int(found[0]) if found else None


def _from_raw(raw: dict[str, str]) -> Facts:
    state = raw.get("State", "")
    interval = _SECONDS.match(raw.get("Advert interval", ""))
    seconds = None
    if interval:
        seconds = float(interval[0]) / (1000 if "milli" in raw["Advert interval"] else 1)
    moved = _SECONDS.match(raw.get("Last transition", ""))
    preempt = raw.get("Preempt")
    auth = raw.get("Authentication type")
    interface = raw.get("Interface") or raw.get("Listening device")
    return {
        "state": state if state in STATES.values() else _state(_leading(state)),
        "wanted_state": raw.get("Wantstate") if raw.get("Wantstate") in STATES.values() else None,
        "interface": interface.split(",")[0] if interface else None,
        "virtual_router_id": _leading(raw.get("Virtual Router ID")),
        "priority": _leading(raw.get("Priority")),
        "effective_priority": _leading(raw.get("Effective priority")),
        "version": _leading(raw.get("VRRP Version")),
        "advert_int": seconds,
        "nopreempt": None if preempt is None else preempt == "disabled",
        "auth_type": {"SIMPLE_PASSWORD": "PASS", "IPSEC_AH": "AH"}.get(auth or ""),
        "source_address": (raw.get("Using src_ip") or "").split(" ")[0] or None,
        "master_address": raw.get("Master router"),
        "master_priority": _leading(raw.get("Master priority")),
        "last_transition": float(moved[0]) if moved else None,
    }


# ---- the journal -----------------------------------------------------------------------------------------------------

_ENTERED = re.compile(
    r"^(\d{1,12}(?:\.\d{1,9})?) \S{1,255} \S{1,80}: (?:VRRP_Instance)?\(([^()]{1,255})\):? +(?:Entering|Transition to)"
    r" (MASTER|BACKUP|FAULT|INIT|STOP)(?: STATE)?"
)


def parse_journal(text: str) -> dict[str, Facts]:
    """`journalctl --output short-unix`: the last state that each instance entered, and when (seconds since 1970)."""
    last: dict[str, Facts] = {}
    for line in text.split("\n"):
        found = _ENTERED.match(line[:1024])
        if found:
            last[found[2]] = {"state": found[3], "last_transition": float(found[1])}
    return last
