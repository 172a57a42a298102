# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's result on a terminal: worst first, a few lines per finding. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ._audit_report_text import SEVERITIES, Result, count, extra, findings, line, not_asked

_SHOWN = 4  # evidence of one finding, hosts of one kind
_TEXT = 300  # characters of one sentence


def console(result: Result, files: Sequence[str] = (), limit: int = 60) -> list[str]:
    """Lines. More findings than `limit` are counted only: nobody reads a thousand on a terminal."""
    return [*_findings(result, limit), *_gaps(result), *_end(result, files)]


def _findings(result: Result, limit: int) -> Iterator[str]:
    every = list(findings(result))
    for finding in every[:limit]:
        name = f"{line(finding['rule'])}  {line(finding['title'])}"
        yield f"{finding['severity'].upper():<8}  {name}  [{line(finding['cluster'])}]"
        yield from _evidence(finding["evidence"])
        variable = f" Variable: {line(finding['variable'])}" if finding["variable"] else ""
        yield f"    mend: {line(finding['mend'], _TEXT)}{variable}"
        yield ""
    if len(every) > limit:
        yield f"… and {count(len(every) - limit, 'finding')} more, none of them worse: the files have them."
        yield ""


def _evidence(evidence: list[Result]) -> Iterator[str]:
    shown = evidence[:_SHOWN]
    width = min(24, max(len(line(each["host"])) for each in shown))
    for each in shown:
        value, at = extra(each), line(each["at"])
        text = line(each["text"], _TEXT) + (f" ({value})" if value else "")
        yield f"    {line(each['host']):<{width}}  {text}" + (f"  {at}" if at else "")
    yield from _rest(len(evidence))


def _gaps(result: Result) -> Iterator[str]:
    """What nobody looked at is not fine."""
    silent = [f"{line(host['name'])}: {line(host['reason'], _TEXT)}" for host in not_asked(result)]
    yield from _list("NOT ASKED", "what could not be asked is not judged", silent)
    unread = [
        f"{line(host['name'])}: {line(problem['family'])}: {line(problem['text'], _TEXT)}"
        for host in result["hosts"]
        for problem in host["problems"]
    ]
    yield from _list("NOT READ", "parts that could not be read are not judged", unread)
    idle = [
        f"{line(entry['rule'])} on {line(entry['host']) or 'all hosts'}: {line(entry['text']) or entry['state']}"
        for entry in result["suppressions"]
        if entry["state"] != "used"
    ]
    yield from _list("IDLE", "suppressions that suppress nothing", idle)
    failed = [line(text, _TEXT) for cluster in result["clusters"] for text in cluster["problems"]]
    yield from _list("MISTAKE", "rules that failed: please report", failed)


def _list(head: str, title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{head:<9} {title}"
        yield from (f"    {each}" for each in lines[: 2 * _SHOWN])
        yield from _rest(len(lines), 2 * _SHOWN)
        yield ""


def _rest(number: int, shown: int = _SHOWN) -> Iterable[str]:
    return (f"    … and {number - shown:,} more",) if number > shown else ()


def _end(result: Result, files: Sequence[str]) -> Iterator[str]:
    summary = result["summary"]
    counts = ", ".join(f"{summary[severity]:,} {severity}" for severity in SEVERITIES)
    yield (
        f"{count(summary['hosts'], 'host')} in {count(summary['clusters'], 'cluster')}, "
        f"{summary['not_asked']:,} not asked. "
        f"Findings: {counts}; {summary['suppressed']:,} suppressed; {summary['unjudged']:,} not judged."
    )  # fmt: skip
    yield from (f"Written: {line(path)}" for path in files)
    if result["failed"]:
        yield f"FAILED: there is a finding at least as severe as audit_fail_on = {result['fail_on']}."
