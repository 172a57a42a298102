# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members that were taken out of the inventory and go on replicating, and others that only look so."""

from __future__ import annotations

from typing import Any

from ansible_collections.opendba.mysql_ha.plugins.filter.unlisted_replicas import FilterModule

unlisted_replicas = FilterModule().filters()["unlisted_replicas"]
MEMBERS = [{"address": "10.0.0.11"}, {"address": "10.0.0.12"}]
UUIDS = ["uuid-1", "uuid-2"]


def receiver(host: str, user: str = "mha_repl", uuid: str | None = None) -> dict[str, Any]:
    return {"host": host, "user": user, "uuid": uuid}


def lines(*rows: dict[str, Any], agents: tuple[dict[str, Any], ...] = ()) -> list[str]:
    found: list[str] = unlisted_replicas(rows, "db1", MEMBERS, UUIDS, "mha_repl", agents)
    return found


def test_members_are_known_by_address_or_server() -> None:
    assert lines(receiver("10.0.0.12", uuid="uuid-2"), receiver("10.0.0.12")) == []
    assert lines(receiver("10.0.0.99", uuid="uuid-2")) == []
    assert lines() == []


def test_a_removed_member_is_named_with_the_way_to_stop_it() -> None:
    (line,) = lines(receiver("10.0.0.13", uuid="uuid-3"))
    assert line == (
        "10.0.0.13 replicates from db1 as mha_repl and is not in the inventory. If it was a member, stop it there, in "
        "this order: systemctl disable --now keepalived; "
        "systemctl disable --now mysql-ha-guard@NAME mysql-ha-agent@NAME; "
        "mysql -e 'STOP REPLICA; RESET REPLICA ALL' (NAME: ls /etc/mysql-ha). See docs/members.md."
    )


def test_its_agent_tells_its_name() -> None:
    agents = ({"item": "10.0.0.13", "json": {"instance": "db3"}}, {"item": "10.0.0.14", "msg": "refused"})
    one, other = lines(receiver("10.0.0.13", uuid="uuid-3"), receiver("10.0.0.14"), agents=agents)
    assert one.startswith("db3 (10.0.0.13) replicates from db1 ")
    assert "mysql-ha-guard@db3 mysql-ha-agent@db3;" in one
    assert "NAME" not in one
    assert other.startswith("10.0.0.14 replicates ")


def test_a_tool_is_named_for_what_it_is() -> None:
    """python-mysql-replication and others send a UUID, mysqlbinlog does not."""
    for uuid in (None, "uuid-of-a-tool"):
        assert lines(receiver("10.0.0.50", "cdc", uuid)) == [
            "10.0.0.50 receives the binary log of db1 as cdc and is no member: a replica of other software, or a tool "
            "(mysqlbinlog, change data capture). If it should not, stop it there."
        ]


def test_several_connections_of_one_receiver_are_one_line() -> None:
    assert len(lines(receiver("10.0.0.50", "cdc"), receiver("10.0.0.50", "cdc"))) == 1


def test_bytes_of_the_driver_are_text() -> None:
    assert lines({"host": b"10.0.0.12", "user": b"mha_repl", "uuid": b"uuid-2"}) == []
