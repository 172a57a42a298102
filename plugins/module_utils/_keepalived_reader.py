# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of the VRRP family read on their way. Whatever fails becomes a problem; nothing is raised."""

from __future__ import annotations

import os
import socket
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ._command_secrets import hidden
from ._ip_addresses import parse_addresses
from ._keepalived_conf import Configuration, Unreadable, read_all
from ._keepalived_daemon import DATA, JSON, Version, config_id, parse_unit, parse_version, signals
from ._keepalived_dump import parse_journal, parse_json, parse_text
from ._keepalived_host import NAMES, SOURCES, Daemon, daemons, dump, files, in_a_container

Facts = dict[str, Any]
DEFAULT = "/etc/keepalived/keepalived.conf"
UNIT = ("LoadState", "ActiveState", "UnitFileState", "Restart", "FragmentPath", "DropInPaths", "NRestarts")
PARSERS = {JSON: parse_json, DATA: parse_text}


class Reader:
    """Each part is a value, or what stands for "not known"."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self.problems: list[str] = []

    def part(self, what: str, read: Callable[[], Any], default: Any) -> Any:
        try:
            return read()
        except (OSError, ValueError, Unreadable) as error:
            self.problems.append(f"{what}: {error}")
            return default

    def _run(self, *command: str) -> tuple[int, str]:
        """Status and all output. Raises OSError."""
        status, output, errors = self._module.run_command(list(command), handle_exceptions=False)
        return status, f"{output}\n{errors}"

    def find(self, name: str) -> str | None:
        path = self._module.get_bin_path(name, opt_dirs=["/sbin", "/usr/sbin", "/usr/local/sbin"])
        return str(path) if path else None

    def installed(self) -> tuple[str | None, Version | None]:
        keepalived = self.find("keepalived")
        if not keepalived:
            return None, None
        version = self.part("version", lambda: parse_version(self._run(keepalived, "--version")[1]), None)
        if version is None:
            self.problems.append(f"version: {keepalived} does not tell it")
        return keepalived, version

    def daemon(self) -> tuple[bool | None, Daemon | None]:
        if os.geteuid() != 0:
            self.problems.append("daemon: only root sees what runs")
            return None, None
        found = self.part("daemon", daemons, [])
        if len(found) > 1:
            self.problems.append(f"daemon: {len(found)} of them run; this is the first, process {found[0].pid}")
        if not found and self.part("daemon", in_a_container, False):
            self.problems.append("daemon: one runs in a container with this host's network, and is not looked into")
            return None, None
        return bool(found), found[0] if found else None

    def configuration(self, path: str, version: Version | None, arguments: list[str]) -> Configuration | None:
        """As a daemon with these arguments reads it."""
        with_executables = version is not None and version.number < (2, 0)
        own = config_id(arguments, socket.gethostname())
        found = self.part(
            "configuration", lambda: read_all(path, lambda name: files(name, with_executables), own), None
        )
        return found if isinstance(found, Configuration) else None

    def unit(self) -> dict[str, str]:
        systemctl = self.find("systemctl")
        if not systemctl:
            return {}
        command = (systemctl, "show", "keepalived.service", f"--property={','.join(UNIT)}")
        unit: dict[str, str] = self.part("unit", lambda: parse_unit(self._run(*command)[1]), {})
        return unit if unit.pop("LoadState", "") not in ("", "not-found") else {}

    def check(self, keepalived: str | None, version: Version | None, path: str, arguments: list[str]) -> Facts | None:
        # Before 2.0 an unknown option might have started a daemon.
        if not keepalived or version is None or version.number < (2, 0):
            return None
        return self.part("configuration check", lambda: self._check(keepalived, path, arguments), None)  # type: ignore[no-any-return]

    def _check(self, keepalived: str, path: str, arguments: list[str]) -> Facts | None:
        if "--config-test" not in self._run(keepalived, "--help")[1]:
            return None
        options = [option for option in arguments if option.startswith("--config-id=")]
        status, text = self._run(keepalived, "--config-test=", f"--use-file={path}", *options)
        messages = [hidden(line.strip()) for line in text.splitlines() if line.strip()]
        return {"status": status, "messages": messages[:100]}

    def dumps(self, daemon: Daemon, version: Version | None, settings: Facts, wait: float) -> dict[str, list[Facts]]:
        """What the daemon says of itself, by source."""
        if daemon.replaced:
            self.problems.append("dump: the program was replaced while it ran, so its version is not known")
            return {}
        possible = signals(version, daemon.status, daemon.children)
        if not possible:
            self.problems.append("dump: this keepalived is not known to survive the signals, so it was not asked")
        found = {}
        for number in possible:
            named = settings.get("json_dump_file" if number == JSON else "state_dump_file") or NAMES[number]
            instances = self._dump(daemon, number, daemon.root + os.path.join(daemon.temporary, named), wait)
            if instances is not None:
                found[SOURCES[number]] = instances
        return found

    def _dump(self, daemon: Daemon, number: int, path: str, wait: float) -> list[Facts] | None:
        def read() -> list[Facts]:
            return dump(daemon, number, path, PARSERS[number], wait)

        return self.part(f"dump ({SOURCES[number]})", read, None)  # type: ignore[no-any-return]

    def journal(self) -> dict[str, Facts]:
        journalctl = self.find("journalctl")
        if not journalctl:
            return {}
        command = (journalctl, "--unit=keepalived", "--output=short-unix", "--lines=5000", "--no-pager", "--quiet")
        return self.part("journal", lambda: parse_journal(self._run(*command)[1]), {})  # type: ignore[no-any-return]

    def addresses(self) -> list[Facts]:
        ip = self.find("ip")
        if not ip:
            self.problems.append("addresses: there is no program ip")
            return []
        return self.part("addresses", lambda: parse_addresses(self._run(ip, "-o", "address", "show")[1]), [])  # type: ignore[no-any-return]
