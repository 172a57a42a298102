# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the boxes and lines of a drawing are. Pure, and the same for the same graph.

Servers stand on a grid, sources above replicas. Lines run like those of a circuit diagram: in tracks between rows, in
lanes between columns, never through a box. Each source has a track and a lane of its own; channels enter a box on its
left, what comes from balancers and VIPs on its right. Between neighbours in a row the line is straight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ._audit_report_graph import Box, Graph, Key, Line

BOX_WIDTH, BOX_HEIGHT = 176, 90
FRONT_HEIGHT = 75
LABEL = 64  # room for a lag before the head of its arrow
LANE, SLOT, MARGIN = 9, 17, 14
_FRONT_GAP, _HEAD = 28, 24  # a head, and a cross where it is down
SCREEN = 1160
MOST_FRONTS = 10  # more than that are told in the tables only

Point = tuple[float, float]


class Placed(NamedTuple):
    box: Box
    x: float
    y: float
    width: float
    height: float


class Route(NamedTuple):
    line: Line
    points: list[Point]  # the last one is the arrow's head
    label: Point  # where the label ends


class Drawing(NamedTuple):
    width: float
    height: float
    boxes: list[Placed]
    routes: list[Route]
    left_out: int  # balancers and VIPs that are not drawn


def lay_out(graph: Graph) -> Drawing:
    tops, fronts = graph.tops[:MOST_FRONTS], graph.fronts[:MOST_FRONTS]
    # As many columns as a screen has room for.
    for most in (6, 4, 3) if len(graph.boxes) > 24 else (4, 3):
        grid = _Grid(graph, _rows(graph, most), [box.key for box in [*tops, *fronts]])
        if grid.width <= SCREEN:
            break
    width = max(grid.width, _row_width(len(fronts)), _row_width(len(tops))) + 2 * MARGIN
    grid.shift(x=(width - grid.width) / 2)
    upper = [line for line in graph.feeds if line.target[0] == "pool"]
    y = float(MARGIN)
    placed: dict[Key, Placed] = {}
    y = _row(placed, tops, width, y, tracks=len(tops))
    y = _row(placed, fronts, width, y, tracks=len(fronts))
    grid.shift(y=y)
    placed.update(grid.placed)
    shown = {box.key for box in tops}
    routes = _upper_routes(placed, [line for line in upper if line.source in shown and line.target in placed], tops)
    routes += grid.feeds(placed, fronts) + grid.channels()
    left_out = len(graph.tops) + len(graph.fronts) - len(tops) - len(fronts)
    return Drawing(width, y + grid.height + MARGIN, list(placed.values()), routes, left_out)


def _row_width(number: int) -> float:
    return number * (BOX_WIDTH + _FRONT_GAP) - _FRONT_GAP


def _row(placed: dict[Key, Placed], boxes: Sequence[Box], width: float, y: float, tracks: int) -> float:
    """A row in the middle; where the next one begins."""
    if not boxes:
        return y
    x = (width - _row_width(len(boxes))) / 2
    for number, box in enumerate(boxes):
        placed[box.key] = Placed(box, x + number * (BOX_WIDTH + _FRONT_GAP), y, BOX_WIDTH, FRONT_HEIGHT)
    return y + FRONT_HEIGHT + 26 + LANE * tracks


def _rows(graph: Graph, most: int) -> list[list[Box]]:
    """Levels, each in as many rows of equal length as it takes."""
    sources: dict[Key, list[Key]] = {}
    for line in graph.channels:
        sources.setdefault(line.target, []).append(line.source)
    order: dict[Key, int] = {}
    rows: list[list[Box]] = []
    for level in range(max(graph.levels.values(), default=-1) + 1):
        boxes = [box for box in graph.boxes if graph.levels[box.key] == level]
        # Replicas of one source beside each other; sorting keeps the rest as it was.
        boxes.sort(key=lambda box: min((order.get(key, 0) for key in sources.get(box.key, [])), default=0))
        for box in boxes:
            order[box.key] = len(order)
        parts = -(-len(boxes) // most)
        length = -(-len(boxes) // parts) if parts else 0
        rows += [boxes[start : start + length] for start in range(0, len(boxes), length or 1)]
    return rows


def _upper_routes(placed: dict[Key, Placed], lines: Sequence[Line], tops: Sequence[Box]) -> list[Route]:
    tracks = {box.key: number for number, box in enumerate(tops)}
    entering: dict[Key, list[Key]] = {}
    for line in lines:
        entering.setdefault(line.target, []).append(line.source)
    routes = []
    for line in lines:
        source, target, sharing = placed[line.source], placed[line.target], entering[line.target]
        start = (source.x + source.width / 2, source.y + source.height)
        end_x = target.x + target.width / 2 + (sharing.index(line.source) - (len(sharing) - 1) / 2) * 16
        track = start[1] + 10 + LANE * tracks[line.source]
        points = [start, (start[0], track), (end_x, track), (end_x, target.y)]
        routes.append(Route(line, points if start[0] != end_x else [points[0], points[-1]], points[-1]))
    return routes


class _Grid:
    """Rows and columns of servers, and the lanes between them. Gap 0 is left of the first column."""

    def __init__(self, graph: Graph, rows: list[list[Box]], fronts: list[Key]) -> None:
        self.x = self.y = 0.0
        self._columns = max((len(row) for row in rows), default=0)
        self.cells: dict[Key, tuple[int, int]] = {}
        for number, row in enumerate(rows):
            first = (self._columns - len(row)) // 2
            self.cells.update({box.key: (number, first + column) for column, box in enumerate(row)})
        self._boxes = [box for row in rows for box in row]
        self._channels = [line for line in graph.channels if line.source in self.cells and line.target in self.cells]
        self._feeds = [line for line in graph.feeds if line.target in self.cells and line.source in fronts]
        self._plan(len(rows))

    def _plan(self, rows: int) -> None:
        self._slots: dict[tuple[int, int], list[Line]] = {}  # row and gap -> lines that end in it, from above
        self._channel_lanes: list[list[Key]] = [[] for _gap in range(self._columns + 1)]
        self._feed_lanes: list[list[Key]] = [[] for _gap in range(self._columns + 1)]
        self._tracks: list[list[Key]] = [[] for _row in range(rows)]
        labelled = set()
        for line in self._channels:
            row, column = self.cells[line.target]
            gap = self._gap(line)
            self._slots.setdefault((row, gap), []).append(line)
            labelled.add(gap)
            if not self._straight(line):
                _add(self._channel_lanes[column], line.source)
                _add(self._tracks[self.cells[line.source][0]], line.source)
        for line in self._feeds:
            row, column = self.cells[line.target]
            self._slots.setdefault((row, column + 1), []).append(line)
            _add(self._feed_lanes[column + 1], line.source)
        self._gaps = [
            (_HEAD + LANE * len(feeds) if feeds else 0.0)
            + (LANE * len(lanes) + LABEL + 12 if gap in labelled else 0.0)
            + (14.0 if 0 < gap < self._columns else 0.0)
            for gap, (feeds, lanes) in enumerate(zip(self._feed_lanes, self._channel_lanes))
        ]
        self._heights = [
            max([BOX_HEIGHT, *(14.0 + SLOT * len(lines) for (at, _gap), lines in self._slots.items() if at == row)])
            for row in range(rows)
        ]
        self.width = sum(self._gaps) + BOX_WIDTH * self._columns
        self.height = sum(self._heights) + sum(self._below(row) for row in range(rows))

    def shift(self, x: float = 0.0, y: float = 0.0) -> None:
        self.x, self.y = self.x + x, self.y + y

    def _below(self, row: int) -> float:
        return (26.0 if row + 1 < len(self._tracks) else 6.0) + LANE * len(self._tracks[row])

    def _left(self, column: int) -> float:
        return self.x + sum(self._gaps[: column + 1]) + BOX_WIDTH * column

    def _top(self, row: int) -> float:
        return self.y + sum(self._heights[:row]) + sum(self._below(each) for each in range(row))

    @property
    def placed(self) -> dict[Key, Placed]:
        found = {}
        for box in self._boxes:
            row, column = self.cells[box.key]
            found[box.key] = Placed(box, self._left(column), self._top(row), BOX_WIDTH, self._heights[row])
        return found

    def _straight(self, line: Line) -> bool:
        source, target = self.cells[line.source], self.cells[line.target]
        return source[0] == target[0] and abs(source[1] - target[1]) == 1

    def _gap(self, line: Line) -> int:
        """The gap in which a channel ends: left of its replica, or right of it where the source stands there."""
        source, target = self.cells[line.source], self.cells[line.target]
        return target[1] + 1 if self._straight(line) and source[1] > target[1] else target[1]

    def _slot(self, line: Line, gap: int) -> float:
        row = self.cells[line.target][0]
        return self._top(row) + 18 + SLOT * self._slots[row, gap].index(line)

    def channels(self) -> list[Route]:
        routes = []
        for line in self._channels:
            source, target = self.cells[line.source], self.cells[line.target]
            gap = self._gap(line)
            y = self._slot(line, gap)
            end = self._left(target[1]) if gap == target[1] else self._left(target[1]) + BOX_WIDTH
            label = (self._left(gap) - 12, y)
            if self._straight(line):
                start = self._left(source[1]) + (BOX_WIDTH if source[1] < target[1] else 0)
                routes.append(Route(line, [(start, y), (end, y)], label))
                continue
            lanes = self._channel_lanes[gap]
            lane = self._left(gap) - 12 - LABEL - LANE * (len(lanes) - lanes.index(line.source)) + LANE / 2
            middle = self._left(source[1]) + BOX_WIDTH / 2
            bottom = self._top(source[0]) + self._heights[source[0]]
            track = bottom + 10 + LANE * self._tracks[source[0]].index(line.source)
            routes.append(Route(line, [(middle, bottom), (middle, track), (lane, track), (lane, y), (end, y)], label))
        return routes

    def feeds(self, placed: dict[Key, Placed], fronts: Sequence[Box]) -> list[Route]:
        tracks = {box.key: number for number, box in enumerate(fronts)}
        routes = []
        for line in self._feeds:
            source, column = placed[line.source], self.cells[line.target][1]
            lanes = self._feed_lanes[column + 1]
            edge = self._left(column) + BOX_WIDTH
            lane = edge + _HEAD + LANE * lanes.index(line.source)
            y = self._slot(line, column + 1)
            start = (source.x + source.width / 2, source.y + source.height)
            track = start[1] + 10 + LANE * tracks.get(line.source, 0)
            routes.append(Route(line, [start, (start[0], track), (lane, track), (lane, y), (edge, y)], (lane, y)))
        return routes


def _add(lanes: list[Key], key: Key) -> None:
    if key not in lanes:
        lanes.append(key)
