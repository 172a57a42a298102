#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: read_host
short_description: Read all that an audit wants to know of a host
version_added: 1.0.0
description:
  - Runs M(opendba.mysql_ha.host_info), M(opendba.mysql_ha.vrrp_info), M(opendba.mysql_ha.vip_info),
    M(opendba.mysql_ha.lvs_info), M(opendba.mysql_ha.haproxy_info) and M(opendba.mysql_ha.replication_info) on the host,
    one round trip each, and returns what each of them returned. None of them changes anything.
  - What one of them cannot read is in its answer; it does not make the task fail. Only a host that cannot be asked at
    all has no answers but the first.
author:
  - opendba authors (@opendba)
options:
  settings:
    description:
      - Also run M(opendba.mysql_ha.settings_info).
    type: bool
    default: false
  login_unix_socket:
    description:
      - As of M(opendba.mysql_ha.replication_info). Where nothing listens there, the socket of the server that runs is
        taken.
    type: path
  login_file:
    description:
      - As of M(opendba.mysql_ha.replication_info).
    type: path
  login_user:
    description:
      - As of M(opendba.mysql_ha.replication_info).
    type: str
  login_password:
    description:
      - As of M(opendba.mysql_ha.replication_info).
    type: str
  login_host:
    description:
      - As of M(opendba.mysql_ha.replication_info).
    type: str
  login_port:
    description:
      - As of M(opendba.mysql_ha.replication_info).
    type: int
extends_documentation_fragment:
  - opendba.mysql_ha.attributes.info_module
"""

EXAMPLES = r"""
- name: Read the host
  opendba.mysql_ha.read_host:
  register: audit_read
"""

RETURN = r"""
answers:
  description: What the modules returned, by family; C(os), C(vrrp), C(vips), C(lvs), C(haproxy), C(mysql), C(settings).
  returned: always
  type: dict
took:
  description: Seconds that each of them took, as the control node saw it, by family.
  returned: always
  type: dict
took_seconds:
  description: Seconds that all of them took.
  returned: always
  type: float
"""
