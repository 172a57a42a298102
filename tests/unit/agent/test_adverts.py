# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""VRRP as other hosts send it."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_ha_agent.adverts import announces, without_ip_header

VIP = ipaddress.ip_address("10.0.0.100")
VIP6 = ipaddress.ip_address("2001:db8::64")
OTHER = ipaddress.ip_address("10.0.0.101")


def advert(*addresses: ipaddress.IPv4Address | ipaddress.IPv6Address, version: int = 3, priority: int = 238) -> bytes:
    head = bytes([version << 4 | 1, 51, priority, len(addresses), 0, 20, 0xAB, 0xCD])
    return head + b"".join(address.packed for address in addresses)


@pytest.mark.parametrize(
    ("packet", "vip", "expected"),
    [
        (advert(VIP), VIP, True),
        (advert(OTHER, VIP), VIP, True),
        (advert(VIP, version=2) + b"secret\0\0", VIP, True),
        (advert(VIP6), VIP6, True),
        (advert(OTHER), VIP, False),
        (advert(VIP, priority=0), VIP, False),
        (advert(VIP)[:-1], VIP, False),
        (b"\x41" + advert(VIP)[1:], VIP, False),
        (b"", VIP, False),
    ],
)
def test_announces(packet: bytes, vip: ipaddress.IPv4Address, expected: bool) -> None:
    assert announces(packet, vip) is expected


@given(st.binary(max_size=80))
def test_whatever_comes_is_survived(packet: bytes) -> None:
    assert announces(without_ip_header(packet, 4), VIP) in (True, False)


def test_the_ip_header_is_taken_off_with_its_options() -> None:
    assert without_ip_header(b"\x46" + bytes(23) + advert(VIP), 4) == advert(VIP)
    assert without_ip_header(advert(VIP6), 6) == advert(VIP6)
