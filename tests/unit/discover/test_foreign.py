# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters that somebody else built: what is kept, what is left to a person, and what a host cannot smuggle in."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils._discover import Discovery, discover
from unit.audit.builders import DIRECTOR, UUIDS, mysql, proxy, system, vip, vrrp
from unit.vrrp.practitioners import PER_INSTANCE, UNICAST

Facts = dict[str, Any]
CONF = """\
vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 1
    nopreempt
    authentication {{
        auth_type PASS
        auth_pass 1111
    }}
    virtual_ipaddress {{
        192.0.2.100
    }}
}}
"""
PACKAGE = {"name": "mysql-community-server", "version": "8.0.40", "source": "oracle"}


def host(number: int, source: str | None, conf: str | None) -> Facts:
    name = f"db{number}"
    server = mysql("db1", source)
    server.update(
        server_id=number, server_uuid=f"{number:08d}{UUIDS['db1'][8:]}", gtid_executed="", version="8.0.40",
        version_number=[8, 0, 40], datadir="/data/mysql/", socket="/var/lib/mysql/mysql.sock",
    )  # fmt: skip
    server["variables"]["bind_address"] = "*"
    for channel in server["channels"]:
        channel["source_user"] = "repl"
    answers: Facts = {
        "mysql": {"instance": server},
        "vrrp": {"vrrp": vrrp(conf) if conf else {"installed": False, "problems": []}},
        "vips": {"vips": [vip("192.0.2.100", source is None)]},
        "lvs": {"lvs": {"services": [], "lo": [], "arp": {}, "problems": []}},
        "haproxy": {"haproxy": {"running": False, "configuration": None, "problems": []}},
        "os": {"host": {**system(f"192.0.2.1{number}"), "names": [name], "boot_id": name, "problems": []}},
        "settings": {"settings": {
            "options": [{"name": "server_id", "value": str(number), "at": "/etc/my.cnf:12"},
                        {"name": "socket", "value": "/var/lib/mysql/mysql.sock", "at": "/etc/my.cnf:4"}],
            "agents": [], "package": PACKAGE, "certificate": None, "memory_mb": 4096, "problems": [],
        }},
    }  # fmt: skip
    return answers


def dual() -> dict[str, Facts]:
    """A of the field notes, with a reader that replicates from the VIP."""
    found = {
        "db1": host(1, "192.0.2.12", CONF.format(priority=90)), "db2": host(2, "192.0.2.11", CONF.format(priority=100)),
        "db3": host(3, "192.0.2.100", None),
    }  # fmt: skip
    found["db2"]["mysql"]["instance"].update(read_only=False)
    found["db2"]["vips"]["vips"] = [vip("192.0.2.100", True)]
    return found


def run(answers: dict[str, Facts], **connections: Facts) -> Discovery:
    return discover(answers, {"all": list(answers)}, connections)


def loaded(found: Discovery) -> dict[str, Any]:
    return {name: yaml.safe_load(text) for name, text in found.files.items()}


def test_a_dual_source() -> None:
    found = run(dual())
    files = loaded(found)
    assert files["hosts.yml"] == {"mysql": {"children": {"cluster_192_0_2_100": {"hosts": {
        "db2": {"mysql_server_id": 2}, "db1": {"mysql_server_id": 1},
        "db3": {"mysql_server_id": 3, "cluster_role": "reader"},
    }}}}}  # fmt: skip
    assert list(files["hosts.yml"]["mysql"]["children"]["cluster_192_0_2_100"]["hosts"]) == ["db2", "db1", "db3"]
    assert files["group_vars/cluster_192_0_2_100.yml"] == {
        "cluster_vip": "192.0.2.100/24", "cluster_virtual_router_id": 51,
        "keepalived_vrrp_version": 2, "keepalived_advert_interval": 1, "agent_lease": 4.2,
        "keepalived_auth_pass": "{{ vault_keepalived_auth_pass }}",
        "replication_password": "{{ vault_replication_password }}",
        "mysql_binlog_retention_days": 30, "mysql_datadir": "/data/mysql", "mysql_package_source": "oracle",
        "mysql_socket": "/var/lib/mysql/mysql.sock",
    }  # fmt: skip
    text = found.files["group_vars/cluster_192_0_2_100.yml"]
    assert "# db1, /etc/my.cnf:4\nmysql_socket:" in text
    assert "# Of a new account, which the run makes. Channels use repl now, which stays as it is.\n" in text
    assert "1111" not in "".join(found.files.values())


def test_one_way_without_any_vip() -> None:
    answers = {"db1": host(1, None, None), "db2": host(2, "192.0.2.11", None)}
    found = run(answers)
    (group,) = [name for name in found.files if name.startswith("group_vars")]
    variables = loaded(found)[group]
    assert variables["cluster_topology"] == "source_replica"
    assert (variables["cluster_vip"], variables["cluster_virtual_router_id"]) == ("", "")
    assert [text for text in found.choices if "cluster_vip" in text]
    assert [text for text in found.choices if "cluster_role" in text]


def test_a_cluster_has_one_interval() -> None:
    answers = dual()
    answers["db1"]["vrrp"]["vrrp"] = vrrp(CONF.format(priority=90).replace("advert_int 1", "advert_int 2"))
    assert [text for text in run(answers).choices if "keepalived_advert_interval differs" in text]


def test_two_router_ids_for_one_vip() -> None:
    answers = dual()
    answers["db1"]["vrrp"]["vrrp"] = vrrp(CONF.format(priority=90).replace("router_id 51", "router_id 52"))
    assert [text for text in run(answers).choices if "cluster_virtual_router_id: hosts use" in text]


def test_unicast_with_a_prefix() -> None:
    answers = {
        "db1": host(1, None, UNICAST),
        "db2": host(2, "192.0.2.11", UNICAST.replace("priority 150", "priority 100")),
    }
    for each in answers.values():
        each["vips"]["vips"] = []
    variables = loaded(run(answers))["group_vars/cluster_192_0_2_180.yml"]
    assert (variables["cluster_vip"], variables["cluster_virtual_router_id"]) == ("192.0.2.180/24", 80)


def test_directors_and_proxies_of_somebody() -> None:
    answers = dual()
    for name, address in (("lvs1", "192.0.2.21"), ("lvs2", "192.0.2.22")):
        conf = DIRECTOR + CONF.format(priority=100 if name == "lvs1" else 98).replace("2.100", "2.200").replace(
            "router_id 51", "router_id 60"
        )
        answers[name] = {
            **deepcopy(answers["db3"]), "vrrp": {"vrrp": vrrp(conf)},
            "mysql": {"instance": {"reachable": False, "reason": "", "present": False}},
            "os": {"host": {**system(address), "names": [name], "boot_id": name, "problems": []}},
            "settings": {"settings": {}},
        }  # fmt: skip
    answers["hap1"] = {
        **deepcopy(answers["lvs1"]), "vrrp": {"vrrp": {"installed": False, "problems": []}},
        "os": {"host": {**system("192.0.2.31"), "names": ["hap1"], "boot_id": "hap1", "problems": []}},
        "haproxy": {"haproxy": {**proxy()["haproxy"], "running": True, "problems": []}},
    }  # fmt: skip
    found = run(answers)
    files = loaded(found)
    assert list(files["hosts.yml"]) == ["mysql", "lvs_director", "haproxy"]
    assert files["hosts.yml"]["lvs_director"]["hosts"] == {
        "lvs1": {"lvs_director_priority": 100}, "lvs2": {"lvs_director_priority": 98},
    }  # fmt: skip
    variables = files["group_vars/lvs_director.yml"]
    assert variables["lvs_director_virtual_router_id"] == 60
    assert variables["lvs_director_persistence_timeout"] == 15
    assert variables["lvs_director_timeouts"] == {"tcp": 8000}
    cluster = files["group_vars/cluster_192_0_2_100.yml"]
    assert cluster["cluster_reader_vips"] == ["192.0.2.200"]
    assert cluster["cluster_proxy_reader_port"] == 3307
    (members,) = files["hosts.yml"]["mysql"]["children"].values()
    assert members["hosts"]["db3"]["lvs_realserver_state"] == "absent"


def test_who_is_not_written_is_named_with_the_reason() -> None:
    answers = dual()
    answers["web1"] = {
        **deepcopy(answers["db3"]), "mysql": {"instance": {"reachable": False, "reason": "", "present": False}},
        "os": {"host": {**system("192.0.2.50"), "names": ["web1"], "boot_id": "web1", "problems": []}},
    }  # fmt: skip
    answers["gone"] = {"os": {"msg": "Failed to connect"}}
    answers["alone"] = host(7, None, None)
    answers["shut"] = host(8, None, None)
    answers["shut"]["mysql"] = {"instance": {"reachable": False, "reason": "access denied", "present": True}}
    text = " ".join(run(answers).files["hosts.yml"].replace("\n#", "").split())
    assert "Not here: gone: could not be asked: Failed to connect" in text
    assert "Not here: alone: a MySQL server without a channel" in text
    assert "Not here: shut: its MySQL could not be read: access denied" in text
    assert "Not here: web1: neither a member nor a balancer" in text


def test_what_keepalived_ignores_is_said() -> None:
    answers = dual()
    answers["db2"]["vrrp"]["vrrp"] = vrrp(CONF.format(priority=90).replace("    ", "\u00a0" * 4))
    text = " ".join(run(answers).files["hosts.yml"].replace("\n#", "").split())
    assert "Not here: db2: what keepalived ignores, keepalived.conf:2: U+00A0 (no-break space) in lines 2-14:" in text


def test_how_ansible_gets_there_goes_along() -> None:
    found = run(dual(), db1={"ansible_host": "203.0.113.7", "ansible_user": "admin"})
    hosts = loaded(found)["hosts.yml"]["mysql"]["children"]["cluster_192_0_2_100"]["hosts"]
    assert hosts["db1"] == {"ansible_host": "203.0.113.7", "ansible_user": "admin", "mysql_server_id": 1}


def test_servers_that_the_roles_do_not_build_are_named() -> None:
    answers = dual()
    answers["db1"]["mysql"]["instance"].update(version="5.7.44", version_number=[5, 7, 44], gtid_mode="OFF")
    said = " ".join(run(answers).choices)
    assert "db1: mysql 5.7.44 is none that the roles build" in said
    assert "db1: gtid_mode OFF" in said


def test_accounts_that_a_run_would_lock_out_are_named() -> None:
    answers = dual()
    answers["db1"]["mysql"]["instance"]["accounts"] += [
        {"user": "app", "host": host} for host in ("web1.example.org", "10.0.%", "fd00::1")
    ]
    (said,) = [text for text in run(answers).choices if "skip_name_resolve" in text]
    assert "db1: 'app'@'web1.example.org': the role sets" in said


def test_instances_of_one_machine_have_the_vips_that_name_their_port() -> None:
    answers: dict[str, Facts] = {}
    for machine, other in ((1, 2), (2, 1)):
        for port, letter in ((3306, "a"), (3307, "b")):
            one = host(machine, f"192.0.2.1{other}" if machine == 2 else None, PER_INSTANCE)
            one["mysql"]["instance"].update(port=port, server_uuid=f"{port}{machine:04d}{UUIDS['db1'][8:]}")
            for channel in one["mysql"]["instance"]["channels"]:
                channel["source_port"] = port
            one["vips"]["vips"] = []
            answers[f"db{machine}{letter}"] = one
    found = loaded(run(answers))
    vips = {
        name: (sorted(content["hosts"]), found[f"group_vars/{name}.yml"]["cluster_vip"])
        for name, content in found["hosts.yml"]["mysql"]["children"].items()
    }
    assert sorted(vips.values()) == [(["db1a", "db2a"], "192.0.2.136/32"), (["db1b", "db2b"], "192.0.2.137/32")]


EVIL = ["{{ lookup('pipe', 'id') }}", "a\nb: c", "x # y", "!unsafe x", "'\"\\", "\u2028z", "{% raw %}", "*a", "\x07"]


@pytest.mark.parametrize("text", EVIL)
def test_nothing_of_a_host_becomes_a_template_or_a_line(text: str) -> None:
    answers = dual()
    for each in answers.values():
        server = each["mysql"]["instance"]
        server.update(socket=text, datadir=f"/{text}", flavour=text, version=text)
        server["accounts"] = [{"user": text, "host": "%"}]
        for channel in server["channels"]:
            channel.update(source_user=text, name=text)
        each["settings"]["settings"].update(
            options=[{"name": "socket", "value": text, "at": text}],
            certificate={"at": text, "issuer": text, "names": [text]},
        )
    found = run(answers)
    files = loaded(found)
    assert set(files["hosts.yml"]) == {"mysql"}
    for content in found.files.values():
        for line in content.splitlines():
            if "{{" in line.partition("#")[0] or "{%" in line.partition("#")[0]:
                assert re.fullmatch(r'[a-z_]+: "\{\{ vault_[a-z_]+ \}\}"', line)
            assert line.isprintable()


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["192.0.2.11", "192.0.2.100/24"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
SERVER = ("port", "server_id", "socket", "datadir", "version", "gtid_mode", "flavour", "read_only")
AGENT: Facts = {
    "instance": "db1", "cluster": "orders", "topology": "dual_source", "role": "candidate", "address": "192.0.2.11",
    "port": 3306, "agent_port": 8308, "vip": "192.0.2.100/24", "at": "/etc/mysql-ha/db1.json", "allow": [],
    "members": [{"name": "db1"}, {"name": "db2"}], "witnesses": ["gateway"], "fence_command": ["ipmi"], "lease": 3.0,
}  # fmt: skip


@given(key=st.sampled_from([*SERVER, *(f"agent {key}" for key in AGENT if key != "at")]), value=ODD)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_odd_values_of_one_host_end_nothing(key: str, value: Any) -> None:
    """Files of agents hold whatever somebody wrote; servers say what they like."""
    answers = dual()
    if key in SERVER:
        answers["db1"]["mysql"]["instance"][key] = value
    else:
        answers["db1"]["settings"]["settings"]["agents"] = [{**AGENT, key.partition(" ")[2]: value}]
    found = run(answers)
    assert "hosts.yml" in loaded(found) or "could not be described" in found.choices[0]


def test_a_fence_is_named_and_its_arguments_are_a_secret() -> None:
    answers = dual()
    answers["db1"]["settings"]["settings"]["agents"] = [AGENT]
    text = "".join(run(answers).files.values())
    assert "agent_fence_command: ipmi, and arguments" in text
    assert 'agent_fence_command: "{{ vault_agent_fence_command }}"' in text
