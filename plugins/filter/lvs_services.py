# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: lvs_services
short_description: The services of LVS directors, from the clusters' models
version_added: 1.0.0
author: the opendba.mysql_ha authors (@opendba)
description:
  - Makes of each cluster that has reader VIPs one service, in the form of C(lvs_director_services) of the role
    P(opendba.mysql_ha.lvs_director#role).
positional: _input
options:
  _input:
    description: C(cluster_director_model.clusters).
    type: list
    elements: dict
    required: true
  scheduler:
    description: IPVS scheduler.
    type: str
    default: wlc
  persistence_timeout:
    description: Seconds for which a client stays with its server.
    type: int
    default: 0
  max_lag:
    description: Seconds that a server may be behind.
    type: float
    default: 10
  sorry_server:
    description: The last resort, an address, or V(writer) for whoever holds the cluster's writer VIP.
    type: str
    default: ""
  quorum:
    description: The sum of weights below which the sorry server takes over.
    type: int
    default: 1
"""

EXAMPLES = r"""
- name: Show what the director would offer
  ansible.builtin.debug:
    msg: "{{ cluster_director_model.clusters | opendba.mysql_ha.lvs_services(scheduler='wrr') }}"
"""

RETURN = r"""
_value:
  description: The services, each with C(name), C(vips), C(port), C(servers) and how they are balanced and checked.
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.opendba.mysql_ha.plugins.module_utils._lvs_services import Mistakes, services_of


def lvs_services(clusters: Sequence[Mapping[str, Any]], **options: Any) -> list[dict[str, Any]]:
    try:
        return services_of(clusters, options)
    except Mistakes as mistakes:
        raise AnsibleFilterError(str(mistakes)) from None


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"lvs_services": lvs_services}
