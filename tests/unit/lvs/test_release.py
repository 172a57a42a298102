# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What lets go of a director's VIPs for a keepalived that was killed, with programs that write down their calls."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import pytest

TEMPLATES = Path(__file__).resolve().parents[3] / "roles/lvs_director/templates"


@pytest.fixture
def released(tmp_path: Path) -> Any:
    """The commands of the program, rendered for these peers; every one of them fails, as after a clean stop."""

    def run(peers: list[str], sync: bool = True) -> list[str]:
        log = tmp_path / "log"
        log.write_text("")
        for name in ("ip", "ipvsadm"):
            program = tmp_path / name
            program.write_text(f'#!/bin/sh\necho "{name} $*" >> {log}\necho it is gone >&2\nexit 1\n')
            program.chmod(0o755)
        services = [{"vips": ["192.0.2.9", "2001:db8::9"], "port": 3306}]
        template = jinja2.Template((TEMPLATES / "lvs-release.j2").read_text(), undefined=jinja2.StrictUndefined)
        text = template.render(
            ansible_managed="managed", __lvs_director_services=services, lvs_director_sync=sync,
            cluster_director_model={"interface": "eth0", "peers": peers},
        )  # fmt: skip
        path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", "-u"], input=text, env=path, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return log.read_text().splitlines()

    return run


def test_vips_services_and_the_connection_sync_go(released: Any) -> None:
    """The kernel's sync thread outlives keepalived, and would go on telling beside the other director."""
    assert released(["192.0.2.12"]) == [
        "ip address delete 192.0.2.9/32 dev eth0",
        "ipvsadm --delete-service --tcp-service 192.0.2.9:3306",
        "ip address delete 2001:db8::9/128 dev eth0",
        "ipvsadm --delete-service --tcp-service [2001:db8::9]:3306",
        "ipvsadm --stop-daemon master",
        "ipvsadm --stop-daemon backup",
    ]


@pytest.mark.parametrize(("peers", "sync"), [([], True), (["192.0.2.12"], False)])
def test_a_connection_sync_of_others_stays(released: Any, peers: list[str], sync: bool) -> None:
    assert [line for line in released(peers, sync) if "daemon" in line] == []
