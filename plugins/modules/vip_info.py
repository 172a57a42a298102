#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: vip_info
short_description: Read where virtual IP addresses are, and who answers for them
version_added: 1.0.0
description:
  - Returns for each VIP on which interface of this host it is, whether it should be there, and which other hosts of the
    segment say that they have it.
  - Asks by one ARP probe without an address of the sender (RFC 5227), so nobody's tables change. For IPv6 it asks by
    one neighbour solicitation, of which the holder learns this host's own address. No traffic moves.
  - Writes nothing, and runs on hosts that this collection did not build. Never fails because something is absent or
    cannot be read; RV(problems) says what.
author:
  - opendba authors (@opendba)
options:
  vips:
    description:
      - Addresses to look for. A prefix is allowed and does not matter.
      - Without this option, those of keepalived's configuration (of VRRP instances and virtual servers), those of
        O(states), and what is on C(lo) beside the host's own.
    type: list
    elements: str
  states:
    description:
      - State of the VRRP instance that has the VIP, by address, as
        RV(opendba.mysql_ha.vrrp_info#module:vrrp.vip_states) tells it. Without it, a VIP is known to be stale only
        where keepalived does not run.
    type: dict
    default: {}
  probe:
    description:
      - Whether to ask the segment.
    type: bool
    default: true
  timeout:
    description:
      - Seconds to wait for answers, for each VIP.
    type: float
    default: 0.3
  config:
    description:
      - keepalived's main configuration file. Without it, that of the running daemon, else
        C(/etc/keepalived/keepalived.conf).
    type: path
notes:
  - Needs root to ask, and to see whether keepalived runs.
  - A router that answers ARP for others (proxy ARP) counts as a host that has the VIP.
  - A VIP on C(lo) of LVS realservers is not announced where ARP is set up as it should be; where it is not, the
    realserver counts too.
extends_documentation_fragment:
  - opendba.mysql_ha.attributes.info_module
seealso:
  - module: opendba.mysql_ha.vrrp_info
  - module: opendba.mysql_ha.lvs_info
"""

EXAMPLES = r"""
- name: Read VRRP
  opendba.mysql_ha.vrrp_info:
  register: vrrp_state

- name: Look for all VIPs of keepalived
  opendba.mysql_ha.vip_info:
    states: "{{ vrrp_state.vrrp.vip_states }}"
  register: vip_state

- name: Ask who has one address
  opendba.mysql_ha.vip_info:
    vips: [192.0.2.100]
  register: vip_state
"""

RETURN = r"""
vips:
  description: One for each VIP.
  returned: always
  type: list
  elements: dict
  contains:
    address:
      description: The address.
      type: str
    sources:
      description: Where it is known from; V(given), V(vrrp), V(virtual_server), V(lo), V(states).
      type: list
      elements: str
    at:
      description: File and line of keepalived's configuration.
      type: str
    state:
      description: What O(states) says of it.
      type: str
    here:
      description: Whether it is on an interface of this host other than C(lo).
      type: bool
    on_lo:
      description: Whether it is on C(lo).
      type: bool
    places:
      description: Where it is on this host.
      type: list
      elements: dict
      contains:
        interface:
          description: Interface.
          type: str
        label:
          description: Label; empty for IPv6.
          type: str
        prefix:
          description: Length of its prefix in bits.
          type: int
        scope:
          description: V(global), V(link) or V(host).
          type: str
        secondary:
          description: Whether another address of this network is the interface's first.
          type: bool
        usable:
          description: V(false) while IPv6 has not made sure that nobody else has it, or when somebody has.
          type: bool
    stale:
      description: Whether it is here though it should not be; V(null) when nobody says what should be.
      type: bool
    missing:
      description: Whether it is not here though VRRP leads here; V(null) when that is not known.
      type: bool
    reason:
      description: Why it is stale; empty otherwise.
      type: str
    wire:
      description: Interface that was asked on, or would be; V(null) when none is in its network.
      type: str
    others:
      description: Hardware addresses of other hosts that say they have it; V(null) when not asked.
      type: list
      elements: str
    holders:
      description: How many hosts have it, this one included; V(null) when not asked.
      type: int
    conflict:
      description: Whether more than one has it; V(null) when not asked.
      type: bool
problems:
  description: What could not be read or asked, one line each.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils._info_vip import SPEC, gather


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.exit_json(changed=False, **gather(module))


if __name__ == "__main__":
    main()
