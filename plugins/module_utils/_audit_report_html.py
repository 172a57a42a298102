# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elements of a page. Whatever is not made here is text and is escaped, so nothing has to be remembered. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Union

from ._audit_report_text import line


class Markup(str):
    """What may stand in the page as it is."""

    __slots__ = ()


Child = Union[str, int, None, Iterable["Child"]]
_EMPTY = frozenset({"input", "meta", "link", "br", "path", "rect", "circle"})


def text(child: Child) -> str:
    """Text escaped, elements as they are, nothing for nothing."""
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return html.escape(line(child))
    if isinstance(child, int):
        return str(child)
    return "".join(text(each) for each in child)


def tag(name: str, /, *children: Child, **attributes: str | int | float | bool | None) -> Markup:
    """class_ is class, data_host is data-host; True is an attribute without a value, False, None and "" none at all."""
    parts = [name]
    for key, value in attributes.items():
        if value is None or value is False or value == "":
            continue
        key = key.rstrip("_").replace("_", "-")
        parts.append(key if value is True else f'{key}="{html.escape(line(_number(value)))}"')
    if name in _EMPTY:
        return Markup(f"<{' '.join(parts)}/>")
    return Markup(f"<{' '.join(parts)}>{text(children)}</{name}>")


def _number(value: str | int | float) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
