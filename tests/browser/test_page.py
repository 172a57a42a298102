# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit's page in a real browser: its filter by mouse and keyboard, its colours, on paper and on small screens.

With $MHA_PICTURES set to a directory, pictures of the pages are left there to be looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_report import render
from browser.chromium import Page, browser, program
from unit.audit import report_samples as samples

PAGES = {
    "sample": samples.sample,
    "shapes": lambda: samples.result(
        [
            samples.many_replicas(20),
            samples.many_replicas(3, "small"),
            samples.dual_source(),
            samples.chain(),
            samples.ring(),
        ]
    ),
    "hostile": samples.hostile,
    "large": samples.large,
}
SCHEMES = ("light", "dark")
SHOWN = "[...document.querySelectorAll('#findings article')].filter(e => e.offsetParent).length"
COUNT = "document.querySelector('#filter output').textContent"
FOCUS = "(e => e.value || e.id || e.textContent)(document.activeElement)"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for name, result in PAGES.items():
        made[name] = folder / f"{name}.html"
        made[name].write_text(render(result(), ["html"])["audit.html"])
    return made


@pytest.fixture(scope="module")
def one_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    if program() is None and not os.environ.get("CI"):
        pytest.skip("no Chromium here: apt-get install chromium-headless-shell, or name one with CHROMIUM=")
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(one_browser: Page) -> Page:
    one_browser.look()
    return one_browser


# --- The filter


def test_clicking_severities_hides_and_shows_findings(page: Page, files: dict[str, Path]) -> None:
    page.open(files["sample"])
    assert (page.run(SHOWN), page.run(COUNT)) == (5, "5 findings")
    page.click("label.chip.warning")
    assert (page.run(SHOWN), page.run(COUNT)) == (3, "3 of 5 findings")
    assert page.run("document.querySelector('#warning').offsetParent") is None  # its heading goes too
    page.click("label.chip.critical")
    page.click("label.chip.serious")
    page.click("label.chip.info")
    assert page.run(SHOWN) == 0
    assert page.run("document.querySelector('#nothing').offsetParent !== null")
    page.click("#nothing button")
    assert (page.run(SHOWN), page.run(COUNT)) == (5, "5 findings")


def test_the_keyboard_alone_reaches_and_uses_everything(page: Page, files: dict[str, Path]) -> None:
    page.open(files["sample"])
    page.press("Tab")
    assert page.run("document.activeElement.className") == "skip"
    assert page.run("document.activeElement.getBoundingClientRect().left >= 0")  # it appears when it has the focus
    page.press("Enter")
    page.press("Tab")
    assert page.run(FOCUS) == "critical"
    page.press(" ")
    assert page.run(COUNT) == "4 of 5 findings"
    page.press(" ")
    for wanted in ("serious", "warning", "info", "all"):
        page.press("Tab")
        assert page.run(FOCUS) == wanted
    page.write("old2")  # a list of choices goes to what is typed
    assert page.run("document.activeElement.selectedOptions[0].label") == "old2"
    assert page.run(COUNT) == "2 of 5 findings"
    page.press("Tab")
    page.write("eth0 TWO")
    assert page.run(COUNT) == "0 of 5 findings"
    page.press("Escape")
    assert page.run(COUNT) == "2 of 5 findings"
    page.write("eth0")
    assert page.run(COUNT) == "1 of 5 findings"
    page.press("Tab")
    assert page.run(FOCUS) == "Show all"
    page.press("Enter")
    assert page.run(COUNT) == "5 findings"
    assert page.run("document.activeElement.name") == "words"


def test_whatever_has_the_focus_shows_it(page: Page, files: dict[str, Path]) -> None:
    page.open(files["sample"])
    seen = 0
    while seen < 80:
        page.press("Tab")
        if page.run("document.activeElement === document.body"):
            break
        seen += 1
        shown = page.run(
            "(e => [e, e.closest('label'), e.querySelector?.('.frame')].some(x => x &&"
            " (parseFloat(getComputedStyle(x).outlineWidth) >= 2 && getComputedStyle(x).outlineStyle !== 'none'"
            " || x.matches('.frame') && parseFloat(getComputedStyle(x).strokeWidth) >= 3)))(document.activeElement)"
        )
        assert shown, page.run("document.activeElement.outerHTML.slice(0, 200)")
    assert seen > 20


def test_a_cluster_and_a_host_can_be_chosen(page: Page, files: dict[str, Path]) -> None:
    page.open(files["sample"])
    choose = (
        "(l => {{ const s = document.querySelector('select'); s.value = [...s.options].find(o => o.label === l).value;"
    )
    choose += " s.dispatchEvent(new Event('input', {{bubbles: true}})) }})({})"
    page.run(choose.format("'all of orders'"))
    assert page.run(COUNT) == "1 of 5 findings"
    drawn = "[...document.querySelectorAll('#topology > section')].filter(e => e.offsetParent).map(e => e.id).join()"
    assert page.run(drawn) == "cluster-1"
    hosts = "[...document.querySelectorAll('#hosts tbody tr')].filter(e => e.offsetParent).length"
    assert page.run(hosts) == 5
    assert "Filtered by all of orders: 1 of 5 findings." in page.run("document.querySelector('#filtered').textContent")
    page.run(choose.format("'old1'"))
    assert (page.run(COUNT), page.run(drawn)) == ("4 of 5 findings", "cluster-0")


def test_a_box_of_the_drawing_leads_to_the_findings_of_its_host(page: Page, files: dict[str, Path]) -> None:
    page.open(files["sample"])
    page.click("svg g.box[data-host='6'] .frame")
    assert page.run("document.querySelector('select').selectedOptions[0].label") == "old2"
    assert page.run(COUNT) == "2 of 5 findings"
    assert page.run("document.activeElement.textContent") == "Findings"


def test_a_thousand_findings_are_filtered_at_once(page: Page, files: dict[str, Path]) -> None:
    page.open(files["large"])
    assert page.run(COUNT) == "1000 findings"
    took = page.run(
        "(() => { const w = document.querySelector('[name=words]'); w.value = 'R007 cluster39';"
        " const t = performance.now(); w.dispatchEvent(new Event('input', {bubbles: true}));"
        " document.body.offsetHeight; return performance.now() - t })()"
    )
    assert page.run(COUNT) == "1 of 1000 findings"
    assert took < 3000  # ms, on a machine that does other things too


# --- What it is like


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_fetched_and_nothing_goes_wrong(page: Page, files: dict[str, Path], name: str) -> None:
    page.open(files[name])
    assert page.requests == [files[name].resolve().as_uri()]
    assert page.errors == []
    assert page.run("document.title") == "Audit of MySQL clusters, 2026-11-21"
    assert page.run("document.querySelectorAll('script').length") == 1


@pytest.mark.parametrize("name", ["sample", "shapes"])
def test_without_javascript_all_is_there(page: Page, files: dict[str, Path], name: str) -> None:
    page.open(files[name], scripts=False)
    try:
        assert page.run("document.querySelector('#filter').offsetParent") is None
        assert page.run(SHOWN) == page.run("document.querySelectorAll('article').length") > 4
        assert page.run(
            "[...document.querySelectorAll('.paper > svg')].every(e => e.getBoundingClientRect().height > 100)"
        )
        assert page.errors == []
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)


CONTRASTS = """
(() => {
  const parse = c => { const m = c.match(/[\\d.]+/g); return m ? m.map(Number) : null };
  const linear = v => v / 255 <= .04045 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const lum = c => { const [r, g, b] = c.slice(0, 3).map(linear);
    return .2126 * r + .7152 * g + .0722 * b };
  const ratio = (a, b) => { const [x, y] = [lum(a), lum(b)].sort((p, q) => q - p); return (x + .05) / (y + .05) };
  const behind = e => {
    if (e.closest('svg')) {
      const badge = e.matches('text.badge') && e.parentNode.querySelector('rect.badge');
      const frame = e.closest('g.box')?.querySelector('.frame');
      if (badge || frame) return parse(getComputedStyle(badge || frame).fill);
    }
    for (let p = e; p; p = p.parentElement) {
      const c = parse(getComputedStyle(p).backgroundColor);
      if (c && (c.length < 4 || c[3] > 0)) return c;
    }
    return [255, 255, 255];
  };
  const low = new Set();
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.getClientRects().length) continue;
    if (['SCRIPT', 'STYLE', 'title'].includes(e.tagName)) continue;
    const style = getComputedStyle(e), front = parse(e.closest('svg') ? style.fill : style.color);
    const found = ratio(front, behind(e));
    const name = `${e.tagName}.${e.getAttribute('class')}: ${e.textContent.slice(0, 30)}`;
    if (found < 4.5) low.add(`${found.toFixed(2)} ${name}`);
  }
  return [...low];
})()
"""


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["sample", "shapes"])
def test_all_text_has_the_contrast_of_wcag_aa(page: Page, files: dict[str, Path], name: str, scheme: str) -> None:
    page.look(scheme)
    page.open(files[name])
    page.run("document.querySelectorAll('details').forEach(e => e.open = true)")
    assert page.run(CONTRASTS) == []


@pytest.mark.parametrize("name", ["sample", "hostile", "shapes"])
@pytest.mark.parametrize("width", [320, 640, 1280])
def test_nothing_is_wider_than_the_screen(page: Page, files: dict[str, Path], name: str, width: int) -> None:
    page.look(width=width)
    page.open(files[name])
    assert page.run("document.documentElement.scrollWidth") <= width


def test_words_fit_into_their_boxes(page: Page, files: dict[str, Path]) -> None:
    page.open(files["shapes"])
    wide = page.run(
        "[...document.querySelectorAll('svg svg text')].filter(e => { const b = e.getBBox();"
        " return b.x + b.width > e.closest('svg').width.baseVal.value }).map(e => e.textContent)"
    )
    assert wide == []


def test_controls_have_names_for_those_who_hear_the_page(page: Page, files: dict[str, Path]) -> None:
    page.open(files["sample"])
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = ("checkbox", "combobox", "searchbox", "button", "link", "region", "search")
    nameless = [
        node["role"]["value"]
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in roles and not node.get("name", {}).get("value", "").strip()
    ]
    assert nameless == []
    found = {node["role"]["value"]: node.get("name", {}).get("value") for node in nodes if not node["ignored"]}
    assert {"checkbox", "combobox", "searchbox", "link", "status"} <= set(found)


def test_paper_is_white_and_has_no_filter(page: Page, files: dict[str, Path], tmp_path: Path) -> None:
    page.look("dark", media="print")
    page.open(files["shapes"])
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.run("getComputedStyle(document.querySelector('#filter')).display") == "none"
    assert page.run(CONTRASTS) == []
    page.pdf(tmp_path / "print.pdf")
    assert (tmp_path / "print.pdf").read_bytes().startswith(b"%PDF")


if "MHA_PICTURES" in os.environ:

    def test_pictures_to_look_at(page: Page, files: dict[str, Path]) -> None:
        folder = Path(os.environ["MHA_PICTURES"])
        folder.mkdir(parents=True, exist_ok=True)
        looks: dict[str, dict[str, Any]] = {"light": {}, "dark": {"scheme": "dark"}, "narrow": {"width": 390}}
        for name in ("sample", "shapes", "hostile"):
            for look, how in looks.items():
                page.look(**how)
                page.open(files[name])
                page.picture(folder / f"{name}-{look}.png", whole=True)
            page.look()
            page.pdf(folder / f"{name}.pdf")
