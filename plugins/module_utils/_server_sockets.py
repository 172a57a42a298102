# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where MySQL servers of a host listen, told by the kernel."""

from __future__ import annotations

import os
import re

# Flags 00010000: it listens. Distributions name it mysqld.sock, mysql.sock, mariadb.sock, with an instance's name too.
_LISTENING = re.compile(r"\S+: \S+ \S+ 00010000 \S+ \S+ +\d+ (/\S*(?:mysql|mariadb|percona)\S*\.sock)")
_OTHERS = re.compile(r"mysqlx|mysqlrouter|proxysql|notify", re.IGNORECASE)  # the X protocol, proxies


def parse(text: str) -> list[str]:
    """Of /proc/net/unix, in one order."""
    found = (_LISTENING.fullmatch(line.strip()) for line in text.split("\n"))
    return sorted({match[1] for match in found if match and not _OTHERS.search(match[1])})


def unasked(path: str) -> str:
    """What is said of a server that nobody asked; not true where another name of the inventory stands for it."""
    return f"another server listens at {path}, which was not asked"


def server_sockets() -> list[str]:
    """Sockets that exist here: a container's show up too on some kernels, but not their files."""
    try:
        with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
            return [path for path in parse(file.read()) if os.path.exists(path)]
    except OSError:
        return []
