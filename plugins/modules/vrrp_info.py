#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_info
short_description: Read VRRP instances, daemon and configuration of keepalived
version_added: 1.0.0
description:
  - Returns what keepalived is told to do and what it does, as data, on hosts that this collection did not build.
  - Asks the running daemon by the signals that make it write its state, where its version is known and the kernel
    says that it survives them. What it wrote is read only when it is the daemon's own new file, and taken away again
    when no such file was there before. Otherwise, and in check mode, state comes from addresses and journal.
  - Never fails because something is absent or cannot be read; RV(vrrp.problems) says what.
  - Passwords are never returned.
author:
  - opendba authors (@opendba)
options:
  dump:
    description:
      - Whether the running daemon may be asked by signals. V(false) sends none; nor does check mode.
    type: bool
    default: true
  wait:
    description:
      - Seconds to wait for what the daemon writes.
    type: float
    default: 1
  config:
    description:
      - Main configuration file. Without it, that of the running daemon, else C(/etc/keepalived/keepalived.conf).
    type: path
notes:
  - Needs root to see the daemon's files and processes.
  - Written for keepalived 1.2 to 2.3. What 2.2.7 and 2.3.4 write was recorded; that of others was taken from their
    source.
extends_documentation_fragment:
  - opendba.mysql_ha.attributes.info_module
seealso:
  - module: opendba.mysql_ha.vip_info
  - module: opendba.mysql_ha.lvs_info
"""

EXAMPLES = r"""
- name: Read VRRP
  opendba.mysql_ha.vrrp_info:
  register: vrrp_state

- name: Read it without asking the daemon
  opendba.mysql_ha.vrrp_info:
    dump: false
  register: vrrp_state

- name: Show who leads
  ansible.builtin.debug:
    msg: "{{ vrrp_state.vrrp.instances | items2dict(key_name='name', value_name='state') }}"
"""

RETURN = r"""
vrrp:
  description: What was found.
  returned: always
  type: dict
  contains:
    installed:
      description: Whether there is a program C(keepalived).
      type: bool
    running:
      description: Whether it runs here, containers left out; V(null) where that cannot be seen, or where it runs in a
        container with the network of the host.
      type: bool
    version:
      description: Version of the installed program.
      type: str
      sample: 2.3.4
    problems:
      description: What could not be read, one line each.
      type: list
      elements: str
    unit:
      description: What systemd says of C(keepalived.service); empty without systemd or the unit.
      type: dict
      contains:
        ActiveState:
          description: V(active), V(inactive) or V(failed).
          type: str
        UnitFileState:
          description: V(enabled) when it starts at boot.
          type: str
        Restart:
          description: What follows when it ends by itself; V(no) leaves its VIPs behind.
          type: str
        FragmentPath:
          description: File of the unit.
          type: str
        DropInPaths:
          description: Files that change it.
          type: str
        NRestarts:
          description: How often it was started again.
          type: str
    config_check:
      description: What C(keepalived --config-test) says; V(null) where the version has no such test.
      type: dict
      contains:
        status:
          description: Its exit status; V(0), passed; V(5), scripts without script security.
          type: int
        messages:
          description: What it said.
          type: list
          elements: str
    instances:
      description:
        - One for each VRRP instance, of the daemon first, then those that are only configured.
        - Values are V(null) where no source tells them.
      type: list
      elements: dict
      contains:
        name:
          description: Its name.
          type: str
        state:
          description: V(MASTER), V(BACKUP), V(FAULT), V(INIT) or V(STOP); V(null) when nobody knows or nothing runs.
          type: str
        priority:
          description: Base priority, 1 to 255.
          type: int
        effective_priority:
          description: The priority with the weights of what is tracked.
          type: int
        interface:
          description: Interface of the advertisements.
          type: str
        virtual_router_id:
          description: Virtual router ID, 1 to 255.
          type: int
        version:
          description: VRRP version, V(2) or V(3).
          type: int
        advert_int:
          description: Seconds between advertisements.
          type: float
        nopreempt:
          description: Whether it leaves a lower master alone.
          type: bool
        auth_type:
          description: V(PASS), V(AH) or V(null).
          type: str
        source_address:
          description: Address that its advertisements come from.
          type: str
        peers:
          description: Unicast peers; empty with multicast.
          type: list
          elements: str
        vips:
          description: Its addresses, each with C(address), C(prefix), C(interface) and C(label).
          type: list
          elements: dict
        excluded_vips:
          description: Addresses that move along but are not advertised.
          type: list
          elements: dict
        tracked:
          description: What it tracks; C(kind) (V(script), V(file), V(interface), V(process) or V(bfd)), C(name),
            C(weight) (V(0), failing is FAULT) and C(state) as the daemon says it (V(GOOD) or V(BAD) of a script, the
            number in a file).
          type: list
          elements: dict
        untracked:
          description: What the configuration says is tracked and the daemon does not track, because it was defined
            too late, is missing, or was refused as insecure.
          type: list
          elements: dict
        master_address:
          description: The master that a backup hears.
          type: str
        master_priority:
          description: Its priority.
          type: int
        last_transition:
          description: When the state last changed, in seconds since 1970.
          type: float
        counters:
          description: Advertisements and errors, counted since the daemon's start.
          type: dict
        loaded:
          description: Whether the running daemon has this instance; V(null) when it was not asked.
          type: bool
        sources:
          description: Where each value came from, by its name; V(json) or V(text) (the daemon's own word),
            V(configuration), V(journal) or V(addresses).
          type: dict
    vip_states:
      description: State of the instance of each VIP, by address; the option O(opendba.mysql_ha.vip_info#module:states).
      type: dict
    configuration:
      description: What the configuration means; V(null) where it cannot be read. Every entry has its place, C(at),
        as file and line.
      type: dict
      contains:
        files:
          description: Files that were read, in order.
          type: list
          elements: str
        problems:
          description: What keepalived reads otherwise than it was written, with file and line; blocks that do not end,
            files that are not there.
          type: list
          elements: str
        ignored:
          description: What keepalived drops, each with C(kind), C(at) and C(text). The kind is V(sign) for invisible
            and typographic signs, V(keyword) for unknown keywords, and V(name) for second definitions of a name.
          type: list
          elements: dict
        statements:
          description: The configuration as keepalived of this host uses it, each statement with C(words), C(at),
            C(condition) and C(block). Lines of other hosts are left out, and parameters are put in.
          type: list
          elements: dict
        global:
          description: Script security, its user, LVS timeouts and the like.
          type: dict
        instances:
          description: VRRP instances; C(auth_pass) as its length, and whether it is one of those in every tutorial.
          type: list
          elements: dict
        scripts:
          description: Checks with command, interval and timeout (seconds), weight, rise and fall.
          type: list
          elements: dict
        track_files:
          description: Tracked files.
          type: list
          elements: dict
        track_processes:
          description: Tracked processes.
          type: list
          elements: dict
        sync_groups:
          description: Instances that move together, and what they track together.
          type: list
          elements: dict
        virtual_servers:
          description: LVS services with their servers and checks, one for each address of a group; timeouts in
            seconds.
          type: list
          elements: dict
    programs:
      description: What keepalived runs, with C(kind) (V(check), V(notify) or V(misc_check)), C(of), C(command), C(at),
        C(user) as whom, C(dropped) (whether keepalived drops words of it, because it has no quotes), C(path) (behind a
        shell, C(sudo) and the like the script), C(exists), C(executable), C(writable_by_others) and C(open_at) (the
        file or directory that others may write), C(kills_keepalived) (file and line, or V(null)), C(looks_at)
        (V(process), V(port) or V(answer) where it asks nothing else), and the C(addresses) that it names.
      type: list
      elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils._info_vrrp import SPEC, gather


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.exit_json(changed=False, **gather(module))


if __name__ == "__main__":
    main()
