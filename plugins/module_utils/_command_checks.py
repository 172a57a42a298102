# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command or the script of a check looks at, and what of it only a shell would understand. Pure."""

from __future__ import annotations

import re

from ._command_line import split, unwrapped

PROCESS, PORT, ANSWER = "process", "port", "answer"
# What asks the server itself, or somebody who knows it: such a check is not judged by its text.
_ASKS = re.compile(
    r"(?i)\bselect\b|\bshow\s|read_only|replica|slave|wsrep|clustercheck|mysqlchk|https?:|\bcurl\b|\bwget\b|pymysql"
    r"|mysql\.connector|mysqldb|\bdbi\b|\bmysql(?!d|admin)\w*\b.*\s(?:-\w*e\b|--execute|<)|\bmariadb\b.*\s-\w*e\b|/role\b"
)
_LOOKS = (
    (ANSWER, re.compile(r"\b(?:mysql|mariadb-)admin\b.*\b(?:ping|status)\b")),
    (PORT, re.compile(
        r"\bn(?:c|cat|etcat|map)\b|/dev/tcp/|\btelnet\b|\bnetstat\b|(?:^|[\s/;|(])ss\s+-|\blsof\b.*-i|create_connection"
        r"|\.connect(?:_ex)?\s*\(|\bcheck_tcp\b|IO::Socket"
    )),
    (PROCESS, re.compile(
        r"\b(?:killall|pkill)\s+(?:-\w+\s+)*-(?:s\s*)?0\b|\bkill\s+-(?:s\s*)?0\b|\bpidof\b|\bpgrep\b|\bps\b[^|\n]*\|.*grep"
        r"|\bps\s+-C\b"
        r"|\bsystemctl\s+(?:-\S+\s+)*(?:is-active|status)\b|\bservice\s+\S+\s+status\b|/etc/init\.d/\S+\s+status\b"
        r"|/proc/\d*|\.pid\b|\bcheck_procs\b|\bsupervisorctl\s+status\b"
    )),
)  # fmt: skip
_OPERATOR = re.compile(r"\|\|?|&&?|;|\d?&?>>?.*|\d?<.*|.*;|.*(?:\$\(|`).*", re.DOTALL)
_ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")


def looks_at(text: str) -> str | None:
    """Whether a script, or a command, only looks for a process, a port or any answer; None where it asks more."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = "\n".join(line[:4096] for line in lines)
    if _ASKS.search(whole):
        return None
    return next((kind for kind, pattern in _LOOKS if any(pattern.search(line[:4096]) for line in lines)), None)


def shell_words(command: str) -> list[str]:
    """Words that only a shell understands, in a command that runs without one."""
    inner = unwrapped(command)
    if inner.code is not None:
        return []
    return [word for word in split(command) if _OPERATOR.fullmatch(word)][:10]


def addresses(text: str) -> list[str]:
    """IPv4 addresses that a script names."""
    return list(dict.fromkeys(found[0] for found in _ADDRESS.finditer(text)))[:50]
