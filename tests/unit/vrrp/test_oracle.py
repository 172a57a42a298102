# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What keepalived itself says of a configuration, against what is read here. Skipped where keepalived is absent."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_conf import parse
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_keywords import ignored
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_misread import misread
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_model import describe
from ansible_collections.opendba.mysql_ha.plugins.module_utils._vrrp import combine
from unit.vrrp.practitioners import DIRECTOR, LOCAL_CHECK, PER_INSTANCE, UNICAST

KEEPALIVED = shutil.which("keepalived") or shutil.which("keepalived", path="/usr/sbin")
pytestmark = pytest.mark.skipif(not KEEPALIVED, reason="keepalived is not installed")


def said(directory: Path, text: str, config_id: str = "host1") -> str:
    path = directory / "keepalived.conf"
    path.write_text(text)
    command = [str(KEEPALIVED), "--config-test", f"--use-file={path}", f"--config-id={config_id}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


@pytest.fixture
def interface() -> str:
    found = sorted({path.name for path in Path("/sys/class/net").iterdir()} - {"lo"})
    if not found:
        pytest.skip("there is no interface besides lo")
    return found[0]


def read(text: str, config_id: str = "host1") -> tuple[dict[str, Any], list[str]]:
    statements, problems = parse(text.encode(), "k", config_id)
    known = [entry["text"] for entry in ignored(statements)]
    return describe(statements), [*problems, *misread(statements), *known]


def named(oracle: str) -> set[str]:
    """Instances of which keepalived complains by name: each has a priority that it refuses."""
    return set(re.findall(r"\(([\w.]+)\) Priority not valid", oracle))


# Instances in every form in which people hide them.
FORMS = [
    "# D:\\\nvrrp_instance A {\npriority 999\n}", "! D:\\\n\nvrrp_instance A {\npriority 999\n}\n",
    "$V= \\\nvrrp_instance V_$N { \\\npriority 999 \\\n}\n$N=1\n$V\n$N=2\n$V",
    "$N=A\nvrrp_instance ${N} {\npriority 999\n}",
    "@host1 vrrp_instance A {\n@host2 vrrp_instance B {\npriority 999\n}",
    "@^host1 vrrp_instance A {\n@^host2 vrrp_instance B {\npriority 999\n}",
    "vrrp_instance A\n{\npriority 999\n}", "vrrp_instance A { priority 999 }\nvrrp_instance B {\npriority 999\n}",
    "~SEQ(N, 1, 3) vrrp_instance V_${N} { priority 999 }\n",
    "$I= \\\nvrrp_instance V_$N { \\\npriority 999 \\\n}\n~SEQ(N, 4, 2, -1) $I",
    "vrrp_instance A {\npriority 999\n}\nvrrp_instance A {\npriority 999\n}",
    "$X=vrrp_instance A\n$X {\npriority 999\n}", 'vrrp_instance "A" {\npriority 999\n}',
    "$E=\nvrrp_instance A {\n$E\npriority 999\n}", "vrrp_instance A {\r\npriority 999\r\n}\r\n",
    "vrrp_instance\tA\t{\npriority\t999\n}",
    "$P=999\nvrrp_instance A {\npriority $P\n}\nvrrp_instance B {\npriority ${P}\n}",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMS)
def test_the_same_instances(text: str, tmp_path: Path) -> None:
    described, _odd = read(text)
    assert {each["name"] for each in described["instances"]} == named(said(tmp_path, text))


LINES = [
    "vrrp_instance A {", "vrrp_instance B {", "}", "priority 999", "# comment \\", "! }", "@host1 priority 999",
    "@host2 }",
    "@host1 vrrp_instance C {", "@host2 vrrp_instance D {", "$N=E", "vrrp_instance ${N} {", "virtual_ipaddress {",
    "192.0.2.1", "vrrp_script s {", 'script "/bin/true"', "$M= \\", "priority 999 \\", "$M", "", "track_script {", "s",
]  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(LINES), max_size=14))
def test_generated_files_have_the_same_instances(tmp_path: Path, lines: list[str]) -> None:
    """Where keepalived finds its braces in order and knows every word: else the two go different ways on purpose."""
    text = "\n".join(lines) + "\n"
    oracle = said(tmp_path, text)
    if re.search(r"Unknown keyword|Unexpected|Extra|missing|Missing|already", oracle):
        return
    described, _odd = read(text)
    assert named(oracle) <= {each["name"] for each in described["instances"]}


@pytest.mark.parametrize("text", [LOCAL_CHECK, DIRECTOR, PER_INSTANCE, UNICAST])
def test_the_words_of_practitioners(text: str, tmp_path: Path) -> None:
    _described, odd = read(text)
    assert odd == []
    # Known to 1.x, in this place.
    assert set(re.findall("Unknown keyword '(.*)'", said(tmp_path, text))) <= {"nb_get_retry"}


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ("vrrp_instance A", "priority 300"), ("vrrp_instance A", "priority 0"), ("vrrp_instance A", "advert_int 300"),
        ("vrrp_instance A", "virtual_router_id 300"), ("vrrp_script a", "weight 300"), ("vrrp_script a", "fall 0"),
        ("vrrp_instance A", "priorty 9"), ("vrrp_instance A", "\u00a0priority 9"), ("global_defs", "script_usr root"),
        ("vrrp_script a", "intervall 9"), ("vrrp_instance A", "priority 9"), ("vrrp_script a", "weight -253"),
    ],
)  # fmt: skip
def test_what_keepalived_complains_of(block: str, text: str, tmp_path: Path) -> None:
    whole = f'{block} {{\n{"script /bin/true" if "script" in block else ""}\n{text}\n}}\n'
    complaint = re.search(r"Unknown keyword|not valid|outside range", said(tmp_path, whole))
    assert bool(read(whole)[1]) == bool(complaint)


@pytest.mark.parametrize("order", ["before", "after", "never"])
def test_tracked_and_defined(order: str, tmp_path: Path) -> None:
    script = 'vrrp_script s {\nscript "/bin/true"\n}\n'
    instance = "vrrp_instance A {\ninterface lo\nvirtual_router_id 1\ntrack_script {\ns\n}\n}\n"
    text = {"before": script + instance, "after": instance + script, "never": instance}[order]
    missing = "track script s not found, ignoring" in said(tmp_path, text)
    (found,) = combine(read(text)[0], {}, {}, [], False)
    assert bool(found["untracked"]) == missing == (order != "before")


@pytest.mark.parametrize(("state", "cleared"), [("MASTER", True), ("BACKUP", False)])
def test_nopreempt_of_a_master(state: str, cleared: bool, tmp_path: Path, interface: str) -> None:
    inside = f"interface {interface}\nvirtual_router_id 1\npriority 9\nnopreempt off"
    text = f"vrrp_instance A {{\nstate {state}\n{inside}\n}}\n"
    assert ("nopreempt will not work" in said(tmp_path, text)) == cleared
    (found,) = combine(read(text)[0], {}, {}, [], False)
    assert found["nopreempt"] is not cleared


@pytest.mark.parametrize(("state", "owner"), [("MASTER", True), ("BACKUP", False)])
def test_the_priority_that_is_left_out(state: str, owner: bool, tmp_path: Path, interface: str) -> None:
    text = f"vrrp_instance A {{\nstate {state}\ninterface {interface}\nvirtual_router_id 1\nnopreempt\n}}\n"
    assert ("incompatible with priority 255" in said(tmp_path, text)) == owner
    (found,) = combine(read(text)[0], {}, {}, [], False)
    assert (found["priority"], found["nopreempt"]) == ((255, False) if owner else (100, True))
