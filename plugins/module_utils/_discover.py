# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read from hosts -> an inventory in the variables of this collection: docs/discover.md. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ._audit_clusters import clusters
from ._audit_facts import Asked
from ._discover_balancers import (
    Group,
    directors_group,
    is_director,
    reads_of,
    services,
    strange_services,
)
from ._discover_cluster import Found, Reading
from ._discover_host import Facts, Host
from ._discover_proxies import add_proxies, is_proxy, proxies_group
from ._discover_text import NO_TEXT, Entry, comment, entries, safe, secrets

# How Ansible gets to a host, where the inventory that was asked says so; passwords stay where they are.
CONNECTION = (
    "ansible_host", "ansible_port", "ansible_user", "ansible_connection", "ansible_docker_host",
    "ansible_python_interpreter", "ansible_ssh_common_args", "ansible_ssh_private_key_file", "ansible_become_method",
    "ansible_become_user",
)  # fmt: skip
_TAKEN = ("all", "ungrouped", "mysql", "lvs_director", "haproxy")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class Discovery(NamedTuple):
    """files: by path below the inventory. choices: what a person has to decide or to bring, in words."""

    files: dict[str, str]
    choices: list[str]


def discover(
    answers: Mapping[str, Mapping[str, Any]], groups: Mapping[str, list[str]], connections: Mapping[str, Facts]
) -> Discovery:
    """`answers`: by host and family what the task of that module registered, `settings` among them."""
    asked = {name: Asked(name, answers[name]) for name in sorted(answers)}
    hosts = [_host(name, each, answers[name], connections.get(name) or {}) for name, each in asked.items()]
    _unique(hosts)
    _share_out(hosts)
    found, members = _clusters(hosts, groups)
    directors = [host for host in hosts if is_director(host, members)]
    proxies = [host for host in hosts if is_proxy(host, members)]
    balancers = {address for host in [*directors, *proxies] for address in host.addresses}
    moving = _moving(hosts)
    readings, failed = [], []
    for name, own in found:
        reads = reads_of(directors, own)
        add_proxies(reads, proxies, own)
        vault = "vault_" if len(found) == 1 else f"vault_{name.replace('-', '_')}_"
        try:
            readings.append(Reading(name, own, reads, balancers, vault, moving).read())
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            # Odd facts of one cluster, which is a bug, must not hide the others.
            failed.append(f"{name} could not be described, please report it: {type(error).__name__}: {error}")
    writer_vips = {str(entry.value).partition("/")[0] for each in readings for entry in each.entries
                   if entry.name == "cluster_vip"}  # fmt: skip
    balanced = {
        "lvs_director": directors_group(directors, writer_vips),
        "haproxy": proxies_group(proxies, writer_vips, members),
    }
    balanced["lvs_director"].choices += strange_services(directors, members)
    left = _left(hosts, asked, [*members, *directors, *proxies])
    choices = [f"{each.name}: {text}" for each in readings for text in each.choices]
    choices += [text for group in balanced.values() for text in group.choices] + failed
    if not (readings or failed):
        choices.append("no cluster was found: no host has a channel, a VIP, or a history with another")
    if not (readings or any(group.hosts for group in balanced.values())):
        # An inventory without hosts is none, and would be in the way of the next one.
        return Discovery({}, [*choices, *(f"not here: {text}" for text in left)])
    files = {"hosts.yml": _lines(_hosts_file(readings, balanced, hosts, left))}
    for each in readings:
        files[f"group_vars/{each.name}.yml"] = _lines(_cluster_file(each, list(members)))
    for group_name, group in balanced.items():
        if group.hosts:
            files[f"group_vars/{group_name}.yml"] = _lines(_group_file(group_name, group))
    return Discovery(files, choices)


def _host(name: str, asked: Asked, answers: Mapping[str, Any], connection: Facts) -> Host:
    told = answers.get("settings")
    settings = told.get("settings") if isinstance(told, Mapping) else None
    facts = {family: each for family, each in asked.facts.items() if each is not None}
    return Host(name, facts, dict(settings or {}), connection)


def _unique(hosts: Iterable[Host]) -> None:
    """Two agents of one name, copies of one machine: both keep the names by which they were asked."""
    often: dict[str, list[Host]] = {}
    for host in hosts:
        often.setdefault(host.name, []).append(host)
    for same in often.values():
        for host in same if len(same) > 1 else []:
            host.name = host.was


def _share_out(hosts: Iterable[Host]) -> None:
    """Instances of one machine have its VRRP instances all together: each gets those that name its port.

    What names the port of none of them stays with the first.
    """
    machines: dict[Any, list[Host]] = {}
    for host in hosts:
        boot = (host.facts.get("os") or {}).get("boot_id")
        if boot and host.mysql:
            machines.setdefault((boot, *sorted(host.addresses)), []).append(host)
    for tenants in machines.values():
        ports = {str(host.mysql.get("port")) for host in tenants}
        for host in tenants if len(tenants) > 1 else []:
            scripts = (host.vrrp.get("configuration") or {}).get("scripts") or []
            commands = {each["name"]: f"{each['name']} {each['command']}" for each in scripts}
            kept = []
            for vrrp in host.vrrp.get("instances") or []:
                said = " ".join([vrrp["name"], *(commands.get(each["name"], "") for each in vrrp["tracked"])])
                named = ports & set(re.findall(r"\d+", said))
                if str(host.mysql.get("port")) in named or (not named and host is tenants[0]):
                    kept.append(vrrp)
            host.facts["vrrp"] = {**host.vrrp, "instances": kept}


def _clusters(hosts: list[Host], groups: Mapping[str, list[str]]) -> tuple[list[tuple[str, list[Host]]], list[Host]]:
    """Members by cluster: hosts with MySQL, held together by channels, histories and VIPs, not by balancers."""
    by_name = {host.was: host for host in hosts}
    narrow = {
        host.was: {
            "mysql": host.mysql, "os": host.facts.get("os") or {},
            "vrrp": {"instances": host.vrrp.get("instances") or []},
        }
        for host in hosts
        if host.mysql
    }  # fmt: skip
    found: list[tuple[str, list[Host]]] = []
    taken = {*_TAKEN, *(host.name for host in hosts)}
    for cluster in clusters(narrow, {group: list(names) for group, names in groups.items()}):
        own = [by_name[name] for name in cluster.hosts]
        if len(own) > 1 or own[0].built:
            found.append((_cluster_name(cluster.name, own, taken), own))
    return found, [host for _name, own in found for host in own]


def _cluster_name(known: str, members: list[Host], taken: set[str]) -> str:
    told = [str(host.agent["cluster"]) for host in members if host.agent]
    text = re.sub(r"[^A-Za-z0-9_-]+", "_", told[0] if told else known)[:32]
    if not re.match("[A-Za-z]", text):
        text = f"cluster_{text}"[:32]
    name, number = text, 1
    while name in taken:
        number += 1
        name = f"{text[:28]}_{number}"
    taken.add(name)
    return name


def _moving(hosts: list[Host]) -> set[str]:
    """Addresses that are on a host and are not its own."""
    found = {
        vip["address"] for host in hosts for vrrp in host.vrrp.get("instances") or []
        for vip in [*vrrp["vips"], *(vrrp.get("excluded_vips") or [])]
    }  # fmt: skip
    return found | {service["address"] for host in hosts for service in services(host) if service["address"]}


def _left(hosts: list[Host], asked: Mapping[str, Asked], placed: list[Host]) -> list[str]:
    """Hosts that are written nowhere, and why."""
    names = {host.was for host in placed}
    found = []
    for host in hosts:
        if host.was in names:
            continue
        problems = [each["text"] for each in asked[host.was].problems if each["family"] == "mysql"]
        if asked[host.was].reason:
            why = f"could not be asked: {asked[host.was].reason}"
        elif problems and not host.mysql.get("reachable"):
            why = f"its MySQL could not be read: {problems[0]}"
        elif host.mysql:
            why = "a MySQL server without a channel, a VIP or a history that another host has too"
        else:
            why = "neither a member nor a balancer of a cluster"
        found.append(f"{host.was}: {why}")
    return [*found, *_ignored(hosts)]


def _ignored(hosts: list[Host]) -> list[str]:
    """What keepalived drops of its configuration: what was meant there could not be seen."""
    return [
        f"{host.was}: what keepalived ignores, {entry['at']}: {entry['text']}"
        for host in hosts
        for entry in ((host.vrrp.get("configuration") or {}).get("ignored") or [])[:5]
    ]


# --- Text


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(["---", *lines]) + "\n"


def _hosts_file(
    readings: list[Found], balanced: Mapping[str, Group], hosts: list[Host], left: list[str]
) -> Iterator[str]:
    by_name = {host.name: host for host in hosts}
    yield from comment("Written by opendba.mysql_ha.discover from what was seen. Decide what says CHOOSE, then:")
    yield from comment("ansible-playbook opendba.mysql_ha.site -i THIS_DIRECTORY --check --diff")
    for text in left:
        yield from comment(f"Not here: {text}")
    if readings:
        yield "mysql:"
        yield "  children:"
        for each in readings:
            yield f"    {each.name}:"
            yield "      hosts:"
            yield from _members(each.hosts, by_name, " " * 8)
    for name, group in balanced.items():
        if group.hosts:
            yield ""
            yield f"{name}:"
            yield "  hosts:"
            known = {host for each in readings for host in each.hosts}
            yield from _members(group.hosts, by_name, " " * 4, known)


def _members(
    hosts: Mapping[str, list[Entry]], by_name: Mapping[str, Host], indent: str, known: Iterable[str] = ()
) -> Iterator[str]:
    for name, own in hosts.items():
        written = name if _NAME.fullmatch(name) else None
        if written is None:
            yield from comment(f"{name}: not written, because such a name cannot be used in file names", indent)
            continue
        lines = list(entries([*([] if name in known else _connection(by_name[name])), *own], f"{indent}  "))
        yield f"{indent}{_key(written)}:"
        yield from lines


def _key(name: str) -> str:
    """A name as a key; numbers and words of YAML would become something else."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name) and name.lower() not in NO_TEXT
    return name if plain else f'"{name}"'


def _connection(host: Host) -> Iterator[Entry]:
    given = dict(host.connection)
    if host.name != host.was:
        given.setdefault("ansible_host", host.was)
    for name in CONNECTION:
        if given.get(name) not in (None, ""):
            yield Entry(name, given[name])


def _define(found: Iterable[Entry]) -> Iterator[str]:
    names = secrets(found)
    if names:
        text = f"Secrets are not here: define {', '.join(names)}, best by ansible-vault. Without them a run is refused."
        yield from comment(text)


def _cluster_file(found: Found, members: list[Host]) -> Iterator[str]:
    for text in found.notes:
        yield from comment(text)
    yield from _define([*found.entries, *(entry for own in found.hosts.values() for entry in own)])
    own = [host for host in members if host.name in found.hosts]
    yield from _tls(own)
    every = (each for host in own for each in host.mysql.get("accounts") or [])
    accounts = sorted({str(each["user"]) for each in every if _is_application(each)})
    if accounts:
        text = f"Accounts that are there and stay as they are: {', '.join(accounts[:50])}."
        yield from comment(f"{text} mysql_users would manage them.")
    yield from entries(found.entries)


def _is_application(account: Facts) -> bool:
    own = ("root", "mysql-ha", "debian-sys-maint", "mariadb.sys", "mysql")
    return account["user"] not in own and not account["user"].startswith("mysql.")


def _tls(members: list[Host]) -> Iterator[str]:
    for host in members:
        shown = host.settings.get("certificate")
        if not shown:
            continue
        text = f"TLS: {host.was} shows {shown['at']}, signed by {shown.get('issuer') or 'somebody'}."
        if host.built and "opendba.mysql_ha CA" in str(shown.get("issuer")):
            text += (
                " Its CA is on the control node that built it: set mysql_tls_ca_dir to that directory, or put it beside"
                " this inventory as NAME_OF_THIS_DIRECTORY-tls. Without it a run is refused."
            )
        elif host.built:
            text += " Set mysql_tls_ca_certificate, mysql_tls_certificate and mysql_tls_private_key to its files."
        else:
            text += " Set mysql_tls_ca_certificate, mysql_tls_certificate and mysql_tls_private_key to go on with it."
        yield from comment(text)
        return


def _group_file(name: str, group: Group) -> Iterator[str]:
    yield from comment(f"The group {name}, as the hosts show it.")
    for text in group.choices:
        yield from comment(f"CHOOSE: {text}")
    yield from _define(group.entries)
    written = list(entries(entry for entry in group.entries if safe(entry.value) or entry.comments))
    yield from written or ["{}"]
