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
    networks:
      description: The same addresses with their RV(host.networks[].interface) and RV(host.networks[].prefix).
      type: list
      elements: dict
      contains:
        interface:
          description: Name of the interface.
          type: str
        address:
          description: The address.
          type: str
        prefix:
          description: Length of its network's prefix.
          type: int
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
      description: Number of packet filter rules, without those that only translate addresses; V(null) where it cannot
        be seen.
      type: int
    redirected:
      description: Addresses whose packets the packet filter gives to this host (C(REDIRECT), C(DNAT), C(TPROXY));
        V(null) where that cannot be seen.
      type: list
      elements: str
    arp_filtered:
      description: Addresses for which a filter drops ARP requests (arptables, nft's family arp); V(null) where that
        cannot be seen.
      type: list
      elements: str
    sysctl_files:
      description: Settings of ARP (C(net.ipv4.conf.*.arp_ignore) and C(arp_announce)) in files that a boot reads.
      type: dict
    boot_addresses:
      description: By address on C(lo), the file and line that names it among those that a boot reads; V(null)
        where none does.
      type: dict
    boot_arp:
      description: Of C(arp_ignore) and C(arp_announce), the file and line among the same files that sets it; V(null)
        where none does. Looked up where there are addresses on C(lo), or some without a network.
      type: dict
    problems:
      description: What could not be read, one line each.
      type: list
      elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils._info_host import SPEC, gather


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.exit_json(changed=False, **gather(module))


if __name__ == "__main__":
    main()
