# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit's result on a terminal, as JSON, SARIF and JUnit."""

from __future__ import annotations

import json
import re
import time
from copy import deepcopy
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _audit_report as report
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_report_text import line, middle, seconds, where
from unit.audit import report_samples as samples

SCHEMA = json.loads(samples.SCHEMA.read_text())
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")
RESULTS = {
    "sample": samples.sample,
    "nothing": lambda: samples.result([]),
    "clean": lambda: samples.result([samples.chain()]),
    "shapes": lambda: samples.result([samples.many_replicas(), samples.dual_source(), samples.ring()]),
    "hostile": samples.hostile,
    "never": lambda: samples.result([samples.dual_source()], fail_on="never"),
}


@pytest.fixture(params=RESULTS)
def any_result(request: pytest.FixtureRequest) -> dict[str, Any]:
    return RESULTS[request.param]()


def text_of(name: str, result: dict[str, Any]) -> str:
    return report.render(result, [name])[report.REPORTS[name][0]]


# --- The form that all are made from


def test_the_schema_is_one_and_the_results_of_these_tests_fit(any_result: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(any_result)


def test_reports_leave_the_result_as_it_was(any_result: dict[str, Any]) -> None:
    before = deepcopy(any_result)
    files = report.render(any_result)
    assert any_result == before
    assert sorted(files) == ["audit.html", "audit.json", "audit.junit.xml", "audit.sarif"]
    assert report.render(any_result) == files


# --- Console


def test_console_says_the_worst_first_with_host_value_and_place_and_ends_with_the_counts() -> None:
    lines = report.console(samples.sample(), ["/srv/audit/audit.html"])
    heads = [entry for entry in lines if entry.startswith(("CRITICAL", "SERIOUS", "WARNING", "INFO"))]
    assert [entry.split()[0] for entry in heads] == ["CRITICAL", "SERIOUS", "WARNING", "WARNING", "INFO"]
    assert heads[0] == "CRITICAL  MHA-V001  A VIP is on more than one host  [192.0.2.150]"
    assert lines[1] == "    old1  192.0.2.150 is on eth0, and on old2 too  /etc/keepalived/keepalived.conf:22"
    assert lines[-3:] == [
        "8 hosts in 3 clusters, 1 not asked. Findings: 1 critical, 1 serious, 2 warning, 1 info; 1 suppressed;"
        " 3 not judged.",
        "Written: /srv/audit/audit.html",
        "FAILED: there is a finding at least as severe as audit_fail_on = critical.",
    ]
    assert "    gone1: Failed to connect to the host via ssh: Connection timed out" in lines
    assert any("MHA-V010 on old1: ended on 2026-06-30" in entry for entry in lines)


def test_console_shows_a_value_that_the_sentence_does_not_name() -> None:
    result = samples.result([samples.dual_source()])
    evidence = result["clusters"][0]["findings"][0]["evidence"][0]
    evidence.update(text="binary logs expire early", value="3600 s")
    assert "binary logs expire early (3600 s)" in "\n".join(report.console(result))


def test_console_stays_short_whatever_was_found() -> None:
    lines = report.console(samples.large())
    assert len(lines) < 60 * 9
    assert "… and 940 findings more, none of them worse: the files have them." in lines
    assert any(entry.startswith("200 hosts in 40 clusters") for entry in lines)


def test_console_gives_a_terminal_nothing_to_obey() -> None:
    assert not [entry for entry in report.console(samples.hostile()) if CONTROLS.search(entry)]


def test_console_of_a_clean_audit_is_one_line() -> None:
    lines = report.console(samples.result([samples.chain()]))
    assert lines == [
        "5 hosts in 1 cluster, 0 not asked. Findings: 0 critical, 0 serious, 0 warning, 0 info; 0 suppressed;"
        " 0 not judged."
    ]


# --- JSON


def test_json_is_the_result(any_result: dict[str, Any]) -> None:
    found = json.loads(text_of("json", any_result))
    Draft202012Validator(SCHEMA).validate(found)
    assert len(found["clusters"]) == len(any_result["clusters"])
    if any_result["clusters"] and "script" not in json.dumps(found["hosts"]):
        assert found == any_result


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (float("nan"), "nan"), (float("inf"), "inf"), ({"b", "a"}, ["a", "b"]), (b"\xff", "b'\\xff'"),
        ((1, None), [1, None]), ({1: object}, {"1": "<class 'object'>"}), ("half \ud800", "half \\ud800"),
        (True, True), (1.5, 1.5),
    ],
)  # fmt: skip
def test_json_takes_any_value(value: Any, written: Any) -> None:
    result = samples.sample()
    result["clusters"][0]["findings"][0]["evidence"][0]["value"] = value
    found = json.loads(text_of("json", result), parse_constant=pytest.fail)
    assert found["clusters"][0]["findings"][0]["evidence"][0]["value"] == written
    for name in report.REPORTS:
        text_of(name, result).encode()


# --- SARIF: the rules of the standard (OASIS, SARIF 2.1.0) by their numbers


def test_sarif_follows_the_standard(any_result: dict[str, Any]) -> None:
    log = json.loads(text_of("sarif", any_result))
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"  # 3.13.2
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"]  # 3.19.8
    identities = [rule["id"] for rule in rules]
    assert len(set(identities)) == len(identities)
    for rule in rules:
        assert rule["shortDescription"]["text"].strip()  # 3.49.9, 3.12.3
        assert rule["fullDescription"]["text"].strip()
        assert rule["help"]["text"].strip()
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")  # 3.50.3
    prints = [each["partialFingerprints"]["place/v1"] for each in run["results"]]
    assert len(set(prints)) == len(prints)
    for each in run["results"]:
        assert rules[each["ruleIndex"]]["id"] == each["ruleId"]  # 3.27.6
        assert each["kind"] == "fail"  # 3.27.9: else level is none
        assert each["level"] in ("note", "warning", "error")  # 3.27.10
        assert 0 <= each["rank"] <= 100  # 3.27.25
        assert each["message"]["text"].strip()  # 3.11.8
        assert "](" not in each["message"]["text"]  # 3.11.6 links
        assert not re.search(r"[{}]", re.sub(r"\{\{|\}\}", "", each["message"]["text"]))  # 3.11.5 placeholders
        assert isinstance(each["suppressions"], list)  # 3.27.23: on all results or on none
        for entry in each["suppressions"]:
            assert entry["kind"] in ("inSource", "external")  # 3.35.2
            assert entry["status"] in ("accepted", "underReview", "rejected")  # 3.35.3
        [location] = each["locations"]
        assert location["logicalLocations"][0]["fullyQualifiedName"]
        if "physicalLocation" in location:
            artifact = location["physicalLocation"]["artifactLocation"]
            assert artifact["uriBaseId"] in run["originalUriBaseIds"]  # 3.4.4
            assert re.fullmatch(r"(?!/)[A-Za-z0-9._~/%-]+", artifact["uri"])  # 3.4.3: a relative reference
            assert location["physicalLocation"].get("region", {"startLine": 1})["startLine"] >= 1  # 3.30.5
    [invocation] = run["invocations"]
    assert invocation["executionSuccessful"] is True  # 3.20.14
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", invocation["endTimeUtc"])  # 3.9
    for note in invocation["toolExecutionNotifications"] + invocation["toolConfigurationNotifications"]:
        assert note["level"] in ("note", "warning", "error")
        assert note["message"]["text"].strip()


def test_sarif_names_rule_level_place_and_suppression() -> None:
    run = json.loads(text_of("sarif", samples.sample()))["runs"][0]
    first, last = run["results"][0], run["results"][-1]
    assert (first["ruleId"], first["level"], first["suppressions"]) == ("MHA-V001", "error", [])
    assert first["message"]["text"] == "A VIP is on more than one host: old1: 192.0.2.150 is on eth0, and on old2 too"
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "etc/keepalived/keepalived.conf", "uriBaseId": "old1"}, "region": {"startLine": 22},
    }  # fmt: skip
    assert first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "192.0.2.150/old1"
    assert [entry["justification"] for entry in last["suppressions"]] == [
        "Replaced in March (CHG-1234) (until 2027-03-31)"
    ]
    notes = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert "gone1 could not be asked: Failed to connect to the host via ssh: Connection timed out" in notes


def test_sarif_knows_a_hazard_again_when_its_value_changes() -> None:
    old, new = samples.sample(), samples.sample()
    new["clusters"][0]["findings"][1]["evidence"][0].update(text="now it is another error", value=1032)
    results = [json.loads(text_of("sarif", each))["runs"][0]["results"] for each in (old, new)]
    assert [each["partialFingerprints"] for each in results[0]] == [each["partialFingerprints"] for each in results[1]]


# --- JUnit


def cases(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    """(class, name) -> what came of it."""
    root = ElementTree.fromstring(text_of("junit", result).encode())  # noqa: S314, it is ours
    found = {}
    for suite in root:
        assert suite.attrib["tests"] == str(len(suite))
        for kind, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.attrib[kind] == str(len(suite.findall(f"*/{element}")))
        for case in suite:
            outcome = [child.tag for child in case if child.tag != "system-out"]
            assert len(outcome) <= 1
            found[case.attrib["classname"], case.attrib["name"]] = outcome[0] if outcome else "passed"
    for kind in ("tests", "failures", "errors", "skipped"):
        assert root.attrib[kind] == str(sum(int(suite.attrib[kind]) for suite in root))
    return found


def test_junit_is_well_formed_and_counts_right(any_result: dict[str, Any]) -> None:
    assert len(cases(any_result)) >= len(any_result["hosts"])


@pytest.mark.parametrize(
    ("fail_on", "critical", "serious", "info", "silent"),
    [
        ("critical", "failure", "skipped", "skipped", "error"), ("serious", "failure", "failure", "skipped", "error"),
        ("info", "failure", "failure", "failure", "error"), ("never", "skipped", "skipped", "skipped", "skipped"),
    ],
)  # fmt: skip
def test_junit_fails_where_the_audit_does(fail_on: str, critical: str, serious: str, info: str, silent: str) -> None:
    found = cases({**samples.sample(), "fail_on": fail_on})
    assert found["192.0.2.150", "MHA-V001 A VIP is on more than one host"] == critical
    assert found["192.0.2.150", "MHA-R009 Replication has stopped"] == serious
    assert found["192.0.2.150", "MHA-S002 No firewall on the host"] == info
    assert found["192.0.2.150", "MHA-S004 MySQL is out of support (suppressed)"] == "skipped"
    assert found["gone1", "gone1 can be asked"] == silent
    assert found["orders", "db1 can be asked"] == "passed"


# --- Text and numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\tb\r\n c", "a b c"), ("\x1b[31m", "\\u001b[31m"), ("\u202e", "\\u202e"), ("\ud800", "\\ud800"), (None, ""),
        ("db\u200b1", "db\\u200b1"), ("\xad\U000e0041", "\\u00ad\\U000e0041"), ("Müller 数", "Müller 数"),
        (7, "7"), ("x" * 12, "x" * 10 + "… (2 characters more)"), ("x" * 11, "x" * 10 + "… (1 character more)"),
    ],
)  # fmt: skip
def test_line(value: Any, text: str) -> None:
    assert line(value, 10) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 s"), (0.004, "0 s"), (0.1234, "0.123 s"), (61, "61 s"), (120, "2 min"), (7200, "2 h"), (4e5, "4.63 d"),
        (None, "lag ?"),
    ],
)  # fmt: skip
def test_seconds(value: float | None, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("at", "place"),
    [
        ("/etc/a.cnf:12", ("/etc/a.cnf", 12)), ("/etc/a:b", ("/etc/a:b", None)), ("/etc/a:0", ("/etc/a:0", None)),
        (None, ("", None)),
    ],
)  # fmt: skip
def test_where(at: str | None, place: tuple[str, int | None]) -> None:
    assert where(at) == place


def test_middle_keeps_both_ends() -> None:
    assert middle("db-production-eu-west-01", 13) == "db-pro…est-01"
    assert len(middle("db-production-eu-west-01", 12)) == 12


# --- Size


def test_all_reports_of_200_hosts_with_1000_findings_take_less_than_3_seconds() -> None:
    result = samples.large()
    assert (len(result["hosts"]), sum(len(each["findings"]) for each in result["clusters"])) == (200, 1000)
    start = time.process_time()  # other programs do not count
    files = report.render(result)
    report.console(result)
    assert time.process_time() - start < 3
    assert sum(map(len, files.values())) < 20_000_000
