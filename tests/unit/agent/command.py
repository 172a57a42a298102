# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host with the command mysql-ha, for its tests."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from mysql_ha_agent import trackfile
from mysql_ha_agent.model import Seen
from unit.agent.sockets import Node, free_ports
from unit.agent.world import CLOSED, KEYS, up


class Host:
    """One machine with the instance `a`: its configuration and small files in a directory of the test."""

    def __init__(self, directory: Path) -> None:
        self.ports = free_ports("ab")
        names = ("track", "hold", "state", "lead", "pause", "request")
        self.files = {f"{name}_file": str(directory / f"a.{name}") for name in names}
        self.files["socket"] = str(directory / "mysqld.sock")
        self.etc = directory / "etc"
        self.etc.mkdir()
        members = [{"name": name, "address": "127.0.0.1", "port": 3306, "agent_port": port, "role": "candidate"}
                   for name, port in self.ports.items()]
        self.keys = {**KEYS, **self.files, "address": "127.0.0.1", "agent_port": self.ports["a"], "members": members,
                     "hang_timeout": 0.3}
        self.configure()

    def configure(self, **changes: Any) -> None:
        (self.etc / "a.json").write_text(json.dumps({**self.keys, **changes}))

    def agent(self, name: str = "a", **changes: Any) -> Agent:
        return Agent(name, self.ports, step=0.01, **self.files, **changes)

    def path(self, name: str) -> Path:
        return Path(self.files[f"{name}_file"])


class Agent(Node):
    """Follows the small files as an agent does, as far as the command can see it."""

    obeys = True
    closed = CLOSED

    def _see(self) -> Seen:
        hold = trackfile.read_hold(self.config.hold_file)
        if self.obeys and hold is not None and self.config.instance == "a":
            self.state = replace(self.state, phase="held")
            self.seen = replace(self.seen, mysqld=up(self.closed))
        if self.obeys and trackfile.read_request(self.config.request_file) and self.config.instance == "a":
            self.state = replace(self.state, phase="writer", reasons=())
        paused = trackfile.paused(self.config.pause_file)
        return replace(super()._see(), hold=hold, paused=paused)


class Result:
    def __init__(self, status: int, out: str, error: str) -> None:
        self.status, self.out, self.error = status, out, error
