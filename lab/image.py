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
from shell import CACHE, LabError, docker, run_logged, say, succeeds

HERE = Path(__file__).resolve().parent
INPUTS = [HERE / "packages.txt", *sorted((HERE / "image").iterdir())]

LABEL = "opendba.mysql_ha=lab"
REPOSITORY = "mha-lab"
OFFICIAL_BASE = "debian:sid"
OWN_BASE = "mha-lab-base:sid"

REGISTRY_SECONDS = 15
PROXIES = ("http_proxy", "https_proxy", "no_proxy")


def ensure() -> str:
    """Name of the image; builds it unless it is there."""
    image = f"{REPOSITORY}:{_input_hash()}"
    if not succeeds("docker", "image", "inspect", image):
        _build(image, _base())
        _remove_older(image)
    return image


def _input_hash() -> str:
    digest = hashlib.sha256()
    for path in INPUTS:
        digest.update(f"{path.name}\0{path.stat().st_mode & 0o777:o}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _base() -> str:
    for base in (OWN_BASE, OFFICIAL_BASE):
        if succeeds("docker", "image", "inspect", base):
            return base
    if _pull(OFFICIAL_BASE):
        return OFFICIAL_BASE
    _bootstrap(OWN_BASE)
    return OWN_BASE


def _pull(name: str) -> bool:
    """A registry that answers speaks its first line soon; the download itself may then take its time."""
    say(f"pulling {name}")
    with subprocess.Popen(["docker", "pull", name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as pull:
        assert pull.stdout
        if select.select([pull.stdout], [], [], REGISTRY_SECONDS)[0]:
            pull.stdout.read()
        else:
            pull.terminate()
    if pull.returncode != 0:
        say("no registry answers")
    return pull.returncode == 0


def _bootstrap(name: str) -> None:
    if not succeeds("mmdebstrap", "--version"):
        engine.install_packages("mmdebstrap", "debian-archive-keyring")
    say("making a Debian sid base with mmdebstrap")
    CACHE.mkdir(parents=True, exist_ok=True)
    archive = CACHE / "base.tar"
    try:
        run_logged(CACHE / "mmdebstrap.log", "mmdebstrap", "--variant=apt",
                   "--aptopt=Acquire::Check-Valid-Until \"false\"", "--aptopt=Acquire::Check-Date \"false\"",
                   "sid", archive)
        docker("import", "--change", f"LABEL {LABEL}", archive, name)
    finally:
        archive.unlink(missing_ok=True)


def _build(image: str, base: str) -> None:
    log = CACHE / "image.log"
    say(f"building the image {image} and its package repository (log: {log})")
    proxies = [word for name in PROXIES if name in os.environ for word in ("--env", name)]
    # The only container of the lab that sees an outside network: it fetches packages.
    container = docker("create", "--label", LABEL, "--network", "host", *proxies, base, "sh", "/srv/image/build")
    try:
        docker("cp", f"{HERE}/image", f"{container}:/srv/image")
        docker("cp", HERE / "packages.txt", f"{container}:/srv/image/packages.txt")
        run_logged(log, "docker", "start", "--attach", container)
        docker("commit", "--change", f"LABEL {LABEL}", "--change", 'CMD ["/usr/local/sbin/lab-entry"]',
               "--change", "ENV LANG=C.UTF-8", container, image)
    finally:
        docker("rm", "--force", container)
    say("the image is ready")


def _remove_older(image: str) -> None:
    for name in docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY).split():
        if name != image:
            succeeds("docker", "image", "rm", name)   # refused while a host still runs from it


def remove_all() -> None:
    for name in docker("image", "ls", "--filter", f"label={LABEL}", "--format", "{{.ID}}").split():
        try:
            docker("image", "rm", "--force", name)
        except LabError as error:
            say(str(error))
