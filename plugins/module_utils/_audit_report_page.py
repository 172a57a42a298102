# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's result as one page that needs nothing else: no network, no files beside it. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from ._audit_report_drawing import drawing
from ._audit_report_html import Child, Markup, tag
from ._audit_report_script import SCRIPT
from ._audit_report_style import STYLE
from ._audit_report_tables import grid, table, tables
from ._audit_report_text import SEVERITIES, Result, count, extra, findings, line, not_asked

_MEANING = {
    "critical": "data or service is at risk now",
    "serious": "data or service is at risk at the next fault",
    "warning": "it makes a fault worse",
    "info": "good to know",
}
_LARGE = 200  # findings
_FEW = 2  # clusters whose drawings stand before the findings


class _Names(NamedTuple):
    """Numbers stand for names in ids: names may be anything."""

    hosts: dict[str, Result]
    host: dict[str, int]
    cluster: dict[str, int]

    def anchors(self) -> dict[str, str]:
        return {name: f"host-{number}" for name, number in self.host.items()}


def page(result: Result) -> str:
    names = _Names(
        {host["name"]: host for host in result["hosts"]},
        {host["name"]: number for number, host in enumerate(result["hosts"])},
        {cluster["name"]: number for number, cluster in enumerate(result["clusters"])},
    )
    drawn = [cluster for cluster in result["clusters"] if _drawable(cluster, names)]
    middle = [_findings(result, names), _topology(drawn, names)]
    if len(drawn) <= _FEW:
        middle.reverse()
    body = [
        tag("a", "Skip to the findings", href="#findings", class_="skip"),
        tag("header", _head(result), class_="page"),
        tag("main", middle, _hosts(result, names), _suppressed(result), _unjudged(result)),
        tag("footer", _foot(result)),
        tag("script", Markup(SCRIPT)),
    ]
    policy = f"default-src 'none'; style-src {_source(STYLE)}; script-src {_source(SCRIPT)}"
    policy += "; base-uri 'none'; form-action 'none'"
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", "Audit of MySQL clusters, ", line(result["generated_at"])[:10]),
        tag("style", Markup(STYLE)),
    ]
    large = "large" if sum(result["summary"][severity] for severity in SEVERITIES) > _LARGE else None
    document = tag("html", tag("head", head), tag("body", body, class_=large), lang="en")
    return f"<!DOCTYPE html>\n{document}\n"


def _source(text: str) -> str:
    """A policy's name for exactly this text: nothing else may run or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _drawable(cluster: Result, names: _Names) -> bool:
    """A host that could not be asked and is alone stands among the hosts; a drawing of it would say nothing."""
    known = any(names.hosts.get(name, {"asked": True})["asked"] for name in cluster["hosts"])
    return known or len(cluster["hosts"]) > 1


# --- Head


def _head(result: Result) -> Iterator[Markup]:
    summary, failed, limit = result["summary"], result["failed"], result["fail_on"]
    if limit == "never":  # then a word like "passed" would say more than anybody looked for
        told, outcome = "audit_fail_on is never: nothing makes this audit fail.", None
    else:
        told = f"There is {'a' if failed else 'no'} finding at least as severe as audit_fail_on = {limit}."
        outcome = tag("span", "Failed" if failed else "Passed", class_=f"outcome {'failed' if failed else 'passed'}")
    yield tag("h1", "Audit of MySQL clusters")
    yield tag(
        "p", [outcome, " "] if outcome else None,
        f"{told} {_time(result['generated_at'])}, opendba.mysql_ha {line(result['collection_version'])}.",
    )  # fmt: skip
    tiles = [_tile(summary[severity], severity, f"#{severity}", severity) for severity in SEVERITIES]
    tiles += [
        _tile(summary["clusters"], "cluster" if summary["clusters"] == 1 else "clusters", "#topology"),
        _tile(summary["hosts"], "host" if summary["hosts"] == 1 else "hosts", "#hosts"),
        _tile(summary["suppressed"], "suppressed", "#suppressed"),
        _tile(summary["unjudged"], "not judged", "#unjudged"),
    ]
    yield tag("ul", tiles, class_="tiles")
    silent = not_asked(result)
    if silent:
        yield tag(
            "div",
            tag("strong", f"{count(len(silent), 'host')} could not be asked: nothing is known of "
                f"{'it' if len(silent) == 1 else 'them'}."),
            tag("ul", [tag("li", tag("b", host["name"]), ": ", host["reason"]) for host in silent]),
            class_="alert",
        )  # fmt: skip


def _tile(number: int, name: str, href: str, class_: str = "") -> Markup:
    content = [tag("b", f"{number:,}"), name]
    inner = tag("a", content, href=href) if number else tag("span", content)
    return tag("li", inner, class_=f"{class_ or 'plain'}{'' if number else ' none'}")


def _time(stamp: str) -> str:
    return line(stamp).replace("T", " ").replace("Z", " UTC")


# --- Findings


def _findings(result: Result, names: _Names) -> Markup:
    every = list(findings(result))
    sections = []
    for severity in SEVERITIES:
        group = [finding for finding in every if finding["severity"] == severity]
        if group:
            title = [severity.capitalize(), tag("span", f" {len(group)}: {_MEANING[severity]}", class_="soft")]
            sections.append(tag("section", tag("h3", title), [_article(each, names) for each in group], id=severity))
    return tag(
        "section",
        tag("h2", "Findings", tabindex=-1),
        _filter(result, names) if every else None,
        tag("p", id="filtered", hidden=True),
        tag("p", "No finding matches. ", _button(), id="nothing", hidden=True),
        sections or tag("p", "No finding. What could not be judged is listed below."),
        id="findings",
    )  # fmt: skip


def _article(finding: Result, names: _Names) -> Markup:
    rows = []
    for each in finding["evidence"]:
        value = extra(each)
        rows.append(
            tag("tr", tag("td", each["host"]),
                tag("td", each["text"], tag("span", " Value: ", tag("code", value), class_="soft") if value else None),
                tag("td", tag("code", each["at"]) if each["at"] else None))
        )  # fmt: skip
    hosts = " ".join(str(names.host[name]) for name in dict.fromkeys(each["host"] for each in finding["evidence"])
                     if name in names.host)  # fmt: skip
    cluster = names.cluster.get(finding["cluster"])
    # So that a ticket can name one finding.
    anchor = f"{finding['rule']}-{cluster}" if finding["rule"].replace("-", "").isalnum() else None
    return tag(
        "article",
        tag(
            "header",
            tag("span", finding["severity"], class_=f"badge {finding['severity']}"),
            tag("h4", finding["title"]),
            tag("a", tag("code", finding["rule"]), href=f"#{anchor}") if anchor else tag("code", finding["rule"]),
            tag("a", finding["cluster"], href=f"#cluster-{cluster}", class_="cluster"),
        ),
        tag(
            "table",
            tag("thead", tag("tr", [tag("th", head, scope="col") for head in ("host", "evidence", "where")])),
            tag("tbody", rows),
        ),
        tag("dl", _advice(finding)),
        id=anchor, class_=finding["severity"], data_severity=finding["severity"], data_cluster=cluster,
        data_hosts=hosts or "-",
    )  # fmt: skip


def _advice(finding: Result) -> Iterator[Markup]:
    yield tag("dt", "Why")
    yield tag("dd", finding["why"])
    yield tag("dt", "Mend")
    variable = [" Variable: ", tag("code", finding["variable"])] if finding["variable"] else None
    yield tag("dd", finding["mend"], variable)


def _button() -> Markup:
    return tag("button", "Show all", type="button", data_reset=True)


def _filter(result: Result, names: _Names) -> Markup:
    chips = [
        tag(
            "label", tag("input", type="checkbox", name="severity", value=severity, checked=True),
            f"{severity} {result['summary'][severity]}", class_=f"chip {severity}",
        )
        for severity in SEVERITIES
    ]  # fmt: skip
    groups = []
    for cluster in result["clusters"]:
        number = names.cluster[cluster["name"]]
        options = [tag("option", "all of ", line(cluster["name"]), value=f"c{number}")]
        options += [
            tag("option", name, value=f"h{names.host[name]}", data_cluster=number)
            for name in cluster["hosts"]
            if name in names.host
        ]
        groups.append(tag("optgroup", options, label=cluster["name"]))
    form = tag(
        "form",
        tag("fieldset", tag("legend", "Severity"), chips),
        tag("select", tag("option", "all clusters and hosts", value="all"), groups, name="place",
            aria_label="Cluster or host"),
        tag("input", type="search", name="words", placeholder="text in a finding", aria_label="Text in a finding"),
        _button(),
        tag("output", aria_live="polite"),
    )  # fmt: skip
    return tag("div", form, id="filter", class_="filter", role="search", aria_label="Filter the findings", hidden=True)


# --- Drawings


def _topology(drawn: list[Result], names: _Names) -> Markup:
    if not drawn:
        return Markup("")
    return tag("section", tag("h2", "Topology"), _key(), [_cluster(each, names) for each in drawn], id="topology")


def _cluster(cluster: Result, names: _Names) -> Markup:
    number = names.cluster[cluster["name"]]
    image, left_out = drawing(cluster, names.hosts, names.anchors())
    counts = [
        tag("span", f"{_number(cluster, severity)} {severity}", class_=f"badge {severity}")
        for severity in SEVERITIES
        if _number(cluster, severity)
    ] or [_nothing(len(cluster["unjudged"]))]
    more = f"{left_out} more balanced services and VIPs are in the tables. " if left_out else None
    return tag(
        "section",
        tag("h3", cluster["name"], " ", [[each, " "] for each in counts]),
        [tag("p", "A rule failed, please report it: ", problem, class_="alert") for problem in cluster["problems"]],
        tag(
            "figure",
            tag("div", image, class_="paper", tabindex=0, role="region", aria_label=f"Drawing of {cluster['name']}"),
            tag("p", more, class_="soft") if more else None,
        ),
        tag("details", tag("summary", "The same and more as tables"), tables(cluster)),
        id=f"cluster-{number}", data_cluster=number, class_="wide" if 'class="wide"' in image else None,
    )  # fmt: skip


def _nothing(unjudged: int) -> Markup:
    """What was not looked at is not fine."""
    if unjudged:
        return tag("span", f"nothing found, {unjudged:,} not judged", class_="badge")
    return tag("span", "nothing found", class_="badge fine")


def _number(cluster: Result, severity: str) -> int:
    return sum(finding["severity"] == severity for finding in cluster["findings"])


def _key() -> Markup:
    entries = (
        ("channel good", "replication, source to replica, with its lag"),
        ("channel slow", "connecting, or more than 60 s behind"),
        ("channel bad", "stopped, or a server that is down"),
        ("pool good", "balancer to server"),
        ("vip good", "VIP to the host that holds it"),
        ("vip idle", "… to one that may"),
    )
    return tag(
        "ul",
        [
            tag("li", tag("svg", tag("g", tag("path", d="M0,6L30,6", class_="line"), tag("path", d="M38,6L29,2L29,10Z",
                class_="head"), class_=f"end {style}"), width=40, height=12, aria_hidden="true"), text)
            for style, text in entries
        ],
        class_="key",
    )  # fmt: skip


# --- Hosts, and what was left out


def _hosts(result: Result, names: _Names) -> Markup:
    found: dict[str, int] = {}
    for finding in findings(result):
        for host in {each["host"] for each in finding["evidence"]}:
            found[host] = found.get(host, 0) + 1
    rows = []
    for host in result["hosts"]:
        problems = [f"not asked: {line(host['reason'])}"] if not host["asked"] else []
        problems += [f"{line(each['family'])}: {line(each['text'])}" for each in host["problems"]]
        cluster = names.cluster.get(host["cluster"], "none")  # hidden where one cluster is chosen
        cells: list[Child] = [
            tag("b", host["name"]), host["cluster"], ", ".join(host["roles"]), ", ".join(host["addresses"]),
            host["system"], found.get(host["name"], 0) if host["asked"] else "?",
            [tag("div", problem) for problem in problems],
        ]  # fmt: skip
        number = names.host[host["name"]]
        rows.append(tag("tr", [tag("td", cell) for cell in cells], id=f"host-{number}", data_cluster=cluster))
    heads = ("host", "cluster", "seen as", "addresses", "system", "findings", "could not be read")
    return tag(
        "section",
        tag("h2", "Hosts"),
        grid("Hosts", heads, rows),
        id="hosts",
    )  # fmt: skip


def _suppressed(result: Result) -> Markup | None:
    rows: list[list[Child]] = []
    for finding in findings(result, "suppressed"):
        reasons = [f"{line(each['reason'])} (until {line(each['expires'])})" for each in finding["suppressions"]]
        evidence = [tag("div", tag("b", each["host"]), ": ", each["text"]) for each in finding["evidence"]]
        rows.append([finding["severity"], tag("code", finding["rule"]), finding["title"], finding["cluster"], evidence,
                     [tag("div", reason) for reason in reasons]])  # fmt: skip
    idle: list[list[Child]] = [
        [
            tag("code", each["rule"]),
            each["host"] or "all",
            each["reason"],
            each["expires"],
            each["text"] or each["state"],
        ]
        for each in result["suppressions"]
        if each["state"] != "used"
    ]
    if not rows and not idle:
        return None
    return tag(
        "section",
        tag("h2", "Suppressed"),
        table("Findings to live with", ("severity", "rule", "title", "cluster", "evidence", "reason"), rows),
        table("Suppressions that suppress nothing", ("rule", "host", "reason", "until", "why not"), idle),
        id="suppressed",
    )  # fmt: skip


def _unjudged(result: Result) -> Markup | None:
    """One line per host and lack: the same facts are missing for many rules."""
    lacks: dict[tuple[str, str], list[str]] = {}
    for cluster in result["clusters"]:
        for each in cluster["unjudged"]:
            lacks.setdefault((each["host"], ", ".join(each["missing"])), []).append(each["rule"])
    if not lacks:
        return None
    rows: list[list[Child]] = [
        [host, missing, str(len(rules)), tag("code", line(", ".join(rules)))]
        for (host, missing), rules in lacks.items()
    ]
    return tag(
        "section",
        tag("h2", "Not judged"),
        tag("p", "What is not known is no hazard, and not fine either."),
        table("Rules that lacked facts", ("host", "facts that are missing", "rules", "which"), rows),
        id="unjudged",
    )


def _foot(result: Result) -> Markup:
    times = [host["took_seconds"] for host in result["hosts"] if host["took_seconds"] is not None]
    slowest = f" The slowest host took {max(times):.1f} s." if times else ""
    return tag("p", f"Nothing was changed on any host.{slowest}")
