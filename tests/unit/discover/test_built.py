# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster that this collection built, discovered blind: the roles would write the very same files again."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit import Cluster
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_facts import Asked
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_rules import RULES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._discover import Discovery, discover
from unit.discover import built
from unit.model.inventories import ORDERS, Inventory, balanced, interface, pair, proxied, trio, two_clusters

SECRETS = {
    "vault_replication_password": ORDERS["replication_password"],
    "vault_orders_replication_password": ORDERS["replication_password"],
    "vault_billing_replication_password": "not-a-known-two",
    "vault_report_password": "a report's", "vault_authentication_ldap_simple_bind_root_pwd": "root's",
    "vault_keepalived_auth_pass": "8letters", "vault_haproxy_stats_user": "watcher",
    "vault_haproxy_stats_password": "a long one",
}
V2 = {
    "keepalived_vrrp_version": 2, "keepalived_advert_interval": 1, "agent_lease": 4.2,
    "keepalived_auth_pass": "8letters"
}


def blind(inventory: Inventory) -> Discovery:
    """Without any variable or group of the original."""
    answers = built.answers(inventory)
    return discover(answers, {"all": list(answers), "ungrouped": list(answers)}, {})


def check(inventory: Inventory) -> Discovery:
    found = blind(inventory)
    again = built.discovered(found.files, inventory, SECRETS)
    assert built.all_files(again) == built.all_files(inventory)
    assert again.models() == inventory.models()
    return found


CLUSTERS: dict[str, Inventory] = {
    "a pair": pair(),
    "a trio": trio(),
    "one way": trio(cluster_topology="source_replica"),
    "three candidates": Inventory().cluster(
        "orders", "db3", "db1", "db2", **ORDERS, cluster_topology="source_replica"
    ),
    "two clusters": two_clusters(),
    "behind directors": balanced(),
    "all serve reads": balanced(cluster_readers="all", cluster_topology="source_replica"),
    "readers only": balanced(cluster_readers="readers"),
    "several reader VIPs": balanced(cluster_reader_vips=["10.0.0.200", "10.0.0.201"]),
    "weights": balanced().set("db3", lvs_realserver_weight=3).set("db1", lvs_realserver_weight=0),
    "one of them serves none": balanced().set("db2", lvs_realserver_state="absent"),
    "settings": pair(mysql_settings={"max_connections": 2500, "replica_net_timeout": 10, "local_infile": False}),
    "settings that are secrets": pair(mysql_settings={
        "report_password": "a report's", "authentication_ldap_simple_bind_root_pwd": "root's", "password_history": 5,
    }),
    "its own ids": pair().set("db1", mysql_server_id=1).set("db2", mysql_server_id=2),
    "ports and paths": pair(
        mysql_port=3307, agent_port=8309, mysql_datadir="/srv/mysql", mysql_socket="/run/mysqld/other.sock",
        mysql_bind_address="10.0.0.0", mysql_binlog_retention_days=30, mysql_sync_relay_log=100,
        mysql_innodb_buffer_pool_size="512M", mysql_package_source="percona", mysql_durability="strict",
        mysql_log_bin="/var/log/mysql/mysql-bin", mysql_relay_log="db-relay",
    ),
    "settings of one host": pair().set("db2", mysql_innodb_buffer_pool_size="1G", mysql_settings={"back_log": 9}),
    "VRRP 2": pair(**V2),
    "keepalived": pair(keepalived_script_security=False, keepalived_garp_refresh=0, keepalived_advert_interval=0.1),
    "agents": pair(
        agent_lease=5, agent_witnesses=["10.0.0.9", "gateway"], agent_takeover="read_only", agent_rejoin="clone",
        agent_events=False, agent_allow=["10.0.0.53"], agent_hang_timeout=2.5, agent_down_timeout=30,
    ),
    "replication": pair(replication_user="repl", replication_connect_retry=7, replication_heartbeat=0.5),
    "two addresses": pair().interfaces("db1", interface("10.0.0.11/24"), interface("10.0.0.61/24", primary=False)),
    "a VIP of one host": pair(cluster_vip="10.0.0.100/32"),
}  # fmt: skip


@pytest.mark.parametrize("name", CLUSTERS)
def test_no_difference(name: str) -> None:
    assert check(CLUSTERS[name]).choices == []


def test_a_cluster_without_anything_special_needs_few_words() -> None:
    files = check(trio()).files
    assert yaml.safe_load(files["group_vars/orders.yml"]) == {
        "cluster_vip": "10.0.0.100/24", "cluster_virtual_router_id": 51,
        "replication_password": "{{ vault_replication_password }}",
    }  # fmt: skip
    assert yaml.safe_load(files["hosts.yml"]) == {
        "mysql": {"children": {"orders": {"hosts": {"db1": None, "db2": None, "db3": {"cluster_role": "reader"}}}}}
    }


DIRECTORS: list[dict[str, Any]] = [
    {"lvs_director_scheduler": "rr", "lvs_director_max_lag": 3},
    {"lvs_director_persistence_timeout": 15},
    {"lvs_director_persistence_timeout": 15, "lvs_director_timeouts": {"tcp": 900}},
    {"lvs_director_max_lag": 0.5, "lvs_director_check_interval": 0.25, "lvs_director_advert_interval": 1},
    {"lvs_director_sorry_server": "writer", "lvs_director_quorum": 2},
    {"lvs_director_sync": False},
    {"lvs_director_sync_id": 7},
]


@pytest.mark.parametrize("variables", DIRECTORS, ids=str)
def test_no_difference_of_directors(variables: dict[str, Any]) -> None:
    inventory = balanced()
    for name in ("lvs1", "lvs2"):
        inventory.set(name, **variables)
    assert check(inventory).choices == []


def test_directors_with_priorities_of_their_own() -> None:
    check(balanced().set("lvs1", lvs_director_priority=100).set("lvs2", lvs_director_priority=90))


PROXIES: list[dict[str, Any]] = [
    {},
    {"haproxy_max_lag": 3, "haproxy_balance": "roundrobin", "haproxy_maxconn": 100, "haproxy_reader_fallback": False},
    {"haproxy_check_interval": 1, "haproxy_check_timeout": 2.5,
     "haproxy_connect_timeout": 5, "haproxy_idle_timeout": 7},
    {"haproxy_bind": ["10.0.0.210", "::"], "haproxy_accept_proxy": True, "haproxy_advert_interval": 1},
    {"haproxy_log": "127.0.0.1:514", "haproxy_log_facility": "local3", "haproxy_log_sessions": True},
    {"haproxy_view_port": 0},
    {"haproxy_view_port": 8500},
    {"haproxy_stats": True, "haproxy_stats_user": "watcher", "haproxy_stats_password": "a long one",
     "haproxy_stats_port": 9000},
]  # fmt: skip


@pytest.mark.parametrize("variables", PROXIES, ids=str)
def test_no_difference_of_proxies(variables: dict[str, Any]) -> None:
    found = check(proxied(**variables))
    assert found.choices == []
    bring = "define vault_haproxy_stats_password, vault_haproxy_stats_user, best by ansible-vault"
    assert (bring in found.files["group_vars/haproxy.yml"]) == ("haproxy_stats" in variables)


@pytest.mark.parametrize("variables", PROXIES, ids=str)
def test_nothing_is_wrong_with_proxies_and_option_files(variables: dict[str, Any]) -> None:
    inventory = proxied(**variables)
    hosts = {name: Asked(name, answers).facts for name, answers in built.answers(inventory).items()}
    kinds = ("MHA-H", "MHA-R03", "MHA-A008")
    judged = [each for each in RULES if each.id.startswith(kinds) and each.severity != "info"]
    found = {each.id for each in judged if list(each.find(Cluster("orders", hosts)))}
    assert found == ({"MHA-H002"} if "haproxy_idle_timeout" in variables else set())  # 7 s are short


def test_a_setting_that_stands_alone_is_said() -> None:
    answers = built.answers(pair())
    for each in answers.values():
        options = each["settings"]["settings"]["options"]
        path, _colon, line = options[-1]["at"].rpartition(":")
        options.append({"name": "skip_show_database", "value": None, "at": f"{path}:{int(line) + 1}"})
    found = discover(answers, {"all": list(answers)}, {})
    assert "# mysql_settings: skip_show_database without a value; left out" in found.files["group_vars/orders.yml"]


def test_no_difference_of_ports_and_weights() -> None:
    inventory = proxied().set("db3", haproxy_weight=3)
    for name in ("db1", "db2", "db3"):
        inventory.set(name, cluster_proxy_writer_port=3306, cluster_proxy_reader_port=0, cluster_readers="all")
    check(inventory)
    for name in ("db1", "db2", "db3"):
        inventory.set(name, cluster_proxy_writer_port=0, cluster_proxy_reader_port=3307, cluster_readers="readers")
    check(inventory)


def test_no_difference_of_proxies_on_members() -> None:
    check(trio().proxies("db1", "db2", haproxy_vip="10.0.0.210", haproxy_virtual_router_id=91))
    check(trio().proxies("db1", "db3"))


VARIABLES = st.fixed_dictionaries(
    {},
    optional={
        "cluster_topology": st.sampled_from(["dual_source", "source_replica"]),
        "cluster_virtual_router_id": st.integers(1, 255),
        "mysql_port": st.integers(1, 65535),
        "mysql_binlog_retention_days": st.integers(1, 49000),
        "mysql_durability": st.sampled_from(["available", "strict"]),
        "mysql_settings": st.dictionaries(
            st.sampled_from(["max_connections", "sort_buffer_size", "slow_query_log", "long_query_time"]),
            st.one_of(st.integers(0, 10**6), st.booleans(), st.sampled_from(["64K", "1.5"])),
        ),
        "agent_port": st.integers(1, 65535),
        "agent_lease": st.sampled_from([3, 3.5, 20]),
        "agent_hang_timeout": st.sampled_from([0.5, 1.5, 60]),
        "agent_witnesses": st.sampled_from([[], ["gateway"], ["10.0.0.9:53", "10.0.0.8"]]),
        "agent_takeover": st.sampled_from(["promote", "read_only"]),
        "agent_rejoin": st.sampled_from(["manual", "clone"]),
        "keepalived_advert_interval": st.sampled_from([0.1, 0.5, 0.6]),
        "keepalived_garp_refresh": st.integers(0, 100),
        "keepalived_script_security": st.booleans(),
        "replication_user": st.sampled_from(["mha_repl", "repl.user-1", "on", "0123"]),
    },
)


@given(group=VARIABLES, own=VARIABLES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_difference_whatever_was_set(group: dict[str, Any], own: dict[str, Any]) -> None:
    inventory = trio(**group)
    # Of one host alone: what a cluster need not share.
    for name in {"mysql_settings", "agent_port", "agent_rejoin"} & own.keys():
        inventory.set("db3", **{name: own[name]})
    result = inventory.derive()
    if not result.problems.lines():
        check(inventory)
