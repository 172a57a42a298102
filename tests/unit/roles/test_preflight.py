# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the roles refuse on machines that somebody else set up. One run of Ansible, with a host for each case."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from unit.audit.builders import vrrp
from unit.vrrp.practitioners import DIRECTOR, LOCAL_CHECK

ROOT = Path(__file__).parents[3]
PLAY = """
- hosts: all
  gather_facts: false
  vars_files: [ROLES/mysql/vars/main.yml, ROLES/mysql/vars/Debian.yml, ROLES/keepalived/vars/main.yml]
  vars:
    ansible_facts: {memtotal_mb: 4096, distribution: Debian, os_family: Debian}
  tasks:
    - name: Say what is refused
      ansible.builtin.debug:
        msg: "{{ {'mysql': refused, 'keepalived': clashes, 'disarmed': __keepalived_disarmed} | to_json }}"
      vars:
        clashes: "{{ __keepalived_clashes if __keepalived_claims | length > 0 else [] }}"
        refused: "{{ __mysql_checks | rejectattr('holds') | map(attribute='message') | map('trim') | list }}"
"""
MODEL = {
    "name": "orders", "virtual_router_id": 51, "interface": "eth0", "address": "192.0.2.11", "reader_vips": [],
    "serves_reads": False, "self": {"role": "candidate"}, "writer_vip": {"address": "192.0.2.100"},
}  # fmt: skip
CHANNEL = {"name": "", "source_host": "192.0.2.12", "auto_position": True}


def server(variables: dict[str, str] | None = None, **values: Any) -> dict[str, Any]:
    """A server that the role could go on with, except for `values`."""
    logs = {"log_bin_basename": "/var/lib/mysql/binlog", "relay_log_basename": "/var/lib/mysql/relay"}
    return {"mysql_state": {"instance": {
        "reachable": True, "reason": "", "port": 3306, "datadir": "/var/lib/mysql/",
        "socket": "/run/mysqld/mysqld.sock", "flavour": "mysql", "version_number": [9, 7, 4],
        "gtid_mode": "ON", "has_user_data": True, "channels": [CHANNEL],
        "variables": {**logs, **(variables or {})}, **values,
    }}}  # fmt: skip


def unread(reason: str, listening: bool = True, **values: Any) -> dict[str, Any]:
    return {"mysql_state": {"instance": {
        "reachable": False, "reason": reason, "present": True, "listening": listening,
    }}, **values}  # fmt: skip


def here(mysqld: bool = True, option_file: bool = False) -> dict[str, Any]:
    """What preflight finds of files: mysqld, certificates, an agent, the option file."""
    return {
        "mysql_bare": not mysqld,
        "__mysql_files": {"results": [{"stat": {"exists": each}} for each in (mysqld, False, False, option_file)]},
    }


def told(text: str, writable: bool = False) -> dict[str, Any]:
    found = vrrp(text)
    for program in found["programs"]:
        program["writable_by_others"] = writable
    return {"__keepalived_told": {"vrrp": found}}


OWN = "vrrp_instance orders {\n  interface eth0\n  virtual_router_id 51\n  virtual_ipaddress { 192.0.2.100/24 }\n}\n"
NONE = {"__keepalived_told": {"vrrp": {"configuration": None}}}
DOWN = unread("no such file", listening=False)
# As PyMySQL's way and the program mysql have it.
DENIED = "cannot log in to MySQL at socket /run/mysqld/mysqld.sock as root: access denied: run as"
CLIENT_DENIED = (
    "cannot log in to MySQL at socket /run/mysqld/mysqld.sock as root, by the program mysql: "
    "Access denied for user 'root'@'localhost' (using password: NO)"
)
HANGS = "cannot log in to MySQL at socket /run/mysqld/mysqld.sock as root: no answer in time: mysqld hangs, or"
FULL = "cannot log in to MySQL at socket /run/mysqld/mysqld.sock as root: Too many connections"
NO_LIBRARY = "the Python library PyMySQL is missing: install python3-pymysql on this machine"
NEW = {"mysql_installed_version": "", "mysql_candidate_version": "9.7.4"}
UNJUDGED = "a server runs here that this role did not set up (there is no /etc/mysql/mysql.conf.d/zz-mysql-ha-"
ELSEWHERE = "mysql_package_source 'distro': a server runs here"
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "good": ({}, []),
    "var_run": (server(socket="/var/run/mysqld/mysqld.sock"), []),
    "stopped": (DOWN, []),
    "new": (server(gtid_mode="OFF", has_user_data=False, channels=[], variables={"log_bin_basename": "/x/y"}), []),
    "socket": (server(socket="/data/mysql.sock"), ["mysql_socket '/run/mysqld/mysqld.sock': the running server"]),
    "login": (unread(DENIED), [f"{DENIED}; the roles work as root over the socket"]),
    "login_by_client": (unread(CLIENT_DENIED), [f"{CLIENT_DENIED}; the roles work as root over the socket"]),
    "hangs": (unread(HANGS), [f"{HANGS}; {UNJUDGED}"]),
    "full": (unread(FULL), [f"{FULL}; {UNJUDGED}"]),
    "no_library": (unread(NO_LIBRARY), [f"{NO_LIBRARY}; {UNJUDGED}"]),
    # A member of a cluster that was built, or half built, by these roles.
    "own_hangs": (unread(HANGS, **here(option_file=True)), []),
    "own_full": (unread(FULL, **here(option_file=True)), []),
    "own_stopped": (unread("connection refused", listening=False, **here(option_file=True)), []),
    "own_killed": (unread(NO_LIBRARY, listening=False, **here(mysqld=False, option_file=True), **NEW), []),
    "own_login": (unread(DENIED, **here(option_file=True)), [DENIED]),
    "bare": (unread(NO_LIBRARY, listening=False, **here(mysqld=False), **NEW), []),
    "elsewhere": ({**server(), **here(mysqld=False), **NEW}, [f"{ELSEWHERE} (9.7.4), but not from /usr/sbin/mysqld"]),
    "elsewhere_hangs": (unread(HANGS, **here(mysqld=False), **NEW), [f"{ELSEWHERE} ({HANGS}), but not from"]),
    "elsewhere_login": (unread(CLIENT_DENIED, **here(mysqld=False), **NEW), [f"{ELSEWHERE} ({CLIENT_DENIED}), but"]),
    "elsewhere_5.7": ({**server(version_number=[5, 7, 44]), **here(mysqld=False), **NEW},
                      [f"{ELSEWHERE} (5.7.44)", "mysql_version: the server is 5.7.44, which is not supported"]),
    "elsewhere_mariadb": (
        {**server(flavour="mariadb", version_number=[11, 8, 2], gtid_mode=None), **here(mysqld=False), **NEW},
        [f"{ELSEWHERE} (11.8.2 (MariaDB))", "mysql_version: the server is 11.8.2 (MariaDB), which is not supported"],
    ),
    "older_runs": (server(version_number=[8, 0, 25]), ["mysql_version: the server is 8.0.25, which is not supported"]),
    "oldest": ({**server(version_number=[8, 0, 26]), "mysql_installed_version": "8.0.26"}, []),
    "too_old": ({**server(version_number=[8, 0, 25]), "mysql_installed_version": "8.0.25"},
                ["mysql_version: the server is 8.0.25, which is not supported"]),
    "no_gtid": (server(gtid_mode="OFF"), ["the running server has data and gtid_mode OFF"]),
    "position": (server(channels=[{**CHANNEL, "auto_position": False}]),
                 ["its channel from 192.0.2.12 replicates by file and position"]),
    "named": (server(channels=[{**CHANNEL, "name": "eu"}]), ["it has the channel eu, and the role would add its own"]),
    "own_ca": (server({"ssl_ca": "/etc/pki/ca.pem"}), ["mysql_tls_ca_certificate: the running server shows"]),
    "made_ca": (server({"ssl_ca": "ca.pem"}), []),
    "made_ca_path": (server({"ssl_ca": "/var/lib/mysql/ca.pem"}), []),
    "role_ca": (server({"ssl_ca": "/etc/mysql/tls-db9/ca.crt"}), []),
    "log_bin": (server({"log_bin_basename": "/var/log/mysql/mysql-bin"}),
                ["mysql_log_bin 'binlog': the running server writes '/var/log/mysql/mysql-bin'"]),
    "log_bin_set": ({**server({"log_bin_basename": "/var/log/mysql/mysql-bin"}),
                     "mysql_log_bin": "/var/log/mysql/mysql-bin"}, []),
    "log_bin_extension": ({**server({"log_bin_basename": "/var/log/mysql/mysql-bin"}),
                           "mysql_log_bin": "/var/log/mysql/mysql-bin.log"}, []),
    "log_bin_other": ({**server({"log_bin_basename": "/var/log/my.sql/bin"}), "mysql_log_bin": "/var/log/my.sql/log"},
                      ["mysql_log_bin '/var/log/my.sql/log': the running server writes '/var/log/my.sql/bin'"]),
    "relay_log_extension": ({**server(), "mysql_relay_log": "relay.bin"}, []),
    "relay_log": (server({"relay_log_basename": "/var/lib/mysql/db1-relay-bin"}),
                  ["mysql_relay_log 'relay': the running server writes '/var/lib/mysql/db1-relay-bin'"]),
    "relay_log_set": ({**server({"relay_log_basename": "/var/lib/mysql/db1-relay-bin"}),
                       "mysql_relay_log": "db1-relay-bin"}, []),
    "no_channel": (server({"relay_log_basename": "/var/lib/mysql/db1-relay-bin"}, channels=[]), []),
    "director": (told(DIRECTOR), []),  # other numbers, other addresses
    "by_hand": (told(LOCAL_CHECK), ["the virtual router id 51 (keepalived.conf:12)", "the VIP (keepalived.conf:"]),
    "excluded_vip": (
        told("vrrp_instance x {\n  interface eth0\n  virtual_router_id 9\n"
             "  virtual_ipaddress_excluded {\n    192.0.2.100/24\n  }\n}\n"),
        ["the VIP (keepalived.conf:5)"],
    ),
    "other_interface": (told(OWN.replace("eth0", "eth1").replace("orders", "x").replace("2.100", "2.9")), []),
    "scripts": (told(DIRECTOR, writable=True), ["/opt/check/query.sh"]),
    "scripts_secure": (told(f"global_defs {{\n  enable_script_security\n}}\n{DIRECTOR}", writable=True), []),
    "same_name": (told(OWN.replace("51", "52").replace("2.100", "2.9")), ["a VRRP instance orders (keepalived.conf:1"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """By case the lines of both roles."""
    directory = tmp_path_factory.mktemp("preflight")
    defaults = yaml.safe_load((ROOT / "roles/mysql/defaults/main.yml").read_text())
    common = {
        **defaults,
        "ansible_connection": "local", "mysql_ca_dir": "", "cluster_model": MODEL, **server(), **NONE,
        "mysql_installed_version": "9.7.4", "mysql_candidate_version": "", "mysql_tls_ca_dir": str(directory),
        "__mysql_package_query": {"rc": 0},
        **here(),
    }  # fmt: skip
    (directory / "ca.key").touch()
    hosts = {name: {**common, **variables} for name, (variables, _lines) in CASES.items()}
    own = {"__keepalived_told": {"vrrp": vrrp(OWN)}}
    for instance in own["__keepalived_told"]["vrrp"]["configuration"]["instances"]:
        instance["at"] = "/etc/keepalived/conf.d/orders.conf:1"
    hosts["good"].update(own)
    (directory / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (directory / "play.yml").write_text(PLAY.replace("ROLES", str(ROOT / "roles")))
    run = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", str(directory / "hosts.json"), str(directory / "play.yml")],
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
             "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    results = json.loads(run.stdout[run.stdout.index("{"):])["plays"][0]["tasks"][0]["hosts"]
    found = {}
    for name, result in results.items():
        message = result["msg"] if isinstance(result["msg"], dict) else json.loads(result["msg"])
        found[name] = [*message["mysql"], *message["keepalived"], *message["disarmed"]]
    return found


@pytest.mark.parametrize("name", CASES)
def test_what_is_refused(said: dict[str, list[str]], name: str) -> None:
    expected = CASES[name][1]
    assert len(said[name]) == len(expected), said[name]
    for line, start in zip(said[name], expected, strict=True):
        assert line.startswith(start), line
