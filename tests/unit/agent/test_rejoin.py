# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rejoin keeps, and that one which was interrupted is found."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest

from mysql_ha_agent import errant, rejoin
from mysql_ha_agent.lib._connection import MysqlError
from mysql_ha_agent.model import Peer

CHANNEL = {"name": "", "source_host": "10.0.0.9", "source_port": 3306, "source_user": "repl", "source_bind": "",
           "source_ssl": True, "auto_position": True, "delay": 0, "io_running": "No"}
PLAN = rejoin.Plan("u:1-3", "db1", "own", {"source_host": "10.0.0.9"})


@pytest.fixture
def config(tmp_path: Path) -> Any:
    addresses = {"db1": "10.0.0.1", "db6": "fd00::6"}
    peers = [SimpleNamespace(name=name, address=ip_address(address)) for name, address in addresses.items()]
    return SimpleNamespace(
        instance="db2", state_file=str(tmp_path / "db2.json"), hold_file=str(tmp_path / "db2.hold"), peers=peers)


def rejoining(config: Any, writer: Peer | None = None) -> rejoin.Rejoining:
    return rejoin.Rejoining(config, lambda: writer, lambda text: None)


@pytest.mark.parametrize(("gtids", "transactions"), [
    ("", 0), ("u-1:5", 1), ("u-1:1-3:7", 4), ("u-1:1-3,u-2:2-2", 4), ("u-1:1-2:tag_9:4-5", 4), ("u:1-3,\nv:9", 4)])
def test_transactions_are_counted(gtids: str, transactions: int) -> None:
    assert errant.count(gtids) == transactions


def test_only_the_places_of_what_is_left_out_are_dropped(tmp_path: Path) -> None:
    printed = [b"# at 4\n", b"# at 20\n", b"SET @@SESSION.GTID_NEXT= 'u:1'/*!*/;\n", b"COMMIT\n", b"# at 7\n"]
    file = tmp_path / "saved.sql"
    file.write_bytes(b"".join(errant.without_places(printed)) + b"SET @@SESSION.GTID_NEXT= 'AUTOMATIC' /* */;\n")
    assert file.read_bytes().startswith(b"# at 20\nSET")
    assert errant.found_in(file) == {b"u:1"}


def test_a_full_directory_ends_a_rejoin_before_anything_is_lost(tmp_path: Path) -> None:
    for number in range(errant.KEPT):
        (tmp_path / f"db2-errant-{number}.sql").touch()
    with pytest.raises(MysqlError, match="move them away"):
        errant.save(None, "/s", "u", tmp_path, "db2", "u:1")  # type: ignore[arg-type]


def test_a_channel_is_made_again_with_what_it_has() -> None:
    assert rejoin.options_of(CHANNEL, "secret") == {
        "source_host": "10.0.0.9", "source_port": 3306, "source_user": "repl", "source_ssl": True,
        "auto_position": True, "delay": 0, "source_password": "secret",
    }


def test_an_interrupted_rejoin_is_found_and_its_plan_is_secret(config: Any, tmp_path: Path) -> None:
    rejoining(config)._store(PLAN)
    assert rejoining(config).pending() == "u:1-3"
    assert rejoining(config)._load() == PLAN
    assert (tmp_path / "db2.rejoin.json").stat().st_mode & 0o777 == 0o600


def test_a_hold_that_outlived_its_rejoin_is_removed_and_that_of_a_person_is_not(config: Any) -> None:
    for text, stays in ((rejoin.HOLD, False), ("backup", True)):
        Path(config.hold_file).write_text(text + "\n", encoding="utf-8")
        assert rejoining(config).pending() is None
        assert Path(config.hold_file).exists() is stays


def test_a_plan_that_cannot_be_read_is_not_forgotten(config: Any, tmp_path: Path) -> None:
    (tmp_path / "db2.rejoin.json").write_text(json.dumps({"errant": "u:1"})[:-2], encoding="utf-8")
    assert str(rejoining(config).pending()).startswith("unknown")


def test_the_hold_of_a_person_keeps_it_from_beginning(config: Any) -> None:
    Path(config.hold_file).write_text("backup\n", encoding="utf-8")
    with pytest.raises(MysqlError, match="somebody else"):
        rejoining(config).run("u:1")


def test_the_donor_is_another_server_that_lacks_the_errant_transactions(config: Any) -> None:
    def donor(writer: Peer | None, lacks: int = 1) -> str:
        def value(sql: str, values: object = None) -> object:
            return "renewed" if "server_uuid" in sql else lacks

        return rejoining(config, writer)._donor(SimpleNamespace(value=value), PLAN)  # type: ignore[arg-type]

    good = Peer("db1", uuid="other", gtid_executed="v:1-9")
    assert donor(good) == "db1"
    for writer, lacks, message in (
        (None, 1, "no live writer"), (replace(good, name="db2"), 1, "no live writer"),
        (replace(good, uuid=""), 1, "no live writer"),
        (replace(good, uuid="renewed"), 1, "this server itself"), (good, 0, "not errant"),
        (replace(good, name="db6"), 1, "IPv6"),
    ):
        with pytest.raises(MysqlError, match=message):
            donor(writer, lacks)


def starts(config: Any, tmp_path: Path) -> None:
    """Runs what mysqld's unit runs before a start, with the directories of this test."""
    template = Path(__file__).parents[3] / "roles" / "agent" / "templates" / "mysqld.conf.j2"
    text = jinja2.Template(template.read_text(encoding="utf-8")).render(
        inventory_hostname=config.instance, mysql_datadir=str(tmp_path / "data"), ansible_managed="")
    command = next(line for line in text.splitlines() if "auto.cnf" in line and line.startswith("ExecStartPre=-+"))
    command = command.partition("-+")[2].replace("/var/lib/mysql-ha/", f"{tmp_path}/")
    subprocess.run(shlex.split(command), check=True)


def test_mysqld_gets_a_new_uuid_at_each_start_while_a_rejoin_is_under_way_and_else_keeps_it(
    config: Any, tmp_path: Path,
) -> None:
    uuid, settings = tmp_path / "data" / "auto.cnf", tmp_path / "data" / "mysqld-auto.cnf"
    uuid.parent.mkdir()
    settings.touch()
    uuid.touch()
    starts(config, tmp_path)
    assert uuid.exists()
    rejoining(config)._store(PLAN)
    starts(config, tmp_path)
    assert not uuid.exists()
    starts(config, tmp_path)  # again, without the file
    assert settings.exists()
