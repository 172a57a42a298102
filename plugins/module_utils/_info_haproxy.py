# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module haproxy_info reads."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import socket as sockets
import stat
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from . import _haproxy_conf, _haproxy_reader
from ._haproxy_stats import (
    LARGEST,
    Unreadable,
    parse_info,
    parse_stat,
    parse_version,
)

SOCKETS = (
    "/run/mysql-ha-haproxy/admin.sock", "/run/haproxy/admin.sock", "/run/haproxy.sock", "/var/lib/haproxy/stats",
    "/var/run/haproxy.sock",
)  # fmt: skip
CONFIG = "/etc/haproxy/haproxy.cfg"


def daemon() -> tuple[list[str], dict[str, str]] | None:
    """Arguments and environment of the HAProxy that runs here, containers left out; None where none does.

    The environment is for addresses in variables alone, and goes nowhere else. Raises OSError.
    """
    here = os.readlink("/proc/self/ns/pid")
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it may have ended, or belong to somebody else
            comm = Path(f"/proc/{name}/comm").read_text(encoding="utf-8", errors="replace").strip()
            if comm == "haproxy" and os.readlink(f"/proc/{name}/ns/pid") == here:
                return _words(f"/proc/{name}/cmdline")[1:], dict(
                    word.partition("=")[::2] for word in _words(f"/proc/{name}/environ")
                )
    return None


def _words(path: str) -> list[str]:
    return Path(path).read_bytes()[:65536].decode("utf-8", "replace").split("\0")


def sections_of(path: str, environment: dict[str, str], version: str | None) -> list[dict[str, Any]]:
    """Raises OSError and _haproxy_conf.Unreadable."""
    with open(path, "rb") as file:
        data = file.read(_haproxy_reader.LARGEST + 1)
    numbers = tuple(int(part) for part in re.findall(r"[0-9]{1,4}", version or "")[:3])
    return _haproxy_conf.parse(data, path, environment, numbers)


def for_all(paths: list[str]) -> list[str]:
    """Those that every account of the host may read."""
    found = []
    for path in paths:
        with contextlib.suppress(OSError):
            found += [path] if os.stat(path).st_mode & stat.S_IROTH else []
    return found


def read_configuration(
    given: str | None, process: tuple[list[str], dict[str, str]] | None, found: dict[str, Any]
) -> list[str]:
    """Fills in the configuration; returns the sockets that it names."""
    arguments, environment = process or (None, {})
    named = [given] if given else _haproxy_conf.configuration_files(arguments or []) or [CONFIG]
    sections: list[dict[str, Any]] = []
    read: list[str] = []
    for each in named:
        for path in sorted(glob.glob(os.path.join(each, "*.cfg"))) if os.path.isdir(each) else [each]:
            if not given and arguments is None and not os.path.exists(path):
                continue  # nothing says that it should be there
            try:
                sections += sections_of(path, environment, found["installed"])
                read.append(path)
            except (OSError, _haproxy_conf.Unreadable) as error:
                found["problems"].append(f"configuration: {error}")
    if read:
        described = _haproxy_conf.describe(sections)
        described["sockets"] += _haproxy_conf.master_sockets(arguments or [])
        found["problems"] += described.pop("problems")
        found["configuration"] = {"files": read, "files_for_all": for_all(read), **described}
    return _haproxy_conf.sockets(sections)


def ask(path: str, command: str, timeout: float) -> bytes:
    """Raises OSError and Unreadable."""
    end = time.monotonic() + timeout
    received = bytearray()
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(path)
        connection.sendall(f"{command}\n".encode())
        while len(received) <= LARGEST:
            left = end - time.monotonic()
            if left <= 0:
                raise Unreadable(f"no whole answer to `{command}` within {timeout:g} s")
            connection.settimeout(left)
            data = connection.recv(65536)
            if not data:
                break
            received += data
    return bytes(received)


SPEC: dict[str, Any] = {
    "socket": {"type": "path"},
    "config": {"type": "path"},
    "timeout": {"type": "float", "default": 3.0},
}


def gather(module: AnsibleModule) -> dict[str, Any]:
    found: dict[str, Any] = {
        "available": False, "installed": None, "socket": None, "problems": [], "info": None, "proxies": [],
        "running": False, "configuration": None,
    }  # fmt: skip
    program = module.get_bin_path("haproxy", opt_dirs=["/usr/sbin", "/usr/local/sbin"])
    if program:
        _status, output, _errors = module.run_command([program, "-v"])
        found["installed"] = parse_version(output)
    process = None
    try:
        process = daemon()
    except OSError as error:
        found["problems"].append(f"daemon: {error}")
    found["running"] = process is not None
    named = read_configuration(module.params["config"], process, found)
    wanted = module.params["socket"]
    path = wanted or next((name for name in (*named, *SOCKETS) if Path(name).is_socket()), None)
    found["socket"] = path
    if path is None:
        # Without a HAProxy there is nothing to be missed.
        if found["running"] or program:
            found["problems"].append("no runtime socket was found")
    else:
        try:
            found["info"] = parse_info(ask(path, "show info", module.params["timeout"]))
            found["proxies"] = parse_stat(ask(path, "show stat", module.params["timeout"]))
            found["available"] = True
        except (OSError, Unreadable) as error:
            found["problems"].append(f"{path}: {error}")
    return {"haproxy": found}
