# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The check of HAProxy's configuration, on a directory of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

VALIDATE = Path(__file__).resolve().parents[3] / "roles/haproxy/files/haproxy-validate"


def test_a_linked_file_is_not_changed_by_the_check(tmp_path: Path) -> None:
    live, linked = tmp_path / "etc/haproxy/conf.d/zz-mysql-ha.cfg", tmp_path / "elsewhere.cfg"
    live.parent.mkdir(parents=True)
    linked.write_text("global\n")
    live.symlink_to(linked)
    (tmp_path / "new").write_text("refused\n")
    haproxy = tmp_path / "haproxy"
    haproxy.write_text("#!/bin/sh\nexit 1\n")
    haproxy.chmod(0o755)
    done = subprocess.run(
        ["sh", "-s", str(tmp_path / "new"), "/etc/haproxy/conf.d/zz-mysql-ha.cfg"],
        input=VALIDATE.read_text().replace("cp -a /etc/haproxy", f"cp -a {tmp_path}/etc/haproxy"),
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert linked.read_text() == "global\n"
