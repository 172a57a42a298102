# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VIPs a host knows of, where they are, and whether they should be there. Pure."""

from __future__ import annotations

import ipaddress
from typing import Any

Facts = dict[str, Any]


def parse_vip(text: str) -> str:
    """An address, with or without a prefix, in its one spelling. Raises ValueError."""
    return str(ipaddress.ip_interface(text.strip()).ip)


def discover(described: Facts | None, addresses: list[Facts], states: dict[str, Any]) -> dict[str, Facts]:
    """By address: where we know it from, its place in the configuration, and the interface it belongs on."""
    found: dict[str, Facts] = {}

    def add(address: str | None, source: str, at: str | None, interface: str | None) -> None:
        try:
            name = parse_vip(address or "")
        except ValueError:
            return
        entry = found.setdefault(name, {"sources": [], "at": None, "interface": None})
        entry["sources"] = sorted({*entry["sources"], source})
        entry["at"] = entry["at"] or at
        entry["interface"] = entry["interface"] or interface

    for instance in (described or {}).get("instances", []):
        for vip in [*instance["vips"], *instance["excluded_vips"]]:
            add(vip["address"], "vrrp", vip["at"], vip["interface"] or instance["interface"])
    for service in (described or {}).get("virtual_servers", []):
        add(service["address"], "virtual_server", service["at"], None)
    for entry in addresses:
        if entry["interface"] == "lo" and not ipaddress.ip_address(entry["address"]).is_loopback:
            add(entry["address"], "lo", None, None)
    for address in states:
        add(address, "states", None, None)
    return found


def wire(address: str, places: list[Facts], configured: str | None, addresses: list[Facts]) -> str | None:
    """The interface to ask on: where it is, where it belongs, or whose network it is in."""
    here: list[str] = [place["interface"] for place in places if place["interface"] != "lo"]
    if here or configured:
        return here[0] if here else configured
    wanted = ipaddress.ip_address(address)
    for entry in addresses:
        try:
            network = ipaddress.ip_network(f"{entry['address']}/{entry['prefix']}", strict=False)
        except ValueError:
            continue
        if entry["interface"] != "lo" and wanted in network and network.num_addresses > 1:
            return str(entry["interface"])
    return None


def judge(places: list[Facts], state: str | None, running: bool | None, sources: list[str]) -> Facts:
    """Whether it is here though it should not be (`stale`), or not here though it should be (`missing`)."""
    here = any(place["interface"] != "lo" for place in places)
    if state is not None:
        stale = here and state != "MASTER"
        reason = f"VRRP says {state} here" if stale else ""
        return {"stale": stale, "missing": not here and state == "MASTER", "reason": reason}
    if here and running is False and {"vrrp", "states"} & set(sources):
        return {"stale": True, "missing": False, "reason": "an address of keepalived, which does not run here"}
    return {"stale": None if here else False, "missing": None, "reason": ""}


def describe(
    address: str, known: Facts, addresses: list[Facts], state: str | None, running: bool | None
) -> Facts:
    """All that is known without asking on the wire."""
    places = [
        {key: entry[key] for key in ("interface", "label", "prefix", "scope", "secondary", "usable")}
        for entry in addresses
        if entry["address"] == address
    ]
    return {
        "address": address,
        "sources": known["sources"],
        "at": known["at"],
        "state": state,
        "here": any(place["interface"] != "lo" for place in places),
        "on_lo": any(place["interface"] == "lo" for place in places),
        "places": places,
        **judge(places, state, running, known["sources"]),
        "wire": wire(address, places, known["interface"], addresses),
        "others": None,
        "holders": None,
        "conflict": None,
    }


def answered(vip: Facts, others: list[str]) -> Facts:
    """With what the segment said: `others` are the hardware addresses of other hosts that have it."""
    count = len(others) + (1 if vip["here"] else 0)
    return {**vip, "others": others, "holders": count, "conflict": count > 1}
