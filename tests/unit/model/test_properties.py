# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every inventory, good or bad."""

from __future__ import annotations

import copy
import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_director import DIRECTOR_VARIABLES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_input import VARIABLES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_proxy import PROXY_VARIABLES
from unit.model.inventories import ORDERS, Inventory, interface

SECRETS = ("hunter2-hunter2", "s3cr3t\nline", "0123456789" * 4)
TEXTS = st.sampled_from(["", " ", "x", "10.0.0.100", "{{ x }}", "a\nb", "\N{SNOWMAN}", "9" * 400]) | st.text(
    "ab1-_./: '\"{}%#\n\0\N{SNOWMAN}", max_size=8
)
WRONG = TEXTS | st.none() | st.booleans() | st.integers() | st.floats() | st.lists(st.integers(), max_size=2)
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "cluster_name": st.sampled_from(["orders", "billing", "stock"]),
    "cluster_topology": st.sampled_from(["dual_source", "source_replica"]),
    "cluster_role": st.sampled_from(["candidate", "reader"]),
    "cluster_vip": st.sampled_from(["10.0.0.100/24", "10.0.0.101/32", "10.0.0.2/24", "fd00::100/64", "10.0.0.0/24"]),
    "cluster_virtual_router_id": st.integers(50, 53),
    "cluster_address": st.sampled_from(["10.0.0.1", "10.0.0.2", "fd00::1", "10.0.0.100"]),
    "cluster_interface": st.sampled_from(["eth0", "eth1", "lo"]),
    "mysql_version": st.sampled_from(["8.0", "8.4", "9.7"]),
    "replication_password": st.sampled_from(SECRETS),
    "keepalived_auth_pass": st.sampled_from(SECRETS),
    "keepalived_vrrp_version": st.integers(2, 3),
    "keepalived_advert_interval": st.sampled_from([0.1, 1, 100]),
    "agent_lease": st.sampled_from([2.5, 3, 400]),
    "agent_witnesses": st.lists(st.sampled_from(["gateway", "10.0.0.1", "10.0.0.9", "10.0.0.100:53", "[fd00::1]:53"])),
    "ansible_host": st.sampled_from(["10.0.0.1", "machine1", "10.0.0.100"]),
    "cluster_reader_vips": st.lists(st.sampled_from(["10.0.0.200", "10.0.0.100", "10.0.0.1", "fd00::200", "x"])),
    "cluster_readers": st.sampled_from(["standby", "readers", "all"]),
    "lvs_realserver_weight": st.integers(0, 3),
    "lvs_realserver_state": st.sampled_from(["present", "absent"]),
    "lvs_director_state": st.sampled_from(["present", "absent"]),
    "lvs_director_virtual_router_id": st.integers(51, 53),
    "lvs_director_address": st.sampled_from(["10.0.0.1", "10.0.0.2", "fd00::1", "10.0.0.200"]),
    "lvs_director_interface": st.sampled_from(["eth0", "eth1", "lo"]),
    "lvs_director_priority": st.integers(1, 254),
    "lvs_director_services": st.lists(
        st.fixed_dictionaries({"vips": st.lists(st.sampled_from(["10.0.0.201", "fd00::201", "x"])) | WRONG})
    ),
}
FITTING |= {
    "cluster_proxy_writer_port": st.sampled_from([0, 3306, 6446, 6447]),
    "cluster_proxy_reader_port": st.sampled_from([0, 6446, 6447]),
    "mysql_settings": st.dictionaries(
        st.sampled_from(["wait_timeout", "interactive-timeout", "proxy_protocol_networks"]), st.integers(0, 9) | WRONG
    ),
    "haproxy_weight": st.integers(0, 3),
    "haproxy_state": st.sampled_from(["present", "absent"]),
    "haproxy_vip": st.sampled_from(["10.0.0.210", "10.0.0.100", "10.0.0.1", "fd00::210", "10.9.9.9"]),
    "haproxy_virtual_router_id": st.integers(51, 53),
    "haproxy_address": st.sampled_from(["10.0.0.1", "10.0.0.2", "fd00::1", "10.0.0.210"]),
    "haproxy_source_address": st.sampled_from(["10.0.0.1", "172.16.0.1"]),
    "haproxy_interface": st.sampled_from(["eth0", "eth1", "lo"]),
    "haproxy_priority": st.integers(1, 254),
    "haproxy_names": st.lists(st.sampled_from(["db.example.com", "*.example.com", "-", "a b"])),
    "haproxy_services": st.lists(WRONG, max_size=2),
}
NAMES = ["db1", "db2", "db3", "db4", "db5"]
DIRECTORS = ["lvs1", "lvs2"]
PROXIES = ["p1", "p2"]
INTERFACES = [
    interface(address, name, primary)
    for address, name in [
        ("10.0.0.1/24", "eth0"),
        ("10.0.0.2/24", "eth1"),
        ("10.0.0.100/24", "eth0"),
        ("fd00::1/64", "eth1"),
    ]
    for primary in (True, False)
]


# No deadline: a busy machine is no finding.
cases = settings(deadline=None)


@st.composite
def any_inventory(draw: st.DrawFn) -> tuple[Inventory, list[str]]:
    """Hosts with any variables, in any groups, of which any are in the play."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=5))
    inventory = Inventory().cluster("orders", *names, **draw(st.sampled_from([ORDERS, {}])))
    directors = draw(st.lists(st.sampled_from(DIRECTORS), unique=True))
    inventory.directors(*directors)
    proxies = draw(st.lists(st.sampled_from([*PROXIES, *directors, *names]), unique=True))
    inventory.proxies(*proxies)
    for name, host in inventory.hosts.items():
        table = [
            *(DIRECTOR_VARIABLES if name in directors else VARIABLES if name in names else ()),
            *(PROXY_VARIABLES if name in proxies else ()),
        ]
        for variable in draw(st.lists(st.sampled_from(table), max_size=4)):
            host["variables"][variable.name] = draw(FITTING.get(variable.name, st.integers(3306, 3308)) | WRONG)
        for variable in draw(st.lists(st.sampled_from(table), max_size=1)):
            host["unreadable"][variable.name] = "'x' is undefined"
        if draw(st.booleans()):
            host["interfaces"] = draw(st.none() | st.lists(st.sampled_from(INTERFACES), max_size=3))
    for group in draw(st.lists(st.sampled_from(["orders", "billing", "lab"]), unique=True)):
        inventory.groups[group] = draw(st.lists(st.sampled_from([*NAMES, "client1"]), unique=True))
    if names and draw(st.integers(0, 9)) == 0:
        inventory.groups["lvs_director"].append(draw(st.sampled_from(names)))
    everybody = [*NAMES, *DIRECTORS, *PROXIES, "client1"]
    built = list(dict.fromkeys([*names, *directors, *proxies]))
    return inventory, draw(st.just(built) | st.lists(st.sampled_from(everybody), unique=True))


@st.composite
def good_inventory(draw: st.DrawFn) -> Inventory:
    """Clusters of all sizes and topologies, in one subnet or in several, with hosts in any order."""
    inventory = Inventory()
    number = itertools.count(1)
    for index in range(draw(st.integers(1, 3))):
        subnet = draw(st.sampled_from(["10.0.0", "10.0.1"]))
        names = [f"db{next(number)}" for _host in range(draw(st.integers(2, 5)))]
        topology = draw(st.sampled_from(["dual_source", "source_replica"]))
        inventory.cluster(
            f"cluster{index}", *names, cluster_vip=f"{subnet}.{200 + index}/24", cluster_virtual_router_id=51 + index,
            cluster_topology=topology, replication_password="a-good-one",
            cluster_reader_vips=draw(st.sampled_from([[], [f"{subnet}.{220 + index}"]])),
        )  # fmt: skip
        readers = (
            names[2:] if topology == "dual_source" else draw(st.lists(st.sampled_from(names[2:] or [""]), unique=True))
        )
        for name in names:
            last = inventory.hosts[name]["interfaces"][0]["address"].rpartition(".")[2]
            inventory.interfaces(name, interface(f"{subnet}.{last}/24"))
            if name in readers:
                inventory.set(name, cluster_role="reader")
    return inventory


@cases
@given(any_inventory())
def test_every_finding_names_hosts_variable_and_mend(drawn: tuple[Inventory, list[str]]) -> None:
    inventory, play = drawn
    variables = {variable.name for variable in (*VARIABLES, *DIRECTOR_VARIABLES, *PROXY_VARIABLES)} | {
        "inventory_hostname", "ansible_facts.interfaces", "--limit", "group mysql",
    }  # fmt: skip
    for line in inventory.errors(play):
        hosts, _colon, rest = line.partition(": ")
        assert set(hosts.split(", ")) <= {*NAMES, *DIRECTORS, *PROXIES, "client1"}
        assert any(variable in rest for variable in variables)
        assert all(rest.partition("; ")[::2])
        assert line.isprintable()


@cases
@given(any_inventory())
def test_secrets_are_in_no_finding(drawn: tuple[Inventory, list[str]]) -> None:
    inventory, play = drawn
    text = "\n".join(inventory.errors(play))
    assert not any(secret in text or repr(secret)[1:-1] in text for secret in SECRETS)


@cases
@given(any_inventory())
def test_either_findings_or_a_model_for_every_host(drawn: tuple[Inventory, list[str]]) -> None:
    inventory, play = drawn
    result = inventory.derive(play)
    found = result.models.keys() | result.directors.keys() | result.proxies.keys()
    assert found == (set() if result.problems.lines() else set(play))
    assert not result.models.keys() & result.directors.keys()


@cases
@given(any_inventory())
def test_deterministic_and_without_side_effects(drawn: tuple[Inventory, list[str]]) -> None:
    inventory, play = drawn
    before = copy.deepcopy((inventory.hosts, inventory.groups, play))
    first = inventory.derive(play)
    assert first == inventory.derive(play)
    assert repr((inventory.hosts, inventory.groups, play)) == repr(before)  # repr: nan is not equal to itself


@cases
@given(good_inventory())
def test_members_are_distinct(inventory: Inventory) -> None:
    for model in inventory.models().values():
        members = model["members"]
        priorities = [each["vrrp_priority"] for each in members if each["role"] == "candidate"]
        assert (
            len({each["server_id"] for each in members}) == len({each["address"] for each in members}) == len(members)
        )
        assert priorities == sorted(set(priorities), reverse=True)
        assert all(1 <= each["server_id"] < 2**32 for each in members)
        # The writer adds 8, 16 or 24 to its own: it stands above every other, and within VRRP's bounds.
        assert all(1 <= priority <= 254 - 24 for priority in priorities)
        assert min(priorities) + 8 > max(priorities)


@cases
@given(good_inventory())
def test_peers_mirror_each_other(inventory: Inventory) -> None:
    models = inventory.models()
    for name, model in models.items():
        assert model["self"] in model["members"]
        for peer in model["peers"]:
            assert models[peer["name"]]["self"] == peer
            assert name in [each["name"] for each in models[peer["name"]]["peers"]]


@cases
@given(good_inventory(), st.sampled_from(["candidate", "reader"]))
def test_a_host_added_at_the_end_changes_no_other(inventory: Inventory, role: str) -> None:
    before = inventory.models()
    group = max(group for group in inventory.groups if group.startswith("cluster"))
    example = inventory.hosts[inventory.groups[group][0]]
    role = "reader" if example["variables"]["cluster_topology"] == "dual_source" else role
    inventory.cluster(group, "late", **{**example["variables"], "cluster_role": role})
    subnet = example["interfaces"][0]["address"].rpartition(".")[0]
    inventory.interfaces("late", interface(f"{subnet}.150/24"))
    after = inventory.models()
    changing = {"members", "peers", "candidates", "readers"}
    for name, model in before.items():
        assert {key: value for key, value in model.items() if key not in changing} == {
            key: value for key, value in after[name].items() if key not in changing
        }
        assert [each for each in after[name]["members"] if each["name"] != "late"] == model["members"]
