# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The images of lab hosts: each named after a hash of all that it is made from, and made when first needed."""

from __future__ import annotations

import functools
import hashlib
import os
import select
import subprocess
from dataclasses import dataclass
from pathlib import Path

import engine
from lab_inventory import Host
from shell import CACHE, docker, run_logged, say, succeeds

HERE = Path(__file__).resolve().parent

LABEL = "opendba.mysql_ha=lab"
REPOSITORY = "mha-lab"
BASE_REPOSITORY = "mha-lab-base"

REGISTRY_SECONDS = 15
PROXIES = ("http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True)
class Image:
    name: str
    own_kernel: bool = False


def ensure(host: Host) -> Image:
    """The image that the host is made from; builds it unless it is there."""
    plain = _plain(host.release)
    if host.ipvs and not engine.has_ipvs(plain):
        return Image(_with_kernel(plain), own_kernel=True)
    return Image(plain)


@functools.cache
def _plain(release: str) -> str:
    packages = [path for path in (HERE / "packages.txt", HERE / f"packages-{release}.txt") if path.exists()]
    image = f"{REPOSITORY}:{release}-{_hash([*packages, *sorted((HERE / 'image').iterdir())])}"
    if not _exists(image):
        _build(image, _base(release), HERE / "image", packages, "/usr/local/sbin/lab-entry")
        _remove_older(image, f"{release}-")
    return image


@functools.cache
def _with_kernel(plain: str) -> str:
    _, tag = plain.split(":")
    image = f"{REPOSITORY}:kernel-{tag}-{_hash(sorted((HERE / 'kernel').iterdir()))}"
    if not _exists(image):
        _build(image, plain, HERE / "kernel", [], "/usr/local/lib/lab/entry")
        _remove_older(image, f"kernel-{tag.split('-')[0]}-")
    return image


def _hash(inputs: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in inputs:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _base(release: str) -> str:
    """Plain Debian, under a name of the lab's own."""
    base, official = f"{BASE_REPOSITORY}:{release}", f"debian:{release}"
    if not _exists(base):
        was_there = _exists(official)
        if was_there or _pull(official):
            docker("tag", official, base)
            if not was_there:
                docker("image", "rm", official)  # the name only
        else:
            _bootstrap(release, base)
    return base


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


def _bootstrap(release: str, name: str) -> None:
    """For machines that reach a Debian mirror but no registry, whatever their clock says."""
    if not succeeds("mmdebstrap", "--version"):
        engine.install_packages("mmdebstrap", "debian-archive-keyring")
    say(f"making a Debian {release} base with mmdebstrap")
    CACHE.mkdir(parents=True, exist_ok=True)
    archive = CACHE / "base.tar"
    try:
        trusting = [f'--aptopt=Acquire::{check} "false"' for check in ("Check-Valid-Until", "Check-Date")]
        run_logged(CACHE / "mmdebstrap.log", "mmdebstrap", "--variant=apt", *trusting, release, archive)
        docker("import", f"--change=LABEL {LABEL}", archive, name)
    finally:
        archive.unlink(missing_ok=True)


def _build(image: str, below: str, recipe: Path, packages: list[Path], entry: str) -> None:
    """recipe: a directory with the program `build`. packages: lists that it reads."""
    log = CACHE / f"{image.replace(':', '-')}.log"
    say(f"building the image {image} (log: {log})")
    proxies = [f"--env={name}" for name in PROXIES if name in os.environ]
    # The only container of the lab that sees an outside network: it fetches packages.
    container = docker("create", f"--label={LABEL}", "--network=host", *proxies, below, "sh", "/srv/image/build")
    try:
        docker("cp", recipe, f"{container}:/srv/image")
        for path in packages:
            docker("cp", path, f"{container}:/srv/image/{path.name}")
        run_logged(log, "docker", "start", "--attach", container)
        settings = (f"LABEL {LABEL}", f'CMD ["{entry}"]', "ENV LANG=C.UTF-8")
        docker("commit", *(f"--change={setting}" for setting in settings), container, image)
    finally:
        docker("rm", "--force", container)
    say("the image is ready")


def _remove_older(image: str, kind: str) -> None:
    for name in _named(REPOSITORY):
        if name != image and name.startswith(f"{REPOSITORY}:{kind}"):
            succeeds("docker", "image", "rm", name)  # refused while a host still runs from it


def remove_all() -> None:
    for name in _named(REPOSITORY) + _named(BASE_REPOSITORY):
        docker("image", "rm", name)
        say(f"removed the image {name}")


def _named(reference: str) -> list[str]:
    return docker("image", "ls", "--format={{.Repository}}:{{.Tag}}", reference).split()
