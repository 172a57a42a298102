# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's result (docs/audit-result.schema.json) as text, in each form that there is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable

from ._audit_report_console import console
from ._audit_report_json import as_json
from ._audit_report_junit import junit
from ._audit_report_page import page
from ._audit_report_sarif import sarif
from ._audit_report_text import Result

# Name of the form -> name of its file, and what makes it.
REPORTS: dict[str, tuple[str, Callable[[Result], str]]] = {
    "html": ("audit.html", page),
    "json": ("audit.json", as_json),
    "sarif": ("audit.sarif", sarif),
    "junit": ("audit.junit.xml", junit),
}


def render(result: Result, forms: Iterable[str] = tuple(REPORTS)) -> dict[str, str]:
    """Name of the file -> its text, for UTF-8."""
    return {REPORTS[form][0]: REPORTS[form][1](result) for form in forms}


__all__ = ["REPORTS", "console", "render"]
