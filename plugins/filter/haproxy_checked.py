# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: haproxy_checked
short_description: A list of what proxies offer, judged and completed
version_added: 1.0.0
author: the opendba.mysql_ha authors (@opendba)
description:
  - Fills in what C(haproxy_services) of the role P(opendba.mysql_ha.haproxy#role) leaves out and fails with one line
    for each mistake in it.
positional: _input
options:
  _input:
    description: C(haproxy_services).
    type: list
    elements: dict
    required: true
  bind:
    description: Addresses to listen on.
    type: list
    elements: str
    default: ["*"]
  max_lag:
    description: Seconds that a reader may be behind.
    type: float
    default: 10
  fallback:
    description: Whether the writer serves reads while nobody else can.
    type: bool
    default: true
  balance:
    description: How reads are spread, V(leastconn) or V(roundrobin).
    type: str
    default: leastconn
  idle_timeout:
    description: Seconds after which a silent session is ended; V(0), a minute after the default of C(wait_timeout).
    type: int
    default: 604800
  maxconn:
    description: Sessions at each of the ports.
    type: int
    default: 4000
  send_proxy:
    description: Whether the servers are told the client's address by the PROXY protocol.
    type: bool
    default: false
  accept_proxy:
    description: Whether clients tell an address by the PROXY protocol.
    type: bool
    default: false
  check_user:
    description: Account of C(check=mysql).
    type: str
    default: haproxy_check
"""

EXAMPLES = r"""
- name: Judge a list of services
  ansible.builtin.debug:
    msg: "{{ haproxy_services | opendba.mysql_ha.haproxy_checked(max_lag=5) }}"
"""

RETURN = r"""
_value:
  description: The same services with all keys.
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_services import Mistakes, checked


def haproxy_checked(services: Any, **options: Any) -> list[dict[str, Any]]:
    try:
        return checked(services, options)
    except Mistakes as mistakes:
        raise AnsibleFilterError(str(mistakes)) from None


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"haproxy_checked": haproxy_checked}
