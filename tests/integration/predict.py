# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs `site.yml --check --diff` on bare hosts and writes down what it said and whether it left a trace.

Usage: predict.py [--playbook PLAYBOOK] INVENTORY RESULT HOST...
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from integration.lab_cluster import run_playbook, snapshot


def snapshots(hosts: list[str]) -> dict[str, dict[str, str]]:
    with ThreadPoolExecutor() as pool:
        return dict(zip(hosts, pool.map(snapshot, hosts), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--playbook", default="site.yml")
    parser.add_argument("inventory", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("hosts", nargs="+")
    arguments = parser.parse_args()
    hosts, result = arguments.hosts, arguments.result
    before = snapshots(hosts)
    run = run_playbook(arguments.inventory, "--check", "--diff", playbook=arguments.playbook)
    after = snapshots(hosts)
    traces = {
        f"{host}/{kind}": sorted(set(before[host][kind].splitlines()) ^ set(after[host][kind].splitlines()))
        for host in hosts
        for kind in before[host]
        if before[host][kind] != after[host][kind]
    }
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(
        json.dumps({"returncode": run.returncode, "output": run.output, "traces": traces, "tasks": sorted(run.tasks)})
    )


if __name__ == "__main__":
    main()
