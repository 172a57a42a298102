# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Running commands, and telling the person in front of the screen about it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "lab"

_START = time.monotonic()


class LabError(Exception):
    """Ends the program with a message for the user."""


def say(text: str) -> None:
    print(f"[{time.monotonic() - _START:6.1f} s] {text}", flush=True)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Only one run at a time makes or removes hosts."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE.parent / "lab.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another run to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(
    *command: str | Path,
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
    timeout: float | None = None,
) -> str:
    """Standard output of a command; LabError with its standard error when it fails.

    environment: variables beside the inherited ones. timeout: seconds.
    """
    variables = os.environ | (environment or {})
    try:
        done = subprocess.run(
            command, cwd=cwd, env=variables, timeout=timeout, check=True, text=True, capture_output=True
        )
    except FileNotFoundError as error:
        raise LabError(f"{command[0]}: not installed") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{_shown(command)}: no answer within {timeout} s") from error
    except subprocess.CalledProcessError as error:
        raise LabError(f"{_shown(command)}: {(error.stderr or error.stdout).strip()}") from error
    return done.stdout.strip()


def succeeds(*command: str | Path, timeout: float | None = None) -> bool:
    try:
        run(*command, timeout=timeout)
    except LabError:
        return False
    return True


def run_logged(log: Path, *command: str | Path) -> None:
    """For a long command: its output goes to a file, of which a failure shows the end."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    if status != 0:
        raise LabError(f"{_shown(command)}: exit status {status}; the end of {log}:\n{tail(log)}")


def tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def docker(*arguments: str | Path) -> str:
    return run("docker", *arguments)


def _shown(command: tuple[str | Path, ...]) -> str:
    words = [str(word) for word in command]
    return " ".join(words[:5] + ["..."] * (len(words) > 5))
