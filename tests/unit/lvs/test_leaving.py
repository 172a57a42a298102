# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A realserver keeps its VIPs while a director is left out of the run: its agent says it is fit, so it goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
INVENTORY = """
all:
  vars: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}
mysql: {hosts: {db1: }}
lvs_director: {hosts: {lvs1: , lvs2: , lvs3: {lvs_director_state: absent}}}
"""


@pytest.mark.parametrize(
    ("limit", "left_out"), [("all", ""), ("db1", "lvs1, lvs2"), ("db1,lvs2", "lvs1"), ("db1,lvs1,lvs2", "")]
)
def test_directors_left_out(tmp_path: Path, limit: str, left_out: str) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(INVENTORY)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ansible", "playbook", "--check", "--inventory", str(inventory), "--limit", limit),
            str(Path(__file__).parent / "leaving.yml"),
        ],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Refuse to take the reader VIPs off lo" in done.stdout
    said = f"its reader VIPs stay on lo, because {left_out} may go on"
    assert (said in " ".join(done.stdout.split())) is bool(left_out), done.stdout
    assert ("stay on lo" in done.stdout) is bool(left_out)
