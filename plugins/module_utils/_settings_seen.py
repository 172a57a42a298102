# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only files of a host say about its MySQL: option files, the agent's configuration, packages. Pure parsers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ._options import BadOptionFile, parse_groups

MAIN_FILES = ("/etc/my.cnf", "/etc/mysql/my.cnf", "/usr/etc/my.cnf")  # in the server's order
PACKAGES = {
    "mysql-server": "distro",
    "mysql-community-server": "oracle",
    "percona-server-server": "percona",
    "mariadb-server": "",
}  # Ubuntu's and EL's names of the distribution's begin alike
_GROUP = re.compile(r"mysqld|server|mysqld-[0-9.]{1,10}")
_MOST_FILES = 200
_DEEPEST = 10
# authentication_ldap_simple_bind_root_pwd, wsrep_sst_auth; but not the rules for passwords.
_SECRET = re.compile(r"passw|pwd|secret|_key$|_auth$")
_RULE = re.compile(r"(validate_|caching_sha2_|sha256_)?password[._][\w.]+|default_password_lifetime")
Find = Callable[[str, bool], list[tuple[str, str]]]  # (path, whether it is a directory) -> the files it means


def is_secret(name: str) -> bool:
    """Whether an option of this name may hold a secret."""
    return bool(_SECRET.search(name)) and not _RULE.fullmatch(name)


class Settings:
    """The settings of the server, from all option files in the order in which they are read."""

    def __init__(self, find: Find) -> None:
        self.settings: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self._find = find
        self._left = _MOST_FILES

    def read(self, path: str, directory: bool = False, depth: int = 0) -> None:
        if depth > _DEEPEST:
            self.problems.append(f"{path}: option files include each other")
            return
        try:
            found = self._find(path, directory)
        except (OSError, ValueError) as error:
            self.problems.append(f"{path}: {error}")
            return
        for name, text in found:
            self._left -= 1
            if self._left < 0:
                self.problems.append(f"{path}: more than {_MOST_FILES} option files")
                return
            self._file(name, text, depth)

    def _file(self, path: str, text: str, depth: int) -> None:
        lines = re.split(r"\r\n|\r|\n", text)
        includes = {place: line.strip() for place, line in enumerate(lines) if line.strip().startswith("!")}
        groups = {each[1:].partition("]")[0] for line in lines for each in [line.strip()] if each.startswith("[")}
        plain = "\n".join("" if place in includes else line for place, line in enumerate(lines))
        try:
            settings = parse_groups(plain, tuple(group for group in groups if _GROUP.fullmatch(group)))
        except BadOptionFile as error:
            self.problems.append(f"{path}: {error}")
            settings = []
        self.settings += [
            {"name": each.name, "value": None if is_secret(each.name) else each.value, "at": f"{path}:{each.line}"}
            for each in settings
        ]
        for line in includes.values():
            word, _blank, target = line.partition(" ")
            if word in ("!include", "!includedir") and target.strip().startswith("/"):
                self.read(target.strip(), word == "!includedir", depth + 1)


def agent(path: str, text: str) -> dict[str, Any]:
    """An agent's configuration, without what may hold a password. Raises ValueError."""
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(content, dict) or "instance" not in content:
        raise ValueError(f"{path}: it is no configuration of an agent")
    command = content.get("fence_command")
    program = [str(command[0])] if isinstance(command, list) and command else []
    return {**content, "fence_command": program, "at": path}


def package(text: str) -> dict[str, Any] | None:
    """The server's package, from lines of name, version and dpkg's state; None where none of them is known."""
    for line in text.splitlines():
        name, version, state = [*line.strip().split(" "), "", "", ""][:3]
        for known, source in PACKAGES.items():
            if version and state in ("", "installed") and re.fullmatch(re.escape(known) + r"(-[0-9.]{1,8})?", name):
                return {"name": name, "version": version, "source": source or None}
    return None


def certificate(text: str) -> dict[str, Any]:
    """Of `openssl x509 -noout -issuer -ext subjectAltName`: who signed it, and the names that it is made out for."""
    found = re.search(r"^issuer\s{0,9}=\s{0,9}(.{1,300})$", text, re.MULTILINE)
    names = re.findall(r"DNS:([A-Za-z0-9*._-]{1,253})", text[:65536])
    return {"issuer": found[1].strip() if found else "", "names": list(dict.fromkeys(names))}


def memory_mb(text: str) -> int | None:
    """Of /proc/meminfo, as Ansible counts."""
    found = re.search(r"^MemTotal:\s{1,20}(\d{1,15}) kB$", text, re.MULTILINE)
    return int(found[1]) // 1024 if found else None
