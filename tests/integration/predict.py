# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs `site.yml --check --diff` on bare hosts and writes down what it said and whether it left a trace.

Usage: predict.py INVENTORY RESULT HOST...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from integration.lab_cluster import run_playbook, snapshot


def main() -> None:
    inventory, result, *hosts = sys.argv[1:]
    before = {host: snapshot(host) for host in hosts}
    run = run_playbook(Path(inventory), "--check", "--diff")
    after = {host: snapshot(host) for host in hosts}
    traces = {
        f"{host}/{kind}": sorted(set(before[host][kind].splitlines()) ^ set(after[host][kind].splitlines()))
        for host in hosts
        for kind in before[host]
        if before[host][kind] != after[host][kind]
    }
    Path(result).parent.mkdir(parents=True, exist_ok=True)
    Path(result).write_text(
        json.dumps({"returncode": run.returncode, "output": run.output, "traces": traces, "tasks": sorted(run.tasks)})
    )


if __name__ == "__main__":
    main()
