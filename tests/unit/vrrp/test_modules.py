# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules as a whole, on a host whose programs are small scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.opendba.mysql_ha.plugins.module_utils import _info_vip, _keepalived_reader
from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_host import Daemon
from ansible_collections.opendba.mysql_ha.plugins.modules import vip_info, vrrp_info
from unit.vrrp.practitioners import UNICAST

RECORDED = Path(__file__).parent / "recorded"
ADDRESSES = """\
3: ens3    inet 192.0.2.31/24 scope global ens3
3: ens3    inet 192.0.2.180/24 scope global secondary ens3
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Scripts that print what they are given, instead of the host's programs; no daemon runs."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setattr(
        _keepalived_reader.Reader, "find",
        lambda _self, name: str(directory / name) if (directory / name).exists() else None,
    )  # fmt: skip
    monkeypatch.setattr(_keepalived_reader, "daemons", list)
    monkeypatch.setattr(_keepalived_reader, "in_a_container", lambda: False)
    monkeypatch.setattr(_keepalived_reader.os, "geteuid", lambda: 0)

    def provide(**scripts: str) -> None:
        for name, output in scripts.items():
            (tmp_path / f"{name}.output").write_text(output)
            (directory / name).write_text(f"#!/bin/sh\ncat {tmp_path}/{name}.output\n")
            (directory / name).chmod(0o755)

    return provide


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "keepalived.conf"
    path.write_text(UNICAST.replace("/etc/keepalived/scripts", str(tmp_path)))
    (tmp_path / "check.sh").write_text("#!/bin/sh\nmysqladmin ping || systemctl stop keepalived\n")
    (tmp_path / "check.sh").chmod(0o755)
    return path


def run(module: Any, capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    with patch_module_args(arguments), pytest.raises(SystemExit):
        module.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert result["changed"] is False
    return result


def test_nothing_is_installed(programs: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    programs(ip="")
    found = run(vrrp_info, capsys, config=str(tmp_path / "nix"))["vrrp"]
    assert (found["installed"], found["running"], found["version"]) == (False, False, None)
    assert (found["instances"], found["configuration"], found["problems"]) == ([], None, [])


def test_a_host_with_everything(programs: Any, configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unit = "LoadState=loaded\nActiveState=inactive\nRestart=no\nUnitFileState=disabled\n"
    journal = "1795280040.5 h Keepalived_vrrp[1]: (VI_META) Entering BACKUP STATE\n"
    version = (RECORDED / "keepalived-2.3.4.version").read_text()
    programs(keepalived=version, systemctl=unit, journalctl=journal, ip=ADDRESSES)
    found = run(vrrp_info, capsys, config=str(configuration))["vrrp"]
    assert (found["installed"], found["version"], found["running"]) == (True, "2.3.4", False)
    assert found["unit"] == {"ActiveState": "inactive", "Restart": "no", "UnitFileState": "disabled"}
    instance = found["instances"][0]
    assert (instance["state"], instance["last_transition"]) == (None, 1795280040.5), "nothing runs"
    assert instance["peers"] == ["192.0.2.32"]
    check = next(entry for entry in found["programs"] if entry["kind"] == "check")
    assert check["kills_keepalived"] == f"{configuration.parent}/check.sh:2"
    assert [entry["exists"] for entry in found["programs"]] == [True, False, False, False]
    assert "meta#80" not in json.dumps(found)
    assert found["problems"] == []
    assert found["vip_states"] == {"192.0.2.180": None}


def test_a_garbage_configuration(programs: Any, configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    programs(ip="")
    configuration.write_bytes(b"\0\1\2")
    found = run(vrrp_info, capsys, config=str(configuration))["vrrp"]
    assert found["problems"] == [f"configuration: {configuration} is not text"]
    assert found["configuration"] is None


def test_programs_that_fail(programs: Any, configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    programs(keepalived="?", systemctl="\xff", journalctl="\n", ip="\xff")
    found = run(vrrp_info, capsys, config=str(configuration))["vrrp"]
    assert found["version"] is None
    assert len(found["problems"]) == 1
    assert "does not tell it" in found["problems"][0]


def test_a_vip_that_a_dead_keepalived_left(
    programs: Any, configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs(ip=ADDRESSES)
    found = run(vip_info, capsys, config=str(configuration), probe=False)
    assert found["problems"] == []
    vip = found["vips"][0]
    assert (vip["address"], vip["here"], vip["stale"]) == ("192.0.2.180", True, True)
    assert (vip["holders"], vip["conflict"]) == (None, None)
    assert vip["at"] == f"{configuration}:26"


def test_asking_the_segment(
    programs: Any, configuration: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(ip=ADDRESSES)
    asked = []

    def holders(address: Any, interface: str, timeout: float) -> list[str] | None:
        asked.append((str(address), interface, timeout))
        if str(address) == "192.0.2.99":
            raise PermissionError(1, "Operation not permitted")
        return ["02:00:00:00:00:01"]

    monkeypatch.setattr(_info_vip, "holders", holders)
    wanted = ["192.0.2.180/24", "192.0.2.99", "203.0.113.7"]
    found = run(vip_info, capsys, vips=wanted, config=str(configuration))
    assert sorted(asked) == [("192.0.2.180", "ens3", 0.3), ("192.0.2.99", "ens3", 0.3)]
    assert [vip["holders"] for vip in found["vips"]] == [2, None, None]
    assert found["vips"][0]["sources"] == ["given", "vrrp"]
    assert found["problems"] == ["asking for 192.0.2.99 on ens3: [Errno 1] Operation not permitted"]


def test_the_file_of_the_daemon_that_runs(
    programs: Any, configuration: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(ip=ADDRESSES)
    configuration.write_text("$VIP=192.0.2.180/24\n$PASS=geheim\n" + configuration.read_text().replace(
        "192.0.2.180/24", "${VIP}").replace("auth_pass meta#80", "auth_pass $PASS") + "virtual_server $UNKNOWN 80 { }")
    arguments = ["keepalived", f"-f{configuration}"]
    running = Daemon(1, 0, arguments, "/", "/tmp", False, None, [])
    monkeypatch.setattr(_keepalived_reader, "daemons", lambda: [running])
    vrrp = run(vrrp_info, capsys, dump=False)["vrrp"]
    assert vrrp["vip_states"] == {"192.0.2.180": "MASTER"}
    assert vrrp["configuration"]["instances"][0]["auth_pass_length"] == 6
    assert "geheim" not in json.dumps(vrrp)
    found = run(vip_info, capsys, states=vrrp["vip_states"], probe=False)
    assert found["problems"] == []
    assert [(vip["address"], vip["sources"], vip["at"]) for vip in found["vips"]] == [
        ("192.0.2.180", ["states", "vrrp"], f"{configuration}:28")
    ]  # fmt: skip


def test_what_the_configuration_check_says_has_no_password(
    programs: Any, configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = (RECORDED / "keepalived-2.3.4.version").read_text()
    programs(keepalived=f"{version}\n --config-test\nUnknown keyword 'x --password=geheim'\n", ip="")
    check = run(vrrp_info, capsys, config=str(configuration))["vrrp"]["config_check"]
    assert check["messages"][-1] == "Unknown keyword 'x --password=VALUE_HIDDEN'"


def test_a_daemon_in_a_container(
    programs: Any, configuration: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(ip=ADDRESSES)
    monkeypatch.setattr(_keepalived_reader, "in_a_container", lambda: True)
    found = run(vrrp_info, capsys, config=str(configuration))["vrrp"]
    assert found["running"] is None
    assert ["in a container" in problem for problem in found["problems"]] == [True]
    assert run(vip_info, capsys, config=str(configuration), probe=False)["vips"][0]["stale"] is None


def test_no_address(programs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with patch_module_args({"vips": ["db1"]}), pytest.raises(SystemExit):
        vip_info.main()
    assert "does not appear to be" in json.loads(capsys.readouterr().out)["msg"]
