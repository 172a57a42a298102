# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of a host, out of `ip -o address show`, which every iproute2 since 2004 can print. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

_LINE = re.compile(r"\d{1,9}: (\S{1,32}) +inet6? (\S{1,64})(?: peer (\S{1,64}))?((?: [^\\]{0,400})?)(?:\\.*)?")


def parse_addresses(text: str) -> list[dict[str, Any]]:
    """address, prefix, interface, label, scope, secondary, usable; lines that are none are passed over."""
    found = []
    for line in text.split("\n"):
        matched = _LINE.match(line[:2048])
        if not matched:
            continue
        # On point-to-point links the prefix stands behind the peer.
        prefix = (matched[3] or matched[2]).partition("/")[2]
        try:
            address = ipaddress.ip_address(matched[2].partition("/")[0])
        except ValueError:
            continue
        words = matched[4].split()
        named = dict(zip(words, words[1:]))
        interface = matched[1].partition("@")[0]
        label = words[-1] if words and address.version == 4 and words[-1].split(":")[0] == interface else ""
        found.append(
            {
                "address": str(address),
                "prefix": int(prefix) if re.fullmatch("[0-9]{1,3}", prefix) else address.max_prefixlen,
                "interface": interface,
                "label": label,
                "scope": named.get("scope", ""),
                "secondary": "secondary" in words,
                "usable": not {"tentative", "dadfailed"} & set(words),
            }
        )
    return found
