# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two MySQL servers in the lab, as the roles would set them up, and the modules run on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
INVENTORY = HERE / "inventory.yml"
ADDRESS = {"mod1": "10.77.0.211", "mod2": "10.77.0.212"}
OPTION_FILE = """[mysqld]
server_id = {number}
bind_address = *
gtid_mode = ON
enforce_gtid_consistency = ON
read_only = ON
super_read_only = ON
skip_replica_start = ON
plugin_load_add = mysql_clone.so
innodb_buffer_pool_size = 128M
"""
INSTALL = """
mkdir -p /etc/mysql/mysql.conf.d && cat > /etc/mysql/mysql.conf.d/zz-test.cnf
apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qqy install mysql-server python3-pymysql
useradd --system mysql-ha
"""


def make() -> None:
    """Fresh hosts with an empty, read-only server each."""
    lab("up", "--fresh")
    for number, host in enumerate(ADDRESS, start=1):
        shell(host, INSTALL, stdin=OPTION_FILE.format(number=number))


def lab(verb: str, *options: str) -> None:
    subprocess.run([sys.executable, ROOT / "lab" / "lab.py", verb, "-i", INVENTORY, *options], check=True)


def shell(host: str, script: str, stdin: str = "") -> str:
    """Standard output of a script on a host."""
    command = ["docker", "exec", "-i", f"mha-{host}", "sh", "-ec", script]
    return subprocess.run(command, check=True, text=True, input=stdin, stdout=subprocess.PIPE).stdout.strip()


def sql(host: str, statements: str) -> str:
    """What the mysql client prints, without headings."""
    return shell(host, "mysql -N", stdin=statements)


def module(host: str, name: str, /, check: bool = False, **arguments: Any) -> dict[str, Any]:
    """The result of a module of this collection, failed or not."""
    command = [Path(sys.executable).parent / "ansible", "-i", INVENTORY, host, "-m", f"opendba.mysql_ha.{name}"]
    command += [*(["-a", json.dumps(arguments)] if arguments else []), *(["--check"] if check else [])]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, text=True, stdout=subprocess.PIPE)
    result: dict[str, Any] = json.loads(done.stdout)["plays"][0]["tasks"][0]["hosts"][host]
    return result


def predicted(host: str, name: str, /, **arguments: Any) -> dict[str, Any]:
    """The result of a real run, after a check run that must have said the same and written nothing."""
    forecast = module(host, name, check=True, **arguments)
    real = module(host, name, **arguments)
    assert forecast["changed"] is real["changed"]
    assert forecast.get("statements") == real.get("statements")
    return real
