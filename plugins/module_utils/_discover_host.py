# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One instance as the roles' variables would describe it. Pure.

What this collection built is read word for word. Of what somebody else built only the facts are kept that a cluster has
to go on with (ports, paths, addresses, how long logs are kept), and not the mistakes that the roles are there to mend.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ._discover_text import Template
from ._model_input import DEFAULTS as MODEL_DEFAULTS
from ._model_input import VARIABLES
from ._model_values import Refused
from ._settings_seen import is_secret

Facts = dict[str, Any]
OWN_FILE = "/zz-mysql-ha-"
LAST_OWN_OPTION = "innodb_buffer_pool_size"  # of the option file's template; mysql_settings follow
DAY = 86400
SHARED = frozenset(variable.name for variable in VARIABLES if variable.shared)
READERS = {variable.name: variable.read for variable in VARIABLES}
# What the roles have in defaults/main.yml beside the model's; a test holds them together.
DEFAULTS: dict[str, Any] = {
    **MODEL_DEFAULTS, "mysql_bind_address": "*", "mysql_binlog_retention_days": 7, "mysql_sync_relay_log": 1,
    "mysql_package_source": "distro", "mysql_log_bin": "binlog", "mysql_relay_log": "relay", "mysql_settings": {},
    "replication_connect_retry": 1,
    "replication_heartbeat": 1, "agent_rejoin": "manual", "agent_events": True, "agent_unblock": True,
    "agent_fence_command": [], "agent_allow": [], "keepalived_script_security": True, "keepalived_garp_refresh": 10,
}  # fmt: skip
# Keys of the agent's configuration, and the variable that each comes from.
OF_AGENT = {
    "agent_port": "agent_port", "lease": "agent_lease", "hang_timeout": "agent_hang_timeout",
    "demote_timeout": "agent_demote_timeout", "disk_timeout": "agent_disk_timeout",
    "down_timeout": "agent_down_timeout", "fence_timeout": "agent_fence_timeout", "durability": "mysql_durability",
    "takeover": "agent_takeover", "witnesses": "agent_witnesses", "rejoin": "agent_rejoin", "events": "agent_events",
    "unblock": "agent_unblock",
}  # fmt: skip


class Seen(NamedTuple):
    """The value of a variable, and where it was seen."""

    value: Any
    at: str = ""
    note: str = ""


@dataclass
class Host:
    """One host of the inventory as it was found."""

    was: str  # its name in the inventory that was asked
    facts: Facts
    settings: Facts
    connection: Facts = field(default_factory=dict)  # how Ansible gets there
    agent: Facts | None = None
    name: str = ""  # as it is written

    def __post_init__(self) -> None:
        self.agent = self.agent or self._own_agent()
        self.name = self.name or (self.agent or {}).get("instance") or self.was

    def _own_agent(self) -> Facts | None:
        """The configuration of the agent of this instance; of several on the machine the one with its port."""
        port = self.mysql.get("port")
        found = [each for each in self.settings.get("agents") or [] if port in (None, each.get("port"))]
        usable = [each for each in found if _name(each.get("instance")) and _name(each.get("cluster"))]
        return usable[0] if len(usable) == 1 else None

    @property
    def mysql(self) -> Facts:
        return self.facts.get("mysql") or {}

    @property
    def vrrp(self) -> Facts:
        return self.facts.get("vrrp") or {}

    @property
    def addresses(self) -> list[str]:
        return list((self.facts.get("os") or {}).get("addresses") or [])

    @property
    def built(self) -> bool:
        return self.agent is not None


def _name(text: Any) -> bool:
    return isinstance(text, str) and bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", text))


def refusal(name: str, value: Any) -> str:
    """Why the model would not take a value; empty when it would, or when it does not judge it."""
    if isinstance(value, Template) or name not in READERS:
        return ""
    try:
        READERS[name](value)
    except Refused as error:
        return f"{error.text}; {error.mend}"
    return ""


def is_default(name: str, value: Any) -> bool:
    if name not in DEFAULTS:
        return False
    default = DEFAULTS[name]
    if isinstance(value, (int, float)) and isinstance(default, (int, float)) and not isinstance(value, bool):
        return float(value) == float(default)
    return bool(value == default)


def instance(host: Host, vip: str | None, balancers: Collection[str]) -> dict[str, Seen]:
    """What the host says of its variables. `balancers`: addresses that the model adds to agent_allow by itself."""
    found: dict[str, Seen] = {}
    _server(host, found)
    if host.agent:
        _agent(host.agent, found, balancers)
    _channel(host, found)
    _keepalived(host, vip, found)
    return {name: seen for name, seen in found.items() if seen.value is not None or seen.note}


def _server(host: Host, found: dict[str, Seen]) -> None:
    mysql, variables = host.mysql, host.mysql.get("variables") or {}
    options = host.settings.get("options") or []
    last = {each["name"]: each for each in options}
    found["mysql_port"] = Seen(mysql.get("port"), _at(last, "port"))
    found["mysql_socket"] = Seen(mysql.get("socket"), _at(last, "socket"))
    found["mysql_datadir"] = Seen((mysql.get("datadir") or "").rstrip("/") or None, _at(last, "datadir"))
    found["mysql_bind_address"] = _bind(variables.get("bind_address"), _at(last, "bind_address"))
    found["mysql_binlog_retention_days"] = _retention(variables.get("binlog_expire_logs_seconds"), last)
    found["mysql_innodb_buffer_pool_size"] = _buffer_pool(host, variables, last)
    for name, base in (("mysql_log_bin", "log_bin"), ("mysql_relay_log", "relay_log")):
        found[name] = Seen(_log(variables.get(f"{base}_basename"), mysql.get("datadir") or ""), _at(last, base))
    source = (host.settings.get("package") or {}).get("source")
    found["mysql_package_source"] = Seen(source, f"package {(host.settings.get('package') or {}).get('name')}")
    if host.built:
        # As written: the agent raises the running one where nobody waits for an acknowledgement.
        written = (last.get("sync_relay_log") or {}).get("value")
        found["mysql_sync_relay_log"] = Seen(_whole(written), _at(last, "sync_relay_log"))
        found["mysql_settings"] = _own_settings(options)


def _at(last: Mapping[str, Facts], name: str) -> str:
    return str((last.get(name) or {}).get("at") or "")


def _whole(text: Any) -> int | None:
    return int(text) if str(text).isdigit() else None


def _bind(address: Any, at: str) -> Seen:
    if not address:
        return Seen(None)
    if str(address) in ("127.0.0.1", "::1", "localhost"):
        return Seen(None, at, f"mysql_bind_address: the server listens on {address} only; the role opens it to all")
    return Seen("*" if address in ("*", "0.0.0.0", "::") else str(address), at)  # noqa: S104 (compared with)


def _retention(seconds: Any, last: Mapping[str, Facts]) -> Seen:
    at = _at(last, "binlog_expire_logs_seconds") or _at(last, "expire_logs_days")
    number = _whole(seconds)
    if number is None:
        return Seen(None)
    if number < DAY:
        text = "binary logs are kept for ever" if number == 0 else f"binary logs are kept for {number} s"
        return Seen(None, at, f"mysql_binlog_retention_days: {text}; CHOOSE whole days, the role's default is 7")
    return Seen(number // DAY, at)


def _buffer_pool(host: Host, variables: Mapping[str, Any], last: Mapping[str, Facts]) -> Seen:
    written = (last.get(LAST_OWN_OPTION) or {}).get("value")
    size = written or _size(_whole(variables.get(LAST_OWN_OPTION)))
    memory = host.settings.get("memory_mb")
    by_memory = None if memory is None else (f"{memory // 2048}G" if memory >= 2048 else "128M")
    return Seen(None if size == by_memory else size, _at(last, LAST_OWN_OPTION))


def _size(number: int | None) -> str | None:
    if number is None:
        return None
    for unit, name in ((2**30, "G"), (2**20, "M")):
        if number >= unit and number % unit == 0:
            return f"{number // unit}{name}"
    return str(number)


def _log(base: Any, datadir: str) -> str | None:
    """The name of a log's files; with its directory where that is not the data directory."""
    if not base:
        return None
    directory, _slash, name = str(base).rpartition("/")
    return name if directory == datadir.rstrip("/") else str(base)


def _own_settings(options: list[Facts]) -> Seen:
    """mysql_settings of the run that built it: what follows the template's own lines in its file."""
    own = [each for each in options if OWN_FILE in each["at"]]
    last = next((_line(each) for each in own if each["name"] == LAST_OWN_OPTION), None)
    if last is None:
        return Seen(None)
    later = {each["name"]: each["value"] for each in own if _line(each) > last}
    for name in filter(is_secret, later):
        later[name] = Template(f"{{{{ vault_{re.sub('[^a-z0-9_]', '_', name.lower())} }}}}")
    alone = sorted(name for name, value in later.items() if value is None)  # the role writes none of these
    note = f"mysql_settings: {', '.join(alone)} without a value; left out" if alone else ""
    known = {name: later[name] for name in sorted(later) if name not in alone}
    return Seen(known, own[-1]["at"].rpartition(":")[0], note)


def _line(setting: Facts) -> int:
    return int(setting["at"].rpartition(":")[2])


def _agent(agent: Facts, found: dict[str, Seen], balancers: Collection[str]) -> None:
    at = agent["at"]
    for key, name in OF_AGENT.items():
        found[name] = Seen(agent.get(key), at)
    allowed = agent.get("allow")
    if isinstance(allowed, list):
        found["agent_allow"] = Seen([each for each in allowed if each not in balancers], at)
    if agent.get("fence_command"):
        program = agent["fence_command"][0]
        note = f"agent_fence_command: {program}, and arguments, which may hold a password and were not read"
        found["agent_fence_command"] = Seen(Template("{{ vault_agent_fence_command }}"), at, note)


def _channel(host: Host, found: dict[str, Seen]) -> None:
    for channel in host.mysql.get("channels") or []:
        if host.built:
            found["replication_user"] = Seen(channel.get("source_user") or None, f"channel '{channel.get('name', '')}'")
            found["replication_connect_retry"] = Seen(channel.get("connect_retry"))
            found["replication_heartbeat"] = Seen(channel.get("heartbeat_period"))


def vrrp_of(host: Host, vip: str | None) -> Facts | None:
    """The VRRP instance of an address on a host."""
    for found in host.vrrp.get("instances") or []:
        if any(each["address"] == vip for each in found["vips"]):
            return dict(found)
    return None


def statements(host: Host, vrrp_instance: str) -> list[Any]:
    """The configuration of a VRRP instance as it stands."""
    for each in (host.vrrp.get("configuration") or {}).get("statements") or []:
        if each["words"][:2] == ["vrrp_instance", vrrp_instance]:
            return each["block"] or []
    return []


def _keepalived(host: Host, vip: str | None, found: dict[str, Seen]) -> None:
    vrrp = vrrp_of(host, vip)
    if vrrp is None:
        return
    configured = (host.vrrp.get("configuration") or {}).get("instances") or []
    at = next((str(each.get("at") or "") for each in configured if each["name"] == vrrp["name"]), "")
    found["keepalived_vrrp_version"] = Seen(vrrp.get("version") or 2, at)
    found["keepalived_advert_interval"] = Seen(vrrp.get("advert_int"), at)
    if vrrp.get("auth_type") == "PASS" and found["keepalived_vrrp_version"].value == 2:
        note = "keepalived_auth_pass: there is one; 8 characters of it count, and all of the LAN can read it"
        found["keepalived_auth_pass"] = Seen(Template("{{ vault_keepalived_auth_pass }}"), at, note)
    if host.built:
        globals_ = (host.vrrp.get("configuration") or {}).get("global") or {}
        found["keepalived_script_security"] = Seen(bool(globals_.get("script_security")), globals_.get("at") or "")
        refresh = [each["words"][1] for each in statements(host, vrrp["name"])
                   if each["words"][0] == "garp_master_refresh" and len(each["words"]) > 1]  # fmt: skip
        found["keepalived_garp_refresh"] = Seen(_whole(refresh[-1]) if refresh else 0, at)


def own_address(host: Host, vip: str, prefix: int | None, moving: Collection[str]) -> tuple[str | None, list[str]]:
    """The host's own address in the subnet of the VIP, and the others that it might be taken for."""
    told = (host.agent or {}).get("address")
    network = None
    if prefix is not None:
        network = ipaddress.ip_network(f"{vip}/{prefix}", strict=False)
    near = [
        each for each in host.addresses
        if each not in moving
        and (network is None or network.num_addresses == 1 or ipaddress.ip_address(each) in network)
    ]  # fmt: skip
    if told in near:
        return str(told), [each for each in near if each != told]
    source = (vrrp_of(host, vip) or {}).get("source_address")
    if source in near:
        return str(source), [each for each in near if each != source]
    return (near[0], near[1:]) if near else (None, [])
