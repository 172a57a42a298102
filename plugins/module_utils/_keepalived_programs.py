# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a keepalived configuration runs. Pure."""

from __future__ import annotations

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
