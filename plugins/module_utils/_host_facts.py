# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What files and programs of a host say about it, as far as clusters depend on it. Pure parsers."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

ARP = ("arp_ignore", "arp_announce")
ARP_KEY = re.compile(r"net\.ipv4\.conf\.[^.=\s]{1,32}\.arp_(?:ignore|announce)")
# Where a boot reads kernel settings from; a file's name hides the same name further down.
SYSCTL_DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
SYSCTL_MAIN = "/etc/sysctl.conf"
# Where addresses come from at boot.
BOOT_FILES = (
    "/etc/network/interfaces", "/etc/network/interfaces.d/*", "/etc/sysconfig/network-scripts/ifcfg-*",
    "/etc/sysconfig/network/ifcfg-*", "/etc/netplan/*.yaml", "/etc/systemd/network/*.network",
    "/etc/NetworkManager/system-connections/*", "/etc/systemd/system/*.service", "/etc/rc.local", "/etc/rc.d/rc.local",
    "/etc/init.d/*", "/etc/mysql-ha*/*", "/etc/mysql-ha*/*/*", "/etc/keepalived/*.conf", "/etc/keepalived/*/*.conf",
)  # fmt: skip
_SCRIPT = re.compile(r"(?<![\w.])/(?:[\w.@-]{1,255}/){0,10}[\w.@-]{1,255}")


def sysctl_files(names: Iterable[str]) -> list[str]:
    """In the order in which they are read; the last one that names a key wins."""
    chosen: dict[str, str] = {}
    main = []
    for path in names:
        if path == SYSCTL_MAIN:
            main.append(path)
        else:
            name = os.path.basename(path)
            place = SYSCTL_DIRECTORIES.index(os.path.dirname(path))
            if name not in chosen or place < SYSCTL_DIRECTORIES.index(os.path.dirname(chosen[name])):
                chosen[name] = path
    return [*(chosen[name] for name in sorted(chosen)), *main]


def parse_sysctl(text: str) -> dict[str, str]:
    """Only what rules ask for: the settings of ARP."""
    found = {}
    for line in text.split("\n"):
        name, separator, value = line.strip()[:400].partition("=")
        name = name.strip().lstrip("-").replace("/", ".")
        if separator and not line.lstrip().startswith(("#", ";")) and ARP_KEY.fullmatch(name):
            found[name] = value.strip()
    return found


def release(text: str) -> str:
    """Of os-release."""
    found = dict(re.findall(r'^(\w{1,40})="?([^"\n]{0,200})"?$', text[:65536], re.MULTILINE))
    return str(found.get("PRETTY_NAME") or found.get("NAME") or "")


def selinux(enforce: str | None, configuration: str | None) -> str | None:
    """From /sys/fs/selinux/enforce and /etc/selinux/config; None where the system does not have it."""
    # A kernel may have it without a system that is made for it.
    if configuration is None or not re.search(r"^\s*SELINUX\s*=", configuration, re.MULTILINE):
        return None
    if enforce is None:
        return "disabled"
    return "enforcing" if enforce.strip() == "1" else "permissive"


def nft_rules(text: str) -> int:
    """Rules in `nft --json list ruleset` that may let in or drop. Raises ValueError."""
    entries = [entry for entry in json.loads(text).get("nftables", []) if isinstance(entry, dict)]
    kinds: dict[Any, set[str]] = {}
    for chain in (entry["chain"] for entry in entries if "chain" in entry):
        if chain.get("type"):
            kinds.setdefault((chain.get("family"), chain.get("table")), set()).add(chain["type"])
    rules = (entry["rule"] for entry in entries if "rule" in entry)
    return sum(1 for rule in rules if kinds.get((rule.get("family"), rule.get("table"))) != {"nat"})


def iptables_rules(text: str) -> int:
    """Rules in `iptables-save`, and chains that drop what no rule lets in; nat lets in and drops nothing."""
    filtering = re.sub(r"^\*nat$.*?^COMMIT$", "", text, flags=re.MULTILINE | re.DOTALL)
    return len(re.findall(r"^(?:-A |:\S+ DROP)", filtering, re.MULTILINE))


def is_built_in(module: str, builtin: str, configuration: str) -> bool | None:
    """By a kernel's modules.builtin, else by its configuration; None where neither could be read."""
    if builtin:
        return f"/{module}.ko" in builtin
    if not configuration:
        return None
    return f"CONFIG_{module.upper()}=y\n" in configuration


def mentions(address: str, files: Mapping[str, str]) -> str | None:
    """file:line of the first line that is no comment and names an address."""
    try:
        wanted = re.escape(str(ipaddress.ip_address(address)))
    except ValueError:
        return None
    pattern = re.compile(rf"(?<![\w.:]){wanted}(?![\w:]|\.\d)")
    for path, text in files.items():
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.lstrip().startswith(("#", ";")) and pattern.search(line[:4096]):
                return f"{path}:{number}"
    return None


def names(word: str, files: Mapping[str, str]) -> str | None:
    """file:line of the first line that is no comment and has a word."""
    for path, text in files.items():
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.lstrip().startswith(("#", ";")) and re.search(rf"\b{word}\b", line[:4096]):
                return f"{path}:{number}"
    return None


def networks(addresses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Which address is on which interface, without those on lo and link-local ones."""
    own = set(own_addresses(addresses))
    return [
        {name: entry[name] for name in ("interface", "address", "prefix")}
        for entry in addresses
        if entry["interface"] != "lo" and entry["address"] in own
    ]


def scripts(text: str) -> list[str]:
    """Programs that a start script or a unit names by their whole path."""
    lines = (line for line in text.split("\n") if not line.lstrip().startswith(("#", ";")))
    return list(dict.fromkeys(name for line in lines for name in _SCRIPT.findall(line[:4096])))[:200]


def own_addresses(addresses: list[dict[str, Any]]) -> list[str]:
    """All but loopback ones and those on lo, which realservers share."""
    return [
        entry["address"]
        for entry in addresses
        if entry["interface"] != "lo" and not ipaddress.ip_address(entry["address"]).is_link_local
    ]
