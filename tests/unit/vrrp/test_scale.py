# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Work grows with the configuration and no faster. What is counted are steps, not seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit import Cluster
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_rules import RULES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_conf import parse
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_keywords import ignored
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_misread import misread
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_model import describe
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_programs import commands
from ansible_collections.opendba.mysql_ha.plugins.module_utils._vrrp import combine
from unit.audit.builders import vrrp


class Counted(list[Any]):
    """A list that counts the entries that are looked at."""

    looks = 0

    def __iter__(self) -> Iterator[Any]:
        for each in super().__iter__():
            Counted.looks += 1
            yield each


def configuration(number: int) -> str:
    """As many instances, each with a check and a VIP of its own."""
    return "".join(
        f"vrrp_script c{each} {{\nscript \"/opt/c {each}\"\nweight -20\n}}\nvrrp_instance i{each} {{\ninterface eth0\n"
        f"virtual_router_id {each % 255 + 1}\npriority {each % 200 + 1}\nvirtual_ipaddress {{\n"
        f"10.{each >> 16}.{each >> 8 & 255}.{each & 255}\n}}\ntrack_script {{\nc{each}\n}}\n}}\n"
        for each in range(number)
    )


def steps(work: Callable[[], Any]) -> int:
    """Function calls of Python and C."""
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def growth(work: Callable[[int], Callable[[], Any]], small: int = 50) -> float:
    """How many times the steps grow when the configuration grows eight times."""
    return steps(work(8 * small)) / steps(work(small))


def test_reading_grows_with_the_file() -> None:
    def work(number: int) -> Callable[[], Any]:
        data = configuration(number).encode()

        def read() -> None:
            statements = parse(data, "k.conf")[0]
            commands(describe(statements))
            misread(statements), ignored(statements)

        return read

    assert growth(work) < 10


def test_combining_looks_at_each_definition_a_few_times() -> None:
    described = describe(parse(configuration(400).encode(), "k.conf")[0])
    for key in ("instances", "scripts", "track_files", "track_processes", "sync_groups"):
        described[key] = Counted(described[key])
    Counted.looks = 0
    combine(described, {}, {}, [], True)
    assert Counted.looks < 10 * 400


@pytest.mark.parametrize("rule", [rule.id for rule in RULES if rule.id.startswith(("MHA-V", "MHA-L", "MHA-S006"))])
def test_judging_grows_with_the_instances(rule: str) -> None:
    find = next(each.find for each in RULES if each.id == rule)

    def work(number: int) -> Callable[[], Any]:
        hosts = {name: {"vrrp": vrrp(configuration(number)), "mysql": {"read_only": False}} for name in ("db1", "db2")}
        cluster = Cluster("many", hosts)
        return lambda: list(find(cluster))

    assert growth(work, 30) < 12
