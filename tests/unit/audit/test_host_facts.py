# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What files and programs say of a host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _host_facts as facts


def test_sysctl_files_in_the_order_of_a_boot() -> None:
    names = ["/usr/lib/sysctl.d/50-a.conf", "/etc/sysctl.conf", "/etc/sysctl.d/50-a.conf", "/run/sysctl.d/10-b.conf"]
    assert facts.sysctl_files(names) == ["/run/sysctl.d/10-b.conf", "/etc/sysctl.d/50-a.conf", "/etc/sysctl.conf"]


def test_sysctl() -> None:
    text = "net.ipv4.conf.all.arp_ignore = 1\n# net.ipv4.conf.lo.arp_ignore=1\n-net/ipv4/conf/all/arp_announce=2\nx=1\n"
    assert facts.parse_sysctl(text) == {"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"}


@pytest.mark.parametrize(
    ("enforce", "configuration", "state"),
    [
        ("1", "SELINUX=enforcing\n", "enforcing"),
        ("0", "SELINUX=enforcing\n", "permissive"),
        (None, "SELINUX=disabled\n", "disabled"),
        (None, None, None),
        ("0", None, None),  # a kernel that has it under a system that does not
        (None, "# nothing\n", None),
    ],
)
def test_selinux(enforce: str | None, configuration: str | None, state: str | None) -> None:
    assert facts.selinux(enforce, configuration) == state


def test_packet_filters() -> None:
    assert facts.nft_rules('{"nftables": [{"metainfo": {}}, {"table": {}}, {"rule": {}}, {"rule": {}}]}') == 2
    assert facts.iptables_rules("*filter\n:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n") == 2


def test_who_brings_an_address_back_at_boot() -> None:
    files = {
        "/etc/rc.local": "#!/bin/sh\n/opt/lvs/real.sh start\n",
        "/opt/lvs/real.sh": "# 192.0.2.200\nVIP=192.0.2.200\n",
        "/etc/other": "192.0.2.2000 192.0.2.20 1192.0.2.200 192.0.2.200.5\n",
    }
    assert facts.scripts(files["/etc/rc.local"]) == ["/opt/lvs/real.sh"]
    assert facts.mentions("192.0.2.200", files) == "/opt/lvs/real.sh:2"
    assert facts.mentions("192.0.2.201", files) is None


def test_release() -> None:
    assert facts.release('NAME="CentOS Linux"\nPRETTY_NAME="CentOS Linux 7 (Core)"\n') == "CentOS Linux 7 (Core)"


@given(st.text(max_size=300))
def test_odd_text(text: str) -> None:
    facts.parse_sysctl(text)
    facts.release(text)
    facts.scripts(text)
    facts.iptables_rules(text)
    facts.mentions(text, {"/x": text})
