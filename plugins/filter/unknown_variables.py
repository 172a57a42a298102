# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistyped variables of a playbook that needs no model, as lines of text."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unknown_variables
short_description: Variables that this collection does not know, and those that were probably meant
version_added: 1.0.0
author: the opendba.mysql_ha authors (@opendba)
description:
  - Looks at names only. The role P(opendba.mysql_ha.cluster#role) does the same for all variables of a cluster; this is
    for playbooks that also read hosts of others.
positional: _input, prefixes
options:
  _input:
    description: The variables of a host, that is C(hostvars[inventory_hostname]).
    type: dict
    required: true
  prefixes:
    description: Beginnings of the names to look at.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse mistyped variables
  ansible.builtin.assert:
    that: (hostvars[inventory_hostname] | opendba.mysql_ha.unknown_variables(['audit_'])) | length == 0
"""

RETURN = r"""
_value:
  description: One line for each.
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_input import Problems
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_names import OWN_NAMES, check_names
from ansible_collections.opendba.mysql_ha.plugins.plugin_utils._declared import read_declared


def unknown_variables(variables: Mapping[str, Any], prefixes: Sequence[str]) -> list[str]:
    names = [str(name) for name in variables if str(name).startswith(tuple(prefixes))]
    own = variables.get(OWN_NAMES, [])
    host = str(variables["inventory_hostname"])
    problems = Problems()
    check_names({host: {"names": names, "variables": {OWN_NAMES: own}}}, [host], read_declared(), problems)
    return problems.lines()


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"unknown_variables": unknown_variables}
