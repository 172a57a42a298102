# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours and shapes of the audit's page. tests/browser measures their contrast."""

from __future__ import annotations

_LIGHT = """
  --paper: #ffffff; --panel: #f6f7f9; --ink: #1b1f24; --soft: #545d68; --rule: #c9ced6; --edge: #7d8590;
  --link: #0a58ca;
  --critical: #a50e2a; --serious: #b23c00; --warning: #7a5900; --info: #1f5fa8; --good: #1a6e37;
  --critical-tint: #fdecef; --serious-tint: #fff0e6; --warning-tint: #fff7db; --info-tint: #e9f2fc;
  --good-tint: #e8f6ec;
  --on-badge: #ffffff; --channel: #1f5fa8; --vip: #7b2fa5; --pool: #0f6b6b; --halo: #ffffff;
"""
_DARK = """
  --paper: #14171b; --panel: #1d2127; --ink: #e8eaed; --soft: #a9b1bb; --rule: #3a414a; --edge: #818a95;
  --link: #7fb4ff;
  --critical: #ff8095; --serious: #ff9d6b; --warning: #eac04b; --info: #85b8f5; --good: #74cf92;
  --critical-tint: #3a1820; --serious-tint: #38210f; --warning-tint: #332a0c; --info-tint: #15293f;
  --good-tint: #14301d;
  --on-badge: #14171b; --channel: #85b8f5; --vip: #d09bf0; --pool: #5fc6c6; --halo: #1d2127;
"""
STYLE = (
    ":root { color-scheme: light dark;"
    + _LIGHT
    + "}\n@media screen and (prefers-color-scheme: dark) { :root {"
    + _DARK
    + "} }"
    + """
* { box-sizing: border-box; }
html { scroll-padding-top: 5rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere; }
header.page, main, footer { max-width: 78rem; margin: 0 auto; padding: 0 1.25rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 1.5rem 0 .25rem; }
h2 { font-size: 1.3rem; margin: 2.25rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
h4 { font-size: 1rem; margin: 0; }
p { margin: .4rem 0; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
code, .mono { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .87em; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .5rem; z-index: 3; }
.outcome { display: inline-block; padding: .1rem .7rem; border-radius: 1rem; font-weight: 600; border: 1px solid; }
.outcome.failed { color: var(--critical); background: var(--critical-tint); }
.outcome.passed { color: var(--good); background: var(--good-tint); }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; list-style: none; margin: 1rem 0; padding: 0; }
.tiles li { border: 1px solid var(--rule); border-left: 5px solid var(--edge); border-radius: 5px;
  background: var(--panel); }
.tiles a, .tiles span { display: block; padding: .35rem .9rem .35rem .7rem; color: inherit; text-decoration: none; }
.tiles a:hover { text-decoration: underline; }
.tiles b { display: block; font-size: 1.45rem; line-height: 1.2; }
.tiles .critical { border-left-color: var(--critical); } .tiles .serious { border-left-color: var(--serious); }
.tiles .warning { border-left-color: var(--warning); } .tiles .info { border-left-color: var(--info); }
.tiles .none b { color: var(--soft); font-weight: 400; }
.alert { border: 1px solid var(--serious); border-left-width: 5px; background: var(--serious-tint);
  border-radius: 5px;
  padding: .5rem 1rem; margin: 1rem 0; }
.alert ul { margin: .3rem 0; padding-left: 1.2rem; }

.filter { position: sticky; top: 0; z-index: 2; background: var(--panel); border-block: 1px solid var(--rule);
  margin: 1rem -1.25rem; padding: .6rem 1.25rem; }
.filter[hidden] { display: none; }
.filter form { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; }
.filter fieldset { display: flex; flex-wrap: wrap; gap: .35rem; border: 0; margin: 0; padding: 0; }
.filter legend { position: absolute; clip-path: inset(50%); }
.filter label.chip { position: relative; border: 1px solid var(--edge); border-radius: 1rem;
  padding: .05rem .7rem .05rem .5rem; cursor: pointer;
  background: var(--paper); white-space: nowrap; }
.filter label.chip:has(:focus-visible) { outline: 3px solid var(--link); outline-offset: 2px; }
.filter label.chip:has(:checked) { border-color: currentColor; font-weight: 600; }
.chip.critical { color: var(--critical); } .chip.serious { color: var(--serious); }
.chip.warning { color: var(--warning); }
.chip.info { color: var(--info); }
.chip input { accent-color: currentColor; vertical-align: -1px; margin: 0 .35rem 0 0; }
.filter select, .filter input[type=search], .filter button { font: inherit; color: inherit; background: var(--paper);
  border: 1px solid var(--edge); border-radius: 4px; padding: .2rem .5rem; max-width: 100%; }
.filter select { max-width: 16rem; } .filter input[type=search] { width: 14rem; }
.filter button { cursor: pointer; }
.filter output { margin-left: auto; color: var(--soft); }

.badge { display: inline-block; color: var(--on-badge); background: var(--soft); border-radius: 3px;
  padding: 0 .45rem;
  font-size: .8rem; font-weight: 600; }
.badge.critical { background: var(--critical); } .badge.serious { background: var(--serious); }
.badge.warning { background: var(--warning); } .badge.info { background: var(--info); }
.badge.fine { background: var(--good); }
article { border: 1px solid var(--rule); border-left: 5px solid var(--edge); border-radius: 5px;
  padding: .6rem .9rem .7rem;
  margin: .7rem 0; }
article:target { outline: 2px solid var(--link); }
article.critical { border-left-color: var(--critical); } article.serious { border-left-color: var(--serious); }
article.warning { border-left-color: var(--warning); } article.info { border-left-color: var(--info); }
article header { display: flex; flex-wrap: wrap; gap: .2rem .7rem; align-items: baseline; }
article header .cluster { margin-left: auto; }
article dl { display: grid; grid-template-columns: auto 1fr; gap: .1rem .8rem; margin: .5rem 0 0; }
article dt { color: var(--soft); } article dd { margin: 0; }
[hidden] { display: none !important; }
/* What is off the screen is not laid out: of a thousand findings that takes seconds. */
.large article { content-visibility: auto; contain-intrinsic-size: auto 12rem; }
.large #topology > section { content-visibility: auto; contain-intrinsic-size: auto 30rem; }

.scroll { overflow-x: auto; overflow-wrap: break-word; } .scroll code { overflow-wrap: inherit; }
.scroll table { min-width: 44rem; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0; font-size: .93rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0;
  border-bottom: 1px solid var(--rule); }
th { font-weight: 600; color: var(--soft); white-space: nowrap; }
article table { margin-top: .5rem; table-layout: fixed; }
article th:first-child { width: 24%; } article th:last-child { width: 30%; }
tr:target td, tr:target th { background: var(--info-tint); }
details { margin: .5rem 0; } summary { cursor: pointer; width: fit-content; }

figure { margin: .75rem 0; }
.paper { overflow: auto; border: 1px solid var(--rule); border-radius: 5px; background: var(--panel); }
.paper > svg { display: block; margin: 0 auto; }
svg text { font-size: 11px; fill: var(--ink); } svg text.name { font-size: 13px; font-weight: 600; }
svg text.role { font-weight: 600; } svg .replica text.role, svg .standalone text.role { fill: var(--soft); }
svg a { text-decoration: none; } svg a:focus-visible { outline: none; }
svg a:hover .frame, svg a:focus-visible .frame { stroke: var(--link); stroke-width: 3; }
svg .frame { fill: var(--paper); stroke: var(--edge); stroke-width: 1.2; }
svg .writer .frame { fill: var(--good-tint); stroke: var(--good); stroke-width: 2.2; }
svg .writer text.role { fill: var(--good); }
svg .box.vip .frame { stroke: var(--vip); rx: 20px; } svg .box.vip text.role { fill: var(--vip); }
svg .box.pool .frame { stroke: var(--pool); }
svg .box.vip.bad .frame { stroke: var(--critical); stroke-width: 2.2; fill: var(--critical-tint); }
svg .silent .frame, svg .box.unknown .frame { stroke: var(--serious); stroke-dasharray: 5 4; }
svg .outside .frame { stroke: var(--edge); stroke-dasharray: 5 4; }
svg .wire { fill: none; stroke-width: 1.5; } svg .line { fill: none; stroke-width: 1.8; }
svg .wire.channel { stroke: var(--channel); } svg .wire.vip { stroke: var(--vip); }
svg .wire.pool { stroke: var(--pool); }
svg .channel { --line: var(--channel); } svg .vip { --line: var(--vip); } svg .pool { --line: var(--pool); }
svg .end .line { stroke: var(--line); } svg .end .head { fill: var(--line); }
svg .end.slow { --line: var(--warning); } svg .end.bad { --line: var(--critical); }
svg .end.bad .line, svg .end.slow .line, svg .end.idle .line, svg .end.unknown .line { stroke-dasharray: 4 3; }
svg .end .cross { stroke-dasharray: none; stroke-width: 2.2; }
svg .end.idle .head { fill: var(--panel); stroke: var(--line); }
svg text.lag { paint-order: stroke; stroke: var(--halo); stroke-width: 3px; font-weight: 600; fill: var(--channel); }
svg text.lag.slow { fill: var(--warning); } svg text.lag.bad { fill: var(--critical); }
svg text.lag.unknown { fill: var(--soft); }
svg .critical rect.badge { fill: var(--critical); } svg .serious rect.badge { fill: var(--serious); }
svg .warning rect.badge { fill: var(--warning); } svg .info rect.badge { fill: var(--info); }
svg text.badge { font-size: 11px; fill: var(--on-badge); font-weight: 600; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; padding: 0; margin: .3rem 0; list-style: none;
  font-size: .88rem; }
.key svg { display: inline-block; vertical-align: middle; margin-right: .35rem; }
footer { margin: 3rem auto 2rem; color: var(--soft); font-size: .88rem; }

@media (max-width: 42rem) {
  body { font-size: 16px; }
  article header .cluster { margin-left: 0; }
  .filter { position: static; } html { scroll-padding-top: 1rem; }
  .filter select, .filter input[type=search] { width: 100%; max-width: none; }
  article dl { display: block; } article dd { margin-bottom: .3rem; }
  article td, article th { display: block; border: 0; padding: 0; } article thead { display: none; }
  article tr { display: block; border-bottom: 1px solid var(--rule); padding: .3rem 0; }
  article td:first-child { font-weight: 600; }
}
@page { size: A4; margin: 14mm; }
@page drawing { size: A4 landscape; margin: 10mm; }
@media print {
  body { font-size: 10pt; } .large article, .large #topology > section { content-visibility: visible; }
  header.page, main, footer { max-width: none; padding: 0; }
  .filter, .skip { display: none; }
  .tiles a { text-decoration: none; } a { color: inherit; }
  article, figure, .alert, tr { break-inside: avoid; } h2, h3, h4 { break-after: avoid; }
  .paper { overflow: visible; border: 0; background: none; }
  .paper > svg { max-width: 100%; max-height: 230mm; height: auto; }
  .scroll { overflow: visible; overflow-wrap: anywhere; } .scroll table { min-width: 0; } table { font-size: 8.5pt; }
  section.wide { page: drawing; } section.wide .paper > svg { max-height: 155mm; }
  details:not([open]), summary { display: none; }
  .badge, svg * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
)
