# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one clock of the agent."""

from __future__ import annotations

import os
import time

RTC = "/sys/class/rtc/rtc0/since_epoch"  # absent in containers and on some machines
LOOK_EVERY = 1.0  # seconds
RESOLUTION = 1.0
AHEAD = 2.0  # two looks at a clock of whole seconds may differ by almost one second from the time between them


class LostTime:
    """A hypervisor may stop CLOCK_BOOTTIME while the guest is paused; the RTC goes on. Pure.

    A pause of three seconds or more is always found, one of less than one second never. It counts as the longest
    that it can have been. Where a person or NTP sets the RTC ahead, time passes that did not: the agent then acts as
    one that has just awoken, and counts all silence from there. Set back it changes nothing.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._before: tuple[float, int] | None = None

    def due(self, boottime: float) -> bool:
        return self._before is None or boottime - self._before[0] >= LOOK_EVERY

    def look(self, boottime: float, rtc: int) -> float:
        """Seconds that were lost since the look before; `seconds` has all of them."""
        before, self._before = self._before, (boottime, rtc)
        if before is None:
            return 0.0
        ahead = (rtc - before[1]) - (boottime - before[0])
        lost = ahead + RESOLUTION if ahead >= AHEAD else 0.0
        self.seconds += lost
        return lost


_lost = LostTime()


def now() -> float:
    """Seconds of CLOCK_BOOTTIME: it also counts while the machine is suspended, so that a lease runs out meanwhile.
    And what `look` found that it lost."""
    return _boottime() + _lost.seconds


def look(at_once: bool) -> float:
    """Compares with the RTC, once a second or at once. Returns the seconds that were lost since the look before."""
    boottime = _boottime()
    if not at_once and not _lost.due(boottime):
        return 0.0
    try:
        rtc = _read_rtc()
    except (OSError, ValueError):
        return 0.0
    return _lost.look(boottime, rtc)


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _read_rtc() -> int:
    descriptor = os.open(RTC, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return int(os.read(descriptor, 32))
    finally:
        os.close(descriptor)
