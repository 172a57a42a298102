# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Thirty clients that reconnect at once live through a change of the writer: none is left waiting for a host that has
lost the VIP, and no socket of the VIP stays there. The long form is `make crowd`."""

from __future__ import annotations

import pytest

from bench import crowd
from bench.cluster import Cluster

HANGS = 3.0  # seconds; without a reset a client waits for 20 s. `make crowd` has the bar of 1 s


@pytest.mark.parametrize("way", ["planned demote", "mysqld stopped", "keepalived stopped"])
def test_no_client_is_left_waiting(cluster: Cluster, way: str) -> None:
    crowd.install(cluster)
    found = crowd.change(cluster, way)
    assert [wait for wait in found.waits if wait.length > HANGS] == []
    assert found.left == []


def test_half_open_logins_hold_up_neither_a_demotion_nor_certificates(cluster: Cluster) -> None:
    crowd.install(cluster)
    writer = cluster.writer()
    with crowd.HalfOpen(cluster, 20):
        found = crowd.change(cluster, "planned demote", clients=1)
        crowd.reload_certificates(writer)
    assert found.left == []
