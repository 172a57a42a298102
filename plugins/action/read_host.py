# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module of this name, between two looks at the clock; a host that cannot be asked is an answer too."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_facts import plain


class ActionModule(ActionBase):  # type: ignore[misc]
    """The options are those of the module."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        before = time.time()
        read = self._ask(task_vars)
        after = time.time()
        if not isinstance(read.get("answers"), dict):
            read = {"changed": False, "answers": {"os": _reason(read)}, "took": {}}
        result.update(read, took_seconds=round(after - before, 3))
        host = read["answers"]["os"].get("host")
        if isinstance(host, dict) and isinstance(host.get("time"), float):
            # It looked at its clock before it read anything; where in the rest of the time that was is not known.
            bound = max(after - before - sum(read["took"].values()), 0.0) / 2
            host["clock_offset"] = round(host["time"] - (before + bound), 3)
            host["clock_bound"] = round(bound, 3)
        return result

    def _ask(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        try:
            return dict(plain(self._execute_module(module_name="opendba.mysql_ha.read_host", task_vars=task_vars)))
        except AnsibleConnectionFailure as error:
            return {"unreachable": True, "msg": str(error)}
        except AnsibleError as error:  # no Python there, no right to become root
            return {"failed": True, "msg": str(error)}


def _reason(read: dict[str, Any]) -> dict[str, Any]:
    """Why there are no answers: the last that the connection, sudo or the shell said, else what Ansible says."""
    said = [line.strip() for line in str(read.get("module_stderr") or "").splitlines() if line.strip()]
    kept = {name: read[name] for name in ("unreachable", "failed") if read.get(name)}
    text = said[-1] if said else str(read.get("msg") or "it gave no answer")
    if text.startswith(("SyntaxError:", "TypeError: 'type' object")):  # what an old Python says of these modules
        text += "; it needs Python 3.9 or later, named by ansible_python_interpreter"
    return {**kept, "msg": text}
