# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The first seed that shows each planted mistake, as `make simulate CATCH=250` prints it."""

from __future__ import annotations

FOUND: dict[str, int] = {
}
