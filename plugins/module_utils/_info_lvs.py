# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module lvs_info reads."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ._ip_addresses import parse_addresses
from ._ipvs import (
    LARGEST,
    Unreadable,
    parse_daemon,
    parse_saved,
    parse_table,
    parse_timeouts,
)

TABLE = Path("/proc/net/ip_vs")
SYSCTLS = Path("/proc/sys/net/ipv4")
SETTINGS = ("expire_nodest_conn", "expire_quiescent_template")
ARP = ("arp_ignore", "arp_announce")


def read_table() -> dict[str, Any]:
    """Raises OSError and Unreadable."""
    with TABLE.open("rb") as file:
        return parse_table(file.read(LARGEST + 1))


def read_sysctls(directory: Path, names: Any) -> dict[str, int]:
    """Raises OSError and ValueError."""
    return {name: int((directory / name).read_text()) for name in names}


def read_lo(text: str) -> list[dict[str, Any]]:
    """`ip -o address show dev lo`, without 127.0.0.0/8 and ::1: old versions of iproute2 write no JSON."""
    return [
        {key: entry[key] for key in ("address", "prefix", "label")}
        for entry in parse_addresses(text)
        if not ipaddress.ip_address(entry["address"]).is_loopback
    ]


SPEC: dict[str, Any] = {}


def gather(module: AnsibleModule) -> dict[str, Any]:
    lvs: dict[str, Any] = {
        "available": TABLE.exists(), "problems": [], "version": None, "size": None, "services": [],
        "timeouts": None, "sync": None, "settings": {}, "lo": None, "arp": {},
    }  # fmt: skip

    def part(what: str, read: Callable[[], Any], default: Any) -> Any:
        try:
            return read()
        except (OSError, ValueError, KeyError, TypeError, AttributeError, Unreadable) as error:
            lvs["problems"].append(f"{what}: {error}")
            return default

    def run(*command: str) -> str:
        status, output, errors = module.run_command(list(command), handle_exceptions=False)
        if status != 0:
            raise Unreadable(" ".join(f"{output} {errors}".split()) or f"{command[0]} ends with status {status}")
        return str(output)

    def read_persistence() -> None:
        seconds = parse_saved(run(ipvsadm, "--save", "--numeric"))
        for service in lvs["services"]:
            if service["persistent"]:
                key = service["protocol"], service["address"], service["port"]
                service["persistence_timeout"] = seconds.get(key)

    if lvs["available"]:
        lvs.update(part("table", read_table, {}))
        lvs["settings"] = part("settings", lambda: read_sysctls(SYSCTLS / "vs", SETTINGS), {})
        ipvsadm = module.get_bin_path("ipvsadm", opt_dirs=["/sbin", "/usr/sbin"])
        if ipvsadm:
            lvs["timeouts"] = part("timeouts", lambda: parse_timeouts(run(ipvsadm, "--list", "--timeout")), None)
            lvs["sync"] = part("sync", lambda: parse_daemon(run(ipvsadm, "--list", "--daemon")), None)
            part("persistence", read_persistence, None)
    ip = module.get_bin_path("ip", opt_dirs=["/sbin", "/usr/sbin"]) or "ip"
    lvs["lo"] = part("lo", lambda: read_lo(run(ip, "-o", "address", "show", "dev", "lo")), None)
    lvs["arp"] = {
        name: part("arp", partial(read_sysctls, SYSCTLS / "conf" / name, ARP), {}) for name in ("all", "lo")
    }
    for path in part("arp", lambda: sorted((SYSCTLS / "conf").iterdir()), []):
        if path.name not in ("all", "lo", "default"):
            values = part("arp", partial(read_sysctls, path, ARP), {})
            lvs["arp"].update({path.name: values} if any(values.values()) else {})
    return {"lvs": lvs}
