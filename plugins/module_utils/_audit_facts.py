# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules returned for each host -> its facts by family, and what could not be found out. Pure.

A family that is None could not be read and is not judged; one that is absent is not there at all.
"""

from __future__ import annotations

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
        for host in others:
            for family in _MACHINE:
                host.facts.pop(family, None)
            first.facts["os"].setdefault("shared_with", []).append(host.name)
        asked = {(host.facts.get("mysql") or {}).get("socket") for host in (first, *others)}
        known = {unasked(socket) for socket in asked if socket}
        for host in (first, *others):
            host.problems = [problem for problem in host.problems if problem["text"] not in known]


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
