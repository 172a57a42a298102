# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The check of servers without an agent."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import lvs_check
from lvs_check import judge

GOOD = {"Replica_IO_Running": "Yes", "Replica_SQL_Running": "Yes", "Seconds_Behind_Source": 3, "Channel_Name": ""}
OLD = {"Slave_IO_Running": "Yes", "Slave_SQL_Running": "Yes", "Seconds_Behind_Master": "3"}


@pytest.mark.parametrize("rows", [[GOOD], [OLD], [GOOD, OLD]])
def test_a_replica_that_keeps_up_is_fit(rows: list[dict[str, Any]]) -> None:
    assert judge(rows, 3, writer=False) == ""


@pytest.mark.parametrize(
    ("rows", "max_lag", "writer", "reason"),
    [
        ([], None, False, ""),
        ([{**GOOD, "Replica_SQL_Running": "No"}], None, False, ""),
        ([], 10, True, ""),
        ([], 10, False, "it replicates from nobody"),
        ([GOOD], 2, False, "the channel: it is 3 s behind"),
        ([GOOD], 2, True, "the channel: it is 3 s behind"),
        ([{**GOOD, "Seconds_Behind_Source": None}], 10, False, "the channel: it is an unknown time behind"),
        ([GOOD, {**GOOD, "Channel_Name": "b", "Replica_SQL_Running": "No"}], 10, False,
         "b: replica_sql_running is No"),
        ([{**OLD, "Slave_IO_Running": "Connecting"}], 10, False, "the channel: replica_io_running is Connecting"),
        ([{}], 10, False, "the channel: replica_io_running is None"),
    ],
)  # fmt: skip
def test_who_is_fit(rows: list[dict[str, Any]], max_lag: float | None, writer: bool, reason: str) -> None:
    assert judge(rows, max_lag, writer) == reason


def run(login: Path, port: int, *words: str) -> tuple[int, float]:
    began = time.monotonic()
    command = [sys.executable, lvs_check.__file__, str(login), "127.0.0.1", str(port), *words]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode, time.monotonic() - began


@pytest.fixture
def login(tmp_path: Path) -> Path:
    path = tmp_path / "login.json"
    path.write_text(json.dumps({"user": "mha_check", "password": "x", "ca": ""}))
    return path


def test_a_server_that_hangs_is_not_fit(login: Path) -> None:
    """The kernel accepts connections for a stopped mysqld, which is why a look at its port finds nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        status, seconds = run(login, server.getsockname()[1], "10")
    assert status == 1
    assert seconds < 5


@pytest.mark.parametrize("words", [(), ("nan",), ("x",), ("10",)])
def test_whatever_goes_wrong_is_not_fit(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(tmp_path / "none.json", 1, *words)[0] == 1
