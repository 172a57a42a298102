# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Healthy systems that look odd when they are taken for one source with its replicas, and sick ones like them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit import judge
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_clusters import clusters
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_facts import Asked, machines
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_rules import RULES
from unit.audit.builders import VIP, change, director, good, lvs, mysql, proxy, system, vip, vrrp

SECOND = "192.0.2.101"
POOLS = """
defaults
    mode tcp
    timeout client 8h
    timeout server 8h
listen shop
    bind :3306
    server a 192.0.2.11:3306 check
listen crm
    bind :3307
    server b 192.0.2.12:3306 check
"""


def found(hosts: dict[str, Any]) -> dict[str, list[str]]:
    """Rule -> hosts, over all clusters."""
    rules: dict[str, list[str]] = {}
    for cluster in clusters(hosts, {}):
        result = judge(cluster, RULES, [], "2026-11-22")
        assert result.problems == []
        for finding in result.findings:
            rules.setdefault(finding["rule"], []).extend(each["host"] for each in finding["evidence"])
    return rules


def alone(name: str, address: str, source: str | None = None, **values: Any) -> dict[str, Any]:
    """A server without anything around it."""
    uuid = f"00000000-0000-0000-0000-0000000000{ord(name[0]):02x}"
    own = {"server_uuid": uuid, "server_id": ord(name[0]), "gtid_executed": f"{uuid}:1-5"}
    return {"mysql": {**mysql("db1", source), **own, **values}, "os": system(address)}


def test_a_proxy_in_front_of_two_databases() -> None:
    hosts = {"shop": alone("shop", "192.0.2.11"), "crm": alone("crm", "192.0.2.12"), "hap1": proxy(POOLS)}
    assert len(clusters(hosts, {})) == 1
    assert found(hosts) == {}
    # One pool is one database.
    hosts["hap1"] = proxy(POOLS.replace("listen crm\n    bind :3307\n", ""))
    assert found(hosts)["MHA-R008"] == ["shop", "crm"]


def test_a_proxy_in_front_of_two_databases_with_replicas() -> None:
    hosts = {
        "shop": alone("shop", "192.0.2.11"), "replica": alone("replica", "192.0.2.13", "192.0.2.11"),
        "crm": alone("crm", "192.0.2.12"), "hap1": proxy(POOLS),
    }  # fmt: skip
    hosts["replica"]["mysql"]["gtid_executed"] += f",{hosts['shop']['mysql']['gtid_executed']}"
    assert found(hosts) == {"MHA-R004": ["replica"]}  # what it wrote itself
    hosts["shop"]["mysql"].update(read_only=True, super_read_only=True)
    assert found(hosts) == {"MHA-R028": ["shop", "replica"]}  # though crm accepts writes


def test_directors_of_groups_have_nothing_in_common() -> None:
    text = """virtual_server group reads {
    lb_kind DR
    real_server 192.0.2.11 3306 {
        HTTP_GET { url { path /reader } }
    }
}
"""
    hosts = {
        "a": {**director("192.0.2.21"), "vrrp": vrrp(text)},
        "b": {**director("192.0.2.22"), "vrrp": vrrp(text.replace("192.0.2.11", "192.0.2.12"))},
    }
    assert len(clusters(hosts, {})) == 2


def test_readers_of_a_source_elsewhere() -> None:
    hosts = {"db2": good()["db2"]}
    hosts["db2"]["mysql"]["channels"][0]["source_host"] = "198.51.100.9"
    hosts["db2"]["vips"] = [vip(VIP, here=True)]
    assert found(hosts) == {}
    hosts["db2"]["mysql"]["channels"] = []
    assert found(hosts) == {"MHA-R028": ["db2"], "MHA-V003": ["db2"]}


def test_a_source_by_a_name_that_nobody_else_knows() -> None:
    hosts = {"a": alone("a", "192.0.2.11"), "b": alone("b", "192.0.2.12", "mysql-a.example.com", gtid_executed="")}
    hosts["b"]["mysql"]["channels"][0]["source_uuid"] = hosts["a"]["mysql"]["server_uuid"]
    assert [sorted(cluster.hosts) for cluster in clusters(hosts, {})] == [["a", "b"]]
    assert found(hosts) == {}


def test_a_replica_of_the_vip_when_it_is_nowhere() -> None:
    hosts = change(good(), "db2/mysql/channels/0/source_host", VIP)
    hosts = change(change(hosts, "db1/mysql/read_only", True), "db1/vips/0/here", False)
    assert found(hosts)["MHA-R028"] == ["db1", "db2"]


def instance(name: str, number: int, priority: int, address: str, own: str) -> str:
    return f"""
vrrp_script check_{name} {{
    script "/opt/check {name}"
}}
vrrp_instance vi_{number} {{
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id {number}
    priority {priority}
    unicast_src_ip {own}
    unicast_peer {{
        {"192.0.2.12" if own == "192.0.2.11" else "192.0.2.11"}
    }}
    virtual_ipaddress {{
        {address}/24
    }}
    track_script {{
        check_{name}
    }}
}}
"""


def machine(own: str, leads: str, first: str, second: str) -> dict[str, Any]:
    """With two VIPs, of which it has one; `first` and `second` are what their checks are given."""
    text = "global_defs {\n    enable_script_security\n}\n"
    for number, (name, address) in enumerate(((first, VIP), (second, SECOND)), 51):
        text += instance(name, number, 101 if address == leads else 100, address, own)
    return {
        "vrrp": vrrp(text), "vips": [vip(VIP, here=leads == VIP), vip(SECOND, here=leads == SECOND)],
        "os": {**system(own), "boot_id": own},
    }  # fmt: skip


def test_a_vip_for_reads_on_the_standby() -> None:
    hosts = good()
    for name, own, leads in (("db1", "192.0.2.11", VIP), ("db2", "192.0.2.12", SECOND)):
        hosts[name].update(machine(own, leads, "writer", "reader"))
        hosts[name]["os"]["names"] = [name]
    assert found(hosts) == {}
    # Neither is where the writer is.
    hosts["db1"]["vips"][0]["here"], hosts["db2"]["vips"][0]["here"] = False, True
    assert found(hosts) == {"MHA-V003": ["db2", "db2"]}


def two_each(first: str, second: str) -> dict[str, Any]:
    """Servers a1 and b1 of one system, b1 leads; a2 and b2 of another one, a2 leads."""
    a = machine("192.0.2.11", SECOND, first, second)
    b = machine("192.0.2.12", VIP, first, second)
    hosts = {}
    for number, (name, facts, port, source) in enumerate(
        (("a1", a, 3306, "192.0.2.12"), ("b1", b, 3306, None), ("a2", a, 3307, None), ("b2", b, 3307, "192.0.2.11")), 1
    ):
        uuid = "00000000-0000-0000-0000-00000000000"
        server = {
            **mysql("db1", source), "port": port, "server_id": number, "server_uuid": f"{uuid}{number}",
            "gtid_executed": f"{uuid}{2 if port == 3306 else 3}:1-9",
        }  # fmt: skip
        for channel in server["channels"]:
            channel["source_port"] = port
        hosts[name] = {**deepcopy(facts), "mysql": server, "lvs": lvs(lo=[])}
    return hosts


def read(hosts: dict[str, Any]) -> dict[str, Any]:
    """As the audit takes the facts of two machines."""
    keys = {"mysql": "instance", "os": "host"}
    asked = {}
    for name in sorted(hosts):
        answers = {family: {keys.get(family, family): value} for family, value in hosts[name].items()}
        asked[name] = Asked(name, {**answers, "haproxy": {"haproxy": {"running": False, "configuration": None}}})
    machines(asked)
    return {name: host.facts for name, host in asked.items()}


def test_two_servers_on_each_machine() -> None:
    for first, second in (("--port=3306", "--port=3307"), ("one", "two")):
        assert found(read(two_each(first, second))) == {}


def test_two_servers_on_each_machine_and_a_vip_at_the_wrong_one() -> None:
    hosts = two_each("--port=3306", "--port=3307")
    for name, here in (("a1", False), ("a2", False), ("b1", True), ("b2", True)):
        hosts[name]["vips"][1]["here"] = here
    facts = read(hosts)
    assert facts["b1"]["vips"][1]["server"] == {"host": "b2", "read_only": True}
    assert found(facts) == {"MHA-V003": ["b1"]}
    # What the check of nothing known is for cannot be told.
    hosts = two_each("one", "two")
    hosts["b1"]["vips"][1]["here"] = hosts["b2"]["vips"][1]["here"] = True
    hosts["a1"]["vips"][1]["here"] = hosts["a2"]["vips"][1]["here"] = False
    assert found(read(hosts)) == {}


def test_galera_behind_a_proxy() -> None:
    hosts = good()
    for name in ("db1", "db2"):
        hosts[name] = {family: hosts[name][family] for family in ("mysql", "os")}
        hosts[name]["mysql"].update(
            flavour="mariadb", version="11.8.3-MariaDB", version_number=[11, 8, 3], read_only=False, group="galera",
            super_read_only=None, channels=[], gtid_mode=None, gtid_executed="0-1-5", semi_sync={},
        )  # fmt: skip
    del hosts["lvs1"], hosts["lvs2"]
    assert found(hosts) == {"MHA-R030": ["db1", "db2"]}


def test_group_replication() -> None:
    """A secondary was read after the primary, and has more of the group's transactions."""
    group = "00000000-0000-0000-0000-0000000000aa"
    hosts = good()
    for name, last in (("db1", 100), ("db2", 103)):
        hosts[name]["mysql"].update(group="group_replication", channels=[], gtid_executed=f"{group}:1-{last}")
        hosts[name]["mysql"]["semi_sync"].update(source_enabled=False, source_active=False)
    assert found(hosts) == {"MHA-R030": ["db1", "db2"]}
    assert found({"db2": hosts["db2"]}) == {"MHA-R030": ["db2"]}  # the primary is somewhere else


def test_one_virtual_router_id_in_two_clusters_of_one_network() -> None:
    hosts = {}
    for name, own, address in (
        ("a", "192.0.2.11", VIP),
        ("b", "192.0.2.12", SECOND),
        ("c", "198.51.100.3", "198.51.100.9"),
    ):
        text = instance("role", 51, 100, address, own)
        hosts[name] = {
            **alone(name, own),
            "vrrp": vrrp(text[: text.index("    unicast")] + text[text.index("    virtual_ip") :]),
        }
    assert [sorted(cluster.hosts) for cluster in clusters(hosts, {})] == [["a"], ["b"], ["c"]]
    assert found(hosts)["MHA-V005"] == ["a", "b"]
    (said,) = [each for cluster in clusters({name: hosts[name] for name in "ab"}, {}) if "a" in cluster.hosts
               for rule in RULES if rule.id == "MHA-V005" for each in rule.find(cluster)]  # fmt: skip
    assert said.text == f"virtual router id 51 of vi_51 is for {VIP}; on b for {SECOND}"
    hosts["b"]["os"]["networks"] = []  # then nobody knows
    assert "MHA-V005" not in found(hosts)


def mariadb(last: str, replica: str) -> dict[str, Any]:
    hosts = good()
    for name, position in (("db1", last), ("db2", replica)):
        hosts[name]["mysql"].update(
            flavour="mariadb", version="11.8.3-MariaDB", version_number=[11, 8, 3], super_read_only=None, semi_sync={},
            gtid_mode=None, gtid_executed=position, server_uuid=None,
        )  # fmt: skip
    return hosts


def test_errant_transactions_of_mariadb() -> None:
    assert found(mariadb("0-1-9", "0-2-12"))["MHA-R004"] == ["db2"]
    assert found(mariadb("0-1-9,3-1-4", "3-1-4,0-2-12"))["MHA-R004"] == ["db2"]
    # The writer went on; it has written nothing since a switchover; another domain is none that it knows.
    for last, replica in (("0-1-9", "0-1-12"), ("0-2-12", "0-2-12"), ("0-1-13", "0-2-12"), ("0-1-9", "7-2-12")):
        assert "MHA-R004" not in found(mariadb(last, replica)), (last, replica)
