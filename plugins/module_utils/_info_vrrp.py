# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module vrrp_info reads."""

from __future__ import annotations

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ._keepalived_daemon import config_file
from ._keepalived_host import describe_program
from ._keepalived_keywords import ignored
from ._keepalived_misread import misread
from ._keepalived_model import describe
from ._keepalived_programs import commands
from ._keepalived_reader import DEFAULT, Reader
from ._keepalived_secrets import without_secrets
from ._vrrp import combine, vip_states

Facts = dict[str, Any]


SPEC: dict[str, Any] = {
    "dump": {"type": "bool", "default": True},
    "wait": {"type": "float", "default": 1.0},
    "config": {"type": "path"},
}


def gather(module: AnsibleModule) -> dict[str, Any]:
    reader = Reader(module)
    keepalived, version = reader.installed()
    running, daemon = reader.daemon()
    arguments = daemon.arguments if daemon else []
    path = os.path.join("/", module.params["config"] or config_file(arguments, DEFAULT))

    described: Facts | None = None
    shown: Facts | None = None
    check: Facts | None = None
    whole = reader.configuration(path, version, arguments) if keepalived or os.path.exists(path) else None
    if whole:
        described = describe(whole.statements)
        statements = without_secrets(whole.statements)
        shown = {
            "files": whole.files, "problems": [*whole.problems, *misread(whole.statements)],
            "ignored": ignored(whole.statements), "statements": statements, **described,
        }  # fmt: skip
        check = reader.check(keepalived, version, path, arguments)

    dumps: dict[str, list[Facts]] = {}
    journal: dict[str, Facts] = {}
    if daemon and module.params["dump"] and not module.check_mode:
        dumps = reader.dumps(daemon, version, (described or {}).get("global", {}), module.params["wait"])
    if keepalived and not dumps:
        journal = reader.journal()
    instances = combine(described, dumps, journal, reader.addresses(), bool(daemon))
    return {
        "vrrp": {
            "installed": keepalived is not None,
            "running": running,
            "version": version.text if version else None,
            "unit": reader.unit(),
            "config_check": check,
            "instances": instances,
            "vip_states": vip_states(instances),
            "configuration": shown,
            "programs": [
                {**entry, **describe_program(entry["command"], entry["user"])}
                for entry in (commands(described) if described else [])
            ],
            "problems": reader.problems,
        },
    }
