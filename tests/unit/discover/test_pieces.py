# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What discover is made of: the table of defaults, parsers of files, YAML, and the plugin that writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.action import discover as action
from ansible_collections.opendba.mysql_ha.plugins.module_utils import _settings_seen as seen
from ansible_collections.opendba.mysql_ha.plugins.module_utils._discover_balancers import DIRECTOR_DEFAULTS
from ansible_collections.opendba.mysql_ha.plugins.module_utils._discover_host import DEFAULTS
from ansible_collections.opendba.mysql_ha.plugins.module_utils._discover_proxies import PROXY_DEFAULTS
from ansible_collections.opendba.mysql_ha.plugins.module_utils._discover_text import Entry, comment, entries
from unit.discover.built import answers, defaults
from unit.model.inventories import pair


def test_defaults_are_those_of_the_roles() -> None:
    roles = {**defaults("cluster", "mysql", "replication", "agent", "keepalived", "lvs_realserver"),
             **defaults("lvs_director"), **defaults("haproxy")}  # fmt: skip
    table = {**DEFAULTS, **DIRECTOR_DEFAULTS, **PROXY_DEFAULTS}
    assert {name: roles.get(name) for name in table} == table


@given(st.recursive(
    st.booleans() | st.integers() | st.integers(-10**6, 10**6).map(lambda each: each / 8) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
))  # fmt: skip
def test_yaml_reads_what_was_written(value: Any) -> None:
    text = "\n".join(entries([Entry("name", value, ("said of it: # and\nmore",))]))
    if "left out" not in text:
        assert yaml.safe_load(text)["name"] == value


@given(st.text())
def test_a_comment_stays_one(text: str) -> None:
    lines = list(comment(text, "  "))
    assert all(line.startswith("  # ") and line.isprintable() and len(line) <= 144 for line in lines)
    assert yaml.safe_load("\n".join(lines)) is None


def files(tree: dict[str, str]) -> seen.Settings:
    def find(path: str, directory: bool) -> list[tuple[str, str]]:
        if path == "/broken":
            raise OSError("no")
        names = [name for name in sorted(tree) if (name.startswith(path) if directory else name == path)]
        return [(name, tree[name]) for name in names]

    found = seen.Settings(find, seen.groups_of("mysql", "8.0"))
    found.read("/etc/my.cnf")
    return found


def test_option_files_are_read_with_what_they_include() -> None:
    found = files({
        "/etc/my.cnf": "[client]\npassword=x\n[mysqld]\nport = 3307\n!includedir /etc/d/\n!include /broken\n",
        "/etc/d/a.cnf": "[mysqld-8.0]\nloose-skip-name-resolve\nssl_key = /k\n[mysqldump]\nquick\n",
        "/etc/d/b.cnf": "nonsense without a group\n",
    })  # fmt: skip
    assert found.settings == [
        {"name": "port", "value": "3307", "at": "/etc/my.cnf:4"},
        {"name": "skip_name_resolve", "value": None, "at": "/etc/d/a.cnf:2"},
        {"name": "ssl_key", "value": None, "at": "/etc/d/a.cnf:3"},
    ]
    assert found.problems == [
        "/etc/d/b.cnf: line 1: an option before any [group]; mysqld refuses to start with it", "/broken: no",
    ]  # fmt: skip


def test_option_files_that_include_each_other_end() -> None:
    found = files({"/etc/my.cnf": "[mysqld]\nport=1\n!include /etc/my.cnf\n"})
    assert found.problems == ["/etc/my.cnf: option files include each other"]


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("mysql-server 9.7.4-2 installed\nmysql-server-core 9.7.4-2 installed", "distro"),
        ("mysql-server-8.4 8.4.5-0 installed", "distro"),
        ("mysql-server  not-installed\nmysql-community-server 8.4.2-1 installed", "oracle"),
        ("mysql-server 5.7.1 config-files\npercona-server-server 8.0.40", "percona"),
        ("mariadb-server 11.8.3 installed", None),
    ],
)
def test_the_package_says_where_the_server_comes_from(text: str, source: str | None) -> None:
    assert (seen.package(text) or {})["source"] == source


def test_no_package_and_no_memory() -> None:
    assert (seen.package("no packages found"), seen.memory_mb("")) == (None, None)
    assert seen.memory_mb("MemTotal:       16316412 kB\n") == 15933
    assert seen.certificate("issuer=CN=opendba.mysql_ha CA\n  DNS:db1, IP Address:10.0.0.1, DNS:db.lab\n") == {
        "issuer": "CN=opendba.mysql_ha CA", "names": ["db1", "db.lab"],
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"instance": ' * 2000])
def test_files_that_are_no_configuration_of_an_agent(text: str) -> None:
    with pytest.raises(ValueError, match=r"^/etc/x.json: "):
        seen.agent("/etc/x.json", text)


def test_the_arguments_of_a_fence_stay_on_the_host() -> None:
    found = seen.agent("/x", '{"instance": "db1", "fence_command": ["ipmi", "-P", "secret"]}')
    assert found["fence_command"] == ["ipmi"]


WAY = {"ansible_host": "203.0.113.7", "ansible_ssh_common_args": "-J bastion"}


class Variables(dict[str, Any]):
    def raw_get(self, host: str) -> Any:
        return self[host]


def run(directory: Path, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    read = answers(pair())
    variables = Variables({host: {"audit_read": {"answers": each}} for host, each in read.items()})
    variables["db1"].update(WAY, ansible_password="secret")
    given = {"hosts": list(read), "directory": str(directory), **arguments}
    task = MagicMock(args=given, check_mode=check_mode, async_val=0, action="discover")
    plugin = action.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
    result: dict[str, Any] = plugin.run(task_vars={"hostvars": variables, "groups": {"all": list(read)}})
    return result


def test_an_inventory_is_written_once(tmp_path: Path) -> None:
    directory = tmp_path / "new"
    assert run(directory, check_mode=True)["changed"] is True
    assert not directory.exists()
    found = run(directory)
    assert found["changed"] is True
    assert found["choices"] == []
    assert found["files"] == [str(directory / name) for name in ("hosts.yml", "group_vars/orders.yml")]
    hosts = yaml.safe_load((directory / "hosts.yml").read_text())["mysql"]["children"]["orders"]["hosts"]
    assert hosts == {"db1": WAY, "db2": None}
    assert {path.stat().st_mode & 0o777 for path in directory.rglob("*.yml")} <= {0o640, 0o600}
    assert run(directory)["changed"] is False


def test_what_somebody_worked_on_stays(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "orders.yml").write_text("mine: true\n")
    with pytest.raises(AnsibleActionFail, match=r"orders\.yml is there and says something else; nothing was written"):
        run(tmp_path)
    assert not (tmp_path / "hosts.yml").exists()


def test_no_host_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(AnsibleActionFail, match="there is no host to describe"):
        run(tmp_path, hosts=[])


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("report_password", True), ("authentication_ldap_simple_bind_root_pwd", True), ("wsrep_sst_auth", True),
        ("ssl_key", True), ("password_history", False), ("validate_password.length", False), ("key_buffer_size", False),
    ],
)  # fmt: skip
def test_options_that_are_secrets(name: str, secret: bool) -> None:
    assert seen.is_secret(name) is secret


@pytest.mark.parametrize("arguments", [{"hosts": "db1"}, {"hots": []}])
def test_mistakes(tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(AnsibleActionFail, match="hosts \\(a list\\) and directory are wanted"):
        run(tmp_path, **arguments)
