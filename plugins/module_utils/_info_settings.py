# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module settings_info reads."""

from __future__ import annotations

import contextlib
import glob
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from . import _settings_seen as seen
from ._info_option_files import option_files, read

NOT_AGENTS = ("lvs-check.json",)


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


SPEC: dict[str, Any] = {"socket": {"type": "path"}}


def gather(module: AnsibleModule) -> dict[str, Any]:
    found = option_files(module, module.params["socket"])
    if found is None:
        found = seen.Settings(lambda _path, _directory: [])
        found.problems.append(
            "several servers run here, and none has the socket that was asked in its option files: they were not read"
        )
    memory = None
    with contextlib.suppress(OSError, ValueError), open("/proc/meminfo", encoding="ascii") as file:
        memory = seen.memory_mb(file.read(65536))
    return {
        "settings": {
            "options": found.settings,
            "agents": agents(found.problems),
            "package": package(module),
            "certificate": certificate(module, found.settings),
            "memory_mb": memory,
            "problems": found.problems,
        },
    }
