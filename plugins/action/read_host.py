# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the info modules on one host, one after another, and says how long each took."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_facts import plain

COLLECTION = "opendba.mysql_ha"
# Family, module, options. VRRP before the VIPs, which get its states.
PLAN: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("os", "host_info", {}),
    ("vrrp", "vrrp_info", {"wait": 3}),  # at most; in general the daemon answers at once
    ("vips", "vip_info", {}),
    ("lvs", "lvs_info", {}),
    ("haproxy", "haproxy_info", {}),
    ("mysql", "replication_info", {"details": True, "find_socket": True, "connect_timeout": 5}),
    ("settings", "settings_info", {}),
)
LOGIN = ("login_unix_socket", "login_file", "login_user", "login_password", "login_host", "login_port")


class ActionModule(ActionBase):  # type: ignore[misc]
    """The options are those of the module's documentation."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        unknown = sorted(set(self._task.args) - {*LOGIN, "settings"})
        if unknown:
            raise AnsibleError(f"{', '.join(unknown)}: no such option; there are settings, {', '.join(LOGIN)}")
        login = {name: self._task.args[name] for name in LOGIN if self._task.args.get(name) not in (None, "")}
        answers: dict[str, Any] = {}
        took: dict[str, float] = {}
        for family, module, options in PLAN:
            if family == "settings" and not self._task.args.get("settings"):
                continue
            given = {**options, **(login if family == "mysql" else {})}
            if family == "vips":
                given["states"] = ((answers["vrrp"] or {}).get("vrrp") or {}).get("vip_states") or {}
            began = time.time()
            answers[family] = self._ask(module, given, task_vars)
            took[family] = round(time.time() - began, 3)
            if family == "os":
                if "host" not in answers[family]:
                    break  # who does not answer is not asked six times
                _clocks(answers[family]["host"], began, took[family])
        return {
            **result, "changed": False, "answers": answers, "took": took, "took_seconds": round(sum(took.values()), 3),
        }  # fmt: skip

    def _ask(self, module: str, options: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """What the module returns. A host that is lost on the way is told like one that never answered."""
        try:
            found = self._execute_module(
                module_name=f"{COLLECTION}.{module}", module_args=options, task_vars=task_vars
            )
        except AnsibleConnectionFailure as error:
            return {"unreachable": True, "msg": f"{error}"}
        except AnsibleError as error:  # no Python there, no right to become root
            return {"failed": True, "msg": f"{error}"}
        kept = plain(found)
        for name in ("invocation", "exception"):  # the options, and a traceback of the control node
            kept.pop(name, None)
        said = [line.strip() for line in (kept.get("module_stderr") or "").splitlines() if line.strip()]
        if kept.get("failed") and said:  # of the connection, of sudo, of the shell
            kept["msg"] = said[-1]
        return dict(kept)


def _clocks(host: dict[str, Any], began: float, took: float) -> None:
    """How far the host's clock is off, which only the control node can see."""
    if isinstance(host.get("time"), float):
        host["clock_offset"] = round(host["time"] - (began + took / 2), 3)
        host["clock_bound"] = round(took / 2, 3)
