# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All rules together: on clusters as practitioners build them, on odd facts, and on many hosts."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit import (
    SEVERITIES,
    Cluster,
    Evidence,
    Judgement,
    Rule,
    Suppression,
    judge,
)
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_rules import RULES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_stops import kills_keepalived
from unit.audit.builders import change, good, mysql, system, vip, vrrp
from unit.vrrp.practitioners import DIRECTOR, LOCAL_CHECK, LOCAL_CHECK_SCRIPT, PER_INSTANCE, UNICAST

TODAY = "2026-11-21"


def judged(hosts: dict[str, Any], *suppressions: Suppression) -> Judgement:
    result = judge(Cluster("orders", hosts), RULES, suppressions, TODAY)
    assert result.problems == []
    return result


def rules(hosts: dict[str, Any]) -> set[str]:
    return {finding["rule"] for finding in judged(hosts).findings}


def host(text: str, address: str, server: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"vrrp": vrrp(text, **values), "os": system(address)}
    if server:
        found["mysql"] = server
    return found


def dual(one: str, two: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two sources, of which only the first accepts writes."""
    first, second = mysql("db1", two), mysql("db2", one)
    first.update(read_only=False, super_read_only=False)
    return first, second


def test_a_good_cluster_has_no_findings() -> None:
    assert judged(good()) == Judgement([], [], [], [])


def test_dual_source_with_a_local_check() -> None:
    """Field notes, A: nopreempt on the higher one only, health by a virtual_server that stops keepalived."""
    one, two = dual("192.0.2.11", "192.0.2.12")
    other = LOCAL_CHECK.replace("priority 100", "priority 90").replace("    nopreempt\n", "")
    other = other.replace("192.0.2.11 3306", "192.0.2.12 3306")
    hosts = {"db1": host(LOCAL_CHECK, "192.0.2.11", one, state="MASTER"), "db2": host(other, "192.0.2.12", two)}
    at = kills_keepalived(LOCAL_CHECK_SCRIPT)
    for facts in hosts.values():
        facts["vrrp"].update(version="1.4.5")
        facts["vrrp"]["unit"]["Restart"] = "no"
        facts["vrrp"]["programs"][0]["kills_keepalived"] = f"/etc/keepalived/mysql_down.sh:{at}"
        facts["mysql"]["channels"][0].update(source_ssl=False, source_ssl_verify=False)
    assert rules(hosts) == {
        "MHA-V010", "MHA-V015", "MHA-V017", "MHA-V018", "MHA-V022", "MHA-L005", "MHA-L006", "MHA-L014", "MHA-R016",
        "MHA-R022", "MHA-R023", "MHA-S005",
    }  # fmt: skip


def test_directors_with_different_ids() -> None:
    """Field notes, B."""
    other = DIRECTOR.replace("virtual_router_id 60", "virtual_router_id 70").replace("priority 100", "priority 98")
    hosts = {"lvs1": host(DIRECTOR, "192.0.2.5"), "lvs2": host(other, "192.0.2.6")}
    hosts["lvs1"]["vrrp"]["programs"][0]["exists"] = False
    hosts["lvs1"]["os"]["interfaces"] = hosts["lvs2"]["os"]["interfaces"] = ["lo", "bond0.20"]
    assert rules(hosts) == {"MHA-V004", "MHA-V016", "MHA-V017", "MHA-L006"}


def test_an_instance_for_each_mysqld() -> None:
    """Field notes, D: a slow check, equal priorities, a password that is too long, state MASTER with nopreempt."""
    hosts = {"db1": host(PER_INSTANCE, "192.0.2.11"), "db2": host(PER_INSTANCE, "192.0.2.12")}
    for facts in hosts.values():
        facts["os"]["interfaces"] = ["lo", "ens192"]
    assert rules(hosts) == {"MHA-V006", "MHA-V007", "MHA-V009", "MHA-V013", "MHA-V017", "MHA-A006"}


def test_unicast_with_a_weighted_check() -> None:
    """Field notes, E."""
    other = UNICAST.replace("priority 150", "priority 100").replace("interval 10", "interval 120")
    other = other.replace("192.0.2.32", "192.0.2.99").replace("_ip 192.0.2.31", "_ip 192.0.2.32")
    hosts = {"db1": host(UNICAST, "192.0.2.31"), "db2": host(other, "192.0.2.32")}
    for facts in hosts.values():
        facts["os"]["interfaces"] = ["lo", "ens3"]
    assert rules(hosts) == {"MHA-V006", "MHA-V012", "MHA-V013", "MHA-V032"}


def test_a_stale_vip_after_a_kill() -> None:
    hosts = change(good(), "db1/vrrp/running", False)
    left = vip("192.0.2.100", here=True, stale=True, reason="keepalived does not run here")
    hosts = change(hosts, "db1/vips/0", left)
    hosts = change(hosts, "db2/vips/0/here", True)
    assert {"MHA-V001", "MHA-V003", "MHA-V021", "MHA-V029"} == rules(hosts)


def test_the_worst_comes_first() -> None:
    hosts = change(change(good(), "db1/os/firewall_rules", 0), "db2/mysql/read_only", False)
    severities = [finding["severity"] for finding in judged(hosts).findings]
    assert severities == sorted(severities, key=SEVERITIES.index)
    assert severities[0] == "critical"


def test_findings_say_everything_and_are_json() -> None:
    finding = judged(change(good(), "db2/vrrp/instances/0/virtual_router_id", 60)).findings[0]
    assert finding.keys() == {"rule", "severity", "title", "cluster", "why", "mend", "variable", "evidence"}
    assert finding["evidence"][1] == {
        "host": "db2", "text": "virtual router id 60 for 192.0.2.100, but 51 on db1", "value": 60,
        "at": "keepalived.conf:13",
    }  # fmt: skip
    json.dumps(finding)


@pytest.mark.parametrize(
    ("suppression", "suppressed"),
    [
        (Suppression("MHA-S001", "db1", "vendor's kernel", "2027-01-01"), True),
        (Suppression("MHA-S001", "", "vendor's kernel", "2026-11-21"), True),
        (Suppression("MHA-S001", "db2", "vendor's kernel", "2027-01-01"), False),
        (Suppression("MHA-S002", "db1", "vendor's kernel", "2027-01-01"), False),
        (Suppression("MHA-S001", "db1", "vendor's kernel", "2026-11-20"), False),
        (Suppression("MHA-S001", "db1", "", "2027-01-01"), False),
    ],
)
def test_suppressions(suppression: Suppression, suppressed: bool) -> None:
    result = judged(change(good(), "db1/os/selinux", "disabled"), suppression)
    assert (len(result.findings), len(result.suppressed)) == ((0, 1) if suppressed else (1, 0))
    if suppressed:
        assert [each["reason"] for each in result.suppressed[0]["suppressions"]] == ["vendor's kernel"]


def test_hosts_that_say_nothing_are_named() -> None:
    result = judged({"db1": {"mysql": None}, "db2": {"mysql": {"reachable": False, "reason": "refused"}}})
    assert result.findings == []
    for host in ("db1", "db2"):
        assert {"rule": "MHA-R001", "host": host, "missing": ["mysql"]} in result.unjudged


def test_a_rule_that_fails_does_not_end_the_audit() -> None:
    def broken(_cluster: Cluster) -> list[Evidence]:
        raise KeyError("odd")

    odd = Rule("MHA-X001", "critical", "Odd", "Why.", "mend", "", ("os",), broken)
    result = judge(Cluster("orders", change(good(), "db1/os/selinux", "disabled")), [odd, *RULES], [], TODAY)
    assert result.problems == ["MHA-X001 on orders: KeyError: 'odd'"]
    assert [finding["rule"] for finding in result.findings] == ["MHA-S001"]


def test_without_prepared_transactions_no_system_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """That asks for the home of every source: in a cluster of many hosts it was half of all work."""
    (rule,) = [rule for rule in RULES if rule.id == "MHA-R025"]
    asked: list[Cluster] = []
    monkeypatch.setattr(Cluster, "follows_outsiders", asked.append)
    assert list(rule.find(Cluster("one", good()))) == []
    assert asked == []


def test_two_hundred_hosts_in_time() -> None:
    one = good()
    many = {f"{name}-{number}": facts for number in range(50) for name, facts in one.items()}
    started = time.monotonic()
    judge(Cluster("many", many), RULES, [], TODAY)
    for number in range(50):
        judge(Cluster(str(number), one), RULES, [], TODAY)
    assert time.monotonic() - started < 10
