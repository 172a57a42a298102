# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs on a candidate: for how long do sockets of the VIP stay while the VIP is not on this host?

Its argument is the VIP; a line of standard input ends it. It prints one JSON object: `lingering`, the longest time in
seconds that one socket was seen so, and `left`, the sockets that were for more than a second.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time

EVERY = 0.05
LONG = 1.0
# Of a connection in TIME-WAIT nothing is left but its number: no program has it
STATES = ("state", "all", "exclude", "time-wait", "exclude", "listening")


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def here(vip: str) -> bool:
    return f" {vip}/" in output("ip", "-oneline", "address", "show")


def sockets(vip: str) -> set[str]:
    lines = output("ss", "-Htn", *STATES, "src", vip).splitlines()
    return {" ".join(line.split()[3:5]) for line in lines}


def main(vip: str) -> None:
    since: dict[str, float] = {}
    lingering, left = 0.0, set()
    while not select.select([sys.stdin], [], [], EVERY)[0]:
        found = set() if here(vip) else sockets(vip)
        at = time.monotonic()
        if found and here(vip):  # it came back between the two looks
            found = set()
        since = {one: since.get(one, at) for one in found}
        for one, began in since.items():
            lingering = max(lingering, at - began)
            if at - began > LONG:
                left.add(one)
    print(json.dumps({"lingering": round(lingering, 3), "left": sorted(left)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
