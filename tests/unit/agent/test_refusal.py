# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who is refused, and that a client's kernel understands it."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_ha_agent import refusal as module
from mysql_ha_agent.refusal import ACK, RST, SYN, refusal
from unit.agent.world import config

VIP, CLIENT, PORT = socket.inet_aton("10.0.0.100"), socket.inet_aton("10.0.0.50"), 3306


def packet(flags: int = SYN, target: int = PORT, vip: bytes = VIP, options: bytes = b"", protocol: int = 6) -> bytes:
    words = 5 + len(options) // 4
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x40 | words, 0, 20 + len(options) + 20, 0, 0, 64, protocol, 0, CLIENT, vip) + options
    return header + struct.pack("!HHIIBBHHH", 50000, target, 0xFFFFFFFF, 0, 5 << 4, flags, 0, 0, 0)


@pytest.mark.parametrize("options", [b"", b"\x01" * 8])
def test_a_syn_is_answered_as_by_a_host_where_nobody_listens(options: bytes) -> None:
    answer = refusal(packet(options=options), VIP, PORT)
    source, target, _number, acked, _offset, flags = struct.unpack_from("!HHIIBB", answer, 20)
    assert (answer[12:16], answer[16:20]) == (VIP, CLIENT)
    assert (source, target, acked, flags) == (PORT, 50000, 0, RST | ACK)
    assert module._checksum(answer[:20]) == 0
    assert module._checksum(struct.pack("!4s4sBBH", VIP, CLIENT, 0, 6, 20) + answer[20:]) == 0


@pytest.mark.parametrize("other", [
    packet(flags=ACK), packet(flags=SYN | ACK), packet(flags=RST), packet(target=22), packet(vip=CLIENT),
    packet(protocol=17), packet()[:39], b"",
])  # fmt: skip
def test_nothing_else_is(other: bytes) -> None:
    assert refusal(other, VIP, PORT) == b""


@given(st.binary(max_size=80))
def test_whatever_comes(data: bytes) -> None:
    refusal(data, VIP, PORT)


WIRE = """
import socket, subprocess, sys, threading, time
sys.path.insert(0, sys.argv[1])
from mysql_ha_agent.refusal import open_wire, refuse
def ip(*words):
    subprocess.run(["ip", *words], check=True)
client = subprocess.Popen(["unshare", "--net", "sleep", "20"])
time.sleep(0.3)
ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", str(client.pid))
ip("address", "add", "10.0.0.1/24", "dev", "eth0")
ip("link", "set", "eth0", "up")
inside = ["nsenter", "--net", "--target", str(client.pid)]
subprocess.run([*inside, "ip", "address", "add", "10.0.0.50/24", "dev", "eth0"], check=True)
subprocess.run([*inside, "ip", "link", "set", "eth0", "up"], check=True)
link = subprocess.run(["ip", "-br", "link", "show", "dev", "eth0"], capture_output=True, text=True).stdout.split()[2]
subprocess.run([*inside, "ip", "neighbour", "add", "10.0.0.100", "lladdr", link, "dev", "eth0"], check=True)
connect = ("import socket, time; began = time.monotonic()\\n"
           "try: socket.create_connection(('10.0.0.100', 3306), timeout=5)\\n"
           "except OSError as error: print(type(error).__name__, time.monotonic() - began < 0.2)")
vip = socket.inet_aton("10.0.0.100")
thread = threading.Thread(target=refuse, args=(open_wire("eth0"), vip, 3306, "eth0", lambda: True))
thread.start()
print(subprocess.run([*inside, sys.executable, "-c", connect], capture_output=True, text=True).stdout.strip())
thread.join()
client.terminate()
client.wait()
"""


def test_a_client_that_still_comes_here_is_refused_at_once() -> None:
    """Its neighbour table still names this host."""
    agent = str(Path(module.__file__).parents[1])
    own = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", WIRE, agent]
    done = subprocess.run(own, capture_output=True, text=True, timeout=30, check=False)
    if "unshare failed" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip("this machine lets nobody make a namespace")
    assert (done.stdout.strip(), done.stderr) == ("ConnectionRefusedError True", "")


def test_without_a_wire_the_vip_leaves_all_the_same() -> None:
    """The track file is written next."""
    module.Refusal(config(interface="none0"), lambda: True).begin()
