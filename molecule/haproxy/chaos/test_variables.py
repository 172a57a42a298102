# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The same hosts under other variables: weights, statistics, other people's HAProxy, proxies on members, nothing.

The last tests of `make chaos-haproxy`, because they leave the hosts as no inventory says.
"""

from __future__ import annotations

from collections import Counter

import pytest

from integration.lab_cluster import machine, run_playbook, wait_until
from integration.lab_haproxy import (
    ADDRESSES,
    CLUSTER,
    PROXIES,
    VIP,
    WRITES,
    Reads,
    ask,
    by_host,
    count,
    holder,
    note,
    proxies_playbook,
    servers,
    site,
    standing_by,
    up,
    wait_up,
    whole,
)

STATS = {"haproxy_stats": True, "haproxy_stats_user": "watcher", "haproxy_stats_password": "it's $only {for} \"tests\""}
FOREIGN = """\
defaults foreign
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
frontend foreign from foreign
    bind 127.0.0.1:3399
    http-request return status 200 content-type text/plain string foreign
"""


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    whole()


def test_weights_are_followed() -> None:
    writer = CLUSTER.writer()
    first, second = sorted(set(ADDRESSES) - {writer})
    proxies_playbook(haproxy_balance="roundrobin", haproxy_weight=by_host(1, **{first: 1, second: 3}))
    hosts = Counter(count(600))
    note("reads by weight 1 and 3, of 600", [hosts[first], hosts[second]])
    assert abs(hosts[first] / 600 - 0.25) <= 0.05, hosts
    assert abs(hosts[second] / 600 - 0.75) <= 0.05, hosts


def test_sessions_that_stay_are_spread_by_weight() -> None:
    """By `leastconn`, the default: sessions that are there are counted, not those that come."""
    proxies_playbook(haproxy_balance="leastconn")
    active = holder()
    many = Reads("many", 90)
    found = wait_until(
        lambda: each if sum((each := sessions(active)).values()) == 90 else {}, "90 sessions of readers", 20
    )
    many.result()
    note("sessions by weight 1 and 2, of 90", [found[name] for name in sorted(found)])
    assert abs(found["hx3"] / 90 - 2 / 3) <= 0.05, found


def sessions(proxy: str) -> dict[str, int]:
    return {each["name"]: each["sessions"] for each in servers(proxy, "reader") if each["takes_sessions"]}


def test_the_writer_serves_reads_where_it_shall() -> None:
    predicted = proxies_playbook("--check", cluster_readers="all")
    run = proxies_playbook(cluster_readers="all")
    assert predicted.tasks == run.tasks != set()
    wait_up("reader", set(ADDRESSES), 10)
    assert set(count(30)) == set(ADDRESSES)
    proxies_playbook()
    whole()


def test_the_last_resort_of_reads_is_the_writer() -> None:
    writer = CLUSTER.writer()
    others = set(ADDRESSES) - {writer}
    for proxy in PROXIES:
        for name in others:
            ask(proxy, f"set server mysql_shops_reader/{name} state maint")
    wait_until(lambda: all(up(proxy, "reader") == set() for proxy in PROXIES), "no reader", 10)
    assert set(count(6)) == {writer}
    for proxy in PROXIES:
        for name in others:
            ask(proxy, f"set server mysql_shops_reader/{name} state ready")
    whole()
    assert set(count(12)) == others


def test_what_a_person_set_survives_a_reload() -> None:
    proxy = standing_by()
    name = next(iter(sorted(set(ADDRESSES) - {CLUSTER.writer()})))
    ask(proxy, f"set server mysql_shops_reader/{name} state drain")
    machine(proxy).check_output("systemctl reload haproxy")
    wait_until(lambda: up(proxy, "reader"), "the new process", 10)
    assert name not in up(proxy, "reader")
    ask(proxy, f"set server mysql_shops_reader/{name} state ready")
    whole()


def test_a_server_is_looked_at_without_its_agent() -> None:
    """The last resort, `tcp`: who greets is in, whatever its role, and who does not is out."""
    server = {"name": "hx3", "address": ADDRESSES["hx3"]}
    service = {"name": "old", "writer_port": 0, "reader_port": 3317, "check": "tcp", "fallback": False}
    proxies_playbook(haproxy_services=[{**service, "servers": [server]}])
    assert set(count(5, 3317)) == {"hx3"}
    machine("hx3").check_output("systemctl stop mysql")
    try:
        wait_until(lambda: Reads("count", 1, 3317).reads()[0].host is None, "hx3 out", 5)
    finally:
        machine("hx3").check_output("systemctl start mysql")
    wait_until(lambda: Reads("count", 1, 3317).reads()[0].host == "hx3", "hx3 in", 10)


# Status and body; 0: nobody listens there
GET = """
import base64, sys, urllib.error, urllib.request
request = urllib.request.Request(sys.argv[1])
if sys.argv[2]:
    request.add_header("Authorization", "Basic " + base64.b64encode(sys.argv[2].encode()).decode())
try:
    with urllib.request.urlopen(request, timeout=5) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.code)
except urllib.error.URLError:
    print(0)
"""


def get(proxy: str, url: str, login: str = "") -> tuple[int, str]:
    code, _space, body = machine(proxy).check_output("python3 -c %s %s %s", GET, url, login).partition(" ")
    return int(code), body


def test_statistics_want_a_password_and_are_for_this_host_alone() -> None:
    proxies_playbook(**STATS)
    login = f"{STATS['haproxy_stats_user']}:{STATS['haproxy_stats_password']}"
    for path, content in (("stats", "mysql_shops_writer"), ("metrics", 'proxy="mysql_shops_writer"')):
        assert get("hp1", f"http://127.0.0.1:8404/{path}")[0] == 401
        status, body = get("hp1", f"http://127.0.0.1:8404/{path}", login)
        assert (status, content in body) == (200, True)
        assert get("hp1", f"http://{PROXIES['hp1']}:8404/{path}")[0] == 0
    assert machine("hp1").file("/etc/haproxy/conf.d/zz-mysql-ha.cfg").mode == 0o600


def test_other_peoples_haproxy_stays() -> None:
    host = machine("hp2")
    before = host.check_output("sha256sum /etc/haproxy/haproxy.cfg /etc/default/haproxy")
    host.check_output("printf %%s %s > /etc/haproxy/conf.d/aa-foreign.cfg", FOREIGN)
    host.check_output("systemctl reload haproxy")
    run = proxies_playbook()
    assert {change.task for change in run.changes if change.host == "hp2"} <= {
        # of the statistics of the test before
        "Write what holds for the whole process",
        "Reload haproxy where the VIP is not",
        "Reload haproxy where the VIP is",
    }  # fmt: skip
    assert get("hp2", "http://127.0.0.1:3399/") == (200, "foreign")
    assert set(count(4, WRITES, PROXIES["hp2"])) == {CLUSTER.writer()}
    assert host.check_output("sha256sum /etc/haproxy/haproxy.cfg /etc/default/haproxy") == before
    host.check_output("rm /etc/haproxy/conf.d/aa-foreign.cfg; systemctl reload haproxy")
    proxies_playbook()


def test_a_maxconn_of_others_that_is_too_small_is_refused() -> None:
    host = machine("hp2")
    host.check_output("printf 'global\\n    maxconn 10\\n' > /etc/haproxy/conf.d/ab-foreign.cfg")
    run = run_playbook(CLUSTER.inventory)
    host.check_output("rm /etc/haproxy/conf.d/ab-foreign.cfg")
    assert run.returncode != 0
    assert "the global maxconn 10 in /etc/haproxy/haproxy.cfg, which is not of this" in " ".join(run.output.split())


def test_a_reload_that_cannot_listen_is_told_until_it_can() -> None:
    """`haproxy -c` listens nowhere, and a new process that cannot leaves the old one."""
    name = standing_by()
    host = machine(name)
    listener = "import socket, time; s = socket.socket(); s.bind(('', 6450)); s.listen(); time.sleep(600)"
    host.check_output("systemd-run --quiet --unit lab-port python3 -c %s", listener)
    try:
        for _time in range(2):
            run = run_playbook(
                CLUSTER.inventory, "-e", '{"cluster_proxy_reader_port": 6450}', playbook="molecule/haproxy/proxies.yml"
            )
            assert run.returncode != 0
            assert f"{name}: HAProxy runs without what was written for it" in " ".join(run.output.split())
    finally:
        host.check_output("systemctl stop lab-port")
    proxies_playbook(cluster_proxy_reader_port=6450)
    assert len(set(count(6, 6450, PROXIES[name]))) == 2
    proxies_playbook()
    whole()


def test_a_proxy_that_goes_leaves_nothing_and_the_other_goes_on() -> None:
    old = holder()
    reads = Reads("watch", 60, WRITES)
    site(haproxy_state=by_host("present", **{old: "absent"}))
    assert holder() != old
    seen = reads.reads()
    assert seen[-1].host is not None
    host = machine(old)
    others = "-not -path '*/keepalived*' -not -path /usr/local/lib/mysql-ha"
    found = f"find /etc /usr/local /run -xdev -name '*mysql-ha*' {others}"
    assert host.run(found).stdout == ""
    assert host.run("ls /usr/local/lib/mysql-ha").stdout.split() == ["keepalived-validate"]  # it belongs to the package
    assert "zz-mysql-ha" not in host.run("ls /etc/haproxy/conf.d").stdout
    assert f" {VIP}/" not in host.check_output("ip -o address show")


def test_proxies_on_the_members() -> None:
    """The group then has members in it too. Ports are others, because mysqld has 3306."""
    ports = {"cluster_proxy_writer_port": 6446, "cluster_proxy_reader_port": 6447, "haproxy_vip": ""}
    # In the same directory, beside which the CA is
    inventory = CLUSTER.inventory / "members.yml"
    inventory.write_text("haproxy:\n  hosts:\n    hx1:\n    hx2:\n    hx3:\n")
    try:
        site(**ports)
    finally:
        inventory.unlink()
    writer = CLUSTER.writer()
    for address in ADDRESSES.values():
        assert set(count(5, 6446, address)) == {writer}
        assert writer not in count(6, 6447, address)
