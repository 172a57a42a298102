# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules returned for each host -> its facts by family, and what could not be found out. Pure.

A family that is None could not be read and is not judged; one that is absent is not there at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ._audit import FAMILIES
from ._server_sockets import unasked

Facts = dict[str, Any]
_KEYS = {"mysql": "instance", "vrrp": "vrrp", "vips": "vips", "lvs": "lvs", "haproxy": "haproxy", "os": "host"}
_MACHINE = ("vrrp", "vips", "lvs", "haproxy")  # the same for all instances of a machine


class Asked:
    """One host of the inventory, and what came back from it: by family, what the task registered."""

    def __init__(self, name: str, answers: Mapping[str, Any]) -> None:
        self.name = name
        self.problems: list[Facts] = []
        self.reason = self._unreachable(answers)
        took = answers.get("took_seconds")
        self.took_seconds = float(took) if isinstance(took, (int, float)) else None
        self.facts: Facts = dict.fromkeys(FAMILIES)
        if not self.reason:
            for family in FAMILIES:
                self._take(family, answers.get(family))

    @staticmethod
    def _unreachable(answers: Mapping[str, Any]) -> str:
        """Why it could not be asked; empty when it answered at least once."""
        if any(_KEYS.get(family) in answer for family, answer in answers.items() if isinstance(answer, Mapping)):
            return ""
        given = [answers.get(family) for family in ("os", *FAMILIES)]  # the first one that is asked for
        said = (answer["msg"] for answer in given if isinstance(answer, Mapping) and answer.get("msg"))
        return _line(next(said, "it was not asked"))

    def _take(self, family: str, answer: Any) -> None:
        value = answer.get(_KEYS[family]) if isinstance(answer, Mapping) else None
        if value is None:
            said = answer.get("msg") if isinstance(answer, Mapping) else ""
            self._problem(family, said or "it was not asked")
            return
        listed = value if isinstance(value, Mapping) else answer
        for text in listed.get("problems") or []:
            self._problem(family, text)
        if family == "mysql" and not value.get("reachable"):
            if not value.get("present", True):
                del self.facts[family]
                return
            self._problem(family, value.get("reason") or "not reachable")
        elif _absent(family, value):
            del self.facts[family]
            return
        self.facts[family] = value

    def _problem(self, family: str, text: Any) -> None:
        self.problems.append({"family": family, "text": _line(text)})


def _absent(family: str, value: Any) -> bool:
    """There is no such thing on the host. What it has on lo and how it answers ARP is always of interest."""
    if family == "vrrp":
        return not (value.get("installed") or value.get("running") or value.get("configuration"))
    if family == "haproxy":
        return not (value.get("running") or value.get("configuration"))
    return False


def _line(text: Any) -> str:
    return " ".join(str(text).split())[:2000]


def machines(hosts: Mapping[str, Asked]) -> None:
    """Inventory names of one machine have its VRRP, VIPs and proxies once: with the first of them."""
    machine: dict[Any, list[Asked]] = {}
    for host in hosts.values():
        system = host.facts.get("os") or {}
        key = system.get("boot_id"), tuple(sorted(system.get("addresses") or []))
        if all(key):
            machine.setdefault(key, []).append(host)
    for first, *others in machine.values():
        if others:
            _share(first, [first, *others])
        for host in others:
            for family in _MACHINE:
                host.facts.pop(family, None)
            first.facts["os"].setdefault("shared_with", []).append(host.name)
        asked = {(host.facts.get("mysql") or {}).get("socket") for host in (first, *others)}
        known = {unasked(socket) for socket in asked if socket}
        for host in (first, *others):
            host.problems = [problem for problem in host.problems if problem["text"] not in known]


def _share(first: Asked, servers: list[Asked]) -> None:
    """Notes with each VIP which of the machine's servers it leads to; None where nothing tells."""
    vrrp = first.facts.get("vrrp") or {}
    words: dict[str, str] = {}
    for instance in (vrrp.get("configuration") or {}).get("instances") or []:
        for vip in instance["vips"]:
            words[vip["address"]] = f"{words.get(vip['address'], '')} {_words(instance, vrrp['configuration'])}"
    states = {host.name: (host.facts.get("mysql") or {}).get("read_only") for host in servers}
    for vip in first.facts.get("vips") or []:
        named = [host.name for host in servers if _names(words.get(vip["address"], ""), host)]
        if len(named) == 1:
            vip["server"] = {"host": named[0], "read_only": states[named[0]]}
        elif not all(states.values()):  # else it is in front of a read-only one, whichever that is
            vip["server"] = None


def _words(instance: Facts, configuration: Facts) -> str:
    """What an instance is called, tracks and runs: there a machine's servers are told apart."""
    tracked = {each["name"] for kind in ("scripts", "files", "processes") for each in instance[f"track_{kind}"]}
    texts = [instance["name"], *tracked, *(each["command"] for each in instance["notify"])]
    for kind, key in (("scripts", "command"), ("track_files", "file"), ("track_processes", "process")):
        texts += [each[key] or "" for each in configuration[kind] if each["name"] in tracked]
    return " ".join(texts)


def _names(words: str, host: Asked) -> bool:
    """Whether the port, the socket, the data directory or the name of its server is among them."""
    mysql = host.facts.get("mysql") or {}
    port, datadir = str(mysql.get("port") or ""), (mysql.get("datadir") or "").rstrip("/")
    return bool(port and re.search(rf"(?<!\d){port}(?!\d)", words)) or any(
        mark and re.search(rf"(?<!\w){re.escape(mark)}(?![\w-])", words)
        for mark in (mysql.get("socket"), datadir, host.name)
    )


def answers_of(registered: Any) -> Facts:
    """By family what the modules returned on a host, out of what the task that read it registered."""
    read = plain(registered)
    if not isinstance(read, Mapping):
        return {}
    answers = read.get("answers")
    if not isinstance(answers, Mapping):  # the task did not come so far
        return {"os": {"msg": read.get("msg") or ""}}
    return {**answers, "took_seconds": read.get("took_seconds")}


def plain(value: Any) -> Any:
    """Without what Ansible adds to values: what is made of them is plain data."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    return None if value is None else str(value)
