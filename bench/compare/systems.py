# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The systems that the bench compares with, as practitioners write them: their names and configurations."""

from __future__ import annotations

from dataclasses import dataclass

NOTES = """\
Two hosts, asynchronous GTID replication. VRRP by unicast, because the lab's network drops multicast. Debian's unit
restarts a mysqld that dies, after which nothing moves unless the check has seen it."""

TITLES = {
    "dual-source-check": "Dual source, keepalived with a check script",
    "source-replica-notify": "Source and replica, keepalived with notify scripts",
    "source-replica-tuned": "The same, tuned",
    "group-replication": "Group Replication, single primary",
    "group-replication-fast": "Group Replication, expel timeout 0",
}

DESCRIPTIONS = {
    "dual-source-check": NOTES
    + """
Both are writable and replicate from each other. `advert_int 5`, equal priorities, both `state BACKUP`; a
`vrrp_script` of 20 lines of Python connects to mysqld every 15 s; `notify_master` records the binlog position.""",
    "source-replica-notify": NOTES
    + """
`advert_int 1`, priorities 150 and 100. The check has weight 2, runs every 10 s on the source and every 120 s on the
replica, and ends keepalived when `mysqladmin ping` fails; `notify_master` waits until the replica has applied all
that it read (60 s at most), then stops replication and opens writes. `replica_skip_errors=all`.""",
    "source-replica-tuned": NOTES
    + """
As above with `advert_int 0.5` (VRRPv3), and a check every second on both hosts with a timeout of 1 s.""",
    "group-replication": """\
Three members, single primary, defaults of MySQL. There is no VIP: after an error the client connects to one member
after another and writes to the first that says that it is the online primary.""",
    "group-replication-fast": """\
As above with `group_replication_member_expel_timeout=0`.""",
}

FAULTS = ("mysqld-kill", "power-off", "mysqld-stop")
CHECK_D = """\
#!/usr/bin/python3
# check_mysql.py HOST PORT
import sys
import pymysql

try:
    connection = pymysql.connect(host=sys.argv[1], port=int(sys.argv[2]), user="monitor", password="monitor-only",
                                 connect_timeout=10, ssl={"check_hostname": False})
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    cursor.fetchone()
except Exception as error:
    print(error)
    sys.exit(1)
"""
NOTIFY_D = """\
#!/bin/sh
mysql -E -e 'SHOW BINARY LOG STATUS; SHOW REPLICA STATUS' > /var/lib/mysql-takeover.$(date +%s)
"""
CHECK_E = """\
#!/bin/sh
{limit}mysqladmin --user=monitor --password=monitor-only --host=127.0.0.1 status > /dev/null 2>&1 || pkill -x keepalived
"""
MASTER_E = """\
#!/bin/sh
i=0
while [ $i -lt {tries} ]; do
    status=$(mysql -E -e 'SHOW REPLICA STATUS')
    read=$(echo "$status" | awk '/ Read_Source_Log_Pos:/ {{print $2}}')
    done=$(echo "$status" | awk '/ Exec_Source_Log_Pos:/ {{print $2}}')
    [ "$read" = "$done" ] && break
    sleep {pause}
    i=$((i + 1))
done
mysql -e 'STOP REPLICA; SET GLOBAL super_read_only = 0; SET GLOBAL read_only = 0'
"""
BACKUP_E = """\
#!/bin/sh
mysql -e 'SET GLOBAL read_only = 1; START REPLICA'
"""
STOP_E = """\
#!/bin/sh
mysql -e "SET sql_log_bin = 0; ALTER USER bench@'%' ACCOUNT LOCK"
i=0
busy="SELECT COUNT(*) FROM performance_schema.processlist WHERE user = 'bench' AND command = 'Query'"
while [ $i -lt 60 ] && mysql -NBe "$busy" | grep -qv '^0'; do
    sleep 1
    i=$((i + 1))
done
"""


@dataclass(frozen=True)
class Handmade:
    """keepalived and scripts on two hosts. `checks`: seconds between two checks on the first and the second host."""

    dual: bool
    advert: float
    priorities: tuple[int, int]
    checks: tuple[int, int]
    weight: int
    check: str
    notify: dict[str, str]


HANDMADE = {
    "dual-source-check": Handmade(True, 5, (100, 100), (15, 15), 0, CHECK_D, {"master": NOTIFY_D}),
    "source-replica-notify": Handmade(
        False, 1, (150, 100), (10, 120), 2, CHECK_E.format(limit=""),
        {"master": MASTER_E.format(tries=60, pause=1), "backup": BACKUP_E, "stop": STOP_E},
    ),
    "source-replica-tuned": Handmade(
        False, 0.5, (150, 100), (1, 1), 2, CHECK_E.format(limit="timeout 1 "),
        {"master": MASTER_E.format(tries=600, pause=0.1), "backup": BACKUP_E, "stop": STOP_E},
    ),
}  # fmt: skip


def keepalived_conf(system: Handmade, number: int, own: str, peer: str, vip: str) -> str:
    """The whole configuration of the first (0) or second (1) host."""
    notify = "".join(f"    notify_{event} /etc/keepalived/notify_{event}.sh\n" for event in system.notify)
    weight = f"    weight {system.weight}\n" if system.weight else ""
    arguments = " 127.0.0.1 3306" if system.dual else ""
    return f"""\
global_defs {{
    script_user root
}}
vrrp_script check_mysql {{
    script "/etc/keepalived/check_mysql{arguments}"
    interval {system.checks[number]}
{weight}}}
vrrp_instance VI_1 {{
    state BACKUP
    {"version 3" if system.advert < 1 else ""}
    interface eth0
    virtual_router_id 71
    priority {system.priorities[number]}
    advert_int {system.advert:g}
    unicast_src_ip {own}
    unicast_peer {{
        {peer}
    }}
    virtual_ipaddress {{
        {vip}/24 dev eth0
    }}
    track_script {{
        check_mysql
    }}
{notify}}}
"""
