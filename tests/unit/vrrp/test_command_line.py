# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program behind sudo, timeout, a shell and the like."""

from __future__ import annotations

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._command_line import program, split, unwrapped


@pytest.mark.parametrize(
    ("command", "path", "read"),
    [
        ("/x.sh /y", "/x.sh", False), ("pkill keepalived", "pkill", False), ("", "", False),
        ("/bin/bash /x.sh /y", "/x.sh", True), ("/usr/bin/env python3 /x.py", "/x.py", True),
        ("/bin/sh -x /x.sh", "/x.sh", True), ("/bin/sh -c '/x.sh /y'", "/x.sh", False),
        ("/usr/bin/perl -e /x", "/usr/bin/perl", False), ("/bin/sh -e /x", "/x", True),
        ("/usr/bin/python3.11 -m x /y", "/usr/bin/python3.11", False), ("/bin/sh x.sh /y", "/bin/sh", False),
        ("/usr/bin/timeout -k 1 5s /x -p /y", "/x", False), ("timeout 5 mysqladmin -S /s ping", "timeout", False),
        ("/usr/bin/sudo -u mysql /x", "/x", False), ("/usr/bin/sudo -n /x", "/x", False),
        ("/usr/bin/flock -n /run/l /x /y", "/x", False), ("/usr/bin/flock -w 3 /run/l -c '/x /y'", "/x", False),
        ("sudo -Hiu mysql /x", "/x", False), ("sudo -umysql /x", "/x", False), ("gosu mysql /x", "/x", False),
        ("su-exec mysql /x", "/x", False), ("s6-setuidgid mysql /x", "/x", False),
        ("/usr/sbin/runuser -u mysql -- /x", "/x", False), ("/usr/sbin/runuser -u mysql /x", "/x", False),
        ("/bin/su mysql -s /bin/sh -c '/x /y'", "/x", False), ("/bin/su - mysql -c /x", "/x", False),
        ("/usr/bin/nice -n 5 /x", "/x", False), ("/usr/bin/nice -5 /x", "/x", False),
        ("/usr/bin/ionice -c2 -n 0 /x", "/x", False),
        ("/usr/bin/setpriv --reuid mysql --clear-groups /x", "/x", False), ("/usr/bin/chrt -f 10 /x", "/x", False),
        ("/usr/bin/env -i A=1 B=2 /bin/bash /x", "/x", True), ("/usr/bin/nohup /x", "/x", False),
        ("/usr/bin/sudo -n -u mysql /usr/bin/timeout -s KILL 3 /bin/bash /x", "/x", True),
        ("/sbin/ip netns exec blue /x", "/x", False), ("/sbin/ip addr", "/sbin/ip", False),
        ("'/path with blank/x' 3306", "/path with blank/x", False), ('"/x" 3306', "/x", False),
        ("/bin/bash -lc '/usr/bin/sudo -n /x'", "/x", False), ("/usr/bin/docker exec db /x", "/x", False),
        ("/usr/bin/sudo", "/usr/bin/sudo", False), ("/usr/bin/timeout 5", "/usr/bin/timeout", False),
        ("env A=/b /x", "/x", False), ("/bin/bash", "/bin/bash", False),
        ("/usr/bin/timeout 5 /bin/sh -c '/x'", "/x", False), ("bash -c 'x -y'", "bash", False),
    ],
)  # fmt: skip
def test_programs(command: str, path: str, read: bool) -> None:
    assert program(command) == (path, read)


@pytest.mark.parametrize(
    ("command", "words"),
    [("'a b' \"c d\" e\\ f", ["a b", "c d", "e f"]), ("it's", ["it's"]), ("", []), ("a  'b'c", ["a", "bc"])],
)  # fmt: skip
def test_words(command: str, words: list[str]) -> None:
    assert split(command) == words


def test_the_code_of_a_shell_is_kept() -> None:
    assert unwrapped("sudo -n bash -c 'a | b'").code == "a | b"
    assert unwrapped("sudo -n /x a").words == ["/x", "a"]
