#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: read_host
short_description: Read all that an audit wants to know of a host
version_added: 1.0.0
description:
  - Reads what M(opendba.mysql_ha.host_info), M(opendba.mysql_ha.vrrp_info), M(opendba.mysql_ha.vip_info),
    M(opendba.mysql_ha.lvs_info), M(opendba.mysql_ha.haproxy_info) and M(opendba.mysql_ha.replication_info) read, one
    after another in one process, and returns what each of them would return. Nothing is changed.
  - What cannot be read is in the answers; it does not make the task fail. A host that cannot be asked at all has one
    answer, with the reason. A program that does not end within 15 seconds is ended. For a host that hangs, bound the
    task by C(timeout), as the playbook C(opendba.mysql_ha.audit) does.
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
  description: Seconds that each of them took on the host, by family.
  returned: always
  type: dict
took_seconds:
  description: Seconds that the host was asked, as the control node saw it.
  returned: always
  type: float
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils import (
    _info_haproxy,
    _info_host,
    _info_lvs,
    _info_replication,
    _info_settings,
    _info_vip,
    _info_vrrp,
)

# Family, what reads it, its options. VRRP before the VIPs, which get its states.
PLAN: tuple[tuple[str, Any, dict[str, Any]], ...] = (
    ("os", _info_host, {}),
    ("vrrp", _info_vrrp, {"wait": 3.0}),  # at most; in general the daemon answers at once
    ("vips", _info_vip, {}),
    ("lvs", _info_lvs, {}),
    ("haproxy", _info_haproxy, {}),
    ("mysql", _info_replication, {"details": True, "find_socket": True, "connect_timeout": 5.0}),
    ("settings", _info_settings, {}),
)
SECONDS = 15  # for one program: enough for a busy host, and several that hang still leave time for the rest
LOGIN = {
    "login_unix_socket": {"type": "path"}, "login_file": {"type": "path"}, "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True}, "login_host": {"type": "str"}, "login_port": {"type": "int"},
}  # fmt: skip


class Failed(Exception):
    """One part gives up; the others go on."""


class Part:
    """To what reads a family it is the module, with the options of that family's own module."""

    def __init__(self, module: AnsibleModule, options: dict[str, Any], given: dict[str, Any]) -> None:
        self.params = {name: given.get(name, option.get("default")) for name, option in options.items()}
        self.check_mode = module.check_mode
        self.get_bin_path = module.get_bin_path
        self._run_command = module.run_command

    def run_command(self, command: list[str], **options: Any) -> tuple[int, str, str]:
        """Bounded: a program that hangs ends its own part, not the audit."""
        timeout = self.get_bin_path("timeout")
        bounds = [timeout, "-k", "2", str(SECONDS)] if timeout else []
        began = time.monotonic()
        status, output, errors = self._run_command([*bounds, *command], **options)
        if bounds and status in (124, 128 + 9, -9) and time.monotonic() - began >= SECONDS:
            raise OSError(f"{command[0]} gave no answer within {SECONDS} s")
        return int(status), str(output), str(errors)

    def fail_json(self, msg: str, **_more: Any) -> None:
        raise Failed(msg)


def gather(module: AnsibleModule) -> tuple[dict[str, Any], dict[str, float]]:
    """The answers, and how long each took. Whatever a host has that nobody thought of ends only its own part."""
    login = {name: module.params[name] for name in LOGIN if module.params[name] not in (None, "")}
    answers: dict[str, Any] = {}
    took: dict[str, float] = {}
    for family, reader, options in PLAN:
        if family == "settings" and not module.params["settings"]:
            continue
        given = {**options, **(login if family == "mysql" else {})}
        if family == "settings":
            given["socket"] = login.get("login_unix_socket")
        if family == "vips":
            given["states"] = (answers["vrrp"].get("vrrp") or {}).get("vip_states") or {}
        began = time.monotonic()
        try:
            answers[family] = {"changed": False, **reader.gather(Part(module, reader.SPEC, given))}
        except (Failed, OSError) as error:
            answers[family] = {"failed": True, "msg": str(error)}
        except Exception as error:
            answers[family] = {"failed": True, "msg": f"{type(error).__name__}: {error}"}
        took[family] = round(time.monotonic() - began, 3)
    return answers, took


def main() -> None:
    module = AnsibleModule(
        argument_spec={**LOGIN, "settings": {"type": "bool", "default": False}}, supports_check_mode=True
    )
    answers, took = gather(module)
    # Nothing here returns the password, and its text may be that of a path, an account or a part of an address, which
    # Ansible would hide too: a server in /var/lib/mysql whose password is mysql.
    module.no_log_values.discard(module.params["login_password"])
    module.exit_json(changed=False, answers=answers, took=took, invocation={})


if __name__ == "__main__":
    main()
