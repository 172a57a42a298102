# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster of two candidates and a reader, as the agent of `a` sees it on a quiet day."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from mysql_ha_agent.config import Config, parse
from mysql_ha_agent.core import decide
from mysql_ha_agent.decisions import AnyDecision
from mysql_ha_agent.model import Channel, Comparison, Durable, Mysqld, Peer, Seen, SemiSync, Server, State

NOW = 1000.0
KEYS: dict[str, Any] = {
    "instance": "a", "cluster": "orders", "topology": "dual_source", "role": "candidate", "address": "10.0.0.1",
    "vip": "10.0.0.100/24", "interface": "eth0",
    "members": [
        {"name": "a", "address": "10.0.0.1", "port": 3306, "agent_port": 8308, "role": "candidate"},
        {"name": "b", "address": "10.0.0.2", "port": 3306, "agent_port": 8308, "role": "candidate"},
        {"name": "r", "address": "10.0.0.3", "port": 3306, "agent_port": 8308, "role": "reader"},
    ],
}


def config(**changes: Any) -> Config:
    return parse(json.dumps({**KEYS, **changes}))


CONFIG = config()
ONE_WAY = config(topology="source_replica")
CHANNEL = Channel("", "10.0.0.2", 3306, "Yes", True)
TO_VIP = Channel("", "10.0.0.100", 3306, "Yes", True)
SAME = Comparison(of_set="u:1-9", peer_extra="", own_extra="", lacks=False)
CLOSED = Server(
    taken=NOW, detailed=NOW, read_only=True, super_read_only=True, uuid="u", gtid_executed="u:1-9",
    channels=(CHANNEL,), semi_sync=SemiSync(source_enabled=False, clients=0), comparisons=(("", SAME), ("b", SAME)),
)
OPENED = replace(CLOSED, read_only=False, super_read_only=False, semi_sync=SemiSync(source_enabled=True, clients=1))
B = Peer(
    "b", asked=NOW, answered=NOW, phase="standby", mysqld_up=True, closed=True, eligible=True, uuid="v",
    gtid_executed="u:1-9", receiving=True, lag=0.0, generation=3,
)
R = replace(B, name="r", eligible=False, uuid="w")
B_WRITES = replace(B, phase="writer", closed=False, vip_here=True, led=3, waits=True, receiving=False, lead=8)
SILENT = Peer("b", asked=NOW, answered=NOW - 60, phase="writer", error="timed out")
DURABLE = Durable(generation=3)
LED_LAST = Durable(generation=3, led=3)


def up(server: Server) -> Mysqld:
    return Mysqld(alive=True, answered=NOW, server=server)


DOWN = Mysqld(alive=False, error="nobody listens at the socket")
HUNG = Mysqld(alive=True, answered=NOW - 2, server=OPENED)
STANDBY = Seen(
    vip_here=False, keepalived=True, hold=None, track="0", mysqld=up(CLOSED), peers=(B_WRITES, R), saved=DURABLE,
    lead="0",
)
WRITER = replace(STANDBY, vip_here=True, mysqld=up(OPENED), peers=(B, R), saved=LED_LAST, lead="8")
ARRIVED = replace(STANDBY, vip_here=True, peers=(B, R))
KNOWN = State(
    durable=DURABLE, phase="standby", started=NOW - 100, last_tick=NOW - 0.05, awake_since=NOW - 100, contact=NOW,
    writer="b", writer_set="u:1-9",
)
LED = State(
    durable=LED_LAST, phase="writer", led=True, started=NOW - 100, last_tick=NOW - 0.05, awake_since=NOW - 100,
    opened_at=NOW - 50, waits_since=NOW - 50,
)


def run(seen: Seen, state: State = KNOWN, now: float = NOW, of: Config = CONFIG) -> tuple[list[AnyDecision], State]:
    return decide(of, seen, state, now)


def kinds(decisions: list[AnyDecision]) -> list[str]:
    return [type(decision).__name__ for decision in decisions]
