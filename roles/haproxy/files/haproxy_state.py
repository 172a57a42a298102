# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a HAProxy knows of its servers, handed on to the process that replaces it. Standard library only.

haproxy_state.py SOCKET DIRECTORY forget CONFIG...   before a start: what an earlier process knew is too old
haproxy_state.py SOCKET DIRECTORY wait CONFIG...     after a start: until every server has been looked at
haproxy_state.py SOCKET DIRECTORY offered CONFIG...  after a start: whether every frontend of the files listens
haproxy_state.py SOCKET DIRECTORY taken CONFIG...    after a reload too: and by a process that is younger than the files
haproxy_state.py SOCKET DIRECTORY outdated CONFIG... which files a process that runs has not read
haproxy_state.py SOCKET DIRECTORY save CONFIG...     before a reload: writes DIRECTORY/BACKEND.state

A new process takes every server for alive until it has looked at it. Writes would go to a standby meanwhile.
"""

from __future__ import annotations

import contextlib
import csv
import ipaddress
import re
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path

SERVER = re.compile(r"\s+server\s+(\S+)\s+(\S+):([0-9]+)(?:\s|$)")
FRONTEND = re.compile(r"^frontend[ \t]+(\S+)", re.MULTILINE)
# Columns of `show servers state`, version 1
BACKEND_NAME, SERVER_NAME, ADDRESS, PORT = 1, 3, 4, 18
CHECK_PORT, CHECK_ADDRESS, AGENT_ADDRESS, AGENT_PORT = 21, 22, 23, 24
NOTHING = "1\n"  # the version, without which HAProxy complains of the file, as it does of one that is not there
TIMEOUT = 2.0
PATIENCE = 5.0
TAKES_OVER = 10.0  # seconds that a reload may take

Servers = dict[str, dict[str, tuple[str, str]]]


def plain(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address.strip("[]")))
    except ValueError:
        return address


def read_servers(config: str) -> Servers:
    """Of each backend its servers, with address and port, as this role's drop-ins write them."""
    found: Servers = {}
    backend = None
    for line in config.splitlines():
        words = line.split()
        if words and not line[0].isspace():
            backend = words[1] if words[0] == "backend" and len(words) > 1 else None
            if backend:
                found[backend] = {}
        elif backend:
            server = SERVER.match(line)
            if server:
                found[backend][server[1]] = (plain(server[2]), server[3])
    return {backend: servers for backend, servers in found.items() if servers}


def kept(state: str, backend: str, servers: dict[str, tuple[str, str]]) -> str:
    """`show servers state` without servers whose place has changed: HAProxy would give them their old port again."""
    lines = state.splitlines()
    if not lines or lines[0].strip() != "1":
        return ""
    result = [line for line in lines[:2] if line == "1" or line.startswith("#")]
    for line in lines[2:]:
        words = line.split(" ")
        if len(words) <= PORT or words[BACKEND_NAME] != backend:
            continue
        if servers.get(words[SERVER_NAME]) != (plain(words[ADDRESS]), words[PORT]):
            continue
        # As the configuration says. HAProxy takes the check's port for an agent's too, and complains of it afterwards.
        for column, nothing in ((CHECK_PORT, "0"), (CHECK_ADDRESS, "-"), (AGENT_ADDRESS, "-"), (AGENT_PORT, "0")):
            if len(words) > column:
                words[column] = nothing
        result.append(" ".join(words))
    return "\n".join(result) + "\n"


def unseen(stat: str, servers: Servers) -> list[str]:
    """Servers of these backends that have not been looked at yet, of `show stat`."""
    if not stat.startswith("# "):
        return ["nobody knows"]
    rows = csv.DictReader(stat[2:].splitlines())
    return [
        f"{row['pxname']}/{row['svname']}"
        for row in rows
        if row.get("svname") in servers.get(row.get("pxname") or "", {})
        and (row.get("check_status") or "INI") in ("INI", "UNK", "* INI", "* UNK")
    ]


def lacking(stat: str, configs: dict[str, str]) -> list[str]:
    """Frontends of these files that do not listen, of `show stat`."""
    wanted = [name for text in configs.values() for name in FRONTEND.findall(text)]
    rows = csv.DictReader(stat[2:].splitlines()) if stat.startswith("# ") else iter(())
    listening = {row.get("pxname") for row in rows if row.get("svname") == "FRONTEND" and row.get("status") == "OPEN"}
    return [name for name in wanted if name not in listening]


def unread(info: str, written: dict[str, float], now: float) -> list[str]:
    """Files that are younger than the process, of `show info`. It was begun up to a second before it says so."""
    uptime = re.search(r"^Uptime_sec: ([0-9]{1,10})$", info, re.MULTILINE)
    return [file for file, at in written.items() if not uptime or at > now - int(uptime[1])]


def outdated(path: str, configs: Iterable[str]) -> list[str]:
    """Raises OSError where no process runs."""
    return unread(ask(path, "show info"), {file: Path(file).stat().st_mtime for file in configs}, time.time())


def problems(path: str, configs: dict[str, str], young: bool) -> list[str]:
    """What HAProxy has not taken of these files, asked until it has."""
    end = time.monotonic() + TAKES_OVER
    while True:
        try:
            found = lacking(ask(path, "show stat"), configs)
            if young:
                found += outdated(path, configs)
        except OSError as error:
            found = [f"{path}: {error.strerror or error}"]
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.1)


def ask(path: str, command: str) -> str:
    """Raises OSError."""
    received = bytearray()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect(path)
        connection.sendall(f"{command}\n".encode())
        while data := connection.recv(65536):
            received += data
    return received.decode("utf-8", "replace")


def write(directory: Path, backend: str, content: str) -> None:
    file = directory / f"{backend}.state"
    new = file.with_suffix(".new")
    new.write_text(content)
    new.replace(file)


def save(path: str, directory: Path, servers: Servers) -> None:
    for backend in servers:
        state = kept(ask(path, f"show servers state {backend}"), backend, servers[backend])
        write(directory, backend, state or NOTHING)


def forget(directory: Path, servers: Servers) -> None:
    for file in directory.glob("*.state"):
        file.unlink()
    for backend in servers:
        write(directory, backend, NOTHING)


def wait(path: str, servers: Servers) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if not unseen(ask(path, "show stat"), servers):
                return
        except OSError:
            pass
        time.sleep(0.05)


def main(path: str, directory: str, verb: str, configs: Iterable[str]) -> int:
    servers: Servers = {}
    texts = {config: Path(config).read_text() for config in configs}
    for text in texts.values():
        servers.update(read_servers(text))
    if verb == "forget":
        forget(Path(directory), servers)
        return 0
    if verb == "wait":
        wait(path, servers)
        return 0
    if verb == "outdated":
        with contextlib.suppress(OSError):
            print("\n".join(outdated(path, texts)))
        return 0
    if verb in ("offered", "taken"):
        found = problems(path, texts, young=verb == "taken")
        print("\n".join(found))
        return 1 if found else 0
    try:
        save(path, Path(directory), servers)
    except OSError as error:
        forget(Path(directory), servers)  # what is too old is worse than nothing
        print(f"the state of the servers could not be saved: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
