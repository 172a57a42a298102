# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's result as JSON: docs/audit-result.schema.json. Pure."""

from __future__ import annotations

import json
import math
from typing import Any

from ._audit_report_text import Result


def as_json(result: Result) -> str:
    """The result itself: docs/audit-result.schema.json."""
    return dump(result)


def dump(value: Any) -> str:
    return json.dumps(_plain(value), indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """Only what JSON knows: values of evidence come from anywhere."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(each) for each in value), key=repr)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    # A half of a surrogate pair is an escape that strict readers refuse.
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
