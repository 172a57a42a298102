# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hazards of LVS. Predicates on the facts of lvs_info (`lvs`), vrrp_info (`vrrp`) and of the host (`os`)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ._audit import SLOWEST_DETECTION, Cluster, Evidence, Rules
from ._audit_fitness import asks_for_readers, fitness

RULES = Rules()
rule = RULES.rule
Facts = dict[str, Any]
ARP = {"arp_ignore": 1, "arp_announce": 2}
KEEPALIVE = 7200  # seconds after which Linux asks whether an idle TCP session lives
KERNEL = {"tcp": 900, "tcp_fin": 120, "udp": 300}  # seconds, as Linux boots


def _services(cluster: Cluster) -> Iterator[tuple[str, Facts]]:
    """Directors and their configured services."""
    for host, vrrp in cluster.having("vrrp"):
        for service in (vrrp.get("configuration") or {}).get("virtual_servers", []):
            yield host, service


def _name(service: Facts) -> str:
    if service["address"]:
        return f"{service['address']}:{service['port']}"
    return f"group {service['group']}" if service["group"] else f"mark {service['mark']}"


def _realservers(cluster: Cluster) -> Iterator[tuple[str, str, str | None]]:
    """Host, VIP and the place where a director sends packets of the VIP to the host by direct routing."""
    seen = set()
    for director, service in _services(cluster):
        for server in service["servers"] if service["address"] else []:
            host = cluster.home(server["address"], server["port"])
            if _routed(service, server) and host and host != director and (host, service["address"]) not in seen:
                seen.add((host, service["address"]))
                yield host, service["address"], server["at"]
    for director, lvs in cluster.having("lvs"):
        for service in lvs["services"]:
            for server in service["servers"]:
                host = cluster.home(server["address"], server["port"])
                vip = service["address"]
                if server["forward"] == "route" and host and vip and host != director and (host, vip) not in seen:
                    seen.add((host, vip))
                    yield host, vip, None


def _routed(service: Facts, server: Facts) -> bool:
    """Direct routing: a realserver's own method counts before its service's."""
    return (server.get("forward") or service["forward"] or "").upper() == "DR"


@rule(
    "MHA-L001", "critical", "A realserver lacks the VIP on lo",
    why="It drops the packets that the director sends it: every connection that is given to it hangs.",
    mend="Add the VIP as a /32 (/128) to lo, in a way that survives a reboot.", variable="cluster_reader_vips",
    needs=("lvs", "os"),
)  # fmt: skip
def no_vip(cluster: Cluster) -> Iterator[Evidence]:
    known = dict(cluster.having("lvs"))
    for host, vip, at in _realservers(cluster):
        on_lo = known.get(host, {}).get("lo")  # None: it could not be read
        # A rule of the packet filter may take the packets instead: iptables -t nat -d VIP -j REDIRECT.
        if on_lo is not None and not _place(cluster, host, vip) and not _filtered(cluster, host, "redirected", vip):
            yield Evidence(host, f"{vip} is not on lo, nor on another interface", vip, at)


def _place(cluster: Cluster, host: str, vip: str) -> str | None:
    """The interface that has it. The host takes the packets on whichever that is."""
    facts = cluster.hosts[host]
    if vip in {entry["address"] for entry in (facts.get("lvs") or {}).get("lo") or []}:
        return "lo"
    os = facts.get("os") or {}
    named = (entry["interface"] for entry in os.get("networks") or [] if entry["address"] == vip)
    return next(named, "?" if vip in os.get("addresses", []) else None)


def _filtered(cluster: Cluster, host: str, kind: str, vip: str) -> bool:
    """Whether the packet filter of a host takes, or keeps quiet about, a VIP."""
    return vip in ((cluster.hosts[host].get("os") or {}).get(kind) or [])


def _silent(cluster: Cluster, vip: str) -> bool:
    """Whether the host that holds a VIP asked the network for it, and no other one answered."""
    return any(
        each["address"] == vip and each["here"] and each.get("wire") and each["holders"] == 1 and not each["others"]
        for _host, vips in cluster.having("vips") for each in vips
    )  # fmt: skip


class _Quiet(NamedTuple):
    """A VIP that a host has and must not answer for."""

    host: str
    vip: str
    place: str
    asked: list[str]  # interfaces of the VIP's network; empty where they are not known


def _needs_arp(cluster: Cluster) -> Iterator[_Quiet]:
    found: dict[str, _Quiet] = {}
    for host, vip, _at in _realservers(cluster):
        place = _place(cluster, host, vip)
        asked = asked_on(cluster.hosts[host], vip)
        # IPv6 knows no ARP. On the interface that is asked it is meant to answer: the active director does.
        quiet = _filtered(cluster, host, "arp_filtered", vip)  # arptables -A IN -d VIP -j DROP
        if place not in (None, "?", *asked) and ":" not in vip and not quiet:
            found.setdefault(host, _Quiet(host, vip, str(place), asked))
    yield from found.values()


def asked_on(facts: Facts, address: str) -> list[str]:
    """Interfaces of a host in whose networks an address is."""
    try:
        wanted = ipaddress.ip_address(address)
    except ValueError:  # of a parameter that could not be put in
        return []
    networks = [
        (entry["interface"], ipaddress.ip_interface(f"{entry['address']}/{entry['prefix']}").network)
        for entry in (facts.get("os") or {}).get("networks") or []
        if entry["address"] != address and entry["prefix"] < ipaddress.ip_address(entry["address"]).max_prefixlen
    ]
    return list(dict.fromkeys(interface for interface, network in networks if wanted in network))


@rule(
    "MHA-L002", "critical", "A realserver answers ARP for the VIP",
    why="Clients send to it instead of the director: the VIP wanders, and no health check counts.",
    mend="arp_ignore = 1 and arp_announce = 2, for all and for lo.",
    variable="cluster_reader_vips", needs=("lvs", "os"),
)  # fmt: skip
def arp_now(cluster: Cluster) -> Iterator[Evidence]:
    known = dict(cluster.having("lvs"))
    for host, vip, place, asked in _needs_arp(cluster):
        if _silent(cluster, vip):
            continue
        values = known.get(host, {}).get("arp", {})
        for name, least in ARP.items():
            # The kernel takes the greater of all and the interface; lo is not the one that is asked on.
            value = values.get("all", {}).get(name)
            others = [values.get(each, {}).get(name, 0) for each in asked or set(values) - {"all", "lo"}]
            if value is not None and max(value, *others, 0) < least:
                yield Evidence(host, f"net.ipv4.conf.all.{name} = {value}, with {vip} on {place}", value)


@rule(
    "MHA-L003", "serious", "A realserver's ARP settings are gone after a reboot",
    why="It will then answer for the VIP.", mend="A file below /etc/sysctl.d.", variable="cluster_reader_vips",
    needs=("lvs", "os"),
)  # fmt: skip
def arp_later(cluster: Cluster) -> Iterator[Evidence]:
    systems = dict(cluster.having("os"))
    for host, _vip, _place, asked in _needs_arp(cluster):
        written, by_script = systems[host].get("sysctl_files"), systems[host].get("boot_arp") or {}
        if written is None:
            continue
        for name, least in ARP.items():
            key = f"net.ipv4.conf.all.{name}"
            meant = asked or [each for each in systems[host].get("interfaces", []) if each != "lo"]
            values = [
                value for pattern, value in written.items() if pattern.endswith(f".{name}")
                and any(fnmatchcase(each, pattern.split(".")[3]) for each in ("all", *meant))
            ]  # fmt: skip
            if max(map(_number, values), default=0) < least and not by_script.get(name):
                yield Evidence(host, f"{key} is {written.get(key, 'in no file')}", written.get(key))


def _number(text: str) -> int:
    """As sysctl takes it: what stands behind a number does not count."""
    digits = re.match(r"\d{1,9}", text)
    return int(digits[0]) if digits else 0


@rule(
    "MHA-L009", "serious", "A realserver's VIP is gone after a reboot",
    why="The director goes on sending it connections when its check passes, and every one of them hangs.",
    mend="Put the VIP on lo by the network configuration or by a unit.", variable="cluster_reader_vips",
    needs=("lvs", "os"),
)  # fmt: skip
def vip_later(cluster: Cluster) -> Iterator[Evidence]:
    systems = dict(cluster.having("os"))
    for host, vip, _at in _realservers(cluster):
        written = systems.get(host, {}).get("boot_addresses") or {}
        if vip in written and written[vip] is None:
            yield Evidence(host, f"{vip} is on lo, and in no file that a boot reads (network, units, rc.local)", vip)


@rule(
    "MHA-L004", "critical", "The VIP on lo has the prefix of a network",
    why="The whole subnet becomes local: the host no longer reaches its neighbours.", mend="A prefix of /32 (/128).",
    variable="cluster_reader_vips", needs=("lvs",),
)  # fmt: skip
def wide_prefix(cluster: Cluster) -> Iterator[Evidence]:
    for host, lvs in cluster.having("lvs"):
        for entry in lvs["lo"] or []:
            if entry["prefix"] != (128 if ":" in entry["address"] else 32):
                yield Evidence(host, f"{entry['address']}/{entry['prefix']} on lo", entry["prefix"])


@rule(
    "MHA-L005", "serious", "A database host balances its own VIP by direct routing",
    why="Its own IPVS table answers: from here the server that holds the VIP cannot be reached through it, which "
    "breaks a replica that follows the VIP.",
    mend="Directors of their own; for a health check of the local server a vrrp_script or track_file.",
    needs=("vrrp", "os"),
)  # fmt: skip
def own_director(cluster: Cluster) -> Iterator[Evidence]:
    for host, service in _services(cluster):
        servers = [
            server for server in service["servers"]
            if _routed(service, server) and cluster.home(server["address"], server["port"]) == host
        ]  # fmt: skip
        if servers and "mysql" in cluster.hosts[host]:
            text = f"virtual_server {_name(service)} with this very host as real_server"
            yield Evidence(host, text, "DR", service["places"].get("lb_kind") or service["at"])


@rule(
    "MHA-L006", "serious", "Servers of a pool are checked by connecting only",
    why="A hung or lagging mysqld, or one whose replication has stopped, accepts connections and stays in the pool.",
    mend="A check that asks for role and lag, or at least runs a query.",
    variable="lvs_director_services", needs=("vrrp",),
)  # fmt: skip
def connect_only(cluster: Cluster) -> Iterator[Evidence]:
    for host, service in _services(cluster):
        for server in service["servers"]:
            kinds = {check["type"] for check in server["checks"]}
            if kinds and kinds <= {"TCP_CHECK", "PING_CHECK", "UDP_CHECK"}:
                text = f"{server['address']}:{server['port']} of {_name(service)}: {', '.join(sorted(kinds))}"
                yield Evidence(host, text, sorted(kinds), server["checks"][0]["at"])


@rule(
    "MHA-L010", "serious", "Servers of a pool are not checked",
    why="A dead server stays in the pool.", mend="A check for each real_server.", variable="lvs_director_services",
    needs=("vrrp",),
)  # fmt: skip
def unchecked(cluster: Cluster) -> Iterator[Evidence]:
    for host, service in _services(cluster):
        for server in service["servers"]:
            if not server["checks"]:
                yield Evidence(host, f"{server['address']}:{server['port']} of {_name(service)}", None, server["at"])


@rule(
    "MHA-L014", "warning", "A dead server stays in the pool for long",
    why="A server that hangs gets connections for the pause between two looks, and the time that each attempt takes.",
    mend="A shorter delay_loop, connect_timeout, retry and delay_before_retry.", variable="lvs_director_check_interval",
    needs=("vrrp",),
)  # fmt: skip
def slow_detection(cluster: Cluster) -> Iterator[Evidence]:
    for host, service in _services(cluster):
        for server in service["servers"]:
            times = [check["seconds"] for check in server["checks"] if check.get("seconds") is not None]
            # The first check that fails takes the server out.
            if times and min(times) > SLOWEST_DETECTION:
                text = f"{server['address']}:{server['port']} of {_name(service)}: up to {min(times):g} s"
                yield Evidence(host, text, min(times), server["checks"][0]["at"])


@rule(
    "MHA-L015", "serious", "IPVS forgets idle sessions before the server does",
    why="Connection pools keep sessions open: after a pause IPVS no longer knows the connection, and the next "
    "statement gets a reset.",
    mend="lvs_timeouts with a tcp above 7200 s, from when on TCP keepalives keep a session, or above wait_timeout.",
    variable="lvs_director_timeouts", needs=("vrrp", "lvs", "mysql", "os"),
)  # fmt: skip
def idle_timeout(cluster: Cluster) -> Iterator[Evidence]:
    tables, databases = dict(cluster.having("lvs")), dict(cluster.having("mysql"))
    written = {host: (vrrp.get("configuration") or {}).get("global") or {} for host, vrrp in cluster.having("vrrp")}
    for host, service in _services(cluster):
        homes = [cluster.home(server["address"], server["port"]) for server in service["servers"]]
        waits = [(databases[home].get("variables") or {}).get("wait_timeout") for home in homes if home in databases]
        wait = max((int(each) for each in waits if each and str(each).isdigit()), default=0)
        live, meant = (tables.get(host) or {}).get("timeouts") or {}, written[host].get("lvs_timeouts") or {}
        kept = live.get("tcp") or meant.get("tcp") or KERNEL["tcp"]
        # A health check of the database host's own server forwards nothing.
        if kept < wait and kept <= KEEPALIVE and set(homes) != {host}:
            at = (written[host].get("places") or {}).get("lvs_timeouts") or service["at"]
            yield Evidence(host, f"{_name(service)}: {kept} s, and wait_timeout is {wait} s", kept, at)


@rule(
    "MHA-L007", "warning", "Persistence outlives its timeout",
    why="A client's template lives on while its old connections are remembered, then counts down in 60 s steps.",
    mend="lvs_timeouts with a tcpfin no longer than persistence_timeout.", variable="lvs_director_timeouts",
    needs=("vrrp", "lvs"),
)  # fmt: skip
def long_persistence(cluster: Cluster) -> Iterator[Evidence]:
    tables = dict(cluster.having("lvs"))
    for host, service in _services(cluster):
        seconds = service["persistence_timeout"] or 0
        timeouts = tables.get(host, {}).get("timeouts") or {}
        if seconds and timeouts.get("tcp_fin", 0) > seconds:
            kept = timeouts["tcp_fin"]
            text = f"persistence_timeout {seconds} of {_name(service)}, but closed connections are kept {kept} s"
            yield Evidence(host, text, kept, service["places"].get("persistence_timeout"))


@rule(
    "MHA-L008", "warning", "IPVS timeouts are gone after a reboot",
    why="They were set by hand and are in no configuration.", mend="lvs_timeouts in keepalived's global_defs.",
    variable="lvs_director_timeouts", needs=("vrrp", "lvs"),
)  # fmt: skip
def volatile_timeouts(cluster: Cluster) -> Iterator[Evidence]:
    configurations = {host: vrrp.get("configuration") or {} for host, vrrp in cluster.having("vrrp")}
    for host, lvs in cluster.having("lvs"):
        written = (configurations.get(host, {}).get("global") or {}).get("lvs_timeouts")
        timeouts = lvs.get("timeouts") or KERNEL
        if host in configurations and not written and timeouts != KERNEL and lvs["services"]:
            text = ", ".join(f"{name} {timeouts[name]} s" for name in KERNEL)
            yield Evidence(host, f"{text}, which no configuration says", timeouts)


@rule(
    "MHA-L011", "warning", "One director alone",
    why="When it dies all reads stop.", mend="A second director, with VRRP.", variable="lvs_director_services",
    needs=("vrrp",),
)  # fmt: skip
def single_director(cluster: Cluster) -> Iterator[Evidence]:
    if len(dict(cluster.having("vrrp"))) < sum(1 for facts in cluster.hosts.values() if "vrrp" in facts):
        return  # the other one may be among those that did not answer
    directors: dict[str, dict[str, str]] = {}
    for host, service in _services(cluster):
        if len(service["servers"]) > 1:
            directors.setdefault(_name(service), {})[host] = service["at"]
    for name, hosts in directors.items():
        if len(hosts) == 1:
            for host, at in hosts.items():
                yield Evidence(host, f"{name} is offered here only", name, at)


@rule(
    "MHA-L012", "warning", "Directors offer different servers",
    why="After a change of the director reads go elsewhere.", mend="One configuration for all directors.",
    variable="lvs_director_services", needs=("vrrp",),
)  # fmt: skip
def unequal_pools(cluster: Cluster) -> Iterator[Evidence]:
    pools: dict[str, dict[str, tuple[frozenset[Any], str]]] = {}
    for host, service in _services(cluster):
        if len(service["servers"]) > 1:  # one: the health check of a database host's own server
            servers = frozenset((server["address"], server["port"], server["weight"]) for server in service["servers"])
            pools.setdefault(_name(service), {})[host] = servers, service["at"]
    for name, hosts in pools.items():
        if len({servers for servers, _at in hosts.values()}) > 1:
            for host, (servers, at) in hosts.items():
                shown = ", ".join(f"{address} weight {weight}" for address, _port, weight in sorted(servers, key=str))
                yield Evidence(host, f"{name}: {shown}", len(servers), at)


@rule(
    "MHA-L013", "warning", "Director and servers disagree",
    why="Reads go to a server that the check should have taken out, or a server that is fit gets none.",
    mend="Ask the check by hand, from the director.", variable="lvs_director_services",
    needs=("vrrp", "lvs", "mysql", "os"),
)  # fmt: skip
def disagreement(cluster: Cluster) -> Iterator[Evidence]:
    databases, tables = dict(cluster.having("mysql")), dict(cluster.having("lvs"))
    for host, service in _services(cluster):
        live = next(
            (each for each in (tables.get(host) or {}).get("services") or []
             if (each["address"], each["port"]) == (service["address"], service["port"])), None,
        )  # fmt: skip
        if live is None:
            continue
        weights = {(each["address"], each["port"]): each["weight"] for each in live["servers"]}
        members = []
        for server in service["servers"]:
            home = cluster.home(server["address"], server["port"])
            check = " ".join(path for each in server["checks"] for path in each.get("paths") or [] if path)
            if home in databases and asks_for_readers(check):
                members.append((server, fitness(databases[str(home)], check)))
        if not any(should.fit for _server, should in members):
            continue  # whoever is the last resort may get all
        for server, should in members:
            weight = weights.get((server["address"], server["port"]), 0)
            name = f"{server['address']}:{server['port']} of {_name(service)}"
            if weight and should.fit is False:
                yield Evidence(host, f"{name} gets reads, but {should.reason}", weight, server["at"])
            if not weight and server["weight"] != 0 and should.fit:
                yield Evidence(host, f"{name} gets none, but {should.reason}", weight, server["at"])
