# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's templates, rendered as Ansible renders them.

As a program it writes the configurations of the tests into a directory, for a HAProxy to look at:
`python -m unit.haproxy.rendering DIRECTORY`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jinja2
import yaml

from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_services import checked, services_of
from unit.model.inventories import proxied

ROLE = Path(__file__).parents[3] / "roles/haproxy"
DEFAULTS = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
FIXED: dict[str, Any] = {
    "ansible_managed": "Ansible managed",
    "__haproxy_run": "/run/mysql-ha-haproxy",
    "__haproxy_socket": "/run/mysql-ha-haproxy/admin.sock",
    "__haproxy_track": "/run/mysql-ha-haproxy/track",
    "__haproxy_helper": "/usr/local/lib/mysql-ha/haproxy-state",
    "__haproxy_environment": "/etc/haproxy/mysql-ha.env",
    "__haproxy_tell_service": True,
    "__haproxy_sessions": 8100,
    "__haproxy_descriptors": 524288,
    "haproxy_foreign_maxconn": "0",
    "haproxy_alone": True,
}


def model(**variables: Any) -> dict[str, Any]:
    """What the proxy p1 is told."""
    result = proxied(**variables).derive()
    assert result.problems.lines() == []
    return result.proxies["p1"]


def render(template: str, **variables: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROLE / "templates"), trim_blocks=True, keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined, autoescape=False,  # noqa: S701 (no HTML)
    )  # fmt: skip
    environment.filters["bool"] = lambda value: str(value).lower() in ("true", "yes", "1")
    values = {**DEFAULTS, **FIXED, "cluster_proxy_model": model(), **variables}
    return environment.get_template(template).render(values)


def services(**options: Any) -> list[dict[str, Any]]:
    return checked(services_of(model()["clusters"], {"idle_timeout": 0, **options}), {})


def by_hand(**values: Any) -> dict[str, Any]:
    """One service without agents."""
    given = {
        "name": "old", "writer_port": 3316, "reader_port": 3317, "check": "tcp",
        "servers": [{"name": "old1", "address": "10.0.0.31", "candidate": True}, {"address": "fd00::32", "weight": 2}],
    }  # fmt: skip
    (service,) = checked([{**given, **values}], {})
    return service


def in_ipv6() -> dict[str, Any]:
    """The model of a proxy that has nothing but IPv6, of servers that take the PROXY protocol."""
    told = model(haproxy_source_address="10.0.0.14")
    (cluster,) = told["clusters"]
    servers = [{**each, "address": each["address"].replace("10.0.0.", "fd00::")} for each in cluster["servers"]]
    moved = {**cluster, "servers": servers, "readers": "all", "takes_proxy_header": True}
    return {**told, "vip": "fd00::d2", "source": "fd00::14", "address": "fd00::14", "clusters": [moved]}


IPV6: dict[str, Any] = {"cluster_proxy_model": in_ipv6()}
STATS = {"haproxy_stats": True, "haproxy_stats_user": "watcher", "haproxy_stats_password": "it's $only {for} \"tests\""}
CASES: dict[str, dict[str, str]] = {
    "derived": {
        "zz-mysql-ha.cfg": render("base.cfg.j2"),
        "zz-mysql-ha-orders.cfg": render("service.cfg.j2", service=services()[0]),
    },
    "everything": {
        "zz-mysql-ha.cfg": render("base.cfg.j2", **STATS),
        "zz-mysql-ha-orders.cfg": render(
            "service.cfg.j2", haproxy_log="127.0.0.1:514", haproxy_log_sessions=True,
            cluster_proxy_model=model(haproxy_source_address="10.0.0.14"),
            service=services(bind=["10.0.0.210", "::"], accept_proxy=True, balance="roundrobin", fallback=False)[0],
        ),
        "zz-mysql-ha-old.cfg": render("service.cfg.j2", service=by_hand()),
        "zz-mysql-ha-older.cfg": render(
            "service.cfg.j2",
            service=by_hand(
                name="older", writer_port=3326, reader_port=3327, check="mysql", version="mariadb 10.11",
                send_proxy=True,
            ),
        ),
        "zz-mysql-ha-writes.cfg": render(
            "service.cfg.j2", service=by_hand(name="writes", writer_port=3336, reader_port=0)
        ),
    },
    "ipv6": {
        "zz-mysql-ha.cfg": render("base.cfg.j2", **{**STATS, "haproxy_stats_address": "fd00::14"}, **IPV6),
        "zz-mysql-ha-orders.cfg": render(
            "service.cfg.j2", **IPV6, haproxy_log="/dev/log",
            service=services_of(IPV6["cluster_proxy_model"]["clusters"], {"bind": ["fd00::d2"], "send_proxy": True})[0],
        ),
        "zz-mysql-ha-reads.cfg": render(
            "service.cfg.j2", service=by_hand(name="reads", writer_port=0, fallback=False, check="agent")
        ),
    },
}  # fmt: skip


def complaints(output: str) -> list[str]:
    """A check has no states of servers to read; that is all that it may say."""
    lines = [line for line in output.splitlines() if "WARNING" in line or "ALERT" in line]
    return [line for line in lines if "Can't open server state file" not in line]


def main(directory: str) -> None:
    for name, files in CASES.items():
        for file, content in files.items():
            path = Path(directory) / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)


if __name__ == "__main__":
    main(sys.argv[1])
