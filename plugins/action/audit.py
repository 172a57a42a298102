# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the audit on the control node, on what the tasks of the play registered. All judging is in module_utils."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit import SEVERITIES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_facts import answers_of, plain
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_report import REPORTS, console, render
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_result import NEVER, audit

OPTIONS = frozenset(("hosts", "suppressions", "fail_on", "directory", "formats"))
ENTRY = ("rule", "host", "reason", "expires")


class ActionModule(ActionBase):  # type: ignore[misc]
    """The options are those of the module's documentation."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        options = _options(self._task.args)
        variables = (task_vars or {})["hostvars"]
        answers = {
            host: answers_of(variables.raw_get(host).get("audit_read"))
            for host in options["hosts"]
        }
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        groups = (task_vars or {}).get("groups") or {}
        result = audit(answers, groups, options["suppressions"], options["fail_on"], now, _version())
        files = []
        if options["directory"] and not self._task.check_mode:
            directory = Path(os.path.expanduser(options["directory"])).absolute()
            try:
                texts = render(result, tuple(options["formats"]))
                files = [_write(directory, name, text) for name, text in texts.items()]
            except OSError as error:
                raise AnsibleActionFail(f"the reports cannot be written: {error}") from error
        return {"changed": False, "result": result, "console": console(result, files), "files": files}


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(given) - OPTIONS)
    if unknown:
        raise AnsibleActionFail(f"{', '.join(unknown)}: no such option; there are {', '.join(sorted(OPTIONS))}")
    options = {
        "suppressions": [], "fail_on": NEVER, "directory": None, "formats": list(REPORTS),
        **{name: plain(value) for name, value in given.items()},
    }  # fmt: skip
    if not isinstance(options.get("hosts"), list):
        raise AnsibleActionFail("hosts: a list of inventory names")
    if not options["hosts"]:
        raise AnsibleActionFail("there is no host to judge: audit_hosts and --limit leave none")
    if options["fail_on"] not in (*SEVERITIES, NEVER):
        raise AnsibleActionFail(f"fail_on: {options['fail_on']!r} is none of {', '.join((*SEVERITIES, NEVER))}")
    entries = options["suppressions"]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise AnsibleActionFail("suppressions: a list of dictionaries with rule, host, reason and expires")
    for number, entry in enumerate(entries, start=1):
        # A mistyped host would be none, which means all.
        odd = [f"{key}: no such key" for key in entry if key not in ENTRY]
        odd += [f"{key}: no text" for key, value in entry.items() if isinstance(value, (dict, list))]
        if odd:
            raise AnsibleActionFail(f"suppressions, number {number}: {', '.join(odd)}; it has {', '.join(ENTRY)}")
    if isinstance(options["formats"], str):  # all that is given by -e NAME=VALUE is text
        options["formats"] = [name.strip() for name in options["formats"].split(",")]
    wrong = [name for name in options["formats"] if name not in REPORTS]
    if wrong:
        raise AnsibleActionFail(f"formats: {', '.join(map(str, wrong))} is none of {', '.join(REPORTS)}")
    return options


def _write(directory: Path, name: str, text: str) -> str:
    """Whole or not at all: somebody may be reading the last one."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    new = path.with_name(f".{name}.{os.getpid()}")
    new.touch(mode=0o640)  # it tells accounts and versions
    new.write_text(text, encoding="utf-8")
    new.replace(path)
    return str(path)


def _version() -> str:
    """Of this collection; an installed one has a MANIFEST.json instead of galaxy.yml."""
    root = Path(__file__).parents[2]
    if (root / "MANIFEST.json").is_file():
        return str(json.loads((root / "MANIFEST.json").read_text(encoding="utf-8"))["collection_info"]["version"])
    return str(yaml.safe_load((root / "galaxy.yml").read_text(encoding="utf-8"))["version"])
