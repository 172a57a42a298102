#!/usr/bin/env python3
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs `ansible-test sanity` on the collection as its users get it: built, then installed.

ansible-test refuses to work through symbolic links, so it cannot run in the clone (see .collections). Nor in a
directory below it, where it would skip every file that git ignores.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".cache" / "ansible-test"  # its virtual environments, kept between runs
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def install(directory: str) -> Path:
    """Builds the collection and installs it below the directory. Returns where it then is."""
    galaxy = ["ansible-galaxy", "collection"]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": directory}
    subprocess.run([*galaxy, "build", "--output-path", directory, ROOT], check=True)
    (archive,) = Path(directory).glob("*.tar.gz")
    subprocess.run([*galaxy, "install", "--no-deps", "-p", directory, archive], check=True, env=environment)
    (installed,) = Path(directory).glob("ansible_collections/*/*/MANIFEST.json")
    return installed.parent


def provide_pip() -> None:
    """Puts Python's own pip where ansible-test looks before it downloads one from a host that may not be reachable."""
    version = get_venv_packages(SimpleNamespace(version=PYTHON))["pip"].replace(".", "_")
    bootstrap = HOME / ".ansible" / "test" / "cache" / f"get_pip_{version}.py"
    bootstrap.parent.mkdir(parents=True, exist_ok=True)
    bootstrap.write_text("import ensurepip\n\nensurepip.bootstrap(default_pip=True)\n")


def main() -> int:
    provide_pip()
    command = ["ansible-test", "sanity", "--venv", "--python", PYTHON, *sys.argv[1:]]
    with tempfile.TemporaryDirectory() as directory:
        collection = install(directory)
        return subprocess.run(command, cwd=collection, env={**os.environ, "HOME": str(HOME)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
