# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All rules of the audit, by id."""

from __future__ import annotations

from . import (
    _audit_rules_checks,
    _audit_rules_haproxy,
    _audit_rules_haproxy_checks,
    _audit_rules_host,
    _audit_rules_keepalived,
    _audit_rules_lvs,
    _audit_rules_peers,
    _audit_rules_replication,
    _audit_rules_semisync,
    _audit_rules_settings,
    _audit_rules_vrrp,
    _audit_rules_writers,
)
from ._audit import Rule

_ROOMS = (
    _audit_rules_replication, _audit_rules_semisync, _audit_rules_settings, _audit_rules_vrrp, _audit_rules_peers,
    _audit_rules_keepalived, _audit_rules_checks, _audit_rules_lvs, _audit_rules_host, _audit_rules_haproxy,
    _audit_rules_haproxy_checks, _audit_rules_writers,
)  # fmt: skip
RULES: list[Rule] = sorted((rule for room in _ROOMS for rule in room.RULES.all), key=lambda rule: rule.id)
