# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold between clusters: in a LAN, on a machine, in the groups and in the play."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_input import VARIABLES
from unit.model.inventories import BILLING, ORDERS, Inventory, interface, pair, trio, two_clusters

# --- Virtual router ids


def test_virtual_router_id_twice_in_one_subnet() -> None:
    assert two_clusters(cluster_virtual_router_id=51).errors() == [
        "db1, db2, db3, db4: cluster_virtual_router_id 51 is used by clusters 'orders' and 'billing' "
        "in one subnet (10.0.0.0/24); give one of them another number"
    ]


@pytest.mark.parametrize("play", [["db1", "db2"], ["db3", "db4"]])
def test_virtual_router_id_of_a_cluster_outside_the_play(play: list[str]) -> None:
    inventory = two_clusters(cluster_virtual_router_id=51)
    for name in set(inventory.hosts) - set(play):
        inventory.hosts[name]["interfaces"] = None  # no facts without the play
    (line,) = inventory.errors(play)
    assert line.startswith("db1, db2, db3, db4: cluster_virtual_router_id 51 is used by clusters")


def test_virtual_router_id_twice_in_two_subnets() -> None:
    inventory = two_clusters(cluster_virtual_router_id=51, cluster_vip="10.1.0.200/24")
    inventory.interfaces("db3", interface("10.1.0.13/24")).interfaces("db4", interface("10.1.0.14/24"))
    assert inventory.errors() == []


def test_virtual_router_id_twice_in_two_families() -> None:
    inventory = two_clusters(cluster_virtual_router_id=51, cluster_vip="fd00::200/64")
    inventory.interfaces("db3", interface("fd00::13/64")).interfaces("db4", interface("fd00::14/64"))
    assert inventory.errors() == []


def test_virtual_router_id_twice_on_the_same_hosts() -> None:
    inventory = two_clusters(cluster_virtual_router_id=51, cluster_vip="10.1.0.200/24")
    inventory.set("db1", ansible_host="machine1").set("db3", ansible_host="machine1")
    for name in ("db3", "db4"):
        inventory.interfaces(name, interface(f"10.1.0.1{name[-1]}/24"))
    assert (
        "db1, db2, db3, db4: cluster_virtual_router_id 51 is used by clusters 'orders' and 'billing' "
        "on the same hosts; give one of them another number"
    ) in inventory.errors()


def test_virtual_router_id_of_a_host_vip() -> None:
    """A VIP with /32 is in the LAN of its members."""
    (line,) = two_clusters(cluster_virtual_router_id=51, cluster_vip="10.0.0.200/32").errors()
    assert "in one subnet (10.0.0.0/24)" in line


# --- Machines


def shared_machine(**variables: Any) -> Inventory:
    """db1 of orders and db3 of billing on one machine; `variables` are db3's."""
    own = {"mysql_port": 3307, "agent_port": 8309, "mysql_datadir": "/srv/b", "mysql_socket": "/run/mysqld/b.sock"}
    billing = {**BILLING, "mysql_port": 3307}
    inventory = pair().cluster("billing", "db3", "db4", **billing).set("db1", ansible_host="machine1")
    return inventory.set("db3", ansible_host="machine1", **{**own, **variables})


NOT_YET = (
    "db1, db3: several instances on one machine (ansible_host 'machine1') are not supported yet; "
    "give each instance a machine of its own"
)


def stock_apart(inventory: Inventory) -> Inventory:
    """A third cluster that has nothing to do with the others."""
    inventory.cluster("stock", "db8", "db9", **{**ORDERS, "cluster_vip": "10.7.0.100/24"})
    return inventory.interfaces("db8", interface("10.7.0.8/24")).interfaces("db9", interface("10.7.0.9/24"))


def test_clashes_outside_the_play_are_theirs() -> None:
    clashing = [
        shared_machine(),
        two_clusters(cluster_vip="10.0.0.100/24"),
        two_clusters(cluster_virtual_router_id=51),
        two_clusters(keepalived_auth_pass="abc"),
    ]
    for inventory in clashing:
        assert stock_apart(inventory).errors(["db8", "db9"]) == []
        assert inventory.errors(["db1", "db2", "db3", "db4"])


def test_several_instances_on_one_machine() -> None:
    assert shared_machine().errors() == [NOT_YET]


def test_machine_of_a_host_outside_the_play() -> None:
    assert shared_machine().errors(["db1", "db2"]) == [NOT_YET]
    assert shared_machine().set("db1", ansible_host="elsewhere").errors(["db1", "db2"]) == []


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"agent_port": 8308}, "agent_port 8308 is used twice on machine 'machine1' (db1 agent_port, db3 agent_port)"),
        ({"agent_port": 3306}, "agent_port 3306 is used twice on machine 'machine1' (db1 mysql_port, db3 agent_port)"),
        (
            {"mysql_datadir": "/var/lib/mysql/"},
            "mysql_datadir '/var/lib/mysql' is used twice on machine 'machine1' (db1 mysql_datadir, db3 mysql_datadir)",
        ),
        (
            {"mysql_socket": "/run/mysqld//mysqld.sock"},
            "mysql_socket '/run/mysqld/mysqld.sock' is used twice on machine 'machine1' "
            "(db1 mysql_socket, db3 mysql_socket)",
        ),
    ],
)
def test_taken_twice_on_a_machine(variables: dict[str, Any], line: str) -> None:
    assert shared_machine(**variables).errors() == [f"db1, db3: {line}; give each its own", NOT_YET]


def test_port_taken_twice_on_a_machine() -> None:
    inventory = shared_machine(mysql_port=3306).set("db4", mysql_port=3306)
    assert inventory.errors() == [
        "db1, db3: mysql_port 3306 is used twice on machine 'machine1' (db1 mysql_port, db3 mysql_port); "
        "give each its own",
        NOT_YET,
    ]


def test_agent_and_mysqld_on_one_port() -> None:
    assert pair(agent_port=3306).errors() == [
        f"{name}: agent_port 3306 is used twice on machine '{name}' ({name} mysql_port, {name} agent_port); "
        "give each its own"
        for name in ("db1", "db2")
    ]


def test_members_on_one_machine() -> None:
    inventory = trio().set("db2", ansible_host="db1", mysql_datadir="/srv/b", mysql_socket="/srv/b.sock")
    assert (
        "db1, db2: members of cluster 'orders' share the machine 'db1' (ansible_host) and its faults; "
        "put them on different machines"
    ) in inventory.errors()


# --- Names and groups


def test_in_no_cluster() -> None:
    inventory = pair()
    inventory.groups["orders"].remove("db2")
    assert inventory.set("db2").errors() == [
        "db2: cluster_name cannot be derived: the host is in no group that could be its cluster; "
        "put the cluster's hosts into a child group of mysql, or set cluster_name"
    ]


def test_without_groups_but_with_a_name() -> None:
    inventory = pair(cluster_name="sales")
    del inventory.groups["orders"]
    assert inventory.models()["db1"]["name"] == "sales"


def test_name_goes_before_group() -> None:
    assert pair(cluster_name="sales").models()["db2"]["name"] == "sales"


def test_group_that_holds_others_is_not_the_cluster() -> None:
    inventory = two_clusters()
    inventory.groups.update(lab=["db1", "db2", "db3", "db4", "client1"], europe=["db1", "db3"])
    assert {name: model["name"] for name, model in inventory.models().items()} == {
        "db1": "orders", "db2": "orders", "db3": "billing", "db4": "billing",
    }  # fmt: skip


def test_two_groups_could_be_the_cluster() -> None:
    inventory = pair()
    inventory.groups["europe"] = ["db1", "db2"]
    assert inventory.errors() == [
        "db1, db2: cluster_name cannot be derived: 2 of the groups europe, orders can be it; "
        "set cluster_name in the vars of the cluster's group"
    ]


def test_no_group_could_be_the_cluster() -> None:
    inventory = pair()
    inventory.groups.update(orders=["db1", "db2", "client1"], europe=["db1", "db2", "client1"])
    assert inventory.errors() == [
        "db1, db2: cluster_name cannot be derived: none of the groups europe, orders can be it; "
        "set cluster_name in the vars of the cluster's group"
    ]


def test_several_groups_and_no_vip_is_one_finding() -> None:
    inventory = pair(cluster_vip="")
    inventory.groups["europe"] = ["db1", "db2"]
    (line,) = inventory.errors()
    assert line.startswith("db1, db2: cluster_vip is missing; ")


def test_name_refused_with_several_groups_is_one_finding() -> None:
    inventory = pair(cluster_name="or.ders")
    inventory.groups["europe"] = ["db1", "db2"]
    (line,) = inventory.errors()
    assert line.startswith("db1, db2: cluster_name 'or.ders' cannot be used in file and VRRP names; ")


def test_group_name_that_no_file_can_have() -> None:
    inventory = Inventory().cluster("or.ders", "db1", "db2", **ORDERS)
    assert inventory.errors() == [
        "db1, db2: cluster_name (from the group) 'or.ders' cannot be used in file and VRRP names; "
        "write a letter, then up to 31 letters, digits, _ or -"
    ]


def test_one_name_for_two_groups_is_one_cluster() -> None:
    models = two_clusters(**{**ORDERS, "cluster_name": "orders", "cluster_role": "reader"}).models()
    assert models["db1"]["readers"] == ["db3", "db4"]


# --- The play


@pytest.mark.parametrize("play", [["db1", "db2"], ["db3"], ["db2", "db3"]])
def test_play_splits_a_cluster(play: list[str]) -> None:
    left_out = ", ".join(name for name in ("db1", "db2", "db3") if name not in play)
    assert trio().errors(play) == [
        f"{left_out}: not in this run (--limit, or the play's hosts), but in cluster 'orders'; "
        "run without --limit, or limit to all members: --limit db1,db2,db3"
    ]


def test_member_outside_the_play_is_not_compared() -> None:
    """Its secrets are not read, so they must not look different."""
    inventory = trio().set("db3", replication_password=None, mysql_durability="strict")
    (line,) = inventory.errors(["db1", "db2"])
    assert line.startswith("db3: not in this run")


@pytest.mark.parametrize("variable", [variable.name for variable in VARIABLES])
@pytest.mark.parametrize("value", ["", "{{ x }}", None])
@pytest.mark.parametrize("others", [{}, {"keepalived_vrrp_version": 2}])
def test_no_rule_stumbles_over_a_missing_value(variable: str, value: str | None, others: dict[str, Any]) -> None:
    """Two clusters that clash in all they can, one of them without facts."""
    inventory = two_clusters(**{**ORDERS, **others, variable: value}).set("db1", **{variable: value})
    for name in ("db3", "db4"):
        inventory.hosts[name]["interfaces"] = None
    assert not any("None" in line for line in inventory.errors())


def test_value_missing_on_one_member_is_taken_from_the_other() -> None:
    inventory = two_clusters(cluster_vip="10.0.0.100/24").set("db1", cluster_vip=None).set("db3", cluster_vip=None)
    assert any(
        "cluster_vip 10.0.0.100 is used by clusters 'orders' and 'billing'" in line for line in inventory.errors()
    )


def test_play_with_one_whole_cluster() -> None:
    assert two_clusters().models(["db3", "db4"]).keys() == {"db3", "db4"}


def test_faults_of_clusters_outside_the_play_are_theirs() -> None:
    inventory = two_clusters(cluster_vip="", cluster_role="slave", mysql_port="x", cluster_virtual_router_id=0)
    assert inventory.models(["db1", "db2"]).keys() == {"db1", "db2"}
    assert len(inventory.errors(["db3", "db4"])) == 4


def test_secrets_of_hosts_outside_the_play_are_not_needed() -> None:
    assert two_clusters(replication_password="").errors(["db1", "db2"]) == []


def test_host_that_is_no_instance() -> None:
    inventory = pair()
    assert inventory.errors(["client1", "db1", "db2"]) == [
        "client1: not in group mysql; "
        "make the cluster's group a child of group mysql, or leave the host out of this play"
    ]


def test_no_instances_at_all() -> None:
    inventory = Inventory(groups={"all": ["db1"]})
    (line,) = inventory.errors(["db1"])
    assert line.startswith("db1: not in group mysql; ")


def test_empty_play() -> None:
    assert pair().models([]) == {}


def test_all_findings_at_once() -> None:
    inventory = trio(cluster_vip="10.0.0.100", cluster_virtual_router_id=300, replication_password="")
    inventory.set("db3", cluster_role="slave", mysql_port=0).set("db1", mysql_version="5.7")
    assert [line.split(" ")[:-1][:5] for line in inventory.errors()] == [
        ["db1,", "db2,", "db3:", "cluster_vip", "'10.0.0.100'"],
        ["db1,", "db2,", "db3:", "cluster_virtual_router_id", "300"],
        ["db1:", "mysql_version", "'5.7'", "is", "not"],
        ["db1,", "db2,", "db3:", "replication_password", "is"],
        ["db3:", "cluster_role", "'slave'", "is", "unknown;"],
        ["db3:", "mysql_port", "0", "is", "out"],
    ]
