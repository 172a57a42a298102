# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""More of tests/test_faults.py, and more often."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from integration.haproxy_faults import (
    AGENT,
    KILLED,
    SIGNAL,
    SILENT,
    Fault,
    leaves_and_comes_back,
    reload_under_load,
    unit_again,
    without_proxy,
)
from integration.lab_cluster import machine, run_playbook, wait_until
from integration.lab_haproxy import ADDRESSES, CLUSTER, PROXIES, READS, WRITES, Reads, info, note, power, whole

CLIENT_ADDRESS = "10.77.0.114"


@pytest.fixture(autouse=True)
def everybody_serves() -> Iterator[None]:
    whole()
    yield
    whole()


@pytest.mark.parametrize("fault", [KILLED, SILENT], ids=lambda fault: fault.name)
def test_a_reader_leaves_and_comes_back(fault: Fault) -> None:
    leaves_and_comes_back(fault)


def test_a_session_of_a_reader_that_left_ends() -> None:
    sessions = [Reads("idle", 6) for _session in range(6)]
    time.sleep(2)
    machine("hx3").check_output(f"systemctl stop {AGENT}")
    seen = [session.reads() for session in sessions]
    machine("hx3").check_output(f"systemctl start {AGENT}")
    assert "hx3" in {first.host for first, _last in seen}
    for first, last in seen:
        assert last.host == (None if first.host == "hx3" else first.host)


@pytest.mark.parametrize("port", [WRITES, READS])
def test_a_proxy_is_gone_for_less_than_the_bound_every_time(port: int) -> None:
    kill = f"{SIGNAL}=KILL --kill-whom=main haproxy"
    gaps = {
        "SIGKILL": [without_proxy(lambda name: machine(name).check_output(kill), unit_again("haproxy"), port)
                    for _time in range(3)],
        "power-off": [without_proxy(lambda name: power("power-off", name), lambda name: power("power-on", name), port)
                      for _time in range(2)],
    }  # fmt: skip
    print(gaps)


def test_the_worker_is_killed() -> None:
    def kill(name: str) -> None:
        machine(name).check_output("kill -KILL %s", str(info(name)["pid"]))

    without_proxy(kill, unit_again("haproxy"), READS)


def test_keepalived_of_a_proxy_is_killed() -> None:
    strike = f"{SIGNAL}=KILL keepalived"
    without_proxy(lambda name: machine(name).check_output(strike), unit_again("keepalived"), READS)


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("port", [WRITES, READS])
def test_no_connection_fails_while_haproxy_is_reloaded(proxy: str, port: int) -> None:
    assert reload_under_load(proxy, port, 1000) >= 5


# Hands a session on until the server has said this much: TLS stands, and the login is not over
SILENT_IN_THE_LOGIN = """
import socket, threading
listener = socket.create_server(("", 3399))
client, _address = listener.accept()
server = socket.create_connection(("%s", 3306))
def there():
    while data := client.recv(65536):
        server.sendall(data)
threading.Thread(target=there, daemon=True).start()
said = 0
while said < 1600 and (data := server.recv(65536)):
    said += len(data)
    if said < 1600:
        client.sendall(data)
threading.Event().wait(30)
"""


def test_a_receiver_that_waits_in_a_login_is_stopped_soon() -> None:
    """As one does that connects in the moment in which the writer VIP leaves. It took 42 s with net_retry_count 10."""
    script = SILENT_IN_THE_LOGIN % ADDRESSES[CLUSTER.writer()]
    client = subprocess.Popen(["docker", "exec", f"mha-{CLUSTER.client}", "timeout", "60", "python3", "-c", script])
    machine("hx3").check_output(f"systemctl stop {AGENT}")
    try:
        CLUSTER.query(
            "hx3",
            f"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{CLIENT_ADDRESS}', SOURCE_PORT = 3399, SOURCE_SSL = 1,"
            " SOURCE_USER = 'mha_repl', SOURCE_PASSWORD = 'lab-only-replication', SOURCE_AUTO_POSITION = 1"
            " FOR CHANNEL 'spare'; START REPLICA IO_THREAD FOR CHANNEL 'spare'",
        )
        time.sleep(0.5)
        began = time.monotonic()
        CLUSTER.query("hx3", "STOP REPLICA IO_THREAD FOR CHANNEL 'spare'")
        seconds = time.monotonic() - began
    finally:
        machine("hx3").run("mysql -e \"RESET REPLICA ALL FOR CHANNEL 'spare'\"")
        client.terminate()
        client.wait()
        machine("hx3").check_output(f"systemctl start {AGENT}")
    note("STOP REPLICA of a receiver in a login", round(seconds, 2))
    assert 5 < seconds < 10  # sooner, it waited for something else


def test_a_run_after_a_failover_changes_nothing() -> None:
    old = CLUSTER.writer()
    machine(old).check_output("systemctl stop mysql")
    wait_until(lambda: CLUSTER.writable() == [name for name in CLUSTER.candidates if name != old], "a new writer", 30)
    machine(old).check_output("systemctl start mysql")
    whole()
    run = run_playbook(CLUSTER.inventory)
    assert run.returncode == 0, run.output[-3000:]
    assert run.changes == set()
