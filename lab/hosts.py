# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The network and the hosts: containers, in which systemd is PID 1 or a kernel runs. Touches labelled objects only."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import disks
import multicast
from image import LABEL, Image
from lab_inventory import CONTAINER_PREFIX, Host, Wanted
from shell import LabError, docker, say

NETWORK = "mha-lab"
DIRECTOR_LABEL = "opendba.mysql_ha.director=yes"
RECIPE_LABEL = "opendba.mysql_ha.recipe"  # hash of what it was made from
DATA = "/var/lib/mysql"
BOOT_SECONDS = 90
STARTS_AT_ONCE = 4
KERNEL_MEMORY = "384M"


def up(wanted: Wanted, images: dict[str, Image], fresh: bool) -> None:
    if fresh:
        remove(wanted.keys)
    _ensure_network(wanted.subnet)
    if any(host.ipvs for host in wanted.hosts):
        multicast.allow(f"br-{docker('network', 'inspect', '--format={{.Id}}', NETWORK)[:12]}")
    hosts = wanted.addressed(in_use={host.address: host.key for host in existing()})
    _each(hosts, lambda host: _ensure_host(host, images[host.key]))
    _each(hosts, _wait_booted)
    say(f"{len(hosts)} hosts are up: {', '.join(host.key for host in hosts)}")


def remove(keys: Iterable[str]) -> None:
    _each([host for host in existing() if host.key in keys], _remove_host)
    if not _listed("ps", "--all", "--quiet", f"--filter=label={DIRECTOR_LABEL}"):
        multicast.forbid()


def remove_all() -> None:
    """All containers, volumes and networks with the lab's label."""
    _each(existing(), _remove_host)
    disks.remove_all()
    for container in _listed("ps", "--all", "--quiet"):  # an image half made, perhaps
        docker("rm", "--force", "--volumes", container)
    for volume in _listed("volume", "ls", "--format={{.Name}}"):
        docker("volume", "rm", volume)
    multicast.forbid()
    for network in _listed("network", "ls", "--format={{.Name}}"):
        docker("network", "rm", network)
        say(f"removed the network {network}")


def power_off(key: str) -> None:
    """Power loss: every process of the host is gone at once, nothing is written back first."""
    docker("kill", "--signal=KILL", _known(key).container)
    say(f"{key} is off")


def power_on(key: str) -> None:
    host = _known(key)
    _start(host)
    _wait_booted(host)
    say(f"{key} is up")


def stall(key: str, seconds: float) -> None:
    """The host's disk takes no write for so long. For hosts with `lab_disk`."""
    process = docker("inspect", "--format={{.State.Pid}}", _known(key).container)
    if process == "0":
        raise LabError(f"{key} is off")
    disks.stall(key, int(process), DATA, seconds)


def existing() -> list[Host]:
    """The hosts that the lab has, running or not."""
    names = [name for name in _listed("ps", "--all", "--format={{.Names}}") if name.startswith(CONTAINER_PREFIX)]
    if not names:
        return []
    found = []
    for container in json.loads(docker("inspect", *names)):
        network = container["NetworkSettings"]["Networks"].get(NETWORK, {})
        address = (network.get("IPAMConfig") or {}).get("IPv4Address", "")
        found.append(Host(container["Name"].removeprefix(f"/{CONTAINER_PREFIX}"), address))
    return sorted(found, key=lambda host: host.key)


def status() -> None:
    row = "{:<16} {:<24} {:<16} {:<40} {:<10} {}".format
    print(row("HOST", "CONTAINER", "ADDRESS", "IMAGE", "POWER", "SYSTEMD"))
    for host in existing():
        image, power = docker("inspect", "--format={{.Config.Image}} {{.State.Status}}", host.container).split()
        print(row(host.key, host.container, host.address, image, power, _systemd(host.container) or "-"))


def _ensure_network(subnet: str) -> None:
    if NETWORK in _listed("network", "ls", "--format={{.Name}}"):
        now = docker("network", "inspect", "--format={{(index .IPAM.Config 0).Subnet}}", NETWORK)
        if now == subnet:
            return
        if existing():
            raise LabError(f"lab_subnet is {subnet}, but the lab has hosts in {now}: remove them first (`down`)")
        docker("network", "rm", NETWORK)
    say(f"making the internal network {NETWORK}, {subnet}")
    docker("network", "create", "--internal", f"--label={LABEL}", f"--subnet={subnet}", NETWORK)


def _remove_host(host: Host) -> None:
    docker("rm", "--force", "--volumes", host.container)
    docker("volume", "rm", "--force", _volume(host))
    disks.remove(host.key)
    say(f"removed {host.container}")


def _ensure_host(host: Host, image: Image) -> None:
    arguments = _run_arguments(host, image)
    recipe = hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:12]
    if host.container not in _listed("ps", "--all", "--format={{.Names}}"):
        docker("volume", "rm", "--force", _volume(host))  # of a container that somebody removed by hand
        options = (f"--opt=device={disks.create(host.key, host.disk)}", "--opt=type=ext4") if host.disk else ()
        docker("volume", "create", f"--label={LABEL}", *options, _volume(host))
        try:
            docker("run", "--detach", f"--label={RECIPE_LABEL}={recipe}", *arguments)
        except LabError:
            _remove_host(host)  # the engine keeps a container that it cannot start
            raise
        say(f"{host.key}: made, {host.address}{', with a kernel of its own' if image.own_kernel else ''}")
        return
    if docker("inspect", f'--format={{{{index .Config.Labels "{RECIPE_LABEL}"}}}}', host.container) != recipe:
        say(
            f"{host.key}: kept, but the inventory or the image have changed since it was made; "
            "`up --fresh` makes it anew"
        )
    _start(host)


def _start(host: Host) -> None:
    device = docker("volume", "inspect", '--format={{index .Options "device"}}', _volume(host))
    if device:
        disks.attach(host.key, device)
    docker("start", host.container)


def _run_arguments(host: Host, image: Image) -> list[str]:
    director = [f"--label={DIRECTOR_LABEL}"] if host.ipvs else []
    own_kernel = [f"--env=LAB_MEMORY={KERNEL_MEMORY}", "--device=/dev/net/tun"] if image.own_kernel else []
    return [
        f"--name={host.container}",
        f"--hostname={host.key}",
        f"--label={LABEL}",
        f"--network={NETWORK}",
        f"--network-alias={host.key}",
        f"--ip={host.address}",
        # The engine knows the names of the lab's hosts. No question leaves the lab; other names fail within seconds.
        "--dns=127.0.0.1",
        "--dns-option=timeout:1",
        "--dns-option=attempts:1",
        # systemd as PID 1, with a cgroup tree of its own
        "--env=container=docker",
        "--stop-signal=SIGRTMIN+3",
        "--cgroupns=private",
        "--tmpfs=/run",
        "--tmpfs=/tmp:exec",  # dpkg runs packages' questions from /tmp
        # Services drop what they do not need themselves, so a host starts with everything, except what would
        # reach through to the machine (its clock, modules, hardware) or what some machines cannot give.
        "--cap-add=ALL",
        "--cap-drop=SYS_TIME",
        "--cap-drop=SYS_MODULE",
        "--cap-drop=SYS_RAWIO",
        "--cap-drop=SYS_RESOURCE",
        "--security-opt=seccomp=unconfined",
        "--security-opt=apparmor=unconfined",
        # On overlayfs CLONE leaves mysqld unable to restart.
        f"--volume={_volume(host)}:{DATA}",
        *director,
        *own_kernel,
        image.name,
    ]


def _volume(host: Host) -> str:
    return f"{host.container}-mysql"


def _wait_booted(host: Host) -> None:
    deadline = time.monotonic() + BOOT_SECONDS
    while (state := _systemd(host.container)) not in ("running", "degraded"):
        if docker("inspect", "--format={{.State.Running}}", host.container) != "true":
            raise LabError(f"{host.key}: went off again:\n{_console(host)}")
        if time.monotonic() > deadline:
            raise LabError(f"{host.key}: systemd is {state or 'silent'} after {BOOT_SECONDS} s")
        time.sleep(0.2)
    if state == "degraded":
        failed = docker("exec", host.container, "systemctl", "list-units", "--failed", "--no-legend", "--plain")
        say(f"{host.key}: has failed units:\n{failed}")


def _console(host: Host) -> str:
    """The end of what it said since it was made; nothing, mostly, where systemd runs in the container."""
    return subprocess.run(
        ["docker", "logs", "--tail=10", host.container],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    ).stdout


def _systemd(container: str) -> str:
    """running, starting, degraded...; empty while systemd does not answer yet."""
    try:
        return docker("exec", container, "sh", "-c", "systemctl is-system-running 2>/dev/null || true")
    except LabError:
        return ""


def _known(key: str) -> Host:
    for host in existing():
        if host.key == key:
            return host
    raise LabError(f"the lab has no host {key}")


def _listed(*listing: str) -> list[str]:
    return docker(*listing, f"--filter=label={LABEL}").split()


def _each(hosts: list[Host], action: Callable[[Host], None]) -> None:
    with ThreadPoolExecutor(STARTS_AT_ONCE) as pool:
        list(pool.map(action, hosts))
