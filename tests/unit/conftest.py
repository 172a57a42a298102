# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The collection is importable through .collections (see pyproject.toml); the tests leave nothing in its tree."""

from __future__ import annotations

import sys

from hypothesis import settings

# A test is right or wrong; how long one example takes on a busy machine says nothing.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

# The agent is shipped as these very files; compiled ones beside them would go along.
sys.dont_write_bytecode = True
