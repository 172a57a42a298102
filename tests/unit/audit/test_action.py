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
from ansible.errors import AnsibleActionFail

from ansible_collections.opendba.mysql_ha.plugins.action import audit, host_info
from unit.audit.builders import good
from unit.audit.test_result import SCHEMA, answered


class Variables:
    """As HostVars gives them, without templating."""

    def raw_get(self, host: str) -> dict[str, Any]:
        return {f"audit_{family}": answer for family, answer in answered(good()[host]).items()}


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


def test_the_difference_of_two_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    task = MagicMock(args={}, check_mode=False, async_val=0)
    plugin = host_info.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
    monkeypatch.setattr(plugin, "_execute_module", lambda **_given: {"host": {"time": time.time() - 30}})
    found = plugin.run(task_vars={})["host"]
    assert -30.5 < found["clock_offset"] < -29.5
    assert 0 <= found["clock_bound"] < 0.5
