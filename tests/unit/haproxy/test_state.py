# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one HAProxy process hands on to the next."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import haproxy_state
from haproxy_state import kept, lacking, main, read_servers, unread, unseen

CONFIG = """\
# written by somebody
defaults mysql_orders
    default-server inter 200ms
frontend mysql_orders_writer from mysql_orders
    bind *:6446
backend mysql_orders_writer from mysql_orders
    option httpchk
    server db1 10.0.0.11:3306 check port 8308
    server db2 [fd00::12]:3306 check port 8308
backend mysql_orders_reader from mysql_orders
    server db1 10.0.0.11:3306 check port 8308 weight 3
"""
SERVERS = {
    "mysql_orders_writer": {"db1": ("10.0.0.11", "3306"), "db2": ("fd00::12", "3306")},
    "mysql_orders_reader": {"db1": ("10.0.0.11", "3306")},
}
HEAD = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state ...\n"
REST = "2 0 1 1 17 15 3 4 6 0 0 0"


def line(server: str, address: str, port: int, check: str = "8308", backend: str = "mysql_orders_writer") -> str:
    return f"3 {backend} 1 {server} {address} {REST} - {port} - 0 {check} - - {check}\n"


def test_servers_of_the_configuration() -> None:
    assert read_servers(CONFIG) == SERVERS


def test_what_is_handed_on() -> None:
    state = HEAD + line("db1", "10.0.0.11", 3306) + line("db2", "fd00:0::12", 3306)
    assert kept(state, "mysql_orders_writer", SERVERS["mysql_orders_writer"]) == (
        HEAD + line("db1", "10.0.0.11", 3306, "0") + line("db2", "fd00:0::12", 3306, "0")
    )


@pytest.mark.parametrize(
    "moved",
    [
        line("db1", "10.0.0.11", 3307),
        line("db1", "10.0.0.12", 3306),
        line("db9", "10.0.0.11", 3306),
        line("db1", "10.0.0.11", 3306, backend="mysql_other_writer"),
        "3 mysql_orders_writer\n",
    ],
)
def test_a_server_that_is_another_one_now_is_not(moved: str) -> None:
    """HAProxy would give it its old port again."""
    assert kept(HEAD + moved, "mysql_orders_writer", SERVERS["mysql_orders_writer"]) == HEAD


@pytest.mark.parametrize("state", ["", "2\n# x\n", "Can't find backend.\n"])
def test_what_is_no_state(state: str) -> None:
    assert kept(state, "mysql_orders_writer", {}) == ""


@given(st.text("1 \n#adb.:-\r\0"), st.text("1 \n#adb.:-\r\0[]backend server"))
def test_whatever_they_are(state: str, config: str) -> None:
    servers = read_servers(config)
    kept(state, "a", servers.get("a", {}))
    unseen(state, servers)


STAT = """\
# pxname,svname,status,check_status,
mysql_orders_writer,FRONTEND,OPEN,,
mysql_orders_writer,db1,UP,L7OK,
mysql_orders_writer,db2,UP,{},
mysql_orders_writer,BACKEND,UP,,
other,db2,UP,INI,
"""


@pytest.mark.parametrize(("check", "missing"), [("INI", ["mysql_orders_writer/db2"]), ("L7STS", []), ("* L7OK", [])])
def test_who_has_not_been_looked_at(check: str, missing: list[str]) -> None:
    assert unseen(STAT.format(check), SERVERS) == missing


Served = Callable[[list[str]], Path]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A runtime socket that gives these answers, one to each connection."""
    path = tmp_path / "admin.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve(answers: list[str]) -> Path:
        def work() -> None:
            for answer in answers:
                connection, _address = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(answer.encode())

        threading.Thread(target=work, daemon=True).start()
        return path

    yield serve
    listener.close()


def run(path: Path, verb: str) -> int:
    config = path.parent / "orders.cfg"
    config.write_text(CONFIG)
    return main(str(path), str(path.parent), verb, [str(config)])


def test_save(served: Served) -> None:
    path = served([HEAD + line("db1", "10.0.0.11", 3306), HEAD])
    assert run(path, "save") == 0
    assert (path.parent / "mysql_orders_writer.state").read_text() == HEAD + line("db1", "10.0.0.11", 3306, "0")
    assert (path.parent / "mysql_orders_reader.state").read_text() == HEAD
    assert list(path.parent.glob("*.new")) == []


def test_what_cannot_be_saved_leaves_nothing_old(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "mysql_orders_writer.state"
    old.write_text(HEAD)
    assert run(tmp_path / "admin.sock", "save") == 1
    assert old.read_text() == "1\n"
    assert "could not be saved" in capsys.readouterr().err


def test_forget(tmp_path: Path) -> None:
    for backend in ("mysql_orders_writer", "mysql_gone_writer"):
        (tmp_path / f"{backend}.state").write_text(HEAD)
    assert run(tmp_path / "admin.sock", "forget") == 0
    assert {file.name: file.read_text() for file in tmp_path.glob("*.state")} == {
        "mysql_orders_writer.state": "1\n", "mysql_orders_reader.state": "1\n",
    }  # fmt: skip


def test_wait(served: Served) -> None:
    assert run(served(["", STAT.format("INI"), STAT.format("L7OK")]), "wait") == 0


def test_wait_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haproxy_state, "PATIENCE", 0.1)
    began = time.monotonic()
    assert run(tmp_path / "admin.sock", "wait") == 0
    assert time.monotonic() - began < 2


LISTENS = "# pxname,svname,status,\nmysql_orders_writer,FRONTEND,{},\nmysql_orders_reader,BACKEND,UP,\n"


@pytest.mark.parametrize(("status", "missing"), [("OPEN", []), ("STOP", ["mysql_orders_writer"])])
def test_ports_that_are_not_there(status: str, missing: list[str]) -> None:
    assert lacking(LISTENS.format(status), {"orders.cfg": CONFIG}) == missing
    assert lacking("", {"orders.cfg": CONFIG}) == ["mysql_orders_writer"]


def test_files_that_a_process_has_not_read() -> None:
    written = {"old.cfg": 89.0, "new.cfg": 90.5}
    assert unread("Uptime: 0d\nUptime_sec: 10\n", written, 100.0) == ["new.cfg"]
    assert unread("nonsense", written, 100.0) == ["old.cfg", "new.cfg"]


def test_what_was_written_is_taken(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    path = served(["", "", LISTENS.format("OPEN"), "Uptime_sec: 99\n", LISTENS.format("OPEN"), "Uptime_sec: 0\n"])
    (path.parent / "orders.cfg").write_text(CONFIG)
    assert main(str(path), str(path.parent), "taken", [str(path.parent / "orders.cfg")]) == 0
    assert capsys.readouterr().out.strip() == ""


def test_what_was_written_is_not_taken(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(haproxy_state, "TAKES_OVER", 0)
    path = served([LISTENS.format("OPEN"), LISTENS.format("OPEN"), "Uptime_sec: 99\n"])
    assert run(path, "offered") == 0
    assert run(path, "taken") == 1
    assert capsys.readouterr().out.strip() == str(path.parent / "orders.cfg")
    assert run(path.parent / "nobody.sock", "offered") == 1
    assert "No such file" in capsys.readouterr().out


def test_what_a_process_has_not_read(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    path = served(["Uptime_sec: 99\n"])
    assert run(path, "outdated") == 0
    assert capsys.readouterr().out.strip() == str(path.parent / "orders.cfg")
    assert run(path.parent / "nobody.sock", "outdated") == 0
    assert capsys.readouterr().out.strip() == ""
