# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The agent's configuration: one JSON object, checked key by key, one clear error for each bad key."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Callable, Union

IpAddress = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
IpInterface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]
IpNetwork = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

DIRECTORY = Path("/etc/mysql-ha")


class ConfigError(Exception):
    """The configuration cannot be used; `problems` holds one sentence for each bad key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Member:
    name: str
    address: IpAddress
    port: int
    agent_port: int
    role: str


@dataclass(frozen=True)
class Proxy:
    """A HAProxy in front of the cluster, and where it tells members what it thinks of them."""

    name: str
    address: IpAddress
    port: int


GATEWAY = "gateway"


@dataclass(frozen=True)
class Witness:
    address: IpAddress | None  # None: the interface's default gateway, whichever that is at run time
    port: int | None  # None: it is pinged

    @property
    def name(self) -> str:
        if self.address is None:
            return GATEWAY
        return str(self.address) if self.port is None else f"{self.address} port {self.port}"


@dataclass(frozen=True)
class Config:
    """Times are in seconds. docs/agent.md describes every key."""

    instance: str
    cluster: str
    topology: str
    role: str
    address: IpAddress
    vip: IpInterface
    interface: str
    members: tuple[Member, ...]
    port: int = 3306
    agent_port: int = 8308
    socket: str = "/run/mysqld/mysqld.sock"
    mysql_user: str = "mysql-ha"
    track_file: str = "/run/mysql-ha/{instance}.track"
    hold_file: str = "/run/mysql-ha/{instance}.hold"
    state_file: str = "/var/lib/mysql-ha/{instance}.json"
    lead_file: str = "/run/mysql-ha/{instance}.lead"
    pause_file: str = "/run/mysql-ha/{instance}.pause"
    request_file: str = "/run/mysql-ha/{instance}.request"
    disk_file: str = "/run/mysql-ha/{instance}.disk"
    alive_file: str = "/run/mysql-ha/{instance}.alive"
    keepalived_pid_file: str = "/run/keepalived.pid"
    poll_interval: float = 0.3
    hang_timeout: float = 1.5
    demote_timeout: float = 0.3
    lease: float = 3.0
    disk_timeout: float = 10.0
    down_timeout: float = 5.0
    durability: str = "available"
    relay_sync: bool = True
    takeover: str = "promote"
    witnesses: tuple[Witness, ...] = ()
    fence_command: tuple[str, ...] = ()
    fence_timeout: float = 10.0
    rejoin: str = "manual"
    unblock: bool = True
    events: bool = True
    disks: tuple[str, ...] = ()
    allow: tuple[IpNetwork, ...] = ()
    proxies: tuple[Proxy, ...] = ()

    @property
    def peers(self) -> tuple[Member, ...]:
        return tuple(member for member in self.members if member.name != self.instance)

    @property
    def is_candidate(self) -> bool:
        return self.role == "candidate"

    def precedes(self, name: str) -> bool:
        """This instance stands before the other in the list of members, which every member has in one order."""
        names = [member.name for member in self.members]
        return names.index(self.instance) < names.index(name)


def _string(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a non-empty string")
    return value


def _path(value: Any) -> str:
    if not _string(value).startswith("/"):
        raise ValueError("must be an absolute path")
    return str(value)


def _one_of(*words: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in words:
            raise ValueError("must be " + " or ".join(words))
        return str(value)

    return check


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
        raise ValueError("must be an integer between 1 and 65535")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 3600:
        raise ValueError("must be a number of seconds, more than 0 and at most 3600")
    return float(value)


def _address(value: Any) -> IpAddress:
    return ipaddress.ip_address(_string(value))


def _vip(value: Any) -> IpInterface:
    if "/" not in _string(value):
        raise ValueError("must be ADDRESS/PREFIX")
    return ipaddress.ip_interface(value)


def _network(value: Any) -> IpNetwork:
    return ipaddress.ip_network(_string(value), strict=False)


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _list_of(check: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def check_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError("must be a list")
        return tuple(check(item) for item in value)

    return check_all


def _witness(value: Any) -> Witness:
    """ADDRESS is pinged; with a port ([ADDRESS]:PORT for IPv6) a TCP connection is tried; `gateway` is pinged."""
    if value == GATEWAY:
        return Witness(None, None)
    host, colon, port = _string(value).rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        return Witness(ipaddress.ip_address(value.strip("[]")), None)
    if not port.isdigit():
        raise ValueError("must be ADDRESS or ADDRESS:PORT")
    return Witness(ipaddress.ip_address(host.strip("[]")), _port(int(port)))


_ROLE = _one_of("candidate", "reader")
_MEMBER_KEYS: dict[str, Callable[[Any], Any]] = {
    "name": _string, "address": _address, "port": _port, "agent_port": _port, "role": _ROLE,
}


_PROXY_KEYS: dict[str, Callable[[Any], Any]] = {"name": _string, "address": _address, "port": _port}


def _members(value: Any) -> tuple[Member, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list of members")
    return tuple(Member(**checked) for checked in _named("member", _MEMBER_KEYS, value))


def _proxies(value: Any) -> tuple[Proxy, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list of proxies")
    return tuple(Proxy(**checked) for checked in _named("proxy", _PROXY_KEYS, value, "proxies"))


def _named(
    what: str, keys: dict[str, Callable[[Any], Any]], items: list[Any], several: str = "members",
) -> list[dict[str, Any]]:
    """Objects with exactly these keys, each of another name."""
    all_checked = []
    for position, item in enumerate(items):
        if not isinstance(item, dict) or set(item) != set(keys):
            raise ValueError(f"{what} {position} must have exactly the keys {', '.join(keys)}")
        checked = {}
        for key, check in keys.items():
            try:
                checked[key] = check(item[key])
            except ValueError as error:
                raise ValueError(f"{what} {position}, {key}: {error}") from None
        all_checked.append(checked)
    names = [checked["name"] for checked in all_checked]
    if len(set(names)) != len(names):
        raise ValueError(f"two {several} have one name")
    return all_checked


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "instance": _string,
    "cluster": _string,
    "topology": _one_of("dual_source", "source_replica"),
    "role": _ROLE,
    "address": _address,
    "port": _port,
    "agent_port": _port,
    "vip": _vip,
    "interface": _string,
    "members": _members,
    "socket": _path,
    "mysql_user": _string,
    "track_file": _path,
    "hold_file": _path,
    "state_file": _path,
    "lead_file": _path,
    "pause_file": _path,
    "request_file": _path,
    "disk_file": _path,
    "alive_file": _path,
    "keepalived_pid_file": _path,
    "poll_interval": _seconds,
    "hang_timeout": _seconds,
    "demote_timeout": _seconds,
    "lease": _seconds,
    "disk_timeout": _seconds,
    "down_timeout": _seconds,
    "durability": _one_of("available", "strict"),
    "relay_sync": _switch,
    "takeover": _one_of("promote", "read_only"),
    "witnesses": _list_of(_witness),
    "fence_command": _list_of(_string),
    "fence_timeout": _seconds,
    "rejoin": _one_of("manual", "clone"),
    "events": _switch,
    "unblock": _switch,
    "disks": _list_of(_path),
    "allow": _list_of(_network),
    "proxies": _proxies,
}


def parse(text: str) -> Config:
    """Raises ConfigError."""
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ConfigError([f"The configuration is not JSON: {error}."]) from None
    if not isinstance(given, dict):
        raise ConfigError(["The configuration must be one JSON object."])
    problems = [f"{key}: there is no such key." for key in sorted(set(given) - set(_CHECKS))]
    values: dict[str, Any] = {}
    for field in fields(Config):
        if field.name in given:
            try:
                values[field.name] = _CHECKS[field.name](given[field.name])
            except ValueError as error:
                problems.append(f"{field.name}: {error}.")
        elif field.default is MISSING:
            problems.append(f"{field.name}: missing.")
    problems += _contradictions(values)
    if problems:
        raise ConfigError(problems)
    for field in fields(Config):
        if field.name.endswith("_file"):
            values.setdefault(field.name, str(field.default).format(instance=values["instance"]))
    return Config(**values)


def _contradictions(values: dict[str, Any]) -> list[str]:
    if "members" not in values or "instance" not in values:
        return []
    own = [member for member in values["members"] if member.name == values["instance"]]
    if not own:
        return [f"members: this instance, {values['instance']}, is not among them."]
    return [
        f"{key}: contradicts this instance's entry in members."
        for key in ("address", "port", "agent_port", "role")
        if key in values and getattr(own[0], key) != values[key]
    ]


def load(path: Path) -> Config:
    """Raises ConfigError."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}."]) from None
