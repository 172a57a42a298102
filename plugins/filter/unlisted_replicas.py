# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who receives the binary log of an instance without being in the inventory, as lines of text."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unlisted_replicas
short_description: Who receives the binary log of an instance without being in the inventory
version_added: 1.0.0
author: the opendba.mysql_ha authors (@opendba)
description:
  - One line for each, with the commands that stop a member that was taken out of the inventory. A replica or tool with
    an account of its own is named for what it is.
options:
  _input:
    description: Connections to which the binary log is sent, each with C(user), C(host) and C(uuid).
    type: list
    elements: dict
    required: true
  source:
    description: Name of the instance.
    type: str
    required: true
  members:
    description: The members of its cluster, each with C(address).
    type: list
    elements: dict
    required: true
  uuids:
    description: The UUIDs of the members' servers.
    type: list
    elements: str
    required: true
  account:
    description: The account of the members' channels.
    type: str
    required: true
  agents:
    description: What agents answered, results of M(ansible.builtin.uri) in a loop over the addresses.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Say who is not in the inventory
  ansible.builtin.debug:
    msg: "{{ dumps | opendba.mysql_ha.unlisted_replicas('db1', cluster_model.members, uuids, replication_user) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.opendba.mysql_ha.plugins.module_utils._receivers import line, read_receivers, unlisted


def unlisted_replicas(
    rows: Iterable[Mapping[str, Any]],
    source: str,
    members: Sequence[Mapping[str, Any]],
    uuids: Sequence[str],
    account: str,
    agents: Sequence[Mapping[str, Any]] = (),
) -> list[str]:
    names = {
        str(answer["item"]): str(answer["json"]["instance"])
        for answer in agents
        if isinstance(answer.get("json"), Mapping) and answer["json"].get("instance")
    }
    found = unlisted(read_receivers(rows), {str(member["address"]) for member in members}, set(uuids))
    return [line(receiver, source, account, names) for receiver in found]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"unlisted_replicas": unlisted_replicas}
