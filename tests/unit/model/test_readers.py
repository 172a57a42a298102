# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reader VIPs, realservers and LVS directors in the model."""

from __future__ import annotations

from typing import Any

import pytest

from unit.model.inventories import BILLING, MISSING, Inventory, balanced, interface, pair, trio

# --- What the models hold


def test_members_know_their_reader_vips_and_directors() -> None:
    models = balanced().models()
    assert models.keys() == {"db1", "db2", "db3"}
    for model in models.values():
        assert model["reader_vips"] == ["10.0.0.200"]
        assert model["directors"] == ["10.0.0.14", "10.0.0.15"]
        assert model["serves_reads"] is True


def test_without_reader_vips_nobody_serves_reads_and_no_director_asks() -> None:
    inventory = trio().cluster("billing", "db4", "db5", **BILLING, cluster_reader_vips=["10.0.0.201"])
    models = inventory.directors("lvs1").models()
    assert [models[name]["serves_reads"] for name in ("db1", "db3", "db4")] == [False, False, True]
    assert models["db1"]["directors"] == []
    assert models["db4"]["directors"] == ["10.0.0.16"]


@pytest.mark.parametrize(
    ("policy", "serving"),
    [("standby", ["db1", "db2", "db3"]), ("readers", ["db3"]), ("all", ["db1", "db2", "db3"])],
)
def test_who_serves_reads(policy: str, serving: list[str]) -> None:
    """`standby` and `all` differ in what the directors ask the agents, because the writer moves."""
    result = balanced(cluster_readers=policy).set("db3", lvs_realserver_weight="3").derive()
    assert result.problems.lines() == []
    assert [name for name, model in result.models.items() if model["serves_reads"]] == serving
    (cluster,) = result.directors["lvs1"]["clusters"]
    assert [server["name"] for server in cluster["servers"]] == serving
    assert cluster["servers"][-1] == {
        "name": "db3", "address": "10.0.0.13", "port": 3306, "weight": 3, "agent_port": 8308,
    }  # fmt: skip
    assert (cluster["readers"], cluster["port"], cluster["writer_vip"]) == (policy, 3306, "10.0.0.100")


def test_a_realserver_that_is_taken_out() -> None:
    result = balanced().set("db1", lvs_realserver_state="absent").derive()
    assert [model["serves_reads"] for model in result.models.values()] == [False, True, True]
    assert [server["name"] for server in result.directors["lvs2"]["clusters"][0]["servers"]] == ["db2", "db3"]


def test_whole_director_model() -> None:
    inventory = balanced()
    inventory.hosts["lvs2"]["interfaces"].append(interface("10.0.0.200/32", primary=False))
    directors = inventory.derive().directors
    assert {key: value for key, value in directors["lvs2"].items() if key != "clusters"} == {
        "name": "lvs2",
        "interface": "eth0",
        "address": "10.0.0.15",
        "virtual_router_id": 81,
        "priority": 229,
        "peers": ["10.0.0.14"],
        "reader_vips": ["10.0.0.200"],
    }
    assert (directors["lvs1"]["priority"], directors["lvs1"]["peers"]) == (230, ["10.0.0.15"])
    assert directors["lvs1"]["clusters"] == directors["lvs2"]["clusters"]


def test_a_vip_on_lo_is_not_the_realservers_address() -> None:
    inventory = balanced()
    inventory.hosts["db1"]["interfaces"].insert(0, interface("10.0.0.200/32", "lo"))
    assert inventory.models()["db1"]["address"] == "10.0.0.11"


def test_a_director_that_goes() -> None:
    result = balanced().set("lvs1", lvs_director_state="absent").derive()
    assert result.problems.lines() == []
    assert result.models["db1"]["directors"] == ["10.0.0.15"]
    assert (result.directors["lvs2"]["peers"], result.directors["lvs2"]["priority"]) == ([], 230)
    assert result.directors["lvs1"]["address"] == ""


def test_the_last_director_goes_after_its_vips() -> None:
    result = trio().directors("lvs1", lvs_director_state="absent").derive()
    assert (result.problems.lines(), result.directors["lvs1"]["clusters"]) == ([], [])


def test_chosen_address_and_priority() -> None:
    inventory = balanced().set("lvs1", lvs_director_address="10.0.0.20", lvs_director_priority=100)
    inventory.interfaces("lvs1", interface("10.0.0.14/24"), interface("10.0.0.20/24", "eth1"))
    model = inventory.derive().directors["lvs1"]
    assert (model["address"], model["interface"], model["priority"]) == ("10.0.0.20", "eth1", 100)


def test_ipv6() -> None:
    inventory = balanced(cluster_vip="fd00::100/64", cluster_reader_vips=["FD00::C8", "fd00::201"])
    for number, name in enumerate(inventory.hosts, start=1):
        inventory.interfaces(name, interface(f"10.0.0.{number}/24"), interface(f"fd00::{number}/64", "eth1", False))
    result = inventory.derive()
    assert result.problems.lines() == []
    assert result.models["db1"]["reader_vips"] == ["fd00::c8", "fd00::201"]
    assert (result.directors["lvs1"]["address"], result.directors["lvs1"]["interface"]) == ("fd00::4", "eth1")


def test_services_without_clusters() -> None:
    services = [{"name": "old", "vips": ["10.0.0.220"], "port": 3306}]
    result = Inventory().directors("lvs1", lvs_director_services=services).derive()
    assert result.problems.lines() == []
    assert result.directors["lvs1"]["reader_vips"] == ["10.0.0.220"]
    assert (result.directors["lvs1"]["clusters"], result.directors["lvs1"]["address"]) == ([], "10.0.0.11")


def test_services_that_build_on_the_model_are_not_read_before_it() -> None:
    inventory = balanced()
    inventory.hosts["lvs1"]["unreadable"] = {"lvs_director_services": "'cluster_director_model' is undefined"}
    inventory.set("lvs2", lvs_director_services="{{ cluster_director_model.clusters }}")
    assert inventory.errors() == []


def test_a_run_without_the_directors_knows_their_addresses_from_the_inventory() -> None:
    inventory = balanced().set("lvs1", lvs_director_address="10.0.0.14").set("lvs2", ansible_host="10.0.0.15")
    for name in ("lvs1", "lvs2"):
        inventory.hosts[name]["interfaces"] = None
    assert inventory.models(["db1", "db2", "db3"])["db1"]["directors"] == ["10.0.0.14", "10.0.0.15"]


def test_a_run_of_one_director_knows_the_other_from_the_inventory() -> None:
    services = [{"name": "old", "vips": ["10.0.0.220"], "port": 3306}]
    inventory = Inventory().directors("lvs1", "lvs2", lvs_director_services=services)
    inventory.set("lvs2", lvs_director_address="10.0.0.12").hosts["lvs2"]["interfaces"] = None
    result = inventory.derive(["lvs1"])
    assert result.problems.lines() == []
    assert result.directors["lvs1"]["peers"] == ["10.0.0.12"]


# --- What is refused


def errors(inventory: Inventory, play: list[str] | None = None) -> list[str]:
    return inventory.errors(play)


NOT_A_LIST = "write a list of addresses without prefix, e.g. [10.0.0.200]"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("10.0.0.200", f"'10.0.0.200' is not a list; {NOT_A_LIST}"),
        (["10.0.0.200/24"], f"['10.0.0.200/24'] has an item that is no IP address; {NOT_A_LIST}"),
        ([["x"]], f"[['x']] has an item that is no IP address; {NOT_A_LIST}"),
        (["10.0.0.200", "10.0.0.200"], "['10.0.0.200', '10.0.0.200'] names 10.0.0.200 twice; write each address once"),
        (["127.0.0.1"], "['127.0.0.1'] is not an address that can move between hosts; "
         "choose a free unicast address of the hosts' subnet"),
        (["10.0.1.200"], "'10.0.1.200' is outside the subnet 10.0.0.0/24 of the members; "
         "choose a free address there: a director hands packets on within its own subnet"),
        (["fd00::200"], "'fd00::200' is outside the subnet 10.0.0.0/24 of the members; "
         "choose a free address there: a director hands packets on within its own subnet"),
        (["10.0.0.255"], "'10.0.0.255' is the broadcast address of 10.0.0.0/24; "
         "choose a free host address of 10.0.0.0/24"),
        (["10.0.0.100"], "10.0.0.100 is the address of the writer VIP of cluster 'orders'; "
         "choose a free address of the subnet"),
        (["10.0.0.12"], "10.0.0.12 is the address of db2; choose a free address of the subnet"),
    ],
)  # fmt: skip
def test_reader_vips(value: Any, said: str) -> None:
    assert trio(cluster_reader_vips=value).errors() == [f"db1, db2, db3: cluster_reader_vips {said}"]


def test_a_reader_vip_that_is_a_directors_address() -> None:
    inventory = balanced(cluster_reader_vips=["10.0.0.200", "10.0.0.14"])
    assert inventory.errors() == [
        "lvs1: cluster_reader_vips 10.0.0.14 is the address of lvs1; choose a free address of the subnet"
    ]


def test_unknown_policy_and_weight() -> None:
    assert trio(cluster_readers="some").errors() == [
        "db1, db2, db3: cluster_readers 'some' is unknown; write standby or readers or all"
    ]
    assert trio().set("db1", lvs_realserver_weight=70000).errors() == [
        "db1: lvs_realserver_weight 70000 is out of 0 to 65535; write an integer from 0 to 65535"
    ]


def test_the_policy_is_the_clusters() -> None:
    assert trio().set("db2", cluster_readers="all").errors() == [
        "db1, db2, db3: cluster_readers differs within cluster 'orders' (standby on db1, db3; all on db2); "
        "set it once, in the group's vars"
    ]


def test_readers_that_are_none() -> None:
    assert pair(cluster_reader_vips=["10.0.0.200"], cluster_readers="readers").errors() == [
        "db1, db2: cluster_reader_vips: nobody in cluster 'orders' serves reads with cluster_readers 'readers'; "
        "set cluster_readers: standby, or cluster_role: reader on a host, or remove lvs_realserver_state: absent"
    ]


def test_a_vip_of_two_clusters() -> None:
    billing = {**BILLING, "cluster_vip": "10.0.0.101/24", "cluster_reader_vips": ["10.0.0.200"]}
    inventory = balanced().cluster("billing", "db4", "db5", **billing)
    assert inventory.errors() == [
        "db1, db2, db3, db4, db5: cluster_reader_vips 10.0.0.200 is used by clusters 'orders' and 'billing'; "
        "give each cluster its own"
    ]


def test_servers_with_different_ports() -> None:
    assert balanced().set("db3", mysql_port=3307).errors() == [
        "db1, db2, db3: mysql_port differs between the members of cluster 'orders' that serve reads (3306, 3307); "
        "give them one port: behind cluster_reader_vips a connection keeps its port"
    ]


def test_a_reader_vip_as_witness() -> None:
    assert balanced().set("db1", agent_witnesses=["10.0.0.200"]).errors() == [
        "db1: agent_witnesses has 10.0.0.200, one of the cluster_reader_vips: it shows nothing about the rest of the "
        "network; choose addresses outside the cluster, e.g. of a router or a name server"
    ]


REASON = (
    "give the director a host of its own: on a member its IPVS table would answer what the member itself sends "
    "to the VIPs"
)


def test_a_member_cannot_be_a_director() -> None:
    inventory = balanced()
    inventory.groups["lvs_director"].append("db3")
    assert inventory.errors(["db1", "db2", "db3", "lvs1", "lvs2"]) == [
        f"db3: in group mysql and in group lvs_director; {REASON}"
    ]


def test_a_members_machine_cannot_be_a_director() -> None:
    assert balanced().set("lvs2", ansible_host="db2").errors() == [
        f"lvs2, db2: by its ansible_host in group mysql and in group lvs_director; {REASON}"
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (MISSING, "is missing; give the directors' group a number from 1 to 255 that nobody else's VRRP on this LAN "
         "uses, e.g. 81"),
        ("x", "'x' is not an integer; write an integer from 1 to 255"),
    ],
)  # fmt: skip
def test_router_id_of_the_directors(value: Any, said: str) -> None:
    inventory = balanced().set("lvs1", lvs_director_virtual_router_id=value)
    inventory.set("lvs2", lvs_director_virtual_router_id=value)
    assert inventory.errors() == [f"lvs1, lvs2: lvs_director_virtual_router_id {said}"]


def test_router_id_of_a_cluster() -> None:
    inventory = balanced(cluster_virtual_router_id=81)
    assert inventory.errors() == [
        "lvs1, lvs2, db1, db2, db3: lvs_director_virtual_router_id 81 is the cluster_virtual_router_id of cluster "
        "'orders' in one subnet; give one of them another number"
    ]


@pytest.mark.parametrize("chosen", [{"lvs1": 229}, {"lvs2": 230}, {"lvs1": 7, "lvs2": 7}])
def test_equal_priorities_of_directors(chosen: dict[str, int]) -> None:
    inventory = balanced()
    for name, priority in chosen.items():
        inventory.set(name, lvs_director_priority=priority)
    assert inventory.errors() == [
        f"lvs1, lvs2: lvs_director_priority {next(iter(chosen.values()))} is used twice, so the higher address would "
        "decide; give each director its own, or none"
    ]


def test_the_priority_of_a_director_that_goes_is_free() -> None:
    assert balanced().set("lvs1", lvs_director_priority=230, lvs_director_state="absent").errors() == []


def test_different_router_ids_for_one_vip() -> None:
    """The mistake of a system in the field: 60 and 70 for one VIP, so both directors held it."""
    assert balanced().set("lvs2", lvs_director_virtual_router_id=82).errors() == [
        "lvs1, lvs2: lvs_director_virtual_router_id differs between the directors (81, 82); "
        "give them one number, in the group's vars: they share their VIPs"
    ]


@pytest.mark.parametrize(
    ("addresses", "variables", "said"),
    [
        (["172.16.0.1/16"], {}, "cluster_reader_vips '10.0.0.200' is outside every subnet of the host "
         "(eth0 172.16.0.0/16); choose a free address of a subnet that all members have"),
        (["10.0.0.14/24", "10.0.0.24/24"], {}, "lvs_director_address is ambiguous: several addresses are in the subnet "
         "of cluster_reader_vips '10.0.0.200' (10.0.0.14, 10.0.0.24); set it to the one that never moves, or "
         "lvs_director_interface to the one that shall carry the VIP"),
        (["10.0.0.14/24"], {"lvs_director_interface": "eth9"}, "lvs_director_interface 'eth9' is not on the host, or "
         "has no address; write one of eth0, or leave it out"),
        (["10.0.0.14/24"], {"lvs_director_address": "10.0.0.9"}, "lvs_director_address '10.0.0.9' is not an address "
         "of the host in the subnet of cluster_reader_vips '10.0.0.200'; write 10.0.0.14, or leave it out"),
        (["10.0.0.11/24"], {}, None),
    ],
)  # fmt: skip
def test_address_of_a_director(addresses: list[str], variables: dict[str, Any], said: str | None) -> None:
    inventory = balanced().set("lvs1", **variables).interfaces("lvs1", *map(interface, addresses))
    assert inventory.errors() == [
        f"lvs1: {said}" if said else
        "db1, lvs1: lvs_director_address 10.0.0.11 is used twice; give each host its own address"
    ]  # fmt: skip


def test_a_service_outside_the_directors_subnet() -> None:
    services = [{"name": "old", "vips": ["10.9.0.1", "nonsense"]}, "nonsense"]
    assert balanced().set("lvs1", lvs_director_services=services).errors() == [
        "lvs1: lvs_director_services has the VIP 10.9.0.1, which is outside 10.0.0.0/24; "
        "choose a free address of the directors' subnet; VRRP moves all their VIPs together"
    ]


@pytest.mark.parametrize(("network", "prefix"), [("10.1.0.", 24), ("fd00::", 64)])
def test_a_cluster_outside_the_directors_subnet(network: str, prefix: int) -> None:
    """Nobody there would find the VIP; and one VRRP instance has addresses of one family."""
    inventory = balanced()
    away = {**BILLING, "cluster_vip": f"{network}100/{prefix}", "cluster_reader_vips": [f"{network}200"]}
    inventory.cluster("billing", "db4", "db5", **away)
    for number, name in enumerate(("db4", "db5"), start=11):
        inventory.interfaces(name, interface(f"{network}{number}/{prefix}"))
    assert inventory.errors() == [
        f"lvs1, lvs2: cluster_reader_vips {network}200 of cluster 'billing' is outside 10.0.0.0/24, the subnet of the "
        "directors; put only clusters of one subnet behind them; VRRP moves all their VIPs together"
    ]


def test_directors_without_anything_to_balance() -> None:
    assert trio().directors("lvs1").errors() == [
        "lvs1: lvs_director_services is empty and no cluster has cluster_reader_vips, so there is nothing to balance; "
        "give a cluster cluster_reader_vips, or set lvs_director_state: absent"
    ]


def test_directors_without_their_cluster() -> None:
    assert balanced().errors(["lvs1", "lvs2"]) == [
        "db1, db2, db3: not in this run (--limit, or the play's hosts), but behind the directors of lvs_director; "
        "run without --limit, or leave the directors out too"
    ]


def test_a_run_without_directors_whose_addresses_nobody_knows() -> None:
    inventory = balanced()
    inventory.hosts["lvs2"]["interfaces"] = None
    assert inventory.errors(["db1", "db2", "db3"]) == [
        "lvs2: lvs_director_address is not known, because the host is not in this run (--limit); "
        "set it, or run without --limit"
    ]
