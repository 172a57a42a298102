# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hazards of proxies and accounts, in the form of test_rules.HAZARDS; their relatives are in test_field_haproxy."""

from __future__ import annotations

from unit.audit.builders import PROXY, proxy
from unit.audit.changes import Changes

WRITES = PROXY.replace("reads", "writes").replace("/reader", "/writer")
BLIND = WRITES.replace("option httpchk GET /writer", "option tcp-check")
LOCKING = {"skip_name_resolve": "OFF", "max_connect_errors": "100", "wait_timeout": "28800"}
PROXIES: list[tuple[str, Changes, list[str], str]] = [
    ("MHA-H008", [("hap1", proxy(PROXY.replace("3306 check", "3306")))], ["hap1"], "reads: no check of db1, db2"),
    ("MHA-H009", [("hap1", proxy(WRITES))], ["hap1"], "writes: no on-marked-down shutdown-sessions for db1, db2"),
    ("MHA-H010", [("hap1", proxy("global\n    stats socket :9999 level admin\n" + PROXY))],
     ["hap1"], "stats socket :9999 level admin"),
    ("MHA-H011", [("hap1", proxy("global\n    stats socket /run/h mode 666 level admin\n" + PROXY))],
     ["hap1"], "stats socket /run/h level admin may be written by everybody"),
    ("MHA-H012", [("hap2", proxy(PROXY.replace("    server db1 192.0.2.11:3306 check weight 10\n", "")))],
     ["hap1", "hap2"], "reads has db1:3306, db2:3306, but db2:3306 on hap2"),
    ("MHA-H013", [("hap1", proxy(f"{BLIND.rstrip()} backup\n")),
                  ("hap2", proxy(BLIND.replace("11:3306", "11:3306 backup")))],
     ["hap1", "hap2"], "writes sends all to db1:3306, but to db2:3306 on hap2"),
    ("MHA-H014", [("hap1", proxy(PROXY.replace("check weight", "check inter 30s weight")))],
     ["hap1"], "reads: up to 120 s (inter 30 s, fall 3) until a hung server is out"),
    ("MHA-H015", [("hap1", proxy(PROXY.replace("option httpchk GET /reader", ""))), ("db1/mysql/variables", LOCKING)],
     ["hap1"], "reads/db1: connects only, max_connect_errors = 100"),
    ("MHA-A008", [("hap1", proxy(PROXY.replace("stats enable", "stats auth me:Zq8-long"))),
                  ("hap1/haproxy/configuration/files_for_all", ["haproxy.cfg"])],
     ["hap1"], "haproxy.cfg may be read by everybody and has stats auth"),
]  # fmt: skip
