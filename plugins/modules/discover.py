#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: discover
short_description: Write an inventory of clusters out of what the info modules returned
version_added: 1.0.0
description:
  - Writes C(hosts.yml) and C(group_vars) on the control node, in the variables of this collection, for the clusters
    that the hosts form. Runs there alone and asks no host; the playbook C(opendba.mysql_ha.discover) does all of it.
  - Files that are there and say something else are never overwritten. Secrets are never written.
author:
  - opendba authors (@opendba)
options:
  hosts:
    description:
      - Inventory names, at least one. Of each of them what M(opendba.mysql_ha.read_host) returned, with its
        O(opendba.mysql_ha.read_host#module:settings), is read from the variable C(audit_read).
    type: list
    elements: str
    required: true
  directory:
    description:
      - Directory of the control node for the inventory, relative to the current one. It is made when it is missing.
    type: path
    required: true
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff
      mode.
    support: full
"""

EXAMPLES = r"""
- name: Write what was seen
  opendba.mysql_ha.discover:
    hosts: "{{ groups.all }}"
    directory: "{{ playbook_dir }}/discovered"
  register: discovered
"""

RETURN = r"""
files:
  description: The files of the inventory.
  returned: always
  type: list
  elements: str
choices:
  description: What a person has to decide before the inventory is used, one line each.
  returned: always
  type: list
  elements: str
"""
