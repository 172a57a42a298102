# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells systemd that the agent is ready, alive, or stopping. Never blocks."""

from __future__ import annotations

import os
import socket

LONGEST_STATUS = 200  # characters


class Systemd:
    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)

    def status(self, text: str) -> None:
        """For `systemctl status`: the beginning of one line."""
        self.tell("STATUS=" + " ".join(text.split())[:LONGEST_STATUS])

    def tell(self, message: str) -> None:
        """Nothing without systemd. By itself each: systemd drops a long datagram whole, and without WATCHDOG=1 it kills
        the agent."""
        if self._address:
            try:
                self._socket.sendto(message.encode("utf-8", "replace"), self._address)
            except OSError:  # the next one follows soon
                return
