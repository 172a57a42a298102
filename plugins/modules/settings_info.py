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
options: {}
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

import contextlib
import glob
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _settings_seen as seen

LARGEST = 1024 * 1024  # bytes of a file
NOT_AGENTS = ("lvs-check.json",)


def read(path: str) -> str:
    """Raises OSError and ValueError."""
    if not os.path.isfile(path):
        raise ValueError("it is no plain file")
    with open(path, "rb") as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST or b"\0" in text:
        raise ValueError("it is no text, or too long")
    return text.decode("utf-8", "replace")


def find(path: str, directory: bool) -> list[tuple[str, str]]:
    """The option files that a path means: mysqld reads *.cnf of a directory in its own order, which is not told."""
    if directory:
        return [(name, read(name)) for name in sorted(glob.glob(f"{glob.escape(path.rstrip('/'))}/*.cnf"))]
    return [(path, read(path))] if os.path.exists(path) else []


def agents(problems: list[str]) -> list[dict[str, Any]]:
    found = []
    for path in sorted(glob.glob("/etc/mysql-ha/*.json")):
        if os.path.basename(path) in NOT_AGENTS:
            continue
        try:
            found.append(seen.agent(path, read(path)))
        except (OSError, ValueError) as error:
            problems.append(f"{path}: {error}")
    return found


def package(module: AnsibleModule) -> dict[str, Any] | None:
    """The package manager's answer; names that it does not know are no mistake."""
    for program, arguments in (
        ("dpkg-query", ["-W", "-f", "${Package} ${Version} ${db:Status-Status}\n"]),
        ("rpm", ["-q", "--qf", "%{NAME} %{VERSION}\n"]),
    ):
        path = module.get_bin_path(program)
        if path:
            names = [f"{name}*" if program == "dpkg-query" else name for name in seen.PACKAGES]
            _status, output, _errors = module.run_command([path, *arguments, *names])
            found = seen.package(output)
            if found:
                return found
    return None


def certificate(module: AnsibleModule, settings: list[dict[str, Any]]) -> dict[str, Any] | None:
    named = [each["value"] for each in settings if each["name"] == "ssl_cert" and each["value"]]
    program = module.get_bin_path("openssl")
    if not (named and program and named[-1].startswith("/")):
        return None
    status, output, _errors = module.run_command(
        [program, "x509", "-noout", "-issuer", "-ext", "subjectAltName", "-in", named[-1]]
    )
    return {"at": named[-1], **seen.certificate(output)} if status == 0 else None


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    found = seen.Settings(find)
    for path in seen.MAIN_FILES:
        found.read(path)
    memory = None
    with contextlib.suppress(OSError, ValueError), open("/proc/meminfo", encoding="ascii") as file:
        memory = seen.memory_mb(file.read(65536))
    module.exit_json(
        changed=False,
        settings={
            "options": found.settings,
            "agents": agents(found.problems),
            "package": package(module),
            "certificate": certificate(module, found.settings),
            "memory_mb": memory,
            "problems": found.problems,
        },
    )


if __name__ == "__main__":
    main()
