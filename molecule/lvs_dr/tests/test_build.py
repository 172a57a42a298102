# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directors and realservers as site.yml built them: balancing, addresses."""

from __future__ import annotations

import re

import pytest

from integration.lab_cluster import machine, run_playbook, wait_until
from integration.lab_lvs import (
    ADDRESSES,
    CLIENT_ADDRESS,
    CLUSTER,
    DIRECTORS,
    SECOND_VIP,
    SYSCTLS,
    VIP,
    Reads,
    count,
    holder,
    pools,
    standing_by,
    whole,
)


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    whole()


def test_the_first_director_holds_the_vips() -> None:
    assert holder() == "lvs1"


def test_both_grammars_of_keepalived_are_in_use() -> None:
    versions = {
        name: re.search(r"v(\d+\.\d+)", machine(name).run("keepalived --version").stderr)[1] for name in DIRECTORS
    }
    assert versions == {"lvs1": "2.3", "lvs2": "2.2"}


def test_everybody_serves_and_each_in_turn() -> None:
    assert pools() == [set(ADDRESSES)] * 2
    for vip in (VIP, SECOND_VIP):
        hosts = count(30, vip)
        assert [hosts[at : at + 3] for at in range(0, 30, 3)] == [hosts[:3]] * 10
        assert set(hosts) == set(ADDRESSES)


def test_mysql_sees_the_clients_own_address() -> None:
    assert {read.text for read in Reads("count", 6).reads()} == {CLIENT_ADDRESS}


def packets() -> tuple[int, int]:
    """In and out, through the service at the VIP."""
    listing = machine(holder()).check_output("ipvsadm --list --numeric --exact --stats --tcp-service %s:3306", VIP)
    line = next(line for line in listing.splitlines() if line.startswith("TCP"))
    _connections, incoming, outgoing = map(int, line.split()[2:5])
    return incoming, outgoing


def test_answers_pass_the_director_by() -> None:
    before = packets()
    count(20)
    # The kernel adds its counters up every two seconds
    wait_until(lambda: packets()[0] - before[0] > 20 * 5, "packets to the VIP", 6)
    assert packets()[1] == before[1] == 0


def test_only_the_holder_answers_arp_for_the_vips() -> None:
    mac = machine(holder()).check_output("cat /sys/class/net/eth0/address").lower()
    for vip in (VIP, SECOND_VIP):
        # Broadcasts only, so that everybody hears every question
        said = machine(CLUSTER.client).run("arping -b -c 2 -w 2 -I eth0 %s", vip).stdout
        assert {found.lower() for found in re.findall(r"\[([0-9A-Fa-f:]{17})\]", said)} == {mac}, said


def test_realservers_are_set_up() -> None:
    for name in ADDRESSES:
        host = machine(name)
        addresses = host.check_output("ip -o -4 address show dev lo")
        for label, vip in enumerate((VIP, SECOND_VIP)):
            assert re.search(rf"inet {vip}/32 scope global lo:{label}\b", addresses), addresses
        assert host.check_output(f"sysctl --values {' '.join(SYSCTLS)}").split() == ["1", "2", "1", "2"]


def test_directors_tell_each_other_their_connections() -> None:
    daemons = {name: machine(name).check_output("ipvsadm --list --daemon") for name in (holder(), standing_by())}
    assert [text.split()[0] for text in daemons.values()] == ["master", "backup"]
    assert all("mcast=eth0, syncid=82" in text for text in daemons.values())


def test_timeouts_and_sysctls_of_the_directors() -> None:
    for name in DIRECTORS:
        host = machine(name)
        assert host.check_output("ipvsadm --list --timeout") == "Timeout (tcp tcpfin udp): 7500 120 300"
        assert host.check_output("sysctl --values net.ipv4.vs.expire_nodest_conn") == "1"


def test_status_shows_the_pools_and_no_disagreement() -> None:
    run = run_playbook(CLUSTER.inventory, playbook="playbooks/status.yml")
    assert run.returncode == 0, run.output[-3000:]
    assert f"reads: reads at {VIP} on lvs1, {SECOND_VIP} on lvs1" in run.output
    assert len(re.findall(r"10\.77\.0\.(?:89|90) +dr[123] +1 \(", run.output)) == 6
    assert "DISAGREEMENT" not in run.output


def test_a_check_without_its_program_is_refused() -> None:
    """keepalived accepts it, and the server would stay in whatever happens to it."""
    host = machine("lvs1")
    live = "/etc/keepalived/conf.d/zz-foreign.conf"
    text = (
        "virtual_server 10.77.0.91 3306 {\n delay_loop 1\n lvs_method DR\n lvs_sched rr\n protocol TCP\n"
        " real_server 10.77.0.81 3306 {\n  MISC_CHECK {\n   misc_path \"PROGRAM 10.77.0.81\"\n  }\n }\n}\n"
    )
    host.check_output("install -m 644 /bin/true /root/not-executable")
    for program, refused in (("/no/such/check", True), ("/root/not-executable", True), ("/bin/true", False)):
        host.check_output("printf %%s %s > /root/new.conf", text.replace("PROGRAM", program))
        done = host.run("/usr/local/lib/mysql-ha/keepalived-validate /root/new.conf %s", live)
        assert (done.rc != 0) is refused, done.stderr
        if refused:
            assert f"misc_path {program} is missing or not executable" in done.stderr
    host.check_output("rm /root/new.conf /root/not-executable")
