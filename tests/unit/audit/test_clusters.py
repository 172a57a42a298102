# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts find their cluster without variables."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_clusters import clusters
from unit.audit.builders import UUIDS, change, director, good, mysql, system


def found(hosts: dict[str, Any], **groups: list[str]) -> dict[str, list[str]]:
    return {cluster.name: sorted(cluster.hosts) for cluster in clusters(hosts, groups)}


def server(name: str, address: str, source: str | None = None, **values: Any) -> dict[str, Any]:
    own = {"server_uuid": f"{crc32(name.encode()):08x}-0000-0000-0000-000000000000", "gtid_executed": ""}
    return {"mysql": {**mysql("db1", source), **own, **values}, "os": system(address)}


def test_everything_around_a_vip() -> None:
    members = sorted(good())
    assert found(good()) == {"192.0.2.100": members}
    larger = [*members, "x"]
    assert found(good(), all=larger, shop=larger, orders=members, mysql=["db1", "db2"]) == {"orders": members}


def test_hosts_that_have_nothing_to_do_with_each_other() -> None:
    hosts = {"a": server("a", "192.0.2.51"), "b": server("b", "192.0.2.52"), "c": {}}
    assert found(hosts) == {"a": ["a"], "b": ["b"], "c": ["c"]}


def test_a_channel_by_address_and_by_vip() -> None:
    hosts = {"a": server("a", "192.0.2.51"), "b": server("b", "192.0.2.52", "192.0.2.51")}
    assert found(hosts) == {"a": ["a", "b"]}
    reader = server("r", "192.0.2.53", "192.0.2.100")
    assert "reader" in found({**good(), "reader": reader})["192.0.2.100"]


def test_instances_on_one_machine_are_told_apart_by_port() -> None:
    hosts = {
        "a6": server("a6", "192.0.2.51"), "a7": server("a7", "192.0.2.51", port=3307),
        "b": server("b", "192.0.2.52", "192.0.2.51"),
    }  # fmt: skip
    assert found(hosts) == {"a6": ["a6", "b"], "a7": ["a7"]}


def test_history_when_nothing_else_is_left() -> None:
    hosts = {"a": server("a", "192.0.2.51", server_uuid=UUIDS["db1"]), "b": server("b", "192.0.2.52")}
    hosts = change(hosts, "b/mysql/gtid_executed", f"{UUIDS['db1']}:1-7")
    assert found(hosts) == {"a": ["a", "b"]}


@pytest.mark.parametrize("gtids", ["0-1-7", "", None])
def test_copies_of_one_machine_are_no_cluster(gtids: str | None) -> None:
    same = {"server_uuid": UUIDS["db1"], "gtid_executed": gtids or f"{UUIDS['db1']}:1-7"}
    assert found({"a": server("a", "192.0.2.51", **same), "b": server("b", "192.0.2.52", **same)}) == {
        "a": ["a"], "b": ["b"],
    }  # fmt: skip


def test_directors_find_their_servers_and_each_other() -> None:
    hosts = {"lvs1": director("192.0.2.21"), "lvs2": director("192.0.2.22"), "a": server("a", "192.0.2.11")}
    assert found(hosts) == {"lvs1": ["a", "lvs1", "lvs2"]}
