# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells systemd that the agent is ready, alive, or stopping. Never blocks."""

from __future__ import annotations

import os
import socket


class Systemd:
    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)

    def tell(self, message: str) -> None:
        """Nothing without systemd; a message that does not get through is not missed."""
        if self._address:
            try:
                self._socket.sendto(message.encode(), self._address)
            except OSError:
                return
