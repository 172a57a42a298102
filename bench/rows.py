# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of the bench: what happens to whom, and how long clients may wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench import faults
from bench.faults import Fault

LEASE = 3.0
DISK_TIMEOUT = 3.0


@dataclass(frozen=True)
class Settings:
    """Role variables that a row needs; rows with equal ones share a build."""

    advert: float = 0.2
    disk_timeout: float = 10.0

    def variables(self, known: set[str]) -> dict[str, float]:
        """For ansible-playbook. known: the variables that the roles have."""
        wanted = {"keepalived_advert_interval": self.advert, "agent_disk_timeout": self.disk_timeout}
        return {name: value for name, value in wanted.items() if name in known}


FAST = Settings()
DEFAULT_ADVERT = Settings(advert=0.5)
SHORT_DISK = Settings(disk_timeout=DISK_TIMEOUT)


@dataclass(frozen=True)
class Row:
    """Limits in seconds, None where there is none. `interrupts`: writes stop, so the end of that is waited for."""

    name: str
    title: str
    strike: Callable[[str], Fault]
    at_standby: bool = False
    interrupts: bool = True
    patience: float = 15.0
    settings: Settings = FAST
    default_connector: bool = False
    median: float | None = None
    p95: float | None = None
    longest: float | None = None
    needs: str = ""  # a role variable without which the product cannot do this


ROWS = (
    Row("mysqld-kill", "mysqld SIGKILL", faults.mysqld_killed, median=0.20, p95=0.30),
    Row("power-off", "power-off of the writer's host", faults.powered_off, p95=0.80),
    Row("mysqld-stop", "SIGSTOP of mysqld", faults.mysqld_stopped, p95=2.0),
    Row("keepalived-kill", "keepalived SIGKILL", faults.keepalived_killed, p95=0.8),
    Row("agent-kill", "agent SIGKILL", faults.agent_killed, interrupts=False, longest=0.5),
    Row("standby-mysqld-kill", "standby: mysqld SIGKILL", faults.mysqld_killed, at_standby=True, p95=0.3),
    Row("standby-power-off", "standby: power-off", faults.powered_off, at_standby=True, p95=LEASE + 0.5),
    Row("switchover", "planned switchover", faults.demoted),
    Row("mysqld-kill-connector", "mysqld SIGKILL, default connector", faults.mysqld_killed,
        default_connector=True, patience=40),
    Row("power-off-connector", "power-off, default connector", faults.powered_off, default_connector=True, patience=40),
    Row("disk-stall", "stalled disk, disk_timeout 3 s", faults.disk_stalled, settings=SHORT_DISK,
        p95=DISK_TIMEOUT + 1.0, patience=18, needs="agent_disk_timeout"),
    Row("mysqld-kill-default", "mysqld SIGKILL, advert_int 0.5", faults.mysqld_killed, settings=DEFAULT_ADVERT),
    Row("power-off-default", "power-off, advert_int 0.5", faults.powered_off, settings=DEFAULT_ADVERT),
)  # fmt: skip


def selected(names: str) -> list[Row]:
    """Of a list with commas or blanks; empty: all. Raises ValueError."""
    wanted = names.replace(",", " ").split()
    known = {row.name: row for row in ROWS}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"no such rows: {', '.join(unknown)}; there are {', '.join(known)}")
    return [row for row in ROWS if not wanted or row.name in wanted]
