# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every rule finds its hazard, with the host and the value, and finds nothing where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit import FAMILIES, SEVERITIES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_rules import RULES
from unit.audit.builders import MEMBER, PROXY, READS, UUIDS, VIP, change, evidence, good, mysql, proxy, vip, vrrp

ROOT = Path(__file__).resolve().parents[3]

Changes = list[tuple[str, Any]]
CHANNEL = "db2/mysql/channels/0"
INSTANCE = "db2/vrrp/instances/0"
SERVICE = "lvs1/vrrp/configuration/virtual_servers/0"


def member(old: str, new: str, own: int = 12) -> dict[str, Any]:
    """db2's (or db1's) vrrp with its configuration changed."""
    text = MEMBER.format(priority=112 - own, own=f"192.0.2.{own}", peer=f"192.0.2.{23 - own}")
    assert old in text
    return vrrp(text.replace(old, new), state="BACKUP" if own == 12 else "MASTER")


def script(text: str) -> dict[str, Any]:
    """db2 with a check by a script instead of the tracked file."""
    check = "vrrp_script chk {\n" + text + "\n}\nvrrp_instance orders"
    tracked = vrrp(
        MEMBER.format(priority=100, own="192.0.2.12", peer="192.0.2.11")
        .replace("vrrp_instance orders", check)
        .replace("    track_file {\n        orders\n    }", "    track_script {\n        chk\n    }"),
        state="BACKUP",
    )
    assert tracked["instances"][0]["tracked"][0]["name"] == "chk"
    return tracked


def table(weights: dict[str, int]) -> tuple[str, Any]:
    """What the kernel of lvs1 has."""
    servers = [
        {"address": each, "port": 3306, "weight": weight, "forward": "route"} for each, weight in weights.items()
    ]
    return "lvs1/lvs/services", [{"address": READS, "port": 3306, "mark": None, "servers": servers}]


def reader(server: int, more: str = "") -> tuple[str, Any]:
    """A check by the agent's endpoint."""
    check = {"type": "HTTP_GET", "at": "k:1", "command": None, "paths": [f"/reader?max_lag=10{more}"]}
    return f"{SERVICE}/servers/{server}/checks", [check]


def account(user: str, host: str, *privileges: str, **values: Any) -> dict[str, Any]:
    return {"user": user, "host": host, "privileges": list(privileges), "password": "set", **values}


def loud(address: str, own: int) -> dict[str, Any]:
    """By multicast."""
    found = member(VIP, address, own=own)
    found["instances"][0]["peers"] = []
    return found


DUMMY = "db2", {
    **good()["db2"], "lvs": {**good()["db2"]["lvs"], "lo": []},
    "os": {**good()["db2"]["os"], "addresses": ["192.0.2.12", READS], "networks": [
        {"interface": "eth0", "address": "192.0.2.12", "prefix": 24},
        {"interface": "dummy0", "address": READS, "prefix": 32}]},
}  # fmt: skip
# Rule, what is changed in the good cluster, the hosts that are named, and what is said of the first.
HAZARDS: list[tuple[str, Changes, list[str], str]] = [
    ("MHA-R001", [("db2/mysql/gtid_mode", "OFF")], ["db2"], "gtid_mode = OFF"),
    ("MHA-R002", [(f"{CHANNEL}/auto_position", False)], ["db2"], "from 192.0.2.11 has no auto-position"),
    ("MHA-R003", [("db2/mysql/variables/replica_skip_errors", "all")], ["db2"], "replica_skip_errors = all"),
    ("MHA-R004", [("db2/mysql/gtid_executed", f"{UUIDS['db1']}:1-1001,{UUIDS['db2']}:1-3")],
     ["db2"], f"{UUIDS['db2']}:1-3"),
    ("MHA-R004", [("db1/mysql/gtid_executed", ""), ("db2/mysql/gtid_executed", f"{UUIDS['db2']}:1-3")],
     ["db2"], f"{UUIDS['db2']}:1-3"),
    ("MHA-R005", [("db2/mysql/server_id", 1)], ["db1", "db2"], "server_id = 1, as on db2"),
    ("MHA-R006", [("db2/mysql/server_uuid", UUIDS["db1"])], ["db1", "db2"], "as on db2"),
    ("MHA-R007", [("db2/mysql/super_read_only", False)], ["db2"], "super_read_only = OFF"),
    ("MHA-R008", [("db2/mysql/read_only", False)], ["db1", "db2"], "OFF here and on db2"),
    ("MHA-R009", [(f"{CHANNEL}/io_running", "No"), (f"{CHANNEL}/io_error", {"number": 2003, "message": "no route"})],
     ["db2"], "receiver of the default channel from 192.0.2.11 is at No: 2003 no route"),
    ("MHA-R009", [(f"{CHANNEL}/sql_running", "No")], ["db2"], "applier"),
    ("MHA-R010", [(f"{CHANNEL}/lag_seconds", 75.0)], ["db2"], "75 s behind"),
    ("MHA-R011", [(f"{CHANNEL}/retry_count", 10), (f"{CHANNEL}/connect_retry", 60)],
     ["db2"], "10 attempts, 60 s apart"),
    ("MHA-R012", [("db2/mysql/filters", {"binlog_ignore_db": "mysql"})], ["db2"], "binlog_ignore_db = mysql"),
    ("MHA-R013", [("db1/mysql/variables/sync_binlog", "0")], ["db1"], "sync_binlog = 0"),
    ("MHA-R014", [("db1/mysql/variables/innodb_flush_log_at_trx_commit", "2")], ["db1"], "= 2"),
    ("MHA-R015", [("db1/mysql/variables/binlog_format", "MIXED")], ["db1"], "binlog_format = MIXED"),
    ("MHA-R016", [("db1/mysql/semi_sync/source_enabled", None)], ["db1"], "is not loaded"),
    ("MHA-R016", [("db1/mysql/semi_sync/source_enabled", False)], ["db1"], "is off"),
    ("MHA-R017", [("db1/mysql/semi_sync/source_active", False)], ["db1"], "not active"),
    ("MHA-R018", [("db1/mysql/semi_sync/timeout_ms", 10000)], ["db1"], "10000 ms"),
    ("MHA-R018", [("db1/mysql/semi_sync/wait_no_replica", False)], ["db1"], "no replica"),
    ("MHA-R019", [("db2/mysql/variables/relay_log_recovery", "ON")], ["db2"], "relay_log_recovery = ON"),
    ("MHA-R020", [("db2/mysql/variables/sync_relay_log", "10000")], ["db2"], "sync_relay_log = 10000"),
    ("MHA-R021", [("db1/mysql/variables/binlog_expire_logs_seconds", "86400")], ["db1"], "24 h"),
    ("MHA-R022", [("db1/mysql/channels", mysql("db1", "192.0.2.12")["channels"])], ["db1"], "increments 1 and 1"),
    ("MHA-R023", [(f"{CHANNEL}/source_ssl", False)], ["db2"], "is not encrypted"),
    ("MHA-R024", [(f"{CHANNEL}/source_ssl_verify", False)], ["db2"], "not verified"),
    ("MHA-R025", [("db2/mysql/xa_prepared", 2)], ["db2"], "2 prepared XA"),
    ("MHA-R026", [("db2/mysql/persisted_variables", {"super_read_only": "OFF"})], ["db2"], "super_read_only = OFF"),
    ("MHA-R027", [("db2/mysql/gtid_executed", f"{UUIDS['lvs']}:1-9")], ["db2"], f"lacks {UUIDS['lvs']}:1-9"),
    ("MHA-R028", [("db1/mysql/read_only", True)], ["db1", "db2"], "read_only = ON"),
    ("MHA-R029", [(f"{CHANNEL}/source_host", "192.0.2.12")], ["db2"], "which is on this host"),
    ("MHA-R030", [("db2/mysql/group", "galera")], ["db2"], "Galera is configured"),
    ("MHA-V001", [("db2/vips/0/here", True)], ["db1", "db2"], "is here and on db2"),
    ("MHA-V001", [("db1/vips/0", vip(VIP, here=True, others=["02:00:00:00:00:09"], holders=2, conflict=True))],
     ["db1"], "2 hosts answer for 192.0.2.100: 02:00:00:00:00:09"),
    ("MHA-V002", [("db1/vips/0", vip(VIP, here=False, others=[], holders=0)),
                  ("db2/vips/0", vip(VIP, here=False, others=[], holders=0))],
     ["db1", "db2"], "nobody has 192.0.2.100"),
    ("MHA-V003", [("db1/vips/0/here", False), ("db2/vips/0/here", True)],
     ["db2"], "read_only = ON, and the writer is db1"),
    ("MHA-V003", [("db1/mysql/read_only", True)], ["db1"], "there is no writer"),
    ("MHA-V004", [("db2/vrrp", member("router_id 51", "router_id 60"))],
     ["db1", "db2"], "51 for 192.0.2.100, but 60 on db2"),
    ("MHA-V005", [("db2/vrrp", member(VIP, "192.0.2.150"))],
     ["db1", "db2"], "router id 51 of orders is for 192.0.2.100"),
    ("MHA-V005", [("db2/os/networks", []), ("db1/vrrp", loud(VIP, 11)), ("db2/vrrp", loud("192.0.2.150", 12))],
     ["db1", "db2"], "router id 51 of orders is for 192.0.2.100"),  # which network, is not known
    ("MHA-V006", [("db2/vrrp", member("state BACKUP", "state MASTER"))], ["db2"], "state MASTER, nopreempt"),
    ("MHA-V007", [("db2/vrrp", member("priority 100", "priority 101"))], ["db1", "db2"], "priority 101"),
    ("MHA-V008", [("db1/vrrp", member("    nopreempt\n", "", own=11))], ["db1"], "priority 101 without nopreempt"),
    ("MHA-V009", [("db2/vrrp", member("nopreempt", "authentication { auth_pass longer_than_8 }"))],
     ["db2"], "13 characters"),
    ("MHA-V010", [("db2/vrrp", member("nopreempt", "authentication { auth_pass 1111 }"))], ["db2"], "tutorial"),
    ("MHA-V011", [(f"{INSTANCE}/state", "MASTER")], ["db1", "db2"], "MASTER for 192.0.2.100 by unicast to 192.0.2.12"),
    ("MHA-V012", [("db2/vrrp", member("192.0.2.11", "192.0.2.19"))], ["db2"], "192.0.2.19, lack db1 (192.0.2.11)"),
    ("MHA-V012", [(f"{INSTANCE}/peers", [])], ["db2"], "multicast"),
    ("MHA-V013", [("db2/vrrp", script("script /opt/check\ninterval 60"))], ["db2"], "runs every 60 s"),
    ("MHA-V014", [("db2/vrrp", script("script /opt/check\nweight -20"))], ["db2"], "with weight -20"),
    ("MHA-V015", [("db2/vrrp", script("script /opt/check")), ("db2/vrrp/programs/0/kills_keepalived", "/opt/check:3")],
     ["db2"], "/opt/check (check of chk)"),
    ("MHA-V016", [("db2/vrrp", script("script /opt/check")), ("db2/vrrp/programs/0/exists", False)],
     ["db2"], "is missing"),
    ("MHA-V016", [("lvs1/vrrp/programs/0/executable", False)],
     ["lvs1"], "(misc_check of 192.0.2.200) is not executable"),
    ("MHA-V017", [("lvs1/vrrp/configuration/global/script_security", False)], ["lvs1"], "1 scripts run without"),
    ("MHA-V018", [("db1/vrrp/unit/Restart", "no")], ["db1"], "Restart=no"),
    ("MHA-V019", [("db2/os/interfaces", ["lo", "ens3"])], ["db2"], "no interface eth0"),
    ("MHA-V020", [("db2/vrrp", member("advert_int 0.2", "advert_int 1"))],
     ["db1", "db2"], "0.2 for 192.0.2.100, but 1 on db2"),
    ("MHA-V001", [("db1/vips/0/sources", ["states"]), ("db2/vips/0/sources", ["states"]), ("db2/vips/0/here", True)],
     ["db1", "db2"], "is here and on db2"),
    ("MHA-V021", [("db2/vips/0/stale", True), ("db2/vips/0/reason", "VRRP says BACKUP here")],
     ["db2"], "VRRP says BACKUP"),
    ("MHA-V022", [(f"{INSTANCE}/tracked", [])], ["db2"], "orders tracks nothing"),
    ("MHA-V023", [(f"{INSTANCE}/untracked", [{"kind": "file", "name": "orders"}])],
     ["db2"], "file orders is configured"),
    ("MHA-V024", [("db1/vrrp/config_check", {"status": 4, "messages": ["Unknown keyword"]})],
     ["db1"], "Unknown keyword"),
    ("MHA-V024", [("db1/vrrp/config_check", {"status": 0, "messages": ["Unknown keyword 'x'"]})],
     ["db1"], "Unknown keyword"),  # 2.1
    ("MHA-V025", [("lvs1/vrrp/programs/0/writable_by_others", True)], ["lvs1"], "/opt/check.py (misc_check of"),
    ("MHA-V026", [("db1/vrrp/unit/UnitFileState", "disabled")], ["db1"], "disabled"),
    ("MHA-V027", [("db2/vrrp", member("version 3", "version 2"))], ["db1", "db2"], "3 for 192.0.2.100, but 2 on db2"),
    ("MHA-V029", [("db2/vrrp/running", False)], ["db2"], "no keepalived runs"),
    ("MHA-L001", [("db2/lvs/lo", [])], ["db2"], "192.0.2.200 is not on lo"),
    ("MHA-L002", [("db2/lvs/arp/all/arp_ignore", 0)], ["db2"], "arp_ignore = 0, with 192.0.2.200 on lo"),
    ("MHA-L002", [DUMMY, ("db2/lvs/arp", {"all": {"arp_ignore": 0, "arp_announce": 2}, "dummy0": {"arp_ignore": 1}})],
     ["db2"], "arp_ignore = 0, with 192.0.2.200 on dummy0"),
    ("MHA-L003", [("db2/os/sysctl_files", {})], ["db2", "db2"], "arp_ignore is in no file"),
    ("MHA-L003", [("db2/os/sysctl_files", {"net.ipv4.conf.lo.arp_ignore": "1"})], ["db2", "db2"], "is in no file"),
    ("MHA-L003", [("db2/os/boot_arp", {"arp_ignore": None, "arp_announce": "/etc/rc.local:3"}),
                  ("db2/os/sysctl_files", {"net.ipv4.conf.all.arp_ignore": "no number"})],
     ["db2"], "arp_ignore is no number"),
    ("MHA-L004", [("db2/lvs/lo/0/prefix", 24)], ["db2"], "192.0.2.200/24 on lo"),
    ("MHA-L005", [("db1/vrrp/configuration/virtual_servers", [
        {**good()["lvs1"]["vrrp"]["configuration"]["virtual_servers"][0], "address": VIP}])],
     ["db1"], "this very host"),
    ("MHA-L006", [(f"{SERVICE}/servers/0/checks/0/type", "TCP_CHECK")],
     ["lvs1"], "192.0.2.11:3306 of 192.0.2.200:3306"),
    ("MHA-L007", [("lvs1/lvs/timeouts/tcp_fin", 120)], ["lvs1"], "connections are kept 120 s"),
    ("MHA-L008", [("lvs1/vrrp/configuration/global/lvs_timeouts", None),
                  ("lvs1/lvs/services", [{"address": "192.0.2.200", "servers": []}])], ["lvs1"], "tcp_fin 5 s"),
    ("MHA-L009", [("db2/os/boot_addresses", {READS: None})], ["db2"], "in no file that a boot reads"),
    ("MHA-H006", [("hap1", proxy(PROXY.replace("/reader", "/writer"))), ("hap1/haproxy/proxies", [
        {"name": "reads", "servers": [{"name": "db2", "takes_sessions": True, "status": "UP"}]}])],
     ["hap1"], "reads/db2 gets writers"),
    ("MHA-H006", [("hap1", proxy(PROXY.replace("/reader", "/writer"))), ("hap1/haproxy/proxies", [
        {"name": "reads", "servers": [{"name": "db1", "takes_sessions": False, "status": "DOWN"}]}])],
     ["hap1"], "reads/db1 is DOWN"),
    ("MHA-H006", [(f"{CHANNEL}/sql_running", "No"), ("db1/mysql/read_only", True), (
        "db1/mysql/channels", mysql("db2", "192.0.2.12")["channels"]), ("hap1/haproxy/proxies", [
        {"name": "reads", "servers": [{"name": "db2", "takes_sessions": True, "status": "UP"}]}])],
     ["hap1"], "reads/db2 gets readers, but sql_running = No"),
    ("MHA-H006", [("hap1/haproxy/proxies", [
        {"name": "reads", "servers": [{"name": "db2", "takes_sessions": False, "status": "DOWN"}]}])],
     ["hap1"], "reads/db2 is DOWN, but it replicates, 0.1 s behind"),
    ("MHA-L013", [table({"192.0.2.11": 1, "192.0.2.12": 1}), reader(1)],
     ["lvs1"], "192.0.2.11:3306 of 192.0.2.200:3306 gets reads, but read_only = OFF"),
    ("MHA-L013", [table({}), reader(1)],
     ["lvs1"], "192.0.2.12:3306 of 192.0.2.200:3306 gets none, but it replicates, 0.1 s behind"),
    ("MHA-H007", [("db1/mysql/accounts/2/host", "192.0.2.77")], ["db1"], "'shop'@'192.0.2.77' is behind a proxy"),
    ("MHA-S006", [("db1/vrrp/configuration/problems", ["/k.conf:3: the block does not end"])], ["db1"], "does not end"),
    ("MHA-L010", [(f"{SERVICE}/servers/0/checks", [])], ["lvs1"], "192.0.2.11:3306"),
    ("MHA-L011", [("lvs2/vrrp/configuration/virtual_servers", [])], ["lvs1"], "offered here only"),
    ("MHA-L012", [(f"{SERVICE}/servers/0/weight", 5)], ["lvs1", "lvs2"], "192.0.2.11 weight 5"),
    ("MHA-H001", [("hap1", proxy(PROXY.replace("httpchk GET /reader", "mysql-check user haproxy_check")))],
     ["hap1", "hap1"], "reads/db1: mysql-check user against 9.7.4"),
    ("MHA-H002", [("hap1", proxy(PROXY.replace("8h", "5s")))], ["hap1", "hap1"],
     "timeout client 5 s, wait_timeout 28800 s"),
    ("MHA-H003", [("hap1", proxy(PROXY.replace("127.0.0.1:8888", "*:8888")))], ["hap1"], "stats on *:8888 without"),
    ("MHA-H003", [("hap1", proxy(PROXY.replace("127.0.0.1:8888", ":8888\n    stats auth myadmin:myadmin")))],
     ["hap1"], "with a password that everybody knows"),
    ("MHA-H004", [("hap1", proxy(PROXY.replace("option httpchk GET /reader", "")))], ["hap1"], "reads: connects only"),
    ("MHA-H005", [("hap2/haproxy/configuration/proxies", [])], ["hap1"], "reads is here only"),
    ("MHA-A001", [("db1/mysql/accounts/0", account("root", "%", "SUPER"))], ["db1"], "'root'@'%' has SUPER"),
    ("MHA-A001", [("db1/mysql/accounts/0", account("root", "", "SUPER"))], ["db1"], "'root'@'' has SUPER"),
    ("MHA-A002", [("db1/mysql/accounts/1/host", "%")], ["db1"], "'replication'@'%'"),
    ("MHA-A007", [("db1/mysql/accounts/1/host", "%"), ("db1/mysql/accounts/1/tls", True)], ["db1"], "over TLS only"),
    ("MHA-A003", [("db1/mysql/accounts/2/password", "empty")], ["db1"], "'shop'@'%' has an empty password"),
    ("MHA-A004", [("db1/mysql/accounts/2/password", "well_known")], ["db1"], "from a tutorial"),
    ("MHA-A005", [("db1/mysql/accounts/2", account("shop", "192.0.2.%", "CONNECTION_ADMIN"))],
     ["db1"], "CONNECTION_ADMIN"),
    ("MHA-A006", [("db2/vrrp", script('script "mysql -pgeheim"'))], ["db2"], "mysql -pVALUE_HIDDEN"),
    ("MHA-S001", [("db1/os/selinux", "disabled")], ["db1"], "SELinux is disabled"),
    ("MHA-S002", [("db1/os/firewall_rules", 0)], ["db1"], "no packet filter"),
    ("MHA-S003", [("db2/os/clock_offset", -3.0)], ["db2"], "-3.0 s from the others"),
    ("MHA-S004", [("db1/mysql/version_number", [5, 7, 44]), ("db1/mysql/version", "5.7.44")], ["db1"], "5.7.44"),
    ("MHA-S005", [("db1/vrrp/version", "1.3.5")], ["db1"], "keepalived 1.3.5"),
]  # fmt: skip


def worse(changes: Changes) -> dict[str, Any]:
    hosts = good()
    for path, value in changes:
        hosts = change(hosts, path, value)
    return hosts


@pytest.mark.parametrize(("rule", "changes", "hosts", "said"), HAZARDS, ids=[f"{row[0]}-{row[3]}" for row in HAZARDS])
def test_a_hazard_is_found(rule: str, changes: Changes, hosts: list[str], said: str) -> None:
    found = evidence(rule, worse(changes))
    assert [each.host for each in found] == hosts
    assert said in found[0].text


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_a_good_cluster_gives_no_reason(rule: str) -> None:
    assert evidence(rule, good()) == []


def test_every_rule_is_tested() -> None:
    assert {row[0] for row in HAZARDS} == {rule.id for rule in RULES}


LEFT = [{**mysql("db1", "192.0.2.12")["channels"][0], "io_running": "No", "sql_running": "No"}]
FED = [{**mysql("db1", "198.51.100.9")["channels"][0], "source_uuid": UUIDS["lvs"]}]
# What looks like a hazard and is none.
HARMLESS: list[tuple[str, Changes]] = [
    ("MHA-R004", [("db2/mysql/gtid_executed", f"{UUIDS['db1']}:1-2000")]),  # the writer went on writing
    ("MHA-R004", [("db1/mysql/read_only", True), ("db2/mysql/gtid_executed", f"{UUIDS['db2']}:1")]),  # no writer to ask
    ("MHA-R009", [("db1/mysql/channels", [])]),
    ("MHA-R009", [("db1/mysql/channels", LEFT)]),  # of the time before a switchover
    ("MHA-R022", [("db1/mysql/channels", LEFT)]),
    ("MHA-R010", [(f"{CHANNEL}/lag_seconds", 3605.0), (f"{CHANNEL}/delay", 3600)]),  # late on purpose
    ("MHA-R010", [(f"{CHANNEL}/lag_seconds", None)]),
    ("MHA-R011", [(f"{CHANNEL}/retry_count", 86400), (f"{CHANNEL}/connect_retry", 60)]),
    ("MHA-R016", [("db2/mysql/semi_sync/source_enabled", None)]),  # only the writer waits
    ("MHA-R018", [("db1/mysql/semi_sync/source_enabled", False), ("db1/mysql/semi_sync/timeout_ms", 10000)]),
    ("MHA-R019", [("db2/mysql/semi_sync/replica_enabled", False), ("db2/mysql/variables/relay_log_recovery", "ON")]),
    ("MHA-R021", [("db1/mysql/variables/binlog_expire_logs_seconds", "0")]),  # never
    ("MHA-R022", [("db1/mysql/channels", mysql("db1", "192.0.2.12")["channels"]),
                  *[(f"{host}/mysql/variables/auto_increment_increment", "2") for host in ("db1", "db2")],
                  ("db2/mysql/variables/auto_increment_offset", "2")]),
    *[(f"MHA-R0{rule}", [("db2/mysql/variables/log_bin", "OFF"), (f"db2/mysql/variables/{name}", value)])
      for rule, name, value in (("13", "sync_binlog", "0"), ("15", "binlog_format", "MIXED"),
                                ("21", "binlog_expire_logs_seconds", "60"))],
    ("MHA-R014", [("db1/mysql/variables/innodb_flush_log_at_trx_commit", "3")]),
    ("MHA-R025", [("db1/mysql/xa_prepared", 1), ("db2/mysql/xa_prepared", 2)]),  # they are replicated
    ("MHA-R025", [("db1/mysql/xa_prepared", None), ("db2/mysql/xa_prepared", 2)]),
    ("MHA-R025", [(f"{CHANNEL}/source_host", "198.51.100.9"), ("db1/mysql", None), ("db2/mysql/xa_prepared", 2)]),
    ("MHA-R027", [("db1/mysql/channels", FED), ("db2/mysql/gtid_executed", f"{UUIDS['lvs']}:1-9")]),  # on its way
    ("MHA-R029", [("db1/os/names", ["mysql1"]), ("db2/os/names", ["mysql1"]), ("db1/mysql/channels", [
        {**LEFT[0], "source_host": "mysql1", "io_running": "Yes"}])]),  # which of the two, nobody knows
    ("MHA-R025", [("db1/mysql/xa_prepared", 2)]),  # on the writer they belong
    ("MHA-R026", [("db2/mysql/persisted_variables", {"super_read_only": "ON", "max_connections": "500"})]),
    ("MHA-R028", [("db1/mysql", {"reachable": False, "reason": "down"})]),  # it may be the writer
    ("MHA-R029", [(f"{CHANNEL}/source_host", "192.0.2.12"), (f"{CHANNEL}/source_port", 3307)]),  # two on a machine
    ("MHA-V001", [("db1/vips/0", vip(VIP, here=False)), ("db2/vips/0", vip(VIP, here=False))]),
    ("MHA-V002", [("db1/vips/0", vip(VIP, here=False, holders=None, others=None)),
                  ("db2/vips/0", vip(VIP, here=False, holders=None, others=None))]),  # nobody was asked
    ("MHA-V003", [("db1/vips", []), ("db2/vips/0/here", True)]),  # a VIP for reads
    ("MHA-V005", [("db2/vrrp", member(VIP, "fd00::100"))]),  # IPv4 and IPv6 do not meet
    ("MHA-V008", [("db2/vrrp", member("    nopreempt\n", ""))]),  # the lower one preempts nobody
    ("MHA-V014", [("db2/vrrp", member("  orders\n", "  orders\n  lead weight 1\n"))]),  # the first one decides
    ("MHA-V016", [("lvs1/vrrp/programs/0/exists", None)]),  # it could not be seen
    ("MHA-V017", [("db1/vrrp/configuration/global/script_security", False)]),  # no scripts
    ("MHA-V021", [("db1/vips/0/stale", None)]),
    ("MHA-L001", [("db1/lvs/lo", None)]),
    ("MHA-L004", [("db1/lvs/lo", None)]),
    ("MHA-V024", [("db1/vrrp/config_check", None)]),
    ("MHA-V024", [("db1/vrrp/config_check", {"status": 6, "messages": [
        "SECURITY VIOLATION - scripts are being executed but script_security not enabled.",
        "(k.conf: Line 14) Truncating auth_pass to 8 characters"]})]),
    ("MHA-V024", [("db1/vrrp/config_check", {"status": 0, "messages": ["(A) entering a state"]})]),
    ("MHA-V029", [("db2/vrrp/running", None)]),
    ("MHA-V005", [("db2/vrrp", member(VIP, "192.0.2.150")), ("db2/vrrp/instances/0/interface", "eth1"),
                  ("db2/vrrp/instances/0/peers", []), ("db1/vrrp/instances/0/peers", []),
                  ("db2/os/networks", [{"interface": "eth1", "address": "198.51.100.12", "prefix": 24}])]),
    ("MHA-V005", [("db2/vrrp", member(VIP, "192.0.2.150")), ("db2/vrrp/instances/0/peers", ["192.0.2.13"]),
                  ("db1/vrrp/instances/0/peers", ["192.0.2.14"])]),  # they send to others
    ("MHA-V005", [("db2/vrrp", member(VIP, "192.0.2.150")), ("db2/vrrp/instances/0/interface", "eth1"),
                  ("db2/vrrp/instances/0/peers", [])]),  # unicast comes in where the peer's address is
    ("MHA-L001", [DUMMY]),
    ("MHA-L001", [("db2/lvs/lo", []), ("db2/os/networks/0/address", READS),
                  ("db2/os/addresses", ["192.0.2.12", READS])]),  # the active one of two directors
    ("MHA-L002", [("db2/lvs/arp/lo/arp_ignore", 0)]),  # the greater of both counts
    ("MHA-L002", [("db2/lvs/arp", {"all": {"arp_ignore": 0, "arp_announce": 0},
                                   "eth0": {"arp_ignore": 1, "arp_announce": 2}})]),
    *[("MHA-L003", [("db2/os/sysctl_files", {key.format(name): value for name, value in (
        ("arp_ignore", "1 # lvs"), ("arp_announce", "2"))})]) for key in (
        "net.ipv4.conf.all.{}", "net.ipv4.conf.eth0.{}", "net.ipv4.conf.*.{}", "net.ipv4.conf.eth*.{}")],
    ("MHA-L003", [("db2/os/sysctl_files", {}),
                  ("db2/os/boot_arp", {"arp_ignore": "/opt/real.sh:2", "arp_announce": "/opt/real.sh:3"})]),
    ("MHA-L006", [(f"{SERVICE}/servers/0/checks/0/type", "SMTP_CHECK")]),
    ("MHA-L009", [("db2/os/boot_addresses", {READS: "/etc/network/interfaces:9"})]),
    ("MHA-H006", [("hap1/haproxy/proxies", [
        {"name": "reads", "servers": [{"name": "db2", "takes_sessions": True, "status": "UP"}]}])]),  # for reads
    ("MHA-H006", [(f"{CHANNEL}/sql_running", "No"), ("hap1/haproxy/proxies", [
        {"name": "reads", "servers": [{"name": "db2", "takes_sessions": True, "status": "UP"}]}])]),  # the last one
    ("MHA-H006", [(f"{CHANNEL}/lag_seconds", 8.0), ("hap1/haproxy/proxies", [
        {"name": "reads", "servers": [{"name": "db2", "takes_sessions": False, "status": "DOWN"}]}])]),  # or more
    ("MHA-L013", [table({"192.0.2.12": 1}), reader(1)]),
    ("MHA-L013", [table({"192.0.2.12": 1, "192.0.2.11": 1}), reader(1, "&writer=1"), reader(0, "&writer=1")]),
    ("MHA-L013", [table({}), reader(1), (f"{SERVICE}/servers/1/weight", 0)]),  # drained on purpose
    ("MHA-L013", [table({"192.0.2.11": 1}), (f"{CHANNEL}/io_running", "Connecting"), reader(1)]),  # nobody else is left
    ("MHA-H007", [("db1/mysql/accounts/2/host", "192.0.2.31")]),  # the proxy's own
    ("MHA-S006", [("db1/vrrp/configuration/problems", ["/k.conf:3: include: no file is /etc/keepalived/d/*.conf"])]),
    ("MHA-L007", [(f"{SERVICE}/persistence_timeout", 0), ("lvs1/lvs/timeouts/tcp_fin", 120)]),
    ("MHA-L011", [("lvs2/vrrp", None)]),  # it did not answer
    ("MHA-H001", [("hap1", proxy(PROXY.replace("httpchk GET /reader", "mysql-check user haproxy_check"))),
                  *[(f"{host}/mysql/version_number", [5, 7, 44]) for host in ("db1", "db2")]]),
    ("MHA-H003", [("hap1", proxy(PROXY.replace("127.0.0.1:8888", ":8888\n    stats auth me:Zq8-long")))]),
    ("MHA-H005", [("hap2/haproxy", None)]),  # it did not answer
    ("MHA-A003", [("db1/mysql/accounts/2", {**account("shop", "%", password="empty"), "locked": True})]),
    ("MHA-A002", [("db1/mysql/accounts/1/host", "%"), ("db1/mysql/accounts/1/tls", True)]),
    ("MHA-R009", [(f"{CHANNEL}/source_host", "192.0.2.12"), (f"{CHANNEL}/io_running", "No"),
                  (f"{CHANNEL}/sql_running", "No")]),  # it follows a VIP that is here now
    ("MHA-R029", [(f"{CHANNEL}/source_host", "192.0.2.12"), (f"{CHANNEL}/io_running", "No")]),
    ("MHA-A005", [("db1/mysql/accounts/2", account("admin", "localhost", "SUPER"))]),
    ("MHA-S002", [("db1/os/firewall_rules", None)]),  # it could not be seen
    ("MHA-S002", [("db1", {"os": {**good()["db1"]["os"], "firewall_rules": 0}, "vips": [], "lvs": {"services": []}})]),
    ("MHA-S003", [("db2/os/clock_offset", -3.0), ("db2/os/clock_bound", 5.0)]),  # asking took longer
    ("MHA-S004", [("db1/mysql/version_number", [10, 11, 6])]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "changes"), HARMLESS, ids=[f"{row[0]}-{place}" for place, row in enumerate(HARMLESS)])
def test_what_is_harmless_is_left_alone(rule: str, changes: Changes) -> None:
    assert evidence(rule, worse(changes)) == []


def test_rules_are_well_formed() -> None:
    known = {
        name
        for path in (ROOT / "roles").glob("*/defaults/main.yml")
        for name in yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    }
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.severity in SEVERITIES
        assert rule.needs
        assert set(rule.needs) <= set(FAMILIES)
        assert rule.why.endswith(".") and rule.mend and not rule.title.endswith(".")  # noqa: PT018
        assert rule.variable in known | {""}, rule.id


def test_every_rule_is_in_the_design() -> None:
    text = (ROOT / "docs" / "audit-design.md").read_text(encoding="utf-8")
    for rule in RULES:
        assert f"| {rule.id} | {rule.severity} | {rule.title} |" in text
