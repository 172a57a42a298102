# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The packets that ask for the VIP, announce it and remove it."""

from __future__ import annotations

import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_ha_agent import vip
from mysql_ha_agent.lib import _neighbour as wire

HARDWARE = bytes.fromhex("0242ac110002")
OTHER = bytes.fromhex("0242ac110003")
VIP = ipaddress.ip_interface("10.0.0.100/24")
VIP6 = ipaddress.ip_interface("fd00::100/64")
FREE = ipaddress.ip_interface("192.0.2.200/24")


class TestArp:
    def test_a_probe_names_no_sender(self) -> None:
        frame = wire.arp(wire.REQUEST, HARDWARE, bytes(4), bytes(6), VIP.ip.packed)
        assert frame[:14].hex() == "ffffffffffff" "0242ac110002" "0806"
        assert frame[14:].hex() == "0001" "0800" "0604" "0001" "0242ac110002" "00000000" "000000000000" "0a000064"
        assert wire.arp_sender(frame, VIP.ip) is None

    @given(st.sampled_from([wire.REQUEST, wire.REPLY]), st.binary(min_size=6, max_size=6))
    def test_whoever_says_that_it_has_the_address(self, operation: int, hardware: bytes) -> None:
        frame = wire.arp(operation, hardware, VIP.ip.packed, HARDWARE, VIP.ip.packed)
        assert wire.arp_sender(frame, VIP.ip) == hardware
        assert wire.arp_sender(frame, FREE.ip) is None

    @given(st.binary(max_size=60))
    def test_no_bytes_crash_it(self, data: bytes) -> None:
        assert wire.arp_sender(data, VIP.ip) is None


class TestNeighbours:
    @given(st.binary(min_size=6, max_size=6))
    def test_an_advertisement(self, hardware: bytes) -> None:
        data = wire.neighbour(wire.ADVERTISEMENT, vip.OVERRIDE, VIP6.ip, wire.TARGET_OPTION, hardware)
        assert wire.advertised_by(data, VIP6.ip) == hardware
        assert wire.advertised_by(data, ipaddress.ip_address("fd00::101")) is None

    def test_other_options_are_passed_over(self) -> None:
        data = wire.neighbour(wire.ADVERTISEMENT, 0, VIP6.ip, 14, HARDWARE)
        assert wire.advertised_by(data, VIP6.ip) is None
        assert wire.advertised_by(data + bytes((wire.TARGET_OPTION, 1)) + OTHER, VIP6.ip) == OTHER

    def test_a_solicitation_is_no_claim(self) -> None:
        data = wire.neighbour(wire.SOLICITATION, 0, VIP6.ip, wire.SOURCE_OPTION, HARDWARE)
        assert wire.advertised_by(data, VIP6.ip) is None

    @given(st.binary(max_size=80))
    def test_no_bytes_crash_it(self, data: bytes) -> None:
        head = bytes((wire.ADVERTISEMENT, 0, 0, 0, 0, 0, 0, 0)) + VIP6.ip.packed
        wire.advertised_by(data, VIP6.ip)
        wire.advertised_by(head + data, VIP6.ip)


class TestKernel:
    def test_the_deletion_names_the_address_and_the_interface(self) -> None:
        data = vip.deletion(VIP, 7)
        length, kind, flags, _number, _port = struct.unpack_from("=IHHII", data)
        assert (length, kind, flags) == (len(data), 21, 5)
        assert data[16:24] == struct.pack("=BBBBI", socket.AF_INET, 24, 0, 0, 7)
        assert data[24:] == struct.pack("=HH", 8, 2) + VIP.ip.packed
        assert vip.deletion(VIP6, 7)[16] == socket.AF_INET6

    @given(st.integers(0, 133))
    def test_the_answer(self, number: int) -> None:
        assert vip.answer(struct.pack("=IHHIIi", 36, 2, 0, 1, 0, -number) + bytes(16)) == number

    @given(st.binary(max_size=40).filter(lambda data: data[4:6] != b"\2\0"))
    def test_anything_else_is_no_answer(self, data: bytes) -> None:
        with pytest.raises(OSError, match="no answer"):
            vip.answer(data)

    def test_removing_what_is_not_there(self) -> None:
        try:
            vip.remove(FREE, "lo")
        except PermissionError:
            pytest.skip("addresses may not be changed here")

    def test_an_interface_that_is_not_there(self) -> None:
        with pytest.raises(OSError, match=r"[Nn]o such device|no interface with this name"):
            vip.remove(FREE, "nix0")

    def test_no_ethernet_nobody_answers(self) -> None:
        try:
            assert vip.probe(FREE, "lo") == ""
        except PermissionError:
            pytest.skip("raw packets are not permitted here")
