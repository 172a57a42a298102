# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A whole cluster: hosts, wires, clients, an operator; and whether it is well."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Protocol

from mysql_ha_agent.config import Config, parse
from mysql_ha_agent.decisions import Decision, Save

from .channels import VIP, Channel
from .client import Client
from .clockwork import Clockwork, Violation
from .fast import speed_up
from .host import Host
from .ledger import Ledger
from .network import Network
from .people import Operator
from .variant import Variant
from .wellness import ailments, excuse, standing

speed_up()

LOOK_EVERY = 1.0
STALL_BOUND = 10.0  # seconds for which a standby's fault may hold up commits: lease, margin, statements
TWO_BOUND = 3.0  # seconds for which two instances that hear each other may both be open
VIP_BOUND = 25.0  # I3: seconds for which the VIP may stand before an instance that is not the writer
NAMES = "abcdefgh"


class Armed(Protocol):
    """A fault that comes with a decision."""

    on: str

    def fire(self, decider: Host) -> None: ...


@dataclass(frozen=True)
class Setup:
    candidates: int = 2
    readers: int = 1
    topology: str = "dual_source"
    durability: str = "available"
    takeover: str = "promote"
    rejoin: str = "manual"
    advert_interval: float = 0.5
    witness_count: int = 1
    witnesses_answer: bool = True
    fence: bool = False
    load: int = 1  # clients with short timeouts; more of them leave a longer tail behind a crash

    @property
    def names(self) -> list[str]:
        return list(NAMES[:self.candidates]) + [f"r{number}" for number in range(1, self.readers + 1)]

    @property
    def witnesses(self) -> list[str]:
        return [f"10.0.0.{250 + number}" for number in range(self.witness_count)]

    vip = "10.0.0.100"

    def address(self, name: str) -> str:
        return f"10.0.0.{self.names.index(name) + 1}"

    def role(self, name: str) -> str:
        return "candidate" if name in NAMES[:self.candidates] else "reader"

    def config(self, name: str) -> Config:
        return parse(json.dumps({
            "instance": name, "cluster": "orders", "topology": self.topology, "role": self.role(name),
            "address": self.address(name), "vip": f"{self.vip}/24", "interface": "eth0",
            "members": [
                {"name": member, "address": self.address(member), "port": 3306, "agent_port": 8308,
                 "role": self.role(member)}
                for member in self.names
            ],
            "durability": self.durability, "takeover": self.takeover, "rejoin": self.rejoin,
            "witnesses": self.witnesses, "disk_timeout": 3, "lease": max(3.0, 3 * self.advert_interval + 1.5),
            "fence_command": ["/bin/true"] if self.fence else [],
        }))


class World:
    def __init__(self, setup: Setup, seed: int, variant: Variant | None = None) -> None:
        self.setup = setup
        self.variant = variant or Variant()
        self.clock = Clockwork(seed)
        self.steps = self.transactions = 0
        self.sizes: dict[int, float] = {}  # large transactions: seconds on the wire, and in the applier
        self.next_size = 0.0  # of the next transaction that a client begins
        self.haste = 1.0  # by which clients' pauses are shorter
        self.hosts: dict[str, Host] = {}
        self.network = Network(self.clock, self.hosts)
        self.silent_witnesses = set() if setup.witnesses_answer else set(setup.witnesses)
        self.ledger = Ledger(self)
        self.operator = Operator(self)
        for rank, name in enumerate(setup.names):
            candidate = setup.role(name) == "candidate"
            self.hosts[name] = Host(self, name, rank, self._channels(name, candidate), candidate)
        self.candidates = [host for host in self.hosts.values() if host.is_candidate]
        self.exempt_from_bound = False
        self.only_standby_fails = False  # a fault that leaves the writer, its host and its wires whole
        self.one_at_a_time = False
        self._two_since: float | None = None
        self.faults = 0  # that have begun and not ended
        self.settled = 0.0  # when a fault last began or ended
        self.armed: list[Armed] = []
        self.burdened: Host | None = None  # what is wrong there stays so until the end
        self.roles: dict[str, Host] = {}  # who was what when the first fault came
        impatient = [f"c{number}" for number in range(1, setup.load + 1)]
        for node in (*self.hosts, *impatient, "patient"):
            self.network.believed[node] = ""
        between = self.clock.between
        for host in self.hosts.values():
            host.power_on(between(0, 1), between(0, 1), between(0, 1))
        for name in impatient:
            Client(self, name, name, between(0.02, 0.1), 0.2)
        Client(self, "patient", "patient", between(0.02, 0.1), 60.0)
        for host in self.candidates:  # applications on the servers themselves
            Client(self, f"local to {host.name}", host.name, between(0.1, 0.3), 60.0)
        self.clock.after(LOOK_EVERY, self._look)

    def _channels(self, name: str, candidate: bool) -> list[Channel]:
        if candidate and self.setup.topology == "dual_source":
            others = [other for other in self.setup.names if other != name]
            return [Channel(other) for other in others if self.setup.role(other) == "candidate"]
        return [Channel(VIP)]

    # ---- what is the case --------------------------------------------------------------------------------------------

    def writer(self) -> Host | None:
        """The one that clients reach: the newest opening, while it lives."""
        newest = self.ledger.newest
        return newest.host if newest is not None and newest.writable and newest.opened == self.ledger.openings else None

    def standby(self) -> Host:
        writer = self.writer()
        others = [host for host in self.candidates if host is not writer]
        return self.clock.rng.choice(others or self.candidates)

    # ---- time --------------------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        self.clock.run_until(self.clock.now + seconds)

    def get_well(self, within: float) -> None:
        """Raises Violation when it does not: nobody has to help, except with what the operator does."""
        end = self.clock.now + within
        ails = ailments(self)
        while ails:
            if self.clock.now >= end:
                raise Violation(f"the cluster did not get well within {within:g} s: {'; '.join(ails)}")
            self.run(0.5)
            ails = ailments(self)

    def writes_again(self, within: float) -> None:
        """Raises Violation when no client is told OK, and nothing that is documented explains it."""
        began = self.clock.now
        while self.ledger.last_acknowledged <= began:
            if self.clock.now >= began + within:
                if not excuse(self):
                    raise Violation(f"I3: nobody writes within {within:g} s: {standing(self)}")
                return
            self.run(0.5)

    def _look(self) -> None:
        self.operator.look()
        self._check_two_writers()
        now = self.clock.now
        if self.only_standby_fails and self.setup.durability == "available" \
                and now - self.ledger.last_acknowledged > STALL_BOUND:
            raise Violation(f"I3: a fault of a standby alone stalls the writer for more than {STALL_BOUND:g} s")
        for host in self.candidates:
            since = self.clock.now - host.vip_since
            if host.vip and since > VIP_BOUND and not host.database.writable and not self.exempt_from_bound:
                agent = host.agent
                raise Violation(
                    f"I3: {host.name} has had the VIP for {since:.0f} s and is not the writer: {agent.state.phase}"
                    f" {agent.state.waiting} {' '.join(agent.state.reasons)}")
        self.clock.after(LOOK_EVERY, self._look)

    # ---- faults ------------------------------------------------------------------------------------------------------

    def began(self) -> None:
        """A fault, which `ended` undoes."""
        self.faults += 1
        self.settled = self.clock.now

    def ended(self) -> None:
        self.faults -= 1
        self.settled = self.clock.now

    def decided(self, host: Host, decision: Decision) -> None:
        """Some faults wait for a decision; that the state file is tried is none."""
        if isinstance(decision, Save) and decision.probe:
            return
        for armed in [one for one in self.armed if one.on == type(decision).__name__]:
            self.armed.remove(armed)
            armed.fire(host)

    # ---- checks ------------------------------------------------------------------------------------------------------

    def _check_two_writers(self) -> None:
        open_ones = [host for host in self.candidates if host.database.writable and self._is_up(host)]
        two = any(
            one.vip and other.vip and self.network.both_ways(one.name, other.name)
            for one, other in itertools.combinations(open_ones, 2))
        if not two or self.network.loss or self.network.slow:
            self._two_since = None
        elif self._two_since is None:
            self._two_since = self.clock.now
        elif self.clock.now - self._two_since > TWO_BOUND:
            names = " and ".join(host.name for host in open_ones)
            raise Violation(f"I1: {names} have the VIP, open writes and hear each other for {TWO_BOUND:g} s")

    def _is_up(self, host: Host) -> bool:
        return host.database.running and not host.files.paused and host.agent.alive and not host.agent.stopped

    def live_rival(self, of: Host) -> Host | None:
        """A writer that could be asked while the other's writes were opened."""
        network = self.network
        if network.loss or network.slow or network.drop_next:
            return None
        for host in self.candidates:
            if host is not of and host.vip and host.database.writable and self._is_up(host) \
                    and not host.database.latency and host.agent.state.phase == "writer" \
                    and network.both_ways(host.name, of.name) and self.clock.now - network.changed > 0.5:
                return host
        return None
