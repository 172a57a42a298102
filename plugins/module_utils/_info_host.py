# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module host_info reads."""

from __future__ import annotations

import contextlib
import glob
import ipaddress
import os
import time
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from . import _host_facts as facts
from ._ip_addresses import parse_addresses

LARGEST = 256 * 1024  # bytes of a file


class Host:
    """Each part is a value, or what stands for "not known"."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self.problems: list[str] = []

    def part(self, what: str, read: Callable[[], Any], default: Any) -> Any:
        try:
            return read()
        except (OSError, ValueError, AttributeError) as error:
            self.problems.append(f"{what}: {error}")
            return default

    def run(self, name: str, *arguments: str) -> str | None:
        """What a program prints; None where it is not there. Raises OSError where it fails."""
        path = self._module.get_bin_path(name, opt_dirs=["/sbin", "/usr/sbin"])
        if not path:
            return None
        status, output, errors = self._module.run_command([path, *arguments], handle_exceptions=False)
        if status != 0:
            raise OSError(" ".join(f"{name} ends with status {status}: {errors}".split())[:300])
        return str(output)

    def addresses(self) -> list[dict[str, Any]]:
        text = self.run("ip", "-o", "address", "show")
        if text is None:
            raise OSError("there is no program ip")
        return parse_addresses(text)

    def sysctls(self) -> dict[str, str]:
        names = [path for directory in facts.SYSCTL_DIRECTORIES for path in glob.glob(f"{directory}/*.conf")]
        found: dict[str, str] = {}
        for path in facts.sysctl_files([*names, *filter(os.path.exists, [facts.SYSCTL_MAIN])]):
            found.update(facts.parse_sysctl(read(path) or ""))
        return found

    def firewall(self) -> int | None:
        """Asks only for what is loaded: the programs would load modules."""
        seen = [
            facts.nft_rules(text) if counts == "nft" else facts.iptables_rules(text)
            for counts, text in self._filters()
            if text is not None
        ]
        if seen:
            return sum(seen)
        return None if self._loaded("nf_tables") or self._loaded("ip_tables") else 0

    def _filters(self) -> list[tuple[str, str | None]]:
        found = []
        if self._loaded("nf_tables"):
            text = self.run("nft", "--json", "list", "ruleset")
            if text is None:
                self.problems.append("packet filter: there is no program nft")
            found.append(("nft", text))
        if read("/proc/net/ip_tables_names"):
            found.append(("iptables", self.run("iptables-legacy-save") or self.run("iptables-save")))
        return found

    def _loaded(self, module: str) -> bool:
        return os.path.isdir(f"/sys/module/{module}")

    def boot(self, addresses: list[dict[str, Any]]) -> dict[str, str | None]:
        wanted = [
            entry["address"]
            for entry in addresses
            if entry["interface"] == "lo" and not ipaddress.ip_address(entry["address"]).is_loopback
        ]
        if not wanted:
            return {}
        texts = {path: read(path) or "" for pattern in facts.BOOT_FILES for path in sorted(glob.glob(pattern))}
        for path, text in list(texts.items()):
            if path.endswith((".service", "rc.local")):
                texts.update({name: read(name) or "" for name in facts.scripts(text) if name not in texts})
        return {address: facts.mentions(address, texts) for address in wanted}


def read(path: str) -> str | None:
    """The beginning of a plain file; None where there is none that can be read."""
    with contextlib.suppress(OSError):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                text = file.read(LARGEST)
            return None if b"\0" in text else text.decode("utf-8", "replace")
    return None


SPEC: dict[str, Any] = {}


def gather(module: AnsibleModule) -> dict[str, Any]:
    now = time.time()
    host = Host(module)
    addresses = host.part("addresses", host.addresses, [])
    return {
        "host": {
            "system": ", ".join(
                filter(None, [facts.release(read("/etc/os-release") or ""), f"Linux {os.uname().release}"])
            ),
            "addresses": facts.own_addresses(addresses),
            "names": sorted({name.lower() for name in (os.uname().nodename, os.uname().nodename.partition(".")[0])}),
            "boot_id": (read("/proc/sys/kernel/random/boot_id") or "").strip(),
            "interfaces": host.part("interfaces", lambda: sorted(os.listdir("/sys/class/net")), []),
            "time": now,
            "clock_offset": None,  # read_host knows both clocks
            "clock_bound": None,
            "selinux": facts.selinux(read("/sys/fs/selinux/enforce"), read("/etc/selinux/config")),
            "firewall_rules": host.part("firewall", host.firewall, None),
            "sysctl_files": host.part("sysctl files", host.sysctls, None),
            "boot_addresses": host.part("boot", lambda: host.boot(addresses), None),
            "problems": host.problems,
        },
    }
