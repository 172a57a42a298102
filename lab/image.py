# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The image of a bare lab host, named after a hash of all that it is made from."""

from __future__ import annotations

import hashlib
import os
import select
import subprocess
from pathlib import Path

import engine
from shell import CACHE, docker, run_logged, say, succeeds

HERE = Path(__file__).resolve().parent
INPUTS = [HERE / "packages.txt", *sorted((HERE / "image").iterdir())]

LABEL = "opendba.mysql_ha=lab"
REPOSITORY = "mha-lab"
BASE = "mha-lab-base:sid"
OFFICIAL = "debian:sid"

REGISTRY_SECONDS = 15
PROXIES = ("http_proxy", "https_proxy", "no_proxy")


def ensure() -> str:
    """Name of the image; builds it unless it is there."""
    image = f"{REPOSITORY}:{_input_hash()}"
    if not _exists(image):
        _build(image, _base())
        _remove_older(image)
    return image


def _input_hash() -> str:
    digest = hashlib.sha256()
    for path in INPUTS:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _base() -> str:
    """Plain Debian sid, under a name of the lab's own."""
    if not _exists(BASE):
        was_there = _exists(OFFICIAL)
        if was_there or _pull(OFFICIAL):
            docker("tag", OFFICIAL, BASE)
            if not was_there:
                docker("image", "rm", OFFICIAL)  # the name only
        else:
            _bootstrap(BASE)
    return BASE


def _exists(image: str) -> bool:
    return succeeds("docker", "image", "inspect", image)


def _pull(name: str) -> bool:
    """A registry that answers speaks its first line soon; the download itself may then take its time."""
    say(f"pulling {name}")
    with subprocess.Popen(["docker", "pull", name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as pull:
        if pull.stdout and select.select([pull.stdout], [], [], REGISTRY_SECONDS)[0]:
            pull.stdout.read()
        else:
            pull.terminate()
    if pull.returncode != 0:
        say("no registry answers")
    return pull.returncode == 0


def _bootstrap(name: str) -> None:
    """For machines that reach a Debian mirror but no registry, whatever their clock says."""
    if not succeeds("mmdebstrap", "--version"):
        engine.install_packages("mmdebstrap", "debian-archive-keyring")
    say("making a Debian sid base with mmdebstrap")
    CACHE.mkdir(parents=True, exist_ok=True)
    archive = CACHE / "base.tar"
    try:
        trusting = [f'--aptopt=Acquire::{check} "false"' for check in ("Check-Valid-Until", "Check-Date")]
        run_logged(CACHE / "mmdebstrap.log", "mmdebstrap", "--variant=apt", *trusting, "sid", archive)
        docker("import", f"--change=LABEL {LABEL}", archive, name)
    finally:
        archive.unlink(missing_ok=True)


def _build(image: str, base: str) -> None:
    log = CACHE / "image.log"
    say(f"building the image {image} and its package repository (log: {log})")
    proxies = [f"--env={name}" for name in PROXIES if name in os.environ]
    # The only container of the lab that sees an outside network: it fetches packages.
    container = docker("create", f"--label={LABEL}", "--network=host", *proxies, base, "sh", "/srv/image/build")
    try:
        docker("cp", f"{HERE}/image", f"{container}:/srv/image")
        docker("cp", HERE / "packages.txt", f"{container}:/srv/image/packages.txt")
        run_logged(log, "docker", "start", "--attach", container)
        settings = (f"LABEL {LABEL}", 'CMD ["/usr/local/sbin/lab-entry"]', "ENV LANG=C.UTF-8")
        docker("commit", *(f"--change={setting}" for setting in settings), container, image)
    finally:
        docker("rm", "--force", container)
    say("the image is ready")


def _remove_older(image: str) -> None:
    for name in _named(REPOSITORY):
        if name != image:
            succeeds("docker", "image", "rm", name)  # refused while a host still runs from it


def remove_all() -> None:
    for name in _named(REPOSITORY) + _named(BASE):
        docker("image", "rm", name)
        say(f"removed the image {name}")


def _named(reference: str) -> list[str]:
    return docker("image", "ls", "--format={{.Repository}}:{{.Tag}}", reference).split()
