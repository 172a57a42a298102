# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster in which nothing is wrong, in the form of the modules' facts, and ways to make it worse."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit import Cluster, Evidence
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_rules import RULES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_conf import describe as describe_haproxy
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_conf import parse as parse_haproxy
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_conf import parse
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_keywords import ignored
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_misread import misread
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_model import describe
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_programs import commands
from ansible_collections.opendba.mysql_ha.plugins.module_utils._vrrp import combine

UUIDS = {host: f"00000000-0000-0000-0000-00000000000{number}" for number, host in enumerate(("db1", "db2", "lvs"), 1)}
VIP, READS = "192.0.2.100", "192.0.2.200"
MEMBER = """\
global_defs {{
    enable_script_security
}}
track_file orders {{
    file "/run/orders"
    weight 0
}}
vrrp_instance orders {{
    version 3
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 0.2
    unicast_src_ip {own}
    unicast_peer {{
        {peer}
    }}
    virtual_ipaddress {{
        192.0.2.100/24 dev eth0
    }}
    track_file {{
        orders
    }}
}}
"""
DIRECTOR = """\
global_defs {
    enable_script_security
    lvs_timeouts tcp 8000 tcpfin 5 udp 300
}
virtual_server 192.0.2.200 3306 {
    lb_algo wlc
    lb_kind DR
    persistence_timeout 15
    delay_loop 2
    connect_timeout 2
    real_server 192.0.2.11 3306 {
        weight 1
        HTTP_GET { url { path /reader } }
    }
    real_server 192.0.2.12 3306 {
        weight 1
        MISC_CHECK { misc_path "/opt/check.py 192.0.2.12" }
    }
}
"""


def vrrp(text: str, running: bool = True, state: str | None = None, **values: Any) -> dict[str, Any]:
    """What vrrp_info returns for a configuration, without a dump."""
    statements = parse(text.encode(), "keepalived.conf")[0]
    described = describe(statements)
    instances = combine(described, {}, {}, [], running)
    for instance in instances:
        instance["state"] = state
    programs = [
        {**entry, "path": entry["command"].split()[0], "exists": True, "executable": True, "writable_by_others": False,
         "open_at": None, "kills_keepalived": None, "looks_at": None, "addresses": []}
        for entry in commands(described)
    ]  # fmt: skip
    return {
        "installed": True, "running": running, "version": "2.3.4", "problems": [],
        "unit": {"ActiveState": "active", "UnitFileState": "enabled", "Restart": "on-failure", "FragmentPath": "/u"},
        "config_check": {"status": 0, "messages": []}, "instances": instances,
        "configuration": {
            "files": ["keepalived.conf"], "statements": [], "problems": misread(statements),
            "ignored": ignored(statements), **described,
        }, "programs": programs, **values,
    }  # fmt: skip


def mysql(host: str, source: str | None) -> dict[str, Any]:
    writer = source is None
    channel = {
        "name": "", "source_host": source, "source_port": 3306, "source_ssl": True, "source_ssl_verify": True,
        "auto_position": True, "connect_retry": 5, "retry_count": 0, "delay": 0, "lag_seconds": 0.1,
        "io_running": "Yes", "sql_running": "Yes", "io_error": {"number": 0, "message": ""},
        "sql_error": {"number": 0, "message": ""},
    }  # fmt: skip
    return {
        "reachable": True, "flavour": "mysql", "version": "9.7.4", "version_number": [9, 7, 4],
        "server_id": int(host[-1]) if host[-1].isdigit() else 9, "server_uuid": UUIDS[host], "port": 3306,
        "read_only": not writer, "super_read_only": not writer, "gtid_mode": "ON",
        "gtid_executed": f"{UUIDS['db1']}:1-1000", "persisted_variables": {}, "xa_prepared": 0, "filters": {},
        "variables": {
            "sync_binlog": "1", "innodb_flush_log_at_trx_commit": "1", "binlog_format": "ROW",
            "replica_skip_errors": "OFF", "binlog_expire_logs_seconds": "2592000",
            "auto_increment_increment": "1", "auto_increment_offset": "1", "relay_log_recovery": "OFF",
            "sync_relay_log": "1", "wait_timeout": "28800",
        },
        "semi_sync": {
            "source_enabled": writer, "source_active": writer, "clients": 1 if writer else 0, "timeout_ms": 4294967295,
            "wait_no_replica": True, "replica_enabled": not writer, "replica_active": not writer,
        },
        "channels": [] if writer else [channel],
        "accounts": [
            {"user": "root", "host": "localhost", "privileges": ["SUPER", "REPLICATION SLAVE"], "password": None},
            {"user": "replication", "host": "192.0.2.12", "privileges": ["REPLICATION SLAVE"], "password": "set"},
            {"user": "shop", "host": "%", "privileges": ["SELECT", "INSERT"], "password": "set"},
        ],
    }  # fmt: skip


def vip(address: str, here: bool, **values: Any) -> dict[str, Any]:
    place = {"interface": "eth0", "label": "", "prefix": 24, "scope": "global", "secondary": True, "usable": True}
    return {
        "address": address, "sources": ["vrrp"], "at": "keepalived.conf:22", "state": "MASTER" if here else "BACKUP",
        "here": here, "on_lo": False, "places": [place] if here else [], "stale": False, "missing": False, "reason": "",
        "wire": "eth0", "others": [] if here else ["02:00:00:00:00:01"], "holders": 1, "conflict": False, **values,
    }  # fmt: skip


def lvs(**values: Any) -> dict[str, Any]:
    return {
        "available": False, "problems": [], "services": [], "timeouts": None, "sync": None, "settings": {},
        "lo": [{"address": READS, "prefix": 32, "label": "lo:0"}],
        "arp": {"all": {"arp_ignore": 1, "arp_announce": 2}, "lo": {"arp_ignore": 1, "arp_announce": 2}}, **values,
    }  # fmt: skip


def system(address: str) -> dict[str, Any]:
    return {
        "addresses": [address], "interfaces": ["lo", "eth0"],
        "networks": [{"interface": "eth0", "address": address, "prefix": 24}], "selinux": None, "firewall_rules": 12,
        "clock_offset": 0.01, "clock_bound": 0.1,
        "sysctl_files": {"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"},
    }  # fmt: skip


def director(address: str) -> dict[str, Any]:
    return {
        "vrrp": vrrp(DIRECTOR),
        "lvs": lvs(lo=[], timeouts={"tcp": 8000, "tcp_fin": 5, "udp": 300}, arp={}),
        "os": {**system(address), "sysctl_files": {}},
    }


PROXY = """\
defaults
    mode tcp
    timeout client 8h
    timeout server 8h
listen stats
    mode http
    bind 127.0.0.1:8888
    stats enable
listen reads
    bind :3307
    option httpchk GET /reader
    server db1 192.0.2.11:3306 check weight 10
    server db2 192.0.2.12:3306 check weight 10
"""


def proxy(text: str = PROXY) -> dict[str, Any]:
    configuration = describe_haproxy(parse_haproxy(text.encode(), "haproxy.cfg"))
    return {"haproxy": {"configuration": configuration}, "os": system("192.0.2.31")}


def good() -> dict[str, Any]:
    """Two members behind a writer VIP, db1 leads, and two directors."""
    return {
        "db1": {
            "mysql": mysql("db1", None), "vips": [vip(VIP, here=True)], "lvs": lvs(), "os": system("192.0.2.11"),
            "vrrp": vrrp(MEMBER.format(priority=101, own="192.0.2.11", peer="192.0.2.12"), state="MASTER"),
        },
        "db2": {
            "mysql": mysql("db2", "192.0.2.11"), "vips": [vip(VIP, here=False)], "lvs": lvs(),
            "os": system("192.0.2.12"),
            "vrrp": vrrp(MEMBER.format(priority=100, own="192.0.2.12", peer="192.0.2.11"), state="BACKUP"),
        },
        "hap1": proxy(),
        "hap2": proxy(),
        "lvs1": director("192.0.2.21"),
        "lvs2": director("192.0.2.22"),
    }  # fmt: skip


def change(hosts: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """One value changed, in a copy; the path is of keys and numbers with dots."""
    changed = deepcopy(hosts)
    *way, last = path.split("/")
    place: Any = changed
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    place[int(last) if isinstance(place, list) else last] = value
    return changed


def evidence(rule: str, hosts: dict[str, Any]) -> list[Evidence]:
    found = next(each for each in RULES if each.id == rule)
    return list(found.find(Cluster("orders", hosts)))
