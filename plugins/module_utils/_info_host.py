# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module host_info reads."""

from __future__ import annotations

import contextlib
import glob
import gzip
import ipaddress
import os
import time
from collections.abc import Iterator
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from . import _host_facts as facts
from . import _packet_filter
from ._ip_addresses import parse_addresses

LEGACY = "/proc/net/ip_tables_names"  # there when the kernel has iptables of its own; the tables in use
LARGEST = 256 * 1024  # bytes of a file


class Host:
    """Each part is a value, or what stands for "not known"."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._filter_texts: list[str] = []
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
        """Asks only what is in the kernel: the programs would load modules."""
        counts = list(self._filters())
        known = sum(count for count in counts if count is not None)
        return None if not known and None in counts else known

    def _filters(self) -> Iterator[int | None]:
        """Rules of each packet filter; None where they cannot be seen."""
        there = self._in_kernel("nf_tables")
        if there:
            text = self.run("nft", "--json", "list", "ruleset")
            if text is not None:
                if '"xt"' in text:  # of iptables, which nft does not read
                    self._seen(self.run("iptables-nft-save") or self.run("iptables-save") or "")
                yield facts.nft_rules(self._seen(text))
            else:
                # Sees what iptables wrote, and nothing else.
                text = self._seen(self.run("iptables-nft-save") or self.run("iptables-save") or "")
                rules = facts.iptables_rules(text)
                if not rules:
                    self.problems.append("packet filter: there is no program nft")
                yield rules or None
        elif there is None:
            yield None
        if read(LEGACY):
            text = self.run("iptables-legacy-save") or self.run("iptables-save")
            yield None if text is None else facts.iptables_rules(self._seen(text))
        elif os.path.exists(LEGACY) and not os.access(LEGACY, os.R_OK):
            yield None

    def _seen(self, text: str) -> str:
        self._filter_texts.append(text)
        return text

    def filtered(self) -> dict[str, list[str]]:
        """Addresses that the filters of firewall() take for this host, or keep quiet about. Raises ValueError."""
        arp = [text for text in self._filter_texts if text.lstrip().startswith("{")]
        if self._in_kernel("arp_tables"):
            arp += [text for text in (self.run("arptables-save"), self.run("arptables", "-L", "-n")) if text]
        return {
            "redirected": [each for text in self._filter_texts for each in _packet_filter.redirected(text)],
            "arp_filtered": [each for text in arp for each in _packet_filter.quiet(text)],
        }

    def _in_kernel(self, module: str) -> bool | None:
        """Loaded, or built in, of which /sys/module does not tell; None where nothing tells."""
        if os.path.isdir(f"/sys/module/{module}"):
            return True
        release = os.uname().release
        return facts.is_built_in(
            module, read(f"/lib/modules/{release}/modules.builtin") or "",
            packed("/proc/config.gz") or read(f"/boot/config-{release}") or "",
        )  # fmt: skip

    def boot_files(self, addresses: list[dict[str, Any]]) -> dict[str, str]:
        """What brings back addresses that are there for more than the host itself; read only where there are any."""
        if not any(_is_extra(entry) for entry in addresses):
            return {}
        texts = {path: read(path) or "" for pattern in facts.BOOT_FILES for path in sorted(glob.glob(pattern))}
        for path, text in list(texts.items()):
            if path.endswith((".service", "rc.local")):
                texts.update({name: read(name) or "" for name in facts.scripts(text) if name not in texts})
        return texts


def _is_extra(entry: dict[str, Any]) -> bool:
    """On lo, or without a network of its own."""
    address = ipaddress.ip_address(entry["address"])
    return not address.is_loopback and (entry["interface"] == "lo" or entry["prefix"] == address.max_prefixlen)


def packed(path: str) -> str | None:
    """A plain file that is compressed."""
    with contextlib.suppress(OSError, EOFError), gzip.open(path) as file:
        return file.read(4 * LARGEST).decode("utf-8", "replace")
    return None


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
    files = host.part("boot", lambda: host.boot_files(addresses), None)
    on_lo = [entry["address"] for entry in addresses if entry["interface"] == "lo" and _is_extra(entry)]
    return {
        "host": {
            "system": ", ".join(
                filter(None, [facts.release(read("/etc/os-release") or ""), f"Linux {os.uname().release}"])
            ),
            "addresses": facts.own_addresses(addresses),
            "networks": facts.networks(addresses),
            "names": sorted({name.lower() for name in (os.uname().nodename, os.uname().nodename.partition(".")[0])}),
            "boot_id": (read("/proc/sys/kernel/random/boot_id") or "").strip(),
            "interfaces": host.part("interfaces", lambda: sorted(os.listdir("/sys/class/net")), []),
            "time": now,
            "clock_offset": None,  # read_host knows both clocks
            "clock_bound": None,
            "selinux": facts.selinux(read("/sys/fs/selinux/enforce"), read("/etc/selinux/config")),
            "firewall_rules": host.part("firewall", host.firewall, None),
            **host.part("packet filter", host.filtered, {"redirected": None, "arp_filtered": None}),
            "sysctl_files": host.part("sysctl files", host.sysctls, None),
            "boot_addresses": None if files is None else {each: facts.mentions(each, files) for each in on_lo},
            "boot_arp": None if files is None else {each: facts.names(each, files) for each in facts.ARP},
            "problems": host.problems,
        },
    }
