#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Read what database clusters depend on of a host
version_added: 1.0.0
description:
  - Returns addresses, interfaces, clock, SELinux, packet filter, kernel settings of ARP that a boot will set, and which
    files bring the addresses on C(lo) back at boot.
  - Writes nothing, and runs on hosts that this collection did not build. Never fails because something is absent or
    cannot be read; RV(host.problems) says what.
author:
  - opendba authors (@opendba)
notes:
  - Needs root to see the packet filter and files that others may not read.
extends_documentation_fragment:
  - opendba.mysql_ha.attributes.info_module
seealso:
  - module: opendba.mysql_ha.lvs_info
"""

EXAMPLES = r"""
- name: Read the host
  opendba.mysql_ha.host_info:
  register: host_state

- name: Show how far its clock is from ours
  ansible.builtin.debug:
    msg: "{{ host_state.host.clock_offset }} s, give or take {{ host_state.host.clock_bound }} s"
"""

RETURN = r"""
host:
  description: What was found.
  returned: always
  type: dict
  contains:
    system:
      description: Its operating system and kernel.
      type: str
      sample: Debian GNU/Linux 13 (trixie), Linux 6.12.48
    addresses:
      description: Its addresses, VIPs too; without those on C(lo), and without link-local ones.
      type: list
      elements: str
    names:
      description: What it calls itself, in lower case.
      type: list
      elements: str
    boot_id:
      description: Changes with each boot of the kernel; the same for all inventory names of a machine.
      type: str
    interfaces:
      description: Names of its network interfaces.
      type: list
      elements: str
    time:
      description: Its clock, in seconds since 1970.
      type: float
    clock_offset:
      description: Seconds by which it is ahead of the control node's; V(null) unless M(opendba.mysql_ha.read_host)
        read it.
      type: float
    clock_bound:
      description: Seconds by which RV(host.clock_offset) may be wrong, which is half of what asking took.
      type: float
    selinux:
      description: V(enforcing), V(permissive) or V(disabled); V(null) where the system does not have it.
      type: str
    firewall_rules:
      description: Number of packet filter rules; V(null) where it cannot be seen.
      type: int
    sysctl_files:
      description: Settings of ARP (C(net.ipv4.conf.*.arp_ignore) and C(arp_announce)) in files that a boot reads.
      type: dict
    boot_addresses:
      description: By address on C(lo), the file and line that names it among those that a boot reads; V(null)
        where none does.
      type: dict
    problems:
      description: What could not be read, one line each.
      type: list
      elements: str
"""

import contextlib
import glob
import ipaddress
import os
import time
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _host_facts as facts
from ansible_collections.opendba.mysql_ha.plugins.module_utils._ip_addresses import parse_addresses

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


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    now = time.time()
    host = Host(module)
    addresses = host.part("addresses", host.addresses, [])
    module.exit_json(
        changed=False,
        host={
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
    )


if __name__ == "__main__":
    main()
