# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the director's role writes: how often servers are looked at, and what lets go of a killed keepalived's VIPs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import pytest

TEMPLATES = Path(__file__).resolve().parents[3] / "roles/lvs_director/templates"


def render(name: str, **variables: Any) -> str:
    template = jinja2.Template((TEMPLATES / name).read_text(), undefined=jinja2.StrictUndefined, trim_blocks=True)
    return template.render(ansible_managed="managed", **variables)


def service_text(check: str, max_lag: float | None = 10.0) -> str:
    server = {"name": "db1", "address": "192.0.2.11", "port": 3306, "weight": 1, "agent_port": 8308}
    service = {
        "name": "reads", "vips": ["192.0.2.9"], "port": 3306, "check": check, "writer": False, "scheduler": "wlc",
        "persistence_timeout": 0, "max_lag": max_lag, "quorum": 1, "sorry_server": "", "servers": [server],
    }  # fmt: skip
    return render(
        "service.conf.j2", service=service, lvs_director_check_interval=0.5,
        cluster_director_model={"address": "192.0.2.14"},
        __lvs_director_check="/check", __lvs_director_login="/login",
    )  # fmt: skip


@pytest.mark.parametrize(("check", "seconds"), [("agent", "0.5"), ("query", "2.0")])
def test_a_look_that_starts_a_program_is_rarer(check: str, seconds: str) -> None:
    text = service_text(check)
    assert f"    delay_loop {seconds}\n" in text
    assert ("HTTP_GET" in text, "MISC_CHECK" in text) == (check == "agent", check == "query")


@pytest.mark.parametrize(
    ("max_lag", "said"), [(10.0, "10"), (0.5, "0.5"), (1e6, "1000000"), (1e9, "1000000000"), (1234567.5, "1234567.5")]
)
@pytest.mark.parametrize("check", ["agent", "query"])
def test_any_lag_arrives_as_it_was_written(check: str, max_lag: float, said: str) -> None:
    """The agent reads 1e+06 as "1e 06" and answers 400: everybody would be out."""
    text = service_text(check, max_lag)
    assert (f"max_lag={said}\"" if check == "agent" else f" 3306 {said}\"") in text


def test_no_lag_asked() -> None:
    assert ' 3306 -"' in service_text("query", None)


@pytest.fixture
def released(tmp_path: Path) -> Any:
    """The commands that lvs-release runs, for these peers; every one of them fails, as after a clean stop."""

    def run(peers: list[str], sync: bool = True) -> list[str]:
        log = tmp_path / "log"
        log.write_text("")
        for name in ("ip", "ipvsadm"):
            program = tmp_path / name
            program.write_text(f'#!/bin/sh\necho "{name} $*" >> {log}\necho it is gone >&2\nexit 1\n')
            program.chmod(0o755)
        services = [{"vips": ["192.0.2.9", "2001:db8::9"], "port": 3306}]
        text = render(
            "lvs-release.j2", __lvs_director_services=services, lvs_director_sync=sync,
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


@pytest.mark.parametrize("looks", [1, 3])
def test_a_stop_waits_until_all_vips_are_gone(tmp_path: Path, looks: int) -> None:
    """They are held for so many questions less one; the last of them goes last."""
    leaving, log, ip = tmp_path / "leaving", tmp_path / "log", tmp_path / "ip"
    ip.write_text(f'#!/bin/sh\necho "$*" >> {log}\n[ $(wc -l < {log}) -ge {2 * looks} ] || echo held\n')
    ip.chmod(0o755)
    text = render(
        "lvs-leave.j2", __lvs_director_leaving=leaving, cluster_director_model={"interface": "eth0"},
        __lvs_director_services=[{"vips": ["192.0.2.9", "2001:db8::9"]}],
    )  # fmt: skip
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-u"], input=text, env=path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert leaving.read_text() == "1\n"
    asked = ["-oneline address show dev eth0 to 192.0.2.9/32", "-oneline address show dev eth0 to 2001:db8::9/128"]
    assert log.read_text().splitlines() == asked * (looks + 1)
