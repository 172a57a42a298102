# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the virtual servers of a keepalived configuration mean, with the daemon's defaults. Pure."""

from __future__ import annotations

import re

from ._command_secrets import hidden
from ._keepalived_conf import Statement
from ._keepalived_values import Facts, address, flag, last, notify, number, one, place, places, ran, switch

MOST_OF_GROUP = 256
CHECKS = (
    "TCP_CHECK", "HTTP_GET", "SSL_GET", "MISC_CHECK", "SMTP_CHECK", "DNS_CHECK", "BFD_CHECK", "UDP_CHECK", "PING_CHECK",
    "FILE_CHECK",
)  # fmt: skip
DELAY_LOOP, CONNECT_TIMEOUT, PERSISTENCE = 60, 5, 360  # seconds, of keepalived where nothing else is said
_RETRY = {"MISC_CHECK": 0, "DNS_CHECK": 3}
_PAUSE = {"HTTP_GET": 3, "SSL_GET": 3}
_TIMES = ("delay_loop", "connect_timeout", "retry", "delay_before_retry")


def service(words: list[str]) -> Facts:
    """The address and port, the mark or the group that a virtual server is for."""
    found: Facts = {"address": None, "port": None, "mark": None, "group": None}
    if words[:1] == ["fwmark"]:
        found["mark"] = number(words[1]) if len(words) > 1 else None
    elif words[:1] == ["group"]:
        found["group"] = words[1] if len(words) > 1 else None
    elif words:
        found["address"] = address(words[0])
        found["port"] = number(words[1]) if len(words) > 1 else None
    return found


def of_group(words: list[str], name: str) -> list[Facts]:
    """The services of a line of a group: an address, a range of them (192.0.2.1-9) or a firewall mark."""
    first, dash, last = words[0].rpartition("-")
    if not dash:
        return [{**service(words), "group": name}]
    head, separator, start = re.fullmatch(r"(.*?)([.:]?)([0-9a-fA-F]*)", first).groups()  # type: ignore[union-attr]
    base = 16 if separator == ":" else 10
    try:
        numbers = range(int(start, base), int(last, base) + 1)[:MOST_OF_GROUP]
    except ValueError:
        return []
    addresses = [f"{head}{separator}{number:{'x' if base == 16 else 'd'}}" for number in numbers]
    return [{**service([address, *words[1:]]), "group": name} for address in addresses]


def virtual_server(block: list[Statement]) -> Facts:
    sorry = last(block, "sorry_server")
    forward = one(block, "lb_kind", "lvs_method") or "NAT"
    times = {name: _time(one(block, name)) for name in _TIMES}
    persistence = one(block, "persistence_timeout")
    return {
        "scheduler": one(block, "lb_algo", "lvs_sched") or "wlc",
        "forward": forward,
        "protocol": one(block, "protocol"),
        "persistence_timeout": PERSISTENCE if persistence == "" else number(persistence),
        "delay_loop": times["delay_loop"],
        "quorum": number(one(block, "quorum")),
        "sorry_server": None if sorry is None else sorry["words"][1:],
        "notify": notify(block, ("quorum_up", "quorum_down")),
        "places": places(block, "lb_kind", "lvs_method", "persistence_timeout", "delay_loop"),
        "servers": [
            {**place(statement), **_server(statement["words"], statement["block"] or [], block, forward, times)}
            for statement in block
            if statement["words"][0] == "real_server"
        ],
    }


def _time(text: str | None) -> int | float | None:
    value = number(text)
    return value if value is None or value >= 0 else None


def _server(words: list[str], block: list[Statement], above: list[Statement], forward: str, times: Facts) -> Facts:
    weight = number(one(block, "weight"))
    own = {name: _time(one(block, name)) for name in _TIMES}
    inherited = {name: times[name] if own[name] is None else own[name] for name in _TIMES}
    return {
        "address": address(words[1]) if len(words) > 1 else None,
        "port": number(words[2]) if len(words) > 2 else None,
        "weight": 1 if weight is None else weight,
        "forward": one(block, "lvs_method") or forward,
        "inhibit_on_failure": bool(switch(block, "inhibit_on_failure")) or flag(above, "inhibit_on_failure"),
        "notify": notify(block, ("notify_up", "notify_down")),
        "places": places(block, "lvs_method"),
        "checks": [_check(statement, inherited) for statement in block if statement["words"][0] in CHECKS],
    }


def _check(statement: Statement, inherited: Facts) -> Facts:
    block, kind = statement["block"] or [], statement["words"][0]
    script = last(block, "misc_path")
    return {
        "type": kind,
        "at": statement["at"],
        **(ran(script) if script else {"command": None, "dropped": False}),
        "paths": [_path(url["block"]) for url in block if url["words"][0] == "url" and url["block"]],
        "connect_timeout": number(one(block, "connect_timeout")),
        "seconds": _seconds(kind, block, inherited),
    }


def _seconds(kind: str, block: list[Statement], inherited: Facts) -> float | None:
    """How long a server that hangs may go unnoticed: the next look, each attempt, the pauses between them."""
    if kind in ("BFD_CHECK", "FILE_CHECK"):
        return None
    given = {name: _time(one(block, name)) for name in (*_TIMES, "nb_get_retry", "misc_timeout")}
    own = {name: inherited[name] if given[name] is None else given[name] for name in _TIMES}
    loop = DELAY_LOOP if own["delay_loop"] is None else own["delay_loop"]
    retry = next((each for each in (given["retry"], given["nb_get_retry"], own["retry"]) if each is not None), None)
    retry = _RETRY.get(kind, 1) if retry is None else retry
    timeout = CONNECT_TIMEOUT if own["connect_timeout"] is None else own["connect_timeout"]
    if kind == "MISC_CHECK":
        timeout = loop if given["misc_timeout"] is None else given["misc_timeout"]
    usual = loop if kind == "DNS_CHECK" else _PAUSE.get(kind, 1)
    pause = usual if own["delay_before_retry"] is None else own["delay_before_retry"]
    return float(loop + (retry + 1) * timeout + retry * pause)


def _path(block: list[Statement]) -> str | None:
    path = one(block, "path")
    return None if path is None else hidden(path)
