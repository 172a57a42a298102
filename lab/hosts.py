# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The network and the hosts: containers with systemd as PID 1. Touches labelled objects only."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from image import LABEL
from inventory import Host, Lab
from shell import LabError, docker, run, say, succeeds

NETWORK = "mha-lab"
RECIPE_LABEL = "opendba.mysql_ha.recipe"
FILTER = f"label={LABEL}"
BOOT_SECONDS = 90
STARTS_AT_ONCE = 4


def up(lab: Lab, image: str, fresh: bool) -> None:
    if fresh:
        remove(lab.hosts)
    _ensure_network(lab.subnet)
    _each(lab.hosts, lambda host: _ensure_host(host, image))
    _each(lab.hosts, lambda host: _wait_booted(host.container))
    say(f"{len(lab.hosts)} hosts are up: {', '.join(host.key for host in lab.hosts)}")


def remove(hosts: Iterable[Host]) -> None:
    for host in hosts:
        if _label(host.container) is not None:
            docker("rm", "--force", "--volumes", host.container)
            say(f"removed {host.container}")
        if _volume(host) in _listed("volume", "ls", "--format", "{{.Name}}"):
            docker("volume", "rm", _volume(host))


def remove_all() -> None:
    """All containers, volumes and networks with the lab's label."""
    for container in _listed("ps", "--all", "--format", "{{.Names}}"):
        docker("rm", "--force", "--volumes", container)
        say(f"removed {container}")
    for volume in _listed("volume", "ls", "--format", "{{.Name}}"):
        docker("volume", "rm", volume)
    for network in _listed("network", "ls", "--format", "{{.Name}}"):
        docker("network", "rm", network)
        say(f"removed the network {network}")


def power_off(key: str) -> None:
    """Power loss: every process of the host is gone at once, nothing is written back first."""
    docker("kill", "--signal", "KILL", _existing(key))
    say(f"{key} is off")


def power_on(key: str) -> None:
    container = _existing(key)
    docker("start", container)
    _wait_booted(container)
    say(f"{key} is up")


def status() -> None:
    containers = sorted(_listed("ps", "--all", "--format", "{{.Names}}"))
    if not containers:
        print("The lab has no hosts.")
        return
    row = "{:<24} {:<16} {:<10} {:<10} {}".format
    print(row("CONTAINER", "ADDRESS", "STATE", "SYSTEMD", "IMAGE"))
    for name in containers:
        state = json.loads(docker("inspect", name))[0]
        network = state["NetworkSettings"]["Networks"].get(NETWORK) or {}
        address = (network.get("IPAMConfig") or {}).get("IPv4Address", "-")
        running = state["State"]["Status"]
        print(row(name, address, running, _systemd(name) if running == "running" else "-", state["Config"]["Image"]))


def _ensure_network(subnet: str) -> None:
    if NETWORK in _listed("network", "ls", "--format", "{{.Name}}"):
        now = docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", NETWORK)
        if now == subnet:
            return
        say(f"the network {NETWORK} has {now}; making it anew with {subnet}")
        docker("network", "rm", NETWORK)
    say(f"making the internal network {NETWORK}, {subnet}")
    docker("network", "create", "--internal", "--label", LABEL, "--subnet", subnet, NETWORK)


def _ensure_host(host: Host, image: str) -> None:
    arguments = _run_arguments(host, image)
    recipe = hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:12]
    made_from = _label(host.container)
    if made_from is None:
        docker("volume", "create", "--label", LABEL, _volume(host))
        docker("run", "--detach", "--label", f"{RECIPE_LABEL}={recipe}", *arguments)
        say(f"{host.key}: made, {host.address}")
        return
    if made_from != recipe:
        say(f"{host.key}: kept, but the inventory or the image have changed since it was made; "
            "`up --fresh` makes it anew")
    docker("start", host.container)


def _run_arguments(host: Host, image: str) -> list[str]:
    return [
        "--name", host.container, "--hostname", host.key, "--label", LABEL,
        "--network", NETWORK, "--ip", host.address, "--network-alias", host.key,
        "--dns", "127.0.0.1",   # names of other hosts come from the engine; no question leaves the lab
        # systemd as PID 1, with a cgroup tree of its own
        "--cgroupns", "private", "--stop-signal", "SIGRTMIN+3", "--env", "container=docker",
        "--tmpfs", "/run", "--tmpfs", "/tmp:exec",   # dpkg runs packages' questions from /tmp
        # Services drop what they do not need themselves, so a host starts with everything, except what would
        # reach through to the machine (its clock, modules, hardware) or what some machines cannot give.
        "--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--cap-drop", "SYS_TIME", "--cap-drop", "SYS_MODULE",
        "--cap-drop", "SYS_RAWIO", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
        # On overlayfs CLONE leaves mysqld unable to restart.
        "--volume", f"{_volume(host)}:/var/lib/mysql",
        image,
    ]


def _volume(host: Host) -> str:
    return f"{host.container}-mysql"


def _wait_booted(container: str) -> None:
    deadline = time.monotonic() + BOOT_SECONDS
    while (state := _systemd(container)) != "running":
        if state == "degraded":
            failed = docker("exec", container, "systemctl", "--failed", "--no-legend", "--plain")
            raise LabError(f"{container}: units failed at boot:\n{failed}")
        if time.monotonic() > deadline:
            raise LabError(f"{container}: systemd is {state or 'silent'} after {BOOT_SECONDS} s")
        time.sleep(0.3)


def _systemd(container: str) -> str:
    """running, starting, degraded...; empty while systemd does not answer yet."""
    try:
        return docker("exec", container, "sh", "-c", "systemctl is-system-running 2>/dev/null || true")
    except LabError:
        return ""


def _existing(key: str) -> str:
    container = f"mha-{key}"
    if _label(container) is None:
        raise LabError(f"the lab has no host {key}")
    return container


def _label(container: str) -> str | None:
    """The recipe that a container of the lab was made from; None where the lab has no such container."""
    if container not in _listed("ps", "--all", "--format", "{{.Names}}"):
        return None
    return docker("inspect", "--format", f'{{{{index .Config.Labels "{RECIPE_LABEL}"}}}}', container)


def _listed(*listing: str) -> list[str]:
    return docker(*listing, "--filter", FILTER).split()


def _each(hosts: list[Host], action: Callable[[Host], None]) -> None:
    with ThreadPoolExecutor(STARTS_AT_ONCE) as pool:
        list(pool.map(action, hosts))
