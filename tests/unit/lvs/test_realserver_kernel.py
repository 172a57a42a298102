# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""VIPs on lo in a real kernel: two network namespaces, one of them a realserver. Nothing outside them is touched."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import realserver

SERVICE = """
import sys
from pathlib import Path
sys.path.insert(0, {code!r})
import realserver
machine = realserver.Machine(Path({root!r}))
machine.proc = Path("/proc/sys")
machine.remember() if sys.argv[1] == "remember" else machine.restore() if sys.argv[1] == "restore" else (
    realserver.run(machine, sys.argv[2]))
"""
KNOCK = """
import socket, sys
for address in sys.argv[1:]:
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    socket.socket(kind, socket.SOCK_DGRAM).sendto(b"x", (address, 9))
"""
GREET = """
import socket, sys
print(socket.create_connection((sys.argv[1], 3306), 2).recv(100).decode())
"""
LISTEN = """
import socket
with socket.create_server(("::", 3306), family=socket.AF_INET6, dualstack_ipv6=True) as server:
    print("listening", flush=True)
    while True:
        client, peer = server.accept()
        client.sendall(peer[0].encode())
        client.close()
"""
VIP, VIP6 = "10.9.0.200", "fd00::c8"


def may_unshare() -> bool:
    if not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
        return False
    tried = subprocess.run(["unshare", "--net", "ip", "link", "add", "type", "veth"], capture_output=True, check=False)
    return tried.returncode == 0


pytestmark = pytest.mark.skipif(not may_unshare(), reason="network namespaces need root")


class Namespaces:
    """`server` and `client`, joined by a cable."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.script = root / "service.py"
        self.script.write_text(SERVICE.format(code=str(Path(realserver.__file__).parent), root=str(root / "machine")))
        self._holders = [subprocess.Popen(["unshare", "--net", "sleep", "60"]) for _namespace in range(2)]
        self.server, self.client = (holder.pid for holder in self._holders)
        self._wait(lambda: len({self._namespace(pid) for pid in ("self", self.server, self.client)}) == 3)
        add = ("ip", "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", str(self.client))
        self.run(self.server, *add)
        for pid, number in ((self.server, 2), (self.client, 9)):
            for interface in ("lo", "wire"):
                self.run(pid, "ip", "link", "set", interface, "up")
            self.run(pid, "ip", "address", "add", f"10.9.0.{number}/24", "dev", "wire")
            self.run(pid, "ip", "address", "add", f"fd00::{number}/64", "dev", "wire", "nodad")
        self._services: list[subprocess.Popen[str]] = []

    @staticmethod
    def _namespace(pid: int | str) -> Path:
        return Path(f"/proc/{pid}/ns/net").readlink()

    @staticmethod
    def _wait(holds: Callable[[], bool], seconds: float = 5) -> float:
        began = time.monotonic()
        while not holds():
            assert time.monotonic() - began < seconds
            time.sleep(0.005)
        return time.monotonic() - began

    wait = _wait

    def run(self, pid: int, *command: str) -> str:
        inside = ["nsenter", "--net", f"--target={pid}", *command]
        done = subprocess.run(inside, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, pid: int, *command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(["nsenter", "--net", f"--target={pid}", *command], stdout=subprocess.PIPE, text=True)
        self._services.append(process)
        return process

    def list_vips(self, *vips: str) -> None:
        path = self.root / "machine/etc/mysql-ha-realserver/db1"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{vip}\n" for vip in vips))

    def service(self, *words: str) -> str:
        return self.run(self.server, sys.executable, str(self.script), *words)

    def on_lo(self) -> set[str]:
        links = json.loads(self.run(self.server, "ip", "-json", "address", "show", "dev", "lo"))
        return {entry["local"] for entry in links[0]["addr_info"]} - {"127.0.0.1", "::1"}

    def sysctls(self) -> str:
        names = (f"/proc/sys/{name.replace('.', '/')}" for name in realserver.SYSCTLS)
        return self.run(self.server, "cat", *names)

    def neighbours(self, *addresses: str) -> dict[str, str]:
        """What the client learned when it looked for these addresses."""
        self.run(self.client, sys.executable, "-c", KNOCK, *addresses)
        time.sleep(3.5)
        lines = self.run(self.client, "ip", "neigh", "show", "dev", "wire").splitlines()
        return {line.split()[0]: line.split()[-1] for line in lines}

    def close(self) -> None:
        for process in (*self._services, *self._holders):
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Namespaces]:
    made = Namespaces(tmp_path)
    yield made
    made.close()


def test_a_realserver(net: Namespaces) -> None:
    before = net.sysctls()
    net.service("remember")
    net.list_vips(VIP, VIP6)
    service = net.start(net.server, sys.executable, str(net.script), "run", "db1")
    net.wait(lambda: net.on_lo() == {VIP, VIP6})

    # Nobody learns where the VIPs are, and the host's own addresses answer as ever
    learned = net.neighbours("10.9.0.2", VIP, "fd00::2", VIP6)
    assert {address: state == "FAILED" for address, state in learned.items() if not address.startswith("fe80")} == {
        "10.9.0.2": False, VIP: True, "fd00::2": False, VIP6: True,
    }  # fmt: skip

    # What a director sends with this host's hardware address is taken, and comes from the client
    mac = re.search(r"link/ether (\S+)", net.run(net.server, "ip", "link", "show", "wire"))
    assert mac
    listener = net.start(net.server, sys.executable, "-c", LISTEN)
    assert listener.stdout is not None
    assert listener.stdout.readline() == "listening\n"
    for vip, client in ((VIP, "::ffff:10.9.0.9"), (VIP6, "fd00::9")):
        net.run(net.client, "ip", "neigh", "replace", vip, "lladdr", mac[1], "dev", "wire")
        assert net.run(net.client, sys.executable, "-c", GREET, vip).strip() == client

    # No connection of the host itself starts from a VIP
    assert "src fd00::2" in net.run(net.server, "ip", "-6", "route", "get", "fd00::9")

    for command in (
        ["ip", "address", "flush", "dev", "lo", "scope", "global"],
        ["ip", "address", "delete", f"{VIP}/32", "dev", "lo"],
        ["ip", "link", "set", "lo", "down"],
    ):
        net.run(net.server, *command)
        if "down" in command:
            net.run(net.server, "ip", "link", "set", "lo", "up")
        assert net.wait(lambda: net.on_lo() == {VIP, VIP6}) < 1

    net.list_vips(VIP)
    service.send_signal(signal.SIGHUP)
    net.wait(lambda: net.on_lo() == {VIP})
    service.terminate()
    assert service.wait(10) == 0
    assert net.on_lo() == set()
    (net.root / "machine/etc/mysql-ha-realserver/db1").unlink()
    net.service("restore")
    assert net.sysctls() == before


def test_without_the_sysctls_a_vip_on_lo_is_answered(net: Namespaces) -> None:
    """That the kernel would give it away is why all this is needed."""
    net.run(net.server, "ip", "address", "add", f"{VIP}/32", "dev", "lo")
    assert net.neighbours(VIP)[VIP] != "FAILED"
