# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sets up the systems of comparison on bare hosts, and puts them back to the start before each run."""

from __future__ import annotations

from bench import hosts
from bench.client import Order
from bench.cluster import TABLE, Cluster
from bench.compare.systems import HANDMADE, Handmade, keepalived_conf
from bench.hosts import Failed, shell, sql

SETTINGS = """\
[mysqld]
server_id = {number}
bind_address = *
log_bin = binlog
gtid_mode = ON
enforce_gtid_consistency = ON
skip_name_resolve = ON
replica_net_timeout = 10
innodb_buffer_pool_size = 128M
skip_replica_start = ON
report_host = {address}
"""
GROUP = """\
plugin_load_add = group_replication.so
loose_group_replication_group_name = 6d686100-0000-4000-8000-000000000071
loose_group_replication_local_address = {address}:33061
loose_group_replication_group_seeds = {seeds}
loose_group_replication_ip_allowlist = 10.77.0.0/24
loose_group_replication_start_on_boot = OFF
loose_group_replication_recovery_get_public_key = ON
"""
REPLICA_PASSWORD = "lab-only-replication"  # noqa: S105
ACCOUNTS = """\
SET sql_log_bin = 0;
CREATE USER IF NOT EXISTS repl@'%' IDENTIFIED BY '{replication}';
GRANT REPLICATION SLAVE, BACKUP_ADMIN, CONNECTION_ADMIN, GROUP_REPLICATION_STREAM ON *.* TO repl@'%';
CREATE USER IF NOT EXISTS monitor@'%' IDENTIFIED BY 'monitor-only';
CREATE USER IF NOT EXISTS bench@'%' IDENTIFIED BY '{password}';
GRANT ALL ON bench.* TO bench@'%';
GRANT SELECT ON performance_schema.replication_group_members TO bench@'%';
ALTER USER bench@'%' ACCOUNT UNLOCK;
"""
EMPTY = "SET GLOBAL super_read_only = 0; SET GLOBAL read_only = 0; RESET BINARY LOGS AND GTIDS;"


class System:
    """One of them, on hosts of the bench."""

    def __init__(self, name: str, cluster: Cluster) -> None:
        self.name = name
        self.cluster = cluster
        self.handmade: Handmade | None = HANDMADE.get(name)
        self.names = cluster.candidates if self.handmade else cluster.members
        self.password = str(next(iter(cluster.variables.values()))["bench_password"])

    # ---- once --------------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Packages and configuration, on hosts that are bare. Raises Failed."""
        packages = "mysql-server" + (" keepalived python3-pymysql" if self.handmade else "")
        for number, name in enumerate(self.names):
            self._configure(number, name, packages)

    def _configure(self, number: int, name: str, packages: str) -> None:
        settings = SETTINGS.format(number=71 + number, address=self.cluster.address(name))
        if self.handmade is None:
            seeds = ",".join(f"{self.cluster.address(member)}:33061" for member in self.names)
            settings += GROUP.format(address=self.cluster.address(name), seeds=seeds)
            if self.name == "group-replication-fast":
                settings += "loose_group_replication_member_expel_timeout = 0\n"
        elif self.handmade.dual:
            settings += f"auto_increment_increment = 2\nauto_increment_offset = {number + 1}\n"
        else:
            settings += "replica_skip_errors = all\n"
        script = f"export DEBIAN_FRONTEND=noninteractive\napt-get -q -y install --no-install-recommends {packages}"
        shell(name, f"{script} > /root/install.log 2>&1", timeout=180)
        self._write(name, "/etc/mysql/mysql.conf.d/zz-bench.cnf", settings)
        if self.handmade:
            self._scripts(number, name, self.handmade)
        shell(name, "systemctl restart mysql", timeout=90)
        sql(name, ACCOUNTS.format(replication=REPLICA_PASSWORD, password=self.password))

    def _scripts(self, number: int, name: str, system: Handmade) -> None:
        addresses = [self.cluster.address(one) for one in self.names]
        text = keepalived_conf(system, number, addresses[number], addresses[1 - number], self.cluster.vip)
        self._write(name, "/etc/keepalived/keepalived.conf", text)
        self._write(name, "/etc/keepalived/check_mysql", system.check, "755")
        for event, script in system.notify.items():
            self._write(name, f"/etc/keepalived/notify_{event}.sh", script, "755")
        shell(name, "systemctl stop keepalived; systemctl disable --quiet keepalived")

    def _write(self, name: str, path: str, text: str, mode: str = "644") -> None:
        shell(name, f"cat > {path} <<'END_OF_FILE'\n{text}END_OF_FILE\nchmod {mode} {path}")

    # ---- before each run ---------------------------------------------------------------------------------------------

    def reset(self) -> str:
        """Empty tables, whole replication, the first host leads; its name. Raises Failed."""
        self.cluster.power_on()
        for name in self.names:
            hosts.wait(lambda name=name: sql(name, "SELECT 1") == "1", f"mysqld on {name}", 60)  # type: ignore[misc]
        if self.handmade:
            self._reset_replication(self.handmade)
            self._start_keepalived()
        else:
            self._reset_group()
        return self.names[0]

    def _reset_replication(self, system: Handmade) -> None:
        first, second = self.names
        for name in self.names:
            shell(name, "systemctl stop keepalived || true; systemctl reset-failed keepalived || true")
            sql(name, "STOP REPLICA; RESET REPLICA ALL; SET GLOBAL super_read_only = 0; SET GLOBAL read_only = 0")
            sql(name, "DROP DATABASE IF EXISTS bench; " + ACCOUNTS.format(
                replication=REPLICA_PASSWORD, password=self.password) + EMPTY)  # fmt: skip
        self._replicate(second, first)
        if system.dual:
            self._replicate(first, second)
        sql(first, f"CREATE DATABASE bench; {TABLE}")
        hosts.wait(lambda: "writes" in sql(second, "SHOW TABLES FROM bench"), "the table on the replica", 30)
        if not system.dual:
            sql(second, "SET GLOBAL read_only = 1")

    def _replicate(self, name: str, source: str) -> None:
        sql(
            name,
            f"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{self.cluster.address(source)}', SOURCE_USER = 'repl', "
            f"SOURCE_PASSWORD = '{REPLICA_PASSWORD}', SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 5; "
            "START REPLICA",
        )

    def _start_keepalived(self) -> None:
        first, second = self.names
        shell(first, "systemctl start keepalived")
        hosts.wait(lambda: self.cluster.vip_holders() == [first], "the VIP on the first host", 60)
        shell(second, "systemctl start keepalived")
        hosts.wait(lambda: sql(first, "SELECT @@read_only") == "0", "the first host writable", 70)

    def _reset_group(self) -> None:
        try:
            online = self._online()
        except Failed:
            online = []
        if sorted(online) == sorted(self.names):
            self._lead()
            return
        for name in self.names:
            sql(name, "STOP GROUP_REPLICATION")
            sql(name, "SET GLOBAL super_read_only = 0; SET sql_log_bin = 0; DROP DATABASE IF EXISTS bench; " + EMPTY)
            recovery = f"CHANGE REPLICATION SOURCE TO SOURCE_USER = 'repl', SOURCE_PASSWORD = '{REPLICA_PASSWORD}'"
            sql(name, f"{recovery} FOR CHANNEL 'group_replication_recovery'")
        first, *others = self.names
        sql(first, "SET GLOBAL group_replication_bootstrap_group = ON; START GROUP_REPLICATION", timeout=60)
        sql(first, f"SET GLOBAL group_replication_bootstrap_group = OFF; CREATE DATABASE bench; {TABLE}")
        for name in others:
            sql(name, "START GROUP_REPLICATION", timeout=60)
        hosts.wait(lambda: sorted(self._online()) == sorted(self.names), "all members online", 60)

    def _online(self) -> list[str]:
        """Members that the group counts as online, as every one of them sees it."""
        asked = "SELECT MEMBER_HOST FROM performance_schema.replication_group_members WHERE MEMBER_STATE = 'ONLINE'"
        seen = [set(sql(name, asked).split()) for name in self.names]
        common = set.intersection(*seen)
        return [name for name in self.names if self.cluster.address(name) in common]

    def _lead(self) -> None:
        first = self.names[0]
        sql(first, "SELECT group_replication_set_as_primary(@@server_uuid)")

    # ---- the load ----------------------------------------------------------------------------------------------------

    def order(self, run: str) -> Order:
        addresses = {"vip": self.cluster.vip}
        if not self.handmade:
            addresses = {name: self.cluster.address(name) for name in self.names}
        return Order(
            run=run, addresses=addresses, user="bench", password=self.password, database="bench",
            ask_primary=self.handmade is None,
        )  # fmt: skip
