# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""/metrics, read back by a parser that forgives nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_ha_agent.metrics import PHASES, metrics
from mysql_ha_agent.model import Durable, Peer, Seen, State, Witness
from mysql_ha_agent.telling import status
from unit.agent.world import CHANNEL, CONFIG, DOWN, KNOWN, LED, NOW, OPENED, STANDBY, WRITER, config, up

SAMPLE = re.compile(r"([a-z_][a-z0-9_]*)\{(.*)\} (\S+)")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


class Sample(NamedTuple):
    name: str
    labels: dict[str, str]
    value: float


def read(text: str) -> list[Sample]:
    """Fails on what the format (0.0.4) does not allow, and on what it allows but nobody wants."""
    assert text.endswith("\n")
    samples: list[Sample] = []
    names: list[str] = []
    lines = iter(text[:-1].split("\n"))
    for line in lines:
        if line.startswith("#"):
            assert not names or samples[-1].name == names[-1], f"{names[-1]} has no sample"
            name, words = line.removeprefix("# HELP ").split(" ", 1)
            assert line.startswith("# HELP ")
            assert words
            assert name not in names, f"{name} comes twice"
            assert next(lines, "") == f"# TYPE {name} gauge"
            names.append(name)
            continue
        sample = read_sample(line)
        assert sample.name == names[-1]
        assert (sample.name, sample.labels) not in [(each.name, each.labels) for each in samples]
        samples.append(sample)
    assert samples[-1].name == names[-1]
    return samples


def read_sample(line: str) -> Sample:
    match = SAMPLE.fullmatch(line)
    assert match, line
    pairs = LABEL.findall(match[2])
    assert "".join(f'{name}="{text}",' for name, text in pairs) == match[2] + ","
    plain = {name: re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text) for name, text in pairs}
    assert len(plain) == len(pairs)
    return Sample(match[1], plain, float(match[3]))


def of(seen: Seen, state: State = KNOWN, **changes: Any) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for sample in read(metrics({**status(CONFIG, seen, state, NOW), **changes})):
        found.setdefault(sample.name.removeprefix("mysql_ha_"), []).append(sample)
    return found


def value(found: dict[str, list[Sample]], name: str) -> float:
    only, = found[name]
    return only.value


def test_a_writer() -> None:
    found = of(WRITER, LED)
    for name, expected in {
        "up": 1, "writer": 1, "eligible": 1, "vip_here": 1, "keepalived_up": 1, "paused": 0, "held": 0, "read_only": 0,
        "super_read_only": 0, "generation": 3, "led_generation": 3, "alone": 0, "left_behind": 0, "errant": 0,
        "not_redundant": 0, "semi_sync_enabled": 1, "semi_sync_clients": 1, "disk_stalled_seconds": 0,
        "mysqld_answer_age_seconds": 0,
    }.items():
        assert value(found, name) == expected, name


def test_every_sample_says_whose_it_is() -> None:
    for samples in of(WRITER, LED).values():
        for sample in samples:
            assert (sample.labels["cluster"], sample.labels["instance"]) == ("orders", "a")
            assert sample.name.startswith("mysql_ha_")


@pytest.mark.parametrize("phase", PHASES)
def test_exactly_one_phase_is_on(phase: str) -> None:
    phases = {sample.labels["phase"]: sample.value for sample in of(STANDBY, replace(KNOWN, phase=phase))["phase"]}
    assert phases == {each: float(each == phase) for each in PHASES}


def test_what_is_wrong() -> None:
    seen = replace(
        WRITER, saved=Durable(9, 9, alone=True, left_behind=True, errant="u:1"), hold="", paused=True, disk_stalled=2.5,
        mysqld=up(replace(OPENED, channels=(replace(CHANNEL, applier=False, applier_error=1062, lag=7.25),))))
    found = of(seen, replace(LED, reasons=("It is held.",)))
    for name in ("alone", "left_behind", "errant", "held", "paused", "not_redundant", "channel_broken"):
        assert value(found, name) == 1, name
    assert (value(found, "eligible"), value(found, "channel_running")) == (0, 0)
    assert (value(found, "channel_lag_seconds"), value(found, "disk_stalled_seconds")) == (7.25, 2.5)


def test_what_is_not_known_has_no_sample() -> None:
    found = of(replace(STANDBY, mysqld=DOWN, peers=(Peer("b"),), witnesses=(Witness("x"),)))
    assert value(found, "up") == 0
    for name in ("read_only", "semi_sync_enabled", "mysqld_answer_age_seconds", "channel_running", "peer_age_seconds",
                 "witness_age_seconds"):
        assert name not in found, name


def test_peers_and_witnesses_by_name() -> None:
    found = of(replace(STANDBY, witnesses=(Witness("10.0.0.254", NOW, NOW - 0.5),)))
    assert {sample.labels["peer"]: sample.value for sample in found["peer_age_seconds"]} == {"b": 0, "r": 0}
    assert {sample.labels["witness"]: sample.value for sample in found["witness_age_seconds"]} == {"10.0.0.254": 0.5}


@given(st.text(min_size=1, max_size=12))
def test_any_name_can_be_read_back(name: str) -> None:
    told = status(config(cluster=name), STANDBY, KNOWN, NOW)
    assert {sample.labels["cluster"] for sample in read(metrics(told))} == {name}


@pytest.mark.parametrize("text", [
    "a 1", "# HELP a b\n# TYPE a gauge\n", '# HELP a b\n# TYPE a gauge\na{x="1"} 1\na{x="1"} 2\n',
    '# HELP a b\n# TYPE a gauge\na{x="1} 1\n', '# HELP a b\n# TYPE a gauge\na{x="1"} one\n',
    '# HELP a b\n# TYPE a gauge\nb{x="1"} 1\n', '# TYPE a gauge\na{x="1"} 1\n',
])
def test_the_parser_forgives_nothing(text: str) -> None:
    with pytest.raises((AssertionError, ValueError, IndexError)):
        read(text)
