# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scripts that end keepalived, and those that only speak of it."""

from __future__ import annotations

import time

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._keepalived_stops import kills_keepalived
from unit.vrrp.practitioners import LOCAL_CHECK_SCRIPT


@pytest.mark.parametrize(
    "text",
    [
        LOCAL_CHECK_SCRIPT, "pkill -9 keepalived", "if false; then\n  service keepalived stop\nfi",
        "kill `pidof keepalived`", "systemctl stop keepalived.service",
        "systemctl --no-block restart keepalived", "/etc/init.d/keepalived stop",
        "/etc/rc.d/init.d/keepalived restart", "kill -0 1; kill $(pidof keepalived)", "killall -15 keepalived",
        "killall -0 keepalived || killall -9 keepalived", "subprocess.call('killall keepalived', shell=True)",
        # what public check scripts write
        "systemctl stop nginx keepalived", 'systemctl stop "keepalived"', "systemctl disable --now keepalived",
        "ps -ef | grep keepalived | grep -v grep | awk '{print $2}' | xargs kill -9", "pgrep keepalived | xargs kill",
        "kill -9 $(ps -ef | grep keepalived | grep -v grep | awk '{print $2}')", "invoke-rc.d keepalived stop",
        "PID=$(cat /run/keepalived.pid); kill $PID", "PID=`pidof keepalived`\nkill -SIGTERM ${PID}",
        "subprocess.call(['systemctl', 'stop', 'keepalived'])", "subprocess.Popen(['service','keepalived','stop'])",
        "docker stop keepalived", "SVC=keepalived; systemctl stop $SVC", "rc-service keepalived stop",
        "for s in mysqld keepalived; do systemctl stop $s; done", "supervisorctl restart keepalived",
        "pidof keepalived | while read p; do kill $p; done", "systemctl \\\n stop keepalived",
        "pid = open('/run/keepalived.pid').read()\nos.kill(int(pid), signal.SIGTERM)",
        "sudo -n systemctl stop keepalived",
        "mysqladmin ping || systemctl stop keepalived # gives the VIP up", 'os.system("service keepalived stop")',
        "echo down | logger; pkill -f keepalived", "stop keepalived", "kill -9 $(</run/keepalived.pid)",
        "start-stop-daemon --stop --name keepalived", "start-stop-daemon -K -n keepalived",
        "CMD='systemctl stop keepalived'; $CMD", "cat <<EOF\nmysqld is down\nEOF\nsystemctl stop keepalived",
        "ssh db1 <<EOF\nsystemctl stop keepalived",
    ],
)  # fmt: skip
def test_scripts_that_stop_keepalived(text: str) -> None:
    assert kills_keepalived(text) == text.rstrip("\n").count("\n") + (0 if text.endswith("fi") or "\\\n" in text else 1)


@pytest.mark.parametrize(
    "text",
    ["# killall keepalived", "systemctl status keepalived", "service keepalived status", "pgrep keepalived", "",
     "killall mysqld; echo keepalived", "killall -0 keepalived", "kill -HUP $(pidof keepalived)",
     "kill -s USR1 `pidof keepalived`", "pkill --signal SIGHUP keepalived", "killall -q -1 keepalived",
     "kill -s $(keepalived --signum=JSON) $(cat /run/keepalived.pid)",
     # messages, comments, other things of its name, signals that ask for statistics
     "echo 'mysql is down, kill keepalived by hand' >> /var/log/ha.log", "kill $MYSQL_PID # keepalived moves the VIP",
     "kill -34 $(cat /run/keepalived.pid)", "logger 'systemctl stop keepalived'", 'print("please stop keepalived")',
     "logging.error('kill keepalived')", "kill -9 $(cat /etc/keepalived/mysqld.pid)",
     "kill $pid > /var/log/keepalived.log",
     "ps ax | grep mysqld | grep -v keepalived | xargs kill", "PID=$(pidof keepalived)\nkill -USR1 $PID",
     "systemctl disable keepalived", "systemctl reload keepalived", "systemctl stop mysqld; systemctl start keepalived",
     "/etc/keepalived/stop.sh mysqld", "docker exec keepalived date", "KEEP=keepalived\nkill $OTHER",
     "kill -CONT keepalived", "systemctl stop keepalived-exporter", 'MSG="systemctl stop keepalived"',
     "cat <<EOF >&2\nsystemctl stop keepalived\nEOF", "mail -s x root <<'E'\nkillall keepalived\nE",
     "start-stop-daemon --stop --signal HUP --name keepalived"],
)  # fmt: skip
def test_scripts_that_do_not(text: str) -> None:
    assert kills_keepalived(text) is None


def test_a_hostile_script_is_read_in_time() -> None:
    started = time.process_time()
    assert kills_keepalived(f"systemctl {'--a ' * 1000}x\n" * 60) is None
    assert kills_keepalived("kill " * 50_000) is None
    assert kills_keepalived(f"{'kill -' * 680}\n" * 60) is None
    assert time.process_time() - started < 10
