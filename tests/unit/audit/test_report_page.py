# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit's page as text: complete, self-contained, safe. tests/browser looks at it in a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_report_html import Markup, tag
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_report_page import page
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_report_style import STYLE
from unit.audit import report_samples as samples

VOID = {"meta", "input", "br", "path", "rect"}


class Tree(HTMLParser):
    """Elements with their attributes, text, and whether all was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.bodies: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("style", "script"):
            self.bodies[self._open[-1]] = data
        else:
            self.texts.append(data)

    def named(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name in names]


@pytest.fixture(params=["sample", "nothing", "shapes", "hostile", "large"])
def tree(request: pytest.FixtureRequest) -> Tree:
    made: dict[str, Any] = {
        "sample": samples.sample,
        "nothing": lambda: samples.result([]),
        "hostile": samples.hostile,
        "large": samples.large,
        "shapes": lambda: samples.result([samples.many_replicas(), samples.dual_source(), samples.ring()]),
    }
    return Tree(page(made[request.param]()))


def test_the_page_needs_nothing_else(tree: Tree) -> None:
    assert {name for name, _attributes in tree.elements} <= {
        "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "article", "figure",
        "div", "p", "span", "a", "b", "strong", "code", "h1", "h2", "h3", "h4", "ul", "li", "dl", "dt", "dd", "table",
        "thead", "tbody", "tr", "th", "td", "details", "summary", "form", "fieldset", "legend", "label", "input",
        "select", "optgroup", "option", "button", "output", "script", "svg", "g", "path", "rect", "text",
    }  # fmt: skip
    for _name, attributes in tree.elements:
        assert not {key for key in attributes if key in ("src", "srcset", "style", "action") or key.startswith("on")}
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(r"url\(|@import|https?:", tree.bodies["style"] + tree.bodies["script"])


def test_only_its_own_style_and_script_may_run(tree: Tree) -> None:
    assert len(tree.named("script")) == len(tree.named("style")) == 1
    [policy] = [meta["content"] for meta in tree.named("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    sources = {
        name: "'sha256-" + base64.b64encode(hashlib.sha256(tree.bodies[name].encode()).digest()).decode() + "'"
        for name in ("style", "script")
    }
    assert policy == (
        f"default-src 'none'; style-src {sources['style']}; script-src {sources['script']}"
        "; base-uri 'none'; form-action 'none'"
    )


def test_names_are_unique_and_links_lead_somewhere(tree: Tree) -> None:
    names = [attributes["id"] for _name, attributes in tree.elements if "id" in attributes]
    assert len(set(names)) == len(names)
    targets = {str(attributes["href"])[1:] for attributes in tree.named("a")}
    assert targets <= set(names)


def test_without_javascript_everything_is_there_but_the_filter() -> None:
    tree = Tree(page(samples.sample()))
    hidden = [attributes.get("id") for _name, attributes in tree.elements if "hidden" in attributes]
    assert sorted(map(str, hidden)) == ["filter", "filtered", "nothing"]


def test_findings_stand_by_severity_with_all_that_is_known_of_them() -> None:
    result = samples.sample()
    text = page(result)
    places = [text.index(f'id="{severity}"') for severity in samples.SEVERITIES]
    assert places == sorted(places)
    tree = Tree(text)
    for cluster in result["clusters"]:
        for finding in cluster["findings"]:
            for value in (finding["rule"], finding["title"], finding["why"], finding["mend"]):
                assert value in tree.texts, value
            for evidence in finding["evidence"]:
                assert {evidence["host"], evidence["text"], evidence["at"] or evidence["host"]} <= set(tree.texts)
    assert len(tree.named("article")) == 5


def test_hosts_that_could_not_be_asked_and_what_was_not_read_are_shown() -> None:
    text = page(samples.sample())
    head = text[: text.index("<main>")]
    assert "1 host could not be asked: nothing is known of it." in head
    assert "<b>gone1</b>: Failed to connect to the host via ssh: Connection timed out" in head
    assert "not asked: Failed to connect to the host via ssh" in text
    assert "vrrp: journal: no such program" in text
    assert "Replaced in March (CHG-1234) (until 2027-03-31)" in text
    assert "ended on 2026-06-30" in text
    assert "MHA-R001, MHA-R002" in text


def test_a_silent_host_among_others_is_drawn() -> None:
    cluster = samples.chain()
    cluster["hosts"].append("silent1")
    result = samples.result([cluster])
    result["hosts"][-1].update(asked=False, reason="Connection timed out", roles=[], addresses=[])
    drawn = re.search(r"<svg.*</svg>", page(result))
    assert drawn
    assert "could not be asked" in drawn[0]
    assert "silent1" in drawn[0]


def test_what_hosts_say_stays_text() -> None:
    text = page(samples.hostile())
    assert "<script>document" not in text
    assert "<img" not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u200b\u202a-\u202e\ud800-\udfff\uffff\U000e0041]", text)
    assert "&lt;script&gt;document.title=&#x27;taken&#x27;&lt;/script&gt;" in text
    text.encode()


def test_elements_escape_whatever_is_no_element() -> None:
    assert (
        tag("p", "<b>", Markup("<i></i>"), ["&", None, 3], class_='"') == '<p class="&quot;">&lt;b&gt;<i></i>&amp;3</p>'
    )
    assert tag("input", disabled=True, value=None, checked=False) == "<input disabled/>"


def test_a_failed_audit_says_so_and_a_clean_one_too() -> None:
    assert ">Failed</span> There is a finding at least as severe as audit_fail_on = critical." in page(samples.sample())
    clean = page(samples.result([samples.chain()]))
    assert ">Passed</span> There is no finding at least as severe as audit_fail_on = critical." in clean
    assert "No finding. What could not be judged is listed below." in clean


def test_what_nobody_looked_for_is_not_called_passed() -> None:
    told = page(samples.result([samples.chain()], fail_on="never"))
    assert 'class="outcome' not in told
    assert "audit_fail_on is never: nothing makes this audit fail." in told
    assert '"badge fine">nothing found<' in told
    cluster = samples.chain()
    cluster["unjudged"] = [{"rule": "MHA-R001", "host": "db1", "missing": ["mysql"]}]
    told = page(samples.result([cluster]))
    assert '"badge fine">' not in told
    assert '"badge">nothing found, 1 not judged<' in told


def test_many_clusters_have_the_findings_before_the_drawings() -> None:
    few, many = page(samples.sample()), page(samples.large())
    assert few.index('id="topology"') < few.index('id="findings"')
    assert many.index('id="topology"') > many.index('id="findings"')


# --- Colours

PAIRS = [  # text on what it stands on, 4.5; lines and frames on what they stand on, 3
    *((text, paper, 4.5) for text in ("ink", "soft", "link") for paper in ("paper", "panel")),
    *((colour, paper, 4.5) for colour in (*samples.SEVERITIES, "good") for paper in ("paper", "panel", "{}-tint")),
    *(("on-badge", colour, 4.5) for colour in (*samples.SEVERITIES, "good", "soft")),
    *((line, paper, 4.5) for line in ("channel", "vip", "pool") for paper in ("paper", "panel")),
    *(("edge", paper, 3.0) for paper in ("paper", "panel")),
    *(("ink", f"{tint}-tint", 4.5) for tint in (*samples.SEVERITIES, "good")),
]  # fmt: skip


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast_is_at_least_that_of_wcag_aa(scheme: int) -> None:
    palettes = re.findall(r"(--paper.*?--halo: #\w+;)", STYLE, flags=re.DOTALL)
    assert len(palettes) == 2
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", palettes[scheme]))
    low = {}
    for front, back, least in PAIRS:
        found = contrast(colours[front], colours[back.format(front)])
        if found < least:
            low[front, back.format(front)] = round(found, 2)
    assert low == {}


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
