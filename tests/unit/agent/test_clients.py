# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which sockets of a dead mysqld are reset. The kernel's part runs in a network namespace of its own."""

from __future__ import annotations

import ipaddress
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_ha_agent import clients
from mysql_ha_agent.clients import ESTABLISHED, LISTEN, Connection, concerned, parse
from mysql_ha_agent.decisions import SendAway
from unit.agent.world import DOWN, KNOWN, LED, STANDBY, WRITER, kinds, run

AGENT = Path(clients.__file__).parents[1]
VIP = ipaddress.ip_address("10.0.0.100")
MEMBER = ipaddress.ip_address("10.0.0.2").packed


def one(state: int, own: str, other: str = "10.0.0.50", cookie: int = 7, family: int = socket.AF_INET) -> Connection:
    def packed(text: str) -> bytes:
        raw = ipaddress.ip_address(text).packed
        return raw if family == socket.AF_INET or len(raw) == 16 else bytes(10) + b"\xff\xff" + raw

    place = clients._PLACE.pack(3306, 50000, packed(own), packed(other)) + bytes(4) + cookie.to_bytes(8, sys.byteorder)
    return Connection(family, state, place)


LISTENER = one(LISTEN, "0.0.0.0", "0.0.0.0")  # noqa: S104  what mysqld listens on
CLIENT = one(ESTABLISHED, "10.0.0.100", cookie=8)


class TestConcerned:
    def test_the_listener_comes_first_so_that_nobody_is_let_in_again(self) -> None:
        assert concerned([CLIENT, LISTENER], {7}, VIP.packed, {MEMBER}) == [LISTENER, CLIENT]

    def test_where_another_mysqld_listens_by_now_nobody_is_sent_away(self) -> None:
        assert concerned([CLIENT, LISTENER], {6}, VIP.packed, {MEMBER}) == []
        assert concerned([CLIENT], {7}, VIP.packed, {MEMBER}) == []

    def test_one_that_shuts_down_has_closed_its_listeners_itself(self) -> None:
        replica = one(ESTABLISHED, "10.0.0.100", "10.0.0.2")
        assert concerned([CLIENT, replica], None, VIP.packed, {MEMBER}) == [CLIENT]

    @pytest.mark.parametrize("other", [
        one(ESTABLISHED, "10.0.0.1"),  # not to the VIP
        one(ESTABLISHED, "10.0.0.100", "10.0.0.2"),  # a replica, which may have something to read yet
    ])  # fmt: skip
    def test_others_stay(self, other: Connection) -> None:
        assert concerned([LISTENER, other], {7}, VIP.packed, {MEMBER}) == [LISTENER]

    def test_ipv4_in_disguise_is_ipv4(self) -> None:
        disguised = one(ESTABLISHED, "10.0.0.100", family=socket.AF_INET6)
        replica = one(ESTABLISHED, "10.0.0.100", "10.0.0.2", family=socket.AF_INET6)
        assert concerned([LISTENER, disguised, replica], {7}, VIP.packed, {MEMBER}) == [LISTENER, disguised]


@given(st.binary(max_size=200))
def test_whatever_the_kernel_says(data: bytes) -> None:
    list(parse(data))


def test_a_writer_sends_them_away_once_and_nobody_else_does() -> None:
    decisions, after = run(replace(WRITER, mysqld=DOWN), LED)
    assert [type(decision) for decision in decisions].count(SendAway) == 1
    assert "SendAway" not in kinds(run(replace(WRITER, mysqld=DOWN), after)[0])
    assert "SendAway" not in kinds(run(replace(STANDBY, mysqld=DOWN), KNOWN)[0])


KERNEL = """
import ipaddress, socket, subprocess, sys
sys.path.insert(0, sys.argv[1])
from mysql_ha_agent import clients
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
for family, own in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::")):
    listener = socket.socket(family)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind((own, 0))
    listener.listen()
    port = listener.getsockname()[1]
    cookies = clients.listening(port)
    served = socket.create_connection(("127.0.0.1", port))
    accepted, _ = listener.accept()
    queued = socket.create_connection(("127.0.0.1", port))
    vip, member = ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("127.0.0.9").packed
    assert clients.of_dead(port, {12345}, vip, [member]) == []
    found = clients.of_dead(port, cookies, vip, [member])
    assert len(found) > 2
    clients.destroy(found)
    for client in (served, queued):
        client.settimeout(2)
        try:
            client.recv(1)
        except ConnectionResetError:
            print("reset")
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2)
    except ConnectionRefusedError:
        print("refused")
"""


def test_the_kernel_resets_them_and_lets_nobody_in_again() -> None:
    inside = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", KERNEL, str(AGENT)]
    done = subprocess.run(inside, capture_output=True, text=True, timeout=20, check=False)
    if "unshare failed" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip("this machine lets nobody make a namespace")
    assert (done.stdout.split(), done.stderr) == (["reset", "reset", "refused"] * 2, "")
