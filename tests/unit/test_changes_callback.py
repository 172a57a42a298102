# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The callback that the check-mode tests judge by, in a run of a small local playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CALLBACKS = Path(__file__).resolve().parent.parent / "callback_plugins"

PLAYBOOK = """
- name: A play
  hosts: one:two
  gather_facts: false
  tasks:
    - name: Use a role
      ansible.builtin.include_role:
        name: painter

    - name: Change on one host
      ansible.builtin.debug:
      changed_when: inventory_hostname == 'one'

    - name: Change some items
      ansible.builtin.debug:
      changed_when: item.changes
      loop: [{name: red, changes: true}, {name: green, changes: false}, {name: blue, changes: true}]
      loop_control: {label: "{{ item.name }}"}

    - name: Hide a change
      ansible.builtin.debug:
      changed_when: true
      no_log: true
      loop: [red, blue]

    - name: Fail after a change
      ansible.builtin.command: "false"
      ignore_errors: true
      when: not ansible_check_mode

    - name: Never
      ansible.builtin.debug:
      changed_when: true
      when: false
"""
ROLE_TASKS = """
- name: Paint
  ansible.builtin.copy:
    content: paint
    dest: "{{ wall }}-{{ inventory_hostname }}"
    mode: "0644"
  notify: Dry
"""
ROLE_HANDLERS = """
- name: Dry
  ansible.builtin.debug:
  changed_when: true
"""


@dataclass(frozen=True)
class Runs:
    predicted: list[dict[str, Any]]
    real: list[dict[str, Any]]
    times: dict[str, Any]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    project = tmp_path_factory.mktemp("project")
    files = {
        "ansible.cfg": "",
        "play.yml": PLAYBOOK,
        "hosts.ini": f"one\ntwo\n[all:vars]\nansible_connection=local\nansible_python_interpreter={sys.executable}\n"
                     f"wall={project}/wall\n",
        "roles/painter/tasks/main.yml": ROLE_TASKS,
        "roles/painter/handlers/main.yml": ROLE_HANDLERS,
    }
    for name, content in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    predicted, _times = run(project, "--check")
    real, times = run(project)
    return Runs(predicted, real, times)


def run(project: Path, *arguments: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")} | {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "changes",
        "MHA_CHANGES_FILE": str(project / "changes"),
        "MHA_TIMES_FILE": str(project / "times"),
    }
    command = [Path(sys.executable).parent / "ansible-playbook", "-i", "hosts.ini", "play.yml", *arguments]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "callback" not in done.stderr  # Ansible only warns when a callback raises
    changes = [json.loads(line) for line in (project / "changes").read_text().splitlines()]
    return changes, json.loads((project / "times").read_text())


def keys(changes: list[dict[str, Any]], host: str) -> list[tuple[str, str | None]]:
    return [(change["task"], change["item"]) for change in changes if change["host"] == host and not change["handler"]]


def test_records_what_changed_by_host_and_item(runs: Runs) -> None:
    common = [
        ("Change some items", "red"), ("Change some items", "blue"),
        ("Hide a change", None), ("Hide a change", None),
        ("Fail after a change", None),
    ]
    assert keys(runs.real, "one") == [("Paint", None), ("Change on one host", None), *common]
    assert keys(runs.real, "two") == [("Paint", None), *common]


def test_names_the_role_and_marks_handlers(runs: Runs) -> None:
    assert (runs.real[0]["role"], runs.real[0]["action"]) == ("painter", "ansible.builtin.copy")
    handlers = [(change["host"], change["task"]) for change in runs.real if change["handler"]]
    assert sorted(handlers) == [("one", "Dry"), ("two", "Dry")]


def test_shows_where_prediction_and_reality_differ(runs: Runs) -> None:
    assert [change for change in runs.predicted if change not in runs.real] == []
    unpredicted = [change["task"] for change in runs.real if change not in runs.predicted]
    assert unpredicted == ["Fail after a change"] * 2


def test_counts_tasks_per_host_and_their_seconds(runs: Runs) -> None:
    # include_role, the role's task and handler, four tasks of the play; `Never` is skipped
    assert runs.times["hosts"] == {"one": {"ran": 7, "skipped": 1}, "two": {"ran": 7, "skipped": 1}}
    durations = [task["seconds"] for task in runs.times["tasks"]]
    assert durations == sorted(durations, reverse=True)
    assert 0 < durations[0] < runs.times["seconds"]
