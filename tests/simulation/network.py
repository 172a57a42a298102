# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The wires: directed links that are cut, lossy or slow, and who answers for the VIP."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .clockwork import Clockwork

if TYPE_CHECKING:
    from .host import Host

RESEND = 0.2  # seconds: what TCP waits before it sends again, doubled each time
ARP_STALE = 1.0  # seconds without success until a node asks anew who has the VIP
LARGE = frozenset(("answer", "receive"))  # what agents answer, and what replicas get, is more than one packet


class Network:
    def __init__(self, clock: Clockwork, hosts: dict[str, Host]) -> None:
        self.clock = clock
        self.hosts = hosts
        self.cut: dict[tuple[str, str], int] = {}  # directed link -> how many faults cut it now
        self.rejecting: set[str] = set()  # hosts whose firewall refuses the other candidates' agents
        self.loss: dict[str, float] = {}  # node -> share of its messages that is lost
        self.slow: dict[str, float] = {}  # node -> additional delay in seconds
        self.vrrp_blocked: dict[tuple[str, str], int] = {}
        self.small_only: set[tuple[str, str]] = set()  # directed links on which large packets are lost (MTU)
        self.changed = 0.0  # when a link was last cut or mended
        self.drop_next = 0  # so many messages more are lost
        self.believed: dict[str, str] = {}  # node -> the host which it takes for the VIP's

    def connected(self, source: str, target: str) -> bool:
        return source == target or (source, target) not in self.cut

    def both_ways(self, one: str, other: str) -> bool:
        return one == other or ((one, other) not in self.cut and (other, one) not in self.cut)

    def delay(self, source: str, target: str) -> float:
        if source == target:
            return 0.00005
        delay = 0.0001 + 0.0008 * self.clock.rng.random()
        if self.slow:
            delay += self.slow.get(source, 0.0) + self.slow.get(target, 0.0)
        return delay

    def arrives(self, source: str, target: str) -> bool:
        """Chance decides on a lossy link."""
        if source == target:
            return True
        if (source, target) in self.cut:
            return False
        if self.drop_next:
            self.drop_next -= 1
            return False
        if self.loss:
            loss = max(self.loss.get(source, 0.0), self.loss.get(target, 0.0))
            return loss <= 0 or self.clock.rng.random() >= loss
        return True

    def datagram(self, source: str, target: str, call: Callable[..., Any], *arguments: Any) -> None:
        if self.arrives(source, target):
            self.clock.after(self.delay(source, target), call, *arguments)

    def stream(
        self, source: str, target: str, valid: Callable[[], bool], call: Callable[..., Any], *arguments: Any,
        resend: float = RESEND, new: bool = False,
    ) -> None:
        """A message of a TCP connection: sent again until it arrives or the connection is no longer valid. A `new`
        connection is made first, which takes both directions."""
        if not valid():
            return
        lost = (source, target) in self.small_only and call.__name__ in LARGE
        if not lost and self.arrives(source, target) and (not new or self.connected(target, source)):
            self.clock.after(self.delay(source, target), call, *arguments)
        else:
            longer = min(2 * resend, 2.0)
            self.clock.after(
                resend, lambda: self.stream(source, target, valid, call, *arguments, resend=longer, new=new))

    def change(self, table: dict[tuple[str, str], int], links: Iterable[tuple[str, str]], by: int) -> None:
        self.changed = self.clock.now
        for link in links:
            count = table.get(link, 0) + by
            if count:
                table[link] = count
            else:
                table.pop(link, None)

    # ---- the VIP -----------------------------------------------------------------------------------------------------

    def announce(self, host: str) -> None:
        for node in self.believed:
            if node != host:
                self.datagram(host, node, self._believe, node, host)

    def _believe(self, node: str, host: str) -> None:
        self.believed[node] = host

    def vip_holder(self, node: str) -> str:
        """The host that a packet to the VIP goes to; empty: none."""
        own = self.hosts.get(node)
        return node if own is not None and own.vip else self.believed.get(node, "")

    def ask_again(self, node: str) -> None:
        """Nobody answered at the address known: everybody is asked."""
        holders = [
            name for name, host in self.hosts.items()
            if host.vip and host.powered and not host.paused and self.both_ways(node, name)
        ]
        if holders:
            self.believed[node] = self.clock.rng.choice(holders)
