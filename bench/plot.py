# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A strip plot as SVG: a line for each name, a dot for each value, on a logarithmic axis."""

from __future__ import annotations

import math
import statistics
from html import escape

LEFT, RIGHT, TOP, STEP = 330, 30, 40, 22
WIDTH = 900
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
SPREAD = 5  # dots of one line are moved up and down by up to so many pixels, so that equal ones show


def strips(values: dict[str, list[float]], title: str) -> str:
    every = [value for listed in values.values() for value in listed]
    low = max(tick for tick in TICKS if tick <= max(min(every), TICKS[0]))
    high = min((tick for tick in TICKS if tick > max(every)), default=TICKS[-1])
    bottom = TOP + STEP * len(values)

    def across(value: float) -> float:
        part = math.log(max(value, low) / low) / math.log(high / low)
        return round(LEFT + part * (WIDTH - LEFT - RIGHT), 1)

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 40}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{bottom + 40}" fill="white"/>',
        f'<text x="{LEFT}" y="20">{escape(title)}</text>',
    ]
    for tick in (tick for tick in TICKS if low <= tick <= high):
        drawn.append(f'<path d="M{across(tick)} {TOP - 8}V{bottom}" stroke="#ddd"/>')
        drawn.append(f'<text x="{across(tick)}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>')
    drawn.append(f'<text x="{WIDTH - RIGHT}" y="{bottom + 34}" text-anchor="end">seconds</text>')
    for number, (name, listed) in enumerate(values.items()):
        middle = TOP + STEP * number + STEP // 2 - 4
        drawn.append(f'<text x="{LEFT - 10}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>')
        for place, value in enumerate(listed):
            shift = (place * 7 % (2 * SPREAD + 1)) - SPREAD
            place_of = f'cx="{across(value)}" cy="{middle + shift}"'
            drawn.append(f'<circle {place_of} r="2" fill="#2a6db0" fill-opacity="0.6"/>')
        at = across(statistics.median(listed))
        drawn.append(f'<path d="M{at} {middle - 8}v16" stroke="#c0392b" stroke-width="2"/>')
    return "\n".join([*drawn, "</svg>"]) + "\n"
