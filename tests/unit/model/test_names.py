# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and values that Ansible would ignore or print a specification for: one line each, which names the right one."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _model_names as names
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model import JUDGED, derive
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_specified import checkable
from ansible_collections.opendba.mysql_ha.plugins.module_utils._spelling import one_typo
from ansible_collections.opendba.mysql_ha.plugins.plugin_utils._declared import read_declared
from unit.model.inventories import MISSING, ORDERS, Inventory, pair, proxied

ROOT = Path(__file__).parents[3]
DECLARED = read_declared()


def errors(inventory: Inventory, play: list[str] | None = None) -> list[str]:
    """As the filter asks: with all names of each host."""
    everybody = list(inventory.hosts)
    for host in inventory.hosts.values():
        host["variables"] = {name: value for name, value in host["variables"].items() if value is not MISSING}
        host["names"] = ["inventory_hostname", "groups", "ansible_facts", *host["variables"]]
    return derive(inventory.hosts, inventory.groups, everybody if play is None else play, DECLARED).problems.lines()


# --- What is mistaken

MISTYPED = {
    # name: the one that was meant
    "mysql_setings": "mysql_settings",
    "agent_rejion": "agent_rejoin",
    "cluster_toplogy": "cluster_topology",
    "mysql_durabilty": "mysql_durability",
    "cluster_rol": "cluster_role",
    "cluster_reader_vip": "cluster_reader_vips",
    "replication_passwd": "replication_password",
    "keepalived_advert_intervall": "keepalived_advert_interval",
    "lvs_realserver_wieght": "lvs_realserver_weight",
    "lvs_directr_max_lag": "lvs_director_max_lag",
    "haproxy_balence": "haproxy_balance",
    "agent_witness": "agent_witnesses",
    "agent_takover": "agent_takeover",
    "mysql_user": "mysql_users",
    "mysql_data_dir": "mysql_datadir",
    "mysql-port": "mysql_port",
    "MYSQL_PORT": "mysql_port",
    "audit_fial_on": "audit_fail_on",
    "discover_directry": "discover_directory",
    "clutser_role": "cluster_role",  # the typo is in the prefix
    "clusterrole": "cluster_role",
    "cluster_extra_variable": "cluster_extra_variables",
}
MISTAKEN_VALUES: dict[str, tuple[dict[str, Any], str]] = {
    "choice": ({"agent_rejoin": "auto"}, "agent_rejoin 'auto' is unknown; write manual or clone"),
    "package_source": (
        {"mysql_package_source": "orcale"},
        "mysql_package_source 'orcale' is unknown; write distro or oracle or percona",
    ),
    "role": ({"cluster_role": "readr"}, "cluster_role 'readr' is unknown; write candidate or reader"),
    "boolean": ({"agent_events": "maybe"}, "agent_events 'maybe' is neither true nor false; write true or false"),
    "integer": (
        {"mysql_binlog_retention_days": "a week"},
        "mysql_binlog_retention_days 'a week' is not an integer; write an integer, e.g. 7",
    ),
    "half": ({"mysql_sync_relay_log": 1.5}, "mysql_sync_relay_log 1.5 is not an integer; write an integer, e.g. 1"),
    "number": (
        {"haproxy_check_timeout": "fast"}, "haproxy_check_timeout 'fast' is not a number; write a number, e.g. 0.7"
    ),
    "text": ({"mysql_log_bin": ["x"]}, "mysql_log_bin ['x'] is not text; write one line of text"),
    "list": ({"agent_allow": "10.0.0.0/8"}, "agent_allow is not a list; write a list of text"),
    "item": ({"agent_allow": [{"net": 1}]}, "agent_allow item 1 {'net': 1} is not text; write one line of text"),
    "users": (
        {"mysql_users": {"shop": "planted-password"}},
        "mysql_users is not a list; write a list of {name: ..., host: ..., password: ..., priv: ...}",
    ),
    "user": (
        {"mysql_users": ["planted-password"]},
        "mysql_users item 1 is not a dictionary; write {name: ..., host: ..., password: ..., priv: ...}",
    ),
    "privileges": (
        {"mysql_users": [{"name": "a", "host": "%", "password": "planted-password"}]},
        "mysql_users item 1 has no priv; write {name: ..., host: ..., password: ..., priv: ...}",
    ),
    "privilege": (
        {"mysql_users": [{"name": "a", "host": "%", "password": "planted-password", "privs": "x.*:ALL"}]},
        "mysql_users item 1 has 'privs', which is not one of name, host, password, priv; did you mean priv?",
    ),
    "database": (
        {"mysql_databases": ["shop"]}, "mysql_databases item 1 is not a dictionary; write {name: ..., encoding: ...}"
    ),
    "extra": ({"cluster_extra_variables": "mysql_x"}, "cluster_extra_variables is not a list; write a list of text"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "meant"), MISTYPED.items())
def test_a_mistyped_name_is_one_line_that_names_the_right_one(name: str, meant: str) -> None:
    assert errors(pair(**{name: "reader"})) == [
        f"db1, db2: {name} is not a variable of this collection; did you mean {meant}? "
        "(a variable of your own: list its name in cluster_extra_variables)"
    ]


@pytest.mark.parametrize(("variables", "line"), MISTAKEN_VALUES.values(), ids=list(MISTAKEN_VALUES))
def test_a_wrong_value_is_one_line_without_the_specification(variables: dict[str, Any], line: str) -> None:
    assert errors(pair(**variables)) == [f"db1, db2: {line}"]


def test_all_mistakes_at_once() -> None:
    wrong = {**dict.fromkeys(MISTYPED, "x"), "agent_rejoin": "auto", "cluster_topology": "dual"}
    found = errors(pair(**wrong).set("db2", mysql_portt=1))
    assert len(found) == len(wrong) + 1
    assert sum("did you mean" in line for line in found) == len(MISTYPED) + 1
    assert [line for line in found if line.startswith("db2: mysql_portt ")]


def test_a_mistyped_name_is_not_reported_as_missing_too() -> None:
    (line,) = errors(pair(cluster_vip=MISSING, cluster_vpi="10.0.0.100/24", cluster_role=MISSING))
    assert line.startswith("db1, db2: cluster_vpi ")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("mysql_max_connections", "a setting of the server goes into mysql_settings, a variable of your own into"),
        ("haproxy_rack_number", "remove it, a variable of your own into"),
    ],
)
def test_a_name_that_resembles_nothing(name: str, advice: str) -> None:
    assert errors(pair(**{name: 1})) == [
        f"db1, db2: {name} is not a variable of this collection; {advice} the list cluster_extra_variables"
    ]


# --- What is right

SAMPLES: dict[str, Any] = {
    # What cannot be made up from a specification.
    **ORDERS,
    "cluster_name": "orders", "cluster_address": MISSING, "cluster_interface": "eth0",
    "cluster_reader_vips": ["10.0.0.200"], "cluster_extra_variables": ["mysql_mine"],
    "mysql_version": "8.4", "mysql_server_id": MISSING,
    "mysql_users": [{"name": "shop", "host": "%", "password": "x", "priv": "shop.*:ALL"}],
    "mysql_databases": [{"name": "shop"}, {"name": "cart", "encoding": "latin1"}],
    "mysql_settings": {"max_connections": 500},
    "mysql_innodb_buffer_pool_size": "{{ ansible_facts.memtotal_mb // 2 }}M",  # not known yet
    "keepalived_auth_pass": MISSING, "keepalived_vrrp_version": 3,
    "lvs_realserver_state": "present", "lvs_director_virtual_router_id": 81, "lvs_director_address": MISSING,
    "lvs_director_interface": "eth0", "lvs_director_priority": MISSING, "lvs_director_services": MISSING,
    "lvs_director_state": "present", "lvs_director_sync_id": 7,
    "haproxy_state": "present", "haproxy_vip": "10.0.0.210", "haproxy_virtual_router_id": 91,
    "haproxy_address": MISSING, "haproxy_interface": "eth0", "haproxy_source_address": MISSING,
    "haproxy_priority": MISSING, "haproxy_services": MISSING,
}  # fmt: skip
OF_ONE_HOST = {"cluster_address": "10.0.0.11", "mysql_server_id": 4711, "cluster_role": "candidate"}
BY_TYPE = {"str": "text", "path": "/tmp/x", "int": 3, "float": 2.5, "bool": True, "dict": {}, "list": []}


def sample(name: str) -> Any:
    specification = DECLARED.options[name]
    if name in SAMPLES:
        return SAMPLES[name]
    default = specification.get("default")
    if default not in (None, "") and not (isinstance(default, str) and "{{" in default):
        return default
    return (specification.get("choices") or [BY_TYPE[specification["type"]]])[-1]


def complete() -> Inventory:
    """Every variable of every role on every host, as group_vars/all has them."""
    inventory = proxied().directors("lvs1")
    for name in inventory.hosts:
        role = {"cluster_role": "reader"} if name == "db3" else {}
        inventory.set(name, **{**{variable: sample(variable) for variable in DECLARED.options}, **role})
    return inventory.set("db1", **OF_ONE_HOST)


def test_an_inventory_with_every_variable_is_accepted() -> None:
    inventory = complete()
    assert errors(inventory) == []
    written = {name for host in inventory.hosts.values() for name in host["variables"]}
    left = {name for name, value in SAMPLES.items() if value is MISSING} - set(OF_ONE_HOST)
    assert written | left == set(DECLARED.options)
    assert len(written) > 95


@pytest.mark.parametrize("variable", checkable(DECLARED, JUDGED))
def test_every_variable_that_is_checked_is_refused_and_known_by_its_specification(variable: str) -> None:
    """A value that no type takes is refused with its name, so a variable cannot fall out of the check."""
    if DECLARED.options[variable]["type"] == "dict":
        wrong: Any = [1]
    else:
        wrong = {"no": "type takes this"}
    (line,) = errors(pair(**{variable: wrong}))
    assert line.startswith(f"db1, db2: {variable} ")


@pytest.mark.parametrize("choice", [False, True])
def test_templates_that_need_a_later_fact_are_left_to_the_role(choice: bool) -> None:
    value = "{{ cluster_model.name }}"
    variables = {"agent_rejoin": value} if choice else {"agent_allow": [value], "haproxy_bind": value}
    assert errors(pair(**variables)) == []


OWN = {
    "app_port": 1, "shop_vip": "x", "my_mysql_settings": {}, "mysqld_exporter_port": 1, "galera_role": "x",
    "subnet": "10.0.0", "vault_replication_password": "x", "db_role": "x", "port": 1, "role": "x", "vip": "x",
    "__mysql_private": 1, "ansible_mysql_x": 1,
}  # fmt: skip


def test_variables_of_the_users_own_pass() -> None:
    assert errors(pair(**OWN)) == []


def test_registered_variables_pass() -> None:
    own = {"mysql_root_password": "x", "mysql_root_home": "/root", "haproxy_zone": "a", "mysqlport": 1}
    assert len(errors(pair(**own))) == len(own)
    assert errors(pair(**own, cluster_extra_variables=["mysql_root_*", "haproxy_zone", "mysqlport"])) == []


def test_facts_of_the_roles_pass() -> None:
    """A second play of the same run meets what the first has set and registered."""
    facts = ["cluster_model", "cluster_models", "mysql_state", "mysql_bare", "keepalived_bare", "audit_read"]
    assert errors(pair(**dict.fromkeys(facts, "x"))) == []


def test_hosts_outside_the_run_are_left_alone() -> None:
    inventory = pair().cluster("billing", "db3", "db4", **{**ORDERS, "cluster_vip": "10.0.0.150/24"})
    inventory.set("db3", cluster_virtual_router_id=52, mysql_setings={}, agent_rejoin="auto")
    inventory.set("db4", cluster_virtual_router_id=52)
    assert errors(inventory, ["db1", "db2"]) == []


def inventories() -> list[Path]:
    """Of this tree: the lab's, the scenarios', the benches'."""
    return [path for room in ("inventory", "molecule", "bench") for path in sorted((ROOT / room).rglob("inventory"))
            ] + [ROOT / "inventory"]  # fmt: skip


def variables_in(content: Any) -> set[str]:
    """Keys at any depth of an inventory; group and host names are among them."""
    if not isinstance(content, dict):
        return set()
    return {str(key) for key in content}.union(*(variables_in(value) for value in content.values()))


@pytest.mark.parametrize("directory", inventories(), ids=lambda path: str(path.relative_to(ROOT)))
def test_inventories_of_this_tree_have_no_unknown_names(directory: Path) -> None:
    for path in directory.rglob("*.yml"):
        content = yaml.safe_load(path.read_text())
        written = variables_in(content) - {"mysql", "lvs_director", "haproxy"}
        assert names.unknown_names(sorted(written), [], DECLARED) == {}, path


# --- Groups


@pytest.mark.parametrize(
    ("group", "meant"),
    [
        ("haproxys", "haproxy"),
        ("lvs-director", "lvs_director"),
        ("lvs_directors", "lvs_director"),
        ("hapoxy", "haproxy"),
    ],
)
def test_a_mistyped_group(group: str, meant: str) -> None:
    inventory = pair()
    inventory.groups[group] = ["p1"]
    inventory.groups["all"].append("p1")
    assert inventory.errors() == [
        f"p1: group '{group}' means nothing to this collection, and group {meant} has no hosts; "
        f"did you mean {meant}? Rename the group"
    ]


def test_a_mistyped_group_of_instances() -> None:
    inventory = Inventory(groups={"all": ["db1"], "mysqls": ["db1"], "orders": ["db1"]})
    inventory.hosts = copy.deepcopy(pair().hosts)
    assert inventory.errors(["db1"])[0] == (
        "db1: group 'mysqls' means nothing to this collection, and group mysql has no hosts; "
        "did you mean mysql? Rename the group"
    )


@pytest.mark.parametrize("group", ["proxy", "mysql_main", "databases", "directors", "lvs"])
def test_groups_of_the_users_own_pass(group: str) -> None:
    inventory = pair()
    inventory.groups[group] = ["p1"]
    assert inventory.errors() == []


# --- The parts


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("cluster_role", "cluster_rol", True), ("cluster_role", "cluster_rolle", True),
        ("cluster_role", "cluster_rola", True), ("cluster_role", "clutser_role", True), ("a", "b", True),
        ("ab", "ba", True), ("cluster_role", "cluster_role", False), ("cluster_role", "clutser_rol", False),
        ("cluster_role", "cluster", False), ("abc", "cab", False), ("", "a", True), ("", "ab", False),
    ],
)  # fmt: skip
def test_one_typo(one: str, other: str, expected: bool) -> None:
    assert one_typo(one, other) is expected
    assert one_typo(other, one) is expected


def test_the_variables_of_the_playbooks_are_known() -> None:
    """Those that their documentation lists."""
    for page in ("audit.md", "discover.md"):
        listed = re.findall(r"^\| `((?:audit|discover)_\w+)`", (ROOT / "docs" / page).read_text(), re.MULTILINE)
        assert listed
        assert set(listed) <= DECLARED.known


def test_no_two_roles_declare_one_variable() -> None:
    declared = [
        name
        for path in (ROOT / "roles").glob("*/meta/argument_specs.yml")
        for name in yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
    ]
    assert sorted(declared) == sorted(DECLARED.options)
