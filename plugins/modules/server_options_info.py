#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: server_options_info
short_description: Find settings that a MySQL server would not start with
version_added: 1.0.0
description:
  - Holds names of settings against the options that C(mysqld --verbose --help) lists, and returns those that are not
    among them.
  - Starts no server, reads no option file and needs no data directory.
author:
  - opendba authors (@opendba)
options:
  settings:
    description: Names as they stand in an option file, with dashes or underscores.
    type: list
    elements: str
    required: true
  program:
    description: Path of mysqld.
    type: path
    default: /usr/sbin/mysqld
  plugins:
    description:
      - Libraries of plugins that the server loads by its option file.
    type: list
    elements: str
    default: []
  initialize:
    description:
      - Whether the data directory is still to be made. C(mysqld --initialize) loads no plugins, so their variables need
        C(loose_) then.
    type: bool
    default: false
extends_documentation_fragment:
  - opendba.mysql_ha.attributes.info_module
seealso:
  - module: opendba.mysql_ha.instance_settings
"""

EXAMPLES = r"""
- name: Look for mistyped settings
  opendba.mysql_ha.server_options_info:
    settings: [max_connections, wait-timeout, loose_audit_log_format]
  register: options
"""

RETURN = r"""
mistakes:
  description: Settings that are wrong, in the order in which they were given.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The setting.
      type: str
      sample: max_conections
    fix:
      description: What to write instead.
      type: str
      sample: did you mean max_connections?
version:
  description: Version of the program, as it says.
  returned: success
  type: str
  sample: 9.7.4-2
"""

import re
from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils._server_options import mistakes, read_options


def read_help(module: AnsibleModule, plugins: list[str]) -> tuple[str, str]:
    """What mysqld prints, or why it does not."""
    loads = [f"--plugin-load-add={plugin}" for plugin in plugins]
    status, text, error = module.run_command([module.params["program"], "--no-defaults", *loads, "--verbose", "--help"])
    return (str(text), "") if status == 0 and read_options(text) else ("", (error or text).strip()[-400:])


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "settings": {"type": "list", "elements": "str", "required": True},
            "program": {"type": "path", "default": "/usr/sbin/mysqld"},
            "plugins": {"type": "list", "elements": "str", "default": []},
            "initialize": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    text, reason = read_help(module, [])
    if not text:
        module.fail_json(msg=f"{module.params['program']} does not list its options: {reason}")
    # A plugin that cannot be loaded is the server's to refuse.
    with_plugins = read_help(module, module.params["plugins"])[0] if module.params["plugins"] else ""
    version = re.search(r"Ver (\S+)", text)
    found = mistakes(
        module.params["settings"], read_options(text), read_options(with_plugins), module.params["initialize"]
    )
    module.exit_json(
        changed=False,
        mistakes=[asdict(mistake) for mistake in found],
        version=version[1] if version else "",
    )


if __name__ == "__main__":
    main()
