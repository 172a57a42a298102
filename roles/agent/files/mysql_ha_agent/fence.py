# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The site's own fence command: it makes sure that the old writer is off before this instance opens writes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

from .config import Config


def run(config: Config, peer: str) -> None:
    """Returns when the command has succeeded. Raises OSError when it cannot be run, fails, or takes too long.

    One that takes too long is ended with everything it has started (it is run again, and two must not get into each
    other's way). Its output goes into memory, because a pipe ends only with the last process that it
    has left behind, and a disk can stall.
    """
    member = next(member for member in config.members if member.name == peer)
    told = {
        "MYSQL_HA_CLUSTER": config.cluster, "MYSQL_HA_INSTANCE": config.instance, "MYSQL_HA_PEER": peer,
        "MYSQL_HA_PEER_ADDRESS": str(member.address),
    }
    with os.fdopen(os.memfd_create("fence"), "w+b") as output:
        process = subprocess.Popen(
            config.fence_command, env={**os.environ, **told}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            status = process.wait(config.fence_timeout)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise OSError(f"the fence command did not end within {config.fence_timeout:g} s") from None
        if status != 0:
            output.seek(0)
            said = output.read().decode("utf-8", "replace").strip()[-200:]
            raise OSError(f"the fence command ended with status {status}: {said}")
