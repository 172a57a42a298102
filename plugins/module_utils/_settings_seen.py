# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only files of a host say about its MySQL: option files, the agent's configuration, packages. Pure parsers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple, Optional

from ._options import read_lines

MAIN_FILES = ("/etc/my.cnf", "/etc/mysql/my.cnf", "/usr/etc/my.cnf")  # in the server's order
PACKAGES = {
    "mysql-server": "distro",
    "mysql-community-server": "oracle",
    "percona-server-server": "percona",
    "mariadb-server": "",
}  # Ubuntu's and EL's names of the distribution's begin alike
_MOST_FILES = 200
_DEEPEST = 10
# authentication_ldap_simple_bind_root_pwd, wsrep_sst_auth; but not the rules for passwords.
_SECRET = re.compile(r"passw|pwd|secret|_key$|_auth$")
_RULE = re.compile(r"(validate_|caching_sha2_|sha256_)?password[._][\w.]+|default_password_lifetime")
# (path, whether it is a directory) -> the files that it means; a text of None is still to be read
Find = Callable[[str, bool], list[tuple[str, Optional[str]]]]


def is_secret(name: str) -> bool:
    """Whether an option of this name may hold a secret."""
    return bool(_SECRET.search(name)) and not _RULE.fullmatch(name)


def groups_of(flavour: str, series: str, suffix: str = "") -> frozenset[str]:
    """Groups that a server of a version reads; `suffix` is that of --defaults-group-suffix."""
    names = ["mysqld", "server"]
    if flavour == "mariadb":
        names += ["mariadb", "mariadbd", "galera"]
    versions = [f"{name}-{series}" for name in names if series and name not in ("server", "galera")]
    found = [*names, *versions]
    return frozenset([*found, *(f"{name}{suffix}".lower() for name in found if suffix)])


class Settings:
    """The settings of the server, from all option files in the order in which they are read."""

    def __init__(self, find: Find, groups: Collection[str] = groups_of("mysql", "")) -> None:
        self.settings: list[dict[str, Any]] = []
        self.secrets: list[dict[str, str]] = []  # of any program: where they are
        self.files: list[str] = []
        self.problems: list[str] = []
        self._find = find
        self._groups = groups
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
            if text is None:
                self.read(name, False, depth)
                continue
            self._left -= 1
            if self._left < 0:
                self.problems.append(f"{path}: more than {_MOST_FILES} option files")
                return
            self.files.append(name)
            self._file(name, text, depth)

    def _file(self, path: str, text: str, depth: int) -> None:
        for line in read_lines(text):
            at, own = f"{path}:{line.number}", line.group.lower() in self._groups
            if line.kind.startswith("include"):
                if line.text.startswith("/"):  # in its place: what follows wins over it
                    self.read(line.text, line.kind == "includedir", depth + 1)
                else:
                    self.problems.append(f"{at}: {line.text[:200]} is no whole path, so it was not followed")
            elif line.setting is None:
                if own or line.kind == "broken":
                    self.problems.append(f"{path}: line {line.number}: {line.text}; mysqld refuses to start with it")
            else:
                name, value = line.setting.name, line.setting.value
                secret = is_secret(name)
                if secret and value and not value.startswith("/"):  # a key is in a file of its own
                    self.secrets.append({"name": name, "group": line.group[:80], "at": at})
                if own:
                    self.settings.append({"name": name, "value": None if secret else value, "at": at})

    def read_arguments(self, arguments: Iterable[str]) -> None:
        """What the command line of the server says; it wins over files."""
        for word in arguments:
            for line in read_lines(f"[mysqld]\n{word[2:]}") if word.startswith("--") else ():
                if line.setting and not line.setting.name.startswith("defaults_"):
                    value = None if is_secret(line.setting.name) else line.setting.value
                    self.settings.append({"name": line.setting.name, "value": value, "at": "command line"})


class Start(NamedTuple):
    """How a server was started: what it reads instead of, or after, the common files."""

    only: str | None  # --defaults-file
    extra: str | None  # --defaults-extra-file
    suffix: str
    none: bool  # --no-defaults


def start_of(arguments: list[str], environment: Mapping[str, str]) -> Start:
    """These options count at the front alone."""
    found = {"suffix": environment.get("MYSQL_GROUP_SUFFIX", "")}
    none = False
    for word in arguments:
        name, _equals, value = word.partition("=")
        if name == "--no-defaults" and not found.get("file"):
            none = True
        elif name in ("--defaults-file", "--defaults-extra-file", "--defaults-group-suffix"):
            found[{"--defaults-file": "file", "--defaults-extra-file": "extra"}.get(name, "suffix")] = value
        else:
            break
    return Start(found.get("file"), found.get("extra"), found["suffix"], none)


def files_of(start: Start, environment: Mapping[str, str]) -> list[str]:
    """The option files that a server reads by itself, in its order."""
    if start.none:
        return []
    if start.only:
        return [start.only]
    home, own = environment.get("MYSQL_HOME"), environment.get("HOME")
    return [
        *MAIN_FILES, *([f"{home}/my.cnf"] if home else []), *([start.extra] if start.extra else []),
        *([f"{own}/.my.cnf"] if own else []),
    ]  # fmt: skip


def server_version(text: str) -> tuple[str, str]:
    """Flavour and series, of `mysqld --version` or a package's version; empty where it is not told."""
    found = re.search(r"(?:Ver |^(?:[0-9]+:)?)([0-9]{1,2}\.[0-9]{1,2})[.0-9]*", text)
    return ("mariadb" if "mariadb" in text.lower() else "mysql"), found[1] if found else ""


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
