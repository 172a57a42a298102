# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Point selects through LVS, straight to one realserver, and through HAProxy, on the same hosts.

As ratios only: the directors' kernels are emulated and share two processors with everything else. HAProxy runs on the
director that stands by, so both ways cross one emulated kernel; answers cross HAProxy's a second time, and LVS's never.
"""

from __future__ import annotations

from integration.lab_cluster import machine
from integration.lab_lvs import ADDRESSES, CLUSTER, VIP, Reads, note, standing_by, whole

SECONDS = 3
PORT = 3310
HAPROXY = """
global
    maxconn 200
defaults
    mode tcp
    timeout connect 2s
    timeout client 1m
    timeout server 1m
listen reads
    bind *:{port}
    balance roundrobin
{servers}
"""


def rate(address: str, port: int = 3306) -> float:
    measured: float = Reads("rate", SECONDS, address, port).result()
    assert measured > 0
    return measured


def test_throughput() -> None:
    whole()
    rows = ", ".join(f"('{number}')" for number in range(100))
    for sql in ("CREATE TABLE IF NOT EXISTS notes (id BIGINT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(100))",
                f"INSERT INTO notes (note) VALUES {rows}"):  # fmt: skip
        assert CLUSTER.through_vip(sql).rc == 0
    proxy = standing_by()
    servers = "\n".join(f"    server {name} {address}:3306" for name, address in ADDRESSES.items())
    host = machine(proxy)
    host.check_output("apt-get -q -y install haproxy")
    host.check_output("printf %%s %s > /etc/haproxy/haproxy.cfg", HAPROXY.format(port=PORT, servers=servers))
    host.check_output("systemctl restart haproxy")
    proxy_address = {"lvs1": "10.77.0.85", "lvs2": "10.77.0.86"}[proxy]
    ways = {"direct": (ADDRESSES["dr3"], 3306), "lvs": (VIP, 3306), "haproxy": (proxy_address, PORT)}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _round in range(3):
        for name, way in ways.items():
            rates[name].append(rate(*way))
    host.check_output("systemctl disable --now haproxy")
    best = {name: max(measured) for name, measured in rates.items()}
    ratios = {name: round(best[name] / best["direct"], 2) for name in ways}
    note("throughput", {"selects_per_second": rates, "to_direct": ratios})
    assert best["lvs"] > best["haproxy"]
