# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The agent is shipped as the files that are imported here; compiled ones beside them would go along."""

from __future__ import annotations

import sys

sys.dont_write_bytecode = True
