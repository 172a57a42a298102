# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what the modules returned to the result document."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit import FAMILIES
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_report import REPORTS, console, render
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_result import audit
from ansible_collections.opendba.mysql_ha.plugins.module_utils._server_sockets import unasked
from unit.audit.builders import UUIDS, change, good

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs" / "audit-result.schema.json").read_text(encoding="utf-8"))
NOW = "2026-11-21T19:00:00Z"
KEYS = {"mysql": "instance", "os": "host"}


def answered(facts: dict[str, Any]) -> dict[str, Any]:
    """As the tasks of the playbook register it; a family that the host does not have is said to be absent."""
    nothing = {
        "mysql": {"reachable": False, "reason": "no PyMySQL", "present": False},
        "vrrp": {"installed": False, "running": False, "configuration": None, "instances": [], "problems": []},
        "haproxy": {"running": False, "configuration": None, "problems": []},
        "vips": [], "lvs": {"services": [], "lo": [], "arp": {}, "problems": []},
    }  # fmt: skip
    return {family: {KEYS.get(family, family): {**nothing, **facts}[family]} for family in FAMILIES}


def result(hosts: dict[str, Any], fail_on: str = "never", *suppressions: dict[str, str]) -> dict[str, Any]:
    groups = {"all": list(hosts), "ungrouped": list(hosts)}
    found = audit({name: answered(facts) for name, facts in hosts.items()}, groups, suppressions, fail_on, NOW, "1.0.0")
    jsonschema.validate(found, SCHEMA)
    return found


def test_the_sample_has_the_documented_form() -> None:
    jsonschema.validate(json.loads((Path(__file__).parent / "sample_result.json").read_text(encoding="utf-8")), SCHEMA)


def test_a_host_of_clients_is_no_cluster() -> None:
    app = {"os": {**good()["db1"]["os"], "addresses": ["192.0.2.77"], "selinux": "disabled"}}
    found = result({**good(), "app": app})
    assert [each["name"] for each in found["clusters"]] == ["192.0.2.100"]
    (host,) = [each for each in found["hosts"] if each["name"] == "app"]
    assert (host["cluster"], host["asked"], host["roles"], found["summary"]["clusters"]) == ("", True, [], 1)
    assert all(render(found).values())
    assert 'data-cluster="none"><td><b>app</b>' in render(found)["audit.html"]
    proxy = {**app, "haproxy": {"configuration": None, "running": True, "problems": []}}
    assert len(result({**good(), "app": proxy})["clusters"]) == 2
    assert len(result({**good(), "app": {**app, "vrrp": None}})["clusters"]) == 2  # it could not be read


def test_a_good_cluster() -> None:
    found = result(good(), "info")
    (cluster,) = found["clusters"]
    assert (cluster["name"], cluster["severity"], found["failed"]) == ("192.0.2.100", None, False)
    assert [(each["host"], each["role"], each["address"], each["semi_sync"]) for each in cluster["instances"]] == [
        ("db1", "writer", "192.0.2.11", "waits"), ("db2", "replica", "192.0.2.12", "acknowledges"),
    ]  # fmt: skip
    (channel,) = cluster["channels"]
    assert (channel["host"], channel["source"], channel["state"]) == ("db2", "db1", "running")
    assert [(vip["address"], vip["kind"], vip["holders"], vip["on_lo"]) for vip in cluster["vips"]] == [
        ("192.0.2.100", "vrrp", ["db1"], []), ("192.0.2.200", "lvs", [], ["db1", "db2"]),
    ]  # fmt: skip
    assert {(each["kind"], each["host"]) for each in cluster["balancers"]} == {
        ("lvs", "lvs1"), ("lvs", "lvs2"), ("haproxy", "hap1"), ("haproxy", "hap2"),
    }  # fmt: skip
    assert [server["host"] for server in cluster["balancers"][0]["servers"]] == ["db1", "db2"]
    roles = {host["name"]: host["roles"] for host in found["hosts"]}
    assert (roles["db1"], roles["lvs1"]) == (["mysql", "keepalived", "realserver"], ["keepalived", "director"])
    assert roles["hap1"] == ["proxy"]
    assert found["summary"]["unjudged"] == 0


def test_hosts_that_cannot_be_asked_are_said_and_the_audit_goes_on() -> None:
    answers = {name: answered(facts) for name, facts in good().items()}
    answers["db2"]["mysql"] = {"instance": {"reachable": False, "reason": "access denied", "present": True}}
    answers["lvs1"]["vrrp"] = {"failed": True, "msg": "MODULE\nFAILURE"}
    answers["gone"] = {"os": {"unreachable": True, "msg": "no route"}, "mysql": {"skipped": True}}
    answers["odd"] = {"os": {"msg": "/usr/bin/python3: not found", "rc": 127}}
    answers["never"] = {}
    found = audit(answers, {}, [], "never", NOW, "1.0.0")
    jsonschema.validate(found, SCHEMA)
    hosts = {host["name"]: host for host in found["hosts"]}
    assert hosts["db2"]["problems"] == [{"family": "mysql", "text": "access denied"}]
    assert hosts["lvs1"]["problems"] == [{"family": "vrrp", "text": "MODULE FAILURE"}]
    assert {name: hosts[name]["reason"] for name in ("gone", "odd", "never")} == {
        "gone": "no route", "odd": "/usr/bin/python3: not found", "never": "it was not asked",
    }  # fmt: skip
    assert found["summary"]["not_asked"] == 3
    cluster = next(each for each in found["clusters"] if "db2" in each["hosts"])
    db2 = next(each for each in cluster["instances"] if each["host"] == "db2")
    assert (db2["role"], db2["reason"]) == ("unknown", "access denied")
    missing = {(each["rule"], each["host"]) for every in found["clusters"] for each in every["unjudged"]}
    assert {("MHA-R001", "db2"), ("MHA-V015", "lvs1")} <= missing
    assert ("MHA-R001", "lvs1") not in missing, "a director has no MySQL to be judged"


def test_names_of_one_machine() -> None:
    hosts = good()
    for name in ("db1", "db2"):
        hosts[name]["os"]["boot_id"] = name
    hosts["db1b"] = json.loads(json.dumps(hosts["db1"]))
    hosts["db1b"]["mysql"].update(port=3307, server_id=7, server_uuid="00000000-0000-0000-0000-000000000007",
                                  gtid_executed="", read_only=True, super_read_only=True)  # fmt: skip
    assert "MHA-V001" not in {finding["rule"] for each in result(hosts)["clusters"] for finding in each["findings"]}


def test_the_other_server_of_a_machine_is_asked_by_its_other_name() -> None:
    one, third = "/data/3306/mysql.sock", "/data/3308/mysql.sock"
    hosts = {"a": good()["db1"], "b": json.loads(json.dumps(good()["db1"]))}
    for name in hosts:
        hosts[name]["os"]["boot_id"] = "same"
    hosts["a"]["mysql"].update(socket=one, problems=[unasked(third)])
    hosts["b"]["mysql"].update(socket="/data/3307/mysql.sock", port=3307, problems=[unasked(one), unasked(third)])
    said = {host["name"]: [each["text"] for each in host["problems"]] for host in result(hosts)["hosts"]}
    assert said == {"a": [unasked(third)], "b": [unasked(third)]}


@pytest.mark.parametrize(
    ("fail_on", "failed"), [("critical", False), ("serious", True), ("info", True), ("never", False)]
)
def test_fail_on(fail_on: str, failed: bool) -> None:
    found = result(change(good(), "db1/mysql/variables/sync_binlog", "0"), fail_on)
    assert (found["severity"], found["failed"]) == ("serious", failed)


@pytest.mark.parametrize(
    ("given", "state", "suppressed"),
    [
        ({"rule": "MHA-R013", "host": "db1", "reason": "scratch", "expires": "2026-11-21"}, "used", 1),
        ({"rule": "MHA-R013", "reason": "scratch", "expires": "2026-11-20"}, "expired", 0),
        ({"rule": "MHA-R013", "reason": "scratch"}, "invalid", 0),
        ({"rule": "MHA-R013", "reason": "scratch", "expires": "some day"}, "invalid", 0),
        ({"rule": "MHA-R013", "reason": "scratch", "expires": "2027-02-30"}, "invalid", 0),
        ({"rule": "MHA-R013", "reason": "scratch", "expires": "20270101"}, "invalid", 0),
        ({"rule": "MHA-R013", "expires": "2027-01-01"}, "invalid", 0),
        ({"rule": "MHA-R013", "reason": " ", "expires": "2027-01-01"}, "invalid", 0),
        ({"rule": "MHA-R999", "reason": "scratch", "expires": "2027-01-01"}, "invalid", 0),
        ({"rule": "MHA-R014", "reason": "scratch", "expires": "2027-01-01"}, "unused", 0),
    ],
)
def test_suppressions(given: dict[str, str], state: str, suppressed: int) -> None:
    found = result(change(good(), "db1/mysql/variables/sync_binlog", "0"), "serious", given)
    assert found["suppressions"][0]["state"] == state
    assert found["summary"]["suppressed"] == suppressed
    assert found["failed"] == (suppressed == 0)


def test_clusters_of_one_group_have_names_of_their_own() -> None:
    hosts = {
        name: {**good()["db1"], "vrrp": None, "vips": [], "lvs": None,
               "os": {**good()["db1"]["os"], "addresses": [f"192.0.2.{number}"]},
               "mysql": {**good()["db1"]["mysql"], "server_uuid": UUIDS["lvs"], "gtid_executed": ""}}
        for number, name in enumerate(("a", "b"), start=71)
    }  # fmt: skip
    answers = {name: answered(facts) for name, facts in hosts.items()}
    found = audit(answers, {"mysql": ["a", "b"]}, [], "never", NOW, "1")
    assert [cluster["name"] for cluster in found["clusters"]] == ["a", "b"]


def copy_of_good(number: int) -> dict[str, Any]:
    """Another cluster: its own addresses, UUIDs and names."""
    text = json.dumps(good()).replace("192.0.2.", f"10.{number}.2.").replace("00000000-0000", f"{number:08}-0000")
    return {f"{name}-{number}": facts for name, facts in json.loads(text).items()}


def test_two_hundred_hosts() -> None:
    hosts = {name: facts for number in range(34) for name, facts in copy_of_good(number).items()}
    hosts = change(hosts, "db1-3/mysql/variables/sync_binlog", "0")
    answers = {name: answered(facts) for name, facts in hosts.items()}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    found = audit(answers, {"all": list(hosts)}, [], "never", NOW, "1.0.0")
    texts = render(found, tuple(REPORTS))
    lines = console(found, list(texts))
    assert time.process_time() - started < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 * 1024, "KiB"
    assert (found["summary"]["hosts"], found["summary"]["clusters"], found["summary"]["serious"]) == (204, 34, 1)
    assert lines
    jsonschema.validate(found, SCHEMA)


def test_a_client_is_no_cluster() -> None:
    client = {"os": {**good()["db1"]["os"], "addresses": ["192.0.2.99"]}}
    found = result({**good(), "app1": client})
    assert [each["name"] for each in found["clusters"]] == ["192.0.2.100"]
    assert [(each["cluster"], each["roles"]) for each in found["hosts"] if each["name"] == "app1"] == [("", [])]
    assert "app1" in render(found)["audit.html"]
