# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the model of a good inventory holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_director import DIRECTOR_VARIABLES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_input import DEFAULTS
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_proxy import PROXY_VARIABLES
from unit.model.inventories import ORDERS, Inventory, interface, pair, trio, two_clusters

ROLES = Path(__file__).parents[3] / "roles"


def member(name: str, number: int, **values: Any) -> dict[str, Any]:
    return {
        "name": name,
        "role": "candidate",
        "address": f"10.0.0.{number}",
        "port": 3306,
        "server_id": 10 * 2**24 + number,
        "vrrp_priority": 230,
        "auto_increment_increment": 2,
        "auto_increment_offset": 1,
        "agent_port": 8308,
        "serves_reads": False,
        "weight": 1,
        "machine": name,
        **values,
    }


def test_whole_model() -> None:
    db1 = member("db1", 11)
    db2 = member("db2", 12, vrrp_priority=229, auto_increment_offset=2)
    db3 = member("db3", 13, role="reader", vrrp_priority=None, auto_increment_increment=1)
    assert trio().models()["db2"] == {
        "name": "orders",
        "topology": "dual_source",
        "virtual_router_id": 51,
        "writer_vip": {"address": "10.0.0.100", "prefix": 24, "cidr": "10.0.0.100/24", "family": "ipv4"},
        "reader_vips": [],
        "serves_reads": False,
        "directors": [],
        "proxies": [],
        "proxy_views": [],
        "proxy_addresses": [],
        "proxy_names": [],
        "interface": "eth0",
        "address": "10.0.0.12",
        "self": db2,
        "members": [db1, db2, db3],
        "peers": [db1, db3],
        "candidates": ["db1", "db2"],
        "readers": ["db3"],
        "first_candidate": "db1",
        "machine": {"key": "db2", "leader": True, "names": ["db2"]},
    }


def test_members_are_the_same_for_all() -> None:
    models = trio().models()
    assert models["db1"]["members"] == models["db2"]["members"] == models["db3"]["members"]


def test_candidates_come_first() -> None:
    inventory = Inventory().cluster("orders", "db1", "db2", "db3", **ORDERS).set("db1", cluster_role="reader")
    model = inventory.models()["db1"]
    assert [each["name"] for each in model["members"]] == ["db2", "db3", "db1"]
    assert [each["vrrp_priority"] for each in model["members"]] == [230, 229, None]
    assert [each["auto_increment_offset"] for each in model["members"]] == [1, 2, 1]
    assert model["first_candidate"] == "db2"


def test_source_replica_interleaves_nothing() -> None:
    inventory = Inventory().cluster("orders", "db1", "db2", "db3", **ORDERS, cluster_topology="source_replica")
    members = inventory.models()["db1"]["members"]
    assert {(each["auto_increment_increment"], each["auto_increment_offset"]) for each in members} == {(1, 1)}
    assert [each["vrrp_priority"] for each in members] == [230, 229, 228]


def test_ipv6() -> None:
    inventory = pair(cluster_vip="FD00:0::100/64")
    for number, name in enumerate(("db1", "db2"), start=1):
        inventory.interfaces(name, interface(f"10.0.0.{number}/24"), interface(f"fd00::{number}/64", "eth1", False))
    model = inventory.models()["db1"]
    assert model["writer_vip"] == {"address": "fd00::100", "prefix": 64, "cidr": "fd00::100/64", "family": "ipv6"}
    assert (model["interface"], model["address"]) == ("eth1", "fd00::1")
    # The low 32 bits of sha256 over the 16 bytes of fd00::1 and fd00::2: running clusters keep their ids.
    assert [each["server_id"] for each in model["members"]] == [1460803432, 542343089]


def test_ipv6_knows_no_broadcast() -> None:
    inventory = pair(cluster_vip="fd00::ff/120")
    for number, name in enumerate(("db1", "db2"), start=1):
        inventory.interfaces(name, interface(f"fd00::{number}/120"))
    assert inventory.models()["db1"]["writer_vip"]["address"] == "fd00::ff"


def test_interface_is_found_by_the_vips_subnet() -> None:
    inventory = pair().interfaces("db1", interface("172.16.0.1/16", "br0"), interface("10.0.0.11/24", "bond0.7"))
    models = inventory.models()
    assert [models[name]["interface"] for name in ("db1", "db2")] == ["bond0.7", "eth0"]


def test_vips_on_their_holder_are_not_its_addresses() -> None:
    """A run on a living cluster sees the VIPs of all clusters on the machine."""
    inventory = two_clusters()
    for vip in ("10.0.0.100/24", "10.0.0.200/24"):
        inventory.hosts["db1"]["interfaces"].insert(0, interface(vip, primary=False))
    inventory.hosts["db3"]["interfaces"].append(interface("10.0.0.200/32", primary=False))
    models = inventory.models()
    assert [models[name]["address"] for name in ("db1", "db3")] == ["10.0.0.11", "10.0.0.13"]


def test_former_vip_is_not_the_hosts_address() -> None:
    inventory = pair().interfaces("db1", interface("10.0.0.99/24", primary=False), interface("10.0.0.11/24"))
    assert inventory.models()["db1"]["address"] == "10.0.0.11"


def test_address_by_which_ansible_reaches_the_host() -> None:
    addresses = interface("10.0.0.11/24"), interface("10.0.0.21/24", "eth1"), interface("10.0.0.31/24", "eth2")
    model = pair().set("db1", ansible_host="10.0.0.21").interfaces("db1", *addresses).models()["db1"]
    assert (model["address"], model["interface"]) == ("10.0.0.21", "eth1")


@pytest.mark.parametrize("variables", [{"cluster_address": "10.0.0.21"}, {"cluster_interface": "eth1"}])
def test_chosen_address_or_interface(variables: dict[str, str]) -> None:
    addresses = interface("10.0.0.11/24"), interface("10.0.0.21/24", "eth1")
    model = pair().set("db1", **variables).interfaces("db1", *addresses).models()["db1"]
    assert (model["address"], model["interface"]) == ("10.0.0.21", "eth1")
    assert model["self"]["server_id"] == 10 * 2**24 + 21


def test_numbers_as_text() -> None:
    model = pair(cluster_virtual_router_id="51", mysql_port="3307", agent_port="8309").models()["db1"]
    assert (model["virtual_router_id"], model["self"]["port"], model["self"]["agent_port"]) == (51, 3307, 8309)


def test_machine_is_where_ansible_connects_to() -> None:
    model = pair().set("db1", ansible_host="10.9.9.9").models()["db1"]
    assert model["machine"] == {"key": "10.9.9.9", "leader": True, "names": ["db1"]}
    assert model["self"]["machine"] == "10.9.9.9"


def test_model_is_plain_and_holds_no_secret() -> None:
    text = json.dumps(two_clusters().models())
    assert ORDERS["replication_password"] not in text


def test_defaults_are_those_of_the_roles() -> None:
    """The model reads other hosts' variables, where role defaults do not show."""
    defaults: dict[str, Any] = {}
    for path in ROLES.glob("*/defaults/main.yml"):
        defaults.update(yaml.safe_load(path.read_text()) or {})
    assert {name: defaults.get(name) for name in DEFAULTS} == DEFAULTS
    for table in (DIRECTOR_VARIABLES, PROXY_VARIABLES):
        wanted = {variable.name: variable.default for variable in table if variable.default is not None}
        assert {name: defaults.get(name) for name in wanted} == wanted
