# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's result as SARIF 2.1.0: docs/audit-report.md says what is where. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote

from ._audit_report_json import dump
from ._audit_report_text import Result, extra, findings, line, where

_SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"critical": "error", "serious": "error", "warning": "warning", "info": "note"}
_RANKS = {"critical": 100.0, "serious": 75.0, "warning": 50.0, "info": 25.0}


def sarif(result: Result) -> str:
    """One result per piece of evidence; files are told relative to the host that has them."""
    rules: dict[str, Result] = {}
    for finding in [*findings(result), *findings(result, "suppressed")]:
        rules.setdefault(finding["rule"], finding)
    places = {identity: place for place, identity in enumerate(rules)}
    seen: Counter[str] = Counter()
    results = [_result(*each, places, seen) for each in _pairs(result)]
    hosts = {host["name"] for host in result["hosts"]} | {each["properties"]["host"] for each in results}
    run = {
        "tool": {
            "driver": {
                "name": "opendba.mysql_ha audit", "version": line(result["collection_version"]),
                "rules": [_rule(rule) for rule in rules.values()],
            }
        },
        "automationDetails": {"id": f"opendba.mysql_ha/audit/{line(result['generated_at'])}"},
        "invocations": [_invocation(result)],
        "originalUriBaseIds": {
            line(host): {"description": {"text": f"the file system of host {line(host)}"}} for host in sorted(hosts)
        },
        "columnKind": "unicodeCodePoints",
        "results": results,
    }  # fmt: skip
    return dump({"$schema": _SARIF, "version": "2.1.0", "runs": [run]})


def _pairs(result: Result) -> Iterator[tuple[Result, Result]]:
    for key in ("findings", "suppressed"):
        yield from ((finding, evidence) for finding in findings(result, key) for evidence in finding["evidence"])


def _rule(finding: Result) -> Result:
    help_text = line(finding["mend"])
    if finding["variable"]:
        help_text += f" Variable of the collection: {line(finding['variable'])}"
    return {
        "id": line(finding["rule"]),
        "shortDescription": {"text": line(finding["title"])},
        "fullDescription": {"text": line(finding["why"])},
        "help": {"text": help_text},
        "defaultConfiguration": {"level": _LEVELS[finding["severity"]], "rank": _RANKS[finding["severity"]]},
        "properties": {"severity": finding["severity"], "tags": ["mysql", "availability"]},
    }


def _result(finding: Result, evidence: Result, places: dict[str, int], seen: Counter[str]) -> Result:
    host, cluster = line(evidence["host"]), line(finding["cluster"])
    name, number = where(evidence["at"])
    location: Result = {
        "logicalLocations": [{"name": host, "fullyQualifiedName": f"{cluster}/{host}", "kind": "resource"}]
    }
    if name:
        # One slash would make it absolute, and two a host.
        physical: Result = {"artifactLocation": {"uri": quote(line(name).lstrip("/")), "uriBaseId": host}}
        if number:
            physical["region"] = {"startLine": number}
        location["physicalLocation"] = physical
    value = extra(evidence)
    text = f"{line(finding['title'])}: {host}: {line(evidence['text'])}" + (f" ({value})" if value else "")
    # The text is no part of it: a lag that grows is the same hazard.
    identity = "\n".join((finding["rule"], cluster, host, name))
    seen[identity] += 1
    return {
        "ruleId": line(finding["rule"]), "ruleIndex": places[finding["rule"]],
        "level": _LEVELS[finding["severity"]], "rank": _RANKS[finding["severity"]], "kind": "fail",
        "message": _message(text),
        "locations": [location],
        "partialFingerprints": {"place/v1": _digest(f"{identity}\n{seen[identity]}")},
        # The standard wants this on all results or on none.
        "suppressions": [
            {
                "kind": "external", "status": "accepted",
                "justification": f"{line(entry['reason'])} (until {line(entry['expires'])})",
            }
            for entry in finding.get("suppressions", [])
            if entry["host"] in ("", evidence["host"])
        ],
        "properties": {"cluster": cluster, "host": host, "severity": finding["severity"]},
    }  # fmt: skip


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _invocation(result: Result) -> Result:
    notes = []
    for host in result["hosts"]:
        if not host["asked"]:
            notes.append(_note("error", f"{line(host['name'])} could not be asked: {line(host['reason'])}"))
        for problem in host["problems"]:
            text = f"{line(host['name'])}: {line(problem['family'])}: {line(problem['text'])}"
            notes.append(_note("warning", text))
    notes += [_note("error", line(text)) for cluster in result["clusters"] for text in cluster["problems"]]
    return {
        "executionSuccessful": True,  # what could not be asked or read is said, and does not end an audit
        "endTimeUtc": line(result["generated_at"]),
        "toolExecutionNotifications": notes,
        "toolConfigurationNotifications": [
            _note("warning", f"suppression of {line(entry['rule'])}: {line(entry['text']) or entry['state']}")
            for entry in result["suppressions"]
            if entry["state"] != "used"
        ],
    }


def _note(level: str, text: str) -> Result:
    return {"level": level, "message": _message(text)}


def _message(text: str) -> Result:
    """Readers make links of [text](address), and fill in {0}; neither is for foreign hosts to write.

    A brace is written twice (3.11.5), whatever stands around it.
    """
    return {"text": text.replace("](", "] (").replace("{", "{{").replace("}", "}}")}
