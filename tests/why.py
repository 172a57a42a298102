#!/usr/bin/env python3
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prints why a stage of `make test` failed, in a few lines, from its log.

Who sees no more than the end of an output, as many CI systems show it, then sees the cause as well.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Colours, and the box that molecule draws around what a playbook prints.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
BOX = re.compile(r"^\s*│ ?", re.MULTILINE)
TASK = re.compile(r"(TASK|RUNNING HANDLER) \[")
FAILURE = re.compile(r"fatal: |failed: |\[ERROR\]: |FAILED |ERROR |E  |.*: error: |.*Error: |make.*\*\*\*")
MOST_LINES, MOST_CHARACTERS, LINES_AFTER = 24, 1500, 8


def why(log: str) -> list[str]:
    """The lines that tell of failures, each with the task it belongs to and what follows it; the first and the last."""
    lines = [line.rstrip() for line in BOX.sub("", COLOUR.sub("", log)).splitlines()]
    told: list[int] = []
    task = None
    for number, line in enumerate(lines):
        if TASK.match(line):
            task = number
        elif FAILURE.match(line):
            told += [] if task is None else [task]
            told += range(number, min(number + 1 + LINES_AFTER, len(lines)))
            task = None
    kept = [lines[number][:200] for number in dict.fromkeys(told) if lines[number].strip()]
    # The first failure is the cause, and the last lines are the verdict
    while len(kept) > MOST_LINES or sum(map(len, kept)) > MOST_CHARACTERS:
        kept.pop(len(kept) * 2 // 3)
    return kept


if __name__ == "__main__":
    print("\n".join(why(Path(sys.argv[1]).read_text(errors="replace"))))
