#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: settings_info
short_description: Read what files of a host say about its MySQL
version_added: 1.0.0
description:
  - Reads the server's option files, the configurations of agents, the server's package and who signed its certificate.
    The playbook C(opendba.mysql_ha.discover) writes an inventory out of that and of what the other info modules return.
  - Reads files and asks the package manager. Passwords and commands of a fence stay on the host.
author:
  - opendba authors (@opendba)
options:
  socket:
    description:
      - Socket of the server whose option files are read, where several servers run on the host. The command line of the
        server tells which files it reads (C(--defaults-file) and its like).
    type: path
extends_documentation_fragment:
  - opendba.mysql_ha.attributes.info_module
"""

EXAMPLES = r"""
- name: Read the option files
  opendba.mysql_ha.settings_info:
  register: files
"""

RETURN = r"""
settings:
  description: What was found.
  returned: always
  type: dict
  contains:
    options:
      description: Settings of the server in the order in which they are read; the last one of a name wins. Each with
        C(name) (underscores, without C(loose_)), C(value) (V(null) where it stands alone, or is a secret) and C(at)
        (file and line).
      type: list
      elements: dict
    agents:
      description: Configurations of agents as they stand, each with its file (C(at)). Of the fence only its program.
      type: list
      elements: dict
    package:
      description: The server's package, its C(name), C(version) and C(source) as of the variable
        C(mysql_package_source); V(null) where there is none that is known.
      type: dict
    certificate:
      description: The certificate that the option files name, its file (C(at)), C(issuer) and the C(names) that it is
        made out for; V(null) where it cannot be read.
      type: dict
    memory_mb:
      description: Memory of the host in MiB.
      type: int
    problems:
      description: What could not be read, one line each.
      type: list
      elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils._info_settings import SPEC, gather


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.exit_json(changed=False, **gather(module))


if __name__ == "__main__":
    main()
