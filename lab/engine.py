# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Docker engine: the one that answers, untouched; else one that is installed and started here."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import time
from pathlib import Path

from shell import CACHE, LabError, docker, run, run_logged, say, succeeds, tail

LOG = CACHE / "dockerd.log"
PID_FILE = CACHE / "dockerd.pid"
START_SECONDS = 60

# Asking for IPVS by name makes a kernel load it.
ASK_FOR_IPVS = "genl ctrl get name IPVS > /dev/null 2>&1; test ! -e /proc/net/ip_vs || echo yes"

POLICY = Path("/usr/sbin/policy-rc.d")

# systemd 258 and newer does not boot under cgroup v1. Where the machine has that, the engine gets
# a view of its own with cgroup v2; the machine's mounts stay as they are.
WITH_CGROUP_2 = (
    "mount --make-rprivate / && umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup"
    " && exec dockerd --exec-opt native.cgroupdriver=cgroupfs"
)


def ensure() -> None:
    if not answers():
        if os.geteuid() != 0:
            raise LabError(
                "no Docker engine answers: start Docker (or join its group), or run the lab as root so that it can"
            )
        _install()
        if not answers():
            _start()
    if docker("info", "--format", "{{.CgroupVersion}}") != "2":
        raise LabError(
            "the Docker engine uses cgroup v1, under which the lab's systemd does not boot; "
            "boot the machine with cgroup v2, or stop the engine and let the lab start its own"
        )


def answers() -> bool:
    return succeeds("docker", "info", timeout=20)


@functools.cache
def has_ipvs(image: str) -> bool:
    """Whether containers of this engine can be LVS directors. image: something with iproute2."""
    return docker("run", "--rm", "--network=none", "--cap-add=NET_ADMIN", image, "sh", "-c", ASK_FOR_IPVS) == "yes"


def started_here() -> int | None:
    """PID of the engine that this clone's lab started, if it still runs."""
    try:
        pid = int(PID_FILE.read_text())
        return pid if Path(f"/proc/{pid}/comm").read_text().strip() == "dockerd" else None
    except (OSError, ValueError):
        return None


def install_packages(*packages: str) -> None:
    """Installs Debian packages on this machine, starting no service of theirs by itself."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise LabError(f"please install: {' '.join(packages)}")
    say(f"installing {' '.join(packages)} on this machine")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    forbid_starts = not POLICY.exists() and not _has_systemd()
    if forbid_starts:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        _update_package_lists()
        run_logged(CACHE / "apt.log", "apt-get", "install", "-y", "--no-install-recommends", *packages)
    finally:
        if forbid_starts:
            POLICY.unlink()


@functools.cache
def _update_package_lists() -> None:
    run_logged(CACHE / "apt-update.log", "apt-get", "update")


def _has_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def _install() -> None:
    if not shutil.which("dockerd"):
        install_packages("docker.io")
    if not shutil.which("docker"):
        install_packages("docker-cli")


def _start() -> None:
    if _has_systemd():
        say("starting the docker service")
        run("systemctl", "start", "docker")
    else:
        say(f"starting a Docker engine (log: {LOG})")
        CACHE.mkdir(parents=True, exist_ok=True)
        command = ["dockerd"]
        if not Path("/sys/fs/cgroup/cgroup.controllers").exists():
            command = ["unshare", "--mount", "sh", "-c", WITH_CGROUP_2]
        with LOG.open("a") as log:
            engine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        PID_FILE.write_text(f"{engine.pid}\n")
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if time.monotonic() > deadline:
            end = tail(LOG) if LOG.exists() else "see journalctl -u docker"
            raise LabError(f"the Docker engine did not start within {START_SECONDS} s:\n{end}")
        time.sleep(0.2)
    say("the Docker engine answers")
