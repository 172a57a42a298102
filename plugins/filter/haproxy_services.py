# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: haproxy_services
short_description: What proxies offer, from the clusters' models
version_added: 1.0.0
author: the opendba.mysql_ha authors (@opendba)
description:
  - Makes of each cluster one service with a port for writes and a port for reads, in the form of C(haproxy_services) of
    the role P(opendba.mysql_ha.haproxy#role).
positional: _input
options:
  _input:
    description: C(cluster_proxy_model.clusters).
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
    description: Seconds after which a silent session is ended; V(0), a minute after the servers' C(wait_timeout).
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
- name: Show what the proxies would offer
  ansible.builtin.debug:
    msg: "{{ cluster_proxy_model.clusters | opendba.mysql_ha.haproxy_services(balance='roundrobin') }}"
"""

RETURN = r"""
_value:
  description: The services, each with C(name), C(writer_port), C(reader_port), C(servers) and how they are checked.
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_services import Mistakes, services_of


def haproxy_services(clusters: Sequence[Mapping[str, Any]], **options: Any) -> list[dict[str, Any]]:
    try:
        return services_of(clusters, options)
    except Mistakes as mistakes:
        raise AnsibleFilterError(str(mistakes)) from None


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"haproxy_services": haproxy_services}
