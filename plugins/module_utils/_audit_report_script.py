# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter of the audit's page. Without it the page shows everything; it holds no data of its own."""

from __future__ import annotations

SCRIPT = """
"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const one = selector => document.querySelector(selector);
  const form = one("#filter form");
  if (!form) return;
  const articles = all("#findings article").map(element => ({
    element, severity: element.dataset.severity, cluster: element.dataset.cluster,
    hosts: element.dataset.hosts.split(" "), text: element.textContent.toLowerCase(),
  }));
  const severities = all("input[type=checkbox]", form);
  const place = form.elements.place, words = form.elements.words;

  function matches(article, chosen, kind, number, terms) {
    return chosen.includes(article.severity)
      && (kind !== "c" || article.cluster === number)
      && (kind !== "h" || article.hosts.includes(number))
      && terms.every(term => article.text.includes(term));
  }

  function apply() {
    const chosen = severities.filter(box => box.checked).map(box => box.value);
    const kind = place.value[0], number = place.value.slice(1);
    const terms = words.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const article of articles) {
      article.element.hidden = !matches(article, chosen, kind, number, terms);
      shown += !article.element.hidden;
    }
    for (const section of all("#findings section")) section.hidden = !section.querySelector("article:not([hidden])");
    const cluster = kind === "c" ? number : kind === "h" ? place.selectedOptions[0].dataset.cluster : null;
    for (const element of all("[data-cluster]:is(section, tbody tr)"))
      element.hidden = cluster !== null && element.dataset.cluster !== cluster;
    const total = articles.length, whole = total === 1 ? "1 finding" : total + " findings";
    one("#filter output").textContent = shown === total ? whole : shown + " of " + whole;
    const parts = [];
    if (chosen.length < severities.length) parts.push(chosen.join(", ") || "no severity");
    if (kind !== "a") parts.push(place.selectedOptions[0].label);
    if (terms.length) parts.push("\\u201c" + words.value.trim() + "\\u201d");
    one("#filtered").hidden = !parts.length;
    one("#filtered").textContent = "Filtered by " + parts.join("; ") + ": " + shown + " of " + whole + ".";
    one("#nothing").hidden = shown > 0 || !total;
  }

  function reset() {
    form.reset();
    apply();
    words.focus();
  }

  form.addEventListener("input", apply);
  form.addEventListener("submit", event => event.preventDefault());
  for (const button of all("button[data-reset]")) button.addEventListener("click", reset);
  words.addEventListener("keydown", event => {
    if (event.key === "Escape" && words.value) { words.value = ""; apply(); event.preventDefault(); }
  });
  // A box of a drawing leads to its host; where there are findings, to these.
  for (const link of all("svg a")) link.addEventListener("click", event => {
    const number = link.querySelector("[data-host]").dataset.host;
    if (!articles.some(article => article.hosts.includes(number))) return;
    event.preventDefault();
    form.reset();
    place.value = "h" + number;
    apply();
    one("#findings h2").focus();
    one("#findings").scrollIntoView();
  });
  one("#filter").hidden = false;
  apply();
})();
"""
