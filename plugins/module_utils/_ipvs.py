# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel and ipvsadm say of IPVS, read. Pure: text in, plain values or `Unreadable` out."""

from __future__ import annotations

import ipaddress
import re
import shlex
from typing import Any

LARGEST = 16 * 2**20  # bytes; about 200,000 servers
_TITLE = re.compile(r"IP Virtual Server version (\d{1,9}\.\d{1,9}\.\d{1,9}) \(size=(\d{1,18})\)")
_HEADINGS = ("Prot LocalAddress:Port Scheduler Flags", "-> RemoteAddress:Port Forward Weight ActiveConn InActConn")
_PLACE = r"(?:([0-9A-F]{8})|\[([0-9a-fA-F:.]{2,45})\]):([0-9A-F]{4})"
_SERVICE = re.compile(rf"(TCP|UDP|SCTP) +{_PLACE} +(\S{{1,64}})((?: +\S{{1,64}}){{0,8}}) *")
_MARK = re.compile(r"FWM +([0-9A-F]{8}) +(\S{1,64})((?: +\S{1,64}){0,8}) *")
_SERVER = re.compile(rf" +-> {_PLACE} +(Masq|Tunnel|Route|Local) +(-?\d{{1,10}}) +(\d{{1,10}}) +(\d{{1,10}}) *")
_TIMEOUTS = re.compile(r"Timeout \(tcp tcpfin udp\): (\d{1,10}) (\d{1,10}) (\d{1,10})\s*")
_DAEMON = re.compile(r"(master|backup) sync daemon \(mcast=([^,()\s]{1,32}), syncid=(\d{1,10})(?:, [^()]{0,200})?\)")


class Unreadable(Exception):
    """Not what it should be; one sentence says where."""


def parse_table(data: bytes) -> dict[str, Any]:
    """/proc/net/ip_vs: version, size and services with their servers. Raises Unreadable, and nothing else."""
    if len(data) > LARGEST:
        raise Unreadable(f"the IPVS table is larger than {LARGEST} bytes")
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise Unreadable("the IPVS table is not text") from None
    if not text.endswith("\n"):
        raise Unreadable("the IPVS table ends in the middle of a line")
    lines = text[:-1].split("\n")
    title = _TITLE.fullmatch(lines[0])
    if not title or [" ".join(line.split()) for line in lines[1:3]] != list(_HEADINGS):
        raise Unreadable("the IPVS table has not the headings of /proc/net/ip_vs")
    services: list[dict[str, Any]] = []
    for number, line in enumerate(lines[3:], start=4):
        server = _SERVER.fullmatch(line)
        if server and services:
            services[-1]["servers"].append(_server(server, number))
            continue
        service = _service(line, number)
        if service is None:
            raise Unreadable(f"line {number} of the IPVS table is neither a service nor a server of one")
        services.append(service)
    return {"version": title[1], "size": int(title[2]), "services": services}


def _service(line: str, number: int) -> dict[str, Any] | None:
    mark = _MARK.fullmatch(line)
    if mark:
        place: dict[str, Any] = {"protocol": None, "address": None, "port": None, "mark": int(mark[1], 16)}
        scheduler, flags = mark[2], mark[3].split()
    else:
        found = _SERVICE.fullmatch(line)
        if not found:
            return None
        address = _address(found[2], found[3], number)
        place = {"protocol": found[1].lower(), "address": address, "port": int(found[4], 16), "mark": None}
        scheduler, flags = found[5], found[6].split()
    return {
        **place,
        "scheduler": scheduler,
        "persistent": "persistent" in flags,
        # The kernel shows jiffies here, and how many of them are a second it does not say; ipvsadm knows.
        "persistence_timeout": None if "persistent" in flags else 0,
        "servers": [],
    }


def _server(found: re.Match[str], number: int) -> dict[str, Any]:
    return {
        "address": _address(found[1], found[2], number),
        "port": int(found[3], 16),
        "forward": found[4].lower(),
        "weight": int(found[5]),
        "active": int(found[6]),
        "inactive": int(found[7]),
    }


def _address(ipv4: str | None, ipv6: str | None, number: int) -> str:
    if ipv4:
        return str(ipaddress.IPv4Address(int(ipv4, 16)))
    try:
        return str(ipaddress.IPv6Address(ipv6 or ""))
    except ValueError:
        raise Unreadable(f"line {number} of the IPVS table has no address") from None


def parse_timeouts(text: str) -> dict[str, int]:
    """`ipvsadm --list --timeout`. Raises Unreadable."""
    found = _TIMEOUTS.fullmatch(text.strip("\n"))
    if not found:
        raise Unreadable("ipvsadm does not show the timeouts as expected")
    return {"tcp": int(found[1]), "tcp_fin": int(found[2]), "udp": int(found[3])}


def parse_daemon(text: str) -> list[dict[str, Any]]:
    """`ipvsadm --list --daemon`: nothing, or a line for each daemon. Raises Unreadable."""
    daemons = []
    for line in text.splitlines():
        if not line.strip():
            continue
        found = _DAEMON.fullmatch(line.strip())
        if not found:
            raise Unreadable("ipvsadm does not show the sync daemon as expected")
        daemons.append({"state": found[1], "interface": found[2], "sync_id": int(found[3])})
    return daemons


def parse_saved(text: str) -> dict[tuple[str, str, int], int]:
    """`ipvsadm --save --numeric`: (protocol, address, port) -> seconds of persistence. Raises Unreadable."""
    protocols = {"-t": "tcp", "-u": "udp", "--sctp-service": "sctp"}
    found = {}
    for line in text.splitlines():
        try:
            words = shlex.split(line)
        except ValueError:
            raise Unreadable("ipvsadm does not save the table as expected") from None
        if words[:1] != ["-A"] or len(words) < 3 or words[1] not in protocols:
            continue
        address, _colon, port = words[2].rpartition(":")
        options = dict(zip(words[3:], words[4:]))
        try:
            key = protocols[words[1]], str(ipaddress.ip_address(address.strip("[]"))), int(port)
            found[key] = int(options.get("-p", "0"))
        except ValueError:
            raise Unreadable("ipvsadm does not save the table as expected") from None
    return found
