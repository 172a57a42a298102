# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What keepalived configurations mean, as practitioners write them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils._command_line import program
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_conf import Unreadable, parse
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_model import describe
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_programs import commands
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_values import number
from unit.vrrp.practitioners import DIRECTOR, LOCAL_CHECK, MODERN, PER_INSTANCE, UNICAST


def meaning(text: str) -> dict[str, Any]:
    return describe(parse(text.encode(), "k.conf")[0])


def test_several_global_blocks_add_up() -> None:
    found = meaning("global_defs { enable_script_security\n router_id a\n}\nglobal_defs { lvs_timeouts tcp 900\n}\n")
    said = found["global"]
    assert (said["script_security"], said["router_id"], said["lvs_timeouts"]["tcp"]) == (True, "a", 900)
    assert said["at"] == "k.conf:4"


def test_local_check() -> None:
    found = meaning(LOCAL_CHECK)
    instance = found["instances"][0]
    assert (instance["name"], instance["state"], instance["interface"]) == ("VI_1", "BACKUP", "eth0")
    assert (instance["virtual_router_id"], instance["priority"], instance["advert_int"]) == (51, 100, 1)
    assert instance["nopreempt"] is True
    assert (instance["auth_type"], instance["auth_pass_length"], instance["auth_pass_well_known"]) == ("PASS", 4, True)
    assert instance["vips"] == [
        {"address": "192.0.2.100", "prefix": 32, "interface": None, "label": None, "at": "k.conf:24"}
    ]
    assert instance["places"]["priority"] == "k.conf:16"
    assert instance["places"]["auth_pass"] == "k.conf:21"
    service = found["virtual_servers"][0]
    assert (service["address"], service["port"], service["forward"]) == ("192.0.2.100", 3306, "DR")
    assert (service["persistence_timeout"], service["delay_loop"], service["scheduler"]) == (60, 2, "wrr")
    server = service["servers"][0]
    assert (server["address"], server["port"], server["weight"]) == ("192.0.2.11", 3306, 3)
    assert [check["type"] for check in server["checks"]] == ["TCP_CHECK"]
    assert commands(found) == [
        {"kind": "notify", "of": "192.0.2.100", "command": "/etc/keepalived/mysql_down.sh", "at": "k.conf:36",
         "user": None, "dropped": False}
    ]
    assert "1111" not in str(found)


def test_director_of_1_2() -> None:
    found = meaning(DIRECTOR)
    assert found["global"]["router_id"] == "lvs_a"
    vip = found["instances"][0]["vips"][0]
    assert (vip["address"], vip["prefix"], vip["interface"]) == ("192.0.2.200", 24, "bond0.20")
    assert vip["label"] == "bond0.20:0"
    service = found["virtual_servers"][0]
    assert (service["scheduler"], service["forward"], service["persistence_timeout"]) == ("rr", "DR", 0)
    assert [[check["type"] for check in server["checks"]] for server in service["servers"]] == [
        ["TCP_CHECK"], ["MISC_CHECK"],
    ]  # fmt: skip
    assert commands(found)[0]["command"] == "/opt/check/query.sh 192.0.2.22 3306"


def test_an_instance_for_each_mysqld() -> None:
    found = meaning(PER_INSTANCE)
    assert [script["interval"] for script in found["scripts"]] == [60, 60]
    one, two = found["instances"]
    assert one["auth_pass_length"] == 17
    assert one["auth_pass_well_known"] is False
    assert [entry["name"] for entry in one["track_scripts"]] == ["chk_mysql_3306"]
    assert [entry["event"] for entry in one["notify"]] == ["notify_master", "notify_backup"]
    assert (two["state"], two["vips"][0]["address"], two["auth_pass_length"]) == ("MASTER", "192.0.2.137", None)
    assert "Monitor01" not in str(found)
    ran = {entry["command"].split()[0] for entry in commands(found)}
    assert ran >= {"/opt/ha/to_master.py", "/opt/ha/to_backup.py"}


def test_unicast() -> None:
    found = meaning(UNICAST)
    instance = found["instances"][0]
    assert (instance["unicast_src_ip"], instance["unicast_peers"]) == ("192.0.2.31", ["192.0.2.32"])
    assert instance["track_scripts"][0]["weight"] == -20
    assert found["scripts"][0]["weight"] == 2
    assert found["global"]["script_security"] is True
    assert [entry["command"] for entry in instance["notify"]] == [
        "/etc/keepalived/scripts/master.sh", "/etc/keepalived/scripts/backup.sh", "/etc/keepalived/scripts/stop.sh",
    ]  # fmt: skip
    assert instance["auth_pass_length"] == 4, "2.x ends the word at the comment"


def test_conditions_and_parameters() -> None:
    instance = describe(parse(MODERN.encode(), "k.conf", "main")[0])["instances"][0]
    assert (instance["advert_int"], instance["priority"], instance["interface"]) == (0.2, 200, "eth0")
    assert [vip["address"] for vip in instance["vips"]] == ["192.0.2.150", "fd00::150"]
    assert (instance["vips"][0]["prefix"], instance["vips"][0]["interface"]) == (24, "eth0")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("$A=1\na $A ${A}x$A/2 $B", "a 1 1x$A/2 $B"),  # $A ends at a blank, a comma, a bracket or the line
        ("$BASE=10.2.${SUB}\n$SUB=7\na ${BASE}.1", "a 10.2.7.1"),
        ("$A=x y\na $A z$A", "a x y zx y"),
        ("$A=\na $A b", "a b"),
        ("a\n$A=\n$A", "a"),
        ("$A=1\n$A=2\na $A", "a 2"),
        ("$A=$A$A\na $A", "a $A"),
        ("$A=s\nx $A\nauth_pass $A", "auth_pass s"),
        ("$A=s\nauth_pass $A\nx $A", "x $A"),
    ],
)
def test_parameters(text: str, words: str) -> None:
    assert " ".join(parse(text.encode(), "f")[0][-1]["words"]) == words


def test_parameters_that_multiply() -> None:
    text = "$A0=" + "x" * 500 + "\n" + "".join(f"$A{number}=$A{number - 1}$A{number - 1}\n" for number in range(1, 50))
    started = time.process_time()
    found = parse((text + f"a {'${A49}' * 100}\n" * 2000).encode(), "f")[0]
    assert sum(len(word) for statement in found for word in statement["words"]) < 4 * 10**6
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("text", "value"), [("5", 5), ("0.2", 0.2), ("-20", -20), ("", None), ("five", None), (None, None), ("1e9", None)]
)
def test_numbers(text: str | None, value: float | None) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    ("written", "command", "path", "dropped"),
    [
        ("'/opt/ha/check.sh 3306'", "/opt/ha/check.sh 3306", "/opt/ha/check.sh", False),
        ('"/opt/ha/check.sh 3306"', "/opt/ha/check.sh 3306", "/opt/ha/check.sh", False),
        ("/opt/ha/check.sh 3306", "/opt/ha/check.sh 3306", "/opt/ha/check.sh", True),
        ("/opt/ha/check.sh", "/opt/ha/check.sh", "/opt/ha/check.sh", False), ("'/opt/x'", "'/opt/x'", "/opt/x", False),
        ("\"'/path with blank/x' 3306\"", "'/path with blank/x' 3306", "/path with blank/x", False),
        ("'/opt/x' 3306", "/opt/x", "/opt/x", True), ("'sudo -n /opt/x 1'", "sudo -n /opt/x 1", "/opt/x", False),
    ],
)  # fmt: skip
def test_quotes_of_commands(written: str, command: str, path: str, dropped: bool) -> None:
    """keepalived takes one word of a line for the command, and reads both kinds of quotes there."""
    (found,) = commands(meaning(f"vrrp_script c {{\nscript {written}\n}}\n"))
    assert (found["command"], program(found["command"]).path, found["dropped"]) == (command, path, dropped)


@pytest.mark.parametrize(
    ("words", "command", "user", "dropped"),
    [
        ('"/n.sh a 5" mysql', "/n.sh a 5", "mysql", False), ('"/n.sh a" mysql mysql', "/n.sh a", "mysql", False),
        ("/n.sh root", "/n.sh", "root", False), ("/n.sh --to MASTER", "/n.sh --to MASTER", None, True),
        ("/n.sh /x", "/n.sh /x", None, True), ('"/n.sh a 5"', "/n.sh a 5", None, False),
    ],
)  # fmt: skip
def test_as_whom_events_run(words: str, command: str, user: str | None, dropped: bool) -> None:
    (found,) = commands(meaning(f"vrrp_instance a {{\nnotify_master {words}\n}}\n"))
    assert (found["command"], found["user"], found["dropped"]) == (command, user, dropped)


def test_who_runs_a_script() -> None:
    found = commands(meaning(
        "global_defs { script_user us\n}\nvrrp_script own {\nscript /a\nuser me\n}\nvrrp_script other {\nscript /b\n}\n"
        "vrrp_instance own { notify /c\n}"
    ))  # fmt: skip
    assert [(each["command"], each["user"]) for each in found] == [("/a", "me"), ("/b", "us"), ("/c", "us")]


def test_groups_of_virtual_servers() -> None:
    found = meaning(
        "virtual_server group g {\nlb_kind DR\nquorum_up /up\nreal_server 192.0.2.11 3306 { }\n}\n"
        "virtual_server_group g {\n192.0.2.1-3 3306\nfd00::fe-100 80\nfwmark 7\n192.0.2.9 80\nx-y 1\n}\n"
        "virtual_server group none { }"
    )
    services = found["virtual_servers"]
    assert [(each["group"], each["address"], each["port"], each["mark"]) for each in services] == [
        ("g", "192.0.2.1", 3306, None), ("g", "192.0.2.2", 3306, None), ("g", "192.0.2.3", 3306, None),
        ("g", "fd00::fe", 80, None), ("g", "fd00::ff", 80, None), ("g", "fd00::100", 80, None),
        ("g", None, None, 7), ("g", "192.0.2.9", 80, None), ("none", None, None, None),
    ]  # fmt: skip
    assert [each["servers"][0]["address"] for each in services[:-1]] == ["192.0.2.11"] * 8
    assert [(each["of"], each["command"]) for each in commands(found)] == [("g", "/up")]


def test_what_is_tracked_by_groups_and_weighs() -> None:
    found = meaning(
        "vrrp_track_process p {\nprocess mysqld\nweight 5\n}\nvrrp_sync_group s {\ngroup {\na\nb\n}\n"
        "track_script {\nc weight 3\n}\ntrack_process {\np\n}\nnotify_stop /x\n}"
    )
    assert found["track_processes"][0]["weight"] == 5
    group = found["sync_groups"][0]
    assert group["members"] == ["a", "b"]
    assert [(each["name"], each["weight"]) for each in group["track_scripts"]] == [("c", 3)]
    assert [each["name"] for each in group["track_processes"]] == ["p"]
    assert (group["track_files"], group["track_interfaces"]) == ([], [])
    assert group["notify"][0]["event"] == "notify_stop"


WORDS = [
    "vrrp_instance", "virtual_server", "real_server", "vrrp_script", "global_defs", "virtual_ipaddress",
    "authentication", "auth_pass", "track_script", "weight", "lvs_timeouts", "url", "path", "misc_path", "MISC_CHECK",
    "notify_master", "group", "fwmark", "virtual_server_group", "192.0.2.1-9", "-", "a:-",
    "dev", "192.0.2.1", "192.0.2.1/999", "/99", "::1/64", "$X", "x", "9" * 30,
    "{", "{", "}", "\n", '"', "-1", "",
]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=60))
def test_its_own_words_in_any_order(words: list[str]) -> None:
    try:
        statements, _problems = parse(" ".join(words).encode(), "k.conf")
    except Unreadable:
        return
    commands(describe(statements))


@given(
    st.sampled_from([LOCAL_CHECK, DIRECTOR, PER_INSTANCE, UNICAST, MODERN]), st.integers(0, 1200), st.integers(0, 1200)
)
def test_a_configuration_with_a_piece_missing(text: str, start: int, end: int) -> None:
    try:
        commands(meaning(text[:start] + text[end:]))
    except Unreadable as error:
        assert "\n" not in str(error)  # noqa: PT017
