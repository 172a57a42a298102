# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What lvs_info reads of a realserver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _info_lvs

# As iproute2 of CentOS 6 writes it.
LO = """\
1: lo    inet 127.0.0.1/8 scope host lo
1: lo    inet 192.0.2.200/32 brd 192.0.2.200 scope global lo:0
1: lo    inet6 ::1/128 scope host \\       valid_lft forever preferred_lft forever
1: lo    inet6 fd00::c8/128 scope global deprecated \\       valid_lft forever preferred_lft forever
"""


class Module:
    """Runs no program."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.ran: list[list[str]] = []

    @staticmethod
    def get_bin_path(name: str, opt_dirs: list[str]) -> str:
        return f"{opt_dirs[0]}/{name}"

    def run_command(self, command: list[str], handle_exceptions: bool) -> tuple[int, str, str]:
        assert not handle_exceptions
        self.ran.append(command)
        return self.status, LO, "no such option"


@pytest.fixture(autouse=True)
def no_ipvs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_info_lvs, "TABLE", tmp_path / "ip_vs")


def gather(module: Any) -> Any:
    return _info_lvs.gather(module)["lvs"]


def test_addresses_on_lo_of_any_iproute2() -> None:
    module = Module(0)
    assert gather(module)["lo"] == [
        {"address": "192.0.2.200", "prefix": 32, "label": "lo:0"}, {"address": "fd00::c8", "prefix": 128, "label": ""},
    ]  # fmt: skip
    assert module.ran == [["/sbin/ip", "-o", "address", "show", "dev", "lo"]]


def test_what_cannot_be_read_is_not_empty() -> None:
    found = gather(Module(255))
    assert found["lo"] is None
    assert any("no such option" in problem for problem in found["problems"])


def test_arp_of_interfaces_that_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"all": (0, 0), "lo": (0, 0), "default": (1, 2), "eth0": (1, 2), "v1": (0, 0)}
    for name, (ignore, announce) in values.items():
        directory = tmp_path / "conf" / name
        directory.mkdir(parents=True)
        (directory / "arp_ignore").write_text(f"{ignore}\n")
        (directory / "arp_announce").write_text(f"{announce}\n")
    monkeypatch.setattr(_info_lvs, "SYSCTLS", tmp_path)
    none, own = {"arp_ignore": 0, "arp_announce": 0}, {"arp_ignore": 1, "arp_announce": 2}
    assert gather(Module(0))["arp"] == {"all": none, "lo": none, "eth0": own}
