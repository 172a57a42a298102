# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the scenarios do with a cluster of the lab: run a playbook, ask the running services, write through the VIP."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import testinfra
from testinfra.host import Host

PROJECT = Path(__file__).resolve().parents[2]
SERVICES = ("mysql", "keepalived")

# Where a run must leave no trace in check mode. Ansible's and apt's own scratch files are elsewhere.
WATCHED = "/etc /usr/local"
DATA = "/var/lib/mysql /var/lib/mysql-ha /run/mysql-ha"  # these change by themselves while mysqld and the agent run
# systemd and dbus keep these up to date by themselves.
VOLATILE = r"/etc/(resolv.conf|hostname|hosts|mtab|machine-id|\.updated)$"


@dataclass(frozen=True)
class Change:
    """One task result that reported `changed`."""

    host: str
    task: str
    item: str
    handler: bool
    role: str = ""


@dataclass
class Run:
    """A finished playbook run."""

    returncode: int
    output: str
    changes: set[Change] = field(default_factory=set)

    @property
    def tasks(self) -> set[tuple[str, str, str]]:
        """(host, task, item) of everything that changed, handlers left out: those are judged by what runs."""
        return {(change.host, change.task, change.item) for change in self.changes if not change.handler}


def recording(changes_file: Path) -> dict[str, str]:
    """The environment in which Ansible writes down every change it reports."""
    return {
        **os.environ,
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        "ANSIBLE_CALLBACK_PLUGINS": str(PROJECT / "tests/callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "changes",
        "ANSIBLE_NOCOLOR": "1",
        "MHA_CHANGES_FILE": str(changes_file),
    }


def read_changes(changes_file: Path) -> set[Change]:
    """What a recorded run changed."""
    if not changes_file.exists():
        return set()
    lines = [json.loads(line) for line in changes_file.read_text().splitlines()]
    return {
        Change(line["host"], line["task"], json.dumps(line["item"]), line["handler"], line["role"] or "")
        for line in lines
    }


def run_playbook(inventory: Path, *arguments: str, playbook: str = "site.yml", timeout: float = 900) -> Run:
    """Run a playbook to its end and report what it changed."""
    changes_file = PROJECT / "build" / f"changes-{time.monotonic_ns()}.jsonl"
    changes_file.parent.mkdir(exist_ok=True)
    done = subprocess.run(
        ["ansible-playbook", playbook, "-i", str(inventory), *arguments],
        cwd=PROJECT,
        env=recording(changes_file),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Run(done.returncode, done.stdout, read_changes(changes_file))


def audited(inventory: Path, directory: Path, *arguments: str) -> dict[str, Any]:
    """What the audit says of these hosts, none of which it changed."""
    done = run_playbook(
        inventory, "-e", f"audit_directory={directory}", "-e", "audit_formats=json", *arguments,
        playbook="playbooks/audit.yml",
    )  # fmt: skip
    assert done.returncode == 0, done.output[-3000:]
    assert done.changes == set()
    result: dict[str, Any] = json.loads((directory / "audit.json").read_text())
    return result


def machine(name: str) -> Host:
    """A host of the lab."""
    return testinfra.get_host(f"docker://mha-{name}")


def snapshot(name: str, data: bool = True) -> dict[str, str]:
    """Every file with its content, mode and owner, every package and every unit of a host."""
    host, watched = machine(name), f"{WATCHED} {DATA}" if data else WATCHED
    listing = host.run(
        f"find {watched} -xdev -printf '%p %y %m %u %g\\n' 2>/dev/null | grep -vE '{VOLATILE}'; "
        f"find {watched} -xdev -type f -exec sha256sum {{}} + 2>/dev/null | grep -vE '{VOLATILE}'"
    ).stdout
    return {
        "files": listing,
        "packages": host.check_output("dpkg-query -W"),
        "units": host.check_output("systemctl list-unit-files --no-legend --no-pager"),
    }


def wait_until(holds: Callable[[], Any], what: str, seconds: float = 30, every: float = 0.2) -> Any:
    """Wait for something to become true; its value is returned."""
    deadline = time.monotonic() + seconds
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(every)


@dataclass(frozen=True)
class Cluster:
    """A cluster of the lab, asked through its running services."""

    inventory: Path
    members: tuple[str, ...]
    candidates: tuple[str, ...]
    vip: str
    client: str
    user: str
    password: str
    database: str

    @property
    def readers(self) -> tuple[str, ...]:
        """The members that never become the writer."""
        return tuple(name for name in self.members if name not in self.candidates)

    def query(self, name: str, sql: str) -> str:
        """Ask one instance over its socket, as root."""
        return machine(name).check_output("mysql --batch --skip-column-names --execute %s", sql)

    def through_vip(self, sql: str, address: str = "") -> Any:
        """Ask as an application does, from the client host; the result has rc, stdout and stderr."""
        return machine(self.client).run(
            "MYSQL_PWD=%s mysql --connect-timeout=2 --batch --skip-column-names --host=%s --user=%s %s --execute %s",
            self.password, address or self.vip, self.user, self.database, sql,
        )  # fmt: skip

    def writable(self, names: Iterable[str] = ()) -> list[str]:
        """The instances that take writes."""
        return [
            name
            for name in names or self.members
            if machine(name).run("mysql -NBe 'SELECT @@read_only'").stdout.strip() == "0"
        ]

    def vip_holders(self) -> list[str]:
        """The members that have the writer VIP on an interface."""
        return [name for name in self.members if f" {self.vip}/" in machine(name).check_output("ip -o address show")]

    def writer(self) -> str:
        """The one writer, which holds the VIP."""

        def settled() -> str:
            writers = self.writable()
            return writers[0] if len(writers) == 1 and self.vip_holders() == writers else ""

        writer: str = wait_until(settled, "one writer, with the VIP")
        return writer

    def redundant_writer(self) -> str:
        """The writer, when every other candidate could succeed it: what has to be before the next fault."""
        writer = self.writer()

        def redundant() -> bool:
            told = json.loads(machine(writer).run("mysql-ha status --json").stdout or "{}")
            instances = {answer["instance"]: answer for answer in told.get("instances", ())}
            return all(instances.get(name, {}).get("eligible") for name in self.candidates)

        wait_until(redundant, "every candidate able to lead", 60)
        return writer

    def channel(self, name: str) -> dict[str, str]:
        """SHOW REPLICA STATUS of an instance; empty while its server does not answer."""
        output = machine(name).run("mysql -E -e 'SHOW REPLICA STATUS'").stdout
        pairs = (line.split(":", 1) for line in output.splitlines() if ":" in line)
        return {key.strip(): value.strip() for key, value in pairs}

    def replicating(self, names: Iterable[str]) -> bool:
        """Whether these members receive and apply."""
        channels = [self.channel(name) for name in names]
        return all(
            one.get("Replica_IO_Running") == "Yes" and one.get("Replica_SQL_Running") == "Yes" for one in channels
        )

    def processes(self) -> dict[str, str]:
        """The main process of every service on every member: equal means that nothing was restarted."""
        return {
            f"{name}/{unit}": machine(name).check_output("systemctl show --property=MainPID --value %s", unit)
            for name in self.members
            for unit in (*SERVICES, f"mysql-ha-agent@{name}")
            if not (unit == "keepalived" and name in self.readers)
        }

    def vip_moves(self) -> int:
        """How often any keepalived took the VIP since the hosts were made."""
        counts = [
            machine(name).run("journalctl -u keepalived --no-pager | grep -c 'Entering MASTER STATE'").stdout
            for name in self.candidates
        ]
        return sum(int(count or 0) for count in counts)
