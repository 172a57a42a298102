# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a script ends or restarts keepalived: shell, and what Python and Perl write alike. Pure."""

from __future__ import annotations

import re

_LONGEST = 4096  # characters of a line
_COMMENT = re.compile(r"""(?:^|(?<=[\s;]))#.*""")
_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
_SEPARATOR = re.compile(r"&&|\|\||;")
_REDIRECTION = re.compile(r"\d?>>?\s*&?[^\s;|&)]*")
# A message runs nothing: in a here-document, and in a variable.
_HERE = re.compile(
    r"""(?:^|[\s;])(?:cat|mailx?|sendmail|logger|wall)\b[^;|]*<<-?\s*['"]?(\w+)['"]?\s*(?:\d?>+\s*\S+)?$"""
)
_TEXT = re.compile(r"""(?i)\s*(?:local\s+)?\w*(?:msg|message|subject|text|body|reason)\w*=(?:'[^']*'|"[^"$`]*")\s*""")
_ASSIGNED = re.compile(r"(?:^|(?<=[\s;(]))(?:my\s+\$|local\s+|export\s+|\$)?([A-Za-z_]\w*)\s*=(?![=~])")
_EACH = re.compile(r"\bfor\s+([A-Za-z_]\w*)\s+in\b")
_READ = re.compile(r"\bread\s+(?:-\w+\s+)*([A-Za-z_]\w*)")
_NOT_THAT = re.compile(r"\bgrep\s+(?:-\w+\s+)*-\w*v\w*\s+\S+")
_DIRECTORY = re.compile(r"[\w./~-]*\bkeepalived/")
_WORD = re.compile(r"[\w.@/+:=-]+")
_SPEAKS = frozenset({
    "echo", "printf", "logger", "log", "print", "wall", "mail", "mailx", "syslog", "die", "warn", "logging", "cat",
    "sys.stderr.write", "sys.stdout.write", "log_message", "notify-send", "curl", "say", "raise",
})  # fmt: skip
_SELF = re.compile(r"keepalived(?:\.service|\.pid|-(?!exporter)\w+)?|keepalived@\S+")
_ENDS = frozenset({
    "stop", "restart", "kill", "force-stop", "force-restart", "try-restart", "condrestart", "mask", "down", "exit",
    "rm", "pause", "disable", "graceful-stop",
})  # fmt: skip
_MANAGERS = frozenset({
    "systemctl", "service", "rc-service", "invoke-rc.d", "initctl", "docker", "podman", "nerdctl", "crictl", "lxc",
    "docker-compose", "supervisorctl", "sv", "monit", "pcs", "rcctl", "svcadm", "snap",
})  # fmt: skip
_KILLERS = frozenset({"kill", "killall", "killall5", "pkill", "skill", "os.kill", "os.killpg"})
# Signals that ask keepalived for something else than its end.
_HARMLESS = re.compile(r"(?:SIG)?(?:0|1|10|12|3[4-9]|[45]\d|6[0-4]|HUP|USR[12]|RTMIN(?:\+\d+)?|RTMAX(?:-\d+)?|CONT)")


def kills_keepalived(text: str) -> int | None:
    """The line of a script that ends or restarts keepalived; comments and messages do not count."""
    if "keepalived" not in text:
        return None
    names: set[str] = set()  # variables that hold its name or its process
    pending, start, message = "", 0, ""
    for at, line in enumerate(text.splitlines(), start=1):
        if message:
            message = "" if line.strip() == message else message
            continue
        start = start or at
        pending += line[:_LONGEST]
        if line.endswith("\\") and len(pending) < _LONGEST:
            pending = f"{pending[:-1]} "
            continue
        if _in_line(pending[:_LONGEST], names):
            return start
        here = _HERE.search(pending[:_LONGEST]) if "<<" in pending else None
        pending, start, message = "", 0, here[1] if here else ""
    return start if pending and _in_line(pending, names) else None


def _in_line(line: str, names: set[str]) -> bool:
    if "keepalived" not in line and not names:
        return False
    found = False
    for segment in _SEPARATOR.split(_without_comment(line)):
        whole = _with_values(segment, names)
        found = found or (not _TEXT.fullmatch(segment) and _ends(whole))
        if "keepalived" in whole:
            for pattern in (_ASSIGNED, _EACH, _READ):
                names.update(each[1] for each in pattern.finditer(segment))
    return found


def _without_comment(line: str) -> str:
    if "#" not in line:
        return line
    blank = _QUOTED.sub(lambda found: "_" * len(found[0]), line)
    comment = _COMMENT.search(blank)
    return line[: comment.start()] if comment else line


def _with_values(segment: str, names: set[str]) -> str:
    """With the word keepalived for each variable that holds it."""
    if not names:
        return segment
    either = "|".join(map(re.escape, sorted(names)[:50]))
    segment = re.sub(rf"\$\{{?(?:{either})\b\}}?", "keepalived", segment)
    return re.sub(rf"\b(?:{either})\b", "keepalived", segment) if "os.kill" in segment else segment


def _ends(segment: str) -> bool:
    if "keepalived" not in segment:
        return False
    plain = _DIRECTORY.sub("/", _NOT_THAT.sub("", _REDIRECTION.sub(" ", segment)))
    words = [word.rpartition("/")[2] or word for word in _WORD.findall(plain)]
    piped = "|" in plain
    if not any(_SELF.fullmatch(word) for word in words) or (_speaks(words) and not piped):
        return False
    return _by_manager(words) or _by_signal(plain, words)


def _speaks(words: list[str]) -> bool:
    first = next((word for word in words if word not in ("then", "else", "do", "if", "{")), "")
    return first in _SPEAKS or first.rpartition(".")[0] in ("logging", "logger", "log", "syslog")


def _by_manager(words: list[str]) -> bool:
    for place, word in enumerate(words):
        behind = words[place + 1 :]
        if word in _MANAGERS and any(_SELF.fullmatch(each) for each in behind):
            ends = _ENDS.intersection(behind) - (set() if "--now" in behind else {"disable"})
            return bool(ends) or (word == "sv" and "d" in behind)
        script = word == "keepalived" and behind[:1] and behind[0] in ("stop", "restart", "force-stop")
        if script or (word in ("stop", "restart") and behind[:1] == ["keepalived"]):
            return True  # /etc/init.d/keepalived stop, and upstart's stop keepalived
    return False


def _by_signal(segment: str, words: list[str]) -> bool:
    if "start-stop-daemon" in words and {"--stop", "-K"} & set(words):
        return not _asks(words)
    for place, word in enumerate(words):
        if word in _KILLERS:
            return not _asks(words[place + 1 :]) and "--signum" not in segment
    return False


def _asks(behind: list[str]) -> bool:
    """Whether a signal is named, and it does not end keepalived."""
    for place, word in enumerate(behind[:6]):
        signal = word.lstrip("-")
        if word in ("-s", "-n", "--signal") and place + 1 < len(behind):
            signal = behind[place + 1]
        elif word.startswith("--signal="):
            signal = word.partition("=")[2]
        elif word.startswith("signal."):
            signal = word.partition(".")[2]
        elif not word.startswith("-"):
            continue
        if _HARMLESS.fullmatch(signal):
            return True
    return False
