# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Planted mistakes: each breaks one defence of the product, and random schedules must show it."""

from __future__ import annotations

from . import closing, memory, promotion, replication
from .mutant import MUTANTS, Mutant

__all__ = ["MUTANTS", "Mutant", "closing", "memory", "promotion", "replication"]
