# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user writes, made typed: one table of variables, one reader each.

Pure: plain values in, typed values or a `Refused` with the mend out.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._model_values import (
    Address,
    AddressWithPrefix,
    MysqlSettings,
    Refused,
    integer,
    matching,
    one_of,
    read_address,
    read_auth_pass,
    read_command,
    read_mysql_settings,
    read_password,
    read_path,
    read_reader_vips,
    read_seconds,
    read_text,
    read_timeout,
    read_version,
    read_vip,
    read_witnesses,
)


@dataclass
class Problems:
    """Collects what is wrong; the same finding on several hosts becomes one line."""

    _hosts: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, hosts: Iterable[str], text: str, mend: str) -> None:
        """Every text names the variable that is to be mended."""
        known = self._hosts.setdefault((text, mend), [])
        known.extend(host for host in hosts if host not in known)

    def lines(self) -> list[str]:
        return [f"{', '.join(hosts)}: {text}; {mend}" for (text, mend), hosts in self._hosts.items()]


def shown(value: object) -> str:
    """A value for a message: on one line, not endless."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def unresolved(value: object) -> bool:
    """Whether it is a template that could not be filled in. ansible-core before 2.19 leaves it as it is."""
    return isinstance(value, str) and bool(re.search(r"\{\{.*\}\}|\{%.*%\}", value, re.DOTALL))


# --- The table


@dataclass(frozen=True)
class Variable:
    """One variable of the inventory.

    default: as a user would write it; the roles' defaults/main.yml say the same. None: there is none.
    required: what to do when it is missing; empty: it may be.
    shared: all members of a cluster must have the same value.
    secret: its value appears in no message.
    """

    name: str
    read: Callable[[object], Any]
    default: object = None
    required: str = ""
    shared: bool = False
    secret: bool = False


read_cluster_name = matching(
    r"[A-Za-z][A-Za-z0-9_-]{0,31}",
    "cannot be used in file and VRRP names",
    "write a letter, then up to 31 letters, digits, _ or -",
)
INTERFACE = matching(r"[!-.0-~]{1,15}", "is not an interface name", "write e.g. eth0")
_USER = matching(r"[A-Za-z0-9_.-]{1,32}", "is not an account name", "write 1 to 32 letters, digits, _, . or -")
_PORT = integer(1, 65535)

VARIABLES = (
    Variable("cluster_name", read_cluster_name),
    Variable("cluster_topology", one_of("dual_source", "source_replica"), "dual_source", shared=True),
    Variable("cluster_role", one_of("candidate", "reader"), "candidate"),
    Variable(
        "cluster_vip",
        read_vip,
        required="give the group a free address of the hosts' subnet, e.g. cluster_vip: 10.0.0.100/24",
        shared=True,
    ),
    Variable(
        "cluster_virtual_router_id",
        integer(1, 255),
        shared=True,
        required="give the group a number from 1 to 255 that nobody else's VRRP on this LAN uses, e.g. 51",
    ),
    Variable("cluster_address", read_address),
    Variable("cluster_interface", INTERFACE),
    Variable("cluster_reader_vips", read_reader_vips, [], shared=True),
    Variable("cluster_readers", one_of("standby", "readers", "all"), "standby", shared=True),
    Variable("cluster_proxy_writer_port", integer(0, 65535), 6446, shared=True),
    Variable("cluster_proxy_reader_port", integer(0, 65535), 6447, shared=True),
    Variable("haproxy_weight", integer(0, 256), 1),
    Variable("lvs_realserver_weight", integer(0, 65535), 1),
    Variable("lvs_realserver_state", one_of("present", "absent")),
    Variable("mysql_port", _PORT, 3306),
    Variable("mysql_datadir", read_path, "/var/lib/mysql"),
    Variable("mysql_socket", read_path, "/run/mysqld/mysqld.sock"),
    Variable("mysql_version", read_version),
    Variable("mysql_server_id", integer(1, 2**32 - 1)),
    Variable("mysql_settings", read_mysql_settings, {}),
    Variable("mysql_durability", one_of("available", "strict"), "available", shared=True),
    Variable("replication_user", _USER, "mha_repl", shared=True),
    Variable(
        "replication_password",
        read_password,
        shared=True,
        secret=True,
        required="give the group one of up to 32 characters, best kept by ansible-vault",
    ),
    Variable("keepalived_vrrp_version", integer(2, 3), 3, shared=True),
    Variable("keepalived_auth_pass", read_auth_pass, shared=True, secret=True),
    Variable("keepalived_advert_interval", read_seconds, 0.5, shared=True),
    Variable("agent_port", _PORT, 8308),
    Variable("agent_lease", read_timeout, 3, shared=True),
    Variable("agent_hang_timeout", read_timeout, 1.5),
    Variable("agent_demote_timeout", read_timeout, 0.3),
    Variable("agent_disk_timeout", read_timeout, 10),
    Variable("agent_down_timeout", read_timeout, 5, shared=True),
    Variable("agent_fence_timeout", read_timeout, 10),
    Variable("agent_fence_command", read_command, [], secret=True),
    Variable("agent_witnesses", read_witnesses, ["gateway"]),
    Variable("agent_takeover", one_of("promote", "read_only"), "promote", shared=True),
    Variable("ansible_host", read_text),
)
DEFAULTS = {variable.name: variable.default for variable in VARIABLES if variable.default is not None}


@dataclass(frozen=True)
class Settings:
    """One host's variables, typed. None: not given, or refused (and then reported)."""

    cluster_name: str | None
    cluster_topology: str | None
    cluster_role: str | None
    cluster_vip: AddressWithPrefix | None
    cluster_virtual_router_id: int | None
    cluster_address: Address | None
    cluster_interface: str | None
    cluster_reader_vips: tuple[Address, ...] | None
    cluster_readers: str | None
    cluster_proxy_writer_port: int | None
    cluster_proxy_reader_port: int | None
    haproxy_weight: int | None
    lvs_realserver_weight: int | None
    lvs_realserver_state: str | None
    mysql_port: int | None
    mysql_datadir: str | None
    mysql_socket: str | None
    mysql_version: str | None
    mysql_server_id: int | None
    mysql_settings: MysqlSettings | None
    mysql_durability: str | None
    replication_user: str | None
    replication_password: str | None
    keepalived_vrrp_version: int | None
    keepalived_auth_pass: str | None
    keepalived_advert_interval: float | None
    agent_port: int | None
    agent_lease: float | None
    agent_hang_timeout: float | None
    agent_demote_timeout: float | None
    agent_disk_timeout: float | None
    agent_down_timeout: float | None
    agent_fence_timeout: float | None
    agent_fence_command: tuple[str, ...] | None
    agent_witnesses: tuple[Address, ...] | None
    agent_takeover: str | None
    ansible_host: str | None


@dataclass(frozen=True)
class InterfaceAddress:
    interface: str
    address: AddressWithPrefix
    primary: bool  # the first of an interface's IPv4 subnet; what is added later, like a VIP, is secondary


@dataclass(frozen=True)
class Instance:
    """One inventory host. refused: the variables that are already reported, so that no rule reports them again."""

    name: str
    in_play: bool
    settings: Settings
    refused: frozenset[str]
    addresses: tuple[InterfaceAddress, ...] | None  # None: not known

    @property
    def machine(self) -> str:
        return self.settings.ansible_host or self.name


def read_instance(name: str, host: Mapping[str, Any], in_play: bool, problems: Problems) -> Instance:
    """Read one host: {"variables": {name: value}, "unreadable": {name: reason}, "interfaces": [...] or None}.

    An interface entry is {"name": "eth0", "address": "10.0.0.11", "prefix": 24, "primary": True}.
    """
    values, refused = read_variables(VARIABLES, name, host, problems)
    check_name(name, problems)
    return Instance(name, in_play, Settings(**values), frozenset(refused), read_addresses(host))


def read_variables(
    table: Iterable[Variable], name: str, host: Mapping[str, Any], problems: Problems
) -> tuple[dict[str, Any], set[str]]:
    """The typed values, and the names of those that were refused.

    Among them those of which a mistyped name (`meant`) is reported already.
    """
    values: dict[str, Any] = {}
    refused = set(host.get("meant", ())) & {variable.name for variable in table} - host["variables"].keys()
    values.update(dict.fromkeys(refused))
    for variable in table:
        if variable.name in refused:
            continue
        try:
            values[variable.name] = _read(variable, host)
        except Refused as refusal:
            values[variable.name] = None
            refused.add(variable.name)
            problems.add([name], f"{variable.name} {refusal.text}", refusal.mend)
    return values, refused


def check_name(name: str, problems: Problems) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", name):
        problems.add(
            [name],
            "inventory_hostname cannot be used in file and unit names",
            "rename it to up to 63 letters, digits, _, . or -, and put the address into ansible_host",
        )


def read_addresses(host: Mapping[str, Any]) -> tuple[InterfaceAddress, ...] | None:
    interfaces: Sequence[Mapping[str, Any]] | None = host.get("interfaces")
    return None if interfaces is None else tuple(_interface_addresses(interfaces))


def _read(variable: Variable, host: Mapping[str, Any]) -> Any:
    reason = host.get("unreadable", {}).get(variable.name)
    value = host.get("variables", {}).get(variable.name)
    if unresolved(value):
        reason = "it holds a template that Ansible left unresolved"
    if reason is not None:
        raise Refused(f"cannot be read ({reason})", "define what it refers to")
    if value is None or (isinstance(value, str) and not value.strip()):
        if variable.required:
            raise Refused("is missing", variable.required)
        return None if variable.default is None else variable.read(variable.default)
    try:
        return variable.read(value)
    except Refused as refusal:
        if variable.secret:
            raise
        raise Refused(f"{shown(value)} {refusal.text}", refusal.mend) from None


def _interface_addresses(interfaces: Sequence[Mapping[str, Any]]) -> Iterable[InterfaceAddress]:
    for entry in interfaces:
        address = ipaddress.ip_interface(f"{entry['address']}/{entry['prefix']}")
        if not (address.ip.is_loopback or address.ip.is_link_local):
            yield InterfaceAddress(entry["name"], address, entry["primary"])
