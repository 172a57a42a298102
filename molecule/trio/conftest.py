# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Three candidates."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.cluster import Cluster
from integration.redundant import prepared, redundant

INVENTORY = Path(__file__).with_name("inventory")


@pytest.fixture(scope="module")
def built() -> Cluster:
    return prepared(Cluster(Path(os.environ.get("MHA_INVENTORY", INVENTORY)), group="trio", rejoins=True))


@pytest.fixture
def cluster(built: Cluster) -> Cluster:
    return redundant(built)
