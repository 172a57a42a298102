# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The check of keepalived's configuration, on a directory of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

VALIDATE = Path(__file__).resolve().parents[3] / "roles/keepalived/files/keepalived-validate"


def test_a_linked_file_is_not_changed_by_the_check(tmp_path: Path) -> None:
    live, linked = tmp_path / "etc/keepalived.conf", tmp_path / "elsewhere.conf"
    live.parent.mkdir()
    linked.write_text("global_defs {\n}\n")
    live.symlink_to(linked)
    (tmp_path / "new").write_text("refused\n")
    keepalived = tmp_path / "keepalived"
    keepalived.write_text("#!/bin/sh\nexit 5\n")
    keepalived.chmod(0o755)
    done = subprocess.run(
        ["sh", "-s", str(tmp_path / "new"), str(live)],
        input=VALIDATE.read_text().replace("/etc/keepalived", str(live.parent)),
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert linked.read_text() == "global_defs {\n}\n"
