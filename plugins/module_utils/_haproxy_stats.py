# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HAProxy says of itself at its runtime socket, read. Pure: bytes in, plain values or `Unreadable` out."""

from __future__ import annotations

import csv
import re
from typing import Any

LARGEST = 16 * 2**20  # bytes; about 30,000 servers
FRONTEND, BACKEND, SERVER = "0", "1", "2"
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_NEEDED = ("pxname", "svname", "scur", "status", "type")
_INFO = {
    "Name": "name", "Version": "version", "node": "node", "Pid": "pid", "Uptime_sec": "uptime", "Nbthread": "threads",
    "Maxconn": "maxconn", "Ulimit-n": "ulimit", "CurrConns": "sessions", "CumConns": "total_sessions",
    "Stopping": "stopping",
}  # fmt: skip
_TEXTS = ("name", "version", "node")


class Unreadable(Exception):
    """Not what it should be; one sentence says where."""


def _text(data: bytes, command: str) -> str:
    if len(data) > LARGEST:
        raise Unreadable(f"the answer to `{command}` is larger than {LARGEST} bytes")
    text = data.decode("utf-8", "replace")
    if "\0" in text:
        raise Unreadable(f"the answer to `{command}` is not text")
    return text


def parse_info(data: bytes) -> dict[str, Any]:
    """`show info`: what is of use of it. Raises Unreadable, and nothing else."""
    found: dict[str, Any] = dict.fromkeys(_INFO.values())
    for line in _text(data, "show info").splitlines():
        key, colon, value = line.partition(":")
        name = _INFO.get(key.strip())
        if colon and name:
            found[name] = value.strip() if name in _TEXTS else _number(value.strip())
    if not found["version"]:
        raise Unreadable("the answer to `show info` names no version")
    return found


def parse_stat(data: bytes) -> list[dict[str, Any]]:
    """`show stat`: every proxy with its frontend, its backend and its servers. Raises Unreadable, and nothing else."""
    text = _text(data, "show stat").strip("\n")
    if not text.startswith("# "):
        raise Unreadable("the answer to `show stat` does not begin with its headings")
    try:
        headings, *rows = list(csv.reader(text[2:].split("\n")))
    except csv.Error as error:
        raise Unreadable(f"the answer to `show stat` cannot be read: {error}") from None
    missing = [name for name in _NEEDED if name not in headings]
    if missing:
        raise Unreadable(f"the answer to `show stat` has no {', '.join(missing)}")
    proxies: dict[str, dict[str, Any]] = {}
    for number, cells in enumerate(rows, start=2):
        if not cells:
            continue
        if len(cells) != len(headings):
            raise Unreadable(f"line {number} of the answer to `show stat` has not the columns of its headings")
        row = dict(zip(headings, cells))
        proxy = proxies.setdefault(
            row["pxname"], {"name": row["pxname"], "frontend": None, "backend": None, "servers": []}
        )
        if row["type"] == FRONTEND:
            proxy["frontend"] = _side(row)
        elif row["type"] == BACKEND:
            proxy["backend"] = _side(row)
        elif row["type"] == SERVER:
            proxy["servers"].append(_server(row))
    return list(proxies.values())


def _number(text: str | None) -> int | None:
    return int(text) if text and _NUMBER.fullmatch(text) else None


def _side(row: dict[str, str]) -> dict[str, Any]:
    return {
        "status": row["status"],
        "sessions": _number(row["scur"]),
        "most_sessions": _number(row.get("smax")),
        "limit": _number(row.get("slim")),
        "total_sessions": _number(row.get("stot")),
        "mode": row.get("mode") or None,
    }


def _server(row: dict[str, str]) -> dict[str, Any]:
    """A server is up until checks find out otherwise, so `no check` is up too. With weight 0 its status is DRAIN."""
    status = row["status"]
    weight = _number(row.get("weight"))
    up = status.startswith(("UP", "DRAIN")) or status == "no check"
    return {
        "name": row["svname"],
        "address": row.get("addr") or None,
        "status": status,
        "up": up,
        "takes_sessions": up and weight != 0 and not status.startswith("DRAIN"),
        "weight": weight,
        "sessions": _number(row["scur"]),
        "total_sessions": _number(row.get("stot")),
        "check": row.get("check_status") or None,
        "check_code": _number(row.get("check_code")),
        "check_text": row.get("last_chk") or None,
        "seconds_in_status": _number(row.get("lastchg")),
    }


def parse_version(text: str) -> str | None:
    """`haproxy -v`: HAProxy version 3.2.26-1 2026/01/01, HA-Proxy version 2.0.13."""
    found = re.search(r"HA-?Proxy version ([0-9]{1,3}\.[0-9]{1,3}[0-9A-Za-z.+~-]{0,40})", text)
    return found[1] if found else None
