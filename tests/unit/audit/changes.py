# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is changed in the good cluster, to see what rules say of it."""

from __future__ import annotations

from typing import Any

from unit.audit.builders import MEMBER, READS, VIP, change, good, vrrp

Changes = list[tuple[str, Any]]
CHANNEL = "db2/mysql/channels/0"
INSTANCE = "db2/vrrp/instances/0"
SERVICE = "lvs1/vrrp/configuration/virtual_servers/0"


def member(old: str, new: str, own: int = 12) -> dict[str, Any]:
    """db2's (or db1's) vrrp with its configuration changed."""
    text = MEMBER.format(priority=112 - own, own=f"192.0.2.{own}", peer=f"192.0.2.{23 - own}")
    assert old in text
    return vrrp(text.replace(old, new), state="BACKUP" if own == 12 else "MASTER")


SPLIT = """
defaults
    timeout client 1m
    timeout server 8h
frontend my
    bind :3306
    timeout client 8h
    default_backend be
backend be
    option httpchk GET /reader
    server db1 192.0.2.11:3306 check
    server db2 192.0.2.12:3306 check
"""


def grouped(inside: str, own: str = "orders") -> dict[str, Any]:
    """db2 with a second instance without checks, in one sync group with the first."""
    text = MEMBER.format(priority=100, own="192.0.2.12", peer="192.0.2.11")
    group = f"vrrp_sync_group all {{\ngroup {{\norders\nback\n}}\n{inside}\n}}\n"
    second = "vrrp_instance back {\ninterface eth1\nvirtual_router_id 52\nvirtual_ipaddress {\n198.51.100.1\n}\n}\n"
    first = text.replace("    track_file {\n        orders\n    }\n", "") if not own else text
    return vrrp(first + second + group)


# One of two hosts that advertise by multicast.
LOUD = MEMBER.format(priority=100, own="192.0.2.12", peer="192.0.2.11").replace(
    "    unicast_src_ip 192.0.2.12\n    unicast_peer {\n        192.0.2.11\n    }\n", ""
)


def script(text: str, own: int = 12) -> dict[str, Any]:
    """db2 (or db1, with a priority of 120) with a check by a script instead of the tracked file."""
    check = "vrrp_script chk {\n" + text + "\n}\nvrrp_instance orders"
    tracked = vrrp(
        MEMBER.format(priority=100 if own == 12 else 120, own=f"192.0.2.{own}", peer=f"192.0.2.{23 - own}")
        .replace("vrrp_instance orders", check)
        .replace("    track_file {\n        orders\n    }", "    track_script {\n        chk\n    }"),
        state="BACKUP",
    )
    assert tracked["instances"][0]["tracked"][0]["name"] == "chk"
    return tracked


def table(weights: dict[str, int]) -> tuple[str, Any]:
    """What the kernel of lvs1 has."""
    servers = [
        {"address": each, "port": 3306, "weight": weight, "forward": "route"} for each, weight in weights.items()
    ]
    return "lvs1/lvs/services", [{"address": READS, "port": 3306, "mark": None, "servers": servers}]


def reader(server: int, more: str = "") -> tuple[str, Any]:
    """A check by the agent's endpoint."""
    check = {"type": "HTTP_GET", "at": "k:1", "command": None, "paths": [f"/reader?max_lag=10{more}"]}
    return f"{SERVICE}/servers/{server}/checks", [check]


def account(user: str, host: str, *privileges: str, **values: Any) -> dict[str, Any]:
    return {"user": user, "host": host, "privileges": list(privileges), "password": "set", **values}


def loud(address: str, own: int) -> dict[str, Any]:
    """By multicast."""
    found = member(VIP, address, own=own)
    found["instances"][0]["peers"] = []
    return found


DUMMY = "db2", {
    **good()["db2"], "lvs": {**good()["db2"]["lvs"], "lo": []},
    "os": {**good()["db2"]["os"], "addresses": ["192.0.2.12", READS], "networks": [
        {"interface": "eth0", "address": "192.0.2.12", "prefix": 24},
        {"interface": "dummy0", "address": READS, "prefix": 32}]},
}  # fmt: skip


def worse(changes: Changes) -> dict[str, Any]:
    hosts = good()
    for path, value in changes:
        hosts = change(hosts, path, value)
    return hosts
