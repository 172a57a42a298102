# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster as the roles' variables would describe it. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from ._discover_balancers import Reads, home
from ._discover_host import SHARED, Facts, Host, Seen, instance, is_default, own_address, refusal, vrrp_of
from ._discover_text import Entry, Template, vaulted
from ._model_rules import shortest_lease

# In the order in which a person reads them; whatever is not named follows.
ORDER = (
    "cluster_topology", "cluster_vip", "cluster_virtual_router_id", "cluster_reader_vips", "cluster_readers",
    "replication_user", "replication_password", "mysql_server_id", "cluster_role", "cluster_address",
)  # fmt: skip
LEASE = 3.0  # agent_lease


@dataclass
class Found:
    """A cluster, ready to be written."""

    name: str
    entries: list[Entry] = field(default_factory=list)
    hosts: dict[str, list[Entry]] = field(default_factory=dict)  # by name, in the order of the inventory
    notes: list[str] = field(default_factory=list)  # what was seen
    choices: list[str] = field(default_factory=list)  # what a person has to decide


class Reading:
    """Brings together what the members say."""

    def __init__(
        self, name: str, members: list[Host], reads: Reads, balancers: Collection[str], vault: str, moving: set[str]
    ) -> None:
        self._members = members
        self._reads = reads
        self._balancers = balancers
        self._vault = vault
        self._moving = moving
        self._found = Found(name)
        self._group: dict[str, Seen] = {}
        self._own: dict[str, dict[str, Seen]] = {host.name: {} for host in members}

    def read(self) -> Found:
        vip, prefix = self._vip()
        topology, pair = self._topology()
        candidates = self._candidates(vip, pair)
        self._group["cluster_topology"] = Seen(topology)
        self._router_id(vip)
        self._placed(vip, prefix, candidates)
        self._balanced(candidates)
        for host in self._members:
            self._own[host.name].update(instance(host, vip, self._balancers))
        self._lift()
        self._secrets()
        self._lease()
        order = self._order(vip, candidates)
        self._versions()
        self._found.entries = list(self._written(self._group))
        self._found.hosts = {host.name: list(self._written(self._own[host.name])) for host in order}
        return self._found

    def _choose(self, text: str) -> str:
        self._found.choices.append(text)
        return f"CHOOSE: {text}"

    # --- Who and where

    def _vip(self) -> tuple[str | None, int | None]:
        built = Counter(str(host.agent.get("vip")) for host in self._members if host.agent)
        for text, _often in built.most_common():
            try:
                interface = ipaddress.ip_interface(text)
            except ValueError:
                continue
            self._group["cluster_vip"] = Seen(str(interface), self._agents())
            return str(interface.ip), interface.network.prefixlen
        seen: dict[str, list[tuple[Host, Facts]]] = {}
        for host in self._members:
            for vrrp in host.vrrp.get("instances") or []:
                for vip in vrrp["vips"]:
                    if vip["address"] not in self._reads.vips:
                        seen.setdefault(vip["address"], []).append((host, vip))
        if not seen:
            note = self._choose("cluster_vip: no VRRP instance was seen; a free address of the subnet, ADDRESS/PREFIX")
            self._group["cluster_vip"] = Seen("", "", note)
            return None, None
        writers = {host.name for host in self._members if host.mysql.get("read_only") is False}
        held = {vip["address"] for host in self._members if host.name in writers
                for vip in host.facts.get("vips") or [] if vip.get("here")}  # fmt: skip
        best = max(seen, key=lambda each: (each in held, len(seen[each]), each))
        others = sorted(set(seen) - {best})
        note = self._choose(f"cluster_vip: also {', '.join(others)}, which roles know nothing of") if others else ""
        prefix = self._prefix(best, [vip for _host, vip in seen[best]])
        host, vip = seen[best][0]
        self._group["cluster_vip"] = Seen(f"{best}/{prefix}", f"{host.was}, {vip.get('at') or 'keepalived'}", note)
        return best, prefix

    def _prefix(self, address: str, configured: list[Facts]) -> int:
        """As it is on the interface that holds it; configured ones without a prefix are those of one host."""
        places = [
            place["prefix"] for host in self._members for vip in host.facts.get("vips") or []
            if vip["address"] == address for place in vip["places"]
        ]  # fmt: skip
        written = [vip["prefix"] for vip in configured if vip["prefix"] is not None]
        return int(next(iter([*places, *written]), ipaddress.ip_address(address).max_prefixlen))

    def _agents(self) -> str:
        return next((f"{host.was}, {host.agent['at']}" for host in self._members if host.agent), "")

    def _topology(self) -> tuple[str, list[str]]:
        """Also the pair that replicates both ways."""
        links = {
            (host.name, source.name)
            for host in self._members
            for channel in host.mysql.get("channels") or []
            if (source := home(channel.get("source_host"), channel.get("source_port"), self._members))
        }
        pair = sorted({name for one, other in links if one != other and (other, one) in links for name in (one, other)})
        told = Counter(str(host.agent.get("topology")) for host in self._members if host.agent)
        if told:
            return told.most_common(1)[0][0], pair
        if len(pair) > 2:
            self._choose(f"cluster_topology: {', '.join(pair)} replicate from each other; the roles know pairs only")
        return ("dual_source" if len(pair) == 2 else "source_replica"), pair

    def _candidates(self, vip: str | None, pair: list[str]) -> list[str]:
        told = [host.name for host in self._members if (host.agent or {}).get("role") == "candidate"]
        if any(host.agent for host in self._members):
            return told
        leading = [host.name for host in self._members if vip and vrrp_of(host, vip)]
        if len(leading) < 2:
            self._choose("cluster_role: it could not be told who may become the writer; see who is written so")
        if len(pair) == 2:
            return pair
        return leading if len(leading) > 1 else [host.name for host in self._members]

    def _router_id(self, vip: str | None) -> None:
        numbers = Counter(
            vrrp["virtual_router_id"] for host in self._members
            if vip and (vrrp := vrrp_of(host, vip)) and vrrp.get("virtual_router_id") is not None
        )  # fmt: skip
        note = ""
        if len(numbers) > 1:
            note = self._choose(f"cluster_virtual_router_id: hosts use {', '.join(map(str, numbers))} for one VIP")
        elif not numbers:
            note = self._choose("cluster_virtual_router_id: a number that no other VRRP of the LAN uses")
        self._group["cluster_virtual_router_id"] = Seen(numbers.most_common(1)[0][0] if numbers else "", "", note)

    def _placed(self, vip: str | None, prefix: int | None, candidates: list[str]) -> None:
        for host in self._members:
            own = self._own[host.name]
            if host.name not in candidates:
                own["cluster_role"] = Seen("reader")
            if vip is None:
                continue
            address, others = own_address(host, vip, prefix, self._moving)
            if address and others:
                own["cluster_address"] = Seen(address, "", f"also {', '.join(others)}")
            number = host.mysql.get("server_id")
            if number is not None and (address is None or number != _derived(address)):
                own["mysql_server_id"] = Seen(number)

    # --- Reads

    def _balanced(self, candidates: list[str]) -> None:
        reads = self._reads
        if reads.vips:
            self._group["cluster_reader_vips"] = Seen(reads.vips, reads.at)
        for kind, port in reads.ports.items():
            self._group[f"cluster_proxy_{kind}_port"] = Seen(port)
        if reads.ports:
            for kind in {"writer", "reader"} - set(reads.ports):
                self._group[f"cluster_proxy_{kind}_port"] = Seen(0)
        for name, weight in reads.weights.items():
            if weight != 1 and name in self._own:
                self._own[name]["haproxy_weight"] = Seen(weight)
        serving = set(reads.servers) or set(reads.weights)
        if not serving:
            return
        if reads.writer_too:
            self._group["cluster_readers"] = Seen("all")
        elif not serving & set(candidates):
            self._group["cluster_readers"] = Seen("readers")
        asked = [host.name for host in self._members if serving & set(candidates) or host.name not in candidates]
        for name, weight in reads.servers.items():
            if weight not in (None, 1):
                self._own[name]["lvs_realserver_weight"] = Seen(weight)
        for name in asked:
            if reads.vips and name not in reads.servers:
                self._own[name]["lvs_realserver_state"] = Seen("absent")

    # --- What several hosts say

    def _lift(self) -> None:
        """What all hosts say alike is the group's. What a cluster has to share is, in any case."""
        for name in sorted({each for own in self._own.values() for each in own}):
            if name in ("cluster_role", "cluster_address", "mysql_server_id"):
                continue
            said = {host: own[name] for host, own in self._own.items() if name in own}
            values = Counter(repr(each.value) for each in said.values() if each.value is not None)
            everybody = len(said) == len(self._own)
            if len(values) > 1 and name in SHARED:
                chosen = next(each for each in said.values() if repr(each.value) == values.most_common(1)[0][0])
                listed = "; ".join(f"{each.value} on {host}" for host, each in said.items())
                note = self._choose(f"{name} differs, and a cluster has one ({listed})")
                self._group[name] = Seen(chosen.value, chosen.at, note)
            elif len(values) <= 1 and (everybody or name in SHARED):
                host, seen = min(said.items(), key=lambda each: each[1].value is None)
                self._group[name] = seen._replace(at=f"{host}, {seen.at}" if seen.at else "")
            else:
                continue
            for own in self._own.values():
                own.pop(name, None)

    def _secrets(self) -> None:
        note = "The password of the account by which members replicate; the server keeps it, and nothing here reads it."
        users = {channel.get("source_user") for host in self._members for channel in host.mysql.get("channels") or []}
        if not any(host.built for host in self._members):
            # The role would give an account of that name its own password and demand TLS: others may use it.
            listed = ", ".join(sorted(str(user) for user in users if user))
            note = f"Of a new account, which the run makes. Channels use {listed or 'none'} now, which stays as it is."
        self._group["replication_password"] = Seen(Template("{{ vault_replication_password }}"), "", note)

    def _lease(self) -> None:
        interval, lease = self._group.get("keepalived_advert_interval"), self._group.get("agent_lease")
        least = shortest_lease(float(interval.value)) if interval and isinstance(interval.value, (int, float)) else 0
        if least > (float(lease.value) if lease else LEASE):
            note = "longer than three advertisements, as the model wants it"
            self._group["agent_lease"] = Seen(least, "", note)

    def _order(self, vip: str | None, candidates: list[str]) -> list[Host]:
        """As the agents have it; else by priority, as the model gives them."""
        agents = [host.agent for host in self._members if host.agent]
        told: list[Any] = next((agent["members"] for agent in agents if agent.get("members")), [])
        names = [str(each.get("name")) for each in told if isinstance(each, dict)]
        missing = sorted(set(names) - {host.name for host in self._members})
        if missing:
            self._choose(f"{', '.join(missing)}: members by the agents' configuration, but not in the inventory asked")

        def rank(host: Host) -> tuple[Any, ...]:
            vrrp = vrrp_of(host, vip) or {}
            place = names.index(host.name) if host.name in names else len(names)
            return host.name not in candidates, place, -(vrrp.get("priority") or 0), host.name

        return sorted(self._members, key=rank)

    def _versions(self) -> None:
        for host in self._members:
            mysql = host.mysql
            words = [f"{host.name}: {mysql.get('flavour')} {mysql.get('version')}"]
            words.append("built by this collection" if host.built else "built by somebody else")
            if host.name != host.was:
                words.append(f"{host.was} in the inventory that was asked")
            self._found.notes.append(", ".join(words))
            if not mysql.get("reachable"):
                self._choose(f"{host.name}: its MySQL could not be read, so its own settings are not here")
                continue
            if mysql.get("flavour") == "mariadb" or tuple(mysql.get("version_number") or (8, 0, 26)) < (8, 0, 26):
                self._choose(f"{host.name}: {mysql.get('flavour')} {mysql.get('version')} is none that the roles build")
            named = [] if host.built else sorted(_by_name(mysql.get("accounts") or []))
            if named:
                self._choose(
                    f"{host.name}: {', '.join(named[:20])}: the role sets skip_name_resolve, and accounts of names lose"
                    " their way in; give them addresses, or set mysql_settings: {skip_name_resolve: false}"
                )
            if mysql.get("gtid_mode") not in (None, "ON"):
                self._choose(f"{host.name}: gtid_mode {mysql['gtid_mode']}; switch GTIDs on first, on all members")

    def _written(self, values: dict[str, Seen]) -> Iterator[Entry]:
        for name in sorted(values, key=lambda each: (ORDER.index(each) if each in ORDER else len(ORDER), each)):
            seen = values[name]
            if is_default(name, seen.value) and not seen.note:
                continue
            comments = [seen.at] if seen.at and seen.value is not None else []
            if seen.note:
                comments.insert(0, seen.note)
            value = None if seen.value is not None and is_default(name, seen.value) else seen.value
            value = vaulted(value, self._vault)
            reason = refusal(name, value) if value not in (None, "") else ""
            if reason:
                comments.append(self._choose(f"{name}: {value!r} was seen, which {reason}"))
                value = None
            yield Entry(name, value, tuple(comments))


def _by_name(accounts: list[Facts]) -> set[str]:
    """Accounts whose host is a name."""
    hosts = {f"'{each['user']}'@'{each['host']}'": str(each["host"]) for each in accounts}
    return {name for name, host in hosts.items() if host != "localhost" and re.search("[g-z]", host.lower())}


def _derived(address: str) -> int:
    """server_id as the model derives it; IPv6 has its own way there, and is always written."""
    ip = ipaddress.ip_address(address)
    return int(ip) if ip.version == 4 else -1
