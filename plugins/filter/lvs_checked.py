# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: lvs_checked
short_description: A list of LVS services, judged and completed
version_added: 1.0.0
author: the opendba.mysql_ha authors (@opendba)
description:
  - Fills in what C(lvs_director_services) leaves out and fails with one line for each mistake in it.
positional: _input
options:
  _input:
    description: C(lvs_director_services).
    type: list
    elements: dict
    required: true
  scheduler:
    description: IPVS scheduler of services that name none.
    type: str
    default: wlc
  persistence_timeout:
    description: The same for the seconds for which a client stays with its server.
    type: int
    default: 0
  max_lag:
    description: The same for the seconds that a server may be behind.
    type: float
    default: 10
  sorry_server:
    description: The same for the last resort.
    type: str
    default: ""
  quorum:
    description: The same for the sum of weights below which the sorry server takes over.
    type: int
    default: 1
"""

EXAMPLES = r"""
- name: Judge a list of services
  ansible.builtin.debug:
    msg: "{{ lvs_director_services | opendba.mysql_ha.lvs_checked(max_lag=5) }}"
"""

RETURN = r"""
_value:
  description: The same services with all keys.
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.opendba.mysql_ha.plugins.module_utils._lvs_services import Mistakes, checked


def lvs_checked(services: Any, **options: Any) -> list[dict[str, Any]]:
    if options.get("sorry_server") == "writer":
        options["sorry_server"] = ""  # only clusters have one
    try:
        return checked(services, options)
    except Mistakes as mistakes:
        raise AnsibleFilterError(str(mistakes)) from None


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"lvs_checked": lvs_checked}
