# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs of site.yml refuse, and that they change nothing; what status.yml says."""

from __future__ import annotations

import pytest

from integration.lab_cluster import machine, run_playbook
from integration.lab_haproxy import CLUSTER, PROXIES, Reads, ask, info, refused, standing_by, whole


@pytest.fixture(scope="module", autouse=True)
def built(idle: list[Reads]) -> None:
    whole()


def test_status_says_where_a_proxy_is_wrong() -> None:
    writer, proxy = CLUSTER.writer(), standing_by()  # the other one has the silent sessions
    ask(proxy, f"disable health mysql_shops_writer/{writer}")
    ask(proxy, f"set server mysql_shops_writer/{writer} health down")
    run = run_playbook(CLUSTER.inventory, playbook="playbooks/status.yml")
    ask(proxy, f"enable health mysql_shops_writer/{writer}")
    assert f"DISAGREEMENT: {proxy} sends no writes to {writer}" in run.output


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"haproxy_stats": True}, "haproxy_stats needs haproxy_stats_user and haproxy_stats_password"),
        ({"haproxy_stats": True, "haproxy_stats_user": "myadmin", "haproxy_stats_password": "myadmin"},
         "haproxy_stats_password is one that everybody knows"),
        ({"haproxy_view_port": 3306}, "haproxy_view_port 3306 is the port of a service"),
        ({"haproxy_weight": 300}, "hx1, hx2, hx3: haproxy_weight 300 is out of 0 to 256"),
        ({"haproxy_vip": "10.77.0.118"},
         "hp1, hp2: haproxy_vip 10.77.0.118 is the address of the writer VIP of cluster 'shops'"),
        ({"haproxy_send_proxy": True}, "MySQL knows no PROXY protocol"),
        ({"haproxy_services": [{"name": "old", "reader_port": 3310, "check": "mysql", "version": "mysql 9.7",
                                "servers": [{"address": "10.77.0.111"}]}]}, "error 1251"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_first(variables: dict, said: str) -> None:
    assert said in " ".join(refused(**variables).split())


def test_a_second_run_changes_nothing() -> None:
    def processes() -> dict[str, str]:
        units = "haproxy keepalived"
        asked = f"systemctl show -p MainPID,ExecMainStartTimestamp {units}"
        return {name: machine(name).check_output(asked) for name in PROXIES}

    before, workers = processes(), {name: info(name)["pid"] for name in PROXIES}
    run = run_playbook(CLUSTER.inventory)
    assert run.returncode == 0, run.output[-3000:]
    assert run.changes == set()
    assert (processes(), {name: info(name)["pid"] for name in PROXIES}) == (before, workers)
