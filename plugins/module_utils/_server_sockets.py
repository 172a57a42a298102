# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where MySQL servers of a host listen, told by the kernel."""

from __future__ import annotations

import os
import re

# Flags 00010000: it listens.
_LISTENING = re.compile(r"\S+: \S+ \S+ 00010000 \S+ \S+ +\d+ (/\S+)")
# Distributions name it mysqld.sock, mysql.sock, mariadb.sock, with an instance's name too.
_SERVERS = re.compile(r"/\S*(?:mysql|mariadb|percona)\S*\.sock")
# The X protocol, and proxies; this collection's own is at /run/mysql-ha-haproxy/admin.sock.
_OTHERS = re.compile(r"mysqlx|mysqlrouter|proxysql|haproxy|notify", re.IGNORECASE)


def parse(text: str, wanted: str = "") -> list[str]:
    """Of /proc/net/unix, in one order; `wanted` is one of them whatever its name is."""
    found = (_LISTENING.fullmatch(line.strip()) for line in text.split("\n"))
    return sorted({match[1] for match in found if match and (match[1] == wanted or _named(match[1]))})


def _named(path: str) -> bool:
    return bool(_SERVERS.fullmatch(path)) and not _OTHERS.search(path)


def unasked(path: str) -> str:
    """What is said of a server that nobody asked; not true where another name of the inventory stands for it."""
    return f"another server listens at {path}, which was not asked"


def server_sockets(wanted: str = "") -> list[str]:
    """Sockets that exist here: a container's show up too on some kernels, but not their files."""
    try:
        with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
            return [path for path in parse(file.read(), wanted) if os.path.exists(path)]
    except OSError:
        return []
