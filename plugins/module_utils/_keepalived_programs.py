# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands of a keepalived configuration run, and whether that ends keepalived. Pure."""

from __future__ import annotations

import re

# Signals that ask a daemon for something else than its end.
_HARMLESS = r"(?:\s-|\s-[sn]\s*|--signal[=\s]\s*)(?:SIG)?(?:0|1|10|12|HUP|USR[12])(?=[\s;]|$)|--signum\b"
_KILLS = re.compile(
    rf"\b(?:killall5?|pkill|kill)\b(?![^\n;|&]{{0,200}}?(?:{_HARMLESS}))[^\n;|&]{{0,400}}\bkeepalived\b"
    r"|\bservice\s+keepalived\s+(?:force-)?(?:stop|restart)\b|\bsystemctl\s+(?:-\S+\s+)*(?:stop|restart|kill)\s+keepalived"
    r"|/etc/(?:rc\.d/)?init\.d/keepalived\s+(?:stop|restart)\b"
)


def kills_keepalived(text: str) -> int | None:
    """The line of a script that ends or restarts keepalived; comments do not count."""
    for at, line in enumerate(text.splitlines(), start=1):
        if not line.lstrip().startswith("#") and _KILLS.search(line[:4096]):
            return at
    return None
