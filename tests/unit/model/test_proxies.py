# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies in the model."""

from __future__ import annotations

from typing import Any

import pytest

from unit.model.inventories import BILLING, MISSING, Inventory, balanced, interface, proxied, trio

# --- What the models hold


def test_members_know_who_asks_and_by_what_names_clients_come() -> None:
    models = proxied(haproxy_names=["db.example.com"]).models()
    assert models.keys() == {"db1", "db2", "db3"}
    for model in models.values():
        assert model["proxies"] == ["10.0.0.14", "10.0.0.15"]
        assert model["proxy_addresses"] == ["10.0.0.210", "10.0.0.14", "10.0.0.15"]
        assert model["proxy_names"] == ["db.example.com"]
        assert model["proxy_views"] == [
            {"name": "p1", "address": "10.0.0.14", "port": 8407}, {"name": "p2", "address": "10.0.0.15", "port": 8407},
        ]  # fmt: skip
    assert proxied(haproxy_view_port=0).models()["db1"]["proxy_views"] == []


def test_whole_proxy_model() -> None:
    inventory = proxied().set("db3", haproxy_weight=3, mysql_settings={"wait-timeout": "60", "interactive_timeout": 60})
    inventory.hosts["p2"]["interfaces"].append(interface("10.0.0.210/32", primary=False))
    result = inventory.derive()
    assert result.problems.lines() == []
    assert {key: value for key, value in result.proxies["p2"].items() if key != "clusters"} == {
        "name": "p2",
        "interface": "eth0",
        "address": "10.0.0.15",
        "source": "",
        "vip": "10.0.0.210",
        "virtual_router_id": 91,
        "priority": 229,
        "peers": ["10.0.0.14"],
        "sources": ["10.0.0.14", "10.0.0.15"],
        "on_member": False,
    }
    (cluster,) = result.proxies["p1"]["clusters"]
    assert {key: value for key, value in cluster.items() if key != "servers"} == {
        "name": "orders", "writer_port": 6446, "reader_port": 6447, "readers": "standby", "idle_timeout": 28800,
        "takes_proxy_header": False,
    }  # fmt: skip
    assert [server["name"] for server in cluster["servers"]] == ["db1", "db2", "db3"]
    assert cluster["servers"][2] == {
        "name": "db3", "address": "10.0.0.13", "port": 3306, "weight": 3, "agent_port": 8308, "candidate": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "idle", "takes"),
    [
        ({}, 28800, False),
        ({"wait_timeout": 60, "interactive_timeout": 90}, 90, False),
        ({"loose-wait_timeout": 31536000}, 31536000, False),
        ({"proxy_protocol_networks": "*"}, 28800, True),
        ({"proxy_protocol_networks": ""}, 28800, False),
    ],
)
def test_what_proxies_must_know_of_the_servers(settings: dict[str, Any], idle: int, takes: bool) -> None:
    result = trio(mysql_settings=settings).proxies("p1").derive()
    (cluster,) = result.proxies["p1"]["clusters"]
    assert (cluster["idle_timeout"], cluster["takes_proxy_header"]) == (idle, takes)


def test_proxies_on_the_members() -> None:
    inventory = trio().proxies("db1", "db3").set("db3", cluster_address="10.0.0.23")
    inventory.interfaces("db3", interface("10.0.0.13/24"), interface("10.0.0.23/24", "eth1"))
    result = inventory.derive()
    assert result.problems.lines() == []
    assert result.models.keys() == {"db1", "db2", "db3"}
    assert result.proxies.keys() == {"db1", "db3"}
    model = result.proxies["db3"]
    assert (model["address"], model["interface"], model["vip"], model["on_member"]) == ("10.0.0.23", "eth1", "", True)
    assert result.models["db2"]["proxies"] == ["10.0.0.11", "10.0.0.23"]


def test_the_vip_on_a_member_is_not_the_members_address() -> None:
    inventory = trio().proxies("db1", "db2", haproxy_vip="10.0.0.210", haproxy_virtual_router_id=91)
    inventory.hosts["db1"]["interfaces"].append(interface("10.0.0.210/32", primary=False))
    assert inventory.models()["db1"]["address"] == "10.0.0.11"


def test_a_director_may_be_a_proxy() -> None:
    result = balanced().proxies("lvs1", "lvs2", haproxy_vip="10.0.0.210", haproxy_virtual_router_id=91).derive()
    assert result.problems.lines() == []
    assert result.proxies.keys() == result.directors.keys() == {"lvs1", "lvs2"}


def test_proxies_in_another_subnet() -> None:
    inventory = proxied(haproxy_vip="172.16.0.9").set("p1", haproxy_source_address="10.0.5.1")
    for number, name in enumerate(("p1", "p2"), start=1):
        inventory.interfaces(name, interface(f"172.16.0.{number}/16"), interface(f"10.0.5.{number}/24", "eth1"))
    result = inventory.derive()
    assert result.problems.lines() == []
    model = result.proxies["p1"]
    assert (model["address"], model["interface"], model["source"]) == ("172.16.0.1", "eth0", "10.0.5.1")
    assert result.models["db1"]["proxies"] == ["10.0.5.1", "172.16.0.2"]


def test_a_proxy_without_vip_anywhere() -> None:
    inventory = trio().proxies("p1").interfaces("p1", interface("172.16.0.1/16"))
    assert inventory.derive().proxies["p1"]["address"] == "172.16.0.1"


def test_ports_of_several_clusters() -> None:
    billing = {**BILLING, "cluster_proxy_writer_port": 6448, "cluster_proxy_reader_port": 0}
    result = trio().cluster("billing", "db4", "db5", **billing).proxies("p1").derive()
    assert result.problems.lines() == []
    assert [(each["writer_port"], each["reader_port"]) for each in result.proxies["p1"]["clusters"]] == [
        (6446, 6447), (6448, 0),
    ]  # fmt: skip


def test_a_cluster_that_is_not_proxied() -> None:
    billing = {**BILLING, "cluster_proxy_writer_port": 0, "cluster_proxy_reader_port": "0"}
    result = trio().cluster("billing", "db4", "db5", **billing).proxies("p1").derive()
    assert [each["name"] for each in result.proxies["p1"]["clusters"]] == ["orders"]
    assert (result.models["db1"]["proxies"], result.models["db4"]["proxies"]) == (["10.0.0.16"], [])


def test_a_proxy_that_goes() -> None:
    result = proxied().set("p1", haproxy_state="absent").derive()
    assert result.problems.lines() == []
    # It asks the agents until it has let go of its VIP
    assert result.models["db1"]["proxies"] == ["10.0.0.15", "10.0.0.14"]
    assert [view["name"] for view in result.models["db1"]["proxy_views"]] == ["p2"]
    assert result.proxies["p2"]["sources"] == ["10.0.0.15"]
    assert (result.proxies["p2"]["peers"], result.proxies["p2"]["priority"]) == ([], 230)
    assert result.proxies["p1"]["address"] == ""


def test_a_run_without_the_proxies_knows_their_addresses_from_the_inventory() -> None:
    inventory = proxied().set("p1", haproxy_address="10.0.0.14").set("p2", ansible_host="10.0.0.15")
    for name in ("p1", "p2"):
        inventory.hosts[name]["interfaces"] = None
    assert inventory.models(["db1", "db2", "db3"])["db1"]["proxies"] == ["10.0.0.14", "10.0.0.15"]


def test_ipv6() -> None:
    inventory = trio(cluster_vip="fd00::100/64")
    inventory.proxies("p1", "p2", haproxy_vip="FD00::D2", haproxy_virtual_router_id=91)
    for number, name in enumerate(inventory.hosts, start=1):
        inventory.interfaces(name, interface(f"10.0.0.{number}/24"), interface(f"fd00::{number}/64", "eth1", False))
    result = inventory.derive()
    assert result.problems.lines() == []
    assert (result.proxies["p1"]["address"], result.proxies["p1"]["vip"]) == ("fd00::4", "fd00::d2")


def test_services_without_clusters_and_services_that_build_on_the_model() -> None:
    assert Inventory().proxies("p1", haproxy_services=[{"name": "old"}]).errors() == []
    inventory = proxied()
    inventory.hosts["p1"]["unreadable"] = {"haproxy_services": "'cluster_proxy_model' is undefined"}
    inventory.set("p2", haproxy_services="{{ cluster_proxy_model.clusters }}")
    assert inventory.errors() == []


# --- What is refused


TAKEN = "choose a free address of the subnet"


@pytest.mark.parametrize(
    ("vip", "said"),
    [
        ("10.0.0.100", f"10.0.0.100 is the address of the writer VIP of cluster 'orders'; {TAKEN}"),
        ("10.0.0.12", f"10.0.0.12 is the address of db2; {TAKEN}"),
        ("10.0.0.255", "'10.0.0.255' is the broadcast address of 10.0.0.0/24; "
         "choose a free host address of 10.0.0.0/24"),
        ("10.9.0.1", "'10.9.0.1' is outside every subnet of the host (eth0 10.0.0.0/24); "
         "choose a free address of a subnet that all members have"),
        ("127.0.0.1", "'127.0.0.1' is not an address that can move between hosts; "
         "choose a free unicast address of the hosts' subnet"),
    ],
)  # fmt: skip
def test_vip(vip: str, said: str) -> None:
    assert proxied(haproxy_vip=vip).errors() == [f"p1, p2: haproxy_vip {said}"]


def test_a_reader_vip_is_not_the_proxies() -> None:
    inventory = balanced().proxies("p1", haproxy_vip="10.0.0.200", haproxy_virtual_router_id=91)
    assert inventory.errors() == [
        f"p1: haproxy_vip 10.0.0.200 is the address of one of the cluster_reader_vips of cluster 'orders'; {TAKEN}"
    ]


def test_one_vip_for_all() -> None:
    assert proxied().set("p2", haproxy_vip="10.0.0.211").errors() == [
        "p1, p2: haproxy_vip differs between the proxies (10.0.0.210, 10.0.0.211); "
        "give them one address, in the group's vars: they share it"
    ]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (MISSING, "p1, p2: haproxy_virtual_router_id is missing, and haproxy_vip is given; give the proxies' group a "
         "number from 1 to 255 that nobody else's VRRP on this LAN uses, e.g. 91"),
        (51, "p1, p2, db1, db2, db3: haproxy_virtual_router_id 51 is the cluster_virtual_router_id of cluster 'orders' "
         "in one subnet; give one of them another number"),
    ],
)  # fmt: skip
def test_router_id(number: Any, said: str) -> None:
    assert proxied(haproxy_virtual_router_id=number).errors() == [said]


def test_router_id_of_the_directors() -> None:
    inventory = balanced().proxies("p1", haproxy_vip="10.0.0.210", haproxy_virtual_router_id=81)
    assert inventory.errors() == [
        "p1, lvs1, lvs2: haproxy_virtual_router_id 81 is the lvs_director_virtual_router_id too; "
        "give one of them another number"
    ]


def test_different_router_ids() -> None:
    assert proxied().set("p2", haproxy_virtual_router_id=92).errors() == [
        "p1, p2: haproxy_virtual_router_id differs between the proxies (91, 92); "
        "give them one number, in the group's vars: they share their VIP"
    ]


def test_weight_and_ports() -> None:
    inventory = proxied().set("db1", haproxy_weight=257)
    assert inventory.errors() == ["db1: haproxy_weight 257 is out of 0 to 256; write an integer from 0 to 256"]
    assert trio(cluster_proxy_reader_port=6446).proxies("p1").errors() == [
        "db1, db2, db3: cluster_proxy_reader_port 6446 is used twice (cluster_proxy_writer_port of 'orders', "
        "cluster_proxy_reader_port of 'orders'); give each its own; 0 for none"
    ]


def test_a_port_of_two_clusters() -> None:
    inventory = trio().cluster("billing", "db4", "db5", **BILLING, cluster_proxy_reader_port=0).proxies("p1")
    assert inventory.errors() == [
        "db1, db2, db3, db4, db5: cluster_proxy_writer_port 6446 is used twice (cluster_proxy_writer_port of 'orders', "
        "cluster_proxy_writer_port of 'billing'); give each its own; 0 for none"
    ]


def test_the_port_of_mysqld_on_a_member_that_is_a_proxy() -> None:
    assert trio(cluster_proxy_writer_port=3306).proxies("db2").errors() == [
        "db2: cluster_proxy_writer_port 3306 is the mysql_port of a host that is a proxy too; "
        "give the proxies another port, or hosts of their own"
    ]
    assert trio(cluster_proxy_writer_port=3306).proxies("p1").errors() == []
    assert trio().proxies("db2", haproxy_view_port=8308).errors() == [
        "db2: haproxy_view_port 8308 is the agent_port of a host that is a proxy too; "
        "give the proxies another port, or hosts of their own"
    ]


def test_two_names_of_one_proxy() -> None:
    inventory = trio().proxies("p1", "p2", ansible_host="10.0.0.14").interfaces("p2", interface("10.0.0.14/24"))
    assert inventory.errors() == [
        "p1, p2: several proxies on one machine (ansible_host '10.0.0.14'); keep one of the names in the group"
    ]


def test_an_address_that_is_a_members() -> None:
    assert proxied().interfaces("p1", interface("10.0.0.11/24")).errors() == [
        "db1, p1: haproxy_address 10.0.0.11 is used twice; give each host its own address"
    ]


def test_an_address_that_cannot_be_told() -> None:
    inventory = trio().proxies("p1").interfaces("p1", interface("172.16.0.1/16"), interface("172.17.0.1/16", "eth1"))
    assert inventory.errors() == [
        "p1: haproxy_address is ambiguous: the host has several addresses, none in a cluster's subnet "
        "(172.16.0.1, 172.17.0.1); set it to the one that the members see"
    ]


def test_proxies_without_anything_to_offer() -> None:
    assert trio(cluster_proxy_writer_port=0, cluster_proxy_reader_port=0).proxies("p1").errors() == [
        "p1: haproxy_services is empty and no cluster has cluster_proxy_writer_port or cluster_proxy_reader_port, so "
        "there is nothing to offer; give a cluster a port, or set haproxy_state: absent"
    ]


def test_proxies_without_their_cluster() -> None:
    assert proxied().errors(["p1", "p2"]) == [
        "db1, db2, db3: not in this run (--limit, or the play's hosts), but behind the proxies of haproxy; "
        "run without --limit, or leave the proxies out too"
    ]


def test_a_run_without_proxies_whose_addresses_nobody_knows() -> None:
    inventory = proxied()
    inventory.hosts["p2"]["interfaces"] = None
    assert inventory.errors(["db1", "db2", "db3"]) == [
        "p2: haproxy_address is not known, because the host is not in this run (--limit); "
        "set it, or run without --limit"
    ]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ([1], "[1] is not a dictionary; write names and values, e.g. {wait_timeout: 3600}"),
        ({"wait_timeout": "8h"}, "{'wait_timeout': '8h'} has a wait_timeout that is not an integer; "
         "write an integer from 1 to 31536000"),
    ],
)  # fmt: skip
def test_settings(settings: Any, said: str) -> None:
    assert trio(mysql_settings=settings).errors() == [f"db1, db2, db3: mysql_settings {said}"]


@pytest.mark.parametrize("names", ["db.example.com", ["a b"], ["-x"]])
def test_names(names: Any) -> None:
    (line,) = proxied(haproxy_names=names).errors()
    assert line.startswith("p1, p2: haproxy_names ")
    assert line.endswith("; write a list of DNS names, e.g. [db.example.com]")
