# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What files and programs say of a host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _host_facts as facts
from ansible_collections.opendba.mysql_ha.plugins.module_utils import _info_host
from ansible_collections.opendba.mysql_ha.plugins.module_utils._ip_addresses import parse_addresses


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


def test_nat_filters_nothing() -> None:
    nat = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n"
    assert facts.iptables_rules(nat) == 0
    assert facts.iptables_rules(f"{nat}*filter\n:INPUT ACCEPT\n-A INPUT -j DROP\nCOMMIT\n{nat}") == 1
    rules = """{"nftables": [{"chain": {"family": "ip", "table": "nat", "name": "A", "type": "nat"}},
        {"chain": {"family": "ip", "table": "nat", "name": "B"}}, {"rule": {"family": "ip", "table": "nat"}},
        {"chain": {"family": "inet", "table": "t", "name": "A", "type": "nat"}},
        {"chain": {"family": "inet", "table": "t", "name": "C", "type": "filter"}},
        {"rule": {"family": "inet", "table": "t"}}]}"""
    assert facts.nft_rules(rules) == 1


@pytest.mark.parametrize(
    ("builtin", "configuration", "there"),
    [
        ("kernel/net/netfilter/nf_tables.ko\n", "", True),
        ("kernel/net/ipv4/ipip.ko\n", "CONFIG_NF_TABLES=y\n", False),
        ("", "CONFIG_NF_TABLES=y\n", True),
        ("", "CONFIG_NF_TABLES=m\nCONFIG_IP_NF_IPTABLES=y\n", False),
        ("", "", None),
    ],
)
def test_what_is_built_into_a_kernel(builtin: str, configuration: str, there: bool | None) -> None:
    assert facts.is_built_in("nf_tables", builtin, configuration) is there


FILTERS: list[tuple[set[str], dict[str, str], str | None, int | None]] = [
    ({"nf_tables"}, {"nft": '{"nftables": [{"rule": {}}]}'}, None, 1),
    ({"nf_tables"}, {"nft": '{"nftables": []}'}, None, 0),
    ({"nf_tables"}, {}, None, None),
    ({"nf_tables"}, {"iptables-nft-save": "-A INPUT -j DROP\n"}, None, 1),
    ({"nf_tables"}, {"iptables-nft-save": ""}, None, None),  # nft may have written others
    ({"nf_tables"}, {"iptables-save": "-A INPUT -j DROP\n", "iptables-legacy-save": ":INPUT ACCEPT\n"}, "filter", 1),
    (set(), {"iptables-legacy-save": "-A INPUT -j DROP\n"}, "filter", 1),
    (set(), {}, None, 0),
]  # fmt: skip


@pytest.mark.parametrize(("kernel", "programs", "legacy", "rules"), FILTERS)
def test_rules_of_the_kernel(
    monkeypatch: pytest.MonkeyPatch, kernel: set[str], programs: dict[str, str], legacy: str | None, rules: int | None
) -> None:
    host = _info_host.Host(None)  # type: ignore[arg-type]
    monkeypatch.setattr(host, "_in_kernel", lambda name: name in kernel)
    monkeypatch.setattr(host, "run", lambda name, *_more: programs.get(name))
    monkeypatch.setattr(_info_host, "read", lambda _path: legacy)
    monkeypatch.setattr(_info_host, "LEGACY", "/dev/null")
    assert host.firewall() == rules


def test_addresses_that_a_filter_takes_or_keeps_quiet_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """iptables writes what nft cannot read; the programs are only run for what the kernel has."""
    programs = {
        "nft": '{"nftables": [{"rule": {"expr": [{"xt": null}]}}]}', "arptables-save": "-A IN -d 192.0.2.200 -j DROP\n",
        "iptables-nft-save": "*nat\n-A PREROUTING -d 192.0.2.201/32 -j REDIRECT\nCOMMIT\n",
    }  # fmt: skip
    kernel = {"nf_tables", "arp_tables"}
    host = _info_host.Host(None)  # type: ignore[arg-type]
    monkeypatch.setattr(host, "_in_kernel", lambda name: name in kernel)
    monkeypatch.setattr(host, "run", lambda name, *_more: programs.get(name))
    monkeypatch.setattr(_info_host, "read", lambda _path: None)
    host.firewall()
    assert host.filtered() == {"redirected": ["192.0.2.201"], "arp_filtered": ["192.0.2.200"]}
    kernel.clear()
    host = _info_host.Host(None)  # type: ignore[arg-type]
    monkeypatch.setattr(host, "_in_kernel", lambda name: name in kernel)
    host.firewall()
    assert host.filtered() == {"redirected": [], "arp_filtered": []}


def test_networks() -> None:
    text = """1: lo    inet 192.0.2.200/32 scope global lo:0
2: eth0    inet 192.0.2.11/24 brd 192.0.2.255 scope global eth0
2: eth0    inet6 fe80::1/64 scope link
"""
    assert facts.networks(parse_addresses(text)) == [{"interface": "eth0", "address": "192.0.2.11", "prefix": 24}]


def test_who_sets_arp_at_boot() -> None:
    files = {"/opt/real.sh": "#arp_ignore\necho 1 > /proc/sys/net/ipv4/conf/lo/arp_ignore\n"}
    assert facts.names("arp_ignore", files) == "/opt/real.sh:2"
    assert facts.names("arp_announce", files) is None


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
