# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a keepalived configuration runs, and whether that ends keepalived. Pure."""

from __future__ import annotations

import re

from ._keepalived_values import Facts


def commands(facts: Facts) -> list[Facts]:
    """Everything that keepalived runs: {"kind", "of", "command", "at", "user", "dropped"}."""
    found: dict[tuple[str, ...], Facts] = {}
    usual = facts["global"].get("script_user")

    def add(kind: str, of: str, entry: Facts, at: str) -> None:
        command = entry["command"]
        if command and not command.startswith("$"):
            found.setdefault(
                (kind, of, command, at),
                {
                    "kind": kind, "of": of, "command": command, "at": at, "user": entry.get("user") or usual,
                    "dropped": entry["dropped"],
                },
            )  # fmt: skip

    for script in facts["scripts"]:
        add("check", script["name"], script, script["places"].get("script", script["at"]))
    for owner in [*facts["instances"], *facts["sync_groups"]]:
        for event in owner["notify"]:
            add("notify", owner["name"], event, event["at"])
    for service in facts["virtual_servers"]:
        name = f"{service['group'] or service['address'] or service['mark']}"
        for event in service["notify"]:
            add("notify", name, event, event["at"])
        for server in service["servers"]:
            for event in server["notify"]:
                add("notify", name, event, event["at"])
            for check in server["checks"]:
                add("misc_check", name, check, check["at"])
    return list(found.values())


# Signals that ask a daemon for something else than its end.
_HARMLESS = r"(?:\s-|\s-[sn]\s*|--signal[=\s]\s*)(?:SIG)?(?:0|1|10|12|HUP|USR[12])(?=[\s;]|$)|--signum\b"
_KILLS = re.compile(
    rf"\b(?:killall5?|pkill|kill)\b(?![^\n;|&]{{0,200}}?(?:{_HARMLESS}))[^\n;|&]{{0,400}}\bkeepalived\b"
    r"|\bservice\s+keepalived\s+(?:force-)?(?:stop|restart)\b|\bsystemctl\s+(?:-\S+\s+)*(?:stop|restart|kill)\s+keepalived"
    r"|/etc/(?:rc\.d/)?init\.d/keepalived\s+(?:stop|restart)\b"
)


def kills_keepalived(text: str) -> int | None:
    """The line of a script that ends or restarts keepalived; comments do not count."""
    for at, line in enumerate(text.splitlines(), start=1):
        if not line.lstrip().startswith("#") and _KILLS.search(line[:4096]):
            return at
    return None
