# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nothing that is shown of a keepalived configuration has a password."""

from __future__ import annotations

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._command_secrets import hidden, hidden_command
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_conf import parse
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_model import describe
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_programs import commands
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_secrets import without_secrets


def shown(text: str) -> str:
    """All that a module returns of a configuration."""
    statements = parse(text.encode(), "f")[0]
    described = describe(statements)
    return f"{without_secrets(statements)} {described} {commands(described)}"


@pytest.mark.parametrize(
    ("command", "shows"),
    [
        ("mysql -uroot -psecret -e 'select 1'", "mysql -uroot -pVALUE_HIDDEN -e 'select 1'"),
        ("mysqladmin --password=se,cret ping", "mysqladmin --password=VALUE_HIDDEN ping"),
        ("mysql -p'a b' x", "mysql -pVALUE_HIDDEN x"),
        ("MYSQL_PWD=x mysql", "MYSQL_PWD=VALUE_HIDDEN mysql"),
        ("check -P 3306 -h a-p", "check -P 3306 -h a-p"),
        ("nc -p3306 x -p123456", "nc -p3306 x -pVALUE_HIDDEN"),
        ("chk.sh -p 3306 x", "chk.sh -p 3306 x"),
        ("/usr/bin/mysqladmin -uroot -p12345 ping", "/usr/bin/mysqladmin -uroot -pVALUE_HIDDEN ping"),
        ("/usr/lib64/nagios/plugins/check_mysql -p 12345", "/usr/lib64/nagios/plugins/check_mysql -p VALUE_HIDDEN"),
        ("sh -c 'mysql -psecret'", "sh -c 'mysql -pVALUE_HIDDEN'"),
        ("c --db-password=x --user=a:b", "c --db-password=VALUE_HIDDEN --user=a:VALUE_HIDDEN"),
        ("curl -u admin:x http://a/", "curl -u admin:VALUE_HIDDEN http://a/"),
        ("curl http://a:x@h:80/ http://h:80/", "curl http://a:VALUE_HIDDEN@h:80/ http://h:80/"),
        ("chk --passive yes --bypass 1", "chk --passive yes --bypass 1"),
    ],
)
def test_passwords_are_hidden(command: str, shows: str) -> None:
    assert hidden(command) == shows


# Forms in which a command has a password that no option announces, and how it is shown.
POSITIONAL = [
    ("/opt/ha/check.pl 127.0.0.1 3306 monitor s3cretOfMine", "/opt/ha/check.pl 127.0.0.1 3306 monitor VALUE_HIDDEN"),
    ("/opt/ha/check.pl 127.0.0.1 monitor geheim", "/opt/ha/check.pl 127.0.0.1 monitor ARGUMENT_HIDDEN"),
    ("/usr/local/bin/clustercheck cluster geheim 0", "/usr/local/bin/clustercheck cluster VALUE_HIDDEN 0"),
    ("sudo -n -u mysql /usr/bin/clustercheck.sh cluster geheim",
     "sudo -n -u mysql /usr/bin/clustercheck.sh cluster VALUE_HIDDEN"),
    ("/bin/bash -c '/opt/check.sh monitor geheim'", "/bin/bash -c '/opt/check.sh monitor ARGUMENT_HIDDEN'"),
    ("flock -n /run/l timeout 5 /opt/check monitor geheim",
     "flock -n /run/l timeout 5 /opt/check monitor ARGUMENT_HIDDEN"),
    ("/opt/check -h 127.0.0.1 monitor geheim", "/opt/check -h 127.0.0.1 monitor ARGUMENT_HIDDEN"),
    ("/opt/check 'monitor' 'geheim'", "/opt/check 'monitor' 'ARGUMENT_HIDDEN'"),
    ("curl http://mon:geheim@192.0.2.11:9200/role", "curl http://mon:VALUE_HIDDEN@192.0.2.11:9200/role"),
    ("curl http://mon:ge/h@eim@192.0.2.11/role", "curl http://mon:VALUE_HIDDEN@192.0.2.11/role"),
    ("/opt/check mon:geheim@192.0.2.11", "/opt/check mon:VALUE_HIDDEN@192.0.2.11"),
    ("/opt/check mon:geheim@tcp(192.0.2.11:3306)/", "/opt/check mon:VALUE_HIDDEN@tcp(192.0.2.11:3306)/"),
    ("/opt/check --dsn=mysql://mon:geheim@h/db", "/opt/check --dsn=mysql://mon:VALUE_HIDDEN@h/db"),
    ("curl -H 'Authorization: Basic bW9uOmdlaGVpbQ==' x", "curl -H 'Authorization: Basic VALUE_HIDDEN' x"),
    ("curl -H 'X-Auth-Token: geheim' x", "curl -H 'X-Auth-Token: VALUE_HIDDEN' x"),
    ("curl http://h/role?token=geheim", "curl http://h/role?token=VALUE_HIDDEN"),
    ("curl --proxy-user a:geheim x", "curl --proxy-user a:VALUE_HIDDEN x"),
    ("curl --oauth2-bearer geheim x", "curl --oauth2-bearer VALUE_HIDDEN x"),
    ("env AWS_SECRET_ACCESS_KEY=geheim /x", "env AWS_SECRET_ACCESS_KEY=VALUE_HIDDEN /x"),
    ("redis-cli -h x -a geheim ping", "redis-cli -h x -a VALUE_HIDDEN ping"),
    ("sh -c 'mysql -p <<< geheim'", "sh -c 'mysql -p <<< VALUE_HIDDEN'"),
    ("sh -c 'echo geheim | sudo -S /x'", "sh -c 'echo VALUE_HIDDEN | sudo -S /x'"),
    ("ipmitool -H x -U a -P geheim power off", "ipmitool -H x -U a -P VALUE_HIDDEN power off"),
    ("/opt/check -P geheim", "/opt/check -P ARGUMENT_HIDDEN"),
    ("/opt/check -l mon -a geheim", "/opt/check -l mon -a ARGUMENT_HIDDEN"),
    ("/opt/check --pw geheim", "/opt/check --pw VALUE_HIDDEN"),
    ("/opt/check DB_PW=geheim", "/opt/check DB_PW=VALUE_HIDDEN"),
    ("/opt/check --auth=mon:geheim", "/opt/check --auth=VALUE_HIDDEN"),
    ("/opt/check --auth geheim", "/opt/check --auth VALUE_HIDDEN"),
    ("REDISCLI_AUTH=geheim redis-cli", "REDISCLI_AUTH=VALUE_HIDDEN redis-cli"),
    ("/opt/check --credentials geheim", "/opt/check --credentials VALUE_HIDDEN"),
    ("curl -H 'X-Auth: geheim' x", "curl -H 'X-Auth: VALUE_HIDDEN' x"),
    ("curl -H 'Cookie: geheim' x", "curl -H 'Cookie: VALUE_HIDDEN' x"),
    ("/opt/check mon:geheim", "/opt/check ARGUMENT_HIDDEN"),
    ("/opt/check mon 'ein geheim'", "/opt/check mon 'ARGUMENT_HIDDEN ARGUMENT_HIDDEN'"),
    ("/opt/check mon geheim.2024", "/opt/check mon ARGUMENT_HIDDEN"),
    ("/opt/check mon Geheim.de", "/opt/check mon ARGUMENT_HIDDEN"),
    ("/opt/check mon 12345678", "/opt/check mon ARGUMENT_HIDDEN"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "shows"), POSITIONAL)
def test_a_password_without_an_option_is_hidden(command: str, shows: str) -> None:
    assert hidden_command(command) == shows
    assert "geheim" not in shown(f'vrrp_script c {{\nscript "{command}"\n}}\n')


@pytest.mark.parametrize(
    "command",
    [
        "/usr/bin/killall -0 mysqld", "systemctl is-active mysqld haproxy", "/opt/notify.sh INSTANCE orders MASTER",
        "/opt/check 127.0.0.1 3306 orders", "/usr/bin/mysqladmin --defaults-file=/root/.my.cnf ping",
        "nc -z db1.example.org 3306", "/opt/check db1 192.0.2.11:3306 5s /run/mysqld/mysqld.sock",
        "curl http://192.0.2.11:8008/path@x", "rsync root@192.0.2.11:/etc /x", "/opt/check -u monitor -P 3306",
        "sh -c 'echo show stat | socat - /run/haproxy.sock'", "/opt/check db1.example.org:3306 check.sh",
        "/opt/check orders:3306 -P 3306 -a 5", "mysql --default-auth=mysql_native_password -e x",
    ],
)  # fmt: skip
def test_words_that_look_like_one_are_shown(command: str) -> None:
    assert hidden_command(command) == command


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize(
    "command",
    [
        "/x/check_mysql -H 127.0.0.1 -u repl -p geheim", "/bin/mysqladmin -uroot --password geheim ping",
        "/x --pass=geheim", "/x --pwd geheim", "/x --pass geheim", "/x password=geheim", "sshpass -p geheim ssh x",
        "/x -pgeheim", "/x PGPASSWORD=geheim", "curl -u a:geheim http://a", "/x -p'a geheim'",
    ],
)  # fmt: skip
def test_a_command_of_any_form(command: str, quote: str) -> None:
    text = f"vrrp_script c {{\nscript {quote}{command}{quote}\n}}\n"
    assert "geheim" not in shown(text)
    assert "VALUE_HIDDEN" in commands(describe(parse(text.encode(), "f")[0]))[0]["command"]


@pytest.mark.parametrize(
    "text",
    [
        "auth_pass geheim geheim", "x { auth_pass geheim }", "authentication { auth_type PASS auth_pass geheim }",
        'auth_pass "ge geheim"', "$A=geheim\nauth_pass $A", "$A=geheim\n$B=x${A}\nauth_pass ${B}",
        '$A="geheim x"\nauth_pass $A', "$A=geheim\nscript /x -p $A", '$A=geheim\nscript "/x --password=${A}"',
        "$A=auth_type PASS \\\nauth_pass geheim", "$A=auth_pass geheim", '$A="auth_pass geheim"', "$A=/x -p geheim",
        '@h1 $A=geheim\n@h1 auth_pass $A',
        "auth_password geheim", "AUTH_PASS geheim", "auth_pass: geheim", "password geheim",
    ],
)  # fmt: skip
def test_vrrps_password_and_what_it_is_made_of(text: str) -> None:
    assert "geheim" not in shown(f"vrrp_instance a {{\n{text}\n}}\n")
    assert "geheim" not in shown(f"{text}\n")


@pytest.mark.parametrize("keyword", ["notify_backup", "notify_backpu", "script", "misc_path"])
@pytest.mark.parametrize("quotes", ["{}", "'{}'", '"{}"', "'{}' mysql mysql", '"{}" mysql mysql'])
def test_a_command_in_any_quotes_and_at_any_place(keyword: str, quotes: str) -> None:
    line = f"{keyword} {quotes.format('/opt/n.sh root geheim')}\n"
    for text in (line, f"vrrp_instance a {{\n{line}}}\n", f"unknown {{\n{line}}}\n"):
        assert "geheim" not in shown(text)


def test_the_path_of_a_check() -> None:
    text = 'virtual_server a 1 {\nreal_server b 1 {\nHTTP_GET { url {\npath "/?password=geheim&x"\n} }\n}\n}'
    assert "'/?password=VALUE_HIDDEN'" in shown(text)
    assert "geheim" not in shown(text)


def test_what_is_no_secret_is_shown() -> None:
    text = "$DEV=eth0\n$VIP=192.0.2.9/24\n$A=x\nscript /x -p 3306\nauth_pass $A\na $DEV $VIP $A"
    for word in ("'eth0'", "'192.0.2.9/24'", "3306", "'$A'"):
        assert word in shown(text)
