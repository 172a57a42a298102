# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What comes in from outside: configuration, netlink, other agents, small files."""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_ha_agent import statefile, trackfile
from mysql_ha_agent.addresses import DELADDR, NEWADDR, Event, parse
from mysql_ha_agent.config import ConfigError
from mysql_ha_agent.config import parse as parse_config
from mysql_ha_agent.model import Durable
from mysql_ha_agent.watch import without_uuid
from unit.agent.world import CONFIG, KEYS, config


class TestConfig:
    def test_defaults_carry_the_instance(self) -> None:
        assert CONFIG.track_file == "/run/mysql-ha/a.track"
        assert [peer.name for peer in CONFIG.peers] == ["b", "r"]

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"lease": "3"}, "lease: must be a number of seconds"),
            ({"lease": True}, "lease: must be a number"),
            ({"poll_interval": 0}, "poll_interval: must be a number"),
            ({"vip": "10.0.0.100"}, "vip: must be ADDRESS/PREFIX"),
            ({"topology": "ring"}, "topology: must be dual_source or source_replica"),
            ({"socket": "mysqld.sock"}, "socket: must be an absolute path"),
            ({"allow": "10.0.0.0/8"}, "allow: must be a list"),
            ({"proxies": {}}, "proxies: must be a list of proxies"),
            ({"proxies": [{"name": "p"}]}, "proxies: proxy 0 must have exactly the keys name, address, port"),
            ({"proxies": [{"name": "p", "address": "p", "port": 1}]}, "proxies: proxy 0, address: 'p' does not"),
            ({"proxies": [{"name": "p", "address": "10.0.0.4", "port": 1}] * 2}, "proxies: two proxies have one name"),
            ({"members": []}, "members: must be a list of members"),
            ({"members": [{"name": "a"}]}, "members: member 0 must have exactly the keys"),
            ({"instance": "z"}, "members: this instance, z, is not among them"),
            ({"port": 3307}, "port: contradicts this instance's entry"),
            ({"colour": "red"}, "colour: there is no such key"),
        ],
    )
    def test_one_clear_error_for_a_bad_key(self, changes: dict[str, Any], problem: str) -> None:
        with pytest.raises(ConfigError) as error:
            config(**changes)
        assert [text for text in error.value.problems if text.startswith(problem)]
        assert len(error.value.problems) == 1

    def test_a_missing_key(self) -> None:
        with pytest.raises(ConfigError, match=r"vip: missing\."):
            parse_config(json.dumps({key: value for key, value in KEYS.items() if key != "vip"}))

    @given(st.text(max_size=40))
    def test_no_text_crashes_it(self, text: str) -> None:
        with pytest.raises(ConfigError):
            parse_config(text)


def message(kind: int, address: str, interface: int = 2) -> bytes:
    raw = ipaddress.ip_address(address).packed
    family = socket.AF_INET if len(raw) == 4 else socket.AF_INET6
    body = struct.pack("=BBBBI", family, 24, 0, 0, interface) + struct.pack("=HH", 4 + len(raw), 1) + raw
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body


class TestNetlink:
    def test_several_events_in_one_datagram(self) -> None:
        data = message(NEWADDR, "10.0.0.100") + message(16, "10.0.0.7") + message(DELADDR, "fd00::1", 3)
        assert list(parse(data)) == [
            Event(True, 2, ipaddress.ip_address("10.0.0.100")), Event(False, 3, ipaddress.ip_address("fd00::1"))]

    @given(st.binary(max_size=80))
    def test_no_bytes_crash_it(self, data: bytes) -> None:
        list(parse(data))

    @given(st.integers(0, 60))
    def test_a_cut_message_is_no_event(self, length: int) -> None:
        whole = message(NEWADDR, "10.0.0.100")
        assert len(list(parse(whole[:length]))) == (length >= len(whole))


@pytest.mark.parametrize(
    ("gtid_set", "left"),
    [("", ""), ("u:1-9", ""), ("u:1-9:tag:1", ""), ("t:1,u:1-9,v:1-2:5", "t:1,v:1-2:5"), ("U:1", "")],
)
def test_a_set_without_one_uuid(gtid_set: str, left: str) -> None:
    assert without_uuid(gtid_set, "u") == left


UNUSABLE = [
    "", "[]", "[" * 100_000, '{"version": 1}', '{"version": 3, "generation": 7}', '{"version": 2, "colour": 1}',
    '{"version": 2, "generation": null}', '{"version": 2, "generation": "5"}', '{"version": 2, "led": true}',
    '{"version": 2, "errant": null}', '{"version": 2, "generation": -1}', '{"version": 2, "alone": 1}',
]


class TestFiles:
    def test_the_track_file_is_never_empty_nor_longer_than_its_value(self, tmp_path: Path) -> None:
        path = tmp_path / "a.track"
        path.write_text("1 something longer\n")
        trackfile.write_track(str(path), "0")
        assert path.read_text() == "0\n"
        assert trackfile.read_track(str(path)) == "0"
        assert trackfile.read_track(str(tmp_path / "none")) is None

    def test_a_hold_of_somebody_else_stays(self, tmp_path: Path) -> None:
        path = str(tmp_path / "a.hold")
        assert trackfile.read_hold(path) is None
        trackfile.place_hold(path, "clone")
        trackfile.place_hold(path, "mysqld stops")
        assert not trackfile.remove_hold(path, "mysqld stops")
        assert trackfile.read_hold(path) == "clone"
        assert trackfile.remove_hold(path, None)
        assert trackfile.read_hold(path) is None

    def test_keepalived_must_be_keepalived(self, tmp_path: Path) -> None:
        pid_file = tmp_path / "keepalived.pid"
        assert not trackfile.KeepalivedWatch(str(pid_file)).runs()
        pid_file.write_text(f"{os.getpid()}\n")
        assert not trackfile.KeepalivedWatch(str(pid_file)).runs()

    @pytest.mark.parametrize("hidden", [FileNotFoundError, PermissionError])
    def test_keepalived_may_be_hidden(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: type[OSError]
    ) -> None:
        """With hidepid=2 it has no directory in /proc, with hidepid=1 it cannot be read."""
        real = Path.read_text

        def read_text(path: Path, **how: Any) -> str:
            if path.name == "comm":
                raise hidden
            return real(path, **how)

        monkeypatch.setattr(Path, "read_text", read_text)
        pid_file = tmp_path / "keepalived.pid"
        pid_file.write_text(f"{os.getpid()}\n")
        assert trackfile.KeepalivedWatch(str(pid_file)).runs()
        with subprocess.Popen(["true"]) as ended:
            ended.wait()
        pid_file.write_text(f"{ended.pid}\n")
        assert not trackfile.KeepalivedWatch(str(pid_file)).runs()

    def test_the_memory_survives(self, tmp_path: Path) -> None:
        path = str(tmp_path / "a.json")
        assert statefile.load(path) == Durable()
        statefile.save(path, Durable(7, errant="u:1"))
        assert statefile.load(path) == Durable(7, errant="u:1")
        assert [file.name for file in tmp_path.iterdir()] == ["a.json"]

    @pytest.mark.parametrize("text", UNUSABLE)
    def test_a_memory_of_another_kind_is_an_error(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "a.json"
        path.write_text(text)
        with pytest.raises(ValueError, match=r".*"):
            statefile.load(str(path))

    @pytest.mark.parametrize("text", UNUSABLE)
    def test_a_memory_that_cannot_be_used_is_not_that_of_a_new_agent(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "a.json"
        for _time in range(2):  # until the core has saved what is remembered now it is met again
            path.write_text(text)
            durable, problem = statefile.remember(str(path))
            assert durable == Durable(left_behind=True)
            assert str(path) in problem
            assert (tmp_path / "a.json.bad").read_text() == text
        statefile.save(str(path), durable)
        assert statefile.remember(str(path)) == (durable, "")
        assert (tmp_path / "a.json.bad").read_text() == text

    def test_a_memory_that_cannot_be_read(self, tmp_path: Path) -> None:
        path = tmp_path / "a.json"
        path.mkdir()
        durable, problem = statefile.remember(str(path))
        assert durable == Durable(left_behind=True)
        assert "Is a directory" in problem

    def test_no_memory_is_a_new_agent(self, tmp_path: Path) -> None:
        assert statefile.remember(str(tmp_path / "a.json")) == (Durable(), "")
