#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_info
short_description: Read what HAProxy thinks of its servers
version_added: 1.0.0
description:
  - Returns the proxies, servers and sessions of a running HAProxy, from its runtime socket, as data.
  - Writes nothing, and runs on hosts that this collection did not build.
  - Never fails because something is absent or cannot be read; V(haproxy.problems) says what.
author:
  - opendba authors (@opendba)
options:
  socket:
    description:
      - The runtime socket (C(stats socket) in HAProxy's configuration).
      - Without it, the one of the role P(opendba.mysql_ha.haproxy#role), else those of the distributions.
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

import socket as sockets
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_stats import (
    LARGEST,
    Unreadable,
    parse_info,
    parse_stat,
    parse_version,
)

SOCKETS = (
    "/run/mysql-ha-haproxy/admin.sock", "/run/haproxy/admin.sock", "/run/haproxy.sock", "/var/lib/haproxy/stats",
    "/var/run/haproxy.sock",
)  # fmt: skip


def ask(path: str, command: str, timeout: float) -> bytes:
    """Raises OSError and Unreadable."""
    end = time.monotonic() + timeout
    received = bytearray()
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(path)
        connection.sendall(f"{command}\n".encode())
        while len(received) <= LARGEST:
            left = end - time.monotonic()
            if left <= 0:
                raise Unreadable(f"no whole answer to `{command}` within {timeout:g} s")
            connection.settimeout(left)
            data = connection.recv(65536)
            if not data:
                break
            received += data
    return bytes(received)


def main() -> None:
    module = AnsibleModule(
        argument_spec={"socket": {"type": "path"}, "timeout": {"type": "float", "default": 3.0}},
        supports_check_mode=True,
    )
    found: dict[str, Any] = {
        "available": False, "installed": None, "socket": None, "problems": [], "info": None, "proxies": [],
    }  # fmt: skip
    program = module.get_bin_path("haproxy", opt_dirs=["/usr/sbin", "/usr/local/sbin"])
    if program:
        _status, output, _errors = module.run_command([program, "-v"])
        found["installed"] = parse_version(output)
    wanted = module.params["socket"]
    path = wanted or next((name for name in SOCKETS if Path(name).is_socket()), None)
    found["socket"] = path
    if path is None:
        found["problems"].append("no runtime socket was found")
    else:
        try:
            found["info"] = parse_info(ask(path, "show info", module.params["timeout"]))
            found["proxies"] = parse_stat(ask(path, "show stat", module.params["timeout"]))
            found["available"] = True
        except (OSError, Unreadable) as error:
            found["problems"].append(f"{path}: {error}")
    module.exit_json(changed=False, haproxy=found)


if __name__ == "__main__":
    main()
