# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Collects runs until every row has as many as wanted. May be ended and started again: what was measured is kept.

Environment: RUNS (default 40) a row and topology, ROWS (default all), TOPOLOGIES (default both).
"""

from __future__ import annotations

import datetime
import json
import os
import sys
from collections import Counter
from itertools import groupby

from bench import build
from bench.cluster import Cluster
from bench.hosts import Failed
from bench.measure import Result, as_line, one_run
from bench.rows import Row, Settings, selected

RESULTS = build.BUILD / "runs.jsonl"
TOPOLOGIES = "source_replica dual_source"
REBUILDS = 5


class Bench:
    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.product = build.product()
        self.done: Counter[tuple[str, str]] = Counter()
        self.rebuilds = 0
        if RESULTS.exists():
            for line in RESULTS.read_text().splitlines():
                told = json.loads(line)
                if told["product"] == self.product:
                    self.done[told["topology"], told["row"]] += 1

    def collect(self, topology: str, settings: Settings, rows: list[Row]) -> None:
        """One run of each row in turn, so that all rows grow alike."""
        while due := [row for row in rows if self.done[topology, row.name] < self.runs]:
            cluster = self.built(topology, settings)
            for row in due:
                if not self.take(cluster, topology, row):
                    cluster = self.built(topology, settings, fresh=True)

    def built(self, topology: str, settings: Settings, fresh: bool = False) -> Cluster:
        if fresh:
            self.rebuilds += 1
            if self.rebuilds > REBUILDS:
                raise Failed(f"the cluster did not become whole again {self.rebuilds} times")
        cluster = build.ensure(topology, settings, fresh)
        cluster.heal()
        return cluster

    def take(self, cluster: Cluster, topology: str, row: Row) -> bool:
        """One run, written down whatever came of it; False: the cluster is not whole afterwards."""
        problem = ""
        result = Result(row.name)
        try:
            one_run(cluster, row, result)
        except Failed as error:
            problem = result.problem = str(error)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        line = {"at": now, "product": self.product, "topology": topology, **as_line(result)}
        with RESULTS.open("a") as results:
            results.write(json.dumps(line) + "\n")
        self.done[topology, row.name] += 1
        count = self.done[topology, row.name]
        said = result.verdict() or "nothing lost"
        print(
            f"{now[11:19]} {topology} {row.name} {count}/{self.runs}: {result.gap:.3f} s, "
            f"{result.acknowledged} writes, {result.moves} moves, whole after {result.heal:g} s; {said}", flush=True,
        )  # fmt: skip
        return not problem


def main() -> int:
    rows = selected(os.environ.get("ROWS", ""))
    known = build.role_variables()
    for row in [row for row in rows if row.needs and row.needs not in known]:
        print(f"{row.name} is left out: the product has no {row.needs}", flush=True)
        rows.remove(row)
    bench = Bench(int(os.environ.get("RUNS") or 40))
    for topology in (os.environ.get("TOPOLOGIES") or TOPOLOGIES).replace(",", " ").split():
        for settings, group in groupby(rows, key=lambda row: row.settings):
            bench.collect(topology, settings, list(group))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, ValueError) as error:
        sys.exit(f"bench: {error}")
