# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A thread that ends by a mistake ends the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mysql_ha_agent

PROGRAM = """
import time
from mysql_ha_agent import threads
def run(text):
    {body}
threads.start(run, "watch", "index out of range")
time.sleep({seconds})
"""


def run(body: str, seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(body=body, seconds=seconds)], capture_output=True, text=True,
        timeout=30, check=False, env={"PYTHONPATH": str(Path(mysql_ha_agent.__file__).parents[1])})


def test_a_mistake_ends_the_process_and_is_told() -> None:
    ended = run("raise IndexError(text)", 20)
    assert ended.returncode == 1
    assert "the thread 'watch' failed" in ended.stderr
    assert "IndexError: index out of range" in ended.stderr


def test_a_thread_may_end() -> None:
    assert run("return", 0.2).returncode == 0


def test_every_endless_thread_is_started_so() -> None:
    """The others are short: a thread of one statement, or one that is waited for."""
    others = {"threads.py", "demotion.py", "events.py", "guard.py", "httpd.py"}
    code = Path(mysql_ha_agent.__file__).parent
    assert {file.name for file in code.glob("*.py") if "threading.Thread(" in file.read_text()} <= others
