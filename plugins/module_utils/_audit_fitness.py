# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who should be in a pool of readers, judged by what the servers say themselves. Pure.

Balancers and servers are read some seconds apart: only what is clear counts, what may just have changed does not.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_MAX_LAG = re.compile(r"[?&]max_lag=([0-9]{1,9}(?:\.[0-9]{1,9})?)")
DEFAULT_MAX_LAG = 10.0  # seconds; of the agents, where the question names none


class Fitness(NamedTuple):
    """Whether it should get reads; None where that is not clear."""

    fit: bool | None
    reason: str


def asks_for_readers(check: str) -> bool:
    """Whether a check is the question that agents answer for readers."""
    return bool(re.search(r"/reader(?:[?\s\"]|$)", check))


def fitness(mysql: dict[str, Any], check: str) -> Fitness:
    """Of a member whose facts are `mysql`, for a pool whose check is `check`."""
    if mysql.get("read_only") is None:
        return Fitness(None, "")
    if mysql["read_only"] is False:
        asked = "writer=1" in check
        return Fitness(asked, "read_only = OFF" + ("" if asked else ", and the check asks for replicas alone"))
    channels = mysql.get("channels") or []
    for channel in channels:
        for thread in ("io_running", "sql_running"):
            if channel.get(thread) not in ("Yes", None):
                return Fitness(False, f"{thread} = {channel[thread]}")
    lags = [channel.get("lag_seconds") for channel in channels]
    if not lags or None in lags:
        return Fitness(None, "")
    named = _MAX_LAG.search(check)
    limit, lag = float(named[1]) if named else DEFAULT_MAX_LAG, max(lags)
    if lag > 2 * limit + 5:
        return Fitness(False, f"it is {lag:g} s behind, and the check allows {limit:g} s")
    return Fitness(True if lag <= limit / 2 else None, f"it replicates, {lag:g} s behind")
