# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy's configuration, of 1.5 to 3.2, as data with the place of each value. Pure; raises only Unreadable."""

from __future__ import annotations

import re
from typing import Any

Facts = dict[str, Any]
LARGEST = 4 * 2**20
MOST = 100000  # lines
SECTIONS = (
    "global", "defaults", "listen", "frontend", "backend", "peers", "resolvers", "mailers", "userlist", "cache",
    "program", "http-errors", "ring", "log-forward", "fcgi-app", "traces", "crt-store", "log-profile", "acme",
)  # fmt: skip
_PROXIES = ("listen", "frontend", "backend")
_UNITS = {"us": 0.001, "ms": 1.0, "": 1.0, "s": 1000.0, "m": 60000.0, "h": 3600000.0, "d": 86400000.0}
_DURATION = re.compile(r"(\d{1,12})(us|ms|s|m|h|d)?")
_PIECE = re.compile(r"""[ \t]+|\\.|"(?:\\.|[^"\\])*"?|'[^']*'?|#|[^ \t\\"'#]+|.""", re.DOTALL)
WELL_KNOWN = frozenset({"admin", "myadmin", "haproxy", "password", "123456", "admin123", "root", "stats", "secret"})


class Unreadable(Exception):
    """No configuration; one sentence says why."""


def words(line: str) -> list[str]:
    """Of a line, without its comment; quotes are taken off."""
    found: list[str] = []
    word: list[str] | None = None
    for matched in _PIECE.finditer(line):
        piece = matched[0]
        if piece[0] in " \t#":
            if word is not None:
                found.append("".join(word))
                word = None
            if piece[0] == "#":
                break
            continue
        word = [] if word is None else word
        if piece[0] == "\\" and len(piece) == 2:
            word.append(piece[1])
        elif piece[0] in "\"'":
            word.append(piece[1:-1] if len(piece) > 1 and piece[-1] == piece[0] else piece[1:])
        else:
            word.append(piece)
    if word is not None:
        found.append("".join(word))
    return found


def parse(data: bytes, path: str) -> list[Facts]:
    """Sections, each with "type", "name", "at" and its "lines" ({"words", "at"})."""
    if len(data) > LARGEST:
        raise Unreadable(f"{path} is larger than {LARGEST} bytes")
    if b"\0" in data:
        raise Unreadable(f"{path} is not text")
    lines = re.split("\r\n|\n|\r", data.decode("utf-8", "backslashreplace"))
    if len(lines) > MOST:
        raise Unreadable(f"{path} has more than {MOST} lines")
    sections: list[Facts] = []
    for number, line in enumerate(lines, start=1):
        found = words(line)
        if not found:
            continue
        at = f"{path}:{number}"
        if found[0] in SECTIONS:
            name = found[1] if len(found) > 1 else ""
            base = found[found.index("from") + 1] if "from" in found[1:-1] else None
            sections.append({"type": found[0], "name": name, "base": base, "at": at, "lines": []})
            if found[0] == "listen" and len(found) > 2 and ":" in found[2]:  # 1.4 had the address in this line
                sections[-1]["lines"].append({"words": ["bind", found[2]], "at": at})
        elif sections:
            sections[-1]["lines"].append({"words": found, "at": at})
    return sections


def describe(sections: list[Facts]) -> Facts:
    """Proxies with what they inherit from `defaults`."""
    proxies = []
    defaults: list[Facts] = []
    named: dict[str, list[Facts]] = {}
    for section in sections:
        if section["type"] == "defaults":
            defaults = section["lines"]
            named[section["name"]] = defaults
        elif section["type"] in _PROXIES:
            proxies.append(_proxy(section, named.get(section["base"] or "", defaults)))
    return {"proxies": proxies}


def milliseconds(text: str) -> int | None:
    found = _DURATION.fullmatch(text)
    return int(int(found[1]) * _UNITS[found[2] or ""]) if found else None


def _proxy(section: Facts, defaults: list[Facts]) -> Facts:
    own = section["lines"]
    proxy: Facts = {
        "type": section["type"], "name": section["name"], "at": section["at"], "mode": "tcp", "binds": [],
        "timeouts": {}, "check": None, "check_at": None, "servers": [], "default_backend": None, "stats": None,
        "balance": None, "send_proxy": False, "accept_proxy": False, "maxconn": None, "use_backends": [], "log": None,
        "logs_sessions": True,
    }  # fmt: skip
    base_server: list[str] = []
    for line in [*defaults, *own]:
        given = [*line["words"], "", ""]
        if given[0] == "mode":
            proxy["mode"] = given[1]
        elif given[0] == "timeout":
            proxy["timeouts"][given[1]] = {"ms": milliseconds(given[2]), "at": line["at"]}
        elif given[0] == "option" and given[1].endswith(("-check", "chk")):
            proxy.update(check=" ".join(line["words"][1:4]), check_at=line["at"])
        elif given[:2] == ["http-check", "send"] and proxy["check"]:  # what it asks for, in the words of 2.2 and later
            named = dict(zip(given, given[1:]))
            proxy.update(check=f"{proxy['check'].split()[0]} {named.get('meth', 'GET')} {named.get('uri', '/')}")
        elif given[0] == "bind":
            proxy["binds"].append({"address": given[1], "at": line["at"]})
            proxy["accept_proxy"] = proxy["accept_proxy"] or "accept-proxy" in given
        elif given[0] == "maxconn":
            proxy["maxconn"] = int(given[1]) if re.fullmatch("[0-9]{1,9}", given[1]) else None
        elif given[0] == "use_backend":
            proxy["use_backends"].append(given[1])
        elif given[0] == "log" and given[1] != "global":
            proxy["log"] = given[1:3]
        elif given[:2] == ["option", "dontlog-normal"]:
            proxy["logs_sessions"] = False
        elif given[0] == "balance":
            proxy["balance"] = given[1]
        elif given[0] == "default_backend":
            proxy["default_backend"] = given[1]
        elif given[0] == "default-server":
            base_server += line["words"][1:]
        elif given[0] == "server":
            proxy["servers"].append(_server(line, base_server))
            proxy["send_proxy"] = proxy["send_proxy"] or any(
                word.startswith("send-proxy") for word in (*base_server, *line["words"])
            )
        elif given[0] == "stats":
            _stats(proxy, given, line["at"])
    return proxy


def _server(line: Facts, base: list[str]) -> Facts:
    given = [*line["words"], "", ""]
    address, _colon, port = given[2].rpartition(":")
    options = [*base, *line["words"][3:]]
    named = dict(zip(options, options[1:]))
    weight = named.get("weight", "1")
    return {
        "name": given[1],
        "address": (address or given[2]).strip("[]"),
        "port": int(port) if address and re.fullmatch("[0-9]{1,5}", port) else None,
        "weight": int(weight) if re.fullmatch("[0-9]{1,3}", weight) else None,
        "check": "check" in options and "no-check" not in options,
        "interval_ms": milliseconds(named.get("inter", "")),
        "backup": "backup" in options,
        "at": line["at"],
    }


def _stats(proxy: Facts, given: list[str], at: str) -> None:
    """Who may see the statistics; of passwords, only whether everybody knows them."""
    stats = proxy["stats"] or {"at": at, "auth": False, "well_known": False}
    if given[1] == "auth":
        user, _colon, password = given[2].partition(":")
        stats.update(auth=True, at=at)
        stats["well_known"] = stats["well_known"] or password.lower() in WELL_KNOWN or password == user
    proxy["stats"] = stats


def sockets(sections: list[Facts]) -> list[str]:
    """Paths of the runtime sockets."""
    lines = (line["words"] for section in sections if section["type"] == "global" for line in section["lines"])
    given = (re.sub(r"^unix@", "", words[2]) for words in lines if words[:2] == ["stats", "socket"] and len(words) > 2)
    return [path for path in given if path.startswith("/")]


def configuration_files(arguments: list[str]) -> list[str]:
    """What the running program was told to read: files and directories, in order."""
    found = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "-f" and rest:
            found.append(rest.pop(0))
        elif word == "--":
            found += rest
            break
    return found
