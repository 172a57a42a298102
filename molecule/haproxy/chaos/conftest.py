# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tests of several files wait for together."""

from __future__ import annotations

import pytest

from integration.lab_haproxy import READS, WRITES, Reads, whole

IDLE = 600


@pytest.fixture(scope="session")
def idle() -> list[Reads]:
    """Sessions that are silent for ten minutes, while tests run that strike nobody."""
    whole()
    return [Reads("idle", IDLE, port) for port in (WRITES, READS)]
