# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All candidates lose power at once, and who leads when some of them are back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bench import faults, hosts
from bench.cluster import Cluster
from bench.faults import Fault
from bench.trial import Trial

BACK = 40.0  # seconds


def power_cut(trial: Trial) -> dict[str, Fault]:
    """Together, so that none sees another fall."""
    names = trial.cluster.candidates
    with ThreadPoolExecutor(len(names)) as pool:
        struck = dict(zip(names, pool.map(faults.powered_off, names), strict=True))
    trial.faults += struck.values()
    return struck


def leader_of(cluster: Cluster, names: list[str]) -> str:
    """Of those that are back. Raises Failed."""

    def one() -> str:
        writers = [name for name, each in cluster.status(names[0]).items() if each.get("writer")]
        return writers[0] if len(writers) == 1 else ""

    return hosts.wait(one, f"one of {' and '.join(names)} leads", BACK)
