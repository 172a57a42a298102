# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The short form of `make fuzz`: the same inputs at each run. It would notice what it is there for."""

from __future__ import annotations

import pytest

from fuzz import targets
from fuzz.corpus import PLANTED, SECRET, kinds, samples
from fuzz.run import once


@pytest.mark.parametrize("kind", kinds())
def test_mutated_files_break_nothing(kind: str) -> None:
    once(kind, 1, examples=12)


@pytest.mark.parametrize("kind", kinds())
def test_all_planted_lines_in_a_whole_sample(kind: str) -> None:
    text = next(each.text for each in samples() if each.kind == kind)
    targets.check(kind, "\n".join([text, *PLANTED[kind]]))


def test_a_secret_that_comes_out_is_noticed() -> None:
    with pytest.raises(targets.Broken, match=r"^the secret is in facts"):
        targets.check("haproxy", f"listen {SECRET}\n    bind :1\n    server db1 192.0.2.11:3306\n")


def test_a_rule_that_fails_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = {"hap1": {"os": {"addresses": ["192.0.2.31"], "clock_offset": "late"}}}
    monkeypatch.setitem(targets.TARGETS, "haproxy", lambda _text: odd)
    with pytest.raises(targets.Broken, match=r"^a rule fails: .*MHA-S003"):
        targets.check("haproxy", "")
