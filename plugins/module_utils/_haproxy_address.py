# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses as HAProxy takes them in bind, server and stats socket. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

# What may stand before an address, and the family that it means; no prefix: found from the text.
_FAMILIES = {
    "ipv4": "", "ipv6": "", "udp": "", "udp4": "", "udp6": "", "tcp": "", "tcp4": "", "tcp6": "", "quic4": "",
    "quic6": "", "mptcp": "", "mptcp4": "", "mptcp6": "", "stream": "", "dgram": "", "unix": "unix", "uxst": "unix",
    "uxdg": "unix", "abns": "abstract", "abnsz": "abstract", "fd": "descriptor", "sockpair": "descriptor",
    "rhttp": "descriptor", "rev": "descriptor",
}  # fmt: skip
_PREFIX = re.compile(r"(" + "|".join(_FAMILIES) + r")(?:\+(" + "|".join(_FAMILIES) + r"))?@")
_LOOPBACK = re.compile(r"127\.[\d.]+|localhost|::1|::ffff:127\.[\d.]+", re.IGNORECASE)
UNKNOWN = "unknown"


class Address(NamedTuple):
    """`family`: inet, unix, abstract, descriptor, or unknown where only the environment tells."""

    family: str
    host: str  # or a path; "" for all addresses
    port: int | None  # the first one of a range; None for none, or for one relative to the client's

    def local(self) -> bool:
        """Whether only this host reaches it."""
        return self.family in ("unix", "abstract", "descriptor") or bool(_LOOPBACK.fullmatch(self.host))

    def public(self) -> bool:
        return self.family == "inet" and not self.local()


def address(text: str) -> Address:
    """One address with or without a port."""
    family, rest = "", text
    while True:
        found = _PREFIX.match(rest)
        if not found:
            break
        family = _FAMILIES[found[2] or found[1]] or _FAMILIES[found[1]] or family
        rest = rest[found.end() :]
    if "$" in (rest.rpartition(":")[0] or rest) and not family and not rest.startswith(":"):
        return Address(UNKNOWN, rest, _port(rest.rpartition(":")[2]))
    if not family and rest.startswith("/"):
        family = "unix"
    if family:
        return Address(family, rest, None)
    host, colon, port = rest.rpartition(":")
    if not colon or (rest.startswith("[") and rest.endswith("]")):
        host, port = rest, ""
    host = host.strip("[]")
    return Address("inet", "" if host == "*" else host, _port(port))


def _port(text: str) -> int | None:
    found = re.fullmatch(r"([0-9]{1,5})(?:-[0-9]{1,5})?", text)
    return int(found[1]) if found else None
