# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster as the roles build it: the files that their templates give, and what the modules say of such hosts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import jinja2.nativetypes
import yaml

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _settings_seen as settings_seen
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_conf import describe as describe_haproxy
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_conf import parse as parse_haproxy
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_services import checked as checked_proxies
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_services import services_of as proxy_services
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_conf import parse
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_model import describe
from ansible_collections.opendba.mysql_ha.plugins.module_utils._lvs_services import checked, services_of
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model import Result
from ansible_collections.opendba.mysql_ha.plugins.module_utils._vrrp import combine
from unit.audit.builders import mysql
from unit.haproxy import rendering
from unit.model.inventories import Inventory

ROLES = Path(__file__).resolve().parents[3] / "roles"
MEMORY = 7000  # MB; the role gives half of it
Variables = dict[str, Any]


@cache
def defaults(*roles: str) -> Mapping[str, Any]:
    found: Variables = {}
    for role in roles:
        found.update(yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text(encoding="utf-8")))
    found["mysql_innodb_buffer_pool_size"] = "3G"
    return found


def all_variables(given: Variables) -> Variables:
    return {**defaults("cluster", "mysql", "replication", "agent", "keepalived"), **given}


@cache
def templates(role: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROLES / role / "templates"), undefined=jinja2.StrictUndefined, trim_blocks=True,
        keep_trailing_newline=True, autoescape=False,  # noqa: S701 (option files)
    )  # fmt: skip
    environment.filters["flatten"] = lambda lists: [each for inner in lists for each in inner]
    environment.tests["version"] = lambda _one, _other, _how: False
    return environment


def render(role: str, name: str, **variables: Any) -> str:
    return templates(role).get_template(name).render(ansible_managed="managed", **variables)


def member_files(name: str, model: Variables, given: Variables) -> dict[str, str]:
    """What the roles write on a member, by path."""
    variables = {
        **all_variables(given), "cluster_model": model, "inventory_hostname": name, "__mysql_wanted_version": "9.7.4",
        "__mysql_tls_dir": f"/etc/mysql/tls-{name}", "__keepalived_track_name": f"mysql_ha_{name}",
        "__keepalived_lead_name": f"mysql_lead_{name}", "__keepalived_track_file": f"/run/mysql-ha/{name}.track",
        "__keepalived_lead_file": f"/run/mysql-ha/{name}.lead",
        "__keepalived_peers": [each["address"] for each in model["peers"] if each["role"] == "candidate"],
    }  # fmt: skip
    files = {
        f"/etc/mysql/mysql.conf.d/zz-mysql-ha-{name}.cnf": render("mysql", "mysql-ha.cnf.j2", **variables),
        f"/etc/mysql-ha/{name}.json": json.dumps(agent(variables)),
    }
    if model["self"]["role"] == "candidate":
        if variables["keepalived_script_security"]:
            files["/etc/keepalived/conf.d/00-mysql-ha.conf"] = render("keepalived", "global.conf.j2", **variables)
        files[f"/etc/keepalived/conf.d/{model['name']}.conf"] = render("keepalived", "cluster.conf.j2", **variables)
    return files


@cache
def agent_expressions() -> dict[str, Any]:
    """What the role makes the agent's configuration of, in the order in which it is needed."""
    role = yaml.safe_load((ROLES / "agent" / "vars" / "main.yml").read_text(encoding="utf-8"))
    environment = jinja2.nativetypes.NativeEnvironment()
    environment.filters.update(bool=bool, dirname=os.path.dirname, unique=lambda values: list(dict.fromkeys(values)))
    environment.tests["match"] = lambda text, start: text.startswith(start)
    names = ("__agent_disks", "__agent_members", "__agent_config")
    return {name: environment.from_string(role[name]) for name in names}


def agent(variables: Variables) -> Variables:
    """The agent's configuration, by the role's own expression."""
    known = dict(variables)
    for name, expression in agent_expressions().items():
        known[name] = expression.render(**known)
    config: Variables = known["__agent_config"]
    return config


def director_files(model: Variables, given: Variables) -> dict[str, str]:
    """What the role writes on a director, by path."""
    variables = {**defaults("lvs_director"), **given, "cluster_director_model": model}
    options = {
        key: variables[f"lvs_director_{key}"]
        for key in ("scheduler", "persistence_timeout", "max_lag", "sorry_server", "quorum")
    }
    services = checked(services_of(model["clusters"], options), options)
    persistence = [each["persistence_timeout"] for each in services if each["persistence_timeout"]]
    variables |= {
        "lvs_director_sync_id": variables["lvs_director_sync_id"]
        if "{{" not in str(variables["lvs_director_sync_id"])
        else model["virtual_router_id"],
        "__lvs_director_services": services,
        "__lvs_director_timeouts": {
            "tcp": 7500, "tcp_fin": max(1, min(persistence) // 3) if persistence else 120, "udp": 300,
            **variables["lvs_director_timeouts"],
        },
        "__lvs_director_check": "/check", "__lvs_director_login": "/login", "__lvs_director_leaving": "/run/leaving",
    }  # fmt: skip
    files = {"/etc/keepalived/conf.d/lvs_director.conf": render("lvs_director", "lvs_director.conf.j2", **variables)}
    for service in services:
        files[f"/etc/keepalived/conf.d/lvs-{service['name']}.conf"] = render(
            "lvs_director", "service.conf.j2", service=service, **variables
        )
    return files


def proxy_files(model: Variables, given: Variables) -> dict[str, str]:
    """What the role writes on a proxy, by path."""
    variables = {**defaults("haproxy"), **given}
    options = {
        key: variables[f"haproxy_{name}"]
        for key, name in (
            ("max_lag", "max_lag"), ("fallback", "reader_fallback"), ("balance", "balance"), ("bind", "bind"),
            ("idle_timeout", "idle_timeout"), ("maxconn", "maxconn"), ("send_proxy", "send_proxy"),
            ("accept_proxy", "accept_proxy"),
        )
    }  # fmt: skip
    options["bind"] = options["bind"] or ([model["vip"]] if model["on_member"] and model["vip"] else ["*"])
    told = {**given, "cluster_proxy_model": model}
    files = {"/etc/haproxy/conf.d/zz-mysql-ha.cfg": rendering.render("base.cfg.j2", **told)}
    for service in checked_proxies(proxy_services(model["clusters"], options), {}):
        path = f"/etc/haproxy/conf.d/zz-mysql-ha-{service['name']}.cfg"
        files[path] = rendering.render("service.cfg.j2", service=service, **told)
    if model["vip"]:
        files["/etc/keepalived/conf.d/haproxy_vip.conf"] = rendering.render("haproxy_vip.conf.j2", **told)
    return files


def haproxy(files: Mapping[str, str]) -> Variables:
    """As haproxy_info reads the configuration."""
    read = {path: text for path, text in sorted(files.items()) if path.endswith(".cfg")}
    sections = [each for path, text in read.items() for each in parse_haproxy(text.encode(), path)]
    configuration = {"files": list(read), **describe_haproxy(sections)} if read else None
    return {"running": bool(read), "configuration": configuration, "problems": []}


def vrrp(files: Mapping[str, str]) -> Variables:
    """As vrrp_info reads the configuration; without a dump, so that nothing comes from anywhere else."""
    statements = [
        each for path, text in sorted(files.items()) if path.startswith("/etc/keepalived/")
        for each in parse(text.encode(), path)[0]
    ]  # fmt: skip
    described = describe(statements)
    return {
        "installed": bool(statements), "running": bool(statements), "problems": [], "programs": [],
        "instances": combine(described, {}, {}, [], True),
        "configuration": {"files": sorted(files), "statements": statements, **described} if statements else None,
    }  # fmt: skip


def member_answers(name: str, model: Variables, given: Variables, number: int) -> Variables:
    """What the task of the playbook registers on a member."""
    files = member_files(name, model, given)
    options = settings_seen.Settings(lambda path, _directory: [(path, files[path])])
    path = f"/etc/mysql/mysql.conf.d/zz-mysql-ha-{name}.cnf"
    options.read(path)
    assert options.problems == []
    last = {each["name"]: each["value"] for each in options.settings}
    variables = all_variables(given)
    dual = model["topology"] == "dual_source" and model["self"]["role"] == "candidate"
    source = next(each["address"] for each in model["peers"] if each["role"] == "candidate") if dual else (
        model["writer_vip"]["address"]
    )  # fmt: skip
    server = mysql("db1", None if name == model["first_candidate"] and not dual else source)
    server.update(
        port=int(last["port"]), datadir=f"{last['datadir']}/", socket=last["socket"], server_id=int(last["server_id"]),
        server_uuid=f"00000000-0000-0000-0000-0000000000{number:02d}", gtid_executed="", present=True,
        read_only=name != model["first_candidate"],
    )  # fmt: skip
    server["variables"].update(
        {key: last[key] for key in ("bind_address", "binlog_expire_logs_seconds")}, sync_relay_log="10000",
        log_bin_basename=str(Path(last["datadir"]) / last["log_bin"]),
        relay_log_basename=str(Path(last["datadir"]) / last["relay_log"]),
    )
    boot = {each["name"]: each for each in options.settings if each["name"] in ("read_only", "super_read_only")}
    server["option_files"] = {"files": [path], "boot": boot, "open_secrets": []}
    for channel in server["channels"]:
        channel.update(
            source_port=model["self"]["port"], source_user=variables["replication_user"],
            connect_retry=variables["replication_connect_retry"], heartbeat_period=variables["replication_heartbeat"],
        )  # fmt: skip
    agents = [settings_seen.agent(path, text) for path, text in files.items() if path.endswith(".json")]
    vip = model["writer_vip"]
    holds = name == model["first_candidate"]
    addresses = [model["address"], *([vip["address"]] if holds else [])]
    place = {"interface": "eth0", "label": "", "prefix": vip["prefix"], "scope": "global"}
    return {
        "mysql": {"instance": server},
        "vrrp": {"vrrp": vrrp(files)},
        "vips": {"vips": [
            {"address": vip["address"], "here": holds, "places": [place] if holds else [], "holders": 1, "stale": False}
        ]},
        "lvs": {"lvs": {"services": [], "lo": [], "arp": {}, "problems": []}},
        "haproxy": {"haproxy": {"running": False, "configuration": None, "problems": []}},
        "os": {"host": {"addresses": addresses, "names": [name], "boot_id": name, "problems": []}},
        "settings": {"settings": {
            "options": options.settings, "agents": agents, "memory_mb": MEMORY,
            "package": {"name": "mysql-server", "version": "9.7.4-2", "source": variables["mysql_package_source"]},
            "certificate": {"at": f"/etc/mysql/tls-{name}/server.crt", "issuer": "CN=opendba.mysql_ha CA",
                            "names": [name]},
            "problems": options.problems,
        }},
    }  # fmt: skip


def director_answers(name: str, model: Variables, given: Variables) -> Variables:
    """What the task of the playbook registers on a director."""
    return {**director_base(name, model["address"]), "vrrp": {"vrrp": vrrp(director_files(model, given))}}


def director_base(name: str, address: str) -> Variables:
    """A host without MySQL."""
    return {
        "mysql": {"instance": {"reachable": False, "reason": "no socket", "present": False}},
        "vrrp": {"vrrp": vrrp({})},
        "vips": {"vips": []},
        "lvs": {"lvs": {"services": [], "lo": [], "arp": {}, "problems": []}},
        "haproxy": {"haproxy": {"running": False, "configuration": None, "problems": []}},
        "os": {"host": {"addresses": [address], "names": [name], "boot_id": name, "problems": []}},
        "settings": {"settings": {"options": [], "agents": [], "memory_mb": 500, "problems": []}},
    }


def proxy_answers(
    name: str, model: Variables, given: Variables, member: Variables | None, of_member: Mapping[str, str]
) -> Variables:
    """What the task of the playbook registers on a proxy, which may be a member too."""
    files = proxy_files(model, given)
    found = member or director_base(name, model["address"])
    if of_member:
        files |= {path: text for path, text in of_member.items() if path.startswith("/etc/keepalived/")}
    return {**found, "haproxy": {"haproxy": haproxy(files)}, "vrrp": {"vrrp": vrrp(files)}}


def answers(inventory: Inventory, result: Result | None = None) -> dict[str, Variables]:
    """Of all hosts of an inventory after a run of site.yml."""
    result = result or inventory.derive()
    assert result.problems.lines() == []
    found = {
        name: member_answers(name, model, inventory.hosts[name]["variables"], number)
        for number, (name, model) in enumerate(result.models.items(), start=1)
    }
    for name, model in result.directors.items():
        found[name] = director_answers(name, model, inventory.hosts[name]["variables"])
    for name, model in result.proxies.items():
        own = inventory.hosts[name]["variables"]
        of_member = member_files(name, result.models[name], own) if name in result.models else {}
        found[name] = proxy_answers(name, model, own, found.get(name), of_member)
    return found


def all_files(inventory: Inventory) -> dict[str, dict[str, str]]:
    """Every file that site.yml would write, by host and path."""
    result = inventory.derive()
    assert result.problems.lines() == []
    files = {
        name: member_files(name, model, inventory.hosts[name]["variables"]) for name, model in result.models.items()
    }
    for name, model in result.directors.items():
        files[name] = director_files(model, inventory.hosts[name]["variables"])
    for name, model in result.proxies.items():
        files.setdefault(name, {}).update(proxy_files(model, inventory.hosts[name]["variables"]))
    return files


def discovered(files: Mapping[str, str], original: Inventory, secrets: Mapping[str, str]) -> Inventory:
    """The inventory that the written files describe, on the interfaces of the original's hosts."""
    loaded = {name: yaml.safe_load(text) for name, text in files.items()}
    found, later = Inventory(), []
    hosts = loaded["hosts.yml"]
    groups = {**hosts.get("mysql", {}).get("children", {})}
    if "lvs_director" in hosts:
        groups["lvs_director"] = hosts["lvs_director"]
    for name, own in (hosts.get("haproxy") or {"hosts": {}})["hosts"].items():
        variables = {**(loaded.get("group_vars/haproxy.yml") or {}), **(own or {})}
        later.append((name, {key: _secret(value, secrets) for key, value in variables.items()}))
    for group, content in groups.items():
        shared = loaded.get(f"group_vars/{group}.yml") or {}
        for name, own in content["hosts"].items():
            variables = {key: _secret(value, secrets) for key, value in {**shared, **(own or {})}.items()}
            found.cluster(group, name, **variables)
            found.interfaces(name, *original.hosts[name]["interfaces"])
        if group == "lvs_director":
            found.groups["mysql"] = [each for each in found.groups["mysql"] if each not in content["hosts"]]
    for name, variables in later:
        found.proxies(name, **variables)
        found.interfaces(name, *original.hosts[name]["interfaces"])
    return found


def _secret(value: Any, secrets: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _secret(each, secrets) for key, each in value.items()}
    for name, text in secrets.items():
        if value == f"{{{{ {name} }}}}":
            return text
    return value


