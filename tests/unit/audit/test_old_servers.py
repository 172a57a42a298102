# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A dual source by file and position (field notes, F) on old servers, through the same parsers and rules as a live one.

MySQL 5.1 cannot be had any more: its rows are written from its manual. Those of MariaDB 10.5.23 (Debian 11) are
recorded from two servers that were set up in this way.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit import Cluster, judge
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_clusters import clusters
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_rules import RULES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_stops import kills_keepalived
from ansible_collections.opendba.mysql_ha.plugins.module_utils._replication_facts import read_instance
from unit.audit.builders import system, vrrp
from unit.audit.test_replication_facts import Server, server_51
from unit.vrrp.practitioners import LOCAL_CHECK, LOCAL_CHECK_SCRIPT

RECORDED = Path(__file__).parent / "recorded" / "mariadb-10.5.23.json"
# The LVS lines were taken out, because the standby's own table answered for the VIP.
PLAIN_CHECK = LOCAL_CHECK.replace("    lb_algo wrr", "    #lb_algo wrr").replace("    lb_kind DR", "    #lb_kind DR")
# Of its keepalived; all but the first and the last are A's too.
KEEPALIVED = {"MHA-S005", "MHA-V010", "MHA-V015", "MHA-V017", "MHA-V018", "MHA-V022", "MHA-L006", "MHA-L014"}


def recorded() -> list[Server]:
    servers = []
    for answers in json.loads(RECORDED.read_text(encoding="utf-8"))["servers"]:
        server = Server("", "")
        server.answers = answers
        servers.append(server)
    return servers


def named(servers: dict[str, tuple[str, Server]]) -> dict[str, set[str]]:
    """The hosts of each rule that found something; by host its address and its server."""
    hosts: dict[str, Any] = {}
    for number, (host, (address, server)) in enumerate(servers.items()):
        facts = vrrp(PLAIN_CHECK.replace("priority 100", f"priority {100 - number}"), version="1.2.7")
        facts["unit"]["Restart"] = "no"
        facts["programs"][0]["kills_keepalived"] = f"mysql_down.sh:{kills_keepalived(LOCAL_CHECK_SCRIPT)}"
        mysql = {"reachable": True, **read_instance(server, details=True)}  # type: ignore[arg-type]
        assert mysql["problems"] == []
        hosts[host] = {"mysql": mysql, "vrrp": facts, "os": system(address)}
    (cluster,) = clusters(hosts, {})
    assert set(cluster.hosts) == set(servers)
    result = judge(Cluster("f", hosts), RULES, [], "2026-11-21")
    assert result.problems == []
    return {finding["rule"]: {each["host"] for each in finding["evidence"]} for finding in result.findings}


def test_mysql_51() -> None:
    found = named({"f1": ("192.0.2.51", server_51()), "f2": ("192.0.2.52", server_51(master_host="192.0.2.51"))})
    assert found.keys() == KEEPALIVED | {
        "MHA-A001", "MHA-A003", "MHA-A004", "MHA-A005", "MHA-R002", "MHA-R003", "MHA-R005", "MHA-R008", "MHA-R009",
        "MHA-R012", "MHA-R013", "MHA-R015", "MHA-R016", "MHA-R023", "MHA-S004",
    }  # fmt: skip
    assert {rule for rule, hosts in found.items() if hosts != {"f1", "f2"}} == set()


def test_mariadb_105() -> None:
    one, two = recorded()
    found = named({"f1": ("127.0.0.1", one), "f2": ("127.0.0.1", two)})
    assert found.keys() == KEEPALIVED | {
        "MHA-A001", "MHA-A002", "MHA-A003", "MHA-A004", "MHA-A005", "MHA-R002", "MHA-R003", "MHA-R008", "MHA-R012",
        "MHA-R013", "MHA-R015", "MHA-R016", "MHA-R023", "MHA-R031", "MHA-S004",
    }  # fmt: skip
    assert {rule for rule, hosts in found.items() if hosts != {"f1", "f2"}} == set()
