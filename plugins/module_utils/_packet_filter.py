# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that a packet filter takes for the host, or keeps quiet about in ARP: two ways of realservers. Pure."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from typing import Any

_DESTINATION = re.compile(r"(?<!\S)-d (\S+)")
_TAKES = re.compile(r"-j (?:REDIRECT|DNAT|TPROXY)\b")
_QUIET = re.compile(r"-j DROP\b")


def redirected(text: str) -> list[str]:
    """Of `iptables-save`, or of `nft --json list ruleset`: destinations whose packets are given to this host."""
    if text.lstrip().startswith("{"):
        return _unique(each for family, rule in _nft(text) if _takes(rule) and family != "arp" for each in _named(rule))
    return _unique(_destinations(text, _TAKES))


def quiet(text: str) -> list[str]:
    """Of `arptables-save`, `arptables -L -n`, or of nft: addresses whose ARP requests are dropped."""
    if text.lstrip().startswith("{"):
        found = (each for family, rule in _nft(text) if family == "arp" and '"drop"' in rule for each in _named(rule))
        return _unique(found)
    return _unique(_destinations(text, _QUIET))


def _destinations(text: str, verdict: re.Pattern[str]) -> Iterator[str]:
    for line in text.splitlines():
        found = _DESTINATION.search(line[:4096])
        if found and verdict.search(line[:4096]):
            yield found[1]


def _nft(text: str) -> Iterator[tuple[str, str]]:
    """Family and expressions of each rule."""
    entries: Any = json.loads(text).get("nftables", [])
    for entry in entries:
        rule = entry.get("rule") if isinstance(entry, dict) else None
        if isinstance(rule, dict):
            yield str(rule.get("family")), json.dumps(rule.get("expr") or [])


def _takes(rule: str) -> bool:
    return any(f'"{verdict}"' in rule for verdict in ("redirect", "dnat", "tproxy"))


def _named(rule: str) -> Iterator[str]:
    yield from re.findall(r'"([0-9a-fA-F:.]{3,39})"', rule)


def _unique(texts: Iterator[str]) -> list[str]:
    """Those that are addresses of one host."""
    found: dict[str, None] = {}
    for text in texts:
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            continue
        if network.num_addresses == 1:
            found[str(network.network_address)] = None
    return list(found)
