# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can happen to a host, and how it is undone. Every fault ends by itself or is ended by `undo`."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench import hosts
from bench.hosts import container, docker, shell

STALL_SECONDS = 20.0
DROP = "nft add table inet bench; nft flush table inet bench"
CHAINS = (
    "nft add chain inet bench in '{ type filter hook input priority -10; policy accept; }'",
    "nft add chain inet bench out '{ type filter hook output priority -10; policy accept; }'",
)


@dataclass
class Fault:
    """`at`: CLOCK_MONOTONIC in seconds, just before it began. `undo` may be called more than once."""

    at: float
    undo: Callable[[], None] = field(default=lambda: None)


def kill_process(host: str, unit: str, signal: str = "KILL") -> Fault:
    """To the main process of a unit; SIGSTOP is undone by SIGKILL, so that no supervisor waits for it."""
    process = shell(host, f"systemctl show --property=MainPID --value {unit}")
    at = time.monotonic()
    docker("exec", container(host), "kill", f"-{signal}", process)

    def undo() -> None:
        if signal == "STOP":
            shell(host, f"kill -KILL {process} 2>/dev/null || true")

    return Fault(at, undo)


def mysqld_killed(host: str) -> Fault:
    return kill_process(host, "mysql")


def mysqld_stopped(host: str) -> Fault:
    """SIGSTOP: it keeps its connections and says nothing."""
    return kill_process(host, "mysql", "STOP")


def continued(host: str) -> None:
    """SIGCONT to the mysqld of `mysqld_stopped`, if it still lives."""
    shell(host, "pkill -CONT -x mysqld || true")


def keepalived_killed(host: str) -> Fault:
    return kill_process(host, "keepalived")


def agent_killed(host: str) -> Fault:
    return kill_process(host, f"mysql-ha-agent@{host}")


def powered_off(host: str) -> Fault:
    at = time.monotonic()
    docker("kill", "--signal=KILL", container(host))

    def undo() -> None:
        if not _runs(host):
            hosts.lab("power-on", host)

    return Fault(at, undo)


def rebooted(host: str) -> Fault:
    """A clean shutdown; a container ends where a machine would start again."""
    at = time.monotonic()
    docker("exec", container(host), "systemctl", "--no-block", "reboot")

    def undo() -> None:
        hosts.wait(lambda: not _runs(host), f"{host} shut down", 60)
        hosts.lab("power-on", host)

    return Fault(at, undo)


def _runs(host: str) -> bool:
    return docker("inspect", "--format={{.State.Running}}", container(host)) == "true"


def paused(host: str) -> Fault:
    """Every process of the host stands still, as in a virtual machine that is stunned."""
    at = time.monotonic()
    docker("pause", container(host))

    def undo() -> None:
        if docker("inspect", "--format={{.State.Paused}}", container(host)) == "true":
            docker("unpause", container(host))

    return Fault(at, undo)


def disk_stalled(host: str) -> Fault:
    """Its data disk takes no write, for STALL_SECONDS at most."""
    command = [sys.executable, str(hosts.LAB), "stall", host, str(STALL_SECONDS)]
    stall = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    at = time.monotonic()
    line = stall.stdout.readline() if stall.stdout else ""
    if not line.startswith("frozen"):
        raise hosts.Failed(f"{host}: the disk was not stalled: {line}")

    def undo() -> None:
        if stall.poll() is None:
            stall.terminate()
            stall.communicate(timeout=STALL_SECONDS + 5)

    return Fault(at, undo)


def demoted(host: str) -> Fault:
    """A planned switchover, as an operator does it by hand."""
    at = time.monotonic()
    docker("exec", container(host), "mysql-ha", "demote", "--hold", "bench")
    return Fault(at, lambda: _release(host))


def _release(host: str) -> None:
    shell(host, "mysql-ha release")


def _filtered(host: str, *rules: str) -> Fault:
    """Drops packets in a table of its own, so that Docker's rules for names stay."""
    added = [f"nft add rule inet bench {rule}" for rule in rules]
    at = time.monotonic()
    shell(host, "\n".join([DROP, *CHAINS, *added]))
    return Fault(at, lambda: _unfiltered(host))


def _unfiltered(host: str) -> None:
    shell(host, "nft delete table inet bench 2>/dev/null || true")


def isolated(host: str) -> Fault:
    """The host hears and reaches nobody; its own processes reach each other."""
    return _filtered(host, "in iifname != lo drop", "out oifname != lo drop")


def deaf(host: str) -> Fault:
    """The host hears nobody; what it sends arrives."""
    return _filtered(host, "in iifname != lo drop")


def vrrp_blocked(host: str) -> Fault:
    """A firewall drops VRRP, everything else passes."""
    return _filtered(host, "in ip protocol 112 drop", "out ip protocol 112 drop")


def unfed(host: str) -> Fault:
    """No replication stream arrives; agents and keepalived hear everything."""
    return _filtered(host, "in tcp sport 3306 drop")


def narrow(host: str, megabytes: int) -> Fault:
    """The replication stream gets so much of the network in a second."""
    return _filtered(host, f"in tcp sport 3306 limit rate over {megabytes} mbytes/second burst 1 mbytes drop")


def stopped(host: str, unit: str) -> Fault:
    at = time.monotonic()
    docker("exec", container(host), "systemctl", "stop", unit)
    return Fault(at, lambda: _start(host, unit))


def _start(host: str, unit: str) -> None:
    shell(host, f"systemctl start {unit}", timeout=90)


def kept_down(host: str, unit: str) -> Fault:
    """SIGKILL, and no supervisor starts it again."""
    shell(host, f"systemctl mask --runtime --quiet {unit}")
    fault = kill_process(host, unit)
    return Fault(fault.at, lambda: _unmask(host, unit))


def _unmask(host: str, unit: str) -> None:
    shell(host, f"systemctl unmask --runtime --quiet {unit}; systemctl reset-failed {unit} || true")
    _start(host, unit)
