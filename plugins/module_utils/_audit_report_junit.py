# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's result as JUnit's XML, for pipelines that read nothing else. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from ._audit_report_text import Result, extra, fails, line


def junit(result: Result) -> str:
    """A suite per cluster: its hosts, then its findings. Only what makes the audit fail is a failure."""
    suites = [_suite(result, cluster) for cluster in result["clusters"]]
    sums = {key: sum(counts[key] for counts, _lines in suites) for key in ("tests", "failures", "errors", "skipped")}
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites{_xml(name='audit', **sums)}>"]
    for _counts, body in suites:
        lines += body
    return "\n".join([*lines, "</testsuites>", ""])


def _suite(result: Result, cluster: Result) -> tuple[Counter[str], list[str]]:
    asked = {host["name"]: host for host in result["hosts"]}
    cases = [_host(result, cluster, asked[name]) for name in cluster["hosts"] if name in asked]
    cases += [_finding(result, cluster, finding) for finding in cluster["findings"]]
    cases += [_suppressed(cluster, finding) for finding in cluster["suppressed"]]
    counts = Counter({"tests": len(cases), "failures": 0, "errors": 0, "skipped": 0})
    counts.update(kind for kind, _text in cases if kind)
    # Readers of this form take times without a zone.
    stamp = line(result["generated_at"])[:19]
    head = _xml(name=cluster["name"], **counts, time="0", timestamp=stamp, hostname="-")
    return counts, [f"<testsuite{head}>", *(text for _kind, text in cases), "</testsuite>"]


def _host(result: Result, cluster: Result, host: Result) -> tuple[str, str]:
    kind, message = "", None
    if not host["asked"]:
        kind = "skipped" if result["fail_on"] == "never" else "errors"
        message = f"could not be asked: {line(host['reason'])}"
    body = "".join(f"{line(problem['family'])}: {line(problem['text'])}\n" for problem in host["problems"])
    return kind, _case(cluster, f"{line(host['name'])} can be asked", kind, message, "", body)


def _finding(result: Result, cluster: Result, finding: Result) -> tuple[str, str]:
    kind = "failures" if fails(result, finding["severity"]) else "skipped"
    hosts = ", ".join(dict.fromkeys(line(each["host"]) for each in finding["evidence"]))
    message = f"{finding['severity']}, on {hosts}"
    if kind == "skipped":
        message += f"; audit_fail_on is {result['fail_on']}"
    return kind, _case(cluster, _name(finding), kind, message, finding["severity"], _text(finding))


def _suppressed(cluster: Result, finding: Result) -> tuple[str, str]:
    reasons = "; ".join(
        f"{line(entry['reason'])} (until {line(entry['expires'])})" for entry in finding["suppressions"]
    )
    name = f"{_name(finding)} (suppressed)"
    return "skipped", _case(cluster, name, "skipped", f"suppressed: {reasons}", "", _text(finding))


def _name(finding: Result) -> str:
    return f"{line(finding['rule'])} {line(finding['title'])}"


def _text(finding: Result) -> str:
    lines = []
    for each in finding["evidence"]:
        value, at = extra(each), line(each["at"])
        text = line(each["text"]) + (f" ({value})" if value else "")
        lines.append(f"{line(each['host'])}: {text}" + (f" [{at}]" if at else ""))
    return "\n".join([*lines, f"Why: {line(finding['why'])}", f"Mend: {line(finding['mend'])}", ""])


def _case(cluster: Result, name: str, kind: str, message: str | None, severity: str, body: str) -> str:
    head = _xml(classname=cluster["name"], name=name, time="0")
    if not kind:
        return f"<testcase{head}><system-out>{escape(body)}</system-out></testcase>" if body else f"<testcase{head}/>"
    element = {"failures": "failure", "errors": "error", "skipped": "skipped"}[kind]
    about = {"message": message} if kind == "skipped" else {"message": message, "type": severity or "unreachable"}
    if kind == "skipped" and body:  # its text is not read by everything
        return f"<testcase{head}><skipped{_xml(**about)}/><system-out>{escape(body)}</system-out></testcase>"
    return f"<testcase{head}><{element}{_xml(**about)}>{escape(body)}</{element}></testcase>"


def _xml(**attributes: Any) -> str:
    return "".join(f" {name}={quoteattr(line(str(value)))}" for name, value in attributes.items())
