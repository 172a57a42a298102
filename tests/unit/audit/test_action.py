# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action plugins around the audit: what is written, what is refused, and the two clocks."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import jsonschema
import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError

from ansible_collections.opendba.mysql_ha.plugins.action import audit, read_host
from unit.audit.builders import good
from unit.audit.test_result import SCHEMA, answered


class Variables:
    """As HostVars gives them, without templating."""

    def raw_get(self, host: str) -> dict[str, Any]:
        return {"audit_read": {"answers": answered(good()[host]), "took_seconds": 1.25}}


def run(check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    task = MagicMock(args=arguments, check_mode=check_mode, async_val=0, action="audit")
    plugin = audit.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
    result: dict[str, Any] = plugin.run(task_vars={"hostvars": Variables(), "groups": {"all": list(good())}})
    return result


def test_reports_are_written(tmp_path: Path) -> None:
    found = run(hosts=list(good()), directory=str(tmp_path / "new"), fail_on="critical")
    assert found["changed"] is False
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "audit.html", "audit.json", "audit.junit.xml", "audit.sarif",
    ]  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()} <= {0o640, 0o600}
    written = json.loads((tmp_path / "new" / "audit.json").read_text(encoding="utf-8"))
    jsonschema.validate(written, SCHEMA)
    assert written == found["result"]
    assert written["collection_version"][0].isdigit()
    assert found["console"]
    assert {host["took_seconds"] for host in written["hosts"]} == {1.25}


def test_only_what_was_asked_for(tmp_path: Path) -> None:
    assert run(hosts=["db1"], directory=str(tmp_path), formats=["json"])["files"] == [str(tmp_path / "audit.json")]
    assert run(hosts=["db1"])["files"] == []
    assert run(True, hosts=["db1"], directory=str(tmp_path / "none"))["files"] == []
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "hosts: a list"),
        ({"hosts": []} | {"fail_on": "sometimes"}, "'sometimes' is none of critical"),
        ({"hosts": [], "formats": ["pdf"]}, "pdf is none of"),
        ({"hosts": [], "suppressions": ["MHA-R001"]}, "a list of dictionaries"),
        ({"hosts": [], "hots": []}, "hots: no such option"),
    ],
)
def test_mistakes(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(AnsibleActionFail, match=said):
        run(**arguments)


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AnsibleActionFail, match="the reports cannot be written"):
        run(hosts=["db1"], directory=str(tmp_path / "file" / "x"))


class Host:
    """What _execute_module would return, module by module."""

    def __init__(self, lost_at: str = "", time_ahead: float = 0.0) -> None:
        self.asked: list[str] = []
        self.options: dict[str, Any] = {}
        self._lost_at = lost_at
        self._ahead = time_ahead

    def __call__(self, module_name: str, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        module = module_name.rpartition(".")[2]
        self.asked.append(module)
        self.options[module] = module_args
        if module == self._lost_at:
            raise AnsibleConnectionFailure("no route")
        answers = {
            "host_info": {"host": {"time": time.time() + self._ahead}},
            "vrrp_info": {"vrrp": {"vip_states": {"192.0.2.100": "MASTER"}}},
        }
        return {"changed": False, "invocation": {"module_args": module_args}, **answers.get(module, {})}


def read(host: Host, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> dict[str, Any]:
    task = MagicMock(args=arguments, check_mode=False, async_val=0)
    plugin = read_host.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
    monkeypatch.setattr(plugin, "_execute_module", host)
    result: dict[str, Any] = plugin.run(task_vars={})
    return result


FAMILY_MODULES = ["host_info", "vrrp_info", "vip_info", "lvs_info", "haproxy_info", "replication_info"]


def test_a_host_is_read_in_one_round_trip_for_each_family(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host()
    found = read(host, monkeypatch, login_user="audit", login_password="a secret", login_port=3307)
    assert host.asked == FAMILY_MODULES
    assert host.options["vip_info"] == {"states": {"192.0.2.100": "MASTER"}}
    assert host.options["replication_info"] == {
        "details": True, "find_socket": True, "connect_timeout": 5, "login_user": "audit",
        "login_password": "a secret", "login_port": 3307,
    }  # fmt: skip
    assert "a secret" not in json.dumps(found)
    assert sorted(found["took"]) == sorted(found["answers"])
    assert found["took_seconds"] == pytest.approx(sum(found["took"].values()), abs=0.01)
    assert read(Host(), monkeypatch, settings=True)["answers"].keys() == {*found["answers"], "settings"}


def test_who_does_not_answer_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(lost_at="host_info")
    found = read(host, monkeypatch)
    assert host.asked == ["host_info"]
    assert found["answers"] == {"os": {"unreachable": True, "msg": "no route"}}
    later = read(Host(lost_at="lvs_info"), monkeypatch)["answers"]
    assert later["lvs"] == {"unreachable": True, "msg": "no route"}
    assert "host" in later["os"]


def test_what_the_connection_said_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_given: Any) -> dict[str, Any]:
        return {"failed": True, "msg": "no json", "exception": "...", "module_stderr": "sudo: no tty\nno password\n"}

    task = MagicMock(args={}, check_mode=False, async_val=0)
    plugin = read_host.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
    monkeypatch.setattr(plugin, "_execute_module", refused)
    answer = plugin.run(task_vars={})["answers"]["os"]
    assert answer["msg"] == "no password"
    assert "exception" not in answer


def test_an_option_that_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AnsibleError, match="login_pasword: no such option"):
        read(Host(), monkeypatch, login_pasword="x")


def test_the_difference_of_two_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(Host(time_ahead=-30), monkeypatch)["answers"]["os"]["host"]
    assert -30.5 < found["clock_offset"] < -29.5
    assert 0 <= found["clock_bound"] < 0.5
