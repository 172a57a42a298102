# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fault, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Undo = Callable[[], None]


@dataclass(frozen=True)
class Fault:
    kind: str
    target: str  # writer, standby, reader, any; of a fault of the whole cluster without meaning
    lasts: float  # seconds
    strength: float = 0.5  # 0 to 1: how much of it, for faults that have a measure
    on: str = ""  # it comes within milliseconds of the next decision of this kind

    def __str__(self) -> str:
        when = f", with the next {self.on}" if self.on else ""
        return f"{self.kind} ({self.target}, {self.lasts:.2f} s, strength {self.strength:.2f}{when})"
