# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module of this name, and the difference of the two clocks, which only the control node can see."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module between two looks at the control node's clock."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        before = time.time()
        result.update(self._execute_module(module_name="opendba.mysql_ha.host_info", task_vars=task_vars))
        after = time.time()
        host = result.get("host")
        if isinstance(host, dict) and isinstance(host.get("time"), float):
            host["clock_offset"] = round(host["time"] - (before + after) / 2, 3)
            host["clock_bound"] = round((after - before) / 2, 3)
        return result
