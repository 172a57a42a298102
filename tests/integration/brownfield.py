# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hosts of the scenario: running playbooks on them, and pictures of what a reader must leave as it is."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from integration.lab_cluster import PROJECT

SCENARIO = PROJECT / "molecule" / "brownfield"
INVENTORY = SCENARIO / "inventory"
PLANTED: dict[str, list[str]] = yaml.safe_load((SCENARIO / "tests/planted.yml").read_text(encoding="utf-8"))
_HOSTS = yaml.safe_load((INVENTORY / "hosts.yml").read_text(encoding="utf-8"))["lab"]["hosts"]
NAMES = tuple(_HOSTS)
MACHINES = tuple(dict.fromkeys(each.get("ansible_host", name) for name, each in _HOSTS.items()))
LOGGED_BY_ANSIBLE = re.compile(r"^\S+ (ansible-\S+|python3?|sudo|systemd-journald)\[")
# It is asked for its state by signals, and says so.
ASKED = re.compile(r"^\S+ Keepalived\S*\[\d+\]: .*(Printing|dump)", re.IGNORECASE)

PICTURE = r"""
echo "== files"
find /etc /opt /root /usr/local /tmp /var/log/mysql -xdev -type f ! -path '*/.ansible/*' ! -path '/tmp/systemd-*' \
    -exec sha256sum {} + 2> /dev/null | sort -k 2
echo "== data"
find /var/lib/mysql /data -xdev ! -path '*/#innodb_*' -printf '%p %u %g %m %i\n' 2> /dev/null | sort
echo "== daemons"
for unit in keepalived mysql mariadb haproxy mysqld-3306 mysqld-3307; do
    systemctl show -p MainPID -p NRestarts -p ActiveState $unit
done
echo "== network"
ip -o address show | sed 's/valid_lft.*//'
sysctl -a 2> /dev/null | grep -E 'arp_|rp_filter|forwarding|nonlocal'
echo "== neighbours"
ip neigh show | awk '{ print $1, $3, $5 }' | grep ':' | sort
echo "== servers"
client=$(command -v mysql || command -v mariadb)
for socket in /run/mysqld/mysqld.sock /data/*/mysql.sock; do
    [ -S $socket ] || continue
    for sql in "SHOW BINARY LOG STATUS" "SHOW MASTER STATUS" "SHOW GLOBAL VARIABLES" "SELECT user, host FROM mysql.user"
    do
        $client --no-defaults --socket=$socket --skip-column-names -e "$sql" 2> /dev/null
    done
done
echo "== journal"
journalctl --quiet --no-hostname --output=short-unix ${CURSOR:+--after-cursor="$CURSOR"} ${CURSOR:---lines=0}
echo "== cursor"
journalctl --quiet --lines=0 --show-cursor | sed -n 's/^-- cursor: //p'
"""

Picture = dict[str, str]


def run_in(machine: str, script: str, **environment: str) -> str:
    """Output of a shell script there; its status does not count."""
    given = [f"--env={name}={value}" for name, value in environment.items()]
    command = ["docker", "exec", *given, f"mha-{machine}", "sh", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout


def _picture(machine: str, before: Picture | None) -> Picture:
    text = run_in(machine, PICTURE, CURSOR=before["cursor"].strip() if before else "")
    parts = re.split(r"^== (\w+)\n", text, flags=re.MULTILINE)[1:]
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    lines = found["journal"].splitlines()
    found["journal"] = "\n".join(line for line in lines if not LOGGED_BY_ANSIBLE.match(line) and not ASKED.match(line))
    return found


def pictures(machines: Iterable[str] = MACHINES, before: dict[str, Picture] | None = None) -> dict[str, Picture]:
    """Of each machine. `before`: the journal is then what was added since, without what asking leaves there."""
    names = list(machines)
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(names, pool.map(lambda name: _picture(name, before and before[name]), names), strict=True))


def touched(before: dict[str, Picture], after: dict[str, Picture]) -> list[str]:
    """What differs, one line each."""
    found = []
    for machine, picture in after.items():
        found += [f"{machine}, journal: {line}" for line in picture["journal"].splitlines()]
        for part in picture.keys() - {"journal", "cursor"}:
            old, new = before[machine][part].splitlines(), picture[part].splitlines()
            found += [f"{machine}, {part}: - {line}" for line in old if line not in new]
            found += [f"{machine}, {part}: + {line}" for line in new if line not in old]
    return found


def play(
    name: str, *options: str, inventories: Iterable[Path] = (INVENTORY,), **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [
        "ansible-playbook", *(f"--inventory={path}" for path in inventories),
        str(PROJECT / "playbooks" / f"{name}.yml"), *options,
    ]  # fmt: skip
    given = {
        **os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORKS": "16",
        **environment,
    }  # fmt: skip
    return subprocess.run(command, env=given, capture_output=True, text=True, timeout=600, check=False)


def inventory_of(path: Path) -> dict[str, Any]:
    """As Ansible reads it."""
    command = ["ansible-inventory", f"--inventory={path}", "--list"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return dict(json.loads(done.stdout))


def audit(directory: Path, *options: str, **keywords: Any) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
    """The result document, and how the run ended."""
    done = play("audit", f"--extra-vars=audit_directory={directory}", *options, **keywords)
    path = directory / "audit.json"
    assert path.exists(), done.stdout + done.stderr
    return json.loads(path.read_text(encoding="utf-8")), done


def evidence(result: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each finding with each piece of its evidence."""
    return (
        (finding, each) for cluster in result["clusters"] for finding in cluster["findings"]
        for each in finding["evidence"]
    )  # fmt: skip


def pairs(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Rule and host, and what is said."""
    found: dict[tuple[str, str], str] = {}
    for finding, each in evidence(result):
        key = finding["rule"], each["host"]
        found[key] = f"{found[key]}; {each['text']}" if key in found else each["text"]
    return found


def problems(result: dict[str, Any], host: str) -> str:
    return " | ".join(
        f"{problem['family']}: {problem['text']}"
        for each in result["hosts"] if each["name"] == host for problem in each["problems"]
    )  # fmt: skip
