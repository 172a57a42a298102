# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role writes for HAProxy, systemd and keepalived."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from haproxy_state import read_servers
from unit.haproxy.rendering import CASES, by_hand, complaints, main, model, render, services

DERIVED = CASES["derived"]["zz-mysql-ha-orders.cfg"]


def section(config: str, head: str) -> list[str]:
    """The lines of a section, without indentation."""
    found = re.search(rf"^{head}\b[^\n]*\n((?:[ \t][^\n]*\n|\n)*)", config, re.MULTILINE)
    assert found, config
    return [line.strip() for line in found[1].splitlines() if line.strip()]


def test_the_writers_port() -> None:
    assert section(DERIVED, "frontend mysql_orders_writes") == [
        "bind *:6446", "maxconn 4000", "default_backend mysql_orders_writer",
    ]  # fmt: skip
    assert section(DERIVED, "backend mysql_orders_writer") == [
        "option httpchk",
        "http-check send meth GET uri /writer ver HTTP/1.1 hdr Host mysql-ha",
        "http-check expect status 200",
        "server-state-file-name /run/mysql-ha-haproxy/mysql_orders_writer.state",
        "server db1 10.0.0.11:3306 check port 8308",
        "server db2 10.0.0.12:3306 check port 8308",
    ]


def test_the_readers_port() -> None:
    assert section(DERIVED, "frontend mysql_orders_reads") == [
        "bind *:6447",
        "maxconn 4000",
        "# While nobody else can, the writer serves reads",
        "use_backend mysql_orders_writer if { nbsrv(mysql_orders_reader) lt 1 }",
        "default_backend mysql_orders_reader",
    ]
    lines = section(DERIVED, "backend mysql_orders_reader")
    assert lines[:2] == ["balance leastconn", "option httpchk"]
    assert "http-check send meth GET uri /reader?max_lag=10 ver HTTP/1.1 hdr Host mysql-ha" in lines
    assert lines[-1] == "server db3 10.0.0.13:3306 check port 8308 weight 1"


def test_settings_of_all_sections() -> None:
    lines = section(DERIVED, "defaults mysql_orders_defaults")
    for line in (
        "mode tcp", "log stdout format short daemon", "timeout client 604800s", "timeout server 604800s",
        "timeout check 700ms", "default-server inter 200ms fastinter 100ms downinter 100ms fall 2 rise 1"
        " on-marked-down shutdown-sessions",
    ):  # fmt: skip
        assert line in lines


def test_every_section_has_its_settings_from_here() -> None:
    """Or it would have those of other people's haproxy.cfg."""
    for files in CASES.values():
        for config in files.values():
            for head in re.findall(r"^(?:frontend|backend)[^\n]*", config, re.MULTILINE):
                assert " from mysql_" in head


def test_a_session_is_told_to_others_as_asked() -> None:
    config = CASES["everything"]["zz-mysql-ha-orders.cfg"]
    assert section(config, "frontend mysql_orders_writes")[:2] == [
        "bind 10.0.0.210:6446 transparent accept-proxy", "bind [::]:6446 v6only accept-proxy",
    ]  # fmt: skip
    assert section(config, "backend mysql_orders_writer")[-1] == (
        "server db2 10.0.0.12:3306 check port 8308 source 10.0.0.14:0"
    )
    assert "use_backend" not in config
    assert "log 127.0.0.1:514 local0" in section(config, "defaults mysql_orders_defaults")


def test_the_writer_among_the_readers() -> None:
    (service,) = services(fallback=False)
    config = render("service.cfg.j2", service={**service, "writer": True})
    assert "uri /reader?max_lag=10&writer=1 ver" in config


def test_looks_that_know_nothing_of_roles_say_so() -> None:
    for file, look in (("old", "option tcp-check"), ("older", "option mysql-check user haproxy_check")):
        config = CASES["everything"][f"zz-mysql-ha-{file}.cfg"]
        lines = section(config, f"backend mysql_{file}_reader")
        assert look in lines
        assert any(line.startswith("# NOT AWARE OF ROLES") for line in lines)
        assert "inter 1000ms fastinter 500ms" in config
    # In small letters it never matches
    assert "expect rbinary ^.{6}000A\n" in CASES["everything"]["zz-mysql-ha-old.cfg"]
    assert section(config, "backend mysql_older_writer")[-1] == (
        "server old1 10.0.0.31:3306 check send-proxy-v2 check-send-proxy"
    )


def test_ports_that_are_not_offered() -> None:
    config = render("service.cfg.j2", service=by_hand(writer_port=0))
    assert re.findall(r"^(\w+) (\S+)", config, re.MULTILINE)[1:] == [
        ("backend", "mysql_old_writer"), ("frontend", "mysql_old_reads"), ("backend", "mysql_old_reader"),
        ("backend", "mysql_old_view"),
    ]  # fmt: skip
    nobody_else = by_hand(servers=[{"address": "10.0.0.31", "candidate": True, "reader": False}])
    assert "default_backend mysql_old_writer" in section(
        render("service.cfg.j2", service=nobody_else), "frontend mysql_old_reads"
    )


def test_the_state_of_all_servers_is_handed_on() -> None:
    """The program that does it reads what the template writes."""
    assert read_servers(DERIVED) == {
        "mysql_orders_writer": {"db1": ("10.0.0.11", "3306"), "db2": ("10.0.0.12", "3306")},
        "mysql_orders_reader": {f"db{number}": (f"10.0.0.1{number}", "3306") for number in (1, 2, 3)},
    }
    assert read_servers(CASES["everything"]["zz-mysql-ha-old.cfg"])["mysql_old_reader"] == {
        "old1": ("10.0.0.31", "3306"), "fd00::32": ("fd00::32", "3306"),
    }  # fmt: skip


def test_what_members_are_told() -> None:
    base = CASES["derived"]["zz-mysql-ha.cfg"]
    assert section(base, "frontend mysql_view") == [
        "bind 10.0.0.14:8407", "maxconn 50", "http-request deny unless { src 10.0.0.11 10.0.0.12 10.0.0.13 }",
        "# Each service has its answer in its own file", "use_backend mysql_%[path,field(2,/)]_view",
    ]  # fmt: skip
    answer = section(DERIVED, "backend mysql_orders_view")[-1]
    assert '"writer":{"db1":[%[srv_is_up(mysql_orders_writer/db1)],' in answer
    assert "mysql_view" not in render("base.cfg.j2", haproxy_view_port=0)
    assert "mysql_view" not in render("base.cfg.j2", cluster_proxy_model={**model(), "clusters": []})


def test_no_two_sections_share_a_name() -> None:
    """HAProxy 3.3 refuses that."""
    for files in CASES.values():
        heads = re.findall(r"^(?:defaults|frontend|backend) (\S+)", "".join(files.values()), re.MULTILINE)
        assert len(set(heads)) == len(heads)


def test_statistics() -> None:
    base = CASES["everything"]["zz-mysql-ha.cfg"]
    assert section(base, "frontend mysql_stats")[0] == "bind 127.0.0.1:8404"
    assert section(base, "userlist mysql_stats")[-1] == (
        "user watcher insecure-password 'it'\\''s $only {for} \"tests\"'"
    )
    assert "mysql_stats" not in CASES["derived"]["zz-mysql-ha.cfg"]


def test_maxconn_is_left_alone_where_others_have_ports_or_a_maxconn_too() -> None:
    assert "maxconn 8100" in section(render("base.cfg.j2"), "global")
    for others in ({"haproxy_foreign_maxconn": "20000"}, {"haproxy_alone": False}):
        assert not [line for line in section(render("base.cfg.j2", **others), "global") if "maxconn" in line]


def test_the_vip() -> None:
    config = render("haproxy_vip.conf.j2")
    assert "10.0.0.210/32 dev eth0" in config
    assert "virtual_router_id 91" in config
    alone = render("haproxy_vip.conf.j2", cluster_proxy_model={**model(), "peers": [], "vip": "fd00::d2"})
    assert "fd00::d2/128" in alone
    assert "unicast" not in alone


def test_the_units() -> None:
    unit = render("haproxy.service.conf.j2")
    assert unit.index("haproxy-state save") < unit.index("kill -USR2")
    assert "LimitNOFILE=524288" in unit
    assert "ExecReload=" not in render("haproxy.service.conf.j2", __haproxy_tell_service=False)
    assert "ip address delete 10.0.0.210/32 dev eth0" in render("keepalived.service.conf.j2")


@pytest.mark.skipif(not shutil.which("haproxy"), reason="no HAProxy here")
@pytest.mark.parametrize("case", CASES)
def test_haproxy_takes_it(tmp_path: Path, case: str) -> None:
    main(str(tmp_path))
    done = subprocess.run(["haproxy", "-c", "-f", str(tmp_path / case)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert complaints(done.stderr) == []
