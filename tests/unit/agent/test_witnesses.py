# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who is asked whether this host is cut off, and what counts as an answer."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_ha_agent import witnesses
from mysql_ha_agent.config import ConfigError, Witness
from mysql_ha_agent.model import Witness as Seen
from unit.agent.world import config

LOCALHOST = ipaddress.ip_address("127.0.0.1")
SILENT = ipaddress.ip_address("127.0.0.2")
ROUTE = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth1\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t00000000\t0200A8C0\t0003\t0\t0\t200\t00000000\t0\t0\t0
eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth2\t0000A8C0\t0300A8C0\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth3\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0
"""
NONE = "0" * 32
IPV6_ROUTE = f"""{NONE} 00 {NONE} 00 fe800000000000000000000000000002 00000400 00000001 00000000 00000003     eth0
{NONE} 00 {NONE} 00 fe800000000000000000000000000001 00000064 00000001 00000000 00450003     eth0
fd000000000000000000000000000000 40 {NONE} 00 fd000000000000000000000000000009 00000001 00000001 00000000 00000003 eth1
{NONE} 00 {NONE} 00 {NONE} ffffffff 00000001 00000000 00200200       lo
"""


class TestConfiguration:
    @pytest.mark.parametrize(
        ("text", "witness", "name"),
        [
            ("10.0.0.9", Witness(ipaddress.ip_address("10.0.0.9"), None), "10.0.0.9"),
            ("10.0.0.9:53", Witness(ipaddress.ip_address("10.0.0.9"), 53), "10.0.0.9 port 53"),
            ("fd00::9", Witness(ipaddress.ip_address("fd00::9"), None), "fd00::9"),
            ("[fd00::9]:53", Witness(ipaddress.ip_address("fd00::9"), 53), "fd00::9 port 53"),
            ("gateway", Witness(None, None), "gateway"),
        ],
    )
    def test_the_kinds(self, text: str, witness: Witness, name: str) -> None:
        assert config(witnesses=[text]).witnesses == (witness,)
        assert witness.name == name

    @pytest.mark.parametrize("text", ["router", "10.0.0.9:0", "10.0.0.9:http", "gateway:53", "", "10.0.0.300"])
    def test_what_is_none(self, text: str) -> None:
        with pytest.raises(ConfigError, match="witnesses: "):
            config(witnesses=[text])


class TestPing:
    @given(st.binary(max_size=64))
    def test_a_checksum_makes_the_sum_zero(self, data: bytes) -> None:
        data += b"\0" * (len(data) % 2)
        assert witnesses.checksum(data + struct.pack("!H", witnesses.checksum(data))) == 0

    @given(st.sampled_from([4, 6]), st.binary(min_size=16, max_size=16))
    def test_a_request_is_no_reply_and_its_echo_is(self, version: int, token: bytes) -> None:
        sent = witnesses.echo_request(version, token)
        assert not witnesses.is_reply(version, sent, token)
        echo = bytes([witnesses.ECHO_REPLY[version]]) + sent[1:]
        assert witnesses.is_reply(version, echo, token)
        assert not witnesses.is_reply(version, echo, token[:-1] + bytes([token[-1] ^ 1]))

    def test_a_raw_socket_gives_the_header_of_ip_too(self) -> None:
        token = bytes(range(16))
        echo = b"\0" + witnesses.echo_request(4, token)[1:]
        assert witnesses.is_reply(4, b"\x46" + bytes(23) + echo, token)

    @given(st.sampled_from([4, 6]), st.binary(max_size=80))
    def test_no_bytes_crash_it(self, version: int, data: bytes) -> None:
        assert not witnesses.is_reply(version, data, b"sixteen random !")

    def test_this_host_answers(self) -> None:
        try:
            witnesses._ping_socket(LOCALHOST).close()
        except PermissionError:
            pytest.skip("neither kind of ping is permitted here")
        assert witnesses.answers(LOCALHOST, None, "lo")


class TestConnection:
    def test_accepted_and_refused_are_answers(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            assert witnesses.answers(LOCALHOST, port, "lo")
        assert witnesses.answers(LOCALHOST, port, "lo")

    def test_silence_is_none_and_is_bounded(self) -> None:
        with socket.socket() as server:
            server.bind(("127.0.0.2", 0))
            server.listen(0)
            port = server.getsockname()[1]
            with socket.create_connection(("127.0.0.2", port)):  # the queue is full: the next one is not answered
                began = time.monotonic()
                assert not witnesses.answers(SILENT, port, "lo", timeout=0.1)
                assert 0.1 <= time.monotonic() - began < 1

    def test_an_interface_that_is_not_there(self) -> None:
        assert not witnesses.answers(ipaddress.ip_address("fe80::1"), None, "nix0", timeout=0.1)


class TestGateway:
    def test_the_smallest_metric_of_the_interface(self) -> None:
        # The kernel prints the bytes in the order of the machine.
        expected = "192.168.0.1" if struct.pack("=H", 1) == b"\1\0" else "1.0.168.192"
        assert str(witnesses.gateway_of_route(ROUTE, "eth0")) == expected
        assert str(witnesses.gateway_of_ipv6_route(IPV6_ROUTE, "eth0")) == "fe80::1"

    @pytest.mark.parametrize("interface", ["eth2", "eth3", "lo", "eth"])
    def test_no_default_route_no_gateway(self, interface: str) -> None:
        assert witnesses.gateway_of_route(ROUTE, interface) is None
        assert witnesses.gateway_of_ipv6_route(IPV6_ROUTE, interface) is None
        assert witnesses.gateway_of_ipv6_route(IPV6_ROUTE, "eth1") is None

    @given(st.text(alphabet="eth0 \t\n0123456789abcdefxyz", max_size=200))
    def test_no_text_crashes_it(self, text: str) -> None:
        witnesses.gateway_of_route("head\n" + text, "eth0")
        witnesses.gateway_of_ipv6_route(text, "eth0")

    def test_ipv4_is_preferred_and_a_missing_table_is_no_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "6").write_text(IPV6_ROUTE)
        monkeypatch.setattr(witnesses, "ROUTES", {4: tmp_path / "4", 6: tmp_path / "6"})
        assert str(witnesses.default_gateway("eth0")) == "fe80::1"
        (tmp_path / "4").write_text(ROUTE)
        assert str(witnesses.default_gateway("eth0")).startswith("192.") or struct.pack("=H", 1) != b"\1\0"
        assert witnesses.default_gateway("eth9") is None


class TestWitnesses:
    @staticmethod
    def until(asked: witnesses.Witnesses, number: int, seconds: float = 3.0) -> tuple[Seen, ...]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            seen = asked.seen()
            if sum(witness.asked is not None for witness in seen) >= number:
                return seen
            time.sleep(0.01)
        raise AssertionError(f"not asked in time: {asked.seen()}")

    def test_each_is_asked_and_a_silent_one_holds_up_no_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(witnesses, "answers", lambda address, port, interface: port == 2)
        woken = threading.Event()
        asked = witnesses.Witnesses(config(witnesses=["10.0.0.9:1", "10.0.0.9:2"]), woken.set)
        assert [witness.asked for witness in asked.seen()] == [None, None]
        asked.start()
        silent, heard = self.until(asked, 2)
        assert (silent.name, silent.answered) == ("10.0.0.9 port 1", None)
        assert heard.answered == heard.asked is not None
        assert woken.is_set()

    def test_the_last_gateway_known_stays_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gateways = iter([None, LOCALHOST])
        asked_of = []
        monkeypatch.setattr(witnesses, "EVERY", 0.01)
        monkeypatch.setattr(witnesses, "default_gateway", lambda interface: next(gateways, None))
        monkeypatch.setattr(witnesses, "answers", lambda address, port, interface: bool(asked_of.append(address)))
        asked = witnesses.Witnesses(config(witnesses=["gateway"]), lambda: None)
        assert asked.seen() == ()
        asked.start()
        (gateway,) = self.until(asked, 1)
        assert gateway.name == "gateway"
        deadline = time.monotonic() + 3
        while len(asked_of) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert set(asked_of) == {LOCALHOST}
        assert len(asked_of) >= 3
