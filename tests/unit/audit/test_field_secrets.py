# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Passwords in HAProxy's configuration: they stay where they are, and the audit says where that is unsafe."""

from __future__ import annotations

from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_conf import describe, parse
from unit.audit.builders import evidence
from unit.audit.test_field_haproxy import behind

SECRET = "Zq8-never-shown"
SECRETS = f"""\
global
    setenv DB_PASSWORD {SECRET}
    presetenv URL http://me:{SECRET}@192.0.2.1/
userlist u
    user dba insecure-password {SECRET}
program side
    command /usr/bin/curl -u me:{SECRET} http://192.0.2.1/
listen st
    mode http
    bind :8404
    stats auth dba:{SECRET}
    option httpchk GET /x?password={SECRET} HTTP/1.1\\r\\nAuthorization:\\ Basic\\ {SECRET}
    http-check send meth GET uri /y?token={SECRET} hdr Authorization "Basic {SECRET}"
    http-request set-header Authorization "Basic {SECRET}"
    tcp-check send "AUTH {SECRET}\\r\\n"
    reqadd Authorization:\\ Basic\\ {SECRET}
    http-check send hdr X-Api-Key {SECRET}
    http-check send meth POST uri /z body "user=a&pass={SECRET}"
    http-request set-header X-Forwarded-Port 3306
    server db1 192.0.2.11:3306 check agent-check agent-send "auth {SECRET}\\n" cookie {SECRET}
"""


def test_secrets_stay_where_they_are() -> None:
    described = describe(parse(SECRETS.encode(), "h"))
    assert SECRET not in str({**described, "problems": list(described["problems"])})
    assert [(each["kind"], each["at"]) for each in described["secrets"]] == [
        ("setenv DB_PASSWORD", "h:2"), ("presetenv URL", "h:3"), ("insecure-password", "h:5"), ("command", "h:7"),
        ("stats auth", "h:11"), ("option httpchk", "h:12"), ("http-check send", "h:13"),
        ("http-request set-header", "h:14"), ("tcp-check send", "h:15"), ("reqadd", "h:16"),
        ("http-check send", "h:17"), ("http-check send", "h:18"), ("agent-send", "h:20"),
    ]  # fmt: skip
    assert described["proxies"][0]["check"] == "httpchk POST /z"


def test_passwords_that_all_accounts_of_the_host_may_read() -> None:
    hosts = behind(SECRETS)
    assert [each for each in evidence("MHA-A008", hosts) if each.host == "hap1"] == []
    hosts["hap1"]["haproxy"]["configuration"]["files_for_all"] = ["haproxy.cfg"]
    said = [each for each in evidence("MHA-A008", hosts) if each.host == "hap1"]
    assert len(said) == 1
    assert "haproxy.cfg" in said[0].text
    assert "stats auth" in said[0].text


def test_a_password_on_the_command_line_of_a_program() -> None:
    said = [each for each in evidence("MHA-A006", behind(SECRETS)) if each.host == "hap1"]
    assert [(each.text, each.at) for each in said] == [("a command in HAProxy's section program", "haproxy.cfg:7")]
