# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses that a packet filter takes for a realserver, or keeps quiet about."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._packet_filter import quiet, redirected

IPTABLES = """\
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -d 192.0.2.200/32 -p tcp -m tcp --dport 3306 -j REDIRECT
-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080
-A PREROUTING -d 192.0.2.0/24 -j REDIRECT
-A POSTROUTING -d 192.0.2.201/32 -j MASQUERADE
COMMIT
"""
ARPTABLES = """\
-A IN -d 192.0.2.200 -j DROP
-A OUT -s 192.0.2.200 -j mangle --mangle-ip-s 192.0.2.11
-A IN -d 192.0.2.9 -j ACCEPT
"""
LISTED = "Chain INPUT (policy ACCEPT)\n-j DROP -d 192.0.2.200\n"


def nft(family: str, address: str, verdict: str) -> str:
    match = {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": address}}
    rule: dict[str, Any] = {"family": family, "table": "t", "chain": "c", "expr": [match, {verdict: None}]}
    return json.dumps({"nftables": [{"metainfo": {}}, {"chain": {}}, {"rule": rule}]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (IPTABLES, ["192.0.2.200"]), ("", []), (nft("ip", "192.0.2.200", "redirect"), ["192.0.2.200"]),
        (nft("inet", "fd00::200", "dnat"), ["fd00::200"]), (nft("ip", "192.0.2.200", "drop"), []),
        (nft("ip", "192.0.2.0/24", "redirect"), []), ('{"nftables": [1, {"rule": null}]}', []),
    ],
)  # fmt: skip
def test_redirected(text: str, expected: list[str]) -> None:
    assert redirected(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ARPTABLES, ["192.0.2.200"]), (LISTED, ["192.0.2.200"]), ("", []),
        (nft("arp", "192.0.2.200", "drop"), ["192.0.2.200"]),
        (nft("arp", "192.0.2.200", "accept"), []), (nft("ip", "192.0.2.200", "drop"), []),
    ],
)  # fmt: skip
def test_quiet(text: str, expected: list[str]) -> None:
    assert quiet(text) == expected


def test_what_is_no_json() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        redirected("{")
