# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proxies as site.yml built them, and what it refuses to build."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from integration.lab_cluster import audited, machine, read_changes, run_playbook
from integration.lab_haproxy import (
    ADDRESSES,
    BUILD,
    CLUSTER,
    PROXIES,
    READS,
    VIP,
    WRITES,
    Reads,
    count,
    holder,
    info,
    noise,
    note,
    proxies_playbook,
    refused,
    up,
    whole,
)
from unit.haproxy import rendering


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
        if not change.handler and change.host in PROXIES
    }
    assert {task[0] for task in real} == {*PROXIES}
    assert predicted == real


def test_a_second_run_changes_nothing() -> None:
    """Not even processes. Of the whole of site.yml: `make chaos-haproxy`."""

    def processes() -> dict[str, str]:
        asked = "systemctl show -p MainPID,ExecMainStartTimestamp haproxy keepalived"
        return {name: machine(name).check_output(asked) for name in PROXIES}

    before, workers = processes(), {name: info(name)["pid"] for name in PROXIES}
    assert proxies_playbook().changes == set()
    assert (processes(), {name: info(name)["pid"] for name in PROXIES}) == (before, workers)


def test_both_versions_are_in_use() -> None:
    versions = {name: info(name)["version"][:3] for name in PROXIES}
    assert versions == {"hp1": "3.2", "hp2": "2.6"}


def test_one_proxy_holds_the_vip() -> None:
    """Whichever keepalived was the first: nobody takes it back."""
    assert holder() in PROXIES


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


def test_reads_are_spread_by_weight() -> None:
    """1 to 2, within 5 %."""
    hosts = Counter(count(300))
    note("reads by weight 1 and 2, of 300", [hosts[name] for name in sorted(hosts)])
    assert abs(hosts["hx3"] / 300 - 2 / 3) <= 0.05, hosts


def test_the_looks_of_the_proxies_are_no_noise() -> None:
    """In 5 seconds each server is looked at a hundred times. For a minute: `make chaos-haproxy`."""
    before = noise()
    time.sleep(5)
    assert noise() == before


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
        assert set(re.findall(r":(\d+)\s+\S+:\*", listening)) == {str(WRITES), str(READS), "8407"}


def test_the_command_shows_what_the_proxies_think() -> None:
    writer = CLUSTER.writer()
    for name in ADDRESSES:
        said = machine(name).check_output("mysql-ha status")
        for proxy in PROXIES:
            assert re.search(rf"^{proxy} +{writer} \(\d+\) +hx\d \(\d+\), hx3 \(\d+\)$", said, re.MULTILINE), said
        assert "DISAGREEMENT" not in said


def test_status_shows_what_the_proxies_think() -> None:
    run = run_playbook(CLUSTER.inventory, playbook="playbooks/status.yml")
    assert run.returncode == 0, run.output[-3000:]
    assert f"proxy VIP {VIP} on hp1" in run.output
    assert len(re.findall(r"330[67] (?:writer|reader) +hx[123] +(?:UP|DOWN) ", run.output)) == 5
    assert "DISAGREEMENT" not in run.output


def test_bad_input_is_refused_first() -> None:
    """More of it: `make chaos-haproxy`, and the unit tests."""
    assert "haproxy_stats needs haproxy_stats_user and haproxy_stats_password" in refused(haproxy_stats=True)


@pytest.mark.parametrize("proxy", PROXIES)
def test_haproxy_takes_whatever_the_templates_write(proxy: str, tmp_path: Path) -> None:
    """All branches: kinds of checks, PROXY protocol both ways, statistics, logs, IPv6."""
    rendering.main(str(tmp_path))
    subprocess.run(["docker", "cp", f"{tmp_path}/.", f"mha-{proxy}:/root/cases"], check=True, capture_output=True)
    for case in rendering.CASES:
        done = machine(proxy).run("haproxy -c -f /root/cases/%s", case)
        assert done.rc == 0, done.stderr
        assert rendering.complaints(done.stderr) == []
    machine(proxy).check_output("rm -r /root/cases")


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


def test_an_audit_finds_nothing_and_takes_three_seconds_a_host(tmp_path: Path) -> None:
    """The best of three, as the first one finds cold caches; nothing else of `make test` runs meanwhile."""
    # One host after another, because they share two processors
    results = [audited(CLUSTER.inventory, tmp_path, "--forks", "1") for _number in range(3)]
    found = [finding for cluster in results[0]["clusters"] for finding in cluster["findings"]]
    assert [(finding["rule"], finding["evidence"]) for finding in found if finding["severity"] != "info"] == []
    assert [host["problems"] for host in results[0]["hosts"]] == [[]] * len(results[0]["hosts"])
    took = [{host["name"]: host["took_seconds"] for host in result["hosts"]} for result in results]
    note("audit: seconds a host", took)
    best = {name: min(each[name] for each in took) for name in took[0]}
    assert max(best.values()) <= 3, took
