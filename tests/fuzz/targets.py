# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What mutated files go through: parsers, rules, reports, discover. Nothing may fail, run away or show a secret."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _settings_seen as seen
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_report import console, render
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_result import audit
from ansible_collections.opendba.mysql_ha.plugins.module_utils._discover import discover
from ansible_collections.opendba.mysql_ha.plugins.module_utils._haproxy_conf import (
    Unreadable,
    describe,
    parse,
    sockets,
)
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_conf import Unreadable as NotKeepalived
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_conf import parse as parse_keepalived
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_secrets import without_secrets
from unit.audit.builders import good, vrrp
from unit.audit.test_result import answered

from .corpus import SECRET

SLOW = 5.0  # seconds of the processor for one input through everything
NOW = "2026-11-21T19:00:00Z"
Facts = dict[str, Any]


class Broken(AssertionError):
    """What was promised does not hold for an input."""


def keepalived(text: str) -> Facts:
    try:
        statements = parse_keepalived(text.encode(), "k.conf")[0]
    except NotKeepalived as error:
        return {"db1": {"vrrp": {**vrrp(""), "configuration": None, "problems": [str(error)]}}}
    facts = vrrp(text)
    facts["configuration"]["statements"] = without_secrets(statements)
    return {"db1": {"vrrp": facts}, "lvs1": {"vrrp": facts}}


def haproxy(text: str) -> Facts:
    found: Facts = {"running": True, "proxies": [], "problems": [], "configuration": None}
    try:
        sections = parse(text.encode(), "h.cfg")
        sockets(sections)
        described = describe(sections)
        found["problems"] = list(described.pop("problems"))
        found["configuration"] = {"files": ["h.cfg"], "files_for_all": ["h.cfg"], **described}
    except Unreadable as error:
        found["problems"].append(str(error))
    return {"hap1": {"haproxy": found}, "db1": {"haproxy": found}}


def options(text: str) -> Facts:
    found = seen.Settings(lambda path, directory: [] if directory or path != "/my.cnf" else [(path, text)])
    found.read("/my.cnf")
    settings = {
        "options": found.settings, "agents": [], "package": None, "certificate": None, "memory_mb": 7000,
        "problems": found.problems,
    }  # fmt: skip
    last = {each["name"]: each for each in found.settings}
    boot = {name: last[name] for name in ("read_only", "super_read_only") if name in last}
    files = {"files": found.files, "boot": boot, "open_secrets": found.secrets}
    return {name: {"settings": settings, "option_files": files} for name in ("db1", "db2")}


TARGETS: dict[str, Callable[[str], Facts]] = {"keepalived": keepalived, "haproxy": haproxy, "options": options}


def answers(given: Facts) -> Facts:
    """What the playbook registers on the hosts of a good cluster, where some were found otherwise."""
    hosts = good()
    found = {}
    for name, facts in hosts.items():
        more = dict(given.get(name, {}))
        settings = more.pop("settings", {"options": [], "agents": [], "memory_mb": 7000, "problems": []})
        if "option_files" in more:
            facts["mysql"]["option_files"] = more.pop("option_files")
        found[name] = {**answered({**facts, **more}), "settings": {"settings": settings}}
    return found


def outputs(kind: str, text: str) -> dict[str, str]:
    """Everything that a person or a program gets to see, by name."""
    given = TARGETS[kind](text)
    asked = answers(given)
    groups = {"all": list(asked), "ungrouped": list(asked)}
    result = audit(asked, groups, [], "never", NOW, "1.0.0")
    problems = [each for cluster in result["clusters"] for each in cluster["problems"]]
    if problems:
        raise Broken(f"a rule fails: {problems}")
    discovery = discover(asked, groups, {})
    failed = [each for each in discovery.choices if "please report it" in each]
    if failed:
        raise Broken(f"discover fails: {failed}")
    return {
        "facts": json.dumps(given), **render(result), "console": "\n".join(console(result)),
        "discover": "\n".join([*discovery.files.values(), *discovery.choices]),
    }  # fmt: skip


def check(kind: str, text: str) -> float:
    """Seconds that it took. Raises Broken, and whatever a program raises that should raise nothing."""
    started = time.process_time()
    found = outputs(kind, text)
    took = time.process_time() - started
    if took > SLOW:
        raise Broken(f"{len(text)} characters took {took:.1f} s")
    shown = [name for name, output in found.items() if SECRET in output]
    if shown:
        raise Broken(f"the secret is in {', '.join(shown)}")
    return took
