# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the proxies in front of the cluster think of its members. Pure: their answers and the agents' in, lines out."""

from __future__ import annotations

import json
from typing import Any

WRITER, READER = "writer", "reader"
LARGEST = 1 << 31

View = dict[str, Any]  # `proxy`, WRITER and READER; or `proxy` and `error`


def parse(body: bytes) -> dict[str, dict[str, dict[str, Any]]]:
    """Of each port the servers: `up`, `weight`, `sessions`. Raises ValueError."""
    told = json.loads(body)
    if not isinstance(told, dict) or not {WRITER, READER} <= set(told):
        raise ValueError("it does not answer as a proxy of this cluster does")
    return {kind: _pool(told[kind]) for kind in (WRITER, READER)}


def _pool(told: Any) -> dict[str, dict[str, Any]]:
    pool = {}
    for name, numbers in told.items() if isinstance(told, dict) else ():
        if not isinstance(numbers, list) or len(numbers) != 3 or any(
            isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < LARGEST for number in numbers
        ):
            raise ValueError("it does not answer as a proxy of this cluster does")
        pool[str(name)] = {"up": numbers[0] != 0, "weight": numbers[1], "sessions": numbers[2]}
    return pool


def rows(views: list[View]) -> list[tuple[str, ...]]:
    """A table: whom each proxy takes for the writer, whom for readers, and how many sessions each has."""
    if not views:
        return []
    return [("PROXY", "WRITES TO", "READS FROM"), *map(_row, views)]


def _row(view: View) -> tuple[str, ...]:
    if "error" in view:
        return (view["proxy"], "?", view["error"])
    return (view["proxy"], _cell(view[WRITER]), _cell(view[READER]))


def _cell(pool: dict[str, dict[str, Any]]) -> str:
    shown = [
        f"{name} ({server['sessions']}{'' if server['weight'] else ', drained'})"
        for name, server in pool.items() if server["up"]
    ]
    return ", ".join(shown) or ("nobody" if pool else "-")


def about(views: list[View], answers: list[dict[str, Any]]) -> list[str]:
    """Where a proxy and the agents disagree, one sentence each."""
    writers = [answer["instance"] for answer in answers if answer.get("writer")]
    lines = []
    for view in views:
        pool = view.get(WRITER) or {}
        for name in [name for name, server in pool.items() if server["up"] and server["weight"]]:
            if name not in writers:
                lines.append(f"DISAGREEMENT: {view['proxy']} sends writes to {name}, which is not the writer.")
        for name in writers:
            if name in pool and not pool[name]["up"]:
                lines.append(f"DISAGREEMENT: {view['proxy']} sends no writes to {name}, the writer.")
    return lines
