# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one clock of the agent."""

from __future__ import annotations

import time


def now() -> float:
    """Seconds of CLOCK_BOOTTIME: it also counts while the machine is suspended, so that a lease runs out meanwhile."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
