# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Option files as they are in the field, read as mysqld reads them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _info_option_files as reader
from ansible_collections.opendba.mysql_ha.plugins.module_utils import _settings_seen as seen
from ansible_collections.opendba.mysql_ha.plugins.module_utils._options import compare, parse_option_file

FIELD = Path(__file__).parent / "field"
CASES = FIELD / "option-files"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The cases with their paths filled in."""
    for path in CASES.rglob("*.cnf"):
        target = tmp_path / path.relative_to(CASES)
        target.parent.mkdir(exist_ok=True)
        target.write_text(path.read_text(encoding="utf-8").replace("%DIR%", str(tmp_path)), encoding="utf-8")
    return tmp_path


def settings(path: Path, series: str = "9.7", flavour: str = "mysql", suffix: str = "") -> seen.Settings:
    found = seen.Settings(reader.find, seen.groups_of(flavour, series, suffix))
    found.read(str(path))
    return found


def last(path: Path, name: str, series: str = "9.7", flavour: str = "mysql", suffix: str = "") -> str | None:
    values = [each["value"] for each in settings(path, series, flavour, suffix).settings if each["name"] == name]
    return values[-1] if values else None


@pytest.mark.parametrize(("file", "name", "series", "value"), [
    ("upper.cnf", "innodb_buffer_pool_size", "9.7", "6G"), ("tab.cnf", "innodb_buffer_pool_size", "9.7", "6G"),
    ("order.cnf", "innodb_buffer_pool_size", "9.7", "2G"), ("inside.cnf", "server_id", "9.7", "5"),
    ("inside.cnf", "port", "9.7", "3306"), ("versions.cnf", "port", "9.7", "3306"),
    ("versions.cnf", "port", "8.4", "3384"), ("versions.cnf", "port", "5.7", "3357"),
    ("versions.cnf", "port", "", "3306"),
    ("one-bad-line.cnf", "innodb_buffer_pool_size", "9.7", "6G"), ("one-bad-line.cnf", "port", "9.7", "3306"),
])  # fmt: skip
def test_the_value_that_counts(place: Path, file: str, name: str, series: str, value: str) -> None:
    assert last(place / file, name, series) == value


def test_one_bad_line_is_said(place: Path) -> None:
    path = place / "one-bad-line.cnf"
    said = f"{path}: line 4: it does not begin with the name of an option; mysqld refuses to start with it"
    assert settings(path).problems == [said]


@pytest.mark.parametrize(("text", "value"), [
    ("[mysqld_safe]\nport=1\n[mysqldump]\nport=1\n[mysqld1]\nport=1\n", None), ("[ mysqld]\nport=1\n", None),
    ("[mysqld ]\nport=1\n", "1"), ("[server] # all\nport=1\n", "1"), ("[mariadb]\nport=1\n", None),
    ("\ufeff[mysqld]\nport=1\n", None), ("[mysqld]\rport=1\n", None), ("[mysqld]\r\nport=1\r\n", "1"),
    ("[mysqld]\n\tport\t=\t1\t# one\n", "1"),
])  # fmt: skip
def test_groups_of_a_server(tmp_path: Path, text: str, value: str | None) -> None:
    (tmp_path / "my.cnf").write_bytes(text.encode())
    assert last(tmp_path / "my.cnf", "port") == value


def test_groups_of_mariadb_and_of_a_suffix(tmp_path: Path) -> None:
    path = tmp_path / "my.cnf"
    path.write_text("[mysqld]\nport=1\n[mariadb-10.11]\nport=2\n[mariadb-11.8]\nport=3\n[mysqld@a]\nport=4\n")
    assert last(path, "port", "10.11", "mariadb") == "2"
    assert last(path, "port", "9.7", "mysql", "@a") == "4"


def test_includes_as_the_server_follows_them(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name, value in (("b.cnf", 1), (".a.cnf", 2), ("c.ini", 3), ("world.cnf", 4)):
        (tmp_path / "d" / name).write_text(f"[mysqld]\nport = {value}\n")
    (tmp_path / "d" / "world.cnf").chmod(0o666)
    (tmp_path / "my.cnf").write_text(
        f"!  includedir  {tmp_path}/d  \n!include relative.cnf\n!includedir {tmp_path}/none\n"
    )
    found = settings(tmp_path / "my.cnf")
    assert [each["value"] for each in found.settings] == ["2", "1"]
    assert [each.removeprefix(f"{tmp_path}/") for each in found.problems] == [
        "d/world.cnf: it may be written by everybody, so mysqld ignores it",
        "my.cnf:2: relative.cnf is no whole path, so it was not followed",
        f"none: [Errno 2] No such file or directory: '{tmp_path}/none'",
    ]
    (tmp_path / "last.cnf").write_text(f"!include {tmp_path}/d/b.cnfx")  # without a line end the last character is lost
    assert last(tmp_path / "last.cnf", "port") == "1"


@pytest.mark.parametrize(("arguments", "environment", "files"), [
    ([], {}, [*seen.MAIN_FILES]), (["--daemonize"], {"HOME": "/h"}, [*seen.MAIN_FILES, "/h/.my.cnf"]),
    (["--defaults-file=/srv/a/my.cnf", "--port=1"], {"HOME": "/h"}, ["/srv/a/my.cnf"]), (["--no-defaults"], {}, []),
    (["--defaults-extra-file=/x.cnf"], {"MYSQL_HOME": "/m"}, [*seen.MAIN_FILES, "/m/my.cnf", "/x.cnf"]),
    (["--port=1", "--defaults-file=/x"], {}, [*seen.MAIN_FILES]),  # too late: the server refuses it
])  # fmt: skip
def test_which_files_a_server_reads(arguments: list[str], environment: dict[str, str], files: list[str]) -> None:
    assert seen.files_of(seen.start_of(arguments, environment), environment) == files


def test_the_suffix_of_groups() -> None:
    assert seen.start_of(["--defaults-group-suffix=@a"], {}).suffix == "@a"
    assert seen.start_of([], {"MYSQL_GROUP_SUFFIX": "2"}).suffix == "2"


def test_the_command_line_wins_and_keeps_its_secrets() -> None:
    found = seen.Settings(reader.find)
    found.read_arguments(["--defaults-file=/x", "--read-only", "--loose-port=7", "--wsrep_sst_auth=u:Zq8", "other"])
    assert [(each["name"], each["value"]) for each in found.settings] == [
        ("read_only", None), ("port", "7"), ("wsrep_sst_auth", None),
    ]  # fmt: skip


def test_where_secrets_are(tmp_path: Path) -> None:
    path = tmp_path / "my.cnf"
    path.write_text("[client]\npassword = Zq8\n[mysqld]\nssl_key = /k.pem\n[mysqldump]\npassword\n")
    found = settings(path)
    assert found.secrets == [{"name": "password", "group": "client", "at": f"{path}:2"}]
    assert "Zq8" not in str([found.settings, found.secrets, found.problems])


@pytest.mark.parametrize(("text", "found"), [
    ("mysqld  Ver 8.0.36-28 for Linux on x86_64 (Percona Server)", ("mysql", "8.0")),
    ("/usr/sbin/mysqld  Ver 9.7.4-2 for Linux", ("mysql", "9.7")),
    ("mariadbd  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu", ("mariadb", "10.11")), ("", ("mysql", "")),
])  # fmt: skip
def test_the_version_of_a_program(text: str, found: tuple[str, str]) -> None:
    assert seen.server_version(text) == found


class Module:
    """As AnsibleModule, on a host without programs."""

    def get_bin_path(self, _name: str, **_options: object) -> None:
        return None


def servers(monkeypatch: pytest.MonkeyPatch, *files: Path) -> None:
    found = [reader.Process("/none", [f"--defaults-file={file}"], {}) for file in files]
    monkeypatch.setattr(reader, "processes", lambda: iter(found))
    monkeypatch.setattr(reader, "CLIENT_FILES", ())


def test_the_files_of_the_server_that_is_meant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (("a", "ON"), ("b", "OFF")):
        (tmp_path / name).write_text(f"[mysqld]\nsocket = {tmp_path}/{name}.sock\nread_only = {value}\n")
    servers(monkeypatch, tmp_path / "a", tmp_path / "b")
    found = reader.facts(Module(), f"{tmp_path}/b.sock")  # type: ignore[arg-type]
    assert found == {
        "files": [f"{tmp_path}/b"], "boot": {"read_only": {"value": "OFF", "at": f"{tmp_path}/b:3"}},
        "open_secrets": [], "problems": [],
    }  # fmt: skip
    assert reader.facts(Module(), "/run/other.sock") is None  # type: ignore[arg-type]
    servers(monkeypatch, tmp_path / "a")
    alone = reader.facts(Module(), "/run/other.sock")  # type: ignore[arg-type]
    assert alone is not None
    assert alone["files"] == [f"{tmp_path}/a"]


def test_passwords_that_others_may_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "my.cnf"
    path.write_text("[client]\npassword = Zq8\n")
    servers(monkeypatch, path)
    monkeypatch.setattr(reader, "_for_all", lambda each: each == str(path))
    found = reader.facts(Module(), None)  # type: ignore[arg-type]
    assert found is not None
    assert found["open_secrets"] == [{"name": "password", "group": "client", "at": f"{path}:2"}]


RUNS = {
    "innodb_buffer_pool_size": "17179869184", "max_allowed_packet": "67108864", "log_bin": "ON",
    "log_bin_basename": "/var/log/mysql/mysql-bin", "datadir": "/var/lib/mysql/", "relay_log": "relay",
    "log_error": "/var/log/mysql/error.err", "max_connections": "151",
}  # fmt: skip


def test_units_and_extensions() -> None:
    text = (FIELD / "units-and-extensions" / "my.cnf").read_text(encoding="utf-8")
    assert compare(parse_option_file(text, "9.7"), RUNS, [], []).differences == ()


@pytest.mark.parametrize(("line", "same"), [
    ("max_allowed_packet = 64m", True), ("max_allowed_packet = 64Mega", True), ("max_allowed_packet = 65MiB", False),
    ("log_bin = /var/log/mysql/mysql-bin.000001", True), ("log_bin = /var/log/mysql/other.log", False),
    ("log_bin = /var/log/mysql.d/mysql-bin", False), ("relay_log = relay.log", True), ("relay_log = other", False),
    ("log_error = /var/log/mysql/error", True), ("log_error = /var/log/mysql/error.log", False),
    ("max_connections = 151x", False),
])  # fmt: skip
def test_relatives_of_units_and_extensions(line: str, same: bool) -> None:
    found = compare(parse_option_file(f"[mysqld]\n{line}\n", "9.7"), RUNS, [], [])
    assert (found.differences == ()) is same


@pytest.mark.skipif(os.geteuid() != 0, reason="the modes of directories above are root's")
def test_files_for_all(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("")
    path.chmod(0o644)
    tmp_path.chmod(0o700)
    assert not reader._for_all(str(path))
    assert not reader._for_all(str(tmp_path / "none"))
    assert reader._for_all("/etc/passwd")
