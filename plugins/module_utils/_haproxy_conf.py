# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy's configuration, of 1.3 to 3.2, as data with the place of each value. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ._haproxy_access import Access
from ._haproxy_address import UNKNOWN as UNKNOWN_ADDRESS
from ._haproxy_address import address
from ._haproxy_check import Check
from ._haproxy_reader import UNKNOWN, Unreadable, parse, words
from ._haproxy_secrets import users_of, where_secrets_are

__all__ = ["Unreadable", "configuration_files", "describe", "milliseconds", "parse", "sockets", "words"]

Facts = dict[str, Any]
_PROXIES = ("listen", "frontend", "backend")
_UNITS = {"us": 0.001, "ms": 1.0, "": 1.0, "s": 1000.0, "m": 60000.0, "h": 3600000.0, "d": 86400000.0}
_DURATION = re.compile(r"(\d{1,12})(us|ms|s|m|h|d)?")
_OLD_TIMEOUTS = {"clitimeout": "client", "srvtimeout": "server", "contimeout": "connect"}  # until 2.0 without `timeout`
_LONGEST = 1000  # words of all default-server lines
_FALL = 3  # failed checks, as HAProxy has it
_INTERVAL = 2000  # milliseconds


def describe(sections: list[Facts]) -> Facts:
    """Proxies with what they inherit from `defaults`, ways to rule the process, and where secrets are."""
    proxies = []
    defaults: list[Facts] = []
    named: dict[str, list[Facts]] = {}
    users = users_of(sections)
    for section in sections:
        base = named.get(section["base"] or "")
        if section["type"] == "defaults":
            defaults = [*(base or []), *section["lines"]]
            if section["name"]:
                named[section["name"]] = defaults
        elif section["type"] in _PROXIES:
            proxies.append(_proxy(section, defaults if base is None else base, users))
    return {
        "proxies": proxies,
        "sockets": _sockets(sections),
        "secrets": where_secrets_are(sections),
        "problems": [*_undecided(sections), *_unresolved(proxies)],
    }


def milliseconds(text: str) -> int | None:
    found = _DURATION.fullmatch(text)
    return int(int(found[1]) * _UNITS[found[2] or ""]) if found else None


def _number(text: str, digits: int = 9) -> int | None:
    return int(text) if re.fullmatch(f"[0-9]{{1,{digits}}}", text) else None


def _proxy(section: Facts, defaults: list[Facts], users: dict[str, bool]) -> Facts:
    proxy: Facts = {
        "type": section["type"], "name": section["name"], "at": section["at"], "mode": "tcp", "disabled": False,
        "binds": [], "timeouts": {}, "servers": [], "default_backend": None, "balance": None, "send_proxy": False,
        "accept_proxy": False, "maxconn": None, "use_backends": [], "log": None, "logs_sessions": True,
    }  # fmt: skip
    base_server: list[str] = []
    check, access = Check(), Access(users)
    for line in [*defaults, *section["lines"]]:
        given = [*line["words"], "", "", ""]
        word = given[0]
        if word == "mode":
            proxy["mode"] = given[1]
        elif word in ("disabled", "enabled"):
            proxy["disabled"] = word == "disabled"
        elif word == "timeout" or word in _OLD_TIMEOUTS:
            name, value = given[1:3] if word == "timeout" else given[:2]
            proxy["timeouts"][_OLD_TIMEOUTS.get(name, name)] = {"ms": milliseconds(value), "at": line["at"]}
        elif word == "bind":
            _bind(proxy, given, line["at"])
        elif word == "maxconn":
            proxy["maxconn"] = _number(given[1])
        elif word == "use_backend":
            proxy["use_backends"].append(given[1])
        elif word == "log" and given[1] != "global":
            proxy["log"] = given[1:3]
        elif [each for each in given[:3] if each != "no"][:2] == ["option", "dontlog-normal"]:
            proxy["logs_sessions"] = word == "no"
        elif word == "balance":
            proxy["balance"] = given[1]
        elif word == "default_backend":
            proxy["default_backend"] = given[1]
        elif word == "default-server":
            base_server = [*base_server, *line["words"][1:]][-_LONGEST:]
        elif word in ("server", "server-template", "dispatch"):
            _add_server(proxy, line, base_server)
        else:
            check.read(line["words"], line["at"])
            access.read(line["words"], line["at"])
    return {**proxy, **check.facts(), "stats": access.statistics(), "guarded": access.guarded()}


def _bind(proxy: Facts, given: list[str], at: str) -> None:
    proxy["binds"].append({"address": given[1], "at": at, "client_certificates": _pair(given, "verify") == "required"})
    proxy["accept_proxy"] = proxy["accept_proxy"] or "accept-proxy" in given


def _pair(given: list[str], name: str) -> str:
    """The word after the last `name`."""
    return dict(zip(given, given[1:])).get(name, "")


def _add_server(proxy: Facts, line: Facts, base: list[str]) -> None:
    given = line["words"]
    if given[0] == "dispatch":  # one server without a check
        given = ["server", "dispatch", *given[1:2]]
    template = given[2] if given[0] == "server-template" and len(given) > 2 else None
    if template is not None:
        given = [given[0], given[1], *given[3:]]
    proxy["servers"].append(_server(given, base, template, line["at"]))
    # Sessions are headed by it; a check alone (check-send-proxy) is not.
    options = [*base, *given[3:]]
    proxy["send_proxy"] = proxy["send_proxy"] or any(word.startswith("send-proxy") for word in options)


def _server(words_: list[str], base: list[str], template: str | None, at: str) -> Facts:
    given = [*words_, "", ""]
    place = address(given[2])
    options = [*base, *words_[3:]]
    named = dict(zip(options, options[1:]))
    interval = milliseconds(named.get("inter", "")) or None
    return {
        "name": given[1],
        "address": place.host,
        "family": place.family,
        "port": place.port,
        "template": template,
        "weight": _number(named.get("weight", "1"), 3),
        "check": _on(options, "check"),
        "agent": _on(options, "agent-check"),
        "track": named.get("track"),
        "check_port": _number(named.get("port", ""), 5),
        "interval_ms": interval,
        "fast_ms": milliseconds(named.get("fastinter", "")) or interval or _INTERVAL,
        "fall": _number(named.get("fall", "")) or _FALL,
        "backup": _on(options, "backup"),
        "disabled": _on(options, "disabled", "enabled"),
        "ends_sessions": named.get("on-marked-down") == "shutdown-sessions",
        "ends_backup_sessions": named.get("on-marked-up") == "shutdown-backup-sessions",
        "at": at,
    }


def _on(options: list[str], word: str, opposite: str = "") -> bool:
    """Whether a switch is on: the last word counts."""
    last = [each for each in options if each in (word, opposite or f"no-{word}")]
    return last[-1:] == [word]


def _sockets(sections: list[Facts]) -> list[Facts]:
    """Where commands are taken."""
    found = []
    for section in sections:
        for line in section["lines"] if section["type"] == "global" else []:
            given = line["words"]
            if given[:2] == ["stats", "socket"] and len(given) > 2:
                found.append(command_socket(given[2], given[3:], line["at"]))
    return found


def command_socket(text: str, options: list[str], at: str) -> Facts:
    """A socket that takes commands, of `stats socket` or of the master's option -S."""
    mode = _pair(options, "mode")
    place = address(text)
    return {
        "address": text, "path": place.host if place.family == "unix" else None, "public": place.public(),
        "level": _pair(options, "level") or "operator", "at": at,
        "open_to_all": place.family == "unix" and bool(re.fullmatch(r"[0-7]{3,4}", mode)) and int(mode[-1]) & 2 > 0,
    }  # fmt: skip


def sockets(sections: list[Facts]) -> list[str]:
    """Paths of the runtime sockets."""
    return [each["path"] for each in _sockets(sections) if each["path"] and each["path"].startswith("/")]


def _undecided(sections: list[Facts]) -> Iterable[str]:
    for section in sections:
        for line in section["lines"]:
            if line["words"][0] == UNKNOWN:
                yield f"{line['at']}: `.if` cannot be decided from outside; its lines count as read"


def _unresolved(proxies: list[Facts]) -> Iterable[str]:
    for proxy in proxies:
        for server in proxy["servers"]:
            name = f"{server['at']}: {proxy['name']}/{server['name']}"
            if server["template"]:
                yield f"{name}: server-template takes its servers from DNS; they are not judged"
            elif server["family"] == UNKNOWN_ADDRESS:
                yield f"{name}: the address is in a variable of the environment that is not known; it is not judged"


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


def master_sockets(arguments: list[str]) -> list[Facts]:
    """The master's command sockets, which are given as `-S ADDRESS[,OPTION...]`."""
    found = []
    for word, value in zip(arguments, arguments[1:]):
        if word == "-S":
            text, *options = re.split(r"[, ]", value)
            found.append(command_socket(text, ["level", "admin", *options], "option -S of the program"))
    return found
