# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which signals are sent to a keepalived, and whether what it wrote is its own and new."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _keepalived_host as host
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_conf import Unreadable, read_all
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_daemon import (
    DATA,
    JSON,
    FileState,
    Process,
    Version,
    config_file,
    config_id,
    is_fresh,
    is_trap,
    parse_status,
    parse_unit,
    parse_version,
    serves,
    signals,
)

RECORDED = Path(__file__).parent / "recorded"
# Recorded from 2.2.7 and 2.3.4: signals are read from a descriptor.
STATUS = "Name:\tkeepalived\nSigBlk:\t4000000800014a03\nSigIgn:\tbffffff67ffab034\nSigCgt:\t0000000000000000\n"
MODERN = Process(0x4000000800014A03, 0xBFFFFFF67FFAB034, 0)
# As 1.x was written: handlers for HUP, INT, USR1, USR2, TERM and CHLD, none for JSON.
OLD = Process(0, 0, 1 << 0 | 1 << 1 | 1 << 9 | 1 << 11 | 1 << 14 | 1 << 16)
DEAF = Process(0, 0, 0)


def version(text: str, json: bool = True) -> Version:
    return Version(text, tuple(int(part) for part in text.split(".")), json)


def test_version() -> None:
    for text, number in (("2.2.7", (2, 2, 7)), ("2.3.4", (2, 3, 4))):
        said = (RECORDED / f"keepalived-{text}.version").read_text()
        assert parse_version(said) == Version(text, number, True)
    assert parse_version("Keepalived v1.2.7 (02/21,2013)\n") == Version("1.2.7", (1, 2, 7), False)
    assert parse_version("keepalived: command not found") is None
    assert parse_version("") is None


def test_status() -> None:
    assert parse_status(STATUS) == MODERN
    assert parse_status("Name:\tkeepalived\nSigCgt:\t00\n") is None


@pytest.mark.parametrize(
    ("release", "parent", "children", "expected"),
    [
        (version("2.3.4"), MODERN, [MODERN, MODERN], [JSON, DATA]),
        (version("2.3.4", json=False), MODERN, [MODERN], [DATA]),
        (version("1.3.5"), MODERN, [MODERN], [JSON, DATA]),
        (version("1.2.7"), OLD, [OLD], [DATA]),
        (version("1.2.7"), MODERN, [MODERN], [DATA]),
        # The kernel contradicts the version: believed is whoever says that it would die.
        (version("2.3.4"), OLD, [OLD], [DATA]),
        (version("2.3.4"), MODERN, [MODERN, OLD], [DATA]),
        (version("2.3.4"), MODERN, [DEAF], []),
        (version("2.3.4"), MODERN, [None], []),
        (version("2.3.4"), None, [MODERN], []),
        # Not known: just starting, too old, from the future, or no version at all.
        (version("2.3.4"), MODERN, [], []),
        (version("1.1.20"), MODERN, [MODERN], []),
        (version("3.0.0"), MODERN, [MODERN], []),
        (None, MODERN, [MODERN], []),
    ],
)
def test_signals(
    release: Version | None, parent: Process | None, children: list[Process | None], expected: list[int]
) -> None:
    assert signals(release, parent, children) == expected


masks = st.builds(Process, *[st.integers(0, 2**64 - 1)] * 3)


@given(masks, st.lists(masks, max_size=3))
def test_no_process_gets_a_signal_that_would_end_it(parent: Process, children: list[Process]) -> None:
    for number in signals(version("2.3.4"), parent, [*children]):
        for process in [parent, *children]:
            assert (process.blocked | process.ignored | process.caught) & 1 << (number - 1)


@given(st.text())
def test_whatever_programs_say(text: str) -> None:
    parse_version(text)
    parse_version("Keepalived v" + text)
    parse_status(text)
    parse_unit(text)


REGULAR = stat.S_IFREG | 0o600
SENT = 1000.0


@pytest.mark.parametrize(
    ("file", "trap", "fresh"),
    [
        (FileState(0, 0, 0, 0.0), False, False),
        (FileState(REGULAR, 0, 1, SENT + 0.5), False, True),
        (FileState(REGULAR, 0, 1, SENT - 0.01), False, True),  # stamped with the last tick
        (FileState(REGULAR, 0, 1, SENT - 60), False, False),
        (FileState(stat.S_IFLNK | 0o777, 0, 1, SENT + 1), True, False),
        (FileState(stat.S_IFIFO | 0o600, 0, 1, SENT + 1), True, False),
        (FileState(REGULAR, 1000, 1, SENT + 1), True, False),
        (FileState(REGULAR, 0, 2, SENT + 1), True, False),
        (FileState(stat.S_IFREG | 0o666, 0, 1, SENT + 1), True, False),
        (FileState(stat.S_IFREG | 0o644, 0, 1, SENT + 1), False, True),
    ],
)
def test_what_lies_where_it_writes(file: FileState, trap: bool, fresh: bool) -> None:
    assert is_trap(file, 0) is trap
    assert is_fresh(file, 0, SENT) is fresh


@pytest.mark.parametrize(
    ("arguments", "name", "path"),
    [
        (["keepalived"], "db1", "/default"),
        (["keepalived", "-D", "-f", "/x.conf", "-i", "one"], "one", "/x.conf"),
        (["keepalived", "--use-file=/y.conf", "--config-id=two"], "two", "/y.conf"),
        (["keepalived", "-ithree"], "three", "/default"),
        (["keepalived", "-i"], "", "/default"),
        (["keepalived", "-D", "-f/z.conf"], "db1", "/z.conf"),
        (["keepalived", "-lnDf", "/z.conf"], "db1", "/z.conf"),
        (["keepalived", "-f"], "db1", "/default"),
    ],
)
def test_arguments(arguments: list[str], name: str, path: str) -> None:
    assert config_id(arguments, "db1.example.org") == name
    assert config_file(arguments, "/default") == path


def test_files(tmp_path: Path) -> None:
    for name, mode in (("b.conf", 0o644), ("a.conf", 0o644), ("run.conf", 0o755)):
        (tmp_path / name).write_text(name)
        (tmp_path / name).chmod(mode)
    (tmp_path / "dir.conf").mkdir()
    os.mkfifo(tmp_path / "pipe.conf")
    names = [Path(path).name for path, _data in host.files(f"{tmp_path}/*.conf", with_executables=False)]
    assert names == ["a.conf", "b.conf"]
    assert len(host.files(f"{tmp_path}/{{run,b}}.conf", with_executables=True)) == 2
    assert host.files(f"{tmp_path}/nix", with_executables=True) == []


def test_a_link_to_nowhere_loses_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "main").write_text("include *.conf")
    (tmp_path / "a.conf").symlink_to("/nonexistent")
    (tmp_path / "b.conf").write_text("b")
    found = read_all(f"{tmp_path}/main", lambda name: host.files(name, with_executables=False))
    assert [statement["words"] for statement in found.statements] == [["b"]]
    assert found.problems == [
        f"{tmp_path}/main:1: include: [Errno 2] No such file or directory: '{tmp_path}/a.conf'"
    ]  # fmt: skip
    with pytest.raises(Unreadable, match="No such file"):
        read_all(f"{tmp_path}/a.conf", lambda name: host.files(name, with_executables=False))


def test_who_could_replace_a_program(tmp_path: Path) -> None:
    """As keepalived's check_security sees it: the file, each directory above, and the target of a link."""
    directory = tmp_path / "ha"
    directory.mkdir()
    script = directory / "check.sh"
    script.write_text("#!/bin/sh\nnc -z 192.0.2.100 3306\n")
    script.chmod(0o775)  # root:root with umask 002

    def open_at(path: Path = script) -> str | None:
        found = host.describe_program(f"{path} x")
        assert found["writable_by_others"] is (found["open_at"] is not None)
        return found["open_at"]  # type: ignore[no-any-return]

    assert open_at() is None
    os.chown(script, 0, 12)
    assert open_at() == str(script)
    os.chown(script, 0, 0)
    for mode, expected in ((0o777, str(directory)), (0o1777, None), (0o775, None), (0o755, None)):
        directory.chmod(mode)
        assert open_at() == expected
    link = tmp_path / "link.sh"
    link.symlink_to(script)
    assert open_at(link) is None
    directory.chmod(0o777)
    assert open_at(link) == str(directory)
    directory.chmod(0o755)
    os.chown(directory, 12, 0)
    assert open_at() == str(directory)
    found = host.describe_program(str(script))
    assert (found["looks_at"], found["addresses"]) == ("port", ["192.0.2.100"])


def test_programs(tmp_path: Path) -> None:
    script = tmp_path / "check.sh"
    assert host.describe_program(f"{script} x")["exists"] is False
    script.write_text("#!/bin/sh\nkillall keepalived\n")
    script.chmod(0o644)
    found = host.describe_program(f"{script} x")
    assert (found["exists"], found["executable"], found["kills_keepalived"]) == (True, False, f"{script}:2")
    script.chmod(0o755)
    assert host.describe_program(str(script))["executable"] is True
    assert host.describe_program("killall -0 mysqld")["exists"] is None
    for ends in ("pkill keepalived", "systemctl stop keepalived"):
        assert host.describe_program(ends)["kills_keepalived"] == f"{ends.split()[0]} (its arguments)"
    assert host.describe_program("killall -0 keepalived")["kills_keepalived"] is None
    script.chmod(0o644)
    found = host.describe_program(f"/bin/bash {script}")
    assert (found["path"], found["exists"], found["executable"]) == (str(script), True, True)
    assert found["kills_keepalived"] == f"{script}:2"
    assert host.describe_program(f"{tmp_path}/python2 {script}")["path"] == f"{tmp_path}/python2"
    assert host.describe_program(f"/bin/bash {script}.gone")["exists"] is False
    assert host.describe_program(f"/usr/bin/env {script}")["executable"] is False
    assert host.describe_program("")["path"] == ""
    assert host.describe_program(str(tmp_path))["executable"] is False


@pytest.mark.parametrize(
    ("arguments", "daemon"),
    [
        (["/usr/sbin/keepalived", "--dont-fork", "-P"], True),
        (["keepalived"], True),
        (["keepalived", "-D", "-f", "/etc/keepalived/test.conf"], True),
        (["keepalived", "--config-test=", "--use-file=/k.conf"], False),
        (["keepalived", "-t"], False),
        (["keepalived", "-t/tmp/log"], False),
        (["keepalived", "--version"], False),
    ],
)
def test_a_look_at_the_configuration_is_no_daemon(arguments: list[str], daemon: bool) -> None:
    assert serves(arguments) is daemon


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A /proc with two processes, a daemon and its child."""
    monkeypatch.setattr(host, "PROC", str(tmp_path))

    def add(name: str, parent: str, **namespaces: str) -> None:
        (tmp_path / name / "ns").mkdir(parents=True)
        (tmp_path / name / "exe").symlink_to("/usr/sbin/keepalived (deleted)")
        for kind in ("pid", "mnt", "net"):
            (tmp_path / name / "ns" / kind).symlink_to(namespaces.get(kind, "ours"))
        for file, text in (("cmdline", "keepalived\0-D\0"), ("stat", f"{name} (k (x) y) S {parent} 1"),
                           ("environ", "TMPDIR=/x\0"), ("status", STATUS)):  # fmt: skip
            (tmp_path / name / file).write_text(text)

    add("self", "0")
    return add


@pytest.mark.parametrize(
    ("namespaces", "runs", "contained"),
    [
        ({}, True, False),
        ({"mnt": "its own"}, True, False),  # PrivateTmp=yes and the like
        ({"pid": "its own", "mnt": "its own", "net": "its own"}, False, False),
        ({"pid": "its own", "mnt": "its own"}, False, True),
    ],
)
def test_whose_daemon_it_is(processes: Any, namespaces: dict[str, str], runs: bool, contained: bool) -> None:
    processes("7", "1", **namespaces)
    processes("8", "7", **namespaces)
    found = host.daemons()
    assert [(each.pid, each.temporary, each.replaced) for each in found] == ([(7, "/x", True)] if runs else [])
    assert [each.children for each in found] == ([[MODERN]] if runs else [])
    assert host.in_a_container() is contained


def test_daemons_are_looked_for_without_harm() -> None:
    assert all(found.pid > 0 for found in host.daemons())


def test_a_script_of_the_user_that_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Script security allows it: others cannot change it."""
    script = tmp_path / "check"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(script, 65534, 65534)
    monkeypatch.setattr(host, "_runs_as", lambda user: script.stat().st_uid if user == "checker" else 0)
    assert host.describe_program(str(script), "checker")["writable_by_others"] is False
    assert host.describe_program(str(script))["writable_by_others"] is True
    script.chmod(0o775)
    assert host.describe_program(str(script), "checker")["writable_by_others"] is True
