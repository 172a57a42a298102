# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the option files of the server that runs on this host, as its own command line names them."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from . import _settings_seen as seen

LARGEST = 1024 * 1024  # bytes of a file
PROGRAMS = ("mysqld", "mariadbd")
BOOT = ("read_only", "super_read_only")  # what a start makes of the server
# Where clients' passwords are, beside the server's own files.
CLIENT_FILES = ("/root/.my.cnf", "/home/*/.my.cnf", "/var/lib/mysql/.my.cnf", "/etc/mysql/debian.cnf")


class Process(NamedTuple):
    program: str
    arguments: list[str]
    environment: dict[str, str]


def read(path: str) -> str:
    """Raises OSError and ValueError."""
    if not os.path.isfile(path):
        raise ValueError("it is no plain file")
    with open(path, "rb") as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST or b"\0" in text:
        raise ValueError("it is no text, or too long")
    return text.decode("utf-8", "replace")


def find(path: str, directory: bool) -> list[tuple[str, str | None]]:
    """The option files that a path means: *.cnf of a directory in the order of their bytes, hidden ones too.

    Raises OSError and ValueError.
    """
    if directory:
        return [(os.path.join(path, name), None) for name in sorted(os.listdir(path)) if name.endswith(".cnf")]
    if not os.path.exists(path):
        return []
    if os.path.isfile(path) and os.stat(path).st_mode & stat.S_IWOTH:
        raise ValueError("it may be written by everybody, so mysqld ignores it")
    return [(path, read(path))]


def processes() -> Iterator[Process]:
    """MySQL servers that run here, containers left out. Raises OSError."""
    here = os.readlink("/proc/self/ns/pid")
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it may have ended
            comm = Path(f"/proc/{name}/comm").read_text(encoding="utf-8", errors="replace").strip()
            if comm in PROGRAMS and os.readlink(f"/proc/{name}/ns/pid") == here:
                program = os.readlink(f"/proc/{name}/exe").removesuffix(" (deleted)")
                environment = dict(word.partition("=")[::2] for word in _words(f"/proc/{name}/environ"))
                yield Process(program, _words(f"/proc/{name}/cmdline")[1:], environment)


def _words(path: str) -> list[str]:
    return Path(path).read_bytes()[:65536].decode("utf-8", "replace").rstrip("\0").split("\0")


def _settings(module: AnsibleModule, process: Process) -> seen.Settings:
    start = seen.start_of(process.arguments, process.environment)
    flavour, series = "mysql", ""
    if os.path.exists(process.program):
        _status, output, _errors = module.run_command([process.program, "--version"])
        flavour, series = seen.server_version(output)
    found = seen.Settings(find, seen.groups_of(flavour, series, start.suffix))
    for path in seen.files_of(start, process.environment):
        found.read(path)
    found.read_arguments(process.arguments)
    return found


def option_files(module: AnsibleModule, socket: str | None) -> seen.Settings | None:
    """Of the server at a socket; of several servers None where nothing tells which one is meant."""
    try:
        running = list(processes())
    except OSError:
        running = []
    if not running:
        program = next(filter(None, (module.get_bin_path(name, opt_dirs=["/usr/sbin"]) for name in PROGRAMS)), "")
        return _settings(module, Process(program, [], {}))
    read_ = [_settings(module, each) for each in running]
    if len(read_) == 1:
        return read_[0]
    named = [one for one in read_ if socket and _socket(one) == os.path.realpath(socket)]
    rest = [one for one in read_ if _socket(one) is None]
    return named[0] if len(named) == 1 else rest[0] if not named and len(rest) == 1 else None


def _socket(found: seen.Settings) -> str | None:
    named = [each["value"] for each in found.settings if each["name"] == "socket" and each["value"]]
    return os.path.realpath(named[-1]) if named else None


def facts(module: AnsibleModule, socket: str | None) -> dict[str, Any] | None:
    """What replication_info returns of them."""
    found = option_files(module, socket)
    if found is None:
        return None
    last = {each["name"]: each for each in found.settings}
    clients = seen.Settings(find, ())
    for pattern in CLIENT_FILES:
        for path in sorted(glob.glob(pattern))[:100]:
            clients.read(path)
    secrets = {each["at"]: each for each in [*found.secrets, *clients.secrets]}
    return {
        "files": found.files,
        "boot": {name: {"value": last[name]["value"], "at": last[name]["at"]} for name in BOOT if name in last},
        "open_secrets": [each for at, each in secrets.items() if _for_all(at.rpartition(":")[0])],
        "problems": found.problems,
    }


def _for_all(path: str) -> bool:
    """Whether every account of the host may read a file, with the directories above it."""
    with contextlib.suppress(OSError):
        above = all(each.stat().st_mode & stat.S_IXOTH for each in Path(path).parents)
        return above and bool(os.stat(path).st_mode & stat.S_IROTH)
    return False
