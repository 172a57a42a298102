# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action plugins around the audit: what is written, what is refused, and the two clocks."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import jsonschema
import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.testing import patch_module_args

from ansible_collections.opendba.mysql_ha.plugins.action import audit
from ansible_collections.opendba.mysql_ha.plugins.action import read_host as read_host_action
from ansible_collections.opendba.mysql_ha.plugins.modules import read_host as read_host_module
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
    assert run(hosts=["db1"], directory=str(tmp_path), formats="json, html")["files"] == [
        str(tmp_path / "audit.json"), str(tmp_path / "audit.html"),
    ]  # fmt: skip
    assert run(hosts=["db1"])["files"] == []
    assert run(True, hosts=["db1"], directory=str(tmp_path / "none"))["files"] == []
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "hosts: a list"),
        ({"hosts": []}, "there is no host to judge"),
        ({"hosts": ["db1"], "fail_on": "sometimes"}, "'sometimes' is none of critical"),
        ({"hosts": ["db1"], "formats": ["pdf"]}, "pdf is none of"),
        ({"hosts": ["db1"], "formats": "json,pdf"}, ": pdf is none of"),
        ({"hosts": ["db1"], "suppressions": ["MHA-R001"]}, "a list of dictionaries"),
        ({"hosts": ["db1"], "suppressions": [{"rule": "MHA-R001"}, {"rule": "MHA-R001", "hosts": "db1"}]},
         "number 2: hosts: no such key"),
        ({"hosts": ["db1"], "suppressions": [{"rule": "MHA-R001", "host": ["db1"]}]}, "number 1: host: no text"),
        ({"hosts": ["db1"], "hots": []}, "hots: no such option"),
    ],
)  # fmt: skip
def test_mistakes(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(AnsibleActionFail, match=said):
        run(**arguments)


def test_a_relative_directory_is_one_of_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(hosts=["db1"], directory="new", formats=["json"])["files"] == [str(tmp_path / "new" / "audit.json")]


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AnsibleActionFail, match="the reports cannot be written"):
        run(hosts=["db1"], directory=str(tmp_path / "file" / "x"))


def read(monkeypatch: pytest.MonkeyPatch, answer: Any) -> dict[str, Any]:
    """What the action makes of a module's result, or of an exception."""

    def execute(**given: Any) -> Any:
        assert given["module_name"] == "opendba.mysql_ha.read_host"
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    task = MagicMock(args={}, check_mode=False, async_val=0)
    plugin = read_host_action.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
    monkeypatch.setattr(plugin, "_execute_module", execute)
    result: dict[str, Any] = plugin.run(task_vars={})
    return result


def test_the_difference_of_two_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer() -> dict[str, Any]:
        now = time.time() - 30
        time.sleep(0.2)
        return {"changed": False, "answers": {"os": {"host": {"time": now}}}, "took": {"os": 0.0, "mysql": 0.2}}

    found = read(monkeypatch, answer)
    host = found["answers"]["os"]["host"]
    assert -30.1 < host["clock_offset"] < -29.9
    assert 0 <= host["clock_bound"] < 0.1
    assert 0.2 <= found["took_seconds"] < 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (AnsibleConnectionFailure("no route"), {"unreachable": True, "msg": "no route"}),
        (AnsibleError("no Python"), {"failed": True, "msg": "no Python"}),
        ({"failed": True, "msg": "no json", "exception": "...", "module_stderr": "sudo: no tty\nno password\n"},
         {"failed": True, "msg": "no password"}),
        ({"failed": True, "module_stderr": "  ^\nSyntaxError: future feature annotations is not defined\n"},
         {"failed": True, "msg": "SyntaxError: future feature annotations is not defined;"
                                 " it needs Python 3.9 or later, named by ansible_python_interpreter"}),
        ({}, {"msg": "it gave no answer"}),
    ],
)  # fmt: skip
def test_a_host_that_cannot_be_asked_is_an_answer(monkeypatch: pytest.MonkeyPatch, answer: Any, said: Any) -> None:
    found = read(monkeypatch, answer)
    assert found["answers"] == {"os": said}
    assert not found.get("failed")


FAMILIES_READ = ["os", "vrrp", "vips", "lvs", "haproxy", "mysql"]


def gathered(monkeypatch: pytest.MonkeyPatch, **given: Any) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The answers of the module's parts, and the options that each was given."""
    options: dict[str, dict[str, Any]] = {}
    for family, reader, _options in read_host_module.PLAN:
        def part(module: Any, family: str = family) -> dict[str, Any]:
            options[family] = dict(module.params)
            if family == "haproxy":
                raise KeyError("odd")
            if family == "lvs":
                module.fail_json(msg="no")
            return {"vrrp": {"vip_states": {"192.0.2.100": "MASTER"}}} if family == "vrrp" else {}

        monkeypatch.setattr(reader, "gather", part)
    module = MagicMock(params={**dict.fromkeys(read_host_module.LOGIN), "settings": False, **given}, check_mode=False)
    return read_host_module.gather(module)[0], options


def test_a_host_is_read_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, options = gathered(monkeypatch, login_user="audit", login_password="a secret", login_port=3307)
    assert list(answers) == FAMILIES_READ
    assert options["vips"]["states"] == {"192.0.2.100": "MASTER"}
    assert options["vips"]["probe"] is True
    login = {"login_user": "audit", "login_password": "a secret", "login_port": 3307}
    assert options["mysql"] == {
        **login, "login_unix_socket": "/run/mysqld/mysqld.sock", "login_file": None, "login_host": None,
        "login_ssl_ca": None, "connect_timeout": 5.0, "details": True, "find_socket": True, "compare_gtid": None,
    }  # fmt: skip
    assert answers["lvs"] == {"failed": True, "msg": "no"}
    assert answers["haproxy"] == {"failed": True, "msg": "KeyError: 'odd'"}
    assert list(gathered(monkeypatch, settings=True)[0]) == [*FAMILIES_READ, "settings"]


def test_a_program_that_hangs_ends_its_own_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def execute(command: list[str], **_options: Any) -> tuple[int, str, str]:
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        return done.returncode, done.stdout, done.stderr

    sleeper = tmp_path / "haproxy"
    sleeper.write_text("#!/bin/sh\nexec sleep 30\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(read_host_module, "SECONDS", 1)
    module = MagicMock(run_command=execute, get_bin_path=shutil.which, check_mode=False)
    part = read_host_module.Part(module, {}, {})
    began = time.monotonic()
    with pytest.raises(OSError, match=r"haproxy gave no answer within 1 s"):
        part.run_command([str(sleeper), "-v"])
    assert time.monotonic() - began < 5
    assert part.run_command(["false"])[0] == 1


@pytest.mark.parametrize("password", ["mysql", "1"])
def test_a_weak_password_rewrites_no_facts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], password: str
) -> None:
    said = {"socket": "/run/mysqld/mysqld.sock", "address": "192.0.2.11", "number": 1}
    monkeypatch.setattr(read_host_module, "gather", lambda module: ({"mysql": said}, {"mysql": 1.1}))
    given = {"login_password": password, "_ansible_inject_invocation": True}
    with patch_module_args(given), pytest.raises(SystemExit):
        read_host_module.main()
    answer = json.loads(capsys.readouterr().out)
    assert not answer.pop("invocation", None)  # which would show it
    assert answer == {"answers": {"mysql": said}, "changed": False, "took": {"mysql": 1.1}}
