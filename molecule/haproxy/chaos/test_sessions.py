# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sessions that are silent, sessions that are many, and what the looks of the proxies cost mysqld."""

from __future__ import annotations

import time

import pytest

from integration.lab_haproxy import READS, WRITES, Reads, holder, info, noise, whole

EACH = 1000


@pytest.fixture(scope="module", autouse=True)
def built(idle: list[Reads]) -> None:
    whole()


def test_the_looks_of_the_proxies_are_no_noise() -> None:
    before = noise()
    time.sleep(60)
    assert noise() == before


def test_as_many_sessions_as_documented() -> None:
    many = [Reads("many", EACH, port) for port in (WRITES, READS)]
    results = [each.result() for each in many]
    assert [(opened, alive) for opened, alive, _errors in results] == [(EACH, EACH)] * 2, results
    assert info(holder())["maxconn"] >= 2 * EACH


def test_silent_sessions_live(idle: list[Reads]) -> None:
    for session in idle:
        first, last = session.reads()
        assert first.host == last.host is not None
        assert last.at - first.at >= 600
