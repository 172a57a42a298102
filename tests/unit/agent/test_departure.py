# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A VIP leaves while clients are connected to it. Server, client and the next holder are network namespaces."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mysql_ha_agent import clients, departure
from mysql_ha_agent.clients import LISTEN
from mysql_ha_agent.departure import REMEMBERED, Departure
from unit.agent.test_clients import one
from unit.agent.world import config

AGENT = Path(departure.__file__).parents[1]

# A server with the VIP, and a client on the other end of a wire. The VIP is deleted while the client waits for a
# greeting that never comes; what it sends from then on reaches the server's host only, as with a stale neighbour table.
WIRE = """
import ipaddress, socket, subprocess, sys, threading, time
sys.path[:0] = sys.argv[1:3]
version, way = int(sys.argv[3]), sys.argv[4]
from mysql_ha_agent import clients, departure
from mysql_ha_agent.departure import Departure
from unit.agent.world import config
SERVER, CLIENT, VIP = {4: ("10.0.0.1/24", "10.0.0.50/24", "10.0.0.100/24"),
                       6: ("fd00::1/64", "fd00::50/64", "fd00::100/64")}[version]
def ip(*words):
    subprocess.run(["ip", *words], check=True)
client = subprocess.Popen(["unshare", "--net", "sleep", "20"])
inside = ["nsenter", "--net", "--target", str(client.pid)]
time.sleep(0.3)
ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", str(client.pid))
nodad = ["nodad"] if version == 6 else []
for where, address in (([], SERVER), ([], VIP), (inside, CLIENT)):
    subprocess.run([*where, "ip", "address", "add", address, "dev", "eth0", *nodad], check=True)
for where in ([], inside):
    subprocess.run([*where, "ip", "link", "set", "eth0", "up"], check=True)
link = subprocess.run(["ip", "-br", "link", "show", "dev", "eth0"], capture_output=True, text=True).stdout.split()[2]
vip = VIP.split("/")[0]
subprocess.run([*inside, "ip", "neighbour", "replace", vip, "lladdr", link, "dev", "eth0"], check=True)
listener = socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET)
for _try in range(50):  # an address of IPv6 takes its time
    try:
        listener.bind((vip, 3306))
        break
    except OSError:
        time.sleep(0.1)
listener.listen()
wait = ("import socket, time\\n"
        "connection = socket.create_connection((%r, 3306), timeout=5)\\n"
        "print('connected', flush=True)\\n"
        "try: connection.recv(1)\\n"
        "except OSError as error: print(type(error).__name__, flush=True)\\n"
        "began = time.monotonic()\\n"
        "try: socket.create_connection((%r, 3306), timeout=5)\\n"
        "except OSError as error: print(type(error).__name__, time.monotonic() - began < 0.2)") % (vip, vip)
waiting = subprocess.Popen([*inside, sys.executable, "-c", wait], stdout=subprocess.PIPE, text=True)
print(waiting.stdout.readline().strip())
accepted, _ = listener.accept()
here = [True]
leaving = Departure(config(vip=VIP, interface="eth0"), lambda: here[0])
ip("address", "del", VIP, "dev", "eth0")
here[0] = False
if way == "follow":
    threading.Thread(target=leaving.follow, daemon=True).start()
else:
    leaving.begin()
    leaving.see_off()
print(waiting.communicate(timeout=10)[0].strip())
print(len(clients.of(ipaddress.ip_address(vip))))
client.terminate()
client.wait()
"""


@pytest.mark.parametrize("version", [4, 6])
def test_a_client_that_waits_is_reset_and_one_that_comes_is_refused(version: int) -> None:
    assert wire(version, "follow") == ["connected", "ConnectionResetError", "ConnectionRefusedError True", "0"]


def test_by_a_process_that_ends_soon() -> None:
    assert wire(4, "see_off")[:2] == ["connected", "ConnectionResetError"]


def wire(version: int, way: str) -> list[str]:
    tests = str(Path(__file__).parents[2])
    own = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", WIRE, str(AGENT), tests]
    done = subprocess.run([*own, str(version), way], capture_output=True, text=True, timeout=40, check=False)
    if "unshare failed" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip("this machine lets nobody make a namespace")
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_without_a_wire_the_vip_leaves_all_the_same() -> None:
    """The track file is written next."""
    Departure(config(interface="none0"), lambda: True).begin()


class TestSweep:
    @pytest.fixture
    def kernel(self, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
        """Its sockets of the VIP, what was asked of whom, and what was destroyed."""
        seen = SimpleNamespace(sockets=[], asked=[], destroyed=[], at=100.0)
        monkeypatch.setattr(clients, "of", lambda vip: list(seen.sockets))
        monkeypatch.setattr(clients, "destroy", seen.destroyed.extend)
        monkeypatch.setattr(departure, "send", lambda segments: seen.asked.append(len(list(segments))))
        monkeypatch.setattr(departure, "now", lambda: seen.at)
        return seen

    def test_clients_are_asked_again_for_a_while(self, kernel: SimpleNamespace) -> None:
        """A network that is cut when the VIP leaves heals later."""
        leaving = Departure(config(), lambda: False)
        kernel.sockets = [one(1, "10.0.0.100")]
        leaving.sweep_if_gone()
        kernel.sockets = []
        kernel.at += REMEMBERED - 1
        leaving.sweep_if_gone()
        kernel.at += 2
        leaving.sweep_if_gone()
        assert (kernel.asked, len(kernel.destroyed)) == ([1, 1, 0], 1)

    def test_those_of_a_dead_mysqld_are_asked_too(
        self, kernel: SimpleNamespace, monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The VIP may have left before they were reset."""
        monkeypatch.setattr(clients, "of_dead", lambda *_what: [one(LISTEN, "0.0.0.0"), one(1, "10.0.0.100")])  # noqa: S104
        leaving = Departure(config(), lambda: False)
        leaving.send_away({7})
        leaving.sweep_if_gone()
        assert (kernel.asked, len(kernel.destroyed)) == ([1], 2)

    def test_replicas_may_read_to_the_end_while_the_vip_is_here(self, kernel: SimpleNamespace) -> None:
        kernel.sockets = [one(1, "10.0.0.100"), one(1, "10.0.0.100", "10.0.0.2")]
        Departure(config(interface="none0"), lambda: True).begin()
        assert kernel.destroyed == kernel.sockets[:1]

    def test_nothing_is_touched_where_the_vip_is(self, kernel: SimpleNamespace) -> None:
        kernel.sockets = [one(1, "10.0.0.100")]
        Departure(config(), lambda: True).sweep_if_gone()
        assert (kernel.asked, kernel.destroyed) == ([], [])
