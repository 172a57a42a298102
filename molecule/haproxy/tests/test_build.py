# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proxies as site.yml built them, and what it refuses to build."""

from __future__ import annotations

import json
import re

import pytest

from integration.lab_cluster import machine, read_changes, run_playbook
from integration.lab_haproxy import (
    ADDRESSES,
    BUILD,
    CLUSTER,
    PROXIES,
    READS,
    VIP,
    WRITES,
    Reads,
    ask,
    count,
    holder,
    info,
    refused,
    up,
    whole,
)


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    whole()


def prediction() -> dict:
    return json.loads((BUILD / "prediction.json").read_text())


def test_check_mode_on_bare_hosts_leaves_no_trace() -> None:
    assert prediction()["returncode"] == 0, prediction()["output"][-3000:]
    assert prediction()["traces"] == {}


def test_check_mode_on_bare_hosts_predicts_the_real_run() -> None:
    predicted = {tuple(task) for task in prediction()["tasks"]}
    real = {
        (change.host, change.task, change.item)
        for change in read_changes(BUILD / "first_run.jsonl")
        if not change.handler and change.host in (*ADDRESSES, *PROXIES)
    }
    assert {task for task in real if task[0] in PROXIES}
    assert predicted == real


def test_both_versions_are_in_use() -> None:
    versions = {name: info(name)["version"][:3] for name in PROXIES}
    assert versions == {"hp1": "3.2", "hp2": "2.6"}


def test_the_first_proxy_holds_the_vip() -> None:
    assert holder() == "hp1"


def test_each_port_leads_where_it_shall() -> None:
    writer = CLUSTER.writer()
    for proxy, address in PROXIES.items():
        assert set(count(10, WRITES, address)) == {writer}
        assert set(count(10, READS, address)) == set(ADDRESSES) - {writer}
        assert (up(proxy, "writer"), up(proxy, "reader")) == ({writer}, set(ADDRESSES) - {writer})


def test_clients_verify_the_server_through_the_proxy() -> None:
    """By address (`count` verifies names, and nobody is refused), and by the proxies' name."""
    assert count(2, WRITES) == [CLUSTER.writer()] * 2
    machine(CLUSTER.client).check_output("grep -q shops.lab /etc/hosts || echo %s >> /etc/hosts", f"{VIP} shops.lab")
    assert count(2, WRITES, "shops.lab") == [CLUSTER.writer()] * 2


def test_mysql_sees_the_proxys_own_address() -> None:
    assert {read.text for read in Reads("count", 6).reads()} == {PROXIES[holder()]}


def test_sessions_and_descriptors() -> None:
    for proxy in PROXIES:
        told = info(proxy)
        assert told["maxconn"] == 2 * 4000 + 100
        assert told["ulimit"] >= 2 * told["maxconn"]


def test_the_journal_has_what_happens_to_servers() -> None:
    for proxy in PROXIES:
        log = machine(proxy).check_output("journalctl --unit haproxy --no-pager --output cat")
        assert re.search(r"Server mysql_shops_writer/hx[123] is DOWN", log), log[-2000:]
        assert "Can't open" not in log


def test_nothing_but_the_ports_is_open() -> None:
    for proxy in PROXIES:
        listening = machine(proxy).check_output("ss -Htlnp | grep haproxy")
        assert set(re.findall(r":(\d+)\s+\S+:\*", listening)) == {str(WRITES), str(READS)}


def test_status_shows_what_the_proxies_think() -> None:
    run = run_playbook(CLUSTER.inventory, playbook="playbooks/status.yml")
    assert run.returncode == 0, run.output[-3000:]
    assert f"proxy VIP {VIP} on hp1" in run.output
    assert len(re.findall(r"330[67] (?:writer|reader) +hx[123] +(?:UP|DOWN) ", run.output)) == 5
    assert "DISAGREEMENT" not in run.output


def test_status_says_where_a_proxy_is_wrong() -> None:
    writer = CLUSTER.writer()
    ask("hp2", f"disable health mysql_shops_writer/{writer}")
    ask("hp2", f"set server mysql_shops_writer/{writer} health down")
    run = run_playbook(CLUSTER.inventory, playbook="playbooks/status.yml")
    ask("hp2", f"enable health mysql_shops_writer/{writer}")
    assert f"DISAGREEMENT: hp2 sends no writes to {writer}" in run.output


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"haproxy_stats": True}, "haproxy_stats needs haproxy_stats_user and haproxy_stats_password"),
        ({"haproxy_stats": True, "haproxy_stats_user": "myadmin", "haproxy_stats_password": "myadmin"},
         "haproxy_stats_password is one that everybody knows"),
        ({"haproxy_weight": 300}, "hx1, hx2, hx3: haproxy_weight 300 is out of 0 to 256"),
        ({"haproxy_vip": "10.77.0.108"},
         "hp1, hp2: haproxy_vip 10.77.0.108 is the address of the writer VIP of cluster 'shops'"),
        ({"haproxy_send_proxy": True}, "MySQL knows no PROXY protocol"),
        ({"haproxy_services": [{"name": "old", "reader_port": 3310, "check": "mysql", "version": "mysql 9.7",
                                "servers": [{"address": "10.77.0.101"}]}]}, "error 1251"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_first(variables: dict, said: str) -> None:
    assert said in " ".join(refused(**variables).split())


def test_what_haproxy_refuses_never_goes_live() -> None:
    host = machine("hp2")
    live = "/etc/haproxy/conf.d/aa-foreign.cfg"
    for text, right in (
        ("backend mysql_shops_writer\n mode tcp\n", False),  # a file alone would be right
        ("frontend foreign\n bind :3399\n no-such-word\n", False),
        ("frontend foreign\n bind :3399\n mode tcp\n timeout client 5s\n", True),
    ):
        host.check_output("printf %%s %s > /root/new.cfg", text)
        done = host.run("/usr/local/lib/mysql-ha/haproxy-validate /root/new.cfg %s", live)
        assert (done.rc == 0) is right, done.stderr
    host.check_output("rm /root/new.cfg")


def test_a_second_run_changes_nothing() -> None:
    def processes() -> dict[str, str]:
        units = "haproxy keepalived"
        asked = f"systemctl show -p MainPID,ExecMainStartTimestamp {units}"
        return {name: machine(name).check_output(asked) for name in PROXIES}

    before, workers = processes(), {name: info(name)["pid"] for name in PROXIES}
    run = run_playbook(CLUSTER.inventory)
    assert run.returncode == 0, run.output[-3000:]
    assert run.changes == set()
    assert (processes(), {name: info(name)["pid"] for name in PROXIES}) == (before, workers)
