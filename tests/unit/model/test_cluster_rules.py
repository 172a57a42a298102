# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold between the members of a cluster, and for their addresses."""

from __future__ import annotations

from typing import Any

import pytest

from unit.model.inventories import ORDERS, Inventory, interface, pair, trio, two_clusters

# --- Shared variables


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("cluster_vip", "10.0.0.101/24", "10.0.0.100/24 on db1; 10.0.0.101/24 on db2"),
        ("cluster_vip", "10.0.0.100/32", "10.0.0.100/24 on db1; 10.0.0.100/32 on db2"),
        ("cluster_virtual_router_id", 52, "51 on db1; 52 on db2"),
        ("cluster_topology", "source_replica", "dual_source on db1; source_replica on db2"),
        ("mysql_durability", "strict", "available on db1; strict on db2"),
        ("replication_user", "other", "mha_repl on db1; other on db2"),
        ("keepalived_advert_interval", 0.6, "0.5 on db1; 0.6 on db2"),
        ("agent_lease", 4, "3.0 on db1; 4.0 on db2"),
        ("agent_takeover", "read_only", "promote on db1; read_only on db2"),
    ],
)
def test_shared_by_the_members(variable: str, value: object, shown: str) -> None:
    assert pair().set("db2", **{variable: value}).errors() == [
        f"db1, db2: {variable} differs within cluster 'orders' ({shown}); set it once, in the group's vars"
    ]


def test_shared_secret_is_not_shown() -> None:
    assert pair().set("db2", replication_password="another-one").errors() == [
        "db1, db2: replication_password differs within cluster 'orders'; set it once, in the group's vars"
    ]


def test_auth_pass_on_one_member_only() -> None:
    inventory = pair(keepalived_vrrp_version=2, keepalived_advert_interval=1, agent_lease=4.2)
    inventory.set("db1", keepalived_auth_pass="abc")
    assert inventory.errors() == [
        "db1, db2: keepalived_auth_pass differs within cluster 'orders'; set it once, in the group's vars"
    ]


@pytest.mark.parametrize("value", ["51", 51])
def test_spelling_is_no_difference(value: object) -> None:
    assert pair().set("db2", cluster_virtual_router_id=value, cluster_vip=" 10.0.0.100/24").errors() == []


# --- The agent


@pytest.mark.parametrize(("interval", "lease", "least"), [(0.5, 2.6, "2.65"), (0.7, 3, "3.27"), (1, 4, "4.2")])
def test_a_lease_too_short_for_vrrp(interval: float, lease: float, least: str) -> None:
    assert pair(keepalived_advert_interval=interval, agent_lease=lease).errors() == [
        f"db1, db2: agent_lease {lease:g} is too short for keepalived_advert_interval {interval:g}: a standby would "
        f"count as left behind before the VIP can reach it; set agent_lease to {least} or more"
    ]
    assert pair(keepalived_advert_interval=interval, agent_lease=float(least)).errors() == []


@pytest.mark.parametrize(
    ("witness", "whose"),
    [
        ("10.0.0.11", "10.0.0.11, the address of db1"),
        ("10.0.0.12:3306", "10.0.0.12, the address of db2"),
        ("10.0.0.100", "10.0.0.100, the cluster_vip"),
    ],
)
def test_a_witness_within_the_cluster(witness: str, whose: str) -> None:
    assert pair().set("db2", agent_witnesses=["gateway", witness]).errors() == [
        f"db2: agent_witnesses has {whose}: it shows nothing about the rest of the network; "
        "choose addresses outside the cluster, e.g. of a router or a name server"
    ]


# --- Candidates


@pytest.mark.parametrize("topology", ["dual_source", "source_replica"])
@pytest.mark.parametrize(("readers", "count"), [(["db2"], "1 host"), (["db1", "db2"], "0 hosts")])
def test_fewer_than_two_candidates(topology: str, readers: list[str], count: str) -> None:
    inventory = pair(cluster_topology=topology)
    for name in readers:
        inventory.set(name, cluster_role="reader")
    assert inventory.errors() == [
        f"db1, db2: cluster 'orders' has {count} with cluster_role candidate; "
        "it needs at least two: add a host, or remove cluster_role: reader from one"
    ]


def test_one_host() -> None:
    (line,) = Inventory().cluster("orders", "db1", **ORDERS).errors()
    assert line.startswith("db1: cluster 'orders' has 1 host with cluster_role candidate; ")


def test_dual_source_with_three_candidates() -> None:
    assert trio().set("db3", cluster_role="candidate").errors() == [
        "db1, db2, db3: cluster_topology 'dual_source' takes exactly two candidates, cluster 'orders' has 3; "
        "set cluster_role: reader on the others, or cluster_topology: source_replica"
    ]


@pytest.mark.parametrize("count", [2, 3, 8])
def test_source_replica_takes_more(count: int) -> None:
    names = [f"db{number}" for number in range(count)]
    models = Inventory().cluster("orders", *names, **ORDERS, cluster_topology="source_replica").models()
    assert models["db0"]["candidates"] == names
    assert min(member["vrrp_priority"] for member in models["db0"]["members"]) >= 1


def test_more_candidates_than_priorities() -> None:
    names = [f"db{number}" for number in range(9)]
    (line,) = Inventory().cluster("orders", *names, **ORDERS, cluster_topology="source_replica").errors()
    assert line.endswith(
        "cluster 'orders' has 9 candidates, more than VRRP priorities (8); set cluster_role: reader on some"
    )


def test_role_refused_is_not_counted_too() -> None:
    assert pair().set("db2", cluster_role="slave").errors() == [
        "db2: cluster_role 'slave' is unknown; write candidate or reader"
    ]


def test_candidates_listen_on_one_port() -> None:
    assert trio().set("db2", mysql_port=3307).errors() == [
        "db1, db2: mysql_port differs between the candidates of cluster 'orders' (3306, 3307); "
        "give them one port, so that clients of the VIP find the writer at it"
    ]


def test_a_reader_may_listen_elsewhere() -> None:
    assert trio().set("db3", mysql_port=3307).models()["db3"]["self"]["port"] == 3307


# --- Addresses


def test_vip_outside_the_subnets_of_one_host() -> None:
    inventory = pair().interfaces("db2", interface("10.9.0.12/24"), interface("fd00::12/64", "eth1"))
    assert inventory.errors() == [
        "db2: cluster_vip '10.0.0.100/24' is outside every subnet of the host (eth0 10.9.0.0/24, eth1 fd00::/64); "
        "choose a free address of a subnet that all members have"
    ]


def test_vip_in_a_subnet_of_another_interface() -> None:
    inventory = pair(cluster_interface="eth1")
    for number, name in enumerate(("db1", "db2"), start=11):
        inventory.interfaces(name, interface(f"10.0.0.{number}/24"), interface(f"10.1.0.{number}/24", "eth1"))
    assert inventory.errors() == [
        "db1, db2: cluster_vip '10.0.0.100/24' is outside every subnet of the host (eth1 10.1.0.0/24); "
        "choose a free address of a subnet that all members have"
    ]


@pytest.mark.parametrize(
    "address", [{"ansible_host": "10.0.0.100"}, {"cluster_address": "10.0.0.100", "ansible_host": "db1.example.com"}]
)
def test_vip_is_the_address_of_a_member(address: dict[str, str]) -> None:
    inventory = pair().set("db1", **address).interfaces("db1", interface("10.0.0.100/24"))
    assert inventory.errors() == [
        "db1, db2: cluster_vip 10.0.0.100 is the address of db1; choose a free address of the subnet"
    ]


def test_vip_is_given_as_the_address_of_its_holder() -> None:
    inventory = pair().set("db1", cluster_address="10.0.0.100")
    inventory.hosts["db1"]["interfaces"].append(interface("10.0.0.100/24", primary=False))
    assert inventory.errors() == [
        "db1, db2: cluster_vip 10.0.0.100 is the address of db1; choose a free address of the subnet"
    ]


def test_vip_is_the_only_address_of_a_member() -> None:
    assert pair().interfaces("db1", interface("10.0.0.100/24")).errors() == [
        "db1: cluster_vip 10.0.0.100 is the address of db1; choose a free address of the subnet"
    ]


def test_vip_is_the_address_of_another_clusters_member() -> None:
    assert two_clusters(cluster_vip="10.0.0.12/24").errors() == [
        "db2: cluster_vip 10.0.0.12 is the address of db2; choose a free address of the subnet"
    ]


def test_vip_is_the_address_of_a_host_outside_the_play() -> None:
    inventory = two_clusters().set("db4", ansible_host="10.0.0.100")
    inventory.hosts["db4"]["interfaces"] = None
    assert inventory.errors(["db1", "db2"]) == [
        "db1, db2: cluster_vip 10.0.0.100 is the address of db4; choose a free address of the subnet"
    ]


def test_one_vip_in_two_clusters() -> None:
    assert two_clusters(cluster_vip="10.0.0.100/24").errors() == [
        "db1, db2, db3, db4: cluster_vip 10.0.0.100 is used by clusters 'orders' and 'billing'; "
        "give each cluster its own"
    ]


def test_one_vip_in_two_clusters_of_which_one_is_in_the_play() -> None:
    assert len(two_clusters(cluster_vip="10.0.0.100/24").errors(["db3", "db4"])) == 1


@pytest.mark.parametrize("interfaces", [None, []])
def test_interfaces_unknown(interfaces: list[Any] | None) -> None:
    inventory = pair()
    inventory.hosts["db2"]["interfaces"] = interfaces
    assert inventory.errors() == [
        "db2: the network interfaces are unknown (ansible_facts.interfaces); "
        "gather facts of all hosts of the play (without serial), with iproute2 installed there"
    ]


def test_only_loopback_and_link_local() -> None:
    inventory = pair().interfaces("db2", interface("127.0.0.1/8", "lo"), interface("fe80::1/64"))
    (line,) = inventory.errors()
    assert line.startswith("db2: the network interfaces are unknown")


@pytest.mark.parametrize("address", ["10.0.0.77", "10.0.0.11", "192.168.7.12", "fd00::12"])
def test_cluster_address_is_not_the_hosts(address: str) -> None:
    inventory = pair().set("db2", cluster_address=address)
    inventory.hosts["db2"]["interfaces"].append(interface("192.168.7.12/24", "eth1"))
    assert inventory.errors() == [
        f"db2: cluster_address '{address}' is not an address of the host in the subnet of cluster_vip '10.0.0.100/24'; "
        "write 10.0.0.12, or leave it out"
    ]


@pytest.mark.parametrize("variable", ["cluster_address", "cluster_interface"])
def test_refused_address_is_one_finding(variable: str) -> None:
    inventory = pair().set("db2", **{variable: "no such"})
    inventory.interfaces("db2", interface("10.0.0.12/24"), interface("10.0.0.13/24", "eth1"))
    (line,) = inventory.errors()
    assert line.startswith(f"db2: {variable} 'no such' is not an ")


def test_cluster_address_twice() -> None:
    assert pair().interfaces("db2", interface("10.0.0.11/24")).errors() == [
        "db1, db2: cluster_address 10.0.0.11 is used twice in cluster 'orders'; give each host its own address"
    ]


def test_cluster_address_ambiguous() -> None:
    inventory = pair().interfaces("db2", interface("10.0.0.12/24"), interface("10.0.0.13/24", "eth1"))
    assert inventory.errors() == [
        "db2: cluster_address is ambiguous: several addresses are in the subnet of cluster_vip '10.0.0.100/24' "
        "(10.0.0.12, 10.0.0.13); set it to the one that never moves, "
        "or cluster_interface to the one that shall carry the VIP"
    ]


def test_members_in_different_subnets() -> None:
    inventory = pair(cluster_vip="10.0.0.100/32").interfaces("db2", interface("10.0.0.12/16"))
    assert inventory.errors() == [
        "db1, db2: members of cluster 'orders' see cluster_vip in different subnets (10.0.0.0/16, 10.0.0.0/24); "
        "give all members addresses in one subnet"
    ]


def test_server_id_twice() -> None:
    inventory = trio().set("db1", mysql_server_id=7).set("db3", mysql_server_id="7")
    assert inventory.errors() == [
        "db1, db3: mysql_server_id 7 is used twice in cluster 'orders'; give each host its own, or leave it out"
    ]


def test_server_id_of_one_is_the_address_of_another() -> None:
    (line,) = pair().set("db1", mysql_server_id=0x0A00000C).errors()
    assert line.startswith("db1, db2: mysql_server_id 167772172 is used twice in cluster 'orders'")


def test_server_ids_of_two_clusters_are_their_own() -> None:
    assert two_clusters().set("db1", mysql_server_id=7).set("db3", mysql_server_id=7).errors() == []
