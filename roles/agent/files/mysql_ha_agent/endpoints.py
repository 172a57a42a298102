# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the agent answers over HTTP, from memory: /status, /writer, /reader. Nothing here asks mysqld."""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .config import Config
from .eligibility import channel_broken
from .model import Peer, Seen, State

MAX_LAG = 10.0  # seconds, for /reader without max_lag
IP_FREEBIND = 15
BIND_AGAIN = 1.0


def allowed(config: Config, client: str) -> bool:
    """Members, the VIP, this host, and the networks of `allow`."""
    address = ipaddress.ip_address(client.split("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    if address.is_loopback or address == config.vip.ip:
        return True
    return any(address == member.address for member in config.members) or any(
        address in network for network in config.allow if network.version == address.version)


def status(config: Config, seen: Seen, state: State, now: float) -> dict[str, Any]:
    """The whole local view. `version` counts incompatible changes."""
    mysqld, server = seen.mysqld, seen.mysqld.server if seen.mysqld.alive else None
    semi_sync = server.semi_sync if server else None
    return {
        "version": 1,
        "instance": config.instance,
        "cluster": config.cluster,
        "topology": config.topology,
        "role": config.role,
        "address": str(config.address),
        "port": config.port,
        "vip": str(config.vip),
        "phase": state.phase,
        "writer": state.phase == "writer",
        "vip_here": seen.vip_here,
        "keepalived": seen.keepalived,
        "hold": seen.hold,
        "track": seen.track,
        "eligible": state.phase != "starting" and not state.reasons,
        "reasons": list(state.reasons),
        "waiting": state.waiting,
        "generation": state.durable.generation,
        "source_proven": state.durable.source_proven,
        "mysqld": {
            "up": server is not None and _age(mysqld.answered, now) < config.hang_timeout,
            "alive": mysqld.alive,
            "error": mysqld.error,
            "age": _rounded(_age(mysqld.answered, now)),
            "version": server.version if server else "",
            "uuid": server.uuid if server else "",
            "read_only": server.read_only if server else None,
            "super_read_only": server.super_read_only if server else None,
            "offline_mode": server.offline_mode if server else None,
            "gtid_executed": server.gtid_executed if server else "",
            "channels": [
                {
                    "name": channel.name, "source": f"{channel.source_host}:{channel.source_port}",
                    "receiver": channel.receiver, "applier": channel.applier, "drained": channel.drained,
                    "lag": channel.lag, "broken": channel_broken(channel),
                }
                for channel in (server.channels if server else ())
            ],
            "semi_sync": {"source": semi_sync.source_enabled, "clients": semi_sync.clients} if semi_sync else None,
        },
        "peers": [_peer(peer, seen, now) for peer in seen.peers],
    }


def _peer(peer: Peer, seen: Seen, now: float) -> dict[str, Any]:
    server = seen.mysqld.server
    comparison = server.comparison(peer.name) if server else None
    return {
        "name": peer.name, "phase": peer.phase, "eligible": peer.eligible,
        "age": _rounded(_age(peer.answered, now)), "error": peer.error,
        "has_more": comparison.peer_extra if comparison else None,
    }


def _age(at: float | None, now: float) -> float:
    return float("inf") if at is None else now - at


def _rounded(age: float) -> float | None:
    return None if age == float("inf") else round(age, 3)


def writer(told: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    is_writer = told["writer"] and told["mysqld"]["up"]
    return (200 if is_writer else 503), {"writer": is_writer, "phase": told["phase"]}


def reader(told: dict[str, Any], max_lag: float) -> tuple[int, dict[str, Any]]:
    """Fit to serve reads that tolerate this lag: a replica whose channel is whole. The writer is none."""
    mysqld = told["mysqld"]
    lags = [channel["lag"] for channel in mysqld["channels"] if channel["applier"] and not channel["broken"]]
    fit = bool(
        mysqld["up"] and mysqld["read_only"] and not mysqld["offline_mode"] and lags
        and len(lags) == len(mysqld["channels"]) and all(lag is not None and lag <= max_lag for lag in lags)
    )
    return (200 if fit else 503), {"reader": fit, "lag": max(filter(None, lags), default=0.0) if lags else None}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 5.0  # a client that says nothing for so long is dropped
    server: Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        told = self.server.told()
        if url.path == "/status":
            self._answer(200, told)
        elif url.path == "/writer":
            self._answer(*writer(told))
        elif url.path == "/reader":
            try:
                max_lag = float(parse_qs(url.query).get("max_lag", [str(MAX_LAG)])[-1])
            except ValueError:
                self._answer(400, {"error": "max_lag must be a number of seconds"})
            else:
                self._answer(*reader(told, max_lag))
        else:
            self._answer(404, {"error": "there are /status, /writer and /reader"})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_OPTIONS(self) -> None:
        """HAProxy's httpchk asks so by default."""
        self.do_GET()

    def _answer(self, code: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Checks come many times a second; they are not news."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, config: Config, address: str, told: Callable[[], dict[str, Any]]) -> None:
        """Raises OSError."""
        self.config = config
        self.told = told
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, config.agent_port), Handler)

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)  # the address may come later than the agent
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return allowed(self.config, client_address[0])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is not news."""


def serve(config: Config, told: Callable[[], dict[str, Any]], report: Callable[[str], None]) -> None:
    """Answers on the member's address and on this host's own, in threads; goes on trying where a port is taken."""
    for address in dict.fromkeys((str(config.address), "127.0.0.1")):
        threading.Thread(target=_serve, args=(config, address, told, report), name="http", daemon=True).start()


def _serve(config: Config, address: str, told: Callable[[], dict[str, Any]], report: Callable[[str], None]) -> None:
    said = ""
    while True:
        try:
            Server(config, address, told).serve_forever(poll_interval=60)
        except OSError as error:
            if str(error) != said:
                said = str(error)
                report(f"cannot listen on {address}:{config.agent_port}: {error.strerror}")
            time.sleep(BIND_AGAIN)
