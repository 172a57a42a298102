# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records what a run changed, to be compared with what `--check` had predicted, and where its time went."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from ansible.playbook.handler import Handler
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: changes
type: notification
short_description: writes every change of a run to a file
description:
  - For the tests of this collection. Enable it with C(ANSIBLE_CALLBACK_PLUGINS=tests/callback_plugins) and
    C(ANSIBLE_CALLBACKS_ENABLED=changes).
options:
  changes_file:
    description:
      - Receives one JSON object per line for each task result that reported V(changed), one per item where the task
        loops, with the keys C(host), C(role), C(task), C(action), C(item) and C(handler). C(item) is the loop's label,
        and null where the task does not loop or has C(no_log).
      - A file of that name is replaced.
    type: path
    env: [{name: MHA_CHANGES_FILE}]
  times_file:
    description:
      - Receives one JSON object at the end of the run. C(seconds) is the whole run's duration, C(hosts) the number of
        tasks that each host ran and skipped, C(tasks) each task's C(role), C(task) and C(seconds) from its first host's
        start to its last host's end, the slowest first.
    type: path
    env: [{name: MHA_TIMES_FILE}]
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "changes"
    CALLBACK_NEEDS_ENABLED = True

    def set_options(self, *arguments: Any, **keywords: Any) -> None:
        super().set_options(*arguments, **keywords)
        self.changes_file = self.get_option("changes_file")
        self.times_file = self.get_option("times_file")
        self.tasks: dict[str, dict[str, Any]] = {}
        self.ran: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self.start = time.monotonic()
        if self.changes_file:
            Path(self.changes_file).parent.mkdir(parents=True, exist_ok=True)
            Path(self.changes_file).write_text("")

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self.tasks.setdefault(task._uuid, {**described(task), "start": time.monotonic()})

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self.record(result)

    def v2_runner_on_ok(self, result: Any) -> None:
        self.finished(result, self.ran)
        if result._task.loop is None:  # a loop's items have been recorded one by one
            self.record(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self.record(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self.v2_runner_on_ok(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self.finished(result, self.ran)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self.finished(result, self.skipped)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if not self.times_file:
            return
        tasks = [
            {"role": task["role"], "task": task["task"], "seconds": round(task["end"] - task["start"], 3)}
            for task in self.tasks.values()
            if "end" in task
        ]
        report = {
            "seconds": round(time.monotonic() - self.start, 3),
            "hosts": {host: {"ran": self.ran[host], "skipped": self.skipped[host]}
                      for host in sorted(self.ran | self.skipped)},
            "tasks": sorted(tasks, key=lambda task: -task["seconds"]),
        }
        Path(self.times_file).write_text(json.dumps(report, indent=1))

    def finished(self, result: Any, counter: Counter[str]) -> None:
        counter[result._host.get_name()] += 1
        if result._task._uuid in self.tasks:
            self.tasks[result._task._uuid]["end"] = time.monotonic()

    def record(self, result: Any) -> None:
        if not (self.changes_file and result._result.get("changed")):
            return
        task = result._task
        change = {
            "host": result._host.get_name(),
            **described(task),
            "action": task.action,
            "item": None if task.no_log else self._get_item_label(result._result),
            "handler": isinstance(task, Handler),
        }
        with Path(self.changes_file).open("a") as file:
            file.write(json.dumps(change, default=str) + "\n")


def described(task: Any) -> dict[str, Any]:
    return {"role": task._role.get_name() if task._role else None, "task": task.name or task.action}
