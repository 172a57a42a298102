# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hazards of VRRP hosts that differ in what must be equal, or name each other wrongly. Predicates on `vrrp`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._audit import Cluster, Evidence, Rules
from ._audit_rules_vrrp import by_vip, instances, place
from ._keepalived_model import AUTH_COUNTS

RULES = Rules()
rule = RULES.rule
Facts = dict[str, Any]
_VRRP = ("vrrp",)
_GROUPS = {False: ("multicast4", "224.0.0.18"), True: ("multicast6", "ff02::12")}  # by IPv6


def _own(cluster: Cluster, host: str, address: str | None) -> bool | None:
    """Whether a host has an address; None where its addresses are not known."""
    known = (cluster.hosts[host].get("os") or {}).get("addresses")
    return address in known if known and address else None


@rule(
    "MHA-V012", "serious", "Lists of unicast peers do not mirror each other",
    why="A host that is not named is not told who leads, and takes the VIP too.",
    mend="Each host names the addresses of all others.", needs=_VRRP,
)  # fmt: skip
def unmirrored_peers(cluster: Cluster) -> Iterator[Evidence]:
    for address, members in by_vip(cluster).items():
        for host, instance, configured in members:
            for other, theirs, _configured in members:
                if other == host or not (instance["peers"] or theirs["peers"]):
                    continue
                source = theirs["source_address"]
                if not instance["peers"]:
                    text = f"multicast for {address}, but {other} uses unicast"
                elif source is None or source in instance["peers"] or _own(cluster, other, source) is False:
                    continue  # a source that is not the other's own is the other's fault (MHA-V040)
                else:
                    text = f"the peers for {address}, {', '.join(instance['peers'])}, lack {other} ({source})"
                yield Evidence(host, text, instance["peers"], place(configured, "unicast_peer"))


@rule(
    "MHA-V040", "critical", "A unicast source address is not the host's own",
    why="keepalived cannot send from it: the others hear nothing and take the VIP too.",
    mend="unicast_src_ip with an address of this very host.", needs=("vrrp", "os"),
)  # fmt: skip
def foreign_source(cluster: Cluster) -> Iterator[Evidence]:
    for host, instance, configured in instances(cluster):
        source = instance["source_address"]
        if instance["peers"] and _own(cluster, host, source) is False:
            whose = cluster.home(source)
            text = f"{instance['name']}: {source} is {f'an address of {whose}' if whose else 'on no interface here'}"
            yield Evidence(host, text, source, place(configured, "unicast_src_ip"))


@rule(
    "MHA-V037", "critical", "Hosts authenticate differently",
    why="Each drops the other's advertisements: both lead.", mend="One auth_type and one auth_pass on all hosts.",
    variable="keepalived_auth_pass", needs=_VRRP,
)  # fmt: skip
def unequal_authentication(cluster: Cluster) -> Iterator[Evidence]:
    for address, members in by_vip(cluster).items():
        shown = {
            host: _authentication(instance, configured) for host, instance, configured in members
            if configured and instance["version"] in (2, None)
        }  # fmt: skip
        if len(set(shown.values())) < 2:
            continue
        texts = {
            host: f"{kind} of {length} characters" if length else kind for host, (kind, length, _mark) in shown.items()
        }
        for host, _instance, configured in members:
            if host in texts:
                others = sorted({text for other, text in texts.items() if shown[other] != shown[host]})
                text = f"for {address}: {texts[host]}, but elsewhere {', '.join(others)}"
                if texts[host] in others:
                    text = f"for {address}: {texts[host]}, but another password than elsewhere"
                yield Evidence(host, text, texts[host], place(configured, "auth_type"))


def _authentication(instance: Facts, configured: Facts) -> tuple[str, int, int | None]:
    """Kind, length and a mark of the password; nothing of the password itself is in the facts."""
    kind = instance["auth_type"] or configured.get("auth_type")
    if not kind:
        return "no authentication", 0, None
    length = min(configured.get("auth_pass_length") or 0, AUTH_COUNTS)
    return str(kind), length, configured.get("auth_pass_mark")


@rule(
    "MHA-V038", "critical", "Hosts advertise to different multicast groups",
    why="They do not hear each other: both lead.", mend="One vrrp_mcast_group4 (6) on all hosts, or none.", needs=_VRRP,
)  # fmt: skip
def unequal_groups(cluster: Cluster) -> Iterator[Evidence]:
    settings = {
        host: (vrrp.get("configuration") or {}).get("global") or {} for host, vrrp in cluster.having("vrrp")
    }  # fmt: skip
    for address, members in by_vip(cluster).items():
        key, usual = _GROUPS[":" in address]
        groups = {
            host: settings[host].get(key) or usual for host, instance, configured in members
            if configured and not instance["peers"]
        }  # fmt: skip
        if len(set(groups.values())) > 1:
            for host, group in groups.items():
                others = ", ".join(f"{value} on {other}" for other, value in groups.items() if value != group)
                at = (settings[host].get("places") or {}).get(f"vrrp_mcast_group{key[-1]}") or settings[host].get("at")
                yield Evidence(host, f"{group} for {address}, but {others}", group, at)


@rule(
    "MHA-V039", "serious", "Hosts of one VIP have different lists of addresses",
    why="An address that only one host has is gone after a failover; old versions refuse the advertisement: both lead.",
    mend="The same virtual_ipaddress on all hosts.", needs=_VRRP,
)  # fmt: skip
def unequal_addresses(cluster: Cluster) -> Iterator[Evidence]:
    seen = set()
    for members in by_vip(cluster).values():
        lists = [
            (host, instance["virtual_router_id"], {vip["address"] for vip in instance["vips"]})
            for host, instance, _configured in members
        ]
        for host, instance, configured in members:
            mine = {vip["address"] for vip in instance["vips"]}
            lacking = sorted({
                (address, other) for other, number, theirs in lists
                if other != host and number == instance["virtual_router_id"] for address in mine - theirs
            })  # fmt: skip
            if lacking and (host, instance["name"]) not in seen:
                seen.add((host, instance["name"]))
                shown = ", ".join(f"{address} is not on {other}" for address, other in lacking)
                yield Evidence(host, f"{instance['name']}: {shown}", None, place(configured, "virtual_ipaddress"))
