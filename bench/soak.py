# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster at product defaults on a machine that has no processor to spare: nothing may fail over, no agent may grow.

Environment: MINUTES under load (default 30), IDLE_MINUTES before that without any (default 5, for the share of a
processor), ADVERT (default 0.5), TOPOLOGIES (default source_replica).
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from dataclasses import dataclass, field, replace

from bench import build
from bench.cluster import Cluster
from bench.hosts import Failed, container, docker, shell
from bench.load import Load, Record
from bench.rows import Settings

SAMPLE_SECONDS = 10.0
PAUSE = 0.02  # of the client, which is to see an interruption and not to be the load
BUSY = "timeout {seconds} sh -c 'while :; do :; done'"
READ = "cat /proc/$(systemctl show --property=MainPID --value mysql-ha-agent@{name})/"
MOST_KILOBYTES = 40 * 1024
MOST_IDLE_SHARE = 0.01
RESULTS = build.BUILD / "soak.jsonl"


@dataclass
class Agent:
    """What an agent's process used: resident kilobytes at each sample, and processor seconds since its start."""

    resident: list[int] = field(default_factory=list)
    used: list[float] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def sample(self, name: str) -> None:
        read = READ.format(name=name)
        told = shell(name, f"{read}stat; {read}status | grep VmRSS")
        stat, resident = told.splitlines()
        times = stat.rsplit(")", 1)[1].split()[11:13]
        self.at.append(time.monotonic())
        self.used.append(sum(map(int, times)) / os.sysconf("SC_CLK_TCK"))
        self.resident.append(int(resident.split()[1]))

    def share(self) -> float:
        """Of one processor."""
        return (self.used[-1] - self.used[0]) / (self.at[-1] - self.at[0])

    def growth(self) -> float:
        """Kilobytes an hour, from the middle third to the last, so that what is allocated once does not count."""
        third = len(self.resident) // 3
        if third < 2:
            return 0.0
        middle, last = self.resident[third : 2 * third], self.resident[-third:]
        hours = (self.at[-third] - self.at[third]) / 3600
        return (sum(last) / third - sum(middle) / third) / hours


def watch(cluster: Cluster, seconds: float) -> dict[str, Agent]:
    agents = {name: Agent() for name in cluster.members}
    end = time.monotonic() + seconds
    while True:
        for name, agent in agents.items():
            agent.sample(name)
        if time.monotonic() >= end:
            return agents
        time.sleep(min(SAMPLE_SECONDS, max(0.1, end - time.monotonic())))


def saturate(client: str, seconds: float) -> None:
    """As many endless loops as there are processors, at ordinary priority; they end by themselves."""
    for _processor in range(os.cpu_count() or 1):
        docker("exec", "--detach", container(client), "sh", "-c", BUSY.format(seconds=int(seconds)))


def under_load(cluster: Cluster, seconds: float) -> tuple[dict[str, Agent], Record]:
    order = replace(
        cluster.order(uuid.uuid4().hex[:12]), pause=PAUSE, connect_timeout=10.0, read_timeout=60.0
    )
    with Load(cluster.client, order) as load:
        load.wait_first()
        saturate(cluster.client, seconds)
        agents = watch(cluster, seconds)
        return agents, load.stop()


def print_table(idle: dict[str, Agent], loaded: dict[str, Agent]) -> list[str]:
    """Prints what the agents used; what is beyond the limits."""
    wrong = []
    row = "{:<10} {:>12} {:>12} {:>14} {:>16} {:>16}".format
    print(row("AGENT", "RSS idle", "RSS loaded", "growth", "processor idle", "processor loaded"))
    for name in loaded:
        before, after = idle[name], loaded[name]
        print(row(
            name, f"{before.resident[-1] / 1024:.1f} MB", f"{max(after.resident) / 1024:.1f} MB",
            f"{after.growth():+.0f} kB/h", f"{before.share():.2%}", f"{after.share():.2%}",
        ))  # fmt: skip
        if max(after.resident) > MOST_KILOBYTES:
            wrong.append(f"{name}: {max(after.resident) / 1024:.1f} MB resident")
        if before.share() > MOST_IDLE_SHARE:
            wrong.append(f"{name}: {before.share():.2%} of a processor while idle")
    return wrong


def soak(topology: str, minutes: float, idle_minutes: float, advert: float) -> list[str]:
    cluster = build.ensure(topology, Settings(advert=advert))
    cluster.heal()
    processes = {name: shell(name, f"systemctl show --property=MainPID --value mysql-ha-agent@{name}")
                 for name in cluster.members}  # fmt: skip
    moves, writer = cluster.moves(), cluster.writer()
    idle = watch(cluster, idle_minutes * 60)
    loaded, record = under_load(cluster, minutes * 60)
    wrong = print_table(idle, loaded)
    failovers = cluster.moves() - moves
    gap = record.gap(0.0)
    print(f"{topology}, advert_int {advert:g}, {os.cpu_count()} processors saturated for {minutes:g} min: {failovers} "
          f"failovers, {len(record.through_vip())} writes, longest gap {gap:.2f} s")  # fmt: skip
    if failovers or cluster.writer() != writer:
        wrong.append(f"{failovers} failovers")
    for name, process in processes.items():
        if shell(name, f"systemctl show --property=MainPID --value mysql-ha-agent@{name}") != process:
            wrong.append(f"{name}: the agent was restarted")
    told = {
        "topology": topology, "advert": advert, "minutes": minutes, "failovers": failovers, "gap": gap, "wrong": wrong,
        "product": build.product(), "idle": {name: round(agent.share(), 5) for name, agent in idle.items()},
        "loaded": {name: round(agent.share(), 5) for name, agent in loaded.items()},
        "resident": {name: agent.resident for name, agent in loaded.items()},
    }  # fmt: skip
    with RESULTS.open("a") as results:
        results.write(json.dumps(told) + "\n")
    return wrong


def main() -> int:
    minutes, idle = float(os.environ.get("MINUTES") or 30), float(os.environ.get("IDLE_MINUTES") or 5)
    wrong = []
    for topology in (os.environ.get("TOPOLOGIES") or "source_replica").replace(",", " ").split():
        wrong += soak(topology, minutes, idle, float(os.environ.get("ADVERT") or 0.5))
    print("\n".join(f"NOT IN ORDER: {text}" for text in wrong) or "in order")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as error:
        sys.exit(f"soak: {error}")
