# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keeps reader VIPs on lo, unanswered to ARP, while an instance serves reads behind an LVS director.

realserver.py remember      keep what is here before the first change; once
realserver.py run NAME      put the VIPs of /etc/mysql-ha-realserver/NAME on lo and keep them there, until SIGTERM
realserver.py restore       put back what was remembered, once no instance serves reads any more

Whatever takes a VIP off lo (ifdown lo, systemd-networkd with a [Match] that takes in lo, ip address flush) is seen as a
kernel event, and the VIP is put back: a realserver without it would swallow its share of connections.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

# Answer ARP only for addresses of the interface that was asked (those on lo are nobody's); never name a VIP as sender.
SYSCTLS = {
    "net.ipv4.conf.all.arp_ignore": "1",
    "net.ipv4.conf.lo.arp_ignore": "1",
    "net.ipv4.conf.all.arp_announce": "2",
    "net.ipv4.conf.lo.arp_announce": "2",
}
LOOK_AGAIN = 5.0  # seconds; nobody tells when a sysctl changes
LINK_AND_ADDRESSES = 0x1 | 0x10 | 0x100  # netlink groups: links, IPv4 addresses, IPv6 addresses


class Failed(Exception):
    """One sentence for the person who reads the journal."""


# --- Decisions


def read_vips(text: str) -> list[str]:
    """Addresses with the prefix of a single host, from one address per line. Raises Failed."""
    vips = []
    for line in text.splitlines():
        word = line.partition("#")[0].strip()
        if word:
            try:
                ip = ipaddress.ip_address(word)
            except ValueError:
                raise Failed(f"{word!r} is no IP address") from None
            vips.append(f"{ip}/{ip.max_prefixlen}")
    return list(dict.fromkeys(vips))


def plan(
    wanted: Iterable[str], applied: Iterable[str], shared: Collection[str], before: Collection[str],
    present: Collection[str],
) -> tuple[list[str], list[str]]:
    """What to add to lo and what to take off it.

    applied: what this instance has added earlier; shared: what other instances want; before: what was there before any
    of them. Nothing is taken off that this instance has not added, or that somebody still needs.
    """
    wanted = list(wanted)
    add = [vip for vip in wanted if vip not in present]
    delete = [
        vip for vip in applied
        if vip in present and vip not in wanted and vip not in shared and vip not in before
    ]
    return add, delete


def free_label(taken: Collection[str]) -> str:
    """lo:0, lo:1 ..."""
    number = 0
    while f"lo:{number}" in taken:
        number += 1
    return f"lo:{number}"


def command_to_add(vip: str, labels: Collection[str]) -> list[str]:
    if ":" in vip:
        # Deprecated, so that no connection of this host starts from it. Neighbours are not told addresses of lo anyway.
        return ["ip", "-6", "address", "add", vip, "dev", "lo", "nodad", "preferred_lft", "0"]
    return ["ip", "-4", "address", "add", vip, "dev", "lo", "label", free_label(labels)]


# --- The machine


class Machine:
    """Files below `root`, so that tests have a machine of their own."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.configs = root / "etc/mysql-ha-realserver"
        self.record = root / "var/lib/mysql-ha-realserver/before.json"
        self.state = root / "run/mysql-ha-realserver"
        self.proc = root / "proc/sys"

    def sysctl(self, name: str) -> Path:
        return self.proc / name.replace(".", "/")

    def addresses(self) -> dict[str, str]:
        """What is on lo, with labels."""
        done = self.ip(["ip", "-json", "address", "show", "dev", "lo"])
        found = {}
        for link in json.loads(done or "[]"):
            for entry in link.get("addr_info", ()):
                found[f"{ipaddress.ip_address(entry['local'])}/{entry['prefixlen']}"] = str(entry.get("label", ""))
        return found

    @staticmethod
    def ip(command: Sequence[str]) -> str:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def remember(self) -> None:
        if self.record.exists():
            return
        values = {name: self.sysctl(name).read_text().strip() for name in SYSCTLS}
        self._write(self.record, {"sysctls": values, "addresses": sorted(self.addresses())})

    def remembered(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            record = json.loads(self.record.read_text())
            if isinstance(record, dict):
                return record
        return {}

    def restore(self) -> None:
        """Raises Failed while an instance still needs all this."""
        users = self.users()
        if users:
            raise Failed(f"still in use by {', '.join(users)}")
        for name, value in self.remembered().get("sysctls", {}).items():
            if name in SYSCTLS:
                self.sysctl(name).write_text(str(value))
        self.record.unlink(missing_ok=True)

    def users(self) -> list[str]:
        return sorted(path.name for path in self.configs.glob("*") if path.is_file())

    def vips(self, name: str) -> list[str]:
        try:
            return read_vips((self.configs / name).read_text())
        except OSError as error:
            raise Failed(f"{error.filename}: {error.strerror}") from None

    def shared(self, but: str) -> set[str]:
        """What the other instances of this machine want."""
        vips: set[str] = set()
        for name in self.users():
            if name != but:
                with contextlib.suppress(Failed):
                    vips.update(self.vips(name))
        return vips

    def set_sysctls(self) -> list[str]:
        """The names of those that were not as they should be."""
        wrong = [name for name, value in SYSCTLS.items() if self.sysctl(name).read_text().strip() != value]
        for name in wrong:
            self.sysctl(name).write_text(SYSCTLS[name])
        return wrong

    def apply(self, name: str, wanted: Sequence[str]) -> list[str]:
        """Has lo carry `wanted`, and nothing else of what this instance ever added. Says what was done."""
        # First, so that no VIP is answered to ARP, not even for a moment
        done = [f"set {sysctl} = {SYSCTLS[sysctl]}" for sysctl in self.set_sysctls()] if wanted else []
        present = self.addresses()
        before = self.remembered().get("addresses", [])
        add, delete = plan(wanted, self._applied(name), self.shared(name), before, present)
        for vip in delete:
            self.ip(["ip", "address", "delete", vip, "dev", "lo"])
            done.append(f"took {vip} off lo")
        if add or delete or not (self.state / name).exists():
            self._write(self.state / name, list(wanted))  # before it is so: whoever is killed in between leaves nothing
        for vip in add:
            command = command_to_add(vip, present.values())
            self.ip(command)
            present[vip] = "" if ":" in vip else command[-1]
            done.append(f"put {vip} on lo")
        return done

    def _applied(self, name: str) -> list[str]:
        with contextlib.suppress(OSError, ValueError):
            applied = json.loads((self.state / name).read_text())
            if isinstance(applied, list):
                return [str(vip) for vip in applied]
        return []

    @staticmethod
    def _write(path: Path, content: Any) -> None:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.write_text(f"{json.dumps(content)}\n")
        new.replace(path)


# --- The service


def tell_systemd(text: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection, contextlib.suppress(OSError):
            connection.sendto(text.encode(), address.replace("@", "\0", 1))


def run(machine: Machine, name: str) -> None:
    """Until SIGTERM. SIGHUP: read the list anew."""
    asked: set[int] = set()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: asked.add(got))
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    kernel.bind((0, LINK_AND_ADDRESSES))
    kernel.setblocking(False)
    wanted, ready = machine.vips(name), False
    while not asked & {signal.SIGTERM, signal.SIGINT}:
        if signal.SIGHUP in asked:
            asked.discard(signal.SIGHUP)
            try:
                wanted = machine.vips(name)
            except Failed as error:
                print(f"the old list stays: {error}", flush=True)
            tell_systemd("READY=1")
        try:
            for line in machine.apply(name, wanted):
                print(line, flush=True)
        except (Failed, OSError, subprocess.TimeoutExpired) as error:
            if not ready:
                raise Failed(str(error)) from None
            print(error, flush=True)
            time.sleep(0.2)
        if not ready:
            tell_systemd("READY=1")
            ready = True
        readable = select.select([kernel.fileno(), wake_read], [], [], LOOK_AGAIN)[0]
        if wake_read in readable:
            os.read(wake_read, 4096)
        if kernel.fileno() in readable:
            drain(kernel)
    for line in machine.apply(name, []):
        print(line, flush=True)


def drain(kernel: socket.socket) -> None:
    """What happened is asked for anyway, so the events themselves say nothing new; lost ones (ENOBUFS) neither."""
    for _time in range(1000):
        try:
            kernel.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            continue


def main(words: Sequence[str]) -> int:
    machine = Machine()
    try:
        if words == ["remember"]:
            machine.remember()
        elif words == ["restore"]:
            machine.restore()
        elif len(words) == 2 and words[0] == "run" and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", words[1]):
            run(machine, words[1])
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except (Failed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
