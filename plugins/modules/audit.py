#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: audit
short_description: Judge clusters by what the info modules returned, and write reports
version_added: 1.0.0
description:
  - Combines what was read from hosts into clusters, judges them by rules, and writes the result as JSON, HTML, SARIF
    and JUnit on the control node. Runs there alone and asks no host; the playbook C(opendba.mysql_ha.audit) does
    all of it.
  - Never reports that something changed. In check mode no file is written.
author:
  - opendba authors (@opendba)
options:
  hosts:
    description:
      - Inventory names, at least one. Of each of them what M(opendba.mysql_ha.read_host) returned is read from the
        variable C(audit_read).
    type: list
    elements: str
    required: true
  suppressions:
    description:
      - Findings to live with, each until a day. An entry with another key, which may be a mistyped one, is refused.
    type: list
    elements: dict
    default: []
    suboptions:
      rule:
        description:
          - Its rule, like V(MHA-S004).
        type: str
        required: true
      host:
        description:
          - Inventory name of the host; empty for all.
        type: str
        default: ""
      reason:
        description:
          - Why. Without a reason it counts for nothing.
        type: str
        default: ""
      expires:
        description:
          - Last day on which it counts, C(YYYY-MM-DD). Without a day it counts for nothing.
        type: str
        default: ""
  fail_on:
    description:
      - The module fails with a finding that is at least so severe.
    type: str
    choices: [critical, serious, warning, info, never]
    default: never
  directory:
    description:
      - Directory of the control node for the reports, relative to the current one. It is made when it is missing.
        Without it nothing is written.
    type: path
  formats:
    description:
      - Which files to write.
    type: list
    elements: str
    choices: [json, html, sarif, junit]
    default: [json, html, sarif, junit]
extends_documentation_fragment:
  - opendba.mysql_ha.attributes.info_module
"""

EXAMPLES = r"""
- name: Judge what was read
  opendba.mysql_ha.audit:
    hosts: "{{ groups.all }}"
    directory: "{{ playbook_dir }}/audit-report"
    fail_on: critical
    suppressions:
      - rule: MHA-S004
        host: db7
        reason: replaced in March (CHG-1234)
        expires: "2027-03-31"
  register: audited
"""

RETURN = r"""
result:
  description: Everything, in the form of C(docs/audit-result.schema.json) of the collection.
  returned: always
  type: dict
console:
  description: The summary, line by line, worst first.
  returned: always
  type: list
  elements: str
files:
  description: Files that were written.
  returned: always
  type: list
  elements: str
"""
