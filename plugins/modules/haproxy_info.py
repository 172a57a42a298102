#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_info
short_description: Read what HAProxy is told to do, and what it thinks of its servers
version_added: 1.0.0
description:
  - Returns the proxies, servers and sessions of a running HAProxy, from its runtime socket, as data; and its
    configuration, with the place of each value. Passwords are never returned.
  - Writes nothing, and runs on hosts that this collection did not build.
  - Never fails because something is absent or cannot be read; V(haproxy.problems) says what.
author:
  - opendba authors (@opendba)
options:
  socket:
    description:
      - The runtime socket (C(stats socket) in HAProxy's configuration).
      - Without it, those of the configuration, the one of the role P(opendba.mysql_ha.haproxy#role), those of the
        distributions; the first one that is there.
    type: path
  config:
    description:
      - Configuration file, or a directory with several. Without it, those of the running HAProxy, else
        C(/etc/haproxy/haproxy.cfg).
    type: path
  timeout:
    description: Seconds to wait for each answer.
    type: float
    default: 3
notes:
  - Needs a user who may use the socket, in general root.
extends_documentation_fragment:
  - opendba.mysql_ha.attributes.info_module
seealso:
  - module: opendba.mysql_ha.lvs_info
  - module: opendba.mysql_ha.replication_info
"""

EXAMPLES = r"""
- name: Read HAProxy
  opendba.mysql_ha.haproxy_info:
  register: haproxy_seen

- name: Show who is up
  ansible.builtin.debug:
    msg: "{{ servers | selectattr('up') | map(attribute='name') }}"
  vars:
    servers: "{{ haproxy_seen.haproxy.proxies | map(attribute='servers') | flatten }}"
"""

RETURN = r"""
haproxy:
  description: What was found.
  returned: always
  type: dict
  contains:
    available:
      description: Whether a HAProxy answered.
      type: bool
    installed:
      description: Version of the program on the host; V(null) where there is none.
      type: str
      sample: 3.2.26-1
    running:
      description: Whether it runs on this host, containers left out.
      type: bool
    configuration:
      description: What the configuration means; V(null) where there is none that can be read.
      type: dict
      contains:
        files:
          description: Files that were read, in order.
          type: list
          elements: str
        proxies:
          description:
            - Sections C(listen), C(frontend) and C(backend) with what they inherit. C(name), C(type), C(at) (file and
              line), C(mode), C(binds), C(timeouts) (C(ms), milliseconds), C(check), C(servers) (C(address), C(port),
              C(weight), C(check), C(agent), C(track), C(check_port), C(interval_ms), C(fast_ms), C(fall), C(backup),
              C(disabled), C(ends_sessions), C(ends_backup_sessions), and of C(server-template) its C(template)),
              C(default_backend), whether clients are refused by who they are (C(guarded)), and of C(stats) whether a
              password is required, whether it is a well-known one, and whether servers may be changed (C(admin)).
            - Read as HAProxy reads it, with quotes, variables of its environment, and blocks between C(.if) and
              C(.endif). One that cannot be decided is among the problems.
          type: list
          elements: dict
        sockets:
          description: Where the process takes commands, each with C(address), C(path), C(level), C(public) (other hosts
            reach it), C(open_to_all) (all accounts of the host may write to it) and C(at).
          type: list
          elements: dict
        secrets:
          description: Lines that hold a password, each with its C(kind) and C(at). The passwords are not returned.
          type: list
          elements: dict
        files_for_all:
          description: Those of the files that every account of the host may read.
          type: list
          elements: str
    socket:
      description: The socket that was asked; V(null) where there is none.
      type: str
    problems:
      description: What could not be read, one line each.
      type: list
      elements: str
    info:
      description: The process itself; V(null) where it did not answer.
      type: dict
      contains:
        name:
          description: Its name.
          type: str
        version:
          description: The version that runs.
          type: str
        node:
          description: Name of the host as HAProxy knows it.
          type: str
        pid:
          description: Process id of the worker.
          type: int
        uptime:
          description: Seconds since it was started or reloaded.
          type: int
        threads:
          description: Number of threads.
          type: int
        maxconn:
          description: Sessions that the whole process takes.
          type: int
        ulimit:
          description: File descriptors that it may have.
          type: int
        sessions:
          description: Sessions now.
          type: int
        total_sessions:
          description: Sessions since its start.
          type: int
        stopping:
          description: V(1), it takes no new sessions.
          type: int
    proxies:
      description: Everything that HAProxy calls a proxy.
      type: list
      elements: dict
      contains:
        name:
          description: Its name.
          type: str
        frontend:
          description: The side of the clients, V(null) without one, with C(status), C(sessions), C(most_sessions),
            C(limit), C(total_sessions) and C(mode).
          type: dict
        backend:
          description: The side of the servers, with the same keys.
          type: dict
        servers:
          description: Its servers.
          type: list
          elements: dict
          contains:
            name:
              description: Name of the server.
              type: str
            address:
              description: Address and port.
              type: str
            status:
              description: As HAProxy says it, for example V(UP), V(DOWN), V(MAINT), V(DRAIN), V(no check).
              type: str
            up:
              description: Whether it counts as alive. So does one that is drained, by its weight of 0 or by hand.
              type: bool
            takes_sessions:
              description: Whether it gets new sessions, that is whether it is alive and not drained.
              type: bool
            weight:
              description: Its share.
              type: int
            sessions:
              description: Sessions now.
              type: int
            total_sessions:
              description: Sessions since HAProxy was started or reloaded.
              type: int
            check:
              description: Result of the last check, for example V(L7OK), V(L7STS), V(L4CON).
              type: str
            check_code:
              description: The status with which it was answered.
              type: int
            check_text:
              description: The same in words.
              type: str
            seconds_in_status:
              description: Seconds since the status changed.
              type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils._info_haproxy import SPEC, gather


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.exit_json(changed=False, **gather(module))


if __name__ == "__main__":
    main()
