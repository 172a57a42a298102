# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HAProxy as it is configured in the field: what each of these was judged wrongly for, and its relatives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_rules import RULES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_conf import describe, parse
from unit.audit.builders import change, evidence, good, proxy

FIELD = Path(__file__).parent / "field"
ALONE = """\
defaults
    mode tcp
    timeout connect 5s
    timeout client 9h
    timeout server 9h
"""
STATS = f"{ALONE}listen st\n    mode http\n    bind :8404\n    stats enable\n"
PAIR = """\
    server db1 192.0.2.11:3306 check port 8406 on-marked-down shutdown-sessions
    server db2 192.0.2.12:3306 check port 8406 on-marked-down shutdown-sessions
"""


def case(name: str, file: str = "haproxy.cfg") -> str:
    return (FIELD / name / file).read_text(encoding="utf-8")


def behind(one: str, other: str | None = None) -> dict[str, Any]:
    """The good cluster behind two proxies with these configurations."""
    hosts = {**good(), "hap1": proxy(one), "hap2": proxy(one if other is None else other)}
    hosts["hap2"]["os"] = {**hosts["hap2"]["os"], "addresses": ["192.0.2.32"]}
    return hosts


def found(hosts: dict[str, Any]) -> dict[str, list[str]]:
    """What the rules of proxies say of hap1, by rule."""
    said = {
        rule.id: [each.text for each in evidence(rule.id, hosts) if each.host == "hap1"]
        for rule in RULES if rule.id.startswith("MHA-H")
    }  # fmt: skip
    return {rule: texts for rule, texts in said.items() if texts}


def own(name: str, file: str = "haproxy.cfg") -> dict[str, list[str]]:
    return found(behind(case(name, file)))


def of(text: str) -> dict[str, list[str]]:
    return found(behind(text))


def test_defaults_inherit_from_others() -> None:
    assert own("defaults-from") == {
        "MHA-H002": [
            "reads: timeout client 60 s, wait_timeout 28800 s", "reads: timeout server 60 s, wait_timeout 28800 s",
        ]
    }  # fmt: skip
    chain = "defaults a\n    timeout client 5s\ndefaults b from a\ndefaults c from b\n    mode http\n"
    last = describe(parse(f"{chain}listen x\n".encode(), "h"))["proxies"][0]
    assert (last["mode"], last["timeouts"]["client"]["ms"]) == ("http", 5000)
    fresh = describe(parse(f"{chain}defaults from a\nlisten x\n".encode(), "h"))["proxies"][0]
    assert (fresh["mode"], fresh["timeouts"]["client"]["ms"]) == ("tcp", 5000)


@pytest.mark.parametrize("file", ["ipv4.cfg", "setenv.cfg"])
def test_other_forms_of_addresses(file: str) -> None:
    assert own("other-forms-of-addresses", file) == {}
    blind = case("other-forms-of-addresses", file).replace("    option httpchk GET /reader\n", "")
    assert of(blind)["MHA-H004"] == ["reads: connects only"]


def test_a_loopback_address_is_the_host_itself() -> None:
    text = case("other-forms-of-addresses", "loopback.cfg")
    hosts = good()
    hosts["db1"]["haproxy"] = proxy(text)["haproxy"]
    said = [each.text for each in evidence("MHA-H002", hosts) if each.host == "db1"]
    assert said == ["w: timeout client 30 s, wait_timeout 28800 s", "w: timeout server 30 s, wait_timeout 28800 s"]
    hosts["db1"]["mysql"]["socket"] = "/run/mysqld/mysqld.sock"
    hosts["db1"]["haproxy"] = proxy(text.replace("127.0.0.1:3306", "unix@/run/mysqld/mysqld.sock"))["haproxy"]
    assert len([each for each in evidence("MHA-H002", hosts) if each.host == "db1"]) == 2


def test_servers_from_dns_are_said_not_to_be_judged() -> None:
    described = describe(parse(case("other-forms-of-addresses", "template.cfg").encode(), "h"))
    assert list(described["problems"]) == [
        "h:10: r/db: server-template takes its servers from DNS; they are not judged"
    ]
    assert described["proxies"][0]["servers"][0]["address"] == "db.example.org"


def test_an_unknown_variable_is_said() -> None:
    text = "listen r\n    server db1 ${NOWHERE}:3306 check\n"
    assert list(describe(parse(text.encode(), "h"))["problems"]) == [
        "h:2: r/db1: the address is in a variable of the environment that is not known; it is not judged"
    ]
    known = describe(parse(text.encode(), "h", {"NOWHERE": "192.0.2.11"}))
    assert (known["proxies"][0]["servers"][0]["address"], list(known["problems"])) == ("192.0.2.11", [])


@pytest.mark.parametrize("file", ["http-auth.cfg", "acl.cfg", "tcp.cfg"])
def test_protected_statistics(file: str) -> None:
    assert own("protected-statistics", file) == {}


@pytest.mark.parametrize("guard", [
    "http-request auth realm x unless { http_auth(u) }", "http-request deny if !{ src 192.0.2.0/26 }",
    "http-request silent-drop unless { src -f /etc/ops }", "http-request deny unless LOCALHOST",
    "acl ops src 192.0.2.1\n    tcp-request connection accept if ops\n    tcp-request connection reject",
    "acl ops src 192.0.2.1\n    block unless ops", "tcp-request content reject unless { src 192.0.2.0/26 }",
    "bind :8405 ssl crt /x verify required ca-file /y", "acl who http_auth(u)\n    http-request auth unless who",
    "stats auth me:Zq8-long", "stats http-request deny unless { src 192.0.2.0/26 }",
])  # fmt: skip
def test_guards_of_statistics(guard: str) -> None:
    text = f"userlist u\n    user me password $5$x$y\n{STATS}    {guard}\n"
    if guard.startswith("bind"):
        text = text.replace("    bind :8404\n", "")
    assert of(text) == {}


@pytest.mark.parametrize("look_alike", [
    "http-request deny if { path /secret }", "acl ops path /x\n    http-request deny if ops", "stats refresh 5s",
    "http-request set-header X-Src %[src]", "stats admin if TRUE", "tcp-request connection reject if { path / }",
])  # fmt: skip
def test_no_guards_of_statistics(look_alike: str) -> None:
    assert "st on :8404 without a password" in of(f"{STATS}    {look_alike}\n")["MHA-H003"][0]


def test_statistics_of_a_backend_and_of_defaults_and_of_prometheus() -> None:
    back = f"{ALONE}frontend f\n    mode http\n    bind :80\n    default_backend b\nbackend b\n    mode http\n"
    assert of(f"{back}    stats uri /\n")["MHA-H003"] == ["f on :80 without a password"]
    assert (
        of(f"{back.replace('bind :80', 'bind :80\n    http-request deny unless { src 192.0.2.1 }')}    stats uri /\n")
        == {}
    )
    inherited = "defaults\n    mode http\n    stats enable\nlisten web\n    bind :80\n"
    assert of(inherited)["MHA-H003"] == ["web on :80 without a password"]
    exporter = f"{ALONE}frontend m\n    mode http\n    bind :8405\n    http-request use-service prometheus-exporter\n"
    assert of(exporter)["MHA-H003"] == ["m on :8405 without a password"]


def test_a_list_of_users_with_a_password_that_everybody_knows() -> None:
    users = "userlist u\n    user dba insecure-password admin\n"
    text = f"{users}{STATS}    stats http-request auth unless {{ http_auth(u) }}\n"
    assert of(text)["MHA-H003"] == ["st on :8404 with a password that everybody knows"]
    assert of(text.replace("insecure-password admin", "insecure-password Zq8-long")) == {}


@pytest.mark.parametrize("file", ["expect.cfg", "agent.cfg"])
def test_checks_that_know_the_role(file: str) -> None:
    assert "MHA-H004" not in own("checks-that-know-the-role", file)


@pytest.mark.parametrize(("check", "knows"), [
    ("option tcp-check", False),
    ("option tcp-check\n    tcp-check connect\n    tcp-check expect rbinary ^.{6}000A", False),
    ("option tcp-check\n    tcp-check connect port 9201\n    tcp-check expect string OK", True),
    ("option tcp-check\n    tcp-check send-binary 03\n    tcp-check expect binary 01", True),
    ("option external-check", True), ("option ssl-hello-chk", False), ("option mysql-check user x", False),
    ("option httpchk\n    option mysql-check", False),
])  # fmt: skip
def test_which_checks_know_roles(check: str, knows: bool) -> None:
    text = f"{ALONE}listen reads\n    bind :3307\n    {check}\n{PAIR.replace(' port 8406', '')}"
    assert ("MHA-H004" not in of(text)) is knows


def test_a_server_that_follows_the_check_of_another() -> None:
    asked = f"backend health\n    option httpchk GET /reader\n{PAIR}"
    text = (
        f"{ALONE}{asked}listen reads\n    bind :3307\n    server db1 192.0.2.11:3306 track health/db1\n"
        "    server db2 192.0.2.12:3306 track health/db2\n"
    )
    assert of(text) == {}
    assert "MHA-H004" in of(text.replace("    option httpchk GET /reader\n", ""))


def test_no_server_is_checked() -> None:
    assert own("no-server-is-checked") == {"MHA-H008": ["reads: no check of db1, db2; its httpchk does nothing"]}
    plain = case("no-server-is-checked").replace("    option httpchk GET /reader\n", "")
    assert of(plain) == {"MHA-H008": ["reads: no check of db1, db2"]}
    assert of(case("no-server-is-checked").replace("    server", "    default-server check\n    server", 1)) == {}
    one = case("no-server-is-checked").replace("11:3306", "11:3306 check")
    assert of(one) == {"MHA-H008": ["reads: no check of db2"]}
    undone = case("no-server-is-checked").replace("3306\n", "3306 check no-check\n")
    assert list(of(undone)) == ["MHA-H008"]


def test_a_runtime_socket_on_the_network() -> None:
    assert own("runtime-socket-on-the-network") == {"MHA-H010": ["stats socket ipv4@0.0.0.0:9999 level admin"]}


@pytest.mark.parametrize(("socket", "rule"), [
    (":9999 level admin", "MHA-H010"), (":${PORT} level admin", "MHA-H010"),
    ("*:9999 level admin", "MHA-H010"), ("[fd00::1]:9999 level admin", "MHA-H010"),
    ("192.0.2.31:9999", "MHA-H003"), ("192.0.2.31:9999 level user", "MHA-H003"),
    ("/run/h.sock mode 666 level admin", "MHA-H011"), ("unix@/run/h.sock level admin mode 777", "MHA-H011"),
    ("/run/h.sock mode 660 level admin", ""), ("/run/h.sock mode 666 level user", ""), ("fd@3 level admin", ""),
    ("127.0.0.1:9999 level admin", ""), ("ipv6@::1:9999 level admin", ""), ("abns@x level admin", ""),
])  # fmt: skip
def test_who_may_give_commands(socket: str, rule: str) -> None:
    text = case("runtime-socket-on-the-network").replace("ipv4@0.0.0.0:9999 level admin", socket)
    assert list(of(text)) == ([rule] if rule else [])


def accounts(**values: Any) -> dict[str, Any]:
    """The cluster of 8.4 behind mysql-check, with an account for it."""
    hosts = behind(case("mysql-check-that-cannot-log-in"))
    account = {"user": "haproxy", "host": "192.0.2.31", "privileges": [], "plugin": "mysql_native_password",
               "password": "empty", **values}  # fmt: skip
    for host in ("db1", "db2"):
        hosts[host]["mysql"].update(version="8.4.3", version_number=[8, 4, 3])
        hosts[host]["mysql"]["accounts"] = [*hosts[host]["mysql"]["accounts"], account]
    return hosts


@pytest.mark.parametrize(("values", "why"), [
    ({}, ""), ({"plugin": "caching_sha2_password"}, "and 'haproxy'@'192.0.2.31' has caching_sha2_password"),
    ({"password": "set"}, "sends no password, and 'haproxy'@'192.0.2.31' has one"),
    ({"host": "192.0.2.99"}, "comes from 192.0.2.31, and 'haproxy' is only for 192.0.2.99"),
    ({"host": "192.0.2.%"}, ""),
    ({"tls": True}, "'haproxy'@'192.0.2.31' needs it"), ({"locked": True}, "is locked"),
])  # fmt: skip
def test_mysql_check_that_cannot_log_in(values: dict[str, Any], why: str) -> None:
    said = found(accounts(**values)).get("MHA-H001", [])
    assert (len(said) == 2 and why in said[0]) if why else said == []


def test_mysql_check_without_tls() -> None:
    hosts = accounts()
    for host in ("db1", "db2"):
        hosts = change(hosts, f"{host}/mysql/variables/require_secure_transport", "ON")
    assert "require_secure_transport = ON" in found(hosts)["MHA-H001"][0]


def test_mysql_check_of_another_program() -> None:
    said = own("mysql-check-that-cannot-log-in", "port9200.cfg")["MHA-H001"]
    assert said[0] == "my/db1: mysql-check of port 9200, but MySQL is at 3306"
    hosts = behind(case("mysql-check-that-cannot-log-in", "port9200.cfg"))
    for host in ("db1", "db2"):
        hosts[host]["mysql"].update(version_number=[10, 11, 6], flavour="mariadb")
        hosts[host]["mysql"]["variables"]["extra_port"] = "9200"
    assert "MHA-H001" not in found(hosts)


def test_a_proxy_that_speaks_the_new_protocol() -> None:
    hosts = accounts(plugin="caching_sha2_password")
    for host in ("hap1", "hap2"):
        hosts[host]["haproxy"]["info"] = {"version": "3.4.1"}
    assert "MHA-H001" not in found(hosts)
    hosts["hap1"]["haproxy"]["info"] = {"version": "3.2.26"}
    assert "MHA-H001" in found(hosts)


def test_an_account_for_the_check_has_no_password_and_may_nothing() -> None:
    said = [each.text for each in evidence("MHA-A003", accounts())]
    assert said == []
    for worse in ({"privileges": ["SELECT"]}, {"host": "%"}, {"user": "app"}):
        assert evidence("MHA-A003", accounts(**worse)), worse


def test_timeout_tunnel_replaces_the_others() -> None:
    assert "MHA-H002" not in own("timeout-tunnel", "long-tunnel.cfg")
    said = own("timeout-tunnel", "short-tunnel.cfg")["MHA-H002"]
    assert said == ["writes: timeout tunnel 600 s, wait_timeout 28800 s"]


@pytest.mark.parametrize("old", ["clitimeout 5000", "timeout clitimeout 5s", "timeout client 5s"])
def test_old_words_of_timeouts(old: str) -> None:
    text = f"{ALONE}listen reads 0.0.0.0:3307\n    {old}\n    option httpchk GET /reader\n{PAIR}"
    assert of(text) == {"MHA-H002": ["reads: timeout client 5 s, wait_timeout 28800 s"]}


def test_sessions_stay_with_the_old_writer() -> None:
    text = case("sessions-stay-with-the-old-writer")
    said = ["writes: no on-marked-down shutdown-sessions for db1, db2"]
    assert of(text) == {"MHA-H009": said}
    ended = text.replace("    server", "    default-server on-marked-down shutdown-sessions\n    server", 1)
    assert of(ended) == {}
    assert of(text.replace("/writer", "/reader").replace("writes", "reads")) == {}
    named = text.replace("/writer", "/").replace("writes", "db-master")
    assert of(named)["MHA-H009"] == [said[0].replace("writes", "db-master")]


def test_a_check_by_what_it_expects_is_for_the_writer() -> None:
    expect = "    tcp-check expect string master\\ is\\ running\n    option tcp-check\n"
    text = f"{ALONE}listen db\n    bind :3306\n{expect}"
    pool = "    default-server port 9200\n" + PAIR.replace(" port 8406 on-marked-down shutdown-sessions", "")
    assert of(text + pool) == {"MHA-H009": ["db: no on-marked-down shutdown-sessions for db1, db2"]}


def test_lines_of_another_kind_of_check_count_for_nothing() -> None:
    """What `defaults` say of an HTTP check is without effect where a section has tcp-check."""
    inherited = "    http-check send meth GET uri /writer\n    http-check expect string writer\n"
    own_lines = "    mode tcp\n    option tcp-check\n    server db1 192.0.2.11:3306 check port 9200\n"
    text = f"defaults\n{inherited}listen db\n{own_lines}"
    (proxy,) = describe(parse(text.encode(), "h"))["proxies"]
    assert (proxy["check"], proxy["check_expects"], proxy["check_sends"]) == ("tcp-check", False, False)
    (proxy,) = describe(parse(text.replace("option tcp-check", "option httpchk").encode(), "h"))["proxies"]
    assert (proxy["check_expects"], proxy["check_sends"]) == (True, True)


def test_sessions_stay_with_the_backup() -> None:
    text = f"{ALONE}listen my\n    bind :3306\n    option httpchk\n{PAIR.rstrip()} backup\n"
    assert of(text) == {"MHA-H009": [
        "my: no on-marked-up shutdown-backup-sessions for db1: when it returns, two write"
    ]}  # fmt: skip
    assert of(text.replace("sessions\n", "sessions on-marked-up shutdown-backup-sessions\n", 1)) == {}


def test_proxies_offer_different_servers() -> None:
    one, two = (case("proxies-offer-different-servers", name) for name in ("one.cfg", "two.cfg"))
    said = found(behind(two, one))
    assert said["MHA-H012"] == ["writes has db1:3306, db2:3306, but db1:3306 on hap2"]
    assert "MHA-H005" not in said
    assert "MHA-H012" not in found(behind(two))


def test_proxies_send_sessions_to_different_servers() -> None:
    hap1, hap2 = (case("proxies-offer-different-servers", name) for name in ("hap1.cfg", "hap2.cfg"))
    said = found(behind(hap1, hap2))
    assert said["MHA-H013"] == ["galera sends all to db1:3306, but to db2:3306 on hap2"]
    assert "MHA-H012" not in said
    assert "MHA-H013" not in found(behind(hap1))
    asked = [each.replace("option httpchk", "option httpchk GET /writer") for each in (hap1, hap2)]
    assert "MHA-H013" not in found(behind(*asked))


@pytest.mark.parametrize(("one", "other"), [
    (PAIR.replace("db1 192.0.2.11:3306", "db1 192.0.2.11:3306 weight 0"),
     PAIR.replace("db2 192.0.2.12:3306", "db2 192.0.2.12:3306 weight 0")),
    (f"    balance first\n{PAIR}", "    balance first\n" + "\n".join(reversed(PAIR.splitlines())) + "\n"),
])  # fmt: skip
def test_who_gets_sessions(one: str, other: str) -> None:
    start = f"{ALONE}listen my\n    bind :3306\n    option httpchk\n"
    assert "MHA-H013" in found(behind(start + one, start + other))
    assert "MHA-H013" not in found(behind(start + one))
    assert "MHA-H013" not in found(behind(start + PAIR, start + "\n".join(reversed(PAIR.splitlines()))))


def test_the_same_server_by_another_name_is_the_same() -> None:
    text = f"{ALONE}listen reads\n    bind :3307\n    option httpchk GET /reader\n{PAIR}"
    assert found(behind(text, text.replace("192.0.2.11:", "db1:").replace("192.0.2.12:", "ipv4@192.0.2.12:"))) == {}


def test_slow_checks() -> None:
    text = f"{ALONE}listen reads\n    bind :3307\n    option httpchk GET /reader\n    default-server inter 10s\n{PAIR}"
    assert of(text)["MHA-H014"] == ["reads: up to 40 s (inter 10 s, fall 3) until a hung server is out"]
    assert of(text.replace("inter 10s", "inter 5s")) == {}
    faster = text.replace("inter 10s", "inter 20s fastinter 1s fall 2")
    faster = faster.replace("9h\n", "9h\n    timeout check 1s\n", 1)
    assert of(faster)["MHA-H014"] == ["reads: up to 32 s (inter 20 s, fall 2) until a hung server is out"]


def test_checks_that_lock_the_proxy_out() -> None:
    hosts = behind(f"{ALONE}listen reads\n    bind :3307\n    option tcp-check\n{PAIR.replace(' port 8406', '')}")
    assert "MHA-H015" not in found(hosts)
    hosts["db1"]["mysql"]["variables"].update(skip_name_resolve="OFF", max_connect_errors="100")
    assert found(hosts)["MHA-H015"] == ["reads/db1: tcp-check, max_connect_errors = 100"]
    for name, value in (("max_connect_errors", "1000000"), ("skip_name_resolve", "ON"), ("host_cache_size", "0")):
        assert "MHA-H015" not in found(change(hosts, f"db1/mysql/variables/{name}", value))


@pytest.mark.parametrize(("text", "rules"), [
    (f"listen mysql\n    bind :3306\n    timeout client 5s\n    option httpchk GET /reader\n{PAIR}", ["MHA-H002"]),
    (f"listen mysql\n    bind :3306\n    timeout client 1h\n    option httpchk GET /reader\n{PAIR}", []),
    (f"listen mysql\n    bind :3306\n    option mysql-check user x\n{PAIR}", ["MHA-H001", "MHA-H004"]),
    ("listen web\n    bind :80\n    timeout client 5s\n    server a 198.51.100.1:80\n    server b w2:80\n", []),
    (f"listen mysql\n    bind :3306\n    disabled\n    timeout client 5s\n{PAIR}", []),
])  # fmt: skip
def test_a_proxy_alone_is_judged_by_what_it_shows(text: str, rules: list[str]) -> None:
    assert list(found({"hap1": proxy(text)})) == rules


@pytest.mark.parametrize(("condition", "mode"), [
    ("defined(NOWHERE)", "http"), ("streq(a,a)", "http"), ('streq("$MODE","x")', "tcp"), ("!streq(a,a)", "tcp"),
    ("version_atleast(2.4)", "http"), ("version_before(2.4)", "tcp"), ("0", "tcp"), ("1 && streq(a,b)", "tcp"),
    ("(0 || 1) && 2", "http"), ("feature(LUA)", "http"), ("", "tcp"),
])  # fmt: skip
def test_blocks_that_do_not_count(condition: str, mode: str) -> None:
    text = f"defaults\n.if {condition}\n    mode http\n.else\n    mode tcp\n.endif\nlisten x\n    bind :1\n"
    described = describe(parse(text.encode(), "h", {"MODE": "y"}, (2, 6)))
    assert described["proxies"][0]["mode"] == mode
    undecided = ["h:2: `.if` cannot be decided from outside; its lines count as read"]
    assert list(described["problems"]) == (undecided if condition in ("defined(NOWHERE)", "feature(LUA)") else [])
