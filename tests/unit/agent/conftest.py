# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fixtures of the tests of the command mysql-ha."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unit.agent.command import Host, Result


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(tmp_path)
    monkeypatch.setattr("mysql_ha_agent.cli.DIRECTORY", made.etc)
    return made


@pytest.fixture
def mysql_ha(host: Host, capsys: pytest.CaptureFixture[str]) -> Any:
    from mysql_ha_agent import cli  # the whole agent, which the other tests of this directory do not need

    def run(*words: str) -> Result:
        try:
            status = cli.main(list(words))
        except SystemExit as end:
            status = int(str(end.code))
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return run
