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
    mysql_bare: false
    mysql_candidate_version: ""
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
        "socket": "/run/mysqld/mysqld.sock", "gtid_mode": "ON", "has_user_data": True, "channels": [CHANNEL],
        "variables": {**logs, **(variables or {})}, **values,
    }}}  # fmt: skip


def told(text: str, writable: bool = False) -> dict[str, Any]:
    found = vrrp(text)
    for program in found["programs"]:
        program["writable_by_others"] = writable
    return {"__keepalived_told": {"vrrp": found}}


OWN = "vrrp_instance orders {\n  interface eth0\n  virtual_router_id 51\n  virtual_ipaddress { 192.0.2.100/24 }\n}\n"
NONE = {"__keepalived_told": {"vrrp": {"configuration": None}}}
DOWN = {"mysql_state": {"instance": {"reachable": False, "reason": "no such file", "present": True}}}
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "good": ({}, []),
    "var_run": (server(socket="/var/run/mysqld/mysqld.sock"), []),
    "stopped": (DOWN, []),
    "new": (server(gtid_mode="OFF", has_user_data=False, channels=[], variables={"log_bin_basename": "/x/y"}), []),
    "socket": (server(socket="/data/mysql.sock"), ["mysql_socket '/run/mysqld/mysqld.sock': the running server"]),
    "login": ({"mysql_state": {"instance": {"reachable": False, "reason": "as root: access denied: run as"}}},
              ["as root: access denied: run as; the roles work as root over the socket"]),
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
    "relay_log": (server({"relay_log_basename": "/var/lib/mysql/db1-relay-bin"}),
                  ["mysql_relay_log 'relay': the running server writes '/var/lib/mysql/db1-relay-bin'"]),
    "relay_log_set": ({**server({"relay_log_basename": "/var/lib/mysql/db1-relay-bin"}),
                       "mysql_relay_log": "db1-relay-bin"}, []),
    "no_channel": (server({"relay_log_basename": "/var/lib/mysql/db1-relay-bin"}, channels=[]), []),
    "director": (told(DIRECTOR), []),  # other numbers, other addresses
    "by_hand": (told(LOCAL_CHECK), ["the virtual router id 51 (keepalived.conf:12)", "the VIP (keepalived.conf:"]),
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
        "mysql_installed_version": "9.7.4", "mysql_tls_ca_dir": str(directory),
        "__mysql_package_query": {"rc": 0},
        "__mysql_files": {"results": [{"stat": {"exists": each}} for each in (True, False, False)]},
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
