# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The VIP is here or not here by the kernel's word only, not by its silence or an error of its."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from typing import Any

import pytest

from mysql_ha_agent import addresses as module
from mysql_ha_agent.addresses import NEWADDR, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, Addresses

VIP = ipaddress.ip_address("10.0.0.100")
LOOPBACK = "lo"


def message(kind: int, content: bytes, serial: int, flags: int = 0) -> bytes:
    return struct.pack("=IHHII", 16 + len(content), kind, flags, serial, 0) + content


def address(serial: int, flags: int = 0) -> bytes:
    head = struct.pack("=BBBBI", socket.AF_INET, 24, 0, 0, socket.if_nametoindex(LOOPBACK))
    return message(NEWADDR, head + struct.pack("=HH", 8, 1) + VIP.packed, serial, flags)


def end(serial: int, error: int = 0, kind: int = NLMSG_DONE) -> bytes:
    return message(kind, struct.pack("=i", -error), serial)


class Kernel:
    """A socket that answers so; `?` is the number of the question."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self._serial = 0

    def send(self, data: bytes) -> None:
        self._serial = struct.unpack_from("=IHHI", data)[3]

    def settimeout(self, seconds: float) -> None:
        return

    def recv(self, most: int) -> bytes:
        if not self._answers:
            raise TimeoutError("timed out")
        return bytes(self._answers.pop(0)(self._serial))


@pytest.fixture
def here() -> Addresses:
    """Knows that the VIP is here."""
    made = Addresses(VIP, LOOPBACK, lambda: None)
    made._list(Kernel(address, end))  # type: ignore[arg-type]
    assert made.here()
    return made


BROKEN = {
    "busy": [lambda serial: end(serial, errno.EBUSY, NLMSG_ERROR)],
    "no memory, at the end of the list": [lambda serial: end(serial, errno.ENOMEM)],
    "no end": [],
    "the end of an older list": [lambda serial: end(serial - 1)],
    "changed meanwhile": [lambda serial: message(NEWADDR, b"", serial, NLM_F_DUMP_INTR) + end(serial)],
    "cut off": [lambda serial: end(serial)[:-1]],
}


@pytest.mark.parametrize("answers", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_whole_list_says_nothing(here: Addresses, answers: list[Any]) -> None:
    with pytest.raises(OSError, match=r".*"):
        here._list(Kernel(*answers))  # type: ignore[arg-type]
    assert here.here()


def test_a_list_that_never_ends(here: Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIST_BOUND", 0.0)
    with pytest.raises(OSError, match="did not end"):
        here._list(Kernel(address, end))  # type: ignore[arg-type]


def test_a_whole_list_without_the_vip(here: Addresses) -> None:
    here._list(Kernel(end))  # type: ignore[arg-type]
    assert not here.here()


def test_the_real_kernel() -> None:
    loopback = Addresses(ipaddress.ip_address("127.0.0.1"), LOOPBACK, lambda: None)
    with loopback._connect() as connection:
        for _time in range(3):
            loopback._list(connection)
            assert loopback.here()
