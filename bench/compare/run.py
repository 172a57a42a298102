# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the bench's faults against other systems on the same hosts. May be ended and started again.

Environment: RUNS_COMPARE (default 10) a fault and system, SYSTEMS (default all).
"""

from __future__ import annotations

import datetime
import json
import os
import random
import sys
import time
import uuid
from collections import Counter

from bench import build, load
from bench.cluster import Cluster
from bench.compare import systems
from bench.compare.provision import System
from bench.hosts import Failed, lab, shell
from bench.load import Load
from bench.measure import AFTERWARDS, LEAST, Result, as_line
from bench.rows import Row, selected
from bench.run import RESULTS

PATIENCE = 60.0


def one_run(system: System, row: Row, result: Result) -> None:
    """Fills the result as far as it comes. Raises Failed."""
    writer = result.target = system.reset()
    run = uuid.uuid4().hex[:12]
    with Load(system.cluster.client, system.order(run)) as loaded:
        loaded.wait_first()
        # Checks come every 15 s in the slowest: the fault comes at any point of that
        time.sleep(random.uniform(0.7, 4.7))  # noqa: S311
        fault = row.strike(writer)
        if not loaded.wait_gap(fault.at, LEAST, PATIENCE):
            result.problem = f"no write was acknowledged within {PATIENCE:g} s"
        time.sleep(AFTERWARDS)
        record = loaded.stop()
    through = record.through_vip()
    result.gap = round(record.gap(fault.at), 4)
    result.acknowledged = len(through)
    result.writers = len(record.reigns())
    result.moves = result.writers - 1
    if not result.problem:
        # Before the old writer is back: what its successor does not have cannot be read now
        last = through[-1].server
        client = next(iter(record.acks))
        holder = next(name for name in system.names if name != writer or result.writers == 1)
        result.lost = len({ack.number for ack in through} - system.cluster.numbers(holder, f"{run}/{client}"))
        result.errors = [(0.0, f"last acknowledged by {last}")]
    fault.undo()


def main() -> int:
    runs = int(os.environ.get("RUNS_COMPARE") or 10)
    names = (os.environ.get("SYSTEMS") or " ".join(systems.TITLES)).replace(",", " ").split()
    rows = [row for row in selected("") if row.name in systems.FAULTS]
    done: Counter[tuple[str, str]] = Counter()
    if RESULTS.exists():
        told = [json.loads(line) for line in RESULTS.read_text().splitlines()]
        done.update((one["topology"], one["row"]) for one in told)
    for name in names:
        due = [row for row in rows if done[name, row.name] < runs]
        if not due:
            continue
        print(f"building {name} on fresh hosts", flush=True)
        build.BUILT.unlink(missing_ok=True)
        lab("up", "--fresh", "-i", str(build.INVENTORY), timeout=600)
        cluster = Cluster(build.INVENTORY)
        shell(cluster.client, "apt-get -q -y install --no-install-recommends python3-pymysql > /root/install.log 2>&1")
        load.install(cluster.client)
        system = System(name, cluster)
        system.build()
        while due := [row for row in rows if done[name, row.name] < runs]:
            for row in due:
                take(system, row)
                done[name, row.name] += 1
    return 0


def take(system: System, row: Row) -> None:
    result = Result(row.name)
    try:
        one_run(system, row, result)
    except Failed as error:
        result.problem = str(error)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    line = {"at": now, "product": "", "topology": system.name, **as_line(result)}
    with RESULTS.open("a") as results:
        results.write(json.dumps(line) + "\n")
    said = result.verdict() or "nothing lost"
    print(f"{now[11:19]} {system.name} {row.name}: {result.gap:.3f} s, {result.writers} writers; {said}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, ValueError) as error:
        sys.exit(f"bench: {error}")
