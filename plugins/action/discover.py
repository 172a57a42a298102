# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes an inventory on the control node from what the task of the play registered. All reading is in module_utils."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_facts import answers_of, plain
from ansible_collections.opendba.mysql_ha.plugins.module_utils._discover import CONNECTION, discover

OPTIONS = frozenset(("hosts", "directory"))


class ActionModule(ActionBase):  # type: ignore[misc]
    """The options are those of the module's documentation."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        given = self._task.args
        unknown = sorted(set(given) - OPTIONS)
        if unknown or not isinstance(given.get("hosts"), list) or not given.get("directory"):
            raise AnsibleActionFail(f"hosts (a list) and directory are wanted, and nothing else: {', '.join(unknown)}")
        if not given["hosts"]:
            raise AnsibleActionFail("there is no host to describe: discover_hosts and --limit leave none")
        variables = (task_vars or {})["hostvars"]
        hosts = [str(host) for host in given["hosts"]]
        answers = {
            host: answers_of(variables.raw_get(host).get("audit_read"))
            for host in hosts
        }
        connections = {
            host: {name: plain(variables[host][name]) for name in CONNECTION if name in variables[host]}
            for host in hosts
        }
        found = discover(answers, plain((task_vars or {}).get("groups") or {}), connections)
        directory = Path(os.path.expanduser(str(given["directory"]))).absolute()
        changed = _changes(directory, found.files)
        if changed and not self._task.check_mode:
            try:
                for name in changed:
                    _write(directory / name, found.files[name])
            except OSError as error:
                raise AnsibleActionFail(f"{directory} cannot be written: {error}") from error
        return {
            "changed": bool(changed),
            "files": [str(directory / name) for name in found.files],
            "choices": found.choices,
            "diff": [
                {"before": "", "after": found.files[name], "after_header": str(directory / name)} for name in changed
            ],
        }


def _changes(directory: Path, files: dict[str, str]) -> list[str]:
    """Those that are not there yet. One that says something else may be what somebody worked on, and stays."""
    changed = []
    for name, text in files.items():
        path = directory / name
        try:
            there = path.read_text(encoding="utf-8") if path.exists() else None
        except (OSError, ValueError) as error:
            raise AnsibleActionFail(f"{path}: {error}") from error
        if there is not None and there != text:
            raise AnsibleActionFail(
                f"{path} is there and says something else; nothing was written. Remove it, or choose another"
                " discover_directory and compare"
            )
        if there is None:
            changed.append(name)
    return changed


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.touch(mode=0o640)  # it tells addresses and accounts
    new.write_text(text, encoding="utf-8")
    new.replace(path)
