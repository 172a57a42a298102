# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords in command lines of checks are hidden, whatever their form. Pure."""

from __future__ import annotations

import re

from ._command_line import LONGEST, unwrapped

HIDDEN = "VALUE_HIDDEN"  # a password
ARGUMENT = "ARGUMENT_HIDDEN"  # a word that may be one, because it stands where scripts take one
_BETWEEN = "\x1f"  # white space to a regular expression
_NAMES = r"pass(?:w(?:or)?[dt]|phrase)?|pwd?|secret|token|api[_-]?key|access[_-]?key|credentials?"
_OPTION = rf"-p|(?i:--?(?:[\w-]{{0,40}}-)?(?:{_NAMES}|bearer)|--auth)"
_IS_OPTION = re.compile(_OPTION)
_QUOTED = r"""('[^']*'|"[^"]*"|(?!<<<)[^\s'"]+)"""
# What people write on the command line of a check, and in addresses.
PASSWORD = re.compile(
    rf"""((?<![^\s'"`;|&(])(?:-p\s*|(?:{_OPTION})\s+)|auth_pass\s+"""
    rf"""|(?i:[\w-]{{0,40}}(?:{_NAMES})=)|(?<![\w-])(?:--|(?i:\w{{0,40}}_))?(?i:auth)="""
    r"""|(?<!\S)(?:-[uU]|--user[=\s]|--proxy-user[=\s])\s*[^\s:%'"]{1,80}[:%]"""
    r"""|(?i:\bauthorization:\s*(?:(?:basic|bearer|digest|token)\s+)?)"""
    r"""|(?i:\b(?:basic|bearer)\s+)(?=[\w+/=.-]{12,})|(?i:\b(?:x-[\w-]{0,40}(?:token|key|auth)|cookie)\s*:\s*)"""
    r"""|<<<\s*|(?<!\S)pass:|\bredis-cli\s[^|;&]{0,200}?-a\s+|\bldap\w{1,10}\s[^|;&]{0,200}?-w\s+"""
    r"""|\b(?:ipmitool|fence_\w{1,20})\s[^|;&]{0,200}?-[Pp]\s+|\bsnmp\w{1,10}\s[^|;&]{0,200}?-c\s+"""
    r"""|(?<![\w.-])(?:py)?(?:clustercheck|mysqlchk)[\w.]{0,20}\s+[^\s'"-][^\s'"]{0,80}\s+)"""
    rf"""{_QUOTED}"""
)
# user:password@host, as in addresses: everything up to the last @ of a word.
_IN_ADDRESS = re.compile(
    r"""((?:://[^\s/:@'"]{0,80}|(?<![^\s'"=,(])[A-Za-z_][\w.-]{0,80}):)(?!//|\d{1,5}/)[^\s'"]{1,200}(?=@[\w\[(.])"""
)
_PIPED = re.compile(
    r"""(\b(?:echo|printf)\s+(?:-\w+\s+)*)('[^']*'|"[^"]*"|[^\s'"|]+)(?=\s*\|\s*(?:\S*/)?(?:sudo\s+-S|chpasswd))"""
)
# No pattern fits a text without one of these; most words of a configuration have none.
_SUSPECT = re.compile(r"-\w|--|[:=|]|<<<|pass|basic|bearer|clustercheck|mysqlchk", re.IGNORECASE)
# Many programs take a port by -p, but these do not.
_CLIENT = re.compile(
    r"(?<![\w.-])(?:mysql(?:admin|check|dump|import|sh|show|slap)?|mariadb(?:-\w+)?|check_mysql(?:_query)?)(?=\s|$)"
)
# Programs whose further words are known not to be passwords.
_PLAIN = re.compile(
    r"(?:killall5?|kill|pkill|pidof|pgrep|ps|systemctl|service|test|\[|true|false|exit|nc|ncat|netcat|socat|telnet|ip"
    r"|ifconfig|ss|netstat|e?grep|fgrep|ping6?|arping|logger|echo|printf|cat|ls|stat|touch|rm|sleep|curl|wget|ssh|awk|sed"
    r"|mysql\w*|mariadb[\w-]*|mount|df|dig|host|nslookup|docker|podman|ipvsadm|iptables|arptables|sysctl|rsync|date)"
)
_ROLE = re.compile(
    r"(?i:master|backup|fault|stop|start|status|restart|reload|check|instance|group|up|down|init|primary|secondary|slave"
    r"|replica|source|reader|writer|read|write|read_?only|yes|no|on|off|true|false|mysqld?|mariadbd?|haproxy|keepalived"
    r"|proxysql|tcp|udp|http|localhost|any|all|and|or|not)"
)
_ADDRESS = re.compile(
    r"\d+(?:\.\d+){3}(?::\d+)?|\[?[0-9a-fA-F]*:[0-9a-fA-F:.]*\]?(?:/\d+)?|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.[a-z-]+(?::\d+)?"
    r"|-?\d{1,5}(?:\.\d+)?[smhd%]?"
)
_LOGIN = re.compile(r"[A-Za-z_][\w.-]*:[^\s\d/:]\S*")
_MAYBE = ("-P", "-a")  # options of a password in some scripts
_PLAIN_WORD = r"[^\s'\"]+"
_NO_WORD = re.compile(r"[-/$<>|&].*|.*=.*", re.DOTALL)


def hidden(text: str) -> str:
    """Without the passwords that are recognizable in a command line, an address or a message."""
    if not _SUSPECT.search(text):
        return text
    client = bool(_CLIENT.search(text))
    text = _IN_ADDRESS.sub(rf"\1{HIDDEN}", text)
    text = _PIPED.sub(rf"\1{HIDDEN}", text)
    return PASSWORD.sub(lambda found: found[1] + _hidden_value(found[1], found[2], client), text)


def hidden_among(words: list[str]) -> list[str]:
    """The same for a command that is not quoted, so that each of its arguments is a word."""
    client = any(_CLIENT.search(word) for word in words)
    pairs = zip(["", *words], words)
    # What stood in quotes is one value; a password may also be spread over words.
    shown = [_hidden_value(before, word, client) if _IS_OPTION.fullmatch(before) else word for before, word in pairs]
    return hidden(_BETWEEN.join(shown)).split(_BETWEEN)


def hidden_command(text: str) -> str:
    """A whole command: also without what a script is given after an account's name, and nothing marks as a password."""
    shown = hidden(text[:LONGEST])
    inner = unwrapped(shown)
    if inner.code is not None:  # a shell's own line: one word that is a command again
        code = hidden_command(inner.code) if inner.code and inner.code != text else inner.code
        return shown.replace(inner.code, code) if inner.code else shown
    doubtful = _doubtful(inner.words)
    if not doubtful:
        return shown
    return re.sub(_PLAIN_WORD, lambda found: _mark(found[0]) if found[0] in doubtful else found[0], shown)


def _mark(word: str) -> str:
    """Letters of both cases with digits or signs among them are no name."""
    kinds = (str.islower, str.isupper, str.isdigit, lambda sign: not sign.isalnum() and sign not in "-_.")
    mixed = len(word) > 5 and sum(any(map(kind, word)) for kind in kinds) > 2
    return HIDDEN if mixed else ARGUMENT


def _doubtful(words: list[str]) -> set[str]:
    """Arguments of a script that follow a name and are neither paths, addresses, numbers nor options."""
    if not words or _PLAIN.fullmatch(words[0].rpartition("/")[2]):
        return set()
    found: set[str] = set()
    named = False
    for before, word in zip(words, words[1:]):
        known = any(pattern.fullmatch(word) for pattern in (_NO_WORD, _ADDRESS, _ROLE))
        bare = not known and HIDDEN not in word and word != ARGUMENT
        behind = named and not before.startswith("-")
        if bare and (behind or before in _MAYBE or _LOGIN.fullmatch(word)):
            found.update(re.findall(_PLAIN_WORD, word))
        named = bare or (named and not before.startswith("-") and HIDDEN not in word)
    return found


def _hidden_value(option: str, value: str, client: bool) -> str:
    port = option.strip() == "-p" and not client and re.fullmatch("[0-9]{1,5}", value) and int(value) < 65536
    return value if port else HIDDEN
