# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turns the collected runs into docs/failover-bench.md and its plot."""

from __future__ import annotations

import json
import math
import platform
import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import build, crowd, plot
from bench.compare import systems
from bench.hosts import PROJECT, Failed, shell
from bench.rows import ROWS, Row
from bench.run import RESULTS

PAGE = PROJECT / "docs/failover-bench.md"
PICTURE = PROJECT / "docs/failover-bench.svg"

INTRODUCTION = """\
# How long writes stop

Made by `make bench-failover` from the lab; do not edit. What is measured: a client on a host of its own inserts one
row after another through the writer VIP, over TLS, with a pause of 2 ms (connect timeout 100 ms, read timeout 200 ms,
a new connection after each error). The gap is the longest time between two acknowledged inserts that ends after the
fault, by the client's own clock. Afterwards all rows are read back: an acknowledged write that the writer does not
have is lost, and every instance's table must be equal to the writer's. A run is in order when nothing is lost, the
VIP moved at most once and never a second server acknowledged. Between two runs the cluster is made redundant again;
that time does not count.
"""


@dataclass(frozen=True)
class Line:
    """The runs of one row."""

    title: str
    gaps: list[float]
    lost: int
    wrong: list[str]

    @property
    def median(self) -> float:
        return statistics.median(self.gaps)

    @property
    def p95(self) -> float:
        """The smallest value that at least 95% of the runs do not exceed."""
        return sorted(self.gaps)[math.ceil(0.95 * len(self.gaps)) - 1]

    @property
    def longest(self) -> float:
        return max(self.gaps)


def gather(product: str) -> dict[str, dict[str, Line]]:
    """By topology (or system of comparison) and row."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for text in RESULTS.read_text().splitlines():
        told = json.loads(text)
        if told["product"] == product or told["topology"] in systems.TITLES:
            found[told["topology"], told["row"]].append(told)
    titles = {row.name: row.title for row in ROWS}
    lines: dict[str, dict[str, Line]] = defaultdict(dict)
    for (topology, row), runs in found.items():
        measured = [run["gap"] for run in runs if not run["problem"] or run["gap"]]
        if measured:
            wrong = [run["verdict"] for run in runs if run["verdict"]]
            lines[topology][row] = Line(titles.get(row, row), measured, sum(run["lost"] for run in runs), wrong)
    return lines


def limits(row: Row, line: Line) -> tuple[str, str]:
    """The limits of a row in words, and whether they hold."""
    judged = [
        ("median", row.median, line.median),
        ("p95", row.p95, line.p95),
        ("max", row.longest, line.longest),
    ]
    named = [(name, limit, value) for name, limit, value in judged if limit is not None]
    text = ", ".join(f"{name} ≤ {limit:.2f}" for name, limit, _value in named) or "-"
    held = all(round(value, 3) <= limit for _name, limit, value in named) and not line.wrong
    return text, "yes" if held else "**no**"


def table(lines: dict[str, Line], judged: bool) -> list[str]:
    heading = ["what happens", "median", "p95", "max", "runs", "writes lost", *(["limit", "holds"] if judged else [])]
    rows = [f"| {' | '.join(heading)} |", "|" + "---|" * len(heading)]
    for row in ROWS:
        line = lines.get(row.name)
        if line is None:
            continue
        cells = [line.title, *(f"{value:.2f} s" for value in (line.median, line.p95, line.longest))]
        cells += [str(len(line.gaps)), str(line.lost), *(limits(row, line) if judged else ())]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def wrongs(lines: dict[str, Line]) -> list[str]:
    """What went wrong in single runs, each with its number."""
    told = []
    for line in lines.values():
        for text in sorted(set(line.wrong)):
            told.append(f"- {line.title}: {text} ({line.wrong.count(text)} of {len(line.gaps)} runs)")
    return ["", "Not in order:", "", *told] if told else []


def machine() -> str:
    """Versions of what was measured and of what it ran on."""
    asked = "mysqld --version; keepalived --version 2>&1 | head -1; python3 --version; grep PRETTY_NAME /etc/os-release"
    try:
        versions = [line.strip() for line in shell("bench1", asked).splitlines()]
    except Failed:
        versions = ["the hosts are gone: no versions"]
    processors = Path("/proc/cpuinfo").read_text().splitlines()
    model = [line.split(":")[1].strip() for line in processors if line.startswith("model name")]
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    hardware = f"{len(model)} x {model[0] if model else platform.machine()}, {memory} MB, Linux {platform.release()}"
    return "; ".join([*versions, f"all hosts are containers of one machine: {hardware}"])


def main() -> int:
    product = build.product()
    lines = gather(product)
    measured = [name for name in ("source_replica", "dual_source") if lines.get(name)]
    if not measured:
        print(f"there are no runs of this version ({product}) in {RESULTS}", file=sys.stderr)
        return 1
    page = [INTRODUCTION, f"Measured on: {machine()}. Digest of the roles: {product}.", ""]
    page.append(f"![gaps]({PICTURE.name})")
    for name in measured:
        page += ["", f"## `{name}`", "", *table(lines[name], judged=True), *wrongs(lines[name])]
    crowded = crowd.section(product)
    page += ["", *crowded] if crowded else []
    compared = [name for name in systems.TITLES if lines.get(name)]
    if compared:
        page += ["", "## The same hosts with other systems", ""]
    for name in compared:
        page += ["", f"### {systems.TITLES[name]}", "", systems.DESCRIPTIONS[name], ""]
        page += [*table(lines[name], judged=False), *wrongs(lines[name])]
    PAGE.write_text("\n".join(page) + "\n")
    drawn = {f"{line.title} ({name})": line.gaps for name in [*measured, *compared] for line in lines[name].values()}
    PICTURE.write_text(plot.strips(drawn, "seconds without an acknowledged write: a dot a run, the bar is the median"))
    print(f"written: {PAGE}, {PICTURE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
