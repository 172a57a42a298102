# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands and SQL on the lab's hosts, with a bound on everything."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
LAB = PROJECT / "lab/lab.py"
COMMAND_SECONDS = 30.0


class Failed(Exception):
    """A command or query failed, or something did not come about in time."""


def container(host: str) -> str:
    return f"mha-{host}"


def docker(*arguments: str, given: str | None = None, timeout: float = COMMAND_SECONDS) -> str:
    return _output(["docker", *arguments], given, timeout)


def shell(host: str, script: str, timeout: float = COMMAND_SECONDS) -> str:
    """Runs a script as root. Raises Failed."""
    return _output(["docker", "exec", "--interactive", container(host), "sh", "-eu"], script, timeout)


def sql(host: str, statements: str, timeout: float = COMMAND_SECONDS) -> str:
    """Asks an instance over its socket, as root; columns separated by tabs. Raises Failed."""
    client = ["docker", "exec", "--interactive", container(host), "mysql", "--batch", "--skip-column-names", "--raw"]
    return _output(client, statements, timeout)


def lab(*arguments: str, timeout: float = 120) -> str:
    return _output([sys.executable, str(LAB), *arguments], None, timeout)


def _output(command: list[str], given: str | None, timeout: float) -> str:
    stdin = subprocess.DEVNULL if given is None else None
    try:
        done = subprocess.run(
            command, input=given, stdin=stdin, timeout=timeout, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(command[:6])}: no end within {timeout:g} s") from None
    if done.returncode != 0:
        shown = " ".join(command[:6])
        raise Failed(f"{shown}: status {done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout.strip()


def wait[Value](holds: Callable[[], Value], what: str, seconds: float, every: float = 0.2) -> Value:
    """Waits until it is true and returns its value; a failing question is one that is not true. Raises Failed."""
    deadline = time.monotonic() + seconds
    problem = ""
    while True:
        try:
            value = holds()
            if value:
                return value
        except Failed as error:
            problem = f" ({error})"
        if time.monotonic() > deadline:
            raise Failed(f"after {seconds:g} s still not: {what}{problem}")
        time.sleep(every)
