# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HAProxy's configuration, as practitioners write it (field notes, C)."""

from __future__ import annotations

import json
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit import Cluster
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_rules import RULES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_conf import (
    Unreadable,
    describe,
    milliseconds,
    parse,
    words,
)
from unit.audit.builders import good, proxy

BY_HAND = """\
global
    log 127.0.0.1 local2
    chroot /var/lib/haproxy
    maxconn 4000
defaults
    mode http
    retries 3
    timeout connect 3s
    timeout client 5s # kills idle sessions
    timeout server 5000
listen mysql 0.0.0.0:3307
    mode tcp
    balance roundrobin
    option mysql-check user haproxy_check
    default-server inter 2s weight 3
    server db2 192.0.2.12:3306 check
    server db3 192.0.2.13:3306 check weight 1 backup
    server "db 4" [fd00::4]:3306
listen stats
    bind *:8888
    stats enable
    stats auth myadmin:myadmin
defaults quiet
    timeout client 1h
backend late from quiet
    option httpchk GET /writer
    server s unix@/run/x.sock
"""


def test_by_hand() -> None:
    mysql, stats, late = describe(parse(BY_HAND.encode(), "h"))["proxies"]
    assert (mysql["name"], mysql["mode"], mysql["check"]) == ("mysql", "tcp", "mysql-check user haproxy_check")
    assert [(each["address"], each["at"]) for each in mysql["binds"]] == [("0.0.0.0:3307", "h:11")]
    assert mysql["timeouts"]["client"] == {"ms": 5000, "at": "h:9"}
    assert mysql["timeouts"]["server"]["ms"] == 5000
    assert [(each["name"], each["address"], each["port"], each["weight"], each["check"], each["backup"])
            for each in mysql["servers"]] == [
        ("db2", "192.0.2.12", 3306, 3, True, False),
        ("db3", "192.0.2.13", 3306, 1, True, True),
        ("db 4", "fd00::4", 3306, 3, False, False),
    ]  # fmt: skip
    assert stats["stats"] == {"at": "h:22", "auth": True, "well_known": True, "admin": False}
    assert late["timeouts"] == {"client": {"ms": 3600000, "at": "h:24"}}
    assert late["servers"][0]["port"] is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a b # c", ["a", "b"]), (r"a\ b \# c", ["a b", "#", "c"]), ('"a b" c\'d e\'', ["a b", "cd e"]), ("#", []),
        ('a "b', ["a", "b"]), ("", []), (r'"a \" b"', ['a " b']), (r"'a \'", ["a \\"]),
        (r'a\x41 "\n" \q', ["aA", "\n", "\\q"]),
    ],
)  # fmt: skip
def test_words(line: str, expected: list[str]) -> None:
    assert words(line) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", 5), ("5s", 5000), ("2m", 120000), ("1h", 3600000), ("10us", 0), ("x", None), ("", None)],
)
def test_durations(text: str, expected: int | None) -> None:
    assert milliseconds(text) == expected


def read(data: bytes) -> None:
    try:
        json.dumps(describe(parse(data, "h")))
    except Unreadable as error:
        assert "\n" not in str(error)  # noqa: PT017


@given(st.binary() | st.text().map(str.encode))
def test_anything(data: bytes) -> None:
    read(data)
    read(b"listen x\n" + data)


WORDS = sorted({*BY_HAND.split(), "\n", "from", '"', "\\", "no", ":", "[:"})


@given(st.lists(st.sampled_from(WORDS), max_size=50))
def test_its_own_words_in_any_order(found: list[str]) -> None:
    read(" ".join(found).encode())


@given(st.integers(0, len(BY_HAND)), st.integers(0, len(BY_HAND)))
def test_a_configuration_with_a_piece_missing(start: int, end: int) -> None:
    read((BY_HAND[:start] + BY_HAND[end:]).encode())


@pytest.mark.parametrize("text", ['"', "\\", "a ", "'", "listen x\n", "server a b:1\n", "#", "\n"])
def test_huge_ones_end_in_time(text: str) -> None:
    started = time.process_time()
    read(b"listen x\n" + text.encode() * (400_000 // len(text)))
    assert time.process_time() - started < 10


def work(number: int) -> int:
    """How many calls it takes to read and judge so many frontends, backends and ACLs on one host."""
    lines = ["defaults", "    mode http", "    stats enable"]
    for each in range(number):
        lines += [
            f"frontend f{each}", f"    bind :{each + 1000}", f"    acl a src 192.0.2.{each % 250}",
            "    http-request deny if { path /x }", f"    default_backend b{each}", f"backend b{each}", "    mode tcp",
            "    default-server check", f"    server db1 192.0.2.11:3306 track b{each - 1}/db1",
            f"    server db2 192.0.2.12:{each + 3306} check",
        ]  # fmt: skip
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        cluster = Cluster("x", {**good(), "hap1": proxy("\n".join(lines))})
        for rule in RULES:
            if rule.id.startswith("MHA-H"):
                list(rule.find(cluster))
    finally:
        sys.setprofile(before)
    return calls


def test_the_work_grows_with_the_number_of_proxies() -> None:
    assert work(400) < 2.3 * work(200)
