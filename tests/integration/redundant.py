# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One cluster for all tests of a scenario with faults; each test begins with it redundant."""

from __future__ import annotations

from bench import load
from bench.cluster import Cluster
from bench.hosts import Failed

BROKEN: list[str] = []


def prepared(cluster: Cluster) -> Cluster:
    """Redundant for the first time, with what the load needs. Raises Failed."""
    load.install(cluster.client)
    cluster.heal()
    cluster.make_table()
    return cluster


def redundant(cluster: Cluster) -> Cluster:
    """Made redundant again. A cluster that cannot be healed fails the rest at once."""
    if not BROKEN:
        try:
            cluster.heal(120)
        except Failed as error:
            BROKEN.append(str(error))
    assert BROKEN == []
    return cluster
