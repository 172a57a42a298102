# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configurations of keepalived that people run and that the audit once judged wrongly, each with the right answer."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit import Cluster, Evidence
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_rules import RULES
from unit.audit.builders import mysql, proxy, system, vrrp

GLOBAL = "global_defs {\n    enable_script_security\n    script_user root\n}\n"
ROLE = '"/opt/ha/role.sh"'


def member(
    priority: int = 101, script: str = ROLE, check: str = "", inside: str = "    nopreempt\n", before: str = GLOBAL,
    addresses: str = "192.0.2.100/24 dev eth0", track: str = "chk",
) -> str:  # fmt: skip
    """One host of a pair behind 192.0.2.100."""
    tracked = f"    track_script {{\n        {track}\n    }}\n" if track else ""
    return (
        f"{before}vrrp_script chk {{\n    script {script}\n    interval 2\n{check}}}\nvrrp_instance VI_1 {{\n"
        f"    state BACKUP\n    interface eth0\n    virtual_router_id 51\n    priority {priority}\n{inside}"
        f"    virtual_ipaddress {{\n        {addresses}\n    }}\n{tracked}}}\n"
    )


def pair(one: str, two: str | None = None, **families: Any) -> dict[str, Any]:
    """Two hosts with MySQL, of which the first leads."""
    hosts: dict[str, Any] = {}
    for number, text in enumerate(each for each in (one, two) if each):
        host = f"db{number + 1}"
        hosts[host] = {
            "vrrp": vrrp(text, state="BACKUP" if number else "MASTER"), "os": system(f"192.0.2.{11 + number}"),
            "mysql": mysql(host, "192.0.2.11" if number else None), **deepcopy(families),
        }  # fmt: skip
    return hosts


def found(hosts: dict[str, Any], *prefixes: str) -> dict[str, list[Evidence]]:
    """The evidence of each rule of keepalived, IPVS and of checks' passwords that finds something."""
    prefixes = prefixes or ("MHA-V", "MHA-L", "MHA-S006", "MHA-A006")
    every = {rule.id: list(rule.find(Cluster("field", hosts))) for rule in RULES if rule.id.startswith(prefixes)}
    return {rule: evidence for rule, evidence in every.items() if evidence}


def hosts_of(evidence: list[Evidence]) -> list[str]:
    return [each.host for each in evidence]


def test_one_name_twice() -> None:
    text = member() + member(90, before="", addresses="192.0.2.101/24").replace("vrrp_script chk", "vrrp_script other")
    hosts = pair(text)
    assert [vip["address"] for vip in hosts["db1"]["vrrp"]["instances"][0]["vips"]] == ["192.0.2.100"]
    evidence = found(hosts)["MHA-V030"]
    assert "vrrp_instance VI_1 stands at keepalived.conf:9 already" in evidence[0].text


@pytest.mark.parametrize("prefix", ["", "/24", "/32 min_ttl 1"])
def test_a_peer_with_a_prefix(prefix: str) -> None:
    one, two = (
        member(priority, inside=f"    nopreempt\n    unicast_src_ip 192.0.2.{own}\n    unicast_peer {{\n"
               f"        192.0.2.{peer}{prefix}\n    }}\n")
        for priority, own, peer in ((101, 11, 12), (100, 12, 11))
    )  # fmt: skip
    assert found(pair(one, two)) == {}


@pytest.mark.parametrize("word", ["", " false", " off", " 0"])
def test_a_switch_with_an_argument(word: str) -> None:
    text = member(before=GLOBAL.replace("security", f"security{word}"), inside=f"    nopreempt{word}\n")
    rules = found(pair(text, text.replace("priority 101", "priority 100")))
    assert "MHA-V017" not in rules
    assert "MHA-V008" not in rules
    assert ("MHA-S006" in rules) == bool(word)


@pytest.mark.parametrize(("one", "two", "weight", "moves"), [
    (150, 100, -5, False), (150, 100, -60, True), (101, 100, 2, True), (103, 100, 2, False), (150, 100, -50, False),
    (255, 100, -200, False), (120, 100, -253, True),
])  # fmt: skip
def test_a_weight_that_cannot_move_the_vip(one: int, two: int, weight: int, moves: bool) -> None:
    hosts = pair(*(member(priority, check=f"    weight {weight}\n", inside="") for priority in (one, two)))
    assert ("MHA-V032" not in found(hosts)) == moves
    if not moves:
        assert hosts_of(found(hosts)["MHA-V032"]) == ["db1"]


def test_of_two_checks_the_one_that_is_too_light_is_named() -> None:
    check = '    weight -5\n}\nvrrp_script heavy {\n    script "/opt/ha/x.sh"\n    weight -60\n'
    text = [member(priority, check=check, inside="", track="chk\n        heavy") for priority in (150, 100)]
    assert ["when chk fails" in each.text for each in found(pair(*text))["MHA-V032"]] == [True]
    decided = [each.replace("    weight -60\n", "") for each in text]  # the other one is FAULT when it fails
    assert "MHA-V032" not in found(pair(*decided))


def test_nopreempt_on_one_host_only() -> None:
    one = member(100, check="    weight -20\n")
    two = member(90, check="    weight -20\n", inside="")
    evidence = found(pair(one, two))["MHA-V014"]
    assert hosts_of(evidence) == ["db2"]
    assert "db1 has nopreempt" in evidence[0].text


def test_a_single_host_is_judged_by_itself() -> None:
    assert hosts_of(found(pair(member(check="    weight -20\n")))["MHA-V014"]) == ["db1"]
    assert "MHA-V032" not in found(pair(member(check="    weight -20\n")))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/usr/bin/pidof mysqld > /dev/null && exit 0 || exit 1", True), ("/x >/dev/null 2>&1", True),
        ("/bin/true </dev/tcp/localhost/3306", True), ("/x; /y", True), ("/x $(date)", True), ("/x `date`", True),
        ("/sbin/ip addr | /bin/grep x", True), ("sudo -n /x && /y", True), ("/x &", True),
        ("/bin/sh -c 'a && b || c'", False), ("bash -c 'a > b'", False), ("sudo -n bash -c 'a | b'", False),
        ("/bin/grep -E 'a|b' /x", False), ("/x --query a;b", False), ("/x 'a && b'", False), ("/x -o '>'", True),
        ("flock -n /run/l -c 'a | b'", False),
    ],
)  # fmt: skip
def test_a_command_that_needs_a_shell(command: str, words: bool) -> None:
    assert ("MHA-V034" in found(pair(member(script=f'"{command}"')))) == words


@pytest.mark.parametrize(
    ("command", "shallow"),
    [
        ("/usr/bin/killall -0 mysqld", True), ("/usr/bin/pkill -0 mysqld", True), ("ps -C mysqld", True),
        ("/usr/bin/pgrep -x mysqld", True), ("/bin/pidof mysqld", True),
        ("sudo -n /bin/systemctl is-active mysqld", True), ("/bin/nc -z 127.0.0.1 3306", True), ("kill -0 123", True),
        ("bash -c '</dev/tcp/127.0.0.1/3306'", True), ("/usr/bin/mysqladmin ping", True),
        ("bash -c 'ps ax | grep mysqld'", True), ("/opt/ha/role.sh", False), ("/usr/bin/clustercheck", False),
        ("mysql -e 'select @@read_only'", False), ("curl -fs http://127.0.0.1:8406/writer", False),
        ("bash -c 'pidof mysqld && mysql -Ne \"show replica status\"'", False),
    ],
)  # fmt: skip
def test_a_check_of_a_process_or_a_port(command: str, shallow: bool) -> None:
    quoted = command.replace('"', '\\"')
    assert ("MHA-V035" in found(pair(member(script=f'"{quoted}"')))) == shallow
    hosts = {"hap1": {**proxy(), "vrrp": vrrp(member(script=f'"{quoted}"'))}}
    assert "MHA-V035" not in found(hosts), "of a proxy the process is what matters"


def test_a_tracked_process_is_a_process() -> None:
    text = "vrrp_track_process m {\n    process mysqld\n}\n" + member(track="")
    text = text.rstrip("}\n") + "\n    }\n    track_process {\n        m\n    }\n}\n"
    assert "looks only for a process" in found(pair(text))["MHA-V035"][0].text


def test_what_a_script_looks_at_counts_too() -> None:
    hosts = pair(member())
    hosts["db1"]["vrrp"]["programs"][0]["looks_at"] = "port"
    assert "chk looks only for a port" in found(hosts)["MHA-V035"][0].text


@pytest.mark.parametrize("track", ["", "chk"])
def test_a_proxys_vip_that_tracks_nothing(track: str) -> None:
    hosts = {
        f"hap{number}": {
            **proxy(), "os": system(f"192.0.2.{30 + number}"),
            "vrrp": vrrp(member(102 - number, script='"/usr/bin/killall -0 haproxy"', track=track)),
        }
        for number in (1, 2)
    }  # fmt: skip
    rules = found(hosts)
    assert sorted(rules) == ([] if track else ["MHA-V022", "MHA-V033"])
    if not track:
        assert hosts_of(rules["MHA-V022"]) == hosts_of(rules["MHA-V033"]) == ["hap1", "hap2"]


def test_a_script_that_is_tracked_and_not_defined_or_too_late() -> None:
    text = member()
    start, end = text.index("vrrp_script"), text.index("vrrp_instance")
    later, undefined = text[:start] + text[end:] + text[start:end], text[:start] + text[end:]
    for each in (later, undefined):
        rules = found(pair(each))
        assert "script chk is configured, but not tracked" in rules["MHA-V023"][0].text
        assert rules["MHA-V023"][0].at is not None
        assert "MHA-V022" not in rules


@pytest.mark.parametrize(
    ("more", "before", "drops"),
    [
        ("", "    vrrp_strict\n", True), ("    strict_mode on\n", "", True), ("    no_accept\n", "", True),
        ("", "", False),
        ("    strict_mode off\n", "    vrrp_strict\n", False), ("    accept\n", "", False),
        ("    accept\n    version 3\n", "    vrrp_strict\n", False), ("    accept\n", "    vrrp_strict\n", True),
    ],
)  # fmt: skip
def test_vrrp_strict(more: str, before: str, drops: bool) -> None:
    settings = GLOBAL.replace("}", before + "}")
    texts = [member(priority, inside=f"    nopreempt\n{more}", before=settings) for priority in (101, 100)]
    assert hosts_of(found(pair(*texts)).get("MHA-V031", [])) == (["db1", "db2"] if drops else [])
    owner = [text.replace("priority 101", "priority 255") for text in texts]
    assert hosts_of(found(pair(*owner)).get("MHA-V031", [])) == (["db2"] if drops else [])


def authenticated(password: str) -> str:
    inside = f"    authentication {{\n        auth_type PASS\n        auth_pass {password}\n    }}\n"
    return "    nopreempt\n" + (inside if password else "")


@pytest.mark.parametrize(
    ("one", "two", "version", "differ"),
    [
        ("aaaabbbb", "", 2, True), ("aaaabbbb", "ccccdddd", 2, True), ("aaaabbbb", "aaaabbbb", 2, False),
        ("aaaabbbb", "aaaabbbbcc", 2, False), ("aaaabbbb", "", 3, False), ("", "", 2, False),
    ],
)  # fmt: skip
def test_hosts_that_authenticate_differently(one: str, two: str, version: int, differ: bool) -> None:
    texts = [
        member(101 - number, inside=f"{authenticated(password)}    version {version}\n")
        for number, password in enumerate((one, two))
    ]
    hosts = pair(*texts)
    evidence = found(hosts).get("MHA-V037", [])
    assert hosts_of(evidence) == (["db1", "db2"] if differ else [])
    assert not any(password and password in str(hosts) + str(evidence) for password in (one, two))


def test_hosts_with_other_multicast_groups_and_addresses() -> None:
    settings = GLOBAL.replace("}", "    vrrp_mcast_group4 224.0.0.88\n}")
    assert hosts_of(found(pair(member(before=settings), member(100)))["MHA-V038"]) == ["db1", "db2"]
    assert "MHA-V038" not in found(pair(member(before=settings), member(100, before=settings)))
    usual = settings.replace("224.0.0.88", "224.0.0.18")
    assert "MHA-V038" not in found(pair(member(before=usual), member(100)))
    more = member(addresses="192.0.2.100/24 dev eth0\n        192.0.2.101/24 dev eth0")
    evidence = found(pair(more, member(100)))["MHA-V039"]
    assert [(each.host, each.text) for each in evidence] == [("db1", "VI_1: 192.0.2.101 is not on db2")]


def test_a_copied_source_address_is_the_copys_fault() -> None:
    def unicast(own: str, peer: str) -> str:
        return f"    nopreempt\n    unicast_src_ip {own}\n    unicast_peer {{\n        {peer}\n    }}\n"

    one = member(101, inside=unicast("192.0.2.11", "192.0.2.12"))
    two = member(100, inside=unicast("192.0.2.11", "192.0.2.11"))
    rules = found(pair(one, two))
    assert hosts_of(rules["MHA-V040"]) == ["db2"]
    assert "MHA-V012" not in rules


MESSAGES = [
    "(k.conf: Line 16) number '999' outside range [0, 255]", "(k.conf: Line 3) vrrp_garp_interval '0' is invalid",
    "(k.conf: Line 17) VRRP parsed invalid IP 192.0.2.999/24. skipping IP...",
    "lvs_sync_daemon_interface is deprecated",
    "(k.conf: Line 20) (VI_1) Ignoring track_interface eth0 since own interface", "Unable to access script `/x`",
    "(Line 17) VRRP parsed invalid IP 192.0.2.999/24. skipping IP...", "Disabling track script chk since not found",
]  # fmt: skip


def test_messages_that_mean_something() -> None:
    hosts = pair(member())
    hosts["db1"]["vrrp"]["config_check"] = {"status": 5, "messages": MESSAGES}
    evidence = found(hosts)["MHA-V024"]
    assert [(each.text, each.at) for each in evidence] == [
        ("VRRP parsed invalid IP 192.0.2.999/24. skipping IP...", "k.conf:17"),
    ]  # fmt: skip
    hosts["db1"]["vrrp"]["config_check"]["messages"] = MESSAGES[3:6]
    assert "MHA-V024" not in found(hosts)


@pytest.mark.parametrize(
    ("command", "asks"),
    [
        ("/sbin/ip addr | /bin/grep 192.0.2.100", True), ("/usr/bin/mysqladmin -h 192.0.2.100 ping", True),
        ("/bin/nc -z 192.0.2.100:3306", True), ("/opt/x --at=192.0.2.100/24", True), ("/opt/x 192.0.2.10", False),
        ("/opt/x 192.0.2.1001", False), ("/opt/x 127.0.0.1 3306", False),
    ],
)  # fmt: skip
def test_a_check_that_asks_for_the_vip(command: str, asks: bool) -> None:
    assert ("MHA-V036" in found(pair(member(script=f'"{command}"')))) == asks
    hosts = pair(member())
    hosts["db1"]["vrrp"]["programs"][0]["addresses"] = ["192.0.2.100"]
    assert "MHA-V036" in found(hosts)


@pytest.mark.parametrize(
    ("sign", "name"),
    [("\u00a0", "no-break space"), ("\u200b", "zero width space"), ("\ufeff", "zero width no-break space")],
)
def test_signs_that_nobody_sees(sign: str, name: str) -> None:
    hosts = pair(member().replace("    ", sign * 4))
    evidence = found(hosts)["MHA-V030"]
    assert len(evidence) == 1
    assert name in evidence[0].text
    assert "lines 2-3, 6-7, 10-20" in evidence[0].text
    assert evidence[0].at == "keepalived.conf:2"


def test_typographic_quotes_and_dashes() -> None:
    rules = found(pair(member(script="\u201c/opt/ha/role.sh\u201d", check="    weight \u221220\n    fall \u20132\n")))
    assert {each.text.partition(" ")[0] for each in rules["MHA-V030"]} == {"U+201C", "U+201D", "U+2013"}


@pytest.mark.parametrize(
    ("command", "hidden"),
    [
        ("/opt/ha/check.pl 127.0.0.1 3306 monitor s3cretOfMine", True),
        ("/usr/bin/clustercheck u s3cretOfMine 0", True),
        ("/usr/bin/curl http://mon:s3cretOfMine@192.0.2.11:9200/role", True), ("/opt/ha/check.sh orders eu", False),
    ],
)  # fmt: skip
def test_passwords_of_checks(command: str, hidden: bool) -> None:
    hosts = pair(member(script=f'"{command}"'))
    assert "s3cretOfMine" not in str(hosts)
    assert ("MHA-A006" in found(hosts)) == hidden
