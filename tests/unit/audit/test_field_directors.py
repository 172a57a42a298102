# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directors and realservers that people run and that the audit once judged wrongly, each with the right answer."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from unit.audit.builders import good, lvs, system, vip, vrrp
from unit.audit.test_field_keepalived import GLOBAL, found, hosts_of

DIRECTOR = GLOBAL.replace("}", "    lvs_timeouts tcp {tcp} tcpfin 120 udp 300\n}}").replace("{\n", "{{\n", 1) + """\
vrrp_instance reads {{
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id 60
    priority 101
    virtual_ipaddress {{
        192.0.2.200/32 dev eth0
    }}
}}
virtual_server 192.0.2.200 3306 {{
    delay_loop 3
    lb_algo rr
    {kind}
    protocol TCP
    real_server 192.0.2.11 3306 {{
        {inside}
        MISC_CHECK {{
            misc_path "/bin/true"
        }}
    }}
    real_server 192.0.2.12 3306 {{
        {inside}
        MISC_CHECK {{
            misc_path "/bin/true"
        }}
    }}
}}
"""


def directed(tcp: int = 8000, kind: str = "lb_kind DR", inside: str = "weight 1", **second: Any) -> dict[str, Any]:
    """The good members, and two directors in front of them."""
    hosts = {name: facts for name, facts in good().items() if name.startswith("db")}
    for number in (1, 2):
        values = {"tcp": tcp, "kind": kind, "inside": inside, **(second if number == 2 else {})}
        text = DIRECTOR.format(**values).replace("priority 101", f"priority {102 - number}")
        hosts[f"lvs{number}"] = {
            "vrrp": vrrp(text), "os": system(f"192.0.2.{20 + number}"),
            "lvs": lvs(lo=[], arp={}, timeouts={"tcp": tcp, "tcp_fin": 120, "udp": 300}),
        }  # fmt: skip
    return hosts


def test_a_weight_that_is_left_out_is_one() -> None:
    assert found(directed(inside="weight 1")) == found(directed(inside="")) == found(directed(), "MHA-L", "MHA-V") == {}
    assert "MHA-L012" not in found({**directed(), "lvs2": directed(inside="")["lvs2"]})


@pytest.mark.parametrize(("tcp", "cut"), [(900, True), (7200, True), (7201, False), (28800, False), (86400, False)])
def test_ipvs_forgets_idle_sessions(tcp: int, cut: bool) -> None:
    assert ("MHA-L015" in found(directed(tcp))) == cut


def test_the_kernels_default_where_nothing_is_configured() -> None:
    hosts = directed(900)
    for name in ("lvs1", "lvs2"):
        hosts[name]["lvs"]["timeouts"] = None
        hosts[name]["vrrp"]["configuration"]["global"]["lvs_timeouts"] = None
    assert hosts_of(found(hosts)["MHA-L015"]) == ["lvs1", "lvs2"]


@pytest.mark.parametrize(
    ("kind", "inside", "direct"),
    [("", "lvs_method DR", True), ("lb_kind NAT", "lvs_method DR", True), ("lvs_method DR", "", True), ("", "", False),
     ("lb_kind DR", "lvs_method NAT", False)],
)  # fmt: skip
def test_the_method_of_a_realserver(kind: str, inside: str, direct: bool) -> None:
    hosts = directed(kind=kind, inside=inside)
    for name in ("db1", "db2"):
        hosts[name]["lvs"]["lo"] = []
    assert hosts_of(found(hosts).get("MHA-L001", [])) == (["db1", "db2"] if direct else [])


def test_arptables_and_redirect() -> None:
    """Two ways of Red Hat's manual: the VIP without ARP sysctls, and no VIP at all."""
    hosts = directed()
    for name in ("db1", "db2"):
        hosts[name]["lvs"]["arp"] = {"all": {"arp_ignore": 0, "arp_announce": 0}}
        hosts[name]["os"]["sysctl_files"] = {}
    assert {"MHA-L002", "MHA-L003"} <= set(found(hosts))
    quiet = deepcopy(hosts)
    for name in ("db1", "db2"):
        quiet[name]["os"]["arp_filtered"] = ["192.0.2.200"]
    assert found(quiet) == {}
    probed = deepcopy(hosts)
    probed["lvs1"]["vips"] = [vip("192.0.2.200", here=True)]
    assert "MHA-L002" not in found(probed), "the director asked, and no other host answered"
    for name in ("db1", "db2"):
        hosts[name]["lvs"]["lo"] = []
    assert "MHA-L001" in found(hosts)
    for name in ("db1", "db2"):
        hosts[name]["os"]["redirected"] = ["192.0.2.200"]
    assert found(hosts) == {}


@pytest.mark.parametrize(
    ("check", "seconds"),
    [
        ("TCP_CHECK {\nconnect_timeout 10\nretry 3\ndelay_before_retry 3\n}", 51), ("TCP_CHECK {\n}", 2 + 2 * 5 + 1),
        ("TCP_CHECK {\nconnect_timeout 3\nnb_get_retry 3\ndelay_before_retry 3\n}", 23),
        ("MISC_CHECK {\nmisc_path /x\nmisc_timeout 40\n}", 42), ("MISC_CHECK {\nmisc_path /x\n}", 4),
        ("HTTP_GET {\nconnect_timeout 20\n}", 2 + 40 + 3), ("DNS_CHECK {\n}", 2 + 20 + 6),
    ],
)  # fmt: skip
def test_how_long_a_server_that_hangs_stays(check: str, seconds: float) -> None:
    """A director alone in the inventory has slow checks too."""
    text = f"virtual_server 192.0.2.62 3306 {{\ndelay_loop 2\nreal_server 192.0.2.11 3306 {{\n{check}\n}}\n}}\n"
    hosts = {"lvs1": {"vrrp": vrrp(text), "os": system("192.0.2.21")}}
    check_facts = hosts["lvs1"]["vrrp"]["configuration"]["virtual_servers"][0]["servers"][0]["checks"][0]
    assert check_facts["seconds"] == seconds
    evidence = found(hosts).get("MHA-L014", [])
    assert [f"up to {seconds} s" in each.text for each in evidence] == ([True] if seconds > 30 else [])
