# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster's drawing as SVG inside the page, which has its colours (_audit_report_style). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ._audit_report_graph import graph
from ._audit_report_html import Markup, tag
from ._audit_report_layout import Placed, Point, Route, lay_out
from ._audit_report_text import SEVERITIES, Result, count, middle

_ROUND = 6.0  # radius of corners
_ROLES = {"writer": "writer", "replica": "replica", "standalone": "no channel", "unknown": "unknown"}


def drawing(cluster: Result, hosts: dict[str, Result], anchors: Mapping[str, str]) -> tuple[Markup, int]:
    """The drawing, and how many balancers and VIPs did not fit. `anchors` are where a host's name leads to."""
    placed = lay_out(graph(cluster, hosts))
    # Wires first and troubles last, so that nothing hides what is wrong.
    rank = {"idle": 0, "unknown": 1, "good": 2, "slow": 3, "bad": 4}
    routes = sorted(placed.routes, key=lambda route: rank[route.line.state])
    about = (
        f"Drawing of cluster {cluster['name']}: {count(len(cluster['instances']), 'database server')}, "
        f"{count(len(cluster['channels']), 'channel')}, {count(len(cluster['vips']), 'VIP')}, "
        f"{count(len(cluster['balancers']), 'balanced service')}. The tables below it say the same."
    )
    image = tag(
        "svg",
        [_wire(route) for route in routes],
        [_end(route) for route in routes],
        [_box(each, anchors) for each in placed.boxes],
        [_label(route) for route in routes if route.line.label],
        viewBox=f"0 0 {placed.width:.0f} {placed.height:.0f}", width=round(placed.width), height=round(placed.height),
        role="group", aria_label=about, class_="wide" if placed.width > max(700, 1.2 * placed.height) else None,
    )  # fmt: skip
    return image, placed.left_out


def _kind(route: Route) -> str:
    return {"vip": "vip", "pool": "pool"}.get(route.line.source[0], "channel")


def _wire(route: Route) -> Markup:
    """All but the last piece, which lines of one source share: it has no state."""
    if len(route.points) < 3:
        return Markup("")
    last, end = route.points[-2:]
    # The corner belongs to the wire.
    stub = _towards(last, end, _ROUND)
    return tag("path", d=_path([*route.points[:-1], stub]), class_=f"wire {_kind(route)}")


def _end(route: Route) -> Markup:
    start, end = route.points[-2:]
    if len(route.points) > 2:
        start = _towards(start, end, _ROUND)
    state = route.line.state
    return tag(
        "g",
        tag("title", route.line.text),
        tag("path", d=_path([start, _towards(end, start, 7)]), class_="line"),
        tag("path", d=_head(start, end), class_="head"),
        tag("path", d=_cross(start, end), class_="line cross") if state == "bad" and _kind(route) != "vip" else None,
        class_=f"end {_kind(route)} {state}",
    )


def _towards(point: Point, other: Point, distance: float) -> Point:
    (x, y), (to_x, to_y) = point, other
    length = abs(to_x - x) + abs(to_y - y)  # all lines are level or upright
    part = min(1.0, distance / length) if length else 0.0
    return x + (to_x - x) * part, y + (to_y - y) * part


def _path(points: list[Point]) -> str:
    """A line with round corners."""
    steps = [f"M{_at(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:]):
        radius = min(_ROUND, _half(before, corner), _half(corner, after))
        steps.append(f"L{_at(_towards(corner, before, radius))}Q{_at(corner)} {_at(_towards(corner, after, radius))}")
    return "".join([*steps, f"L{_at(points[-1])}"])


def _half(one: Point, other: Point) -> float:
    return (abs(one[0] - other[0]) + abs(one[1] - other[1])) / 2


def _at(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"


def _head(start: Point, end: Point) -> str:
    back = _towards(end, start, 9)
    wide = (0.0, 4.5) if start[1] == end[1] else (4.5, 0.0)
    one, other = (back[0] + wide[0], back[1] + wide[1]), (back[0] - wide[0], back[1] - wide[1])
    return f"M{_at(end)}L{_at(one)}L{_at(other)}Z"


def _cross(start: Point, end: Point) -> str:
    x, y = _towards(end, start, 15)
    return f"M{x - 4:.1f},{y - 4:.1f}l8,8m-8,0l8,-8"


def _label(route: Route) -> Markup:
    x, y = route.label
    return tag("text", middle(route.line.label, 11), x=x, y=y - 4, class_=f"lag {route.line.state}", text_anchor="end")


def _box(placed: Placed, anchors: Mapping[str, str]) -> Markup:
    box = placed.box
    content = tag(
        "g",
        tag("title", "\n".join([box.title, *box.lines])),
        tag("rect", x=placed.x, y=placed.y, width=placed.width, height=placed.height, rx=6, class_="frame"),
        # A picture of its own cuts off what is too long.
        tag("svg", list(_words(placed)), x=placed.x, y=placed.y, width=placed.width - 3, height=placed.height),
        _badge(placed),
        class_=f"box {box.kind} {box.role if box.kind == 'instance' else ''} {box.state}".replace("  ", " "),
        data_host=anchors[box.host].split("-")[1] if box.host in anchors else None,
    )
    return tag("a", content, href=f"#{anchors[box.host]}") if box.host in anchors else content


def _words(placed: Placed) -> Iterator[Markup]:
    box = placed.box
    yield tag("text", middle(box.title, 18), x=11, y=20, class_="name")
    role = _ROLES[box.role] if box.kind == "instance" else "VIP" if box.kind == "vip" else ""
    lines = [role, *box.lines] if role else box.lines
    for number, entry in enumerate(lines[:4] if placed.height > 80 else lines[:3]):
        class_ = "role" if role and not number else None
        yield tag("text", middle(entry, 26), x=11, y=37 + 14 * number, class_=class_)


def _badge(placed: Placed) -> Markup:
    """How many findings of the worst severity name this host, and how many others."""
    box = placed.box
    rank = next((rank for rank, number in enumerate(box.marks) if number), None)
    if rank is None:
        return Markup("")
    rest = sum(box.marks) - box.marks[rank]
    words = f"{box.marks[rank]} {SEVERITIES[rank]}" + (f" +{rest}" if rest else "")
    width = 7.2 * len(words) + 12
    x, y = placed.x + placed.width - width + 8, placed.y - 9
    told = ", ".join(f"{number} {severity}" for number, severity in zip(box.marks, SEVERITIES) if number)
    return tag(
        "g",
        tag("title", f"findings: {told}"),
        tag("rect", x=x, y=y, width=width, height=18, rx=9, class_="badge"),
        tag("text", words, x=x + width / 2, y=y + 13, class_="badge", text_anchor="middle"),
        class_=SEVERITIES[rank],
    )
