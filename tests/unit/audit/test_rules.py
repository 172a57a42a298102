# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every rule finds its hazard, with the host and the value, and finds nothing where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit import FAMILIES, SEVERITIES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_rules import RULES
from unit.audit.builders import DIRECTOR, PROXY, READS, UUIDS, VIP, evidence, good, mysql, proxy, vip, vrrp
from unit.audit.changes import (
    CHANNEL,
    DUMMY,
    INSTANCE,
    LOUD,
    SERVICE,
    SPLIT,
    Changes,
    account,
    grouped,
    loud,
    member,
    reader,
    script,
    table,
    worse,
)
from unit.audit.hazards_proxies import PROXIES
from unit.audit.hazards_settings import SETTINGS

ROOT = Path(__file__).resolve().parents[3]

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
    ("MHA-V013", [("db2/vrrp", script("script /opt/check\ninterval 5\nfall 6\ntimeout 4"))], ["db2"], "up to 34 s"),
    ("MHA-V014", [("db2/vrrp", script("script /opt/check\nweight -20"))],
     ["db2"], "with weight -20, and db1 has nopreempt"),
    ("MHA-V030", [("db2/vrrp", member("    state BACKUP", "    state BACKUP\n    priorty 90\n    trackscript { x }")),
                  ("db2/vrrp/config_check", None)], ["db2", "db2"], "unknown keyword priorty"),
    ("MHA-V030", [("db2/vrrp", script("script /opt/check --all"))], ["db2"], "only the first word runs"),
    ("MHA-V031", [("db2/vrrp", member("nopreempt", "no_accept"))], ["db2"], "orders: no_accept, for 192.0.2.100"),
    ("MHA-V031", [("db2/vrrp", member("global_defs {", "global_defs {\n vrrp_strict"))], ["db2"], "vrrp_strict"),
    ("MHA-V031", [("db2/vrrp", member("nopreempt", "strict_mode on"))], ["db2"], "strict_mode"),
    ("MHA-V032", [("db1/vrrp", script("script /opt/check\nweight -5", own=11))], ["db1"], "120 becomes 115"),
    ("MHA-V033", [("db2/vrrp", member("vrrp_instance", "vrrp_script x {\nscript /x\n}\nvrrp_instance"))],
     ["db2"], "x is tracked by no instance"),
    ("MHA-V034", [("db2/vrrp", script('script "/usr/bin/pidof mysqld > /dev/null && exit 0 || exit 1"'))],
     ["db2"], "> && || in"),
    ("MHA-V035", [("db2/vrrp", script('script "/usr/bin/killall -0 mysqld"'))], ["db2"], "looks only for a process"),
    ("MHA-V036", [("db2/vrrp", script('script "/sbin/ip addr | /bin/grep 192.0.2.100"'))],
     ["db2"], "chk of orders names 192.0.2.100"),
    ("MHA-V037", [("db2/vrrp", member("version 3", "version 2\n authentication {\nauth_type PASS\nauth_pass aa\n}")),
                  ("db1/vrrp", member("version 3", "version 2", own=11))],
     ["db1", "db2"], "no authentication, but elsewhere PASS of 2 characters"),
    ("MHA-V038", [("db2/vrrp", vrrp("global_defs {\nvrrp_mcast_group4 224.0.0.88\n}\n" + LOUD)),
                  ("db1/vrrp", vrrp(LOUD))],
     ["db1", "db2"], "224.0.0.18 for 192.0.2.100, but 224.0.0.88 on db2"),
    ("MHA-V039", [("db2/vrrp", member("{\n        192.0.2.100", "{\n        192.0.2.101\n        192.0.2.100"))],
     ["db2"], "192.0.2.101 is not on db1"),
    ("MHA-V040", [("db2/vrrp", member("unicast_src_ip 192.0.2.12", "unicast_src_ip 192.0.2.11"))],
     ["db2"], "192.0.2.11 is an address of db1"),
    ("MHA-L014", [("lvs1/vrrp", vrrp(DIRECTOR.replace("HTTP_GET {", "HTTP_GET { connect_timeout 20\n")))],
     ["lvs1"], "192.0.2.11:3306 of 192.0.2.200:3306: up to"),
    ("MHA-L015", [("lvs1/lvs/timeouts/tcp", 900)], ["lvs1"], "900 s, and wait_timeout is 28800 s"),
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
    ("MHA-V022", [("db2/vrrp", grouped("", own=""))], ["db2", "db2"], "orders tracks nothing"),
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
    ("MHA-H002", [("hap1", proxy(SPLIT.replace("client 8h", "client 5s")))],
     ["hap1"], "my: timeout client 5 s"),
    ("MHA-H003", [("hap1", proxy(PROXY.replace("127.0.0.1:8888", "*:8888")))], ["hap1"], "stats on *:8888 without"),
    *[("MHA-H003", [("hap1", proxy(PROXY.replace("127.0.0.1:8888", bind)))], ["hap1"], f"stats on {bind} without")
      for bind in ("192.0.2.31:8888", "ipv4@*:8888", "[fd00::31]:8888", "127.0.0.1:80,:8888")],
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
    ("MHA-A006", [("db2/vrrp", script('script "/opt/check 127.0.0.1 monitor geheim"'))], ["db2"], "ARGUMENT_HIDDEN"),
    ("MHA-A006", [("db2/vrrp", script('script "/opt/check 127.0.0.1 shop geheim"'))], ["db2"], "shop ARGUMENT_HIDDEN"),
    ("MHA-A006", [("db2/vrrp", script('script "mysql -pgeheim"'))], ["db2"], "mysql -pVALUE_HIDDEN"),
    ("MHA-S001", [("db1/os/selinux", "disabled")], ["db1"], "SELinux is disabled"),
    ("MHA-S002", [("db1/os/firewall_rules", 0)], ["db1"], "no packet filter"),
    ("MHA-S003", [("db2/os/clock_offset", -3.0)], ["db2"], "-3.0 s from the others"),
    ("MHA-S004", [("db1/mysql/version_number", [5, 7, 44]), ("db1/mysql/version", "5.7.44")], ["db1"], "5.7.44"),
    ("MHA-S004", [("db1/mysql/version_number", [9, 6, 0])], ["db1"], "ended it in 2026-04"),
    ("MHA-S004", [("db1/mysql/version_number", [10, 6, 4]), ("db1/mysql/flavour", "mariadb")], ["db1"], "2026-07"),
    ("MHA-A005", [("db1/mysql/flavour", "mariadb"), ("db1/mysql/accounts/2", account("app", "%", "READ_ONLY ADMIN"))],
     ["db1"], "'app'@'%' has READ_ONLY ADMIN"),
    ("MHA-S005", [("db1/vrrp/version", "1.3.5")], ["db1"], "keepalived 1.3.5"),
    *PROXIES,
    *SETTINGS,
]  # fmt: skip


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
