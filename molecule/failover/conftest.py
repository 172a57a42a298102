# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One cluster for all tests of the scenario; each test begins with it redundant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench import load
from bench.build import INVENTORY
from bench.cluster import Cluster
from bench.hosts import Failed

BROKEN: list[str] = []


@pytest.fixture(scope="module")
def built() -> Cluster:
    made = Cluster(Path(os.environ.get("MHA_INVENTORY", INVENTORY)), rejoins=True)
    load.install(made.client)
    made.heal()
    made.make_table()
    return made


@pytest.fixture
def cluster(built: Cluster) -> Cluster:
    """Redundant. A cluster that cannot be healed fails the rest at once."""
    if not BROKEN:
        try:
            built.heal(120)
        except Failed as error:
            BROKEN.append(str(error))
    assert BROKEN == []
    return built
