# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that keepalived takes otherwise than they are written: out of range, rounded, or behind a switch. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ._keepalived_conf import Statement
from ._keepalived_values import OFF, last, number, one

# By block and keyword: the least and the greatest value, and what counts instead.
_RANGES: dict[str, dict[str, tuple[float, float, str]]] = {
    "vrrp_instance": {
        "priority": (1, 255, "100 counts"), "virtual_router_id": (1, 255, "the instance has none and does not start"),
        "advert_int": (0.01, 255, "1 s counts"),
    },
    "vrrp_script": {
        "weight": (-253, 253, "it does not count"), "interval": (1, 2**31, "1 s counts"),
        "fall": (1, 2**31, "1 counts"), "rise": (1, 2**31, "1 counts"),
    },
}  # fmt: skip
_SWITCHES = {
    "vrrp_instance": ("nopreempt", "accept", "no_accept", "use_vmac", "dont_track_primary"),
    "global_defs": ("enable_script_security", "vrrp_strict", "dynamic_interfaces"),
}  # fmt: skip
_MOST = 100


def misread(statements: list[Statement]) -> list[str]:
    """Each with its place, as text for people."""
    found = [text for statement in statements if statement["block"] for text in _of(statement)]
    return found[:_MOST]


def _of(statement: Statement) -> Iterator[str]:
    kind, block = statement["words"][0], statement["block"]
    for keyword, (least, most, instead) in _RANGES.get(kind, {}).items():
        written = last(block, keyword)
        value = number(one(block, keyword))
        if written and value is not None and not least <= value <= most:
            yield f"{written['at']}: {keyword} {written['words'][1]} is out of range: {instead}"
    for keyword in _SWITCHES.get(kind, ()):
        written = last(block, keyword)
        if written and len(written["words"]) > 1 and written["words"][1].lower() in (*OFF, "0"):
            yield f"{written['at']}: {keyword} takes no argument: it is on, whatever follows it"
