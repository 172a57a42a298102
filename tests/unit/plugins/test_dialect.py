# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Versions, and the words that servers of them understand."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils._dialect import (
    CHANNEL_OPTIONS,
    UnknownWord,
    parse_version,
)


@pytest.mark.parametrize(
    ("version", "comment", "flavour", "number"),
    [
        ("9.7.4-2", "(Debian)", "mysql", (9, 7, 4)),
        ("8.0.36", "MySQL Community Server - GPL", "mysql", (8, 0, 36)),
        ("8.0.36-28", "Percona Server (GPL), Release 28", "percona", (8, 0, 36)),
        ("5.7.44-log", "", "mysql", (5, 7, 44)),
        ("5.1", "", "mysql", (5, 1, 0)),
        ("10.11.6-MariaDB-0+deb12u1", "Debian 12", "mariadb", (10, 11, 6)),
        ("5.5.5-10.3.39-MariaDB", "", "mariadb", (10, 3, 39)),
    ],
)
def test_version(version: str, comment: str, flavour: str, number: tuple[int, int, int]) -> None:
    dialect = parse_version(version, comment)
    assert (dialect.flavour, dialect.number, dialect.version) == (flavour, number, version)


@pytest.mark.parametrize(
    ("version", "word", "sql"),
    [
        ("8.0.23", "change_source", "CHANGE REPLICATION SOURCE TO"),
        ("8.0.22", "change_source", "CHANGE MASTER TO"),
        ("8.0.22", "stop_receiver", "STOP REPLICA IO_THREAD FOR CHANNEL %s"),
        ("8.0.21", "stop_receiver", "STOP SLAVE IO_THREAD FOR CHANNEL %s"),
        ("5.7.44", "remove_channel", "RESET SLAVE ALL FOR CHANNEL %s"),
        ("9.7.4", "received_file", "source_log_file"),
        ("5.7.44", "received_file", "master_log_file"),
    ],
)
def test_words_follow_the_version(version: str, word: str, sql: str) -> None:
    assert parse_version(version).sql(word) == sql


@pytest.mark.parametrize(("version", "word"), [("5.6.51", "start_applier"), ("10.11.6-MariaDB", "change_source")])
def test_no_word_for_it(version: str, word: str) -> None:
    with pytest.raises(UnknownWord, match=version):
        parse_version(version).sql(word)


def test_options_are_told_apart_by_name_word_and_column() -> None:
    for attribute in ("name", "sql", "column"):
        assert len({getattr(option, attribute) for option in CHANNEL_OPTIONS}) == len(CHANNEL_OPTIONS)


@given(st.text(), st.text())
def test_hostile_versions(version: str, comment: str) -> None:
    with contextlib.suppress(ValueError):  # any other exception fails the test
        assert all(number >= 0 for number in parse_version(version, comment).number)
