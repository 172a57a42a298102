# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The site's own fence command: it makes sure that the old writer is off before this instance opens writes."""

from __future__ import annotations

import os
import subprocess

from .config import Config


def run(config: Config, peer: str) -> None:
    """Returns when the command has succeeded. Raises OSError when it cannot be run, fails, or takes too long."""
    member = next(member for member in config.members if member.name == peer)
    told = {
        "MYSQL_HA_CLUSTER": config.cluster, "MYSQL_HA_INSTANCE": config.instance, "MYSQL_HA_PEER": peer,
        "MYSQL_HA_PEER_ADDRESS": str(member.address),
    }
    try:
        done = subprocess.run(
            config.fence_command, env={**os.environ, **told}, timeout=config.fence_timeout, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired as error:
        raise OSError(f"the fence command did not end within {config.fence_timeout:g} s") from error
    if done.returncode != 0:
        said = done.stdout.decode("utf-8", "replace").strip()[-200:]
        raise OSError(f"the fence command ended with status {done.returncode}: {said}")
