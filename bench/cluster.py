# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster of the lab between two faults: is it redundant, who leads, is the data equal; and making it so again."""

from __future__ import annotations

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench import hosts
from bench.client import Order
from bench.hosts import Failed, shell, sql

CLIENT_CA = "/etc/ssl/mysql-ha-ca.crt"
TABLE = (
    "CREATE TABLE IF NOT EXISTS bench.writes (run VARCHAR(40) NOT NULL, seq INT NOT NULL, server CHAR(36) NOT NULL, "
    "PRIMARY KEY (run, seq))"
)
RESEED_HOLD = "re-seeded by the bench"
Status = dict[str, dict[str, Any]]


@dataclass
class Cluster:
    """As its inventory describes it."""

    inventory: Path
    group: str = "bench"
    rejoins: bool = False  # the agents re-provision a quarantined instance by themselves

    @cached_property
    def _listing(self) -> dict[str, Any]:
        done = subprocess.run(
            ["ansible-inventory", "--list", "-i", str(self.inventory)],
            cwd=hosts.PROJECT, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return dict(json.loads(done.stdout))

    @cached_property
    def variables(self) -> dict[str, dict[str, Any]]:
        """The inventory's variables of each member."""
        return {name: self._listing["_meta"]["hostvars"][name] for name in self._listing[self.group]["hosts"]}

    @property
    def client(self) -> str:
        return str(self._listing["clients"]["hosts"][0])

    @property
    def members(self) -> list[str]:
        return list(self.variables)

    @property
    def candidates(self) -> list[str]:
        return [name for name in self.members if self.variables[name].get("cluster_role") != "reader"]

    @property
    def vip(self) -> str:
        return str(next(iter(self.variables.values()))["cluster_vip"]).split("/")[0]

    def address(self, name: str) -> str:
        return str(self.variables[name]["lab_address"])

    def other(self, candidate: str) -> str:
        return next(name for name in self.candidates if name != candidate)

    def order(self, run: str, direct: bool = False) -> Order:
        """The load of the bench: through the VIP, and if `direct` to each candidate's own address too."""
        first = next(iter(self.variables.values()))
        servers = {name: self.address(name) for name in self.candidates} if direct else {}
        return Order(
            run=run, addresses={"vip": self.vip}, user="bench", password=first["bench_password"],
            database="bench", ca=CLIENT_CA, direct=servers,
        )  # fmt: skip

    # ---- what is -----------------------------------------------------------------------------------------------------

    def status(self, asked: str = "") -> Status:
        """What each agent says, as one of them reports it (or the first that can). Raises Failed."""
        problem = Failed("nobody was asked")
        for name in [asked] if asked else self.members:
            try:
                # Status 1 means that there is no single writer, with the same report
                report = shell(name, "timeout 15 mysql-ha status --json || test $? = 1", timeout=20)
                return {one["instance"]: one for one in json.loads(report)["instances"]}
            except (Failed, ValueError) as error:
                problem = Failed(f"{name}: {error}")
        raise problem

    def writer(self, seconds: float = 30) -> str:
        """The one writer. Raises Failed."""

        def found() -> str:
            writers = [name for name, one in self.status().items() if one.get("writer")]
            return writers[0] if len(writers) == 1 else ""

        return hosts.wait(found, "one writer", seconds)

    def not_redundant(self) -> list[str]:
        """What is missing until one fault more would be survived; empty: nothing."""
        status = self.status()
        missing = [f"{name}: {one['error']}" for name, one in status.items() if "error" in one]
        if missing:
            return missing
        writers = [name for name in self.candidates if status[name]["writer"] and status[name]["vip_here"]]
        if len(writers) != 1:
            return [f"writers: {writers}"]
        writer = status[writers[0]]
        semi_sync = writer["mysqld"]["semi_sync"] or {}
        if not semi_sync.get("source") or semi_sync.get("clients", 0) < len(self.candidates) - 1:
            missing.append(f"{writers[0]} does not wait for a standby")
        if writer.get("alone") or not writer.get("waits", True):
            missing.append(f"{writers[0]} may have acknowledged what nobody else has")
        if writer.get("not_redundant"):
            missing.append(str(writer["not_redundant"]))
        for name in self.members:
            one = status[name]
            if name == writers[0]:
                continue
            if name in self.candidates and not (one["eligible"] and not one.get("left_behind")):
                missing.append(f"{name} may not lead: {' '.join(one['reasons'])}")
            if not any(channel["receiver"] == "Yes" and channel["applier"] for channel in one["mysqld"]["channels"]):
                missing.append(f"{name} does not replicate")
        return missing

    def vip_holders(self) -> list[str]:
        return [name for name in self.candidates if self._has_vip(name)]

    def _has_vip(self, name: str) -> bool:
        try:
            return f" {self.vip}/" in shell(name, "ip -o address show", timeout=5)
        except Failed:
            return False

    def moves(self) -> int:
        """How often any keepalived has taken the VIP since the hosts were made."""
        count = "journalctl --unit keepalived --no-pager --quiet --output cat | grep -c 'Entering MASTER STATE' || true"
        return sum(int(shell(name, count)) for name in self.candidates)

    def quarantined(self, name: str, writer: str) -> str:
        """Transactions that only this instance has. Raises Failed."""
        own = sql(name, "SELECT @@gtid_executed").replace("\n", "")
        return sql(writer, f"SELECT GTID_SUBTRACT('{own}', @@gtid_executed)").replace("\n", "")

    # ---- the data ----------------------------------------------------------------------------------------------------

    def make_table(self) -> None:
        sql(self.writer(), TABLE)

    def numbers(self, name: str, run: str) -> set[int]:
        """The rows of a run that an instance has."""
        rows = sql(name, f"SELECT seq FROM bench.writes WHERE run = '{run}'")  # noqa: S608 (the bench's own name)
        return {int(number) for number in rows.split()}

    def content(self, name: str) -> str:
        return sql(name, "SELECT COUNT(*), COALESCE(SUM(CRC32(CONCAT_WS(':', run, seq, server))), 0) FROM bench.writes")

    def wait_equal(self, names: list[str], writer: str, seconds: float = 15) -> list[str]:
        """Waits until these have what the writer has; the names of those whose table is another one then."""
        unequal = list(names)

        def equal() -> bool:
            expected = self.content(writer)
            unequal[:] = [name for name in names if self.content(name) != expected]
            return not unequal

        try:
            hosts.wait(equal, "equal tables", seconds, every=0.3)
        except Failed:
            return unequal
        return []

    # ---- making it whole ---------------------------------------------------------------------------------------------

    def heal(self, seconds: float = 120) -> float:
        """Waits until it is redundant, re-seeding whoever is quarantined; the seconds that took. Raises Failed."""
        started = time.monotonic()
        self.power_on()
        reseeded: set[str] = set()

        def whole() -> bool:
            missing = self.not_redundant()
            if not missing:
                return True
            for name in self._to_reseed() - reseeded:
                reseeded.add(name)
                self.reseed(name)
            raise Failed("; ".join(missing))

        hosts.wait(whole, "redundant", seconds, every=0.3)
        return time.monotonic() - started

    def power_on(self) -> None:
        """All hosts that are off or stand still, at once."""
        with ThreadPoolExecutor(len(self.members)) as pool:
            list(pool.map(_power_on, self.members))

    def _to_reseed(self) -> set[str]:
        """Members with transactions that the writer lacks. Where the agents re-provision by themselves, none."""
        if self.rejoins:
            return set()
        status = self.status()
        writers = [name for name, one in status.items() if one.get("writer")]
        if len(writers) != 1:
            return set()
        others = [name for name, one in status.items() if name not in writers and one.get("mysqld", {}).get("up")]
        return {name for name in others if self.quarantined(name, writers[0])}

    def reseed(self, name: str) -> None:
        """A copy of the writer by CLONE, as a person does it for a quarantined instance. Raises Failed."""
        first = next(iter(self.variables.values()))
        user, password = first.get("replication_user", "mha_repl"), first["replication_password"]
        writer = self.writer()
        source = "".join(
            sql(name, "SELECT HOST FROM performance_schema.replication_connection_configuration").split()[:1]
        )
        ca = sql(name, "SELECT @@ssl_ca")
        hold = f"/run/mysql-ha/{name}.hold"
        shell(name, f"echo '{RESEED_HOLD}' > {hold}")
        hosts.wait(lambda: self.status()[name]["phase"] in ("held", "down"), f"{name} held", 10)
        before = shell(name, "systemctl show --property=MainPID --value mysql")
        clone = (
            "STOP REPLICA; SET GLOBAL super_read_only = OFF; "
            f"SET GLOBAL clone_valid_donor_list = '{self.address(writer)}:3306'; "
            f"CLONE INSTANCE FROM '{user}'@'{self.address(writer)}':3306 IDENTIFIED BY '{password}' REQUIRE SSL;"
        )
        try:
            sql(name, clone, timeout=60)
        except Failed as error:  # it ends with the connection, because mysqld restarts
            if "restart" not in str(error).lower() and "lost connection" not in str(error).lower():
                raise
        hosts.wait(
            lambda: shell(name, "systemctl show --property=MainPID --value mysql") not in (before, "0")
            and sql(name, "SELECT 1") == "1",
            f"{name} restarted with the copy", 60,
        )  # fmt: skip
        sql(
            name,
            "RESET REPLICA ALL; CHANGE REPLICATION SOURCE TO "
            f"SOURCE_HOST = '{source}', SOURCE_PORT = 3306, SOURCE_USER = '{user}', SOURCE_PASSWORD = '{password}', "
            "SOURCE_AUTO_POSITION = 1, SOURCE_SSL = 1, SOURCE_SSL_VERIFY_SERVER_CERT = 1, "
            f"SOURCE_SSL_CA = '{ca}', SOURCE_RETRY_COUNT = 0, SOURCE_CONNECT_RETRY = 1, SOURCE_HEARTBEAT_PERIOD = 1;",
        )
        shell(name, f"rm -f {hold}")


def _power_on(name: str) -> None:
    state = hosts.docker("inspect", "--format={{.State.Status}}", hosts.container(name))
    if state == "paused":
        hosts.docker("unpause", hosts.container(name))
    elif state != "running":
        hosts.lab("power-on", name)
