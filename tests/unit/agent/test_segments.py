# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a client is sent for a VIP that has left."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_ha_agent.segments import ACK, RST, SYN, Segment, checksum, packed, question, read, refusal

VIP4, CLIENT4 = ipaddress.ip_address("10.0.0.100").packed, ipaddress.ip_address("10.0.0.50").packed
VIP6, CLIENT6 = ipaddress.ip_address("fd00::100").packed, ipaddress.ip_address("fd00::50").packed
CAME4 = Segment(CLIENT4, VIP4, 50000, 3306, 0xFFFFFFFF, 0, SYN)
CAME6 = Segment(CLIENT6, VIP6, 50000, 3306, 0xFFFFFFFF, 0, SYN)


@pytest.mark.parametrize("came", [CAME4, CAME6], ids=["IPv4", "IPv6"])
class TestRefusal:
    def test_a_syn_is_answered_as_by_a_host_where_nobody_listens(self, came: Segment) -> None:
        assert refusal(packed(came), came.target) == Segment(came.target, came.source, 3306, 50000, 0, 0, RST | ACK)

    def test_a_connection_is_ended_where_its_client_has_come_to(self, came: Segment) -> None:
        data = packed(replace(came, flags=ACK, acknowledged=77)) + b"query"
        assert refusal(data, came.target) == Segment(came.target, came.source, 3306, 50000, 77, 0, RST)

    def test_nothing_else_is_answered(self, came: Segment) -> None:
        assert refusal(packed(replace(came, flags=RST)), came.target) is None  # else two hosts may go on for ever
        assert refusal(packed(came), came.source) is None
        assert refusal(packed(came)[:-1], came.target) is None

    def test_it_is_written_as_it_is_read(self, came: Segment) -> None:
        whole = packed(came)
        assert read(whole) == came
        content = whole[-20:]
        assert checksum(came.source + came.target + struct.pack("!II", len(content), 6) + content) == 0


def test_the_header_of_ipv4_has_its_checksum_and_may_have_options() -> None:
    whole = packed(CAME4)
    assert checksum(whole[:20]) == 0
    assert read(bytes([0x47]) + whole[1:20] + b"\x01" * 8 + whole[20:]) == CAME4


def test_another_protocol_is_passed_over() -> None:
    whole = packed(CAME4)
    assert read(whole[:9] + b"\x11" + whole[10:]) is None


def test_a_question_has_flags_that_no_open_connection_expects() -> None:
    assert question(VIP4, 3306, CLIENT4, 50000) == Segment(VIP4, CLIENT4, 3306, 50000, 0, 0, SYN | ACK)


@given(st.binary(max_size=90), st.sampled_from([VIP4, VIP6]))
def test_whatever_comes(data: bytes, vip: bytes) -> None:
    refusal(data, vip)
