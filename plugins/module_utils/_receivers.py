# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who receives the binary log of an instance without being in the inventory. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Receiver:
    """A connection that the binary log is sent to. uuid: of the server that receives; empty where it does not say."""

    user: str
    host: str
    uuid: str


def read_receivers(rows: Iterable[Mapping[str, object]]) -> list[Receiver]:
    found = [Receiver(*(_text(row.get(key)) for key in ("user", "host", "uuid"))) for row in rows]
    return list(dict.fromkeys(found))


def unlisted(receivers: Iterable[Receiver], addresses: Collection[str], uuids: Collection[str]) -> list[Receiver]:
    """Those that are none of the members, by the members' addresses and the UUIDs of their servers."""
    return [each for each in receivers if each.host not in addresses and (not each.uuid or each.uuid not in uuids)]


def line(receiver: Receiver, source: str, account: str, names: Mapping[str, str]) -> str:
    """What to know and to do about it.

    account: that of this collection's own channels. names: by address the instance that an agent there serves.
    """
    if receiver.user != account:
        return (
            f"{receiver.host} receives the binary log of {source} as {receiver.user} and is no member: a replica of"
            " other software, or a tool (mysqlbinlog, change data capture). If it should not, stop it there."
        )
    name = names.get(receiver.host, "")
    who = f"{name} ({receiver.host})" if name else receiver.host
    unit, hint = (name, "") if name else ("NAME", " (NAME: ls /etc/mysql-ha)")
    return (
        f"{who} replicates from {source} as {account} and is not in the inventory. If it was a member, stop it there,"
        " in this order: systemctl disable --now keepalived;"
        f" systemctl disable --now mysql-ha-guard@{unit} mysql-ha-agent@{unit};"
        f" mysql -e 'STOP REPLICA; RESET REPLICA ALL'{hint}. See docs/members.md."
    )


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
