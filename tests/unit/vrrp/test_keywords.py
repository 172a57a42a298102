# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What keepalived ignores of its configuration, and what it takes otherwise than it is written."""

from __future__ import annotations

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_conf import parse
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_keywords import ignored
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_misread import misread
from unit.vrrp.practitioners import DIRECTOR, LOCAL_CHECK, MODERN, PER_INSTANCE, UNICAST


def found(text: str) -> list[tuple[str, str]]:
    return [(each["at"], each["text"]) for each in ignored(parse(text.encode(), "k")[0])]


@pytest.mark.parametrize("text", [LOCAL_CHECK, DIRECTOR, PER_INSTANCE, UNICAST, MODERN])
def test_what_practitioners_write_is_known(text: str) -> None:
    assert found(text) == []
    assert misread(parse(text.encode(), "k")[0]) == []


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("vrrp_instance A {\npriorty 9\n}", "k:2", "unknown keyword priorty"),
        ("vrrp_instance A {\nvirtual_ipaddres {\n192.0.2.1\n}\n}", "k:2",
         "unknown keyword virtual_ipaddres {: its lines"),
        ("vrrp_instances A {\nstate MASTER\n}", "k:1", "unknown keyword vrrp_instances {"),
        ("virtual_server 192.0.2.1 1 {\nreal_server 192.0.2.2 1 {\nTCP_CHEK {\n}\n}\n}", "k:3", "TCP_CHEK"),
        ("global_defs {\nscript_usr root\n}", "k:2", "script_usr"), ("Vrrp_strict", "k:1", "Vrrp_strict"),
        ("vrrp_script a {\nscript /x\n}\nvrrp_script a {\nscript /y\n}", "k:4", "vrrp_script a stands at k:1 already"),
        ("\ufeffvrrp_script a {\nscript /x\n}", "k:1", "U+FEFF (zero width no-break space) in line 1"),
        ("vrrp_script a {\n\u3000script /x\n\u3000interval 1\n}", "k:2", "U+3000 (ideographic space) in lines 2-3"),
        ("vrrp_script a {\nweight \u20135\n}", "k:2", "U+2013 (en dash)"),
    ],
)  # fmt: skip
def test_what_is_ignored(text: str, at: str, said: str) -> None:
    (entry,) = found(text)
    assert entry[0] == at
    assert said in entry[1]


@pytest.mark.parametrize(
    "text",
    [
        "global_defs {\nnotification_email {\nJ\u00fcrgen@example.org\n}\nrouter_id M\u00fcnchen\n}",
        "virtual_server_group g {\n192.0.2.1 80\n}",
        "vrrp_instance A {\ntrack_script {\nanything\n}\nvirtual_routes {\nx\n}\n}",
        "vrrp_sync_group G {\ngroup {\nA\nB\n}\n}", "# \u00a0 a comment\n! \u201cquoted\u201d",
        "# ends in a backslash \\\n",
        "vrrp_track_process p {\nprocess mysqld\n}\ntrack_process q {\nprocess x\n}",
        "vrrp_instance A {\n}\nvrrp_sync_group A {\n}\nvrrp_script A {\n}", "$A=\\\nanything \\\nelse\n",
    ],
)  # fmt: skip
def test_what_looks_alike_is_not(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("block", "text", "said"),
    [
        ("vrrp_instance A", "priority 300", "k:2: priority 300 is out of range: 100 counts"),
        ("vrrp_instance A", "virtual_router_id 256", "does not start"),
        ("vrrp_instance A", "advert_int 0", "1 s counts"),
        ("vrrp_script A", "weight 300", "it does not count"), ("vrrp_script A", "interval 0", "1 s counts"),
        ("vrrp_instance A", "nopreempt off", "nopreempt takes no argument"),
        ("global_defs", "vrrp_strict no", "it is on"),
    ],
)  # fmt: skip
def test_what_is_taken_otherwise(block: str, text: str, said: str) -> None:
    (entry,) = misread(parse(f"{block} {{\n{text}\n}}".encode(), "k")[0])
    assert said in entry


@pytest.mark.parametrize("text", ["priority 255", "nopreempt", "advert_int 0.05", "strict_mode off", "priority $P"])
def test_what_is_taken_as_it_stands(text: str) -> None:
    assert misread(parse(f"vrrp_instance A {{\n{text}\n}}".encode(), "k")[0]) == []
