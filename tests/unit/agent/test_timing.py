# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which times of the core must be longer than which, and why. Each line is a lemma of docs/failover.md."""

from __future__ import annotations

from mysql_ha_agent import timing as t
from mysql_ha_agent.config import Config
from mysql_ha_agent.peers import AGAIN, BOUND, PACE, WAIT
from mysql_ha_agent.trackfile import DISK_OUTDATED
from unit.agent.world import CONFIG

NEWEST_ANSWER = 2 * WAIT + PACE  # a question may wait at the peer, and so may the one before it
QUESTIONS_WITHOUT_ANSWERS = WAIT + BOUND + AGAIN  # from one to the next, where answers do not arrive
DETAILS_EVERY = 1.0


def test_a_quiet_peer_is_never_taken_for_silent() -> None:
    assert NEWEST_ANSWER < t.PEER_ANSWERS_WITHIN < t.FRESH < t.PEER_SILENT


def test_questions_alone_keep_a_peer_known() -> None:
    assert QUESTIONS_WITHOUT_ANSWERS < t.PEER_SILENT


def test_the_standby_gives_up_before_the_writer_goes_on() -> None:
    """It counts from sending, the writer from arrival, each in steps of its own."""
    assert t.LEASE_MARGIN > t.BUSY + PACE


def test_a_promotion_after_a_power_off_begins_within_the_lease() -> None:
    """With the default advert interval and skew."""
    advert = 0.5
    assert 3 * advert + 26 / 256 * advert + NEWEST_ANSWER <= CONFIG.lease


def test_an_isolated_writer_closes_while_its_standby_may_still_lead() -> None:
    assert t.DEAF * CONFIG.lease + CONFIG.demote_timeout < CONFIG.lease
    assert t.DEAF * CONFIG.lease >= t.PEER_SILENT - PACE


def test_what_a_writer_acknowledges_alone_a_standby_was_told_before() -> None:
    assert t.HEARD_WITHIN >= t.FRESH + WAIT
    assert t.WAITS_AFTER >= DETAILS_EVERY


def test_a_newer_transaction_heals_before_a_lost_acknowledgement_costs_anything() -> None:
    assert t.NUDGE_AFTER + t.RETRY < t.STUCK_AFTER < t.HALTED


def test_silence_after_a_cut_of_ones_own_is_waited_out() -> None:
    """TCP sends a lost question again after 0.2, 0.4 and 0.8 s; a new question is put in between."""
    assert t.RECONNECTED > t.RETRY + BOUND / 2
    assert t.CUT > 2 * WAIT


def test_one_that_has_more_gets_the_vip_before_the_other_tries_again() -> None:
    slowest_advert = 1.0
    assert 3 * slowest_advert + slowest_advert + t.STEADY < t.OUTDONE


def test_an_applier_that_stands_is_looked_at_more_than_once() -> None:
    assert t.APPLIER_STANDS >= 2 * DETAILS_EVERY
    assert t.BEHIND > t.CLOSE_BEHIND + DETAILS_EVERY


def test_catching_up_has_two_thresholds() -> None:
    assert t.CLOSE_BEHIND + DETAILS_EVERY < t.FAR_BEHIND


def test_retries_are_slower_than_what_they_repeat() -> None:
    assert t.RETRY_EVENTS > DETAILS_EVERY
    assert t.RETRY_SEMI_SYNC > 1.3
    assert t.BUSY < t.CALM < t.ANSWERS_WITHIN


def test_the_guard_is_heard_before_its_word_is_outdated() -> None:
    config: Config = CONFIG
    assert config.disk_timeout >= DISK_OUTDATED
