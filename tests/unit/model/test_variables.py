# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One variable of one cluster: what is taken, and the one line that tells what is not."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_input import VARIABLES, Settings
from ansible_collections.opendba.mysql_ha.plugins.module_utils._model_values import PLACEHOLDERS
from unit.model.inventories import MISSING, ORDERS, Inventory, interface, pair

V2 = {"keepalived_vrrp_version": 2, "keepalived_advert_interval": 1, "agent_lease": 4.2}
TIMEOUTS = (
    "agent_lease", "agent_hang_timeout", "agent_demote_timeout", "agent_disk_timeout", "agent_down_timeout",
    "agent_fence_timeout",
)

ACCEPTED: list[dict[str, Any]] = [
    {},
    {"cluster_vip": "10.0.0.1/24"},
    {"cluster_vip": "10.0.0.254/24"},
    {"cluster_vip": "10.0.0.100/32"},
    {"cluster_vip": " 10.0.0.100/24 "},
    *({"cluster_virtual_router_id": number} for number in (1, 51, 255, "51", " 255 ")),
    {"cluster_topology": "dual_source"},
    {"cluster_topology": "source_replica"},
    {"cluster_topology": ""},
    {"cluster_topology": None},
    {"cluster_role": "candidate"},
    *({"cluster_name": name} for name in ("a", "A-1_b", "x" * 32, "")),
    {"cluster_interface": "eth0"},
    *(
        {"mysql_version": version}
        for version in ("8.0", 8.0, "8.0.26", "8.0.40", 8.4, "8.4.2", "9.0", 9.7, "9.7.4", "")
    ),
    *({"mysql_port": port} for port in (1, 3307, "3307", 65535)),
    *({"agent_port": port} for port in (1, "8309", 65535)),
    *({"mysql_datadir": path} for path in ("/srv/mysql", "/var/lib/mysql/", "/srv/my-sql_1.0")),
    {"mysql_socket": "/run/mysqld/other.sock"},
    {"mysql_durability": "available"},
    {"mysql_durability": "strict"},
    *({"replication_password": password} for password in ("x", "y" * 32, "pass word", "ünï", 4711471147)),
    {"replication_user": "repl.user-1"},
    {"keepalived_vrrp_version": 3},
    {"keepalived_vrrp_version": "3"},
    {"keepalived_auth_pass": ""},
    *({"keepalived_advert_interval": seconds, "agent_lease": 130} for seconds in (0.01, 0.2, 1, "0.5", "1", 40.95)),
    V2,
    {**V2, "keepalived_advert_interval": "255", "agent_lease": 792},
    *({variable: seconds} for variable in TIMEOUTS for seconds in (2.65, 3600, "3")),
    *({"agent_witnesses": witnesses} for witnesses in ([], ["gateway"], ["10.0.0.9", "fd00::9", "gateway"])),
    *({"agent_witnesses": [witness]} for witness in ("10.0.0.9:53", "[fd00::9]:53", "[fd00::9]:1", "10.0.0.9:65535")),
    {"agent_takeover": "read_only"},
    *({**V2, "keepalived_auth_pass": password} for password in ("a", "8letters", 12345678)),
]


@pytest.mark.parametrize("variables", ACCEPTED, ids=str)
def test_accepted(variables: dict[str, Any]) -> None:
    assert pair(**variables).models().keys() == {"db1", "db2"}


def each(variable: str, values: list[Any], reason: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The line shows the value as the user wrote it."""
    return (({variable: value}, f"{variable} {value!r} {reason}") for value in values)


WITNESS_LIST = "write e.g. [gateway, 10.0.0.9, '10.0.0.53:53']"
WITNESS = "write gateway, ADDRESS (it is pinged) or ADDRESS:PORT ([ADDRESS]:PORT for IPv6)"
NO_ADDRESS = "is not an IP address with prefix; write ADDRESS/PREFIX, e.g. 10.0.0.100/24"
NO_PREFIX = "has a prefix that is no number from 0 to 32; write ADDRESS/PREFIX, e.g. 10.0.0.100/24"
NOT_MOVING = "is not an address that can move between hosts; choose a free unicast address of the hosts' subnet"
BROADCAST = "is the broadcast address of 10.0.0.0/24; choose a free host address of 10.0.0.0/24"
NETWORK = "is the network address of 10.0.0.0/24; choose a free host address of 10.0.0.0/24"
OUTSIDE = (
    "is outside every subnet of the host (eth0 10.0.0.0/24); choose a free address of a subnet that all members have"
)
NOT_TEXT = "is not text; write one line of text"
VIP_MISSING = (
    "cluster_vip is missing; give the group a free address of the hosts' subnet, e.g. cluster_vip: 10.0.0.100/24"
)
VRID_MISSING = (
    "cluster_virtual_router_id is missing; "
    "give the group a number from 1 to 255 that nobody else's VRRP on this LAN uses, e.g. 51"
)
CLUSTER_NAME = "cannot be used in file and VRRP names; write a letter, then up to 31 letters, digits, _ or -"
VERSION = "write 8.0 (from 8.0.26 on), 8.4 or 9.x, e.g. 8.4, or leave it out"
NO_PATH = "is not an absolute path without spaces and quotes; write e.g. /var/lib/mysql"
SECRET_MISSING = (
    "replication_password is missing; give the group one of up to 32 characters, best kept by ansible-vault"
)
PLACEHOLDER = "replication_password is a placeholder that everybody knows; choose a secret, best kept by ansible-vault"
TOO_LONG = "replication_password is longer than 32 characters, which MySQL refuses for a channel; shorten it"
CONTROL = "replication_password holds a line break or a control character; write it on one line"
AUTH_LONG = "keepalived_auth_pass is longer than the 8 characters that count in VRRP; shorten it to at most 8"
AUTH_CHARACTERS = (
    "keepalived_auth_pass holds characters that keepalived.conf gives a meaning; use letters, digits and _.,:=+*/@%^~-"
)
AUTH_VERSION_3 = (
    "keepalived_auth_pass has no effect: VRRP version 3 knows no passwords; "
    "remove it, or set keepalived_vrrp_version: 2"
)
IPV6_VERSION_2 = "keepalived_vrrp_version 2 cannot carry an IPv6 cluster_vip; remove it (the default is 3)"

REFUSED: list[tuple[dict[str, Any], str]] = [
    *(({"cluster_vip": value}, VIP_MISSING) for value in (MISSING, None, "", "  ")),
    *each("cluster_vip", ["10.0.0.100"], "has no prefix; write ADDRESS/PREFIX, e.g. 10.0.0.100/24"),
    *each("cluster_vip", ["fd00::100"], "has no prefix; write ADDRESS/PREFIX, e.g. fd00::100/64"),
    *each("cluster_vip", ["vip.example.com/24", "10.0.0.300/24", "10.0.0/24", "/24", 10.5, "10.0.0.9 /24"], NO_ADDRESS),
    *each(
        "cluster_vip", [f"10.0.0.100/{prefix}" for prefix in ("33", "", "x", "255.255.255.0", "-1", "2/4")], NO_PREFIX
    ),
    *each("cluster_vip", [True, ["10.0.0.100/24"]], NOT_TEXT),
    *each("cluster_vip", ["127.0.0.5/8", "224.0.0.18/24", "0.0.0.0/24", "169.254.1.1/16", "fe80::1/64"], NOT_MOVING),
    *each("cluster_vip", ["::1/128", "::ffff:10.0.0.100/120", "ff02::12/64"], NOT_MOVING),
    *each("cluster_vip", ["10.0.0.0/24", "10.0.0.0/32"], NETWORK),
    *each(
        "cluster_vip",
        ["10.0.0.100/30"],
        "is the network address of 10.0.0.100/30; choose a free host address of 10.0.0.100/30",
    ),
    *each("cluster_vip", ["10.0.0.255/24", "10.0.0.255/32"], BROADCAST),
    *each("cluster_vip", ["fd00::/64"], "is the network address of fd00::/64; choose a free host address of fd00::/64"),
    *each("cluster_vip", ["192.168.7.100/24", "10.0.1.100/24", "fd00::100/64"], OUTSIDE),
    *each(
        "cluster_vip",
        [f"10.0.0.100/{prefix}" for prefix in (8, 23, 25, 31)],
        "does not have the prefix of its subnet 10.0.0.0/24; write 10.0.0.100/24",
    ),
    *(({"cluster_virtual_router_id": value}, VRID_MISSING) for value in (MISSING, None, "")),
    *each(
        "cluster_virtual_router_id",
        ["fifty", 51.0, 51.5, "51.0", True, [51], {"id": 51}, "0x33", "\u096b\u0967", "5 1"],
        "is not an integer; write an integer from 1 to 255",
    ),
    *each(
        "cluster_virtual_router_id",
        [0, -1, 256, 10**12],
        "is out of 1 to 255; write an integer from 1 to 255",
    ),
    *each(
        "cluster_topology",
        ["dual_master", "Dual_source", "group_replication", 1, True, ["dual_source"]],
        "is unknown; write dual_source or source_replica",
    ),
    *each("cluster_role", ["writer", "master", "Reader", 0, False], "is unknown; write candidate or reader"),
    *each("cluster_name", ["1st", "-x", "or ders", "a/b", "or.ders", "x" * 33, "\u00f6rders", "a\nb", 5], CLUSTER_NAME),
    *each("cluster_name", [["orders"]], NOT_TEXT),
    *each(
        "cluster_address",
        ["db1", "10.0.0.11/24", "10.0.0", 10],
        "is not an IP address; write one without prefix, e.g. 10.0.0.11",
    ),
    *each("cluster_interface", ["eth 0", "a/b", "sixteen-letters-"], "is not an interface name; write e.g. eth0"),
    *each("cluster_interface", ["eth1"], "is not on the host, or has no address; write one of eth0, or leave it out"),
    *each("mysql_port", [0, 65536, -3306], "is out of 1 to 65535; write an integer from 1 to 65535"),
    *each("mysql_port", ["mysql", 3306.0, False], "is not an integer; write an integer from 1 to 65535"),
    *each("agent_port", [0, 65536], "is out of 1 to 65535; write an integer from 1 to 65535"),
    *each("agent_port", ["http", "8308/tcp"], "is not an integer; write an integer from 1 to 65535"),
    *each("mysql_datadir", ["mysql", "./mysql", "/srv/my sql", "/srv/my'sql", "/srv/a\nb"], NO_PATH),
    *each("mysql_socket", ["mysqld.sock", "/run/x#y"], NO_PATH),
    *each(
        "mysql_version",
        ["5.7", 5.7, "5.7.44", "8.0.25", "8.0.0", 8.1, "8.3.0", "8.5", 10.11],
        f"is not supported; {VERSION}",
    ),
    *each("mysql_version", ["latest", "9", 9, "9.x", "8.4.2-1debian", "v8.4", "8.4."], f"is not a version; {VERSION}"),
    *each("mysql_durability", ["safe", "Strict", 1, True], "is unknown; write available or strict"),
    *each(
        "replication_user",
        ["repl user", "mha'x", "y" * 33],
        "is not an account name; write 1 to 32 letters, digits, _, . or -",
    ),
    *(({"replication_password": value}, SECRET_MISSING) for value in (MISSING, None, "", " ")),
    *(({"replication_password": value}, PLACEHOLDER) for value in [*sorted(PLACEHOLDERS), "CHANGE_ME", 123456]),
    ({"replication_password": "z" * 33}, TOO_LONG),
    *(({"replication_password": value}, CONTROL) for value in ("two\nlines", "bell\a")),
    *(
        ({"replication_password": value}, "replication_password is not text; write it in quotes")
        for value in (True, 1.5, ["x"])
    ),
    *each("keepalived_vrrp_version", [1, 4, 0], "is out of 2 to 3; write an integer from 2 to 3"),
    *each("keepalived_vrrp_version", ["v3", 2.5], "is not an integer; write an integer from 2 to 3"),
    ({**V2, "keepalived_auth_pass": "ninechars"}, AUTH_LONG),
    ({**V2, "keepalived_auth_pass": 123456789}, AUTH_LONG),
    *(
        ({**V2, "keepalived_auth_pass": value}, AUTH_CHARACTERS)
        for value in ("a b", "a#b", "a!b", 'a"b', "{x}", "a\\b")
    ),
    *(
        ({**V2, "keepalived_auth_pass": value}, "keepalived_auth_pass is not text; write it in quotes")
        for value in (True, 1.5)
    ),
    ({"keepalived_auth_pass": "a"}, AUTH_VERSION_3),
    ({"keepalived_auth_pass": "8letters", "keepalived_vrrp_version": 3}, AUTH_VERSION_3),
    *each("keepalived_advert_interval", ["fast", True, [1], "1s", "-1"], "is not a number; write seconds, e.g. 0.5"),
    *(
        (
            {"keepalived_advert_interval": value, "agent_lease": 130},
            f"keepalived_advert_interval {value} is out of 0.01 to 40.95; write seconds in these bounds, e.g. 0.5",
        )
        for value in (0, 0.001, 41, 40.96, -1)
    ),
    *(
        case
        for variable in TIMEOUTS
        for case in (
            *each(variable, [0, -1, 3601], "is not more than 0 and at most 3600; write seconds, e.g. 3"),
            *each(variable, ["long", True], "is not a number; write seconds, e.g. 0.5"),
        )
    ),
    *each("agent_witnesses", ["gateway", 10], f"is not a list; {WITNESS_LIST}"),
    *(
        ({"agent_witnesses": ["gateway", value]}, f"agent_witnesses ['gateway', {value!r}] has in '{value}' {reason}")
        for value, reason in (
            ("router", f"no IP address; {WITNESS}"),
            ("10.0.0.300", f"no IP address; {WITNESS}"),
            ("gateway:53", f"no IP address; {WITNESS}"),
            ("10.0.0.9:0", f"a port that is out of 1 to 65535; {WITNESS}"),
            ("[fd00::9]:70000", f"a port that is out of 1 to 65535; {WITNESS}"),
            ("127.0.0.1", f"an address that shows nothing about the network; {WITNESS}"),
            ("[::1]:22", f"an address that shows nothing about the network; {WITNESS}"),
            ("224.0.0.1", f"an address that shows nothing about the network; {WITNESS}"),
        )
    ),
    *each("agent_takeover", ["no", True], "is unknown; write promote or read_only"),
    *(
        (
            {"keepalived_vrrp_version": 2, "keepalived_advert_interval": value, "agent_lease": 800},
            f"keepalived_advert_interval {shown} is not possible with keepalived_vrrp_version 2; "
            "write whole seconds from 1 to 255, e.g. keepalived_advert_interval: 1, or use version 3",
        )
        for value, shown in ((MISSING, 0.5), (0.5, 0.5), (1.5, 1.5), (0, 0), (256, 256))
    ),
    *each("ansible_host", [True], NOT_TEXT),
]


@pytest.mark.parametrize(("variables", "reason"), REFUSED, ids=str)
def test_refused(variables: dict[str, Any], reason: str) -> None:
    assert pair(**variables).errors() == [f"db1, db2: {reason}"]


def test_ipv6_needs_vrrp_version_3() -> None:
    inventory = pair(**V2, cluster_vip="fd00::100/64")
    for number, name in enumerate(("db1", "db2"), start=1):
        inventory.interfaces(name, interface(f"fd00::{number}/64"))
    assert inventory.errors() == [f"db1, db2: {IPV6_VERSION_2}"]


def test_refused_on_one_host_names_this_host() -> None:
    assert pair().set("db2", mysql_server_id=0).errors() == [
        "db2: mysql_server_id 0 is out of 1 to 4294967295; write an integer from 1 to 4294967295"
    ]


@pytest.mark.parametrize("server_id", [1, "7", 2**32 - 1])
def test_server_id_accepted(server_id: object) -> None:
    model = pair().set("db1", mysql_server_id=server_id).models()["db1"]
    assert model["self"]["server_id"] == int(str(server_id))


@pytest.mark.parametrize("server_id", [2**32, -1])
def test_server_id_out_of_range(server_id: int) -> None:
    assert pair().set("db1", mysql_server_id=server_id).errors() == [
        f"db1: mysql_server_id {server_id} is out of 1 to 4294967295; write an integer from 1 to 4294967295"
    ]


@pytest.mark.parametrize("name", ["a b", "db1/x", "-db1", ".db1", "db:1", "x" * 64, "fd00::1", "db1\n"])
def test_inventory_name_refused(name: str) -> None:
    assert Inventory().cluster("orders", name, "db2", **ORDERS).errors() == [
        f"{name}: inventory_hostname cannot be used in file and unit names; "
        "rename it to up to 63 letters, digits, _, . or -, and put the address into ansible_host"
    ]


@pytest.mark.parametrize("name", ["db-1", "db_1", "db1.example.com", "10.0.0.11", "1db", "x" * 63])
def test_inventory_name_accepted(name: str) -> None:
    assert name in Inventory().cluster("orders", name, "db2", **ORDERS).models()


@pytest.mark.parametrize("variable", [variable.name for variable in VARIABLES])
def test_unreadable(variable: str) -> None:
    """Templates that fail are the filter's finding; the model reports them with the rest."""
    inventory = pair()
    inventory.hosts["db2"]["unreadable"][variable] = "'vault_x' is undefined"
    assert inventory.errors() == [f"db2: {variable} cannot be read ('vault_x' is undefined); define what it refers to"]


@pytest.mark.parametrize("value", ["{{ vault_x }}", "a{{x}}b", "{% if x %}", "{{\n x }}"])
@pytest.mark.parametrize("variable", [variable.name for variable in VARIABLES])
def test_unresolved_template(variable: str, value: str) -> None:
    """ansible-core before 2.19 leaves these as they are."""
    assert pair().set("db2", **{variable: value}).errors() == [
        f"db2: {variable} cannot be read (it holds a template that Ansible left unresolved); define what it refers to"
    ]


@pytest.mark.parametrize(("value", "text"), [("x" * 58, f"'{'x' * 58}'"), ("x" * 59, f"'{'x' * 56}...")])
def test_long_values_are_cut(value: str, text: str) -> None:
    assert pair(mysql_datadir=value).errors() == [f"db1, db2: mysql_datadir {text} {NO_PATH}"]


def test_every_variable_has_a_typed_field() -> None:
    assert [field.name for field in dataclasses.fields(Settings)] == [variable.name for variable in VARIABLES]
