# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kills `site.yml` on its first run at five points, one after another, and writes down when which instance took writes.

Usage: interrupt.py INVENTORY RESULT HOST...
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from integration.lab_cluster import PROJECT, machine

# Where a person with Ctrl-C, a lost connection or a full disk would hurt most.
POINTS = (
    "Install mysqld and what the modules need",
    "Start mysqld, now and at boot",
    "Start the agent, now and at boot",
    "Start keepalived, now and at boot",
    "Configure the channel from the source",
)
WATCH = Path(__file__).with_name("watch_writable.py")
WATCH_LOG = "/root/writable.log"
WATCH_SECONDS = 900


def interrupt(inventory: str, point: str, seconds_into: float = 0.5) -> None:
    """Start the run and kill it, without a chance to tidy up, shortly after the task `point` began."""
    run = subprocess.Popen(
        ["ansible-playbook", "site.yml", "-i", inventory],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1"},
    )
    assert run.stdout is not None
    told = []
    for line in run.stdout:
        told.append(line)
        if line.startswith("TASK [") and point in line:
            time.sleep(seconds_into)
            kill_with_workers(run.pid)
            run.wait()
            return
    sys.exit(f"the run ended before it came to {point!r}:\n{''.join(told[-60:])}")


def kill_with_workers(run: int) -> None:
    """As if the control node had lost its power; ansible-core's workers have sessions of their own, and would stay."""
    workers = Path(f"/proc/{run}/task/{run}/children").read_text().split()
    os.killpg(run, signal.SIGKILL)
    for worker in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(worker), signal.SIGKILL)


def main() -> None:
    inventory, result, *hosts = sys.argv[1:]
    for host in hosts:
        subprocess.run(["docker", "cp", "--quiet", str(WATCH), f"mha-{host}:/root/watch_writable.py"], check=True)
        subprocess.run(
            [
                "docker",
                "exec",
                "--detach",
                f"mha-{host}",
                "python3",
                "/root/watch_writable.py",
                WATCH_LOG,
                str(WATCH_SECONDS),
            ],
            check=True,
        )
    for point in POINTS:
        interrupt(inventory, point)
    half_done = {host: machine(host).run("mysql -NBe 'SELECT @@super_read_only'").stdout.strip() for host in hosts}
    Path(result).parent.mkdir(parents=True, exist_ok=True)
    Path(result).write_text(json.dumps({"super_read_only": half_done}))


if __name__ == "__main__":
    main()
