# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""tests/summary.py, on reports that pytest writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import summary

MIXED = """
import pytest

@pytest.fixture
def broken():
    raise ValueError

def test_passes(): pass
def test_fails(): assert False
def test_cannot_start(broken): pass
def test_is_skipped(): pytest.skip()
"""
UNREADABLE = "this is no Python\n"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """pytest's own report of one test of each outcome and of a file that cannot be collected."""
    directory = tmp_path_factory.mktemp("mixed")
    (directory / "test_mixed.py").write_text(MIXED)
    (directory / "test_unreadable.py").write_text(UNREADABLE)
    report = directory / "mixed.xml"
    pytest_command = [sys.executable, "-m", "pytest", "-c", "/dev/null", "--continue-on-collection-errors"]
    subprocess.run([*pytest_command, f"--junitxml={report}", directory], capture_output=True, timeout=60, check=False)
    return str(report)


@pytest.fixture
def passing(tmp_path: Path) -> str:
    report = tmp_path / "passing.xml"
    report.write_text("<testsuites><testsuite><testcase name='one'/><testcase name='two'/></testsuite></testsuites>")
    return str(report)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.splitlines()[-1]


def test_adds_up(passing: str, mixed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert summary.main([passing]) == 0
    assert last_line(capsys) == "2 passed, 0 failed, 0 skipped"
    assert summary.main([passing, mixed]) == 1
    assert last_line(capsys) == "3 passed, 3 failed, 1 skipped"


def test_a_stage_without_tests_has_not_passed(passing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.xml").write_text("<testsuites><testsuite/></testsuites>")
    assert summary.main([passing, str(tmp_path / "empty.xml")]) == 1
    assert "no test results from empty" in capsys.readouterr().out


def test_a_stage_without_report_has_not_passed(
    passing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert summary.main([passing, str(tmp_path / "absent.xml")]) == 1
    assert "no test results from absent" in capsys.readouterr().out


def test_no_report_at_all_is_no_success() -> None:
    assert summary.main([]) == 1
