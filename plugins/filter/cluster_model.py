# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster_model
short_description: Validates the inventory and derives the model of every cluster
version_added: 1.0.0
author: the opendba.mysql_ha authors (@opendba)
description:
  - Reads the variables and network facts of all hosts of the group C(mysql), checks them against each other, and
    derives members, peers, server ids and VRRP priorities.
  - The role P(opendba.mysql_ha.cluster#role) sets the result as the fact C(cluster_model) on every host.
  - Changes nothing and connects to nothing.
positional: _input, groups, play_hosts
options:
  _input:
    description: Ansible's C(hostvars).
    type: dict
    required: true
  groups:
    description: Ansible's C(groups). One group below C(mysql) is one cluster.
    type: dict
    required: true
  play_hosts:
    description:
      - Names of the hosts of this run, that is C(ansible_play_hosts_all).
      - A cluster must be in it as a whole or not at all.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Judge the inventory
  ansible.builtin.debug:
    msg: "{{ (hostvars | opendba.mysql_ha.cluster_model(groups, ansible_play_hosts_all)).errors }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The models, or all that is wrong.
  type: dict
  contains:
    models:
      description: By inventory name the dictionary C(cluster_model). Empty when there are errors.
      type: dict
    directors:
      description: By inventory name the dictionary C(cluster_director_model). Empty when there are errors.
      type: dict
    proxies:
      description: By inventory name the dictionary C(cluster_proxy_model). Empty when there are errors.
      type: dict
    errors:
      description: One line for each finding, naming hosts, variable and the mend. Holds no secrets.
      type: list
      elements: str
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.opendba.mysql_ha.plugins.module_utils._model import INSTANCES_GROUP, JUDGED, derive
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_director import (
    DIRECTOR_VARIABLES,
    DIRECTORS_GROUP,
)
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_input import VARIABLES, Variable
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_names import OWN_NAMES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_proxy import PROXIES_GROUP, PROXY_VARIABLES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_specified import checkable
from ansible_collections.opendba.mysql_ha.plugins.plugin_utils._declared import read_declared


def cluster_model(hostvars: Mapping[str, Any], groups: Any, play_hosts: Any) -> dict[str, Any]:
    names_by_group = _plain(groups)
    play = _plain(play_hosts)
    tables = {DIRECTORS_GROUP: DIRECTOR_VARIABLES, INSTANCES_GROUP: VARIABLES, PROXIES_GROUP: PROXY_VARIABLES}
    # A host may be in several of these groups.
    wanted: dict[str, dict[str, Variable]] = {}
    for group, table in tables.items():
        for name in names_by_group.get(group, []):
            wanted.setdefault(name, {}).update({variable.name: variable for variable in table})
    declared = read_declared()
    hosts = {name: _host(hostvars[name], name in play, tuple(wanted[name].values())) for name in wanted}
    for name in wanted:
        if name in play:
            hosts[name]["names"] = [str(variable) for variable in hostvars[name]]
            hosts[name]["variables"].update(_readable(hostvars[name], (OWN_NAMES, *checkable(declared, JUDGED))))
    result = derive(hosts, names_by_group, play, declared)
    return {
        "models": result.models, "directors": result.directors, "proxies": result.proxies,
        "errors": result.problems.lines(),
    }  # fmt: skip


def _host(variables: Mapping[str, Any], in_play: bool, table: Sequence[Variable]) -> dict[str, Any]:
    """What the model wants to know of a host. The secrets of hosts outside the play are left alone."""
    values: dict[str, Any] = {}
    unreadable: dict[str, str] = {}
    for variable in table:
        if variable.name in variables and (in_play or not variable.secret):
            # One host's broken template is one line of the report, not the end of it. What can be raised here differs
            # between versions of Ansible and includes errors of lookups and of vault.
            try:
                values[variable.name] = _plain(variables[variable.name])
            except Exception as error:
                unreadable[variable.name] = " ".join(str(error).split())[:200] or type(error).__name__
    return {"variables": values, "unreadable": unreadable, "interfaces": _interfaces(variables)}


def _readable(variables: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Those that are given and can be read now; others may refer to facts that a role sets later."""
    values = {}
    for name in names:
        if name in variables:
            with contextlib.suppress(Exception):
                values[name] = _plain(variables[name])
    return values


def _interfaces(variables: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The addresses in the facts; None where facts are missing."""
    facts = _plain(variables.get("ansible_facts", {}))
    if "interfaces" not in facts:
        return None
    # Facts are named after interfaces with - and : replaced; the name itself is in `device`.
    devices = [facts.get(name.replace("-", "_").replace(":", "_"), {}) for name in facts["interfaces"]]
    return [
        {
            "name": str(device["device"]),
            "address": str(entry["address"]),
            "prefix": int(entry["prefix"]),
            "primary": entry is device.get("ipv4"),
        }
        for device in devices
        if "device" in device
        for entry in [device.get("ipv4"), *device.get("ipv4_secondaries", []), *device.get("ipv6", [])]
        if entry
    ]


def _plain(value: Any) -> Any:
    """Without Ansible's tags and lazy containers, which carry their templates and origins along."""
    if value is None or isinstance(value, bool):
        return value
    for scalar in (int, float, str):
        if isinstance(value, scalar):
            return scalar(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not hasattr(value, "__ENCRYPTED__"):
        return [_plain(entry) for entry in value]
    # A vaulted string of ansible-core before 2.19 decrypts itself here, an undefined value raises, a date becomes text.
    return str(value)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"cluster_model": cluster_model}
