#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: lvs_info
short_description: Read the IPVS table of a director and the VIPs and ARP settings of a realserver
version_added: 1.0.0
description:
  - Returns what a host does in LVS, as director, as realserver, or neither, as data.
  - Writes nothing, and runs on hosts that this collection did not build. It loads no kernel module.
  - Never fails because something is absent or cannot be read; V(lvs.problems) says what.
author:
  - opendba authors (@opendba)
notes:
  - Needs root to see the IPVS table. Timeouts, the sync daemon and the seconds of persistence are read with C(ipvsadm),
    where it is installed.
extends_documentation_fragment:
  - opendba.mysql_ha.attributes.info_module
seealso:
  - module: opendba.mysql_ha.replication_info
"""

EXAMPLES = r"""
- name: Read LVS
  opendba.mysql_ha.lvs_info:
  register: lvs_state

- name: Show the servers of the first service
  ansible.builtin.debug:
    msg: "{{ lvs_state.lvs.services[0].servers }}"
"""

RETURN = r"""
lvs:
  description: What was found.
  returned: always
  type: dict
  contains:
    available:
      description: Whether the kernel has IPVS in use, as module or built in.
      type: bool
    problems:
      description: What could not be read, one line each. The values concerned are then V(null) or empty.
      type: list
      elements: str
    version:
      description: Version of IPVS.
      type: str
      sample: 1.2.1
    size:
      description: Number of buckets of the table of connections.
      type: int
    services:
      description: What this host offers.
      type: list
      elements: dict
      contains:
        protocol:
          description: V(tcp), V(udp) or V(sctp); V(null) for a service that is told by a firewall mark.
          type: str
        address:
          description: The VIP; V(null) with a firewall mark.
          type: str
        port:
          description: Its port; V(null) with a firewall mark.
          type: int
        mark:
          description: The firewall mark; V(null) without one.
          type: int
        scheduler:
          description: How connections are spread.
          type: str
        persistent:
          description: Whether a client stays with its server for a time.
          type: bool
        persistence_timeout:
          description: That time, in seconds; V(0) for none, V(null) where C(ipvsadm) is missing.
          type: int
        servers:
          description: The servers that get connections.
          type: list
          elements: dict
          contains:
            address:
              description: Address of the server.
              type: str
            port:
              description: Its port.
              type: int
            forward:
              description: V(route) (direct routing), V(tunnel), V(masq) (NAT) or V(local).
              type: str
            weight:
              description: Its share; V(0), no new connections.
              type: int
            active:
              description: Connections that are established.
              type: int
            inactive:
              description: Connections in other states, most of them closed.
              type: int
    timeouts:
      description: After how many seconds connections are forgotten; V(null) where C(ipvsadm) is missing.
      type: dict
      contains:
        tcp:
          description: Seconds without a packet of an established one.
          type: int
        tcp_fin:
          description: Seconds after it was closed.
          type: int
        udp:
          description: Seconds without a packet of UDP.
          type: int
    sync:
      description: The daemons that tell other directors of connections, or hear of them; V(null) where C(ipvsadm) is
        missing.
      type: list
      elements: dict
      contains:
        state:
          description: V(master), it tells; V(backup), it hears.
          type: str
        interface:
          description: Interface of the multicasts.
          type: str
        sync_id:
          description: Number by which groups of directors are told apart.
          type: int
    settings:
      description: Sysctls below C(net.ipv4.vs) that say what becomes of connections to servers that left.
      type: dict
      contains:
        expire_nodest_conn:
          description: V(1), they end at once; V(0), their packets are dropped until they time out.
          type: int
        expire_quiescent_template:
          description: V(1), persistent clients leave a server with weight 0; V(0), they stay.
          type: int
    lo:
      description: Addresses on C(lo) other than those of the host itself; V(null) where they cannot be read.
      type: list
      elements: dict
      contains:
        address:
          description: The address.
          type: str
        prefix:
          description: Its prefix; anything but V(32) or V(128) makes a whole subnet local.
          type: int
        label:
          description: Its label; empty for IPv6.
          type: str
    arp:
      description: What the host answers, and tells, by ARP; by interface, those that differ from V(0). The greater one
        of C(all) and the interface that is asked on counts, of which a realserver needs V(1) and V(2).
      type: dict
      contains:
        all:
          description: For all interfaces, C(arp_ignore) and C(arp_announce).
          type: dict
        lo:
          description: For C(lo), C(arp_ignore) and C(arp_announce).
          type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils._info_lvs import SPEC, gather


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.exit_json(changed=False, **gather(module))


if __name__ == "__main__":
    main()
