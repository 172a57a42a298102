# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What looks like a hazard and is none."""

from __future__ import annotations

import pytest

from unit.audit.builders import PROXY, READS, UUIDS, VIP, evidence, good, mysql, proxy, vip, vrrp
from unit.audit.changes import (
    CHANNEL,
    DUMMY,
    SERVICE,
    SPLIT,
    Changes,
    account,
    grouped,
    member,
    reader,
    table,
    worse,
)
from unit.audit.hazards_settings import HARMLESS_SETTINGS

SIX = """vrrp_instance six {
    interface eth0
    virtual_router_id 51
    unicast_src_ip OWN
    unicast_peer {
        PEER
    }
    virtual_ipaddress {
        fd00::100
    }
}
"""
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
    ("MHA-V008", [("db1/vrrp", member("    nopreempt\n", "", own=11)), ("db1/mysql", None)]),  # it has no data
    ("MHA-V012", [("db1/vrrp", vrrp(SIX.replace("OWN", "FD00:0::11").replace("PEER", "fd00::12"))),
                  ("db2/vrrp", vrrp(SIX.replace("OWN", "fd00::12").replace("PEER", "fd00::11")))]),
    ("MHA-V022", [("db2/vrrp", grouped(""))]),
    ("MHA-V022", [("db2/vrrp", grouped("track_file {\norders\n}", own=""))]),
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
    ("MHA-H003", [("hap1", proxy(PROXY.replace("mode http\n    bind 127.0.0.1:8888", "bind :8888")))]),  # tcp
    *[("MHA-H003", [("hap1", proxy(PROXY.replace("127.0.0.1:8888", bind)))])
      for bind in ("[::1]:8888", "localhost:8888", "/run/stats.sock", "unix@/run/stats.sock", "ipv6@::1:8888", "$S")],
    ("MHA-H002", [("hap1", proxy(SPLIT)), ("hap2", proxy(SPLIT.replace("client 8h", "client 0")))]),
    ("MHA-H005", [("hap2/haproxy", None)]),  # it did not answer
    ("MHA-A003", [("db1/mysql/accounts/2", {**account("shop", "%", password="empty"), "locked": True})]),
    ("MHA-A002", [("db1/mysql/accounts/1/host", "%"), ("db1/mysql/accounts/1/tls", True)]),
    ("MHA-R009", [(f"{CHANNEL}/source_host", "192.0.2.12"), (f"{CHANNEL}/io_running", "No"),
                  (f"{CHANNEL}/sql_running", "No")]),  # it follows a VIP that is here now
    ("MHA-R029", [(f"{CHANNEL}/source_host", "192.0.2.12"), (f"{CHANNEL}/io_running", "No")]),
    ("MHA-A005", [("db1/mysql/accounts/2", account("admin", "localhost", "SUPER"))]),
    ("MHA-A005", [("db1/mysql/flavour", "mariadb"), ("db1/mysql/version_number", [11, 8, 3]),
                  ("db1/mysql/accounts/2", account("app", "%", "SUPER", "CONNECTION ADMIN"))]),
    ("MHA-S002", [("db1/os/firewall_rules", None)]),  # it could not be seen
    ("MHA-S002", [("db1", {"os": {**good()["db1"]["os"], "firewall_rules": 0}, "vips": [], "lvs": {"services": []}})]),
    ("MHA-S003", [("db2/os/clock_offset", -3.0), ("db2/os/clock_bound", 5.0)]),  # asking took longer
    ("MHA-S004", [("db1/mysql/version_number", [10, 11, 6])]),
    *HARMLESS_SETTINGS,
]  # fmt: skip


@pytest.mark.parametrize(("rule", "changes"), HARMLESS, ids=[f"{row[0]}-{place}" for place, row in enumerate(HARMLESS)])
def test_what_is_harmless_is_left_alone(rule: str, changes: Changes) -> None:
    assert evidence(rule, worse(changes)) == []
